"""A step of an edit history: judged and priced before anything is written, then asked for once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from image_studio import conf as site
from image_studio.brand.checks import load, prompt_findings
from image_studio.catalog.pricing import Price
from image_studio.catalog.specs import ModelSpec, RouteSpec, names
from image_studio.exceptions import InvalidRequest, StudioError
from image_studio.imaging.canvas import around
from image_studio.models import (
    STEP_KINDS,
    Asset,
    EditChain,
)
from image_studio.policy import Policy
from image_studio.providers.base import Finding, PictureRequest
from image_studio.runner.edit_requests import (
    Compiled,
    StepOrder,
    parsed_ratio,
)
from image_studio.workflow.library import limits
from image_studio.workflow.lifecycle import ended
from image_studio.workflow.options import findings_of, picture_findings
from image_studio.workflow.preview import model_of
from image_studio.workflow.spending import money_findings
from image_studio.workflow.step_asking import Asked, asked_of

__all__ = ["StepOffer", "StepOrder", "StepPreview", "preview_step", "step_offers"]


@dataclass(frozen=True, kw_only=True)
class StepPreview:
    """What a step would buy. Nothing was written and nothing spent.

    :param digest: of everything that price and result hang on.
    """

    asked: Asked
    route: RouteSpec
    model: ModelSpec
    found: Compiled
    price: Price
    findings: tuple[Finding, ...]
    digest: str

    @property
    def order(self) -> StepOrder:
        return self.asked.order

    @property
    def source(self) -> Asset | None:
        return self.asked.source

    @property
    def request(self) -> PictureRequest:
        return self.found.request

    @property
    def size(self) -> tuple[int, int]:
        """Of the picture that will be shown, as far as it can be known."""
        return self.found.result

    @property
    def blocked(self) -> bool:
        """Whether a finding forbids to go on."""
        return any(finding.blocks for finding in self.findings)


@dataclass(frozen=True, kw_only=True)
class StepOffer:
    """One route's answer to an order.

    :param preview: None where the route has no model.
    :param why_not: code of the first thing that stands in the way, filled by ``params``; else empty.
    """

    route: RouteSpec
    preview: StepPreview | None = None
    why_not: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        return not self.why_not


def preview_step(policy: Policy, chain: EditChain, order: StepOrder) -> StepPreview:
    """Judge and price a step of a chain.

    :raises NotAllowed: when the person may not generate here, or not see a picture.
    :raises InvalidRequest: for an order that says too little or too much: nothing can be counted then.
    :raises Conflict: ``chain.parent_running``, ``chain.parent_empty``, ``chain.choose_first``, ``chain.picture_gone``.
    """
    return with_money(policy, priced(asked_of(policy, chain, order), route_named(order.route)))


def with_money(policy: Policy, plan: StepPreview) -> StepPreview:
    """The preview with what budgets and the switch say to its price."""
    found = money_findings(policy, plan.asked.brand, plan.price.most, unknown=plan.price.unknown)
    return replace(plan, findings=(*plan.findings, *found)) if found else plan


def step_offers(policy: Policy, chain: EditChain, order: StepOrder) -> tuple[StepOffer, ...]:
    """The answer of every route that could do it in principle, in the order of the settings.

    :raises StudioError: as :func:`preview_step`.
    """
    return offers_of(asked_of(policy, chain, order))


def offers_of(asked: Asked) -> tuple[StepOffer, ...]:
    """:func:`step_offers` of what is read already."""
    return tuple(_offer(asked, route) for route in site.routes().values() if _suits(asked, route))


def _suits(asked: Asked, route: RouteSpec) -> bool:
    """Stand-ins are never shown as a way to a picture, nor what only crops as a way to a first one."""
    model = site.model(route.provider, route.model)
    if model is None:
        return True
    if not model.publishable:
        return False
    return model.needs_source is None or model.needs_source == (asked.source is not None)


def _offer(asked: Asked, route: RouteSpec) -> StepOffer:
    model = site.model(route.provider, route.model)
    if model is None:
        params = {"route": route.title, "model": route.model}
        return StepOffer(route=route, why_not="route.unknown_model", params=params)
    try:
        found = priced(asked, route, ways=False)
    except InvalidRequest as error:
        return StepOffer(route=route, why_not=error.code, params=error.params)
    first = next((one for one in found.findings if one.blocks), None)
    return StepOffer(
        route=route, preview=found, why_not=first.code if first else "", params=first.params if first else {}
    )


def route_named(name: str) -> RouteSpec:
    """:raises InvalidRequest: ``request.unknown_route``."""
    routes = site.routes()
    if name not in routes:
        raise InvalidRequest("request.unknown_route", route=name, known=names(routes))
    return routes[name]


# What it costs -----------------------------------------------------------------------------------------------------


def priced(asked: Asked, route: RouteSpec, *, ways: bool = True) -> StepPreview:
    """Judge and price an order on one route.

    :param ways: whether refusals name the routes that can.
    :raises InvalidRequest: ``route.unknown_model``, ``step.bad_ratio``, ``canvas.bad_anchor``.
    """
    model = model_of(route)
    found = asked.compiled(route, model)
    provider = site.provider(route.provider)
    refused = findings_of(provider, found.request, model, asked.attached)
    findings = [
        *picture_findings(asked.attached),
        *_terms(asked),
        *_beyond(asked.order, model),
        *_canvas(asked, found),
        *ended(model),
        *(_with_ways(asked, route, refused) if ways else refused),
        *_softer(asked, found),
    ]
    price = _price(provider, found.request, model, blocked=any(one.blocks for one in findings))
    return StepPreview(
        asked=asked,
        route=route,
        model=model,
        found=found,
        price=price,
        findings=tuple(one for i, one in enumerate(findings) if one not in findings[:i]),
        digest=_digest(asked, route, found, price),
    )


def _price(provider: Any, request: PictureRequest, model: ModelSpec, *, blocked: bool) -> Price:
    try:
        price: Price = provider.estimate(request, model)
    except StudioError:
        if not blocked:
            raise
        return Price(unknown=True)
    return price


def _terms(asked: Asked) -> list[Finding]:
    verdicts = prompt_findings(asked.brand.kit, asked.order.instruction, None, load(site.conf().brand_checks))
    return [
        Finding(
            code=verdict.code,
            params=verdict.params,
            blocks=verdict.verdict == "fail" and verdict.blocks,
            where="instruction",
        )
        for verdict in verdicts
    ]


def _beyond(order: StepOrder, model: ModelSpec) -> Iterator[Finding]:
    """What only a model that follows words can do."""
    if not model.takes_instruction and order.kind != "extend":
        params = {"model": model.title or model.id, "kind": str(STEP_KINDS[order.kind])}
        yield Finding(code="step.not_by_this_route", params=params, where="kind")


def _canvas(asked: Asked, found: Compiled) -> Iterator[Finding]:
    """An extension that adds nothing, and a canvas that the gate would not let in as a picture."""
    source, order, most = asked.source, asked.order, limits()
    if source is None:
        return
    if order.kind == "extend" and around(source.size, parsed_ratio(order.ratio))[:2] == source.size:
        yield Finding(code="step.nothing_to_extend", params={"ratio": order.ratio}, where="ratio")
    width, height = found.request.inputs[0].size or source.size
    if width * height > most.max_pixels or max(width, height) > most.max_edge:
        params = {"size": f"{width}x{height}", "pixels": most.max_pixels // 1_000_000, "edge": most.max_edge}
        yield Finding(code="step.canvas_too_large", params=params, where="ratio")


def _softer(asked: Asked, found: Compiled) -> Iterator[Finding]:
    """A part that is made smaller than it is shown: said, because it looks soft beside what was put back."""
    source = asked.source
    if source is None or not asked.order.pastes or not found.edit.get("paste"):
        return
    canvas = found.request.inputs[0].size or source.size
    times = canvas[0] / found.request.size[0]
    if times > 1.25:
        size = f"{found.request.size[0]}x{found.request.size[1]}"
        params = {"size": size, "times": f"{times:.1f}"}
        yield Finding(code="step.enlarged", params=params, blocks=False, where="detail")


def _with_ways(asked: Asked, route: RouteSpec, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Refusals that another route does not share name it."""
    if not any(one.blocks for one in findings):
        return tuple(findings)
    able = [one.route for one in offers_of(asked) if one.usable and one.route.name != route.name]
    if not able:
        return tuple(findings)
    can = ", ".join(f"{one.title} ({one.name})" for one in able)
    return tuple(replace(one, params={**one.params, "can": can}) if one.blocks else one for one in findings)


def _digest(asked: Asked, route: RouteSpec, found: Compiled, price: Price) -> str:
    revision = asked.brand.revision
    # Files by their sums: those of masks that are told in fractions have no row yet.
    request = found.request.to_dict()
    inputs = [{**row, "file": "", "sha256": row["sha256"] if row["asset"] else ""} for row in request["inputs"]]
    parts = [
        asked.order.to_dict(),
        asked.source.sha256 if asked.source else "",
        revision.digest if revision else "",
        route.name,
        {**request, "inputs": inputs},
        (price.likely, price.most),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
