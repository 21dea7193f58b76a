"""The library and a picture's page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from image_studio.admin import changing, picking, replacing, review_board
from image_studio.admin.asset_forms import AssetForm
from image_studio.admin.asset_page import story
from image_studio.admin.base import StudioAdmin, policy_of, refusal, wants_json
from image_studio.admin.files import picture
from image_studio.admin.generating import generate
from image_studio.admin.library import library
from image_studio.admin.reviewing import VERBS, say
from image_studio.admin.uploading import UploadForm, for_scripts, take, upload_view
from image_studio.exceptions import InvalidRequest, NotAllowed, StudioError
from image_studio.models import Asset
from image_studio.states import ASSET
from image_studio.wording import explain_error
from image_studio.workflow import review
from image_studio.workflow.browse import clean, search
from image_studio.workflow.library import tag
from image_studio.workflow.replays import MOST_CHAINS

#: One press of a button touches at most this many pictures.
MOST_AT_ONCE = 500
#: Fifty tags of fifty characters, and commas.
MOST_TAGS = 3000


@admin.action(description=gettext_lazy("Put on the shortlist"), permissions=["change"])
def shortlist(page: StudioAdmin, request: HttpRequest, rows: QuerySet[Asset]) -> None:
    """Shortlist what is ticked."""
    _each(request, rows, on=True)


@admin.action(description=gettext_lazy("Take off the shortlist"), permissions=["change"])
def unshortlist(page: StudioAdmin, request: HttpRequest, rows: QuerySet[Asset]) -> None:
    """Take what is ticked off the shortlist."""
    _each(request, rows, on=False)


def _each(request: HttpRequest, rows: QuerySet[Asset], *, on: bool) -> None:
    """Shortlist each alone: what cannot be is told once per reason, and stops no other."""
    done, refused = 0, Counter[str]()
    for asset in rows[:MOST_AT_ONCE]:
        try:
            review.shortlist(policy_of(request), asset, on=on)
        except StudioError as error:
            refused[explain_error(error)] += 1
        else:
            done += 1
    if done:
        one, many = "{n} picture is on the shortlist.", "{n} pictures are on the shortlist."
        if not on:
            one, many = "{n} picture is off the shortlist.", "{n} pictures are off the shortlist."
        messages.success(request, ngettext(one, many, done).format(n=done))
    for words, count in refused.items():
        told = ngettext("{n} picture stays as it is: {why}", "{n} pictures stay as they are: {why}", count)
        messages.warning(request, told.format(n=count, why=words))


@admin.action(description=gettext_lazy("Tag"), permissions=["change"])
def add_tags(page: StudioAdmin, request: HttpRequest, rows: QuerySet[Asset]) -> None:
    """Give what is ticked the tags of the field beside the button."""
    tags = clean(request.POST.get("tags", ""), most=MOST_TAGS).split(",")
    try:
        changed = tag(policy_of(request), list(rows[:MOST_AT_ONCE]), tags)
    except StudioError as error:
        messages.error(request, explain_error(error))
    else:
        count = len(changed)
        messages.success(request, ngettext("{n} picture tagged.", "{n} pictures tagged.", count).format(n=count))


@admin.action(description=changing.TITLE, permissions=["view"])
def change_this(page: StudioAdmin, request: HttpRequest, rows: QuerySet[Asset]) -> HttpResponse | None:
    """Open *Change this* for the one picture that is ticked."""
    chosen = list(rows[:2])
    if len(chosen) != 1:
        messages.warning(request, _("Choose one picture at a time. A recipe changes many in the same way."))
        return None
    url = changing.change_url(policy_of(request), chosen[0])
    if not url:
        messages.error(request, _("You may look at this picture, but not change it."))
        return None
    return HttpResponseRedirect(url)


@admin.action(description=gettext_lazy("Replay a recipe"), permissions=["view"])
def replay_on(page: StudioAdmin, request: HttpRequest, rows: QuerySet[Asset]) -> HttpResponse | None:
    """Choose a recipe for what is ticked; nothing is asked for yet."""
    chosen = list(rows.values_list("pk", flat=True)[: MOST_CHAINS + 1])
    if len(chosen) > MOST_CHAINS:
        messages.warning(request, _("Choose at most {n} pictures at a time.").format(n=MOST_CHAINS))
        return None
    query = urlencode({"picture": [str(pk) for pk in chosen]}, doseq=True)
    return HttpResponseRedirect(f"{reverse('admin:image_studio_editrecipe_choose')}?{query}")


@admin.register(Asset)
class AssetAdmin(StudioAdmin):
    verbs: ClassVar[Mapping[str, str]] = {"view": "view", "change": "describe", "add": "ingest"}
    list_title = gettext_lazy("Library")
    actions = (generate, change_this, replay_on, shortlist, unshortlist, add_tags)
    #: For a site's own autocomplete fields; the library's search looks in the same words.
    search_fields = ("words",)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        name = "image_studio_asset"
        return [
            path("upload/", upload_view(self), name=f"{name}_upload"),
            path("<uuid:asset_id>/picture/<str:which>/", wrap(picture, cacheable=True), name=f"{name}_picture"),
            path("<uuid:asset_id>/say/", for_scripts(self, require_POST(self.say_view)), name=f"{name}_say"),
            *changing.urls(self),
            *replacing.urls(self),
            *review_board.urls(self),
            *picking.urls(self),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return library(self, request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return search(queryset, search_term), False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        """Upload without a script: each file with its own outcome, refused ones named at the field."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        brands = policy_of(request).brands("ingest")
        form = UploadForm(request.POST or None, request.FILES or None, brands=brands)
        if request.method == "POST" and form.is_valid():
            done = take(policy_of(request), form)
            for asset, duplicate in done:
                url = self.url("change", asset.pk)
                words = _("Already here: {link}") if duplicate else _("Added: {link}")
                messages.success(request, format_html(words, link=format_html('<a href="{}">{}</a>', url, asset)))
            if not form.errors:
                return self.back("change", done[0][0].pk) if len(done) == 1 else self.back("changelist")
        return self.page(request, "asset_add.html", _("Upload pictures"), crumbs=[self.list_crumb()], form=form)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """A picture's page; a post is its words."""
        asset = self.found(request, object_id)
        if request.method != "POST":
            return self._shown(request, asset)
        if not self.has_change_permission(request, asset):
            raise PermissionDenied
        form = AssetForm(request.POST, asset=asset)
        if not request.POST.keys() & form.fields.keys():
            # A body that is no form reads like a form that empties everything.
            messages.error(request, _("The form came without its fields. Nothing was changed: send it again."))
            return self.back("change", asset.pk, anchor="use")
        if form.is_valid():
            changed = form.save(policy_of(request))
            if not form.errors:
                if changed:
                    self.log_change(request, asset, [{"changed": {"fields": changed}}])
                messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
                return self.back("change", asset.pk, anchor="use")
        return self._shown(request, self.found(request, object_id), form=form)

    def _shown(self, request: HttpRequest, asset: Asset, *, form: Any = None, sent: Any = None) -> HttpResponse:
        policy = policy_of(request)
        return self.page(
            request,
            "asset.html",
            str(asset),
            crumbs=[self.list_crumb()],
            form=form or AssetForm(asset=asset),
            may_change=self.has_change_permission(request, asset),
            **story(policy, asset, sent),
        )

    def say_view(self, request: HttpRequest, asset_id: UUID) -> HttpResponse:
        """Approve, reject, ask for a change, publish or withdraw: a page, or data for a script."""
        as_data = wants_json(request)
        try:
            asset = self.found(request, str(asset_id))
        except Http404:
            if not as_data:
                raise
            answer = refusal(InvalidRequest("asset.unknown", asset=str(asset_id)))
            answer.status_code = 404
            return answer
        try:
            done = self._say(request, asset)
        except StudioError as error:
            return refusal(error) if as_data else self._refused(request, asset, error)
        if as_data:
            now = Asset.objects.values_list("state", flat=True).get(pk=asset.pk)
            return JsonResponse({"ok": True, "message": done, "state": now, "label": str(ASSET.labels[now])})
        messages.success(request, done)
        return self._next(request) or self.back("change", asset.pk)

    def _say(self, request: HttpRequest, asset: Asset) -> str:
        """:raises StudioError: whatever the workflow refuses."""
        verb = request.POST.get("do", "")
        if verb not in VERBS:
            raise InvalidRequest("asset.unknown_verb", verb=verb[:40])
        # Django's own permission first; what the brand allows, the workflow judges.
        if not super().has_change_permission(request):
            raise NotAllowed("policy.not_allowed", verb=verb, role="reviewer")
        return say(policy_of(request), asset, verb, request.POST)

    def _refused(self, request: HttpRequest, asset: Asset, error: StudioError) -> HttpResponse:
        """Back where it was said, with the reason; on the picture's own page what was written still stands there."""
        messages.error(request, explain_error(error))
        elsewhere = self._next(request)
        return elsewhere or self._shown(request, self.found(request, str(asset.pk)), sent=request.POST)

    def _next(self, request: HttpRequest) -> HttpResponse | None:
        """To where a form asked to go on, when that is on this site."""
        url = request.POST.get("next", "")
        safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
        return HttpResponseRedirect(url) if url and safe else None
