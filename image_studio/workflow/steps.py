"""A step of an edit history: judged and priced before anything is written, then asked for once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import ValidationError

from image_studio import conf as site
from image_studio.brand.checks import load, prompt_findings
from image_studio.catalog.pricing import Price
from image_studio.catalog.specs import ModelSpec, RouteSpec, names
from image_studio.exceptions import Conflict, InvalidRequest, StudioError
from image_studio.imaging.canvas import around
from image_studio.models import (
    REFERENCE_ROLES,
    STEP_KINDS,
    Asset,
    Brand,
    EditChain,
    EditFile,
    EditStep,
)
from image_studio.policy import Policy
from image_studio.providers.base import Finding, InputRef, PictureRequest
from image_studio.runner.edit_requests import (
    DETAILS,
    MOST_CANDIDATES,
    MOST_REFERENCES,
    Base,
    Compiled,
    FileRef,
    StepOrder,
    compiled,
    parsed_ratio,
)
from image_studio.workflow.browse import clean
from image_studio.workflow.edit_files import ref_of, told_mask
from image_studio.workflow.library import limits
from image_studio.workflow.lifecycle import ended
from image_studio.workflow.options import Attached, findings_of, picture_findings
from image_studio.workflow.preview import model_of

__all__ = ["StepOffer", "StepOrder", "StepPreview", "preview_step", "step_offers"]

#: Kinds that say by themselves what to do.
WORDLESS = frozenset({"extend", "remove_background"})
MOST_LETTERS = 16_000


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An order with everything that it names, read once for all routes.

    :param source: the picture that it grows from; None where it begins with a prompt.
    :param parent: the step that shows it, and which of its candidates; None where there is no chain yet.
    """

    brand: Brand
    order: StepOrder
    source: Asset | None = None
    parent: EditStep | None = None
    candidate: int | None = None
    references: tuple[tuple[str, Asset], ...] = ()
    files: Mapping[str, FileRef] = field(default_factory=dict)

    def compiled(self, route: RouteSpec, model: ModelSpec, files: Mapping[str, FileRef] | None = None) -> Compiled:
        """The request on one route."""
        source = self.source
        base = None
        if source is not None:
            base = Base(asset=str(source.pk), sha256=source.sha256, size=source.size, focal=source.focal)
        return compiled(
            self.order,
            base,
            route=route,
            model=model,
            kit=self.brand.kit,
            files=self.files if files is None else files,
            references=[(role, _reference(asset)) for role, asset in self.references],
        )

    @property
    def attached(self) -> tuple[Attached, ...]:
        """Its pictures, as findings judge them."""
        first = (Attached(role="source", asset=self.source),) if self.source else ()
        return (*first, *(Attached(role="reference", asset=asset) for _role, asset in self.references))


def _reference(asset: Asset) -> InputRef:
    return InputRef(asset=str(asset.pk), sha256=asset.sha256, role="reference", size=asset.size)


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
    return priced(asked_of(policy, chain, order), route_named(order.route))


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


# What it names -----------------------------------------------------------------------------------------------------


def asked_of(policy: Policy, chain: EditChain, order: StepOrder) -> Asked:
    """An order with the step and the pictures that it names.

    :raises StudioError: as :func:`preview_step`.
    """
    policy.require("generate", chain)
    parent = parent_of(chain, order.parent)
    candidate, source = picture_of(parent, order.candidate)
    return asked_from(policy, chain.brand, source, order, chain=chain, parent=parent, candidate=candidate)


def asked_from(
    policy: Policy,
    brand: Brand,
    source: Asset | None,
    order: StepOrder,
    *,
    chain: EditChain | None = None,
    parent: EditStep | None = None,
    candidate: int | None = None,
) -> Asked:
    """The same for a picture that may have no chain yet.

    :raises StudioError: as :func:`preview_step`.
    """
    policy.require("generate", brand)
    if brand.revision is None:
        raise InvalidRequest("brand.no_kit", brand=brand.slug)
    order = _normal(order)
    judge_order(order, begins=source is None)
    if source is not None:
        policy.require("view", source)
        if not source.publishable:
            raise InvalidRequest("step.placeholder")
    return Asked(
        brand=brand,
        order=order,
        source=source,
        parent=parent,
        candidate=candidate,
        references=_references(policy, brand, order),
        files=_files(chain, order, source),
    )


def parent_of(chain: EditChain, number: int | None) -> EditStep:
    """The step to grow from.

    :raises InvalidRequest: ``chain.no_such_step``.
    """
    wanted = chain.head if number is None else number
    row = chain.steps.select_related("job").filter(number=wanted).first()
    if row is None:
        raise InvalidRequest("chain.no_such_step", step=wanted)
    return row


def picture_of(step: EditStep, candidate: int | None) -> tuple[int, Asset]:
    """Which candidate of a step is edited further, and its picture.

    :raises Conflict: ``chain.parent_running``, ``chain.parent_empty`` (status), ``chain.choose_first``,
        ``chain.picture_gone``.
    :raises InvalidRequest: ``chain.no_such_candidate``.
    """
    status = step.status
    if status in ("planned", "waiting", "working"):
        raise Conflict("chain.parent_running", step=step.number)
    if status != "ready":
        raise Conflict("chain.parent_empty", step=step.number, status=status)
    rows = list(step.candidates.select_related("asset"))
    wanted = step.choice if candidate is None else candidate
    if wanted is None:
        good = [row for row in rows if not row.fault_code]
        if len(good) != 1:
            raise Conflict("chain.choose_first", step=step.number, pictures=len(good))
        wanted = good[0].index
    row = next((row for row in rows if row.index == wanted), None)
    if row is None or row.fault_code:
        raise InvalidRequest("chain.no_such_candidate", step=step.number, candidate=wanted + 1)
    if row.asset is None:
        raise Conflict("chain.picture_gone", step=step.number)
    return row.index, row.asset


def _normal(order: StepOrder) -> StepOrder:
    """A change of a named place is an inpaint, whatever it was called."""
    order = replace(order, instruction=clean(order.instruction, most=MOST_LETTERS + 1))
    return replace(order, kind="inpaint") if order.kind == "edit" and order.masked else order


def judge_order(order: StepOrder, *, begins: bool) -> None:
    """What makes an order meaningless is an error; what merely should not be is a finding.

    :raises InvalidRequest: ``step.*``.
    """
    if order.kind not in STEP_KINDS or order.kind == "start" or (order.kind == "generate") != begins:
        known = ["generate"] if begins else [kind for kind in STEP_KINDS if kind not in ("start", "generate")]
        raise InvalidRequest("step.unknown_kind", kind=order.kind[:40], known=", ".join(known))
    if not 1 <= order.candidates <= MOST_CANDIDATES:
        raise InvalidRequest("step.bad_candidates", candidates=order.candidates, most=MOST_CANDIDATES)
    if order.detail not in DETAILS:
        raise InvalidRequest("step.unknown_detail", detail=order.detail[:40], known=", ".join(DETAILS))
    if len(order.instruction) > MOST_LETTERS:
        raise InvalidRequest("prompt.too_long", length=len(order.instruction), most=MOST_LETTERS)
    if order.feather is not None and not 0 <= order.feather <= 500:
        raise InvalidRequest("step.bad_feather", feather=order.feather, most=500)
    _judge_parts(order)


def _judge_parts(order: StepOrder) -> None:
    rows = (
        (sum(map(bool, (order.mask, order.region, order.polygons))) > 1, "step.two_masks"),
        (order.kind == "inpaint" and not order.masked, "step.no_mask"),
        (order.kind == "markup" and not order.markup, "step.no_markup"),
        (order.masked and bool(order.markup), "step.mask_and_markup"),
        # Its mask says that all but the picture may change, and would be lost.
        (order.kind == "extend" and order.masked, "step.extend_and_place"),
        (order.kind == "extend" and not order.ratio, "step.no_ratio"),
        (order.kind == "combine" and not order.references, "step.no_reference"),
        (not order.instruction and order.kind not in WORDLESS and not _shown(order), "step.no_instruction"),
    )
    for wrong, code in rows:
        if wrong:
            raise InvalidRequest(code)
    if len(order.references) > MOST_REFERENCES:
        raise InvalidRequest("step.too_many_references", most=MOST_REFERENCES)
    for role, _pk in order.references:
        if role not in REFERENCE_ROLES:
            raise InvalidRequest("step.unknown_role", role=role[:40], known=", ".join(REFERENCE_ROLES))


def _shown(order: StepOrder) -> bool:
    """Whether a reference says what the words would."""
    told = {"restyle": "style", "replace_background": "background"}.get(order.kind)
    return any(role == told for role, _pk in order.references)


def _references(policy: Policy, brand: Brand, order: StepOrder) -> tuple[tuple[str, Asset], ...]:
    """:raises InvalidRequest: ``option.no_such_picture``: not there, of another brand, or somebody else's;
    ``step.placeholder``: what is made from a stand-in would pass for a picture.
    """
    try:
        found = policy.visible(Asset.objects.filter(brand=brand)).in_bulk([pk for _role, pk in order.references])
    except (ValidationError, ValueError):
        found = {}
    by_text = {str(pk): asset for pk, asset in found.items()}
    for _role, pk in order.references:
        if pk not in by_text:
            raise InvalidRequest("option.no_such_picture", option="reference", asset=pk[:40])
        if not by_text[pk].publishable:
            raise InvalidRequest("step.placeholder")
    return tuple((role, by_text[pk]) for role, pk in order.references)


def _files(chain: EditChain | None, order: StepOrder, source: Asset | None) -> dict[str, FileRef]:
    """Mask and drawing. A mask that is told in fractions is judged now, and its file made when it is asked for.

    :raises InvalidRequest: ``step.no_such_file``, ``mask.*``, ``markup.other_size``.
    """
    found: dict[str, FileRef] = {}
    for role, pk in (("mask", order.mask), ("markup", order.markup)):
        if pk:
            found[role] = _file(chain, role, pk, source)
    if source is not None and (order.region or order.polygons):
        told_mask(order.region, order.polygons, source.size)
        found["mask"] = FileRef(file="told", sha256="", size=source.size)
    return found


def _file(chain: EditChain | None, role: str, pk: str, source: Asset | None) -> FileRef:
    try:
        row = EditFile.objects.filter(pk=pk, chain=chain, role=role).first() if chain else None
    except (ValidationError, ValueError):
        row = None
    if row is None:
        raise InvalidRequest("step.no_such_file", role=role, file=pk[:40])
    size = (row.width, row.height)
    if source is not None and size != source.size:
        words = {"size": f"{size[0]}x{size[1]}", "nearest": f"{source.width}x{source.height}"}
        raise InvalidRequest(f"{role}.other_size", **words)
    return ref_of(row)


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
