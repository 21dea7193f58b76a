"""What every studio page of the admin shares: rights, the page frame, errors as messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import django
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from image_studio.exceptions import StudioError
from image_studio.models import Asset, Job
from image_studio.policy import Policy
from image_studio.runner import beats
from image_studio.wording import explain_error

# ModelAdmin takes a type parameter only for type checkers.
if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

Crumb = tuple[str, str]


def policy_of(request: HttpRequest) -> Policy:
    """The rights of who asks, read once a request."""
    found: Policy | None = getattr(request, "studio_policy", None)
    if found is None:
        found = Policy(request.user)
        request.studio_policy = found  # type: ignore[attr-defined]
    return found


@contextmanager
def told(request: HttpRequest, done: str = "") -> Iterator[None]:
    """Run a verb; its refusal becomes a message on the next page, its success too."""
    try:
        yield
    except StudioError as error:
        messages.error(request, explain_error(error))
    else:
        if done:
            messages.success(request, done)


def wants_json(request: HttpRequest) -> bool:
    """Whether a script asks, and wants data back instead of a page."""
    return request.accepts("application/json") and not request.accepts("text/html")


def refusal(error: StudioError) -> JsonResponse:
    """A refusal as data: a stable code and the sentence that the page shows in place."""
    answer = {"ok": False, "code": error.code, "message": explain_error(error)}
    return JsonResponse(answer, status=error.http_status)


def picture_url(asset_id: Any, which: str = "preview") -> str:
    """The checked view of a picture, at the admin's own address: no include in the site's URLs is needed."""
    return reverse("admin:image_studio_asset_picture", args=[asset_id, which])


def thumbnail(asset: Asset, *, box: tuple[int, int] = (170, 156)) -> SafeString:
    """A picture at its true ratio, on a checker where it is transparent; its place is kept before it has loaded."""
    scale = min(1.0, box[0] / asset.width, box[1] / asset.height)
    return format_html(
        '<img class="studio-thumb{}" src="{}" width="{}" height="{}" alt="{}" loading="lazy" decoding="async">',
        " studio-checker" if asset.has_alpha else "",
        picture_url(asset.pk),
        round(asset.width * scale) or 1,
        round(asset.height * scale) or 1,
        asset.alt_for() or str(asset),
    )


def chip(state: str, words: Any) -> SafeString:
    """A state as colour and word."""
    return format_html('<span class="studio-chip studio-is-{}">{}</span>', state, words)


class StudioAdmin(ModelAdmin):
    """Rows and verbs of the person's brands; other brands' objects do not exist.

    :cvar verbs: admin permission -> the policy's verb that is needed on top of Django's model permission.
    """

    verbs: ClassVar[Mapping[str, str]] = {}
    #: The list's page title; empty takes the model's plural name.
    list_title: Any = ""
    #: Whether the list shows work, and so says when nobody does it.
    waits = False
    show_full_result_count = False

    class Media:
        css: ClassVar[dict[str, Sequence[str]]] = {"all": ("image_studio/studio.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return policy_of(request).visible(super().get_queryset(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """:raises Http404: for what is not there and for what this person may not know of."""
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def found(self, request: HttpRequest, object_id: str) -> Any:
        """The object of a URL, for the pages that are ours.

        :raises Http404: as above; a broken id is no error of the server.
        """
        try:
            found = self.get_queryset(request).filter(pk=unquote(object_id)).first()
        except (ValidationError, ValueError):
            found = None
        if found is None or not self.has_view_permission(request, found):
            raise Http404
        return found

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and self._may("view", request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._may("change", request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        verb = self.verbs.get("add")
        return super().has_add_permission(request) and (not verb or policy_of(request).somewhere(verb))

    def _may(self, what: str, request: HttpRequest, obj: Any) -> bool:
        verb = self.verbs.get(what)
        return obj is None or not verb or policy_of(request).can(verb, obj)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        title = self.list_title or str(self.opts.verbose_name_plural).capitalize()
        waits = self.waits and self._waiting(request) and worker_missing()
        return super().changelist_view(request, {"title": title, "worker_missing": waits, **(extra_context or {})})

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *where: Any, **options: Any) -> Any:
        """Django's own actions, on what is ticked; ids that are none are told, not answered with an error."""
        try:
            for text in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(text)
        except ValidationError:
            messages.error(request, _("Something else than rows of this list was ticked. Nothing was done."))
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset, *where, **options)

    def _waiting(self, request: HttpRequest) -> bool:
        return policy_of(request).visible(Job.objects.filter(state="queued")).exists()

    def page(
        self, request: HttpRequest, template: str, title: str, *, crumbs: Sequence[Crumb] = (), **context: Any
    ) -> TemplateResponse:
        """A page of ours inside the admin's frame."""
        request.current_app = self.admin_site.name
        frame = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "crumbs": crumbs,
            "media": self.media,
            "may_change": True,
            # Before Django 6.1 a page's tools stood inside its content, which our pages write themselves.
            "tools_inside": django.VERSION < (6, 1),
            **context,
        }
        return TemplateResponse(request, f"admin/image_studio/{template}", frame)

    def url(self, name: str, *args: Any) -> str:
        """The address of one of this model's admin pages."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=args)

    def list_crumb(self) -> Crumb:
        return str(self.list_title or str(self.opts.verbose_name_plural).capitalize()), self.url("changelist")

    def back(self, name: str, *args: Any, anchor: str = "") -> HttpResponse:
        return HttpResponseRedirect(self.url(name, *args) + (f"#{anchor}" if anchor else ""))


def worker_missing() -> bool:
    """Whether what waits will go on waiting, because nobody works."""
    return beats.alive() == 0
