"""Finish a draft on a better route: the picked picture goes along, because a fresh one would be another picture.

The draft's raw picture becomes the first input of an edit with its set's own prompt. What comes is a new set, whose
source is the draft; nothing of the draft's own set changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from image_studio import conf as site
from image_studio.catalog.sizes import sized
from image_studio.catalog.specs import ModelSpec, RouteSpec, names
from image_studio.exceptions import Conflict, InvalidRequest, StudioError
from image_studio.models import Asset, JobOutput, Variant, VariantSet
from image_studio.policy import Policy
from image_studio.providers.base import PictureRequest
from image_studio.workflow.orders import Order
from image_studio.workflow.plan import Matrix
from image_studio.workflow.variants import request

#: Said of the draft's own source, and true of no other picture.
OF_THE_SOURCE = frozenset({"mask", "markup", "fidelity"})
#: What routes are compared by: one picture of this size in pixels.
USUAL = (1024, 1024)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A bought picture and the cells that show it, of one set.

    :param raw: the picture as the provider gave it, without logo and lines.
    """

    variant_set: VariantSet
    raw: Asset
    cells: tuple[Variant, ...]

    @property
    def worth(self) -> int:
        """What one picture of its kind costs, in micro-USD; 0 for a free one, or where nobody knows."""
        job = self.cells[0].job
        model = site.model(job.provider, job.model) if job.provider in site.conf().providers else None
        return _worth(job.provider, model, str(job.request.get("quality", ""))) if model else 0


@dataclass(frozen=True, kw_only=True)
class Finish:
    """What finishing would make on one route, and cost. Nothing was written and nothing spent."""

    route: RouteSpec
    model: ModelSpec
    order: Order


def finishes(policy: Policy, variant_ids: Iterable[UUID]) -> tuple[Finish, ...]:
    """The order on each better route, the cheapest first; none where there is no such route.

    :raises NotAllowed: when the person may not generate here, or not see a draft.
    :raises StudioError: as :func:`drafts`.
    """
    found = drafts(policy, variant_ids)
    return tuple(
        Finish(route=route, model=model, order=Order.of(policy, _matrices(found, route, model)))
        for route, model in better_routes(found)
    )


def finish(policy: Policy, variant_ids: Iterable[UUID], route: str, *, key: str, digest: str = "") -> list[VariantSet]:
    """Ask for it: a new set for each draft. The same key gives the same sets, and no second purchase.

    :param digest: of the order that was shown; empty accepts whatever is true now.
    :raises InvalidRequest: ``finish.not_better``; as :func:`~image_studio.workflow.variants.request`.
    :raises Conflict: as :func:`drafts` and :func:`~image_studio.workflow.variants.request`.
    """
    matrices = finish_matrices(policy, variant_ids, route)
    if len(matrices) == 1:
        return [request(policy, matrices[0], key=key, digest=digest)]
    order = Order.of(policy, matrices)
    return order.place(policy, key, seen=digest or order.digest)


def finish_matrices(policy: Policy, variant_ids: Iterable[UUID], route: str) -> list[Matrix]:
    """What is asked for, a matrix for each draft.

    :raises InvalidRequest: ``finish.not_better``.
    :raises StudioError: as :func:`drafts`.
    """
    found = drafts(policy, variant_ids)
    better = {spec.name: (spec, model) for spec, model in better_routes(found)}
    if route not in better:
        raise InvalidRequest("finish.not_better", route=route, known=names(better) or "-")
    return _matrices(found, *better[route])


def drafts(policy: Policy, variant_ids: Iterable[UUID]) -> tuple[Draft, ...]:
    """The pictures that cells show, each once.

    :raises NotAllowed: for somebody else's cells.
    :raises InvalidRequest: ``finish.nothing_chosen``.
    :raises Conflict: ``finish.no_picture`` yet, ``finish.not_a_draft`` for a stand-in, ``finish.no_prompt``.
    """
    beside = ("variant_set__brand__revision", "variant_set__prompt_version__prompt", "channel", "job")
    cells = list(Variant.objects.filter(pk__in=list(variant_ids)).select_related(*beside).order_by("position"))
    if not cells:
        raise InvalidRequest("finish.nothing_chosen")
    for cell in cells:
        policy.require("generate", cell.variant_set)
    outputs = JobOutput.objects.filter(job__in={cell.job_id for cell in cells}, asset__isnull=False)
    raws = {(output.job_id, output.index): output.asset for output in outputs.select_related("asset")}
    groups: dict[tuple[UUID, int], list[Variant]] = {}
    for cell in cells:
        groups.setdefault((cell.job_id, cell.output_index), []).append(cell)
    return tuple(_draft(raws.get(place), group) for place, group in groups.items())


def _draft(raw: Asset | None, cells: Sequence[Variant]) -> Draft:
    variant_set = cells[0].variant_set
    if raw is None:
        raise Conflict("finish.no_picture")
    if not raw.publishable:
        raise Conflict("finish.not_a_draft")
    if variant_set.prompt_version is None:
        raise Conflict("finish.no_prompt")
    raw.brand = variant_set.brand
    return Draft(variant_set=variant_set, raw=raw, cells=tuple(cells))


def better_routes(found: Sequence[Draft]) -> list[tuple[RouteSpec, ModelSpec]]:
    """The routes that follow a prompt on a picture and cost more a picture than the drafts did, the cheapest first."""
    least = max(draft.worth for draft in found)
    able = []
    for route in site.routes().values():
        model = site.model(route.provider, route.model)
        if model and model.needs_source is not False and model.takes_instruction and model.publishable:
            worth = _worth(route.provider, model, route.quality)
            if worth > least:
                able.append((worth, route, model))
    return [(route, model) for _worth_of, route, model in sorted(able, key=lambda one: (one[0], one[1].name))]


def _worth(alias: str, model: ModelSpec, quality: str) -> int:
    """Price is the one order of quality that holds across models. A route without one is offered for nothing."""
    asked = PictureRequest(model=model.id, prompt="-", size=sized(USUAL, model), quality=quality)
    try:
        return int(site.provider(alias).estimate(asked, model).likely)
    except StudioError:
        return 0


def _matrices(found: Sequence[Draft], route: RouteSpec, model: ModelSpec) -> list[Matrix]:
    return [_matrix(draft, route, model) for draft in found]


def _matrix(draft: Draft, route: RouteSpec, model: ModelSpec) -> Matrix:
    """The draft's own set once more, for its channels and all its languages, on another route and from the draft."""
    old = draft.variant_set
    locales = old.matrix.get("locales") or [cell.locale for cell in draft.cells]
    return Matrix(
        brand=old.brand,
        route=route.name,
        channels=tuple({cell.channel_id: cell.channel for cell in draft.cells}.values()),
        locales=tuple(dict.fromkeys(locales)),
        source=draft.raw,
        prompt_version=old.prompt_version,
        variables=old.variables,
        texts=old.texts,
        sharing=old.sharing,
        title=f"{old.title[: 197 - len(route.title)]}, {route.title}",
        options=_options(old.matrix.get("options") or {}, model),
        finishes=True,
    )


def _options(old: dict[str, Any], model: ModelSpec) -> dict[str, Any]:
    kept = {name: value for name, value in old.items() if name not in OF_THE_SOURCE}
    # It is this picture that is to be finished: as close as the model can stay.
    return {**kept, "fidelity": model.fidelity[-1]} if model.fidelity else kept


def draft_of(variant_set: VariantSet) -> Asset | None:
    """The draft that a set finishes; None for every other set."""
    return variant_set.source if variant_set.matrix.get("finishes") else None


def draft_cells(variant_set: VariantSet) -> dict[tuple[int, str], Asset]:
    """What the draft's own set showed: channel id and locale -> its composed picture."""
    draft = draft_of(variant_set)
    if draft is None:
        return {}
    outputs = JobOutput.objects.filter(asset=draft).values_list("job_id", "index")
    places = set(outputs)
    rows = Variant.objects.filter(job__in=[job for job, _index in places], state="ready", asset__isnull=False)
    return {
        (row.channel_id, row.locale): row.asset
        for row in rows.select_related("asset")
        if row.asset and (row.job_id, row.output_index) in places
    }
