"""Recipes: the list, each one's steps in plain words, and the way to replay it on other pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from image_studio.admin import replaying
from image_studio.admin.base import StudioAdmin, policy_of
from image_studio.admin.edit_words import percent, where_words
from image_studio.conf import routes
from image_studio.models import STEP_KINDS, EditChain, EditRecipe, Replay
from image_studio.policy import Policy
from image_studio.runner.edit_requests import StepOrder

#: Recipes that can be chosen from at once, and replays that a recipe's page remembers.
MOST_CHOICES, MOST_REPLAYS = 60, 12


@dataclass(frozen=True, kw_only=True)
class Part:
    """One step of a recipe in plain words.

    :param shapes: its place in per cent, for the small drawing: corners of each shape; empty for all of the picture.
    """

    number: int
    kind: Any
    words: str
    place: str
    route: str
    shapes: tuple[str, ...] = ()
    more: str = ""


def parts_of(recipe: EditRecipe) -> list[Part]:
    """Its steps as people read them."""
    return [_part(number, plain) for number, plain in enumerate(recipe.steps, 1)]


def _part(number: int, plain: Mapping[str, Any]) -> Part:
    order = StepOrder.from_dict(plain)
    known = routes().get(order.route)
    kind = STEP_KINDS.get(order.kind, order.kind)
    if order.kind == "extend":
        kind = _("Extend to {ratio}").format(ratio=order.ratio)
    count = len(order.references)
    return Part(
        number=number,
        kind=kind,
        words=order.instruction,
        place=_place(order),
        route=str(known.title) if known else order.route,
        shapes=tuple(_shapes(order)),
        more=ngettext("{n} reference goes along", "{n} references go along", count).format(n=count) if count else "",
    )


def _shapes(order: StepOrder) -> Iterator[str]:
    """What SVG draws of its place: ``10.0,20.0 50.0,20.0 50.0,80.0``."""
    polygons = order.polygons
    if order.region:
        x, y, width, height = order.region
        polygons = (((x, y), (x + width, y), (x + width, y + height), (x, y + height)),)
    for corners in polygons:
        yield " ".join(f"{x * 100:.1f},{y * 100:.1f}" for x, y in corners)


def _place(order: StepOrder) -> str:
    if order.region:
        share = percent(order.region[2] * order.region[3])
        return _("{share} of the picture, {where}").format(share=share, where=where_words(order.region))
    if order.polygons:
        return _("a drawn shape")
    if order.mask:
        return _("a painted part: it needs a picture of the same shape")
    return _("all of the picture")


@admin.register(EditRecipe)
class EditRecipeAdmin(StudioAdmin):
    verbs: ClassVar[Mapping[str, str]] = {"view": "view", "change": "generate"}
    list_display = ("title", "in_words", "brand", "history", "saved")
    list_title = gettext_lazy("Edit recipes")
    list_display_links = ("title",)
    list_filter = (("brand", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("brand",)
    list_per_page = 30
    search_fields = ("name",)
    ordering = ("-id",)
    actions = None
    change_list_template = "admin/image_studio/recipe_list.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        # A recipe is kept from an edit history, where there is something to keep.
        return False

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        name = "image_studio_editrecipe"
        both = require_http_methods(["GET", "HEAD", "POST"])
        return [
            path("choose/", wrap(require_http_methods(["GET", "HEAD"])(self.choose_view)), name=f"{name}_choose"),
            path("<uuid:recipe_id>/replay/", wrap(both(self.replay_view)), name=f"{name}_replay"),
            path("<uuid:recipe_id>/replay/price/", wrap(require_POST(self.price_view)), name=f"{name}_price"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The recipe in plain words; it never changes."""
        recipe: EditRecipe = self.found(request, object_id)
        if request.method == "POST":
            raise PermissionDenied
        policy = policy_of(request)
        return self.page(
            request,
            "recipe.html",
            recipe.name,
            crumbs=[self.list_crumb()],
            recipe=recipe,
            parts=parts_of(recipe),
            history_url=_history(policy, [recipe]).get(recipe.pk, ""),
            replays=policy.visible(Replay.objects.filter(recipe=recipe))[:MOST_REPLAYS],
            may_replay=replaying.may_replay(policy, recipe),
        )

    def replay_view(self, request: HttpRequest, recipe_id: UUID) -> HttpResponse:
        """Choose pictures and routes, see the price, then replay."""
        recipe = self.found(request, str(recipe_id))
        return replaying.respond(self, request, recipe, parts_of(recipe))

    def price_view(self, request: HttpRequest, recipe_id: UUID) -> HttpResponse:
        """The form as it stands, priced, as data for the page's script."""
        return replaying.price(self, request, str(recipe_id))

    def choose_view(self, request: HttpRequest) -> HttpResponse:
        """Which recipe to replay on the pictures that somebody ticked in the library."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        policy = policy_of(request)
        pictures = replaying.pictures(policy, request.GET.getlist("picture"))
        brands = {asset.brand_id for asset in pictures}
        rows = policy.visible(EditRecipe.objects.select_related("brand").filter(brand__in=brands))[:MOST_CHOICES]
        query = urlencode({"picture": [str(asset.pk) for asset in pictures]}, doseq=True)
        return self.page(
            request,
            "recipe_choose.html",
            _("Replay a recipe"),
            crumbs=[self.list_crumb()],
            pictures=pictures,
            mixed=len(brands) > 1,
            choices=[
                (recipe, parts_of(recipe), f"{self.url('replay', recipe.pk)}?{query}")
                for recipe in rows
                if replaying.may_replay(policy, recipe)
            ],
        )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        urls = _history(policy_of(request), found.result_list)
        for recipe in found.result_list:
            recipe.history_url = urls.get(recipe.pk, "")
        return found

    @admin.display(description=gettext_lazy("recipe"), ordering="name")
    def title(self, recipe: EditRecipe) -> str:
        return recipe.name

    @admin.display(description=gettext_lazy("what it does"))
    def in_words(self, recipe: EditRecipe) -> SafeString:
        words = "; ".join(f"{part.kind}: {part.words}" if part.words else str(part.kind) for part in parts_of(recipe))
        return format_html('<span class="rec-words">{}</span>', words[:300])

    @admin.display(description=gettext_lazy("from"))
    def history(self, recipe: Any) -> SafeString | str:
        if not recipe.history_url:
            return "—"
        return format_html('<a href="{}">{}</a>', recipe.history_url, _("Edit history"))

    @admin.display(description=gettext_lazy("kept"), ordering="id")
    def saved(self, recipe: EditRecipe) -> SafeString:
        return format_html(
            "{}<br><span class='studio-quiet'>{}</span>",
            date_format(localtime(recipe.created_at), "SHORT_DATETIME_FORMAT"),
            recipe.actor_label,
        )


def _history(policy: Policy, recipes: Sequence[EditRecipe]) -> dict[UUID, str]:
    """Where each was made, as far as that is still there for this person: one query for all."""
    wanted = {recipe.pk: str(recipe.made_of.get("chain", "")) for recipe in recipes}
    ids = [pk for pk in wanted.values() if _is_id(pk)]
    there = {str(pk) for pk in policy.visible(EditChain.objects.filter(pk__in=ids)).values_list("pk", flat=True)}
    return {
        recipe.pk: reverse("admin:image_studio_editchain_change", args=[wanted[recipe.pk]])
        + f"?step={recipe.made_of.get('step', 1)}"
        for recipe in recipes
        if wanted[recipe.pk] in there
    }


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
