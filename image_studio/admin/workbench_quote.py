"""What the workbench says of a form as it stands: a price for each route, what stands in the way, one button."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from image_studio import conf as site
from image_studio.admin.workbench_form import AskForm
from image_studio.exceptions import NotAllowed, StudioError
from image_studio.models import STEP_KINDS
from image_studio.wording import explain, explain_error
from image_studio.wording.money import price_words
from image_studio.workflow.steps import StepOffer, StepOrder, StepPreview

#: Stands for words that are still to come, so that a price is seen before the first one is typed.
ANY_WORDS = "-"


@dataclass(frozen=True, kw_only=True)
class Card:
    """A route with what the step would cost on it."""

    name: str
    title: str
    model: str
    price: str
    why_not: str
    chosen: bool
    time: str = ""


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A form, judged.

    :param offer: the chosen route's answer; None while nothing can be counted.
    :param problem: what stands in the way, in words.
    :param left: what the tightest budget has left after it, in words.
    """

    form: AskForm
    cards: Sequence[Card]
    order: StepOrder
    offer: StepOffer | None
    problem: str = ""
    left: str = ""

    @property
    def preview(self) -> StepPreview | None:
        return self.offer.preview if self.offer else None

    @property
    def ready(self) -> bool:
        return bool(self.preview and not self.problem and self.offer and self.offer.usable)

    @property
    def digest(self) -> str:
        return self.preview.digest if self.ready and self.preview else ""

    @property
    def line(self) -> str:
        """What is still open, and what should be known before it is asked for."""
        if self.problem:
            return self.problem
        if self.offer and self.offer.why_not:
            return explain(self.offer.why_not, self.offer.params)
        notes = [one for one in self.preview.findings if not one.blocks] if self.preview else []
        return " ".join([*(explain(one.code, one.params) for one in notes), *([self.left] if self.left else [])])

    @property
    def button(self) -> str:
        """What it does and what it costs."""
        name = _NAMES.get(self._kind, STEP_KINDS.get(self._kind, ""))
        words = ngettext("{what}", "{what}, {n} candidates", self.order.candidates)
        what = words.format(what=name, n=self.order.candidates)
        if self.preview is None:
            return what
        return _("{what}: {price}").format(what=what, price=price_words(self.preview.price))

    @property
    def _kind(self) -> str:
        return self.preview.order.kind if self.preview else self.order.kind

    def as_data(self) -> dict[str, Any]:
        """For the page's script. An empty digest says that it may not be asked for."""
        return {
            "ok": True,
            "line": self.line,
            "button": self.button,
            "digest": self.digest,
            "cards": {card.name: {"price": card.price, "why_not": card.why_not} for card in self.cards},
            "errors": {name: [str(words) for words in errors] for name, errors in self.form.errors.items()},
        }


_NAMES: dict[str, Any] = {"inpaint": STEP_KINDS["inpaint"]}


def quote(
    form: AskForm,
    offers_of: Callable[[StepOrder], Sequence[StepOffer]],
    *,
    seconds: Mapping[str, float] | None = None,
) -> Quote:
    """Judge and price a form.

    :param offers_of: the workflow's answer to an order: of a chain, or of a picture that has none yet.
    :param seconds: what each route's jobs usually take.
    :raises NotAllowed: when the person may not generate here.
    """
    form.is_valid()
    # What was refused as a whole is said on top, and does not make the form's own fields wrong.
    marked = form.is_bound and any(name != "__all__" for name in form.errors)
    problem = _("Look at the marked places.") if marked else ""
    order = form.order() if form.is_bound else initial_order(form)
    found, refused = _asked(offers_of, order)
    problem = problem or refused
    route = order.route
    if not route or (not form.is_bound and route not in {one.route.name for one in found}):
        # A draft may name a route that the site has no more.
        route = next((one.route.name for one in found if one.usable), route)
    cards = cards_of(found, route, seconds)
    chosen = next((one for one in found if one.route.name == route), None)
    return Quote(form=form, cards=cards, order=order, offer=chosen, problem=problem)


def initial_order(form: AskForm) -> StepOrder:
    """What a form that nobody has sent yet would ask for: its initial values go the way of sent ones."""
    shown = AskForm(_sent(form), policy=form.policy, chain=form.chain)
    shown.is_valid()
    shown.chosen = form.chosen
    return shown.order()


def _sent(form: AskForm) -> dict[str, Any]:
    return {name: value for name in form.fields if (value := form[name].value()) not in (None, "")}


def _asked(offers_of: Callable[[StepOrder], Sequence[StepOffer]], order: StepOrder) -> tuple[Sequence[StepOffer], str]:
    """Offers, and why they are not to be taken yet."""
    try:
        return offers_of(order), ""
    except NotAllowed:
        raise
    except StudioError as error:
        words = explain_error(error)
        if error.code != "step.no_instruction":
            return (), words
    try:
        return offers_of(replace(order, instruction=ANY_WORDS)), words
    except StudioError as error:
        return (), explain_error(error)


def cards_of(
    found: Sequence[StepOffer], route: str, seconds: Mapping[str, float] | None = None, *, begins: bool = False
) -> list[Card]:
    """A card for each route; without prices while nothing can be counted.

    :param begins: whether it is a first picture, made from words.
    """
    return [_card(one, route, seconds or {}) for one in found] or _unpriced(route, begins)


def _card(offer: StepOffer, route: str, seconds: Mapping[str, float]) -> Card:
    spec = offer.route
    model = site.model(spec.provider, spec.model)
    took = seconds.get(spec.name)
    return Card(
        name=spec.name,
        title=spec.title,
        model=f"{model.title or model.id}, {spec.quality}" if model else spec.model,
        price=price_words(offer.preview.price) if offer.preview and offer.usable else "",
        why_not=explain(offer.why_not, offer.params) if offer.why_not else "",
        chosen=spec.name == route,
        time=_("usually {n} s").format(n=max(1, round(took))) if took is not None else "",
    )


def _unpriced(route: str, begins: bool) -> list[Card]:
    """The routes while nothing can be counted."""
    rows = [StepOffer(route=spec) for spec in site.routes().values() if _suits(spec, begins)]
    return [_card(one, route, {}) for one in rows]


def _suits(spec: Any, begins: bool) -> bool:
    model = site.model(spec.provider, spec.model)
    return model is not None and model.publishable and model.needs_source in (None, not begins)
