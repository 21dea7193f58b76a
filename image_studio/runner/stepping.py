"""The step of an edit history that a job was for: its candidates, and the next step of a replay. In the transaction
in which the job ends."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from image_studio import conf as configuration
from image_studio.brand.kit import Kit
from image_studio.catalog.pricing import Price
from image_studio.catalog.specs import ModelSpec, RouteSpec
from image_studio.exceptions import Conflict, InvalidRequest, StudioError
from image_studio.models import (
    Asset,
    Brand,
    BrandRevision,
    EditCandidate,
    EditChain,
    EditStep,
    Event,
    Job,
    database_now,
)
from image_studio.providers.base import InputRef
from image_studio.runner.answers import plain
from image_studio.runner.edit_requests import Base, Compiled, FileRef, StepOrder, compiled
from image_studio.runner.holds import let_go_below, let_go_steps, take
from image_studio.runner.leases import WORKER, Lease
from image_studio.runner.limits import tokens_of
from image_studio.runner.rows import OutputRows
from image_studio.runner.turns import queue
from image_studio.runner.work import Work
from image_studio.states import STEP

_log = logging.getLogger("image_studio.runner")


def done(lease: Lease, work: Work, outputs: Sequence[OutputRows], *, unwanted: bool) -> None:
    """Write a step's candidates, and ask for what was planned after it."""
    step = EditStep.objects.select_related("chain__brand__revision").filter(pk=work.job.edit["step"]).first()
    if step is None:
        return  # its history was deleted; the picture is paid for, and stays in the library
    # The chain before its steps, as whoever decides takes them.
    EditChain.objects.filter(pk=step.chain_id).update(touched_at=database_now())
    # An earlier answer of this step was nothing but faults; a person asked again.
    EditCandidate.objects.filter(step=step, asset=None).delete()
    candidates = EditCandidate.objects.bulk_create(_candidate(step, made) for made in outputs)
    pictures = [one for one in candidates if one.asset_id]
    Event.objects.record(WORKER, "chain.step_done", step.chain, step=step.number, pictures=len(pictures))
    if pictures and not unwanted:
        _go_on(step, pictures[0])
    else:
        let_go_below(step)


def _candidate(step: EditStep, made: OutputRows) -> EditCandidate:
    shown = made.shown
    return EditCandidate(
        step=step,
        index=made.index or 0,
        asset=shown,
        raw=made.asset,
        sha256=shown.sha256 if shown else "",
        width=shown.width if shown else 0,
        height=shown.height if shown else 0,
        micro_usd=made.asset.micro_usd if made.asset else 0,
        fault_code=made.fault,
        fault_params=dict(made.params),
        paste=made.edit.paste if made.edit else {},
        drift=made.edit.drift if made.edit else {},
    )


def _go_on(step: EditStep, picked: EditCandidate) -> None:
    """In a replay the first picture is taken, and the next step grows from it."""
    waiting = list(EditStep.objects.filter(chain=step.chain_id, parent_number=step.number, outcome="planned"))
    if not (waiting or step.plan):
        return
    STEP.move(EditStep.objects.filter(pk=step.pk), "chosen", only_from=["open"], choice=picked.index)
    # The head goes along, unless somebody moved it elsewhere.
    EditChain.objects.filter(pk=step.chain_id, head=step.parent_number or step.number).update(head=step.number)
    asset = picked.asset
    assert asset is not None  # only pictures are picked
    for one in waiting:
        one.chain = step.chain
        try:
            with transaction.atomic():
                queue_planned(one, asset)
        except (OperationalError, InterfaceError):
            raise  # the database is away: all of it is tried again
        except Exception as error:  # noqa: BLE001 - the picture that came is paid for: what can't follow it says so
            _give_up(one, error)
            let_go_steps([one], actor=WORKER)
            let_go_below(one)


def _give_up(step: EditStep, error: Exception) -> None:
    code, params = "step.no_route", {"route": step.route}
    if isinstance(error, StudioError):
        code, params = error.code, error.params
    elif not isinstance(error, configuration.ConfigurationError):
        _log.error("step crashed", exc_info=error, extra={"action": "step.crashed", "step": str(step.pk)})
        code, params = "job.crashed", {"error": type(error).__name__}
    rows = EditStep.objects.filter(pk=step.pk, outcome="planned")
    rows.update(outcome="failed", error_code=code, error_params=plain(params))


def queue_planned(step: EditStep, source: Asset) -> Job | None:
    """The job of a planned step, now that the picture is there that it grows from; None where somebody cancelled it
    meanwhile. The requester's rights are asked for again when it runs. Call it in a transaction.

    :raises InvalidRequest: ``step.placeholder``.
    :raises Conflict: ``step.dearer`` (most, limit) where it would cost more than was consented to.
    :raises ConfigurationError: where its route is gone.
    """
    if not EditStep.objects.filter(pk=step.pk, outcome="planned", job=None).update(outcome=""):
        return None
    # What it holds now that nobody else can take it: it may have been let go since it was read.
    step.refresh_from_db(fields=["hold_micro_usd"])
    if not source.publishable:
        raise InvalidRequest("step.placeholder")
    brand: Brand = step.chain.brand
    plan = step.plan
    revision = BrandRevision.objects.filter(pk=plan.get("revision"), brand=brand).first() or brand.revision
    order = StepOrder.from_dict(step.order)
    route, model = _route_of(step)
    found = _compiled(step, source, order, route=route, model=model, kit=revision.kit if revision else brand.kit)
    _judge_price(configuration.provider(route.provider).estimate(found.request, model), int(plan.get("most", 0)))
    request = {**found.request.to_dict(), **({"user_key": plan["user_key"]} if plan.get("user_key") else {})}
    job = Job(
        id=UUID(plan["job"]),
        kind="picture",
        brand_id=brand.pk,
        revision=revision,
        requested_by_id=step.chain.requested_by_id,
        actor_label=step.chain.actor_label,
        operator=bool(plan.get("operator")),
        provider=route.provider,
        route=route.name,
        model=model.id,
        request=request,
        digest=found.request.digest,
        n=found.request.n,
        tokens=tokens_of(route.provider, found.request),
        edit={**found.edit, "step": str(step.pk), "chain": str(step.chain_id), "words": order.instruction},
        estimate_micro_usd=int(plan.get("most", 0)),
        hold_micro_usd=step.hold_micro_usd,
        hold_user=str(step.chain.requested_by_id or ""),
        available_at=database_now(),
    )
    queue(job)
    # Nothing is held any more where its path had been given up before.
    take([job], WORKER)
    inputs = [_input(found.request.inputs[0]), *step.inputs[1:]]
    EditStep.objects.filter(pk=step.pk).update(job=job, inputs=inputs, hold_micro_usd=0)
    return job


def _route_of(step: EditStep) -> tuple[RouteSpec, ModelSpec]:
    """:raises ConfigurationError: where its route is gone, or leads nowhere."""
    route = configuration.routes().get(step.route)
    if route is None:
        raise configuration.ConfigurationError(f"There is no route {step.route!r}.")
    model = configuration.model(route.provider, route.model)
    if model is None:
        raise configuration.ConfigurationError(f"The route {route.name!r} leads to no model.")
    return route, model


def _compiled(
    step: EditStep, source: Asset, order: StepOrder, *, route: RouteSpec, model: ModelSpec, kit: Kit
) -> Compiled:
    """The request, with the picture that came and the files and references that were kept for it."""
    plan = step.plan
    return compiled(
        order,
        Base(asset=str(source.pk), sha256=source.sha256, size=source.size, focal=source.focal),
        route=route,
        model=model,
        kit=kit,
        files={role: FileRef(**{**row, "size": tuple(row["size"])}) for role, row in plan.get("files", {}).items()},
        references=[(role, InputRef.from_dict(row)) for role, row in plan.get("references", ())],
    )


def _judge_price(now: Price, most: int) -> None:
    """Prices, routes and the size of what came may have changed since somebody consented.

    :raises Conflict: ``step.dearer``.
    """
    if now.most > most:
        raise Conflict("step.dearer", most=f"{now.most / 1_000_000:.4f}", limit=f"{most / 1_000_000:.4f}")


def _input(ref: InputRef) -> dict[str, Any]:
    return {"role": ref.role, "asset": ref.asset, "sha256": ref.sha256, "size": list(ref.size or ())}
