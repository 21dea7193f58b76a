"""The library and a picture's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from image_studio.admin import picking, review_board
from image_studio.admin.base import StudioAdmin, chip, policy_of, thumbnail, told, worker_missing
from image_studio.admin.contact_sheet import said
from image_studio.admin.fields import PercentField, WordsField
from image_studio.admin.files import picture
from image_studio.admin.generating import generate, generate_url
from image_studio.admin.reviewing import VERBS, offered, publishing, say, say_controls
from image_studio.admin.uploading import UploadForm, take
from image_studio.models import Asset, Event
from image_studio.states import ASSET
from image_studio.wording import explain
from image_studio.workflow.library import describe

#: Of a recipe, what a person reads; ids and layers are for machines.
SHOWN = ("provider", "model", "route", "quality", "prompt", "micro_usd")
RIGHTS = ("rights_owner", "licence", "territory", "expires_at")


class AssetForm(forms.ModelForm):  # type: ignore[type-arg]
    """What may change of a picture: words, focal point, rights. The alt texts are added per brand."""

    focal_x = PercentField(label=gettext_lazy("from the left"), required=False)
    focal_y = PercentField(label=gettext_lazy("from the top"), required=False)

    class Meta:
        model = Asset
        fields = ("title", *RIGHTS, "focal_x", "focal_y")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.alt_names():
            self.initial.setdefault(name, self.instance.alt.get(name.removeprefix("alt_"), ""))

    def alt_names(self) -> list[str]:
        return [name for name in self.fields if name.startswith("alt_")]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        x, y = cleaned.get("focal_x"), cleaned.get("focal_y")
        if (x is None) != (y is None) and not {"focal_x", "focal_y"} & set(self.errors):
            self.add_error("focal_y" if y is None else "focal_x", _("A point needs both parts; or leave both empty."))
        return cleaned

    def changes(self) -> dict[str, Any]:
        """The keywords for :func:`describe`."""
        cleaned = self.cleaned_data
        x, y = cleaned["focal_x"], cleaned["focal_y"]
        words = {name.removeprefix("alt_"): cleaned[name] for name in self.alt_names()}
        cleared = {
            name for name, empty in (("focal", x is None), ("expires_at", cleaned["expires_at"] is None)) if empty
        }
        return {
            "title": cleaned["title"],
            # Languages that the brand no longer has keep their words.
            "alt": {**self.instance.alt, **words},
            "focal": None if x is None else (x, y),
            **{name: cleaned[name] for name in RIGHTS},
            "clear": frozenset(cleared),
        }


@admin.register(Asset)
class AssetAdmin(StudioAdmin):
    verbs: ClassVar[Mapping[str, str]] = {"view": "view", "change": "describe", "add": "ingest"}
    form = AssetForm
    list_title = gettext_lazy("Library")
    list_display = ("thumb", "name", "state_chip", "where", "facts")
    list_display_links = ("thumb", "name")
    list_filter = (
        "state",
        "kind",
        "origin",
        ("brand", admin.RelatedOnlyFieldListFilter),
        ("channel", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("brand", "channel")
    list_per_page = 60
    search_fields = ("title", "sha256__startswith")
    actions = (generate,)
    change_form_template = "admin/image_studio/asset.html"
    change_list_template = "admin/image_studio/asset_list.html"

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        name = "image_studio_asset"
        return [
            path("<uuid:asset_id>/picture/<str:which>/", wrap(picture, cacheable=True), name=f"{name}_picture"),
            path("<uuid:asset_id>/say/", wrap(require_POST(self.say_view)), name=f"{name}_say"),
            *review_board.urls(self),
            *picking.urls(self),
            *super().get_urls(),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        fields = {name: WordsField(label=f"{locale}", locale=locale, max_length=1000) for name, locale in _alts(obj)}
        kwargs["form"] = type("AssetForm", (AssetForm,), dict(fields))
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        alts = tuple(name for name, _locale in _alts(obj))
        return (
            (_("Words"), {"fields": ("title",)}),
            (
                _("Alt text"),
                {"fields": alts, "description": _("What somebody who cannot see the picture should know of it.")},
            ),
            (
                _("Focal point"),
                {
                    "fields": (("focal_x", "focal_y"),),
                    "description": _(
                        "In per cent of the picture. Crops keep this point; empty lets them find their own."
                    ),
                },
            ),
            (_("Rights"), {"fields": (("rights_owner", "licence"), ("territory", "expires_at"))}),
        )

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        asset = context.get("original")
        if asset is not None:
            context.update(self._story(request, asset))
        return super().render_change_form(request, context, *args, **kwargs)

    def _story(self, request: HttpRequest, asset: Asset) -> dict[str, Any]:
        """Everything that a picture's page shows beside the form."""
        policy = policy_of(request)
        verdicts = list(asset.verdicts.select_related("revision"))
        waits = publishing(asset)
        job = asset.publish_job
        return {
            "asset": asset,
            "state_chip": chip(asset.state, ASSET.labels[asset.state]),
            "title": _("Picture"),
            "verdicts": said(verdicts),
            "show_save_and_add_another": False,
            "actions_now": offered(policy, asset, verdicts),
            "say_form": say_controls(),
            "publishing": waits,
            "publish_error": explain(job.error_code, job.error_params) if job and job.error_code else "",
            "worker_missing": waits and worker_missing(),
            "lineage": _lineage(asset),
            "focal": [f"{part * 100:.2f}" for part in asset.focal] if asset.focal else None,
            "recipe": _recipe(asset),
            "children": policy.visible(asset.children.all())[:24],
            "variants": asset.variants.select_related("variant_set", "channel")[:24],
            "renditions": asset.renditions.all(),
            "reviews": asset.reviews.all(),
            "events": Event.objects.filter(object_type="asset", object_id=str(asset.pk))[:50],
            "may_original": policy.can("original", asset),
            "generate_url": generate_url(source=asset.pk) if policy.can("generate", asset) else "",
        }

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        return form.instance

    def save_model(self, request: HttpRequest, obj: Asset, form: Any, change: bool) -> None:
        describe(policy_of(request), Asset.objects.get(pk=obj.pk), **form.changes())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """There is nothing beside."""

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        """Upload: each file with its own outcome, refused ones named at the field."""
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

    def say_view(self, request: HttpRequest, asset_id: UUID) -> HttpResponse:
        """Approve, reject, publish or withdraw."""
        asset = self.found(request, str(asset_id))
        verb = request.POST.get("do", "")
        if not super().has_change_permission(request) or verb not in VERBS:
            raise PermissionDenied
        with told(request):
            messages.success(request, say(policy_of(request), asset, verb, request.POST))
        return self.back("change", asset.pk)

    @admin.display(description=gettext_lazy("picture"))
    def thumb(self, asset: Asset) -> SafeString:
        return thumbnail(asset)

    @admin.display(description=gettext_lazy("title"), ordering="title")
    def name(self, asset: Asset) -> str:
        return str(asset)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_chip(self, asset: Asset) -> SafeString:
        words = chip(asset.state, ASSET.labels[asset.state])
        return format_html("{} {}", words, chip("expired", _("Rights ended"))) if asset.expired else words

    @admin.display(description=gettext_lazy("where"))
    def where(self, asset: Asset) -> str:
        parts = (asset.brand.name, asset.channel.name if asset.channel else "", asset.locale)
        return " - ".join(part for part in parts if part)

    @admin.display(description=gettext_lazy("facts"), ordering="-id")
    def facts(self, asset: Asset) -> SafeString:
        origin = asset.get_origin_display()
        return format_html("{} &times; {} {}, {}", asset.width, asset.height, asset.format.upper(), origin)


def _alts(asset: Asset | None) -> list[tuple[str, str]]:
    """Field name and locale, for the languages of the picture's brand."""
    return [(f"alt_{locale}", locale) for locale in asset.brand.kit.locales] if asset else []


def _recipe(asset: Asset) -> list[tuple[str, str]]:
    """How it was made, as far as it is said in single words and numbers."""
    plain = ((key.replace("_", " "), value) for key, value in asset.recipe.items() if key in SHOWN)
    return [(key.capitalize(), str(value)[:300]) for key, value in plain if value not in ("", None, 0)]


def _lineage(asset: Asset) -> list[Asset]:
    """From the first ancestor down to the picture; chains are short and acyclic."""
    chain = [asset]
    while chain[0].parent is not None:
        chain.insert(0, chain[0].parent)
    return chain
