"""Replay a recipe: on which pictures, on which routes, for how much; then one button."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from image_studio import conf as site
from image_studio.admin.base import policy_of, refusal
from image_studio.admin.money import left_words
from image_studio.catalog.pricing import Price
from image_studio.catalog.specs import RouteSpec
from image_studio.exceptions import NotAllowed, StudioError
from image_studio.models import Asset, EditRecipe
from image_studio.policy import Policy
from image_studio.wording import explain, explain_error
from image_studio.wording.money import dollars, price_words
from image_studio.workflow.allowance import stops
from image_studio.workflow.browse import search
from image_studio.workflow.replays import MOST_CHAINS, ReplayPreview, replay, replay_preview

if TYPE_CHECKING:
    from image_studio.admin.base import StudioAdmin

#: Pictures that are offered beside those that are ticked.
OFFERED = 24
LONGEST = 200
ORDER = "admin/image_studio/includes/replay_order.html"


def may_replay(policy: Policy, recipe: EditRecipe) -> bool:
    """Django's own permission first, then what the brand allows."""
    user = policy.user
    return bool(user and user.has_perm("image_studio.add_replay") and policy.can("generate", recipe))


def pictures(policy: Policy, ids: Sequence[str]) -> list[Asset]:
    """Those of the pictures that this person may see, in the order in which they were named."""
    try:
        rows = policy.visible(Asset.objects.select_related("brand").defer("recipe", "words"))
        found = rows.in_bulk(list(dict.fromkeys(ids))[: MOST_CHAINS + 1])
    except (ValidationError, ValueError):
        return []
    by_text = {str(pk): asset for pk, asset in found.items()}
    return [by_text[pk] for pk in dict.fromkeys(ids) if pk in by_text]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A route to tick; an empty name is the recipe's own."""

    name: str
    title: Any
    facts: str
    ticked: bool
    price: str = ""


class Order:
    """A replay's form as it was sent, with what it would buy.

    :param said: a form, or the query of an address.
    """

    def __init__(self, policy: Policy, recipe: EditRecipe, said: QueryDict) -> None:
        self.policy, self.recipe, self.said = policy, recipe, said
        self.problem = ""

    @cached_property
    def chosen(self) -> list[Asset]:
        return pictures(self.policy, self.said.getlist("picture"))

    @cached_property
    def wanted(self) -> tuple[str, ...]:
        """Names of routes; the recipe's own where none is ticked."""
        known = {"", *(route.name for route in self.able)}
        return tuple(name for name in dict.fromkeys(self.said.getlist("route")) if name in known) or ("",)

    @cached_property
    def able(self) -> list[RouteSpec]:
        """Routes that could follow the recipe at all."""
        only_shapes = all(plain.get("kind") == "extend" for plain in self.recipe.steps)
        found = []
        for route in site.routes().values():
            model = site.model(route.provider, route.model)
            if model is not None and model.publishable and (model.takes_instruction or only_shapes):
                found.append(route)
        return found

    @cached_property
    def preview(self) -> ReplayPreview | None:
        """None where there is nothing that could be counted; ``problem`` says why."""
        if not self.chosen:
            return None
        try:
            return replay_preview(self.policy, self.recipe, self.chosen, routes=self.wanted)
        except NotAllowed:
            raise
        except StudioError as error:
            self.problem = explain_error(error)
            return None

    @property
    def ready(self) -> bool:
        return self.preview is not None and not self.preview.blocked

    @property
    def digest(self) -> str:
        return self.preview.digest if self.preview and self.ready else ""

    @property
    def line(self) -> str:
        """The line that counts."""
        found = self.preview
        if found is None:
            return self.problem or _("Tick at least one picture.")
        if found.blocked:
            n = sum(finding.blocks for finding in found.findings)
            return ngettext("{n} finding must be mended.", "{n} findings must be mended.", n).format(n=n)
        buys = ngettext("Buys {n} picture, {price}", "Buys {n} pictures, {price}", found.pictures)
        words = buys.format(n=found.pictures, price=price_words(found.price))
        rows = ngettext("from {n} picture of the library.", "from {n} pictures of the library.", len(self.chosen))
        line = f"{words}, {rows.format(n=len(self.chosen))}"
        left = left_words(self.policy, self.recipe.brand, found.price.most)
        return f"{line} {left}" if left else line

    @property
    def button(self) -> str:
        """What pressing it does, and what it costs."""
        n = len(self.chosen)
        words = ngettext("Replay on {n} picture", "Replay on {n} pictures", n).format(n=n) if n else _("Replay")
        if self.preview is None or self.preview.price.unknown:
            return words
        if self.preview.price.free:
            return _("{do}, free").format(do=words)
        return _("{do} for about ${likely}").format(do=words, likely=dollars(self.preview.price.likely))

    @property
    def findings(self) -> list[tuple[str, bool]]:
        rows = [(explain(one.code, one.params), one.blocks) for one in (self.preview.findings if self.preview else ())]
        return sorted(dict.fromkeys(rows), key=lambda row: not row[1])

    @property
    def reproduction(self) -> str:
        """How far the routes allow the same picture again."""
        if self.preview is None:
            return ""
        if self.preview.reproduction == "exact":
            return _("The same again: these routes give equal pictures for equal orders.")
        return _(
            "Alike, not the same: the same words, inputs and settings go along, but the model takes no seed, so it "
            "makes another picture each time."
        )

    @property
    def routes(self) -> list[Choice]:
        own = ", ".join(dict.fromkeys(_title(plain.get("route", "")) for plain in self.recipe.steps))
        rows = [("", _("As in the recipe"), own)]
        rows += [(route.name, route.title, f"{_model(route)}, {route.quality}") for route in self.able]
        return [
            Choice(name=name, title=title, facts=facts, ticked=name in self.wanted, price=self._price(name))
            for name, title, facts in rows
        ]

    def _price(self, route: str) -> str:
        """What the pictures on one route come to; empty where that is not ticked."""
        walks = [walk for walk in self.preview.walks if walk.route == route] if self.preview else []
        return price_words(sum((walk.price for walk in walks), Price())) if walks else ""

    def as_data(self, request: HttpRequest) -> dict[str, Any]:
        """For the page's script. An empty digest says that it may not be asked for."""
        return {
            "ok": True,
            "line": self.line,
            "button": self.button,
            "digest": self.digest,
            "prices": {choice.name: choice.price for choice in self.routes},
            "html": render_to_string(ORDER, {"order": self}, request),
        }


def _title(name: str) -> str:
    known = site.routes().get(name)
    return str(known.title) if known else name


def _model(route: RouteSpec) -> str:
    model = site.model(route.provider, route.model)
    return model.title if model and model.title else route.model


def respond(page: StudioAdmin, request: HttpRequest, recipe: EditRecipe, parts: Sequence[Any]) -> HttpResponse:
    """The page: pictures to choose from, priced, or on to the replay."""
    policy = policy_of(request)
    if not may_replay(policy, recipe):
        raise PermissionDenied
    said = request.POST if request.method == "POST" else request.GET
    order = Order(policy, recipe, said)
    try:
        if said is request.POST and said.get("do") == "replay":
            answer = _asked(order)
            if answer:
                return answer
        return _shown(page, request, order, parts)
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error


def price(page: StudioAdmin, request: HttpRequest, recipe_id: str) -> HttpResponse:
    """The form as it stands, as data for the page's script. Writes nothing."""
    recipe = page.found(request, recipe_id)
    try:
        if not may_replay(policy_of(request), recipe):
            raise NotAllowed("policy.not_allowed", verb="generate", role="creator")
        return JsonResponse(Order(policy_of(request), recipe, request.POST).as_data(request))
    except NotAllowed as error:
        return refusal(error)


def _asked(order: Order) -> HttpResponse | None:
    """On to the replay, or None where the person must look again."""
    said = order.said
    if not order.ready:
        return None
    try:
        made = replay(
            order.policy,
            order.recipe,
            order.chosen,
            routes=order.wanted,
            title=said.get("title", "")[:LONGEST],
            key=said.get("key", ""),
            # What was not seen is not bought.
            digest=said.get("digest", "") or "none",
        )
    except NotAllowed:
        raise
    except StudioError as error:
        sent = error.code == "idempotency.other_body"
        order.problem = explain("request.sent_before") if sent else explain_error(error)
        return None
    return HttpResponseRedirect(reverse("admin:image_studio_replay_change", args=[made.pk]))


def _shown(page: StudioAdmin, request: HttpRequest, order: Order, parts: Sequence[Any]) -> HttpResponse:
    recipe, words = order.recipe, order.said.get("q", "").strip()[:LONGEST]
    asked = request.method == "POST"
    offered = _offered(order, words)
    return page.page(
        request,
        "recipe_replay.html",
        _("Replay"),
        crumbs=[page.list_crumb(), (recipe.name, page.url("change", recipe.pk))],
        recipe=recipe,
        parts=parts,
        stops=stops(order.policy, [recipe.brand_id]),
        order=order,
        offered=offered,
        words=words,
        # A form that only looks for pictures is not scolded for having none yet.
        scold=order.problem if asked and order.said.get("do") != "search" else "",
        replay_title=order.said.get("title", "")[:LONGEST],
        key=uuid.uuid4().hex,
        here=page.url("replay", recipe.pk),
        price_url=page.url("price", recipe.pk),
    )


def _offered(order: Order, words: str) -> list[Asset]:
    """The brand's newest pictures that are not ticked, or those with the words."""
    rows = order.policy.visible(Asset.objects.filter(brand=order.recipe.brand_id, publishable=True, kind="raw"))
    rows = rows.exclude(state__in=("rejected", "withdrawn")).exclude(pk__in=[asset.pk for asset in order.chosen])
    rows = search(rows, words) if words else rows
    return list(rows.order_by("-pk").defer("recipe", "words")[:OFFERED])
