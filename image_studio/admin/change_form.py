"""What *Change this* asks, and what each route says to it: prices, findings, one button."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from image_studio.admin.money import left_words
from image_studio.admin.reviewing import EDGES, region
from image_studio.exceptions import InvalidRequest, NotAllowed, StudioError
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.wording import explain, explain_error
from image_studio.wording.money import dollars, price_words
from image_studio.workflow.changing import change_offers, change_preview
from image_studio.workflow.step_asking import MOST_LETTERS
from image_studio.workflow.steps import StepOffer, StepOrder, StepPreview

#: More can be asked for in the edit history itself; here people compare at a glance.
MOST_CANDIDATES = 4
#: Stands for words that are still to be written, so that prices can be seen before; it is never sent.
UNSAID = "…"
EDGE_WORDS = dict(
    zip(
        EDGES,
        (gettext_lazy("From the left"), gettext_lazy("From the top"), gettext_lazy("Width"), gettext_lazy("Height")),
        strict=True,
    )
)


def fresh_key() -> str:
    return uuid.uuid4().hex


class ChangeForm(forms.Form):
    """One box, a place, a route. Always bound: what a reviewer asked for stands in it like what was typed."""

    note = forms.CharField(
        required=False,
        max_length=MOST_LETTERS,
        error_messages={"max_length": gettext_lazy("Say it in at most %(limit_value)d characters.")},
    )
    region_left = region_top = region_width = region_height = forms.CharField(required=False, max_length=20)
    route = forms.CharField(required=False, max_length=60)
    candidates = forms.TypedChoiceField(
        required=False,
        coerce=int,
        choices=[(n, str(n)) for n in range(1, MOST_CANDIDATES + 1)],
    )
    full = forms.BooleanField(required=False)
    early = forms.BooleanField(required=False)
    key = forms.CharField(required=False, max_length=100)
    digest = forms.CharField(required=False, max_length=100)

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        try:
            cleaned["region"] = region(cleaned)
        except InvalidRequest as error:
            cleaned["region"] = None
            self.add_error("region_left", explain_error(error))
        return cleaned

    def order(self) -> StepOrder:
        """What the form says, as far as it holds; after :meth:`is_valid`."""
        found = self.cleaned_data
        place = found.get("region")
        return StepOrder(
            kind="inpaint" if place else "edit",
            instruction=found.get("note", ""),
            route=found.get("route", ""),
            candidates=found.get("candidates") or 1,
            region=tuple(place) if place else None,
            detail="full" if found.get("full") else "standard",
            early=bool(found.get("early")),
        )

    @property
    def edges(self) -> list[tuple[str, Any, str]]:
        """The four numbers of the place, in per cent."""
        return [(name, words, str(self[name].value() or "")) for name, words in EDGE_WORDS.items()]

    @property
    def counts(self) -> list[tuple[int, bool]]:
        chosen = str(self["candidates"].value() or "1")
        return [(n, str(n) == chosen) for n in range(1, MOST_CANDIDATES + 1)]


def typed(order: StepOrder) -> dict[str, Any]:
    """The fields of a form that says an order; its place in per cent."""
    edges = [f"{part * 100:.1f}".rstrip("0").rstrip(".") for part in order.region] if order.region else [""] * 4
    return {
        "note": order.instruction,
        **dict(zip(EDGES, edges, strict=True)),
        "route": order.route,
        "candidates": str(min(order.candidates, MOST_CANDIDATES)),
        **({"full": "on"} if order.detail == "full" else {}),
        **({"early": "on"} if order.early else {}),
    }


@dataclass(frozen=True, kw_only=True)
class Card:
    """A route with what it would cost, or with why it can't do this."""

    offer: StepOffer
    chosen: bool
    seconds: float | None

    @property
    def name(self) -> str:
        return self.offer.route.name

    @property
    def price(self) -> str:
        return price_words(self.offer.preview.price) if self.offer.preview and self.offer.usable else ""

    @property
    def why_not(self) -> str:
        return explain(self.offer.why_not, self.offer.params) if self.offer.why_not else ""

    @property
    def model(self) -> str:
        found, route = self.offer.preview, self.offer.route
        return f"{found.model.title or route.model}, {route.quality}" if found else route.model

    @property
    def time(self) -> str:
        return time_words(self.seconds)


def time_words(seconds: float | None) -> str:
    """The time to expect; empty where nobody knows."""
    if seconds is None:
        return ""
    if seconds < 90:
        return _("usually {n} s").format(n=max(1, round(seconds)))
    return _("usually {n} min").format(n=round(seconds / 60))


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A form, judged.

    :param preview: of the chosen route; None while there is none.
    :param said: whether there are words, and so something that could be bought.
    :param left: what the tightest budget has left after it, in words.
    """

    form: ChangeForm
    cards: Sequence[Card]
    preview: StepPreview | None = None
    said: bool = False
    left: str = ""

    @property
    def ready(self) -> bool:
        """Whether the button may be pressed."""
        return self.said and self.preview is not None and not self.preview.blocked and not self.form.errors

    @property
    def digest(self) -> str:
        return self.preview.digest if self.preview and self.ready else ""

    @property
    def pictures(self) -> int:
        return self.preview.order.candidates if self.preview else 1

    @property
    def button(self) -> str:
        """What pressing it does, and what it costs."""
        price = self.preview.price if self.preview and not self.preview.blocked else None
        words = ngettext("Change it", "Make {n} versions", self.pictures).format(n=self.pictures)
        if price is None or price.unknown:
            return words
        if price.free:
            return _("{do}, free").format(do=words)
        return _("{do} for about ${likely}").format(do=words, likely=dollars(price.likely))

    @property
    def line(self) -> str:
        """The line beside the button."""
        if self.form.errors:
            return str(next(iter(self.form.errors.values()))[0])
        if not self.said:
            return _("Say what should be different first.")
        if self.preview is None:
            return _("No route of this site can do this. The reason stands beside each.")
        if self.preview.blocked:
            n = sum(finding.blocks for finding in self.preview.findings)
            return ngettext("{n} finding must be mended.", "{n} findings must be mended.", n).format(n=n)
        size = "{} × {}".format(*self.preview.size)
        buys = ngettext("Buys {n} picture of {size}, {price}.", "Buys {n} pictures of {size}, {price}.", self.pictures)
        words = buys.format(n=self.pictures, size=size, price=price_words(self.preview.price))
        return f"{words} {self.left}" if self.left else words

    @property
    def findings(self) -> list[tuple[str, bool]]:
        """What was found, in words, and whether it stands in the way."""
        rows = [(explain(one.code, one.params), one.blocks) for one in (self.preview.findings if self.preview else ())]
        return sorted(dict.fromkeys(rows), key=lambda row: not row[1])

    def as_data(self) -> dict[str, Any]:
        """For the page's script. An empty digest says that it may not be asked for."""
        return {
            "ok": True,
            "line": self.line,
            "button": self.button,
            "digest": self.digest,
            "findings": [{"words": words, "blocks": blocks} for words, blocks in self.findings],
            "cards": {card.name: {"price": card.price, "why_not": card.why_not} for card in self.cards},
            "chosen": next((card.name for card in self.cards if card.chosen), ""),
            "errors": {name: [str(words) for words in errors] for name, errors in self.form.errors.items()},
        }


def quote(policy: Policy, asset: Asset, form: ChangeForm, *, seconds: Mapping[str, float] | None = None) -> Quote:
    """Judge and price a form; what the workflow refuses stands in the form's errors.

    :raises NotAllowed: when the person may not generate here.
    """
    form.is_valid()
    order = form.order()
    said = bool(order.instruction.strip())
    order = order if said else replace(order, instruction=UNSAID)
    offers = _offers(policy, asset, order, form)
    chosen = _chosen(offers, order.route)
    preview = None
    if chosen is not None and not form.errors:
        preview = change_preview(policy, asset, replace(order, route=chosen))
    cards = tuple(
        Card(offer=one, chosen=one.route.name == chosen, seconds=(seconds or {}).get(one.route.name)) for one in offers
    )
    most = preview.price.most if preview is not None and said and not preview.blocked else 0
    return Quote(form=form, cards=cards, preview=preview, said=said, left=left_words(policy, asset.brand, most))


def _offers(policy: Policy, asset: Asset, order: StepOrder, form: ChangeForm) -> Sequence[StepOffer]:
    """What can be used first, and of that what is cheap. A place that is none still leaves prices to look at."""
    try:
        found = change_offers(policy, asset, order)
    except NotAllowed:
        raise
    except StudioError as error:
        form.add_error(_field(error), explain_error(error))
        try:
            found = change_offers(policy, asset, StepOrder(instruction=UNSAID))
        except NotAllowed:
            raise
        except StudioError:
            # The picture itself can't be changed now: the reason stands in the form already.
            return ()
    return sorted(found, key=_rank)


def _rank(offer: StepOffer) -> tuple[bool, int]:
    return not offer.usable, offer.preview.price.likely if offer.preview else 0


def _field(error: StudioError) -> str:
    return "region_left" if error.code.startswith("mask.") else NON_FIELD_ERRORS


def _chosen(offers: Sequence[StepOffer], wanted: str) -> str | None:
    """The route that was chosen, else the first that can be used."""
    names = [one.route.name for one in offers if one.preview is not None]
    if wanted in names:
        return wanted
    return next((one.route.name for one in offers if one.usable), None)
