"""What an order of a step names: the step it grows from, its pictures, its masks; and whether it makes sense at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from django.core.exceptions import ValidationError

from image_studio.catalog.specs import ModelSpec, RouteSpec
from image_studio.exceptions import Conflict, InvalidRequest
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
from image_studio.providers.base import InputRef
from image_studio.runner.edit_requests import (
    DETAILS,
    MOST_CANDIDATES,
    MOST_REFERENCES,
    Base,
    Compiled,
    FileRef,
    StepOrder,
    compiled,
)
from image_studio.workflow.browse import clean
from image_studio.workflow.edit_files import ref_of, told_mask
from image_studio.workflow.options import Attached

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
