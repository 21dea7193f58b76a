"""*Change this*, on any picture anywhere: one box, and the edit history is made silently.

Logo and words on a composed picture are exact and stay so: what is sent is the picture below them, and they are
composed anew on what comes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from image_studio import storage, tasks
from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.imaging.decode import decode
from image_studio.imaging.recompose import fit_box
from image_studio.models import (
    Asset,
    EditCandidate,
    EditChain,
    EditStep,
    Event,
    Job,
    JobOutput,
    Review,
    Variant,
    VariantSet,
)
from image_studio.policy import Policy
from image_studio.runner.edit_requests import Polygon, Region, StepOrder
from image_studio.workflow.cells import compose_job
from image_studio.workflow.chains import begun
from image_studio.workflow.edit_files import Drawn
from image_studio.workflow.library import limits
from image_studio.workflow.once import replayed
from image_studio.workflow.step_asking import Asked, asked_from, picture_of
from image_studio.workflow.step_orders import answer_of, drawn_for, judged_step, once_drawn, place, step_of
from image_studio.workflow.steps import StepOffer, StepPreview, offers_of, priced, route_named, with_money


def base_of(asset: Asset) -> Asset:
    """The picture that a change is made to: below logo and words where there are any, else the picture itself."""
    composed = asset.kind == "composed" and "layers" in asset.recipe and asset.parent is not None
    return asset.parent if composed and asset.parent is not None else asset


def chain_of(policy: Policy, asset: Asset, cell: Variant | None = None) -> tuple[EditChain, EditStep, int] | None:
    """The open edit history that a picture stands in, as far as this person goes on with it: the chain, the step that
    shows it, and as which candidate. Results of a step before pictures that a chain begins with.

    :param cell: where the result may be taken: a history that gives its results to another sheet is left alone.
    """
    rows = EditCandidate.objects.filter(asset=base_of(asset), step__chain__state="open")
    beside = ("step__chain__brand__revision", "step__chain__cell", "step__job")
    rows = rows.select_related(*beside).order_by("-step__chain__touched_at", "-pk")
    mine = [one for one in rows[:20] if _goes_on(policy, one.step.chain, cell)]
    best = sorted(mine, key=lambda one: one.step.kind == "start")
    return (best[0].step.chain, best[0].step, best[0].index) if best else None


def _goes_on(policy: Policy, chain: EditChain, cell: Variant | None) -> bool:
    """Somebody else's history is theirs: a change that is asked for elsewhere does not grow into it unasked."""
    own = policy.user is None or chain.requested_by_id == policy.user.pk
    elsewhere = cell and chain.cell and chain.cell.variant_set_id != cell.variant_set_id
    return own and not elsewhere and policy.can("generate", chain)


def change_offers(
    policy: Policy, asset: Asset, order: StepOrder, *, cell: Variant | None = None
) -> tuple[StepOffer, ...]:
    """What each route would make of a change, and cost. Nothing is written.

    :raises StudioError: as :func:`~image_studio.workflow.steps.preview_step`.
    """
    return offers_of(_asked(policy, asset, order, cell)[0])


def change_preview(policy: Policy, asset: Asset, order: StepOrder, *, cell: Variant | None = None) -> StepPreview:
    """Judge and price a change on the route that the order names. Nothing is written.

    :raises StudioError: as :func:`~image_studio.workflow.steps.preview_step`.
    """
    return with_money(policy, priced(_asked(policy, asset, order, cell)[0], route_named(order.route)))


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change that may be ordered now.

    :param chain: the edit history that it grows into; None begins one.
    :param drawn: its mask's file, stored without a row.
    """

    plan: StepPreview
    chain: EditChain | None = None
    drawn: tuple[Drawn, ...] = ()


def change(
    policy: Policy, asset: Asset, order: StepOrder, *, cell: Variant | None = None, key: str, digest: str = ""
) -> EditStep:
    """Ask for a change of a picture. Its edit history goes on where the picture stands in one, else it is made.

    :param order: its region and polygons are fractions of ``asset`` as it is shown, logo and words and all.
    :param cell: of the contact sheet on which it was asked for, and which may take the result.
    :raises Conflict: ``preview.changed``; as :func:`~image_studio.workflow.steps.preview_step`.
    :raises InvalidRequest: the first blocking finding's code; as :func:`~image_studio.workflow.once.once`.
    """
    policy.require("generate", asset)
    body = {"verb": "change", "asset": str(asset.pk), "cell": str(cell.pk) if cell else "", **order.to_dict()}
    done = replayed(policy, key, body)
    if done is None:
        found = judged_change(policy, asset, order, cell=cell, digest=digest)
        act = partial(_placed, policy, asset, found, cell)
        done = once_drawn(policy, key, body, act, found.drawn)
    return step_of(done)


def judged_change(
    policy: Policy, asset: Asset, order: StepOrder, *, cell: Variant | None = None, digest: str = ""
) -> Change:
    """A change that may be ordered now. Nothing is written but its mask's file, which is the caller's to forget.

    :raises StudioError: as :func:`change`.
    """
    asked, chain = _asked(policy, asset, order, cell)
    plan = judged_step(priced(asked, route_named(order.route)), digest=digest)
    return Change(plan=plan, chain=chain, drawn=drawn_for(plan))


def place_change(policy: Policy, asset: Asset, found: Change, cell: Variant | None = None) -> EditStep:
    """Write a change's step, and its edit history where there is none. Call it in a transaction.

    :raises InvalidRequest: ``request.other_brand`` for a cell of another brand's sheet.
    """
    here, plan, cell = found.chain, found.plan, cell or cell_of(asset)
    if cell is not None and cell.variant_set.brand_id != asset.brand_id:
        raise InvalidRequest("request.other_brand")
    if here is None:
        here, plan = _begun(policy, plan, cell)
    elif here.cell_id is None and cell is not None:
        # Begun elsewhere: from now on its results can be taken into this sheet.
        EditChain.objects.filter(pk=here.pk, cell=None).update(cell=cell)
    return place(policy, here, plan, found.drawn)


def _placed(policy: Policy, asset: Asset, found: Change, cell: Variant | None) -> dict[str, str]:
    return answer_of(place_change(policy, asset, found, cell))


def _asked(policy: Policy, asset: Asset, order: StepOrder, cell: Variant | None) -> tuple[Asked, EditChain | None]:
    policy.require("generate", asset)
    policy.require("view", asset)
    base = base_of(asset)
    order = replace(order, parent=None, candidate=None)
    if base.pk != asset.pk:
        order = _below(order, asset, base)
    found = chain_of(policy, asset, cell or cell_of(asset))
    if found is None:
        return asked_from(policy, asset.brand, base, order), None
    chain, step, index = found
    return asked_from(policy, asset.brand, base, order, chain=chain, parent=step, candidate=index), chain


def _begun(policy: Policy, plan: StepPreview, cell: Variant | None) -> tuple[EditChain, StepPreview]:
    source = plan.source
    assert source is not None  # a change is always of a picture
    chain = begun(policy, plan.asked.brand, source, cell=cell)
    start = chain.steps.get(number=1)
    return chain, replace(plan, asked=replace(plan.asked, parent=start, candidate=0))


def cell_of(asset: Asset) -> Variant | None:
    """The cell of a contact sheet that shows a picture."""
    if asset.kind != "composed":
        return None
    return asset.variants.select_related("variant_set").order_by("-pk").first()


# Places ------------------------------------------------------------------------------------------------------------


def _below(order: StepOrder, asset: Asset, base: Asset) -> StepOrder:
    """A place on a composed picture, as fractions of the picture below it."""
    if order.mask or order.markup:
        raise InvalidRequest("step.no_such_file", role="mask" if order.mask else "markup", file="-")
    if not (order.region or order.polygons):
        return order
    shown = shown_part(base, asset)
    region = _region(order.region, shown) if order.region else None
    return replace(order, region=region, polygons=tuple(_polygon(points, shown) for points in order.polygons))


def shown_part(base: Asset, composed: Asset) -> Region:
    """The part of a picture that a composed one shows, as fractions: left, top, width, height.

    :raises StorageFailed: when its file is missing or its sum is wrong.
    """
    image = decode(storage.read(storage.private(), base.file, base.sha256), limits()).image
    box = fit_box(image, composed.size, focal=base.focal)
    return box.left / image.width, box.top / image.height, box.width / image.width, box.height / image.height


def _region(region: Region, shown: Region) -> Region:
    left, top = (shown[k] + region[k] * shown[k + 2] for k in (0, 1))
    return left, top, region[2] * shown[2], region[3] * shown[3]


def _polygon(points: Polygon, shown: Region) -> Polygon:
    return tuple((shown[0] + x * shown[2], shown[1] + y * shown[3]) for x, y in points)


def asked_change(policy: Policy, asset: Asset) -> tuple[Review, StepOrder] | None:
    """What a reviewer asked to be different, ready to be asked of a route; None where nobody did."""
    review = asset.change_asked
    if review is None or not policy.can("generate", asset):
        return None
    region: Any = tuple(review.region) if review.region else None
    return review, StepOrder(kind="inpaint" if region else "edit", instruction=review.note, region=region)


# Back on the sheet -------------------------------------------------------------------------------------------------


def take(policy: Policy, step: EditStep, index: int | None = None) -> Job:
    """Put a picture of an edit history in the place of its cell's picture: in all cells that share that, composed anew
    with their logo and words. Free. What they showed before stays in the library.

    :param index: which candidate; None is the chosen one, or the only one.
    :return: the job that composes.
    :raises Conflict: ``chain.no_cell``; ``chain.parent_running`` and the like; ``chain.not_on_sheet`` where the picture
        is no job's.
    """
    chain = step.chain
    cell = chain.cell
    if cell is None:
        raise Conflict("chain.no_cell")
    policy.require("generate", chain)
    policy.require("recompose", cell.variant_set)
    picked, picture = picture_of(step, index)
    # What is composed of it becomes the person's own.
    policy.require("view", picture)
    output = JobOutput.objects.filter(asset=picture, job__brand=chain.brand_id).order_by("pk").first()
    if output is None:
        raise Conflict("chain.not_on_sheet", step=step.number)
    variant_set = VariantSet.objects.select_related("brand__revision").get(pk=cell.variant_set_id)
    with transaction.atomic():
        VariantSet.objects.filter(pk=variant_set.pk).update(finished_at=F("finished_at"))
        cells = sharing(cell)
        Variant.objects.filter(pk__in=[one.pk for one in cells]).update(job=output.job_id, output_index=output.index)
        job = compose_job(policy, variant_set, cells)
        assert job is not None  # the cell itself is one of them
        VariantSet.objects.filter(pk=variant_set.pk).update(finished_at=None)
        told = {"set": str(variant_set.pk), "step": step.number, "candidate": picked, "cells": len(cells)}
        Event.objects.record(policy.actor, "chain.taken", chain, **told)
        transaction.on_commit(partial(tasks.ring, [job.pk]))
    return job


def sharing(cell: Variant) -> list[Variant]:
    """The cells that show the same bought picture as this one, now; others that were cancelled stay so."""
    now = Variant.objects.get(pk=cell.pk)
    rows = Variant.objects.filter(variant_set=now.variant_set_id, job=now.job_id, output_index=now.output_index)
    return list(rows.filter(~Q(state="cancelled") | Q(pk=now.pk)).order_by("position"))
