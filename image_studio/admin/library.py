"""The library: a grid of pictures, a rail of filters, and an action bar for what is ticked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from image_studio.admin.base import StudioAdmin, policy_of, refusal, wants_json
from image_studio.admin.languages import language
from image_studio.conf import conf
from image_studio.exceptions import InvalidRequest
from image_studio.models import Asset, Channel
from image_studio.models.asset import KINDS, ORIGINS
from image_studio.policy import Policy
from image_studio.states import ASSET
from image_studio.wording import explain_error
from image_studio.workflow import browse
from image_studio.workflow.browse import Filters
from image_studio.workflow.usage import Use, uses_of

PER_PAGE = 60
#: A rail is read by people: brands, channels and languages beyond this many are found by the search instead.
MOST_OPTIONS = 60
#: Options of a group that are seen at once; the others open below.
SEEN = 8
#: What Django's own list took before; kept for bookmarks.
ALIASES = {"state__exact": "state", "kind__exact": "kind", "origin__exact": "origin"}
#: Columns of a tile; what the search looks in and how a picture was made stay where they are.
COLUMNS = (
    *("brand", "channel", "locale", "kind", "origin", "width", "height", "format", "has_alpha", "source_type"),
    "colours",
    *("publishable", "micro_usd", "title", "alt", "expires_at", "used_at", "state", "change_asked", "created_by"),
    "requested_by",
    "brand__name",
    "channel__name",
)
SORT_WORDS = {
    "new": gettext_lazy("Newest"),
    "used": gettext_lazy("Last used"),
    "price": gettext_lazy("Price"),
}
ATTENTION = {
    ("asked", "yes"): gettext_lazy("Change asked"),
    ("rights", "soon"): gettext_lazy("Rights end soon"),
    ("rights", "over"): gettext_lazy("Rights ended"),
}
USED_WORDS = {"yes": gettext_lazy("Taken by a page"), "no": gettext_lazy("Never used")}
#: IPTC terms as people say them, the frequent ones first.
SOURCE_WORDS: dict[str, Any] = {
    "digitalCapture": gettext_lazy("Photo"),
    "humanEdits": gettext_lazy("Edited photo"),
    "trainedAlgorithmicMedia": gettext_lazy("AI"),
    "compositeWithTrainedAlgorithmicMedia": gettext_lazy("AI and real parts"),
    "composite": gettext_lazy("Composite"),
    "algorithmicMedia": gettext_lazy("Drawn by a program"),
    "compositeSynthetic": gettext_lazy("Composite, drawn"),
    "digitalCreation": gettext_lazy("Digital drawing"),
    "digitalArt": gettext_lazy("Digital art"),
    "minorHumanEdits": gettext_lazy("Lightly edited photo"),
    "compositeCapture": gettext_lazy("Composite of photos"),
    "computationalCapture": gettext_lazy("Computational photo"),
    "multiFrameComputationalCapture": gettext_lazy("Photo of several frames"),
    "algorithmicallyEnhanced": gettext_lazy("Enhanced by a program"),
    "screenCapture": gettext_lazy("Screen capture"),
    "virtualRecording": gettext_lazy("Virtual recording"),
    "dataDrivenMedia": gettext_lazy("Drawn from data"),
    "negativeFilm": gettext_lazy("Scan of a negative"),
    "positiveFilm": gettext_lazy("Scan of a slide"),
    "print": gettext_lazy("Scan of a print"),
    "trainedAlgorithmicData": gettext_lazy("AI, from data"),
    "softwareImage": gettext_lazy("Made by software"),
}


@dataclass(frozen=True, kw_only=True)
class Option:
    """A filter to follow, or to drop where it is chosen."""

    label: Any
    url: str
    chosen: bool
    count: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """A heading of the rail with its options."""

    label: Any
    options: list[Option]

    @property
    def seen(self) -> list[Option]:
        return self.options[:SEEN]

    @property
    def more(self) -> list[Option]:
        return self.options[SEEN:]

    @property
    def open(self) -> bool:
        """Whether one of the hidden ones is chosen."""
        return any(option.chosen for option in self.more)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A picture of the grid with what its badges say."""

    asset: Asset
    state: Any
    source: Any
    rights: str
    uses: list[Use]
    name: str

    @property
    def used(self) -> str:
        places = len(self.uses)
        return ngettext("In use", "In use {n} times", places).format(n=places) if places else ""

    @property
    def where(self) -> str:
        asset = self.asset
        parts = (asset.channel.name if asset.channel else "", asset.locale, f"{asset.width} × {asset.height}")
        return ", ".join(part for part in parts if part)


def library(page: StudioAdmin, request: HttpRequest) -> HttpResponse:
    """The list: a page of it as a page, or as data for the script that scrolls."""
    if not page.has_view_or_change_permission(request):
        raise PermissionDenied
    policy = policy_of(request)
    given = {ALIASES.get(key, key): str(value) for key, value in request.GET.items()}
    filters, wrong = Filters.read(given)
    if request.method == "POST":
        return _act(page, request, filters)
    sort = given["sort"] if given.get("sort") in browse.SORTS else "new"
    rows = browse.filtered(policy, filters).select_related("brand", "channel").only(*COLUMNS)
    notices = [_("The filter “{name}” is not understood and left out.").format(name=name) for name in wrong]
    how: dict[str, Any] = {"limit": PER_PAGE, "brands": browse.split(policy, filters), "few": filters.few}
    try:
        found = browse.page(rows, sort=sort, cursor=given.get("cursor", ""), **how)
    except InvalidRequest as error:
        if wants_json(request):
            return refusal(error)
        notices.append(explain_error(error))
        found = browse.page(rows, sort=sort, **how)
    urls = {way: _url(filters, sort, cursor) for way, cursor in (("next", found.next), ("previous", found.previous))}
    shown: dict[str, Any] = {"tiles": tiles(found.rows), "next_url": urls["next"] if found.next else ""}
    if wants_json(request):
        return _as_data(request, shown)
    return page.page(
        request,
        "asset_list.html",
        _("Library"),
        **shown,
        previous_url=urls["previous"] if found.previous else "",
        notices=notices,
        **_around(page, request, policy, filters, sort),
    )


def _as_data(request: HttpRequest, shown: Mapping[str, Any]) -> HttpResponse:
    html = render_to_string("admin/image_studio/asset_tiles.html", {**shown, "tickable": True}, request=request)
    answer = JsonResponse({"ok": True, "html": html, "next": shown["next_url"], "count": len(shown["tiles"])})
    patch_vary_headers(answer, ["Accept"])
    return answer


def _around(page: StudioAdmin, request: HttpRequest, policy: Policy, filters: Filters, sort: str) -> dict[str, Any]:
    """What stands around the grid."""
    brands = list(policy.brands("ingest").order_by("name")[:MOST_OPTIONS]) if page.has_add_permission(request) else []
    groups = rail(policy, filters, sort)
    return {
        "filters": filters,
        "sort": sort,
        "sorts": [(words, _url(filters, key), key == sort) for key, words in SORT_WORDS.items()],
        "groups": groups,
        "chosen": _chosen(filters, groups, sort),
        "clear_url": _url(Filters(q=filters.q), sort),
        "brands": brands,
        "upload_brand": next((brand.pk for brand in brands if brand.slug == filters.brand), None),
        "most_bytes": conf().max_upload_bytes,
        "may_review": policy.somewhere("review"),
        "may_generate": policy.somewhere("generate"),
        "may_edit": request.user.has_perm("image_studio.add_editchain") and policy.somewhere("generate"),
        "may_tag": page.has_change_permission(request) and policy.somewhere("describe"),
        "tickable": True,
    }


def tiles(assets: list[Asset]) -> list[Tile]:
    """Tiles of a page of pictures: one look for all their uses."""
    used = uses_of(assets)
    return [tile(asset, used.get(asset.pk, [])) for asset in assets]


def tile(asset: Asset, uses: list[Use]) -> Tile:
    source = _("Placeholder") if not asset.publishable else SOURCE_WORDS.get(asset.source_type, asset.source_type)
    return Tile(
        asset=asset,
        state=ASSET.labels[asset.state],
        source=source,
        rights=rights(asset),
        uses=uses,
        name=asset.alt_for() or str(asset),
    )


def rights(asset: Asset) -> str:
    """What to say of the end of a picture's rights; empty while it is far."""
    if asset.expires_at is None:
        return ""
    left = asset.expires_at - timezone.now()
    if left <= timedelta(0):
        return _("Rights ended")
    if left > browse.SOON:
        return ""
    if not left.days:
        return _("Rights end today")
    return ngettext("Rights end in {n} day", "Rights end in {n} days", left.days).format(n=left.days)


# The rail ----------------------------------------------------------------------------------------------------------


def _url(filters: Filters, sort: str = "new", cursor: str = "", **changes: str) -> str:
    """The address of the list with these filters, and some of them otherwise."""
    query = {**filters.active, **changes}
    if sort != "new":
        query["sort"] = sort
    if cursor:
        query["cursor"] = cursor
    return "?" + urlencode({key: value for key, value in query.items() if value})


def rail(policy: Policy, filters: Filters, sort: str) -> list[Group]:
    """The filters. Their options are known beforehand or short lists of their own: no picture is read for them."""
    names = policy.brands().order_by("name").values_list("slug", "name", "revision__content__locales")
    brands = list(names[:MOST_OPTIONS])
    locales = sorted({locale for _slug, _name, spoken in brands for locale in spoken or ()})
    channels = Channel.objects.order_by("name").values_list("slug", "name")[:MOST_OPTIONS]

    def group(label: Any, name: str, choices: Iterable[tuple[str, Any]]) -> Group:
        options = [_option(filters, sort, name, value, words) for value, words in choices]
        return Group(label=label, options=options)

    groups = [
        _attention(policy, filters, sort),
        group(_("State"), "state", ASSET.labels.items()),
        group(_("Brand"), "brand", [(slug, name) for slug, name, _spoken in brands] if len(brands) > 1 else []),
        group(_("Channel"), "channel", channels),
        group(_("Language"), "locale", [(locale, language(locale)) for locale in locales]),
        group(_("Source"), "source_type", SOURCE_WORDS.items()),
        group(_("In use"), "used", USED_WORDS.items()),
        group(_("Kind"), "kind", KINDS.items()),
        group(_("Origin"), "origin", ORIGINS.items()),
    ]
    return [found for found in groups if found.options]


def _attention(policy: Policy, filters: Filters, sort: str) -> Group:
    counts = browse.counted(policy)
    known = {("asked", "yes"): counts["asked"], ("rights", "soon"): counts["soon"]}
    options = [
        _option(filters, sort, name, value, words, known.get((name, value), 0))
        for (name, value), words in ATTENTION.items()
    ]
    return Group(label=_("Asks for attention"), options=options)


def _option(filters: Filters, sort: str, name: str, value: str, words: Any, count: int = 0) -> Option:
    chosen = getattr(filters, name) == value
    shown = "" if not count else f"{count}+" if count >= browse.MOST_COUNTED else str(count)
    url = _url(filters.without(name), sort) if chosen else _url(filters, sort, **{name: value})
    return Option(label=words, url=url, chosen=chosen, count=shown)


def _chosen(filters: Filters, groups: list[Group], sort: str) -> list[tuple[Any, str]]:
    """The active filters in words, each with the address without it."""
    words = {option.url: option.label for group in groups for option in group.options if option.chosen}
    urls = [(value, _url(filters.without(name), sort)) for name, value in filters.active.items()]
    return [(words.get(url, f"“{value}”"), url) for value, url in urls]


# Actions -----------------------------------------------------------------------------------------------------------


def _act(page: StudioAdmin, request: HttpRequest, filters: Filters) -> HttpResponse:
    """Django's own admin actions, on what is ticked; ids that are none are told, not answered with an error."""
    here = HttpResponseRedirect(request.get_full_path())
    if not all(_is_id(text) for text in request.POST.getlist(ACTION_CHECKBOX_NAME)):
        messages.error(request, _("Something else than pictures was ticked. Nothing was done."))
        return here
    across = request.POST.get("select_across") == "1"
    rows = browse.filtered(policy_of(request), filters).order_by("-pk") if across else page.get_queryset(request)
    return page.response_action(request, queryset=rows) or here


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
