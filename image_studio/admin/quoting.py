"""What *Generate brand-safe variants* says about a form as it stands: counts, prices, findings, one button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from image_studio import conf as site
from image_studio.admin.generate_forms import GenerateForm
from image_studio.catalog.pricing import Price
from image_studio.exceptions import NotAllowed, StudioError
from image_studio.policy import Policy
from image_studio.wording import explain, explain_error
from image_studio.wording.money import dollars, price_words
from image_studio.workflow.lifecycle import CLOSE
from image_studio.workflow.offers import Offer, offers
from image_studio.workflow.options import OPTIONS
from image_studio.workflow.orders import Order
from image_studio.workflow.preview import RouteCard

#: Places that are named in one finding before the rest is counted.
NAMED = 4


@dataclass(frozen=True, kw_only=True)
class Said:
    """A finding as the page shows it, with the way to its fix."""

    words: str
    blocks: bool
    where: str
    link: str = ""
    link_words: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """A route with what it would cost for the form as it stands.

    :param price: in words; empty where nothing can be counted yet.
    :param why_not: what it cannot do of this request, or why it cannot be chosen at all.
    :param seconds: what its jobs usually took; None where nobody knows.
    :param changes: which model follows and when, at which price, in words; empty where none does.
    """

    route: RouteCard
    price: str
    why_not: str
    seconds: float | None
    chosen: bool
    changes: str = ""

    @property
    def limits(self) -> list[str]:
        return [explain(code) for code in self.route.limits]

    @property
    def time(self) -> str:
        """The time to expect, in words."""
        if self.seconds is None:
            return ""
        if self.seconds < 90:
            return _("usually {n} s").format(n=max(1, round(self.seconds)))
        return _("usually {n} min").format(n=round(self.seconds / 60))


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A form, judged: what it would make, whether it may be ordered, what stands in the way.

    :param order: None while the form does not hold; the offers may be known all the same.
    :param cells: that would be composed; 0 while that cannot be counted.
    """

    form: GenerateForm
    order: Order | None
    offers: Mapping[str, Offer]
    cells: int
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether the button may be pressed."""
        return self.order is not None and not self.order.blocked

    @property
    def digest(self) -> str:
        return self.order.digest if self.order and self.ready else ""

    @property
    def line(self) -> str:
        """The line that counts: pictures and their price apart from cells, and what is still open."""
        offer = self._offer
        words = [_counted(offer, self.cells)] if offer and self.cells else []
        if self.order is not None and self.order.blocked:
            n = sum(finding.blocks for finding in self.findings)
            words.append(ngettext("{n} finding must be mended.", "{n} findings must be mended.", n).format(n=n))
        elif self.order is None and self.form.is_bound:
            words.append(self._open())
        return " ".join(words)

    def _open(self) -> str:
        """What a person must look at before there is an order."""
        whole = self.form.non_field_errors()
        if whole:
            return str(whole[0])
        names = [
            str(self.form.fields[name].label).capitalize() for name in self.form.errors if name in self.form.fields
        ]
        if len(names) == 1:
            return f"{names[0]}: {next(iter(self.form.errors.values()))[0]}"
        return _("Look at: {names}.").format(names=", ".join(names))

    @property
    def button(self) -> str:
        """What pressing it does, and what it costs."""
        offer = self._offer
        if offer is None or not self.cells:
            return _("Nothing to make yet")
        pictures = ngettext("Make {n} picture", "Make {n} pictures", offer.pictures).format(n=offer.pictures)
        cells = ngettext("compose {n} cell", "compose {n} cells", self.cells).format(n=self.cells)
        if offer.price is None or offer.price.free:
            words = _("{pictures} and {cells}") if offer.price is None else _("{pictures} and {cells}, free")
            return words.format(pictures=pictures, cells=cells)
        return _("{pictures} for about ${likely} and {cells}").format(
            pictures=pictures, likely=dollars(offer.price.likely), cells=cells
        )

    @property
    def _offer(self) -> Offer | None:
        """What the chosen route would make; the order's own figures where there is one."""
        if self.order is not None:
            return Offer(pictures=self.order.pictures, price=self.order.price)
        return self.offers.get(str(self.form["route"].value() or ""))

    @property
    def findings(self) -> list[Said]:
        """Each sentence once, with every place where it holds; what must be mended first."""
        places: dict[tuple[str, bool, str], list[str]] = {}
        for finding in self.order.findings if self.order else ():
            kind, _colon, rest = finding.where.partition(":")
            key = explain(finding.code, finding.params), finding.blocks, kind
            places.setdefault(key, []).append(rest)
        said = [_said(self.form, words, blocks, kind, rest) for (words, blocks, kind), rest in places.items()]
        return sorted(said, key=lambda one: not one.blocks)

    @property
    def cards(self) -> list[Card]:
        chosen = str(self.form["route"].value() or "")
        return [self._card(card, chosen) for card in self.form.cards]

    def _card(self, card: RouteCard, chosen: str) -> Card:
        offer = self.offers.get(card.spec.name)
        why = explain(card.why_not, card.params) if card.why_not else ""
        if offer and offer.findings:
            why = explain(offer.findings[0].code, offer.findings[0].params)
        return Card(
            route=card,
            price=price_words(offer.price) if offer and offer.price is not None else "",
            why_not=why,
            seconds=self.seconds.get(card.spec.name),
            chosen=card.usable and chosen == card.spec.name,
            changes=_changes(card, offer) if card.usable else "",
        )

    def as_data(self) -> dict[str, Any]:
        """For the page's script. An empty digest says that it may not be ordered."""
        return {
            "line": self.line,
            "button": self.button,
            "digest": self.digest,
            "findings": [vars(said) for said in self.findings],
            "cards": {
                card.route.spec.name: {"price": card.price, "why_not": card.why_not, "changes": card.changes}
                for card in self.cards
            },
            "options": {one.name: {"why_not": one.why_not, "off": one.off} for one in self.form.options()},
            "errors": {name: [str(words) for words in errors] for name, errors in self.form.errors.items()},
        }


def quote(policy: Policy, form: GenerateForm, *, seconds: Mapping[str, float] | None = None) -> Quote:
    """Judge and price a form. What the workflow refuses stands at its field afterwards.

    :param seconds: what each route's jobs usually take.
    :raises NotAllowed: when the person may not generate here.
    """
    valid = form.is_valid()
    matrices = form.matrices()
    found: Mapping[str, Offer] = {}
    order = None
    try:
        if matrices:
            found = offers(policy, matrices, [card.spec.name for card in form.cards if card.usable])
        if valid:
            order = Order.of(policy, matrices)
    except NotAllowed:
        raise
    except StudioError as error:
        if form.is_bound:
            name = f"var_{error.params.get('name')}"
            form.add_error(name if name in form.fields else None, explain_error(error))
    cells = sum(len(m.channels) * len(m.locales) * m.takes for m in matrices)
    return Quote(form=form, order=order, offers=found, cells=cells, seconds=seconds or {})


def _changes(card: RouteCard, offer: Offer | None) -> str:
    """``From 1 December 2026 on it is made by GPT Image 2.5 Flare (medium): about $0.06 for the same.``"""
    if card.follows is None or (card.follows.on - site.today()).days > CLOSE:
        return ""
    model = site.model(card.spec.provider, card.follows.new.model)
    facts = {
        "day": date_format(card.follows.on, "DATE_FORMAT"),
        "model": model.title if model and model.title else card.follows.new.model,
        "quality": card.follows.new.quality,
        "price": price_words(offer.later) if offer and offer.later is not None else "—",
    }
    return explain("route.changes", facts)


def _counted(offer: Offer, cells: int) -> str:
    """``Buys 4 pictures for about $0.21 (max $0.26), composes 24 cells free.``"""
    composes = ngettext("composes {n} cell free", "composes {n} cells free", cells).format(n=cells)
    price = offer.price or Price()
    if offer.price is not None and not price.free:
        buys = ngettext("Buys {n} picture for {price}", "Buys {n} pictures for {price}", offer.pictures)
        return _("{buys}, {composes}.").format(
            buys=buys.format(n=offer.pictures, price=price_words(price)), composes=composes
        )
    makes = ngettext("Makes {n} picture free", "Makes {n} pictures free", offer.pictures)
    if offer.price is None:
        makes = ngettext("Makes {n} picture", "Makes {n} pictures", offer.pictures)
    return _("{buys}, {composes}.").format(buys=makes.format(n=offer.pictures), composes=composes)


def _said(form: GenerateForm, words: str, blocks: bool, kind: str, rest: Sequence[str]) -> Said:
    link, link_words = _fix(form, kind)
    where = {
        "prompt": _("Prompt"),
        "texts": _("Lines"),
        "source": _("Picture"),
        "inputs": _("Picture"),
        "price": _("Money"),
        **dict.fromkeys(OPTIONS, _("Options")),
        "layout": _("Layout: {where}").format(where=_places(form, rest)),
    }.get(kind, _("Route"))
    return Said(words=words, blocks=blocks, where=where, link=link, link_words=link_words)


def _places(form: GenerateForm, rest: Sequence[str]) -> str:
    """``Square in en, Story in ar and 4 more``."""
    named = []
    for place in rest[:NAMED]:
        slug, _colon, locale = place.partition(":")
        channel = form.by_slug.get(slug)
        named.append(_("{channel} in {locale}").format(channel=channel.name if channel else slug, locale=locale))
    more = len(rest) - len(named)
    words = ", ".join(named)
    return _("{places} and {n} more").format(places=words, n=more) if more > 0 else words


def _fix(form: GenerateForm, kind: str) -> tuple[str, str]:
    start = form.start
    if kind == "layout" and start.brand is not None:
        return reverse("admin:image_studio_brand_change", args=[start.brand.pk]) + "#layouts", _("Open the brand kit")
    if kind == "prompt" and start.version is not None:
        return reverse("admin:image_studio_prompt_change", args=[start.version.prompt_id]), _("Open the prompt")
    if kind == "source" and len(start.sources) == 1:
        return reverse("admin:image_studio_asset_change", args=[start.sources[0].pk]), _("Open the picture")
    if kind == "texts":
        return "#lines", _("Change the lines")
    if kind in OPTIONS:
        return "#options", _("Change the options")
    if kind in ("layout", "prompt", "source", "price"):
        return "", ""
    return "#routes", _("Choose another route")
