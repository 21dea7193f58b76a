"""What the *Studio* panel shows: in the tab of a chooser, and on the studio's page in the menu.

A panel asks for a picture in words, says its price, orders it, shows what comes, and takes the release of who may
release. Each step is one answer of the server; without a script the page in the menu does the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from image_studio.contrib.wagtail.widgets import studio_url
from image_studio.exceptions import StudioError
from image_studio.fields.forms import thumb_of
from image_studio.models import DECLARATION, Asset, Brand, Channel, VariantSet
from image_studio.policy import Policy
from image_studio.wording import explain, explain_error
from image_studio.wording.money import price_words
from image_studio.workflow.orders import Order
from image_studio.workflow.plan import Matrix
from image_studio.workflow.preview import RouteCard, route_cards
from image_studio.workflow.prompts import prompt_of_words
from image_studio.workflow.sheet import Cell, sheet
from image_studio.workflow.usage import choosable, facts_of

PREFIX = "image_studio_wagtail"
#: Where a panel can stand, and which of the dialog's own parameters a choice must keep.
KINDS = ("page", "image", "asset")
#: What a field or block wants of its pictures.
NARROWING = ("brand", "channel")
KEPT = ("select_format", "multiple", *NARROWING)
#: Published pictures below the form.
NEWEST = 12
MOST_SOURCES = 12


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the panel stands, and what it starts from: all that its addresses carry.

    :param kind: ``page``; ``image``, in Wagtail's image chooser; ``asset``, in the studio's own.
    :param kept: parameters of the dialog that its answer needs.
    :param sources: ids of the pictures that variants are made of.
    """

    kind: str = "page"
    kept: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: Any, *, kind: str = "") -> Place:
        wanted = kind or query.get("place", "")
        return cls(
            kind=wanted if wanted in KINDS else "page",
            kept={name: query[name] for name in KEPT if query.get(name)},
            sources=tuple(dict.fromkeys(query.getlist("source")))[:MOST_SOURCES],
        )

    @property
    def brand(self) -> str:
        """The slug of the one brand whose pictures the place takes; empty takes every brand's."""
        return self.kept.get("brand", "")

    @property
    def channel(self) -> str:
        return self.kept.get("channel", "")

    @property
    def query(self) -> str:
        return urlencode([("place", self.kind), *self.kept.items(), *(("source", one) for one in self.sources)])

    def url(self, name: str, *args: Any) -> str:
        return f"{reverse(f'{PREFIX}:{name}', args=args)}?{self.query}"

    def chosen_url(self, key: Any) -> str:
        """Where the dialog is told of a choice: an image's or a picture's id."""
        if self.kind == "asset":
            base = reverse(f"{PREFIX}_chooser:chosen", args=[key])
        else:
            step = "select_format" if self.kept.get("select_format") else "chosen"
            base = reverse(f"wagtailimages_chooser:{step}", args=[key])
        return f"{base}?{urlencode(self.kept)}" if self.kept else base


class OrderForm(forms.Form):
    """One picture in words: of a brand, for a place, in a language. Only such as the panel's place takes."""

    brand = forms.ModelChoiceField(label=_("Brand"), queryset=Brand.objects.none(), empty_label=None)
    words = forms.CharField(
        label=_("What should the picture show?"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    channel = forms.ModelChoiceField(label=_("Where it goes"), queryset=Channel.objects.none(), empty_label=None)
    locale = forms.ChoiceField(label=_("Language"))
    route = forms.ChoiceField(label=_("How it is made"))
    takes = forms.IntegerField(label=_("How many to choose from"), min_value=1, max_value=4, initial=2)
    key = forms.CharField(max_length=60, widget=forms.HiddenInput)
    digest = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, policy: Policy, place: Place, sources: tuple[Asset, ...] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.policy, self.sources = policy, sources
        fields: Any = self.fields
        brands = brands_for(policy, place).select_related("revision").order_by("name")
        fields["brand"].queryset = brands.filter(pk__in={one.brand_id for one in sources}) if sources else brands
        fields["channel"].queryset = _of(Channel.objects.filter(active=True).order_by("name"), place.channel)
        fields["words"].required = not sources
        locales = list(dict.fromkeys(code for brand in fields["brand"].queryset for code in brand.kit.locales))
        fields["locale"].choices = [(code, code) for code in locales]
        self.initial.setdefault("locale", _nearest(locales))
        cards = [card for card in route_cards(policy, has_source=bool(sources)) if card.usable]
        cards.sort(key=lambda card: (not card.publishable, not card.free))
        fields["route"].choices = [(card.spec.name, _route_words(card)) for card in cards]
        self.initial.setdefault("key", uuid.uuid4().hex)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        brand, locale = found.get("brand"), found.get("locale")
        if brand and locale and locale not in brand.kit.locales:
            known = ", ".join(brand.kit.locales)
            words = _t("This brand has no lines in that language. Choose one of {known}.").format(known=known)
            self.add_error("locale", words)
        return found

    def matrices(self) -> list[Matrix]:
        """One for the words, or one per picture. The words become a prompt of the brand: the same ones only once.

        :raises StudioError: where they cannot be one.
        """
        given = self.cleaned_data
        words = given["words"].strip()
        version = prompt_of_words(self.policy, given["brand"], words) if words else None
        common = {
            "brand": given["brand"],
            "route": given["route"],
            "channels": (given["channel"],),
            "locales": (given["locale"],),
            "takes": given["takes"],
            "prompt_version": version,
        }
        return [Matrix(source=source, **common) for source in self.sources or (None,)]


def brands_for(policy: Policy, place: Place) -> QuerySet[Brand]:
    """The brands in which a person may make a picture that the place takes."""
    return _of(policy.brands("generate"), place.brand)


def _of(rows: QuerySet[Any], slug: str) -> QuerySet[Any]:
    return rows.filter(slug=slug) if slug else rows


def _nearest(locales: list[str]) -> str:
    now = get_language() or ""
    return next((code for code in locales if code == now or code.split("-")[0] == now.split("-")[0]), "")


def _route_words(card: RouteCard) -> str:
    told = [str(card.spec.title)]
    if card.free:
        told.append(_t("free"))
    if not card.publishable:
        told.append(_t("only to look at, never published"))
    return ", ".join(told)


def order_of(form: OrderForm) -> Order | None:
    """The form, priced and judged; None where it does not hold, which the form then says."""
    if not form.is_valid():
        return None
    try:
        return Order.of(form.policy, form.matrices())
    except StudioError as error:
        form.add_error(None, explain_error(error))
        return None


def order_words(order: Order) -> dict[str, Any]:
    """What the panel says of an order: findings, and the button with the price."""
    pictures = ngettext("Make {n} picture: {price}", "Make {n} pictures: {price}", order.pictures)
    return {
        "findings": list(dict.fromkeys((explain(one.code, one.params), one.blocks) for one in order.findings)),
        "button": "" if order.blocked else pictures.format(n=order.pictures, price=price_words(order.price)),
        "digest": order.digest,
    }


def sources_of(policy: Policy, place: Place) -> tuple[Asset, ...]:
    """The pictures that the panel starts from, as far as the person may see them."""
    keys = [key for one in place.sources if (key := key_of(one))]
    found = policy.visible(Asset.objects.select_related("brand__revision")).in_bulk(keys) if keys else {}
    return tuple(found[key] for key in keys if key in found)


def key_of(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture as the panel shows it.

    :param state: in words: why there is no picture, or what it waits for.
    :param offer: ``use``, ``release`` (approve and publish), ``publish``; empty where the person can do nothing.
    :param missing: the languages that still need an alt text.
    """

    asset: Asset | None
    thumb: tuple[str, int, int] | None
    state: str
    offer: str = ""
    missing: tuple[str, ...] = ()
    declaration: tuple[tuple[str, Any], ...] = ()
    problem: str = ""
    facts: str = ""
    studio: str = ""


def coming(policy: Policy, variant_set: VariantSet, *, problem: tuple[str, str] = ("", "")) -> tuple[list[Shown], bool]:
    """The pictures of an order, and whether to look again soon.

    :param problem: a picture's id and why its release did not happen.
    :raises NotAllowed: for somebody else's order.
    """
    found = sheet(policy, variant_set)
    cells = [_cell(cell, problem[1] if cell.asset and str(cell.asset.pk) == problem[0] else "") for cell in found.cells]
    return cells, found.active or any(cell.publishing for cell in found.cells)


def _cell(cell: Cell, problem: str) -> Shown:
    asset = cell.asset
    if asset is None or cell.status != "ready":
        return Shown(asset=None, thumb=None, state=cell.message or _t("Being made …"))
    offer, state = _offer(cell, asset)
    return Shown(
        asset=asset,
        thumb=(reverse(f"{PREFIX}:picture", args=[asset.pk]), asset.width, asset.height),
        state=state,
        offer=offer,
        missing=asset.alt_missing if offer in ("release", "publish") else (),
        declaration=() if cell.judged or offer != "release" else tuple(DECLARATION.items()),
        problem=problem,
        facts=facts_of(asset),
        studio=studio_url(asset),
    )


def _offer(cell: Cell, asset: Asset) -> tuple[str, str]:
    if cell.publishing:
        return "", _t("Being published …")
    if asset.state == "published":
        return ("", _t("Its rights have ended.")) if asset.expired else ("use", "")
    if not asset.publishable:
        return "", _t("Only to look at: it can't be published.")
    if "approve_publish" in cell.actions:
        return "release", ""
    if asset.state == "approved" and "publish" in cell.actions:
        return "publish", ""
    if cell.blocked:
        return "", _t("A check stands in the way. Open it in the studio to see which.")
    return "", _t("Waits for somebody who may release it.")


def newest(policy: Policy, text: str = "") -> list[Shown]:
    """The newest published pictures, to use as they are."""
    rows = choosable(policy=policy, text=text).prefetch_related("renditions")[:NEWEST]
    return [
        Shown(asset=row, thumb=thumb_of(row, None), state="", offer="use", facts=facts_of(row), studio=studio_url(row))
        for row in rows
    ]


def panel_context(request: HttpRequest, place: Place, **more: Any) -> dict[str, Any]:
    """What ``panel.html`` needs; ``studio_panel`` is False where the person has nothing to do with the studio."""
    policy = Policy(request.user)
    if not policy.somewhere("view"):
        return {"studio_panel": False}
    sources = sources_of(policy, place)
    may = brands_for(policy, place).exists()
    mixed = len({one.brand_id for one in sources}) > 1
    text = request.GET.get("text", "").strip()
    context: dict[str, Any] = {
        "studio_panel": True,
        "place": place,
        "sources": sources,
        "lost": len(place.sources) - len(sources),
        "order_form": OrderForm(policy=policy, place=place, sources=sources) if may and not mixed else None,
        "order_url": place.url("order"),
        "panel_url": place.url("panel"),
        "newest": newest(policy, text) if place.kind != "asset" else [],
        "text": text,
        "more_url": generate_url(request, sources),
        "note": explain("request.mixed_brands") if mixed else "",
    }
    return {**context, **more}


def generate_url(request: HttpRequest, sources: tuple[Asset, ...]) -> str:
    """Django's admin has the whole form; empty for who may not go there."""
    user: Any = request.user
    if not user.is_staff:
        return ""
    try:
        url = reverse("admin:image_studio_variantset_generate")
    except NoReverseMatch:
        return ""
    return f"{url}?{urlencode([('source', str(one.pk)) for one in sources])}" if sources else url
