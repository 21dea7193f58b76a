"""What a worker writes down of many jobs at once: the same as ``marks`` and ``saving``, by statements over sets.

Each function is one transaction, in the order in which everybody locks: sets, jobs, budgets. Each changes all of its
jobs or none: one that was fenced, that a budget refuses, or that is in any way special, is done by itself, and what
else was asked for with it too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F

from image_studio import ledger
from image_studio.models import Attempt, Event, Job, Named, VariantSet, create, database_now, insert
from image_studio.runner import holds, saving, sets
from image_studio.runner.answers import StoredAnswer
from image_studio.runner.beats import this_host
from image_studio.runner.leases import FREE, WORKER, Fenced, Lease, held
from image_studio.runner.rows import OutputRows
from image_studio.runner.values import each
from image_studio.runner.work import PictureWork, Words, Work
from image_studio.states import JOB

__all__ = ["ALONE", "answered", "ended", "finish", "sending"]

#: In place of a result: this one is done by itself.
ALONE: Final = object()


def sending(asks: Sequence[tuple[Lease, PictureWork, UUID]]) -> list[Any]:
    """Calls are about to be made: the leases as they are then. See :func:`image_studio.runner.marks.sending`.

    :raises Fenced: when one of the leases was lost, or its job cancelled.
    :raises Conflict: ``spending.stopped`` for one of their brands.
    """
    return _split(asks, lambda ask: ask[0].state == "leased" and _held_for(ask[1]), _sending)


def _held_for(work: PictureWork) -> bool:
    """Whether nothing has to be held for it any more: what asks a budget does so by itself."""
    return work.repeatable or bool(work.job.hold_micro_usd)


def _sending(asks: Sequence[tuple[Lease, PictureWork, UUID]]) -> list[Lease]:
    leases, now = [lease for lease, _work, _attempt in asks], database_now()
    data = [{"attempt": str(attempt)} for _lease, _work, attempt in asks]
    calls = [_call(lease, work, attempt, now) for lease, work, attempt in asks]
    with transaction.atomic():
        moved = _move(leases, "sending", attempts_made=F("attempts_made") + 1, error_code="", error_params={})
        insert(Attempt, calls)
        _tell(leases, "job.sending", data)
        if paid := {lease.brand_id for lease, work, _attempt in asks if not work.repeatable}:
            ledger.judge_running(paid)
    return moved


def _call(lease: Lease, work: PictureWork, attempt: UUID, now: Any) -> dict[str, Any]:
    return {
        "id": attempt,
        "job_id": lease.job_id,
        "number": work.calls + 1,
        "provider": work.job.provider,
        "model": work.job.model,
        "worker": lease.owner,
        "host": this_host(),
        "started_at": now,
    }


def answered(asks: Sequence[tuple[Lease, Job, StoredAnswer]]) -> list[Any]:
    """Answers are whole on the disk, and their bills are entered. See :func:`image_studio.runner.marks.answered`.

    :raises Fenced: when one of the leases was lost.
    """
    charges = holds.charges_of([(job, answer) for _lease, job, answer in asks])
    # An answer to a call that is known by anything but its sending is an old one.
    plain = [(ask[0], charge) for ask, charge in zip(asks, charges, strict=True)]
    return _split(plain, lambda one: one[0].state == one[1].state == "sending" and not one[1].held, _answered)


def _answered(asks: Sequence[tuple[Lease, holds.Charge]]) -> list[Lease]:
    leases, charges = [lease for lease, _charge in asks], [charge for _lease, charge in asks]
    data = [{"attempt": str(charge.answer.attempt)} for charge in charges]
    costs = {charge.job.pk: charge.cost for charge in charges}
    grown: dict[str, Any] = {}
    if any(costs.values()):
        grown["cost_micro_usd"] = F("cost_micro_usd") + each(Job, "cost_micro_usd", costs)
    with transaction.atomic():
        moved = _move(leases, "spooled", error_code="", error_params={}, hold_micro_usd=0, **grown)
        _tell(leases, "job.spooled", data)
        holds.enter(charges)
    return moved


def finish(asks: Sequence[tuple[Work, Sequence[OutputRows]]]) -> list[Any]:
    """Everything of jobs that brought nothing but what was asked for. See :func:`image_studio.runner.saving.finish`.

    :raises Fenced: when one of the leases was lost, or its job is not wanted any more.
    :raises Stale: when the words of one of the sets changed.
    """
    return _split(asks, lambda ask: _plain(*ask), _finish)


def _plain(work: Work, outputs: Sequence[OutputRows]) -> bool:
    first = isinstance(work, PictureWork) and not work.calls and not work.job.edit
    whole = all(made.asset and not made.fault and all(cell.asset for cell in made.cells) for made in outputs)
    return first and whole and work.lease.state == "spooled"


def _finish(asks: Sequence[tuple[Work, Sequence[OutputRows]]]) -> list[frozenset[str]]:
    leases = [work.lease for work, _outputs in asks]
    outputs = [made for _work, bought in asks for made in bought]
    cells = [cell for made in outputs for cell in made.cells]
    rows = [row for work, bought in asks for row in saving.job_outputs(work.lease.job_id, bought)]
    told: list[tuple[str, Any, dict[str, Any]]] = [
        ("variant.ready", Named("variant", one.cell.pk), {}) for one in cells
    ]
    with transaction.atomic():
        _move(leases, "done", wanted=True, error_code="", error_params={}, ended_at=database_now(), **FREE)
        _still_true([work for work, _outputs in asks])
        if len(saving.live_among(cells)) < len(cells):
            raise saving.Stale
        saving.insert(outputs, cells)
        create(rows)
        saving.fill(cells)
        _tell(leases, "job.done", [{}] * len(leases), told)
    return [frozenset()] * len(asks)


def _still_true(works: Sequence[Work]) -> None:
    """:raises Stale: see :func:`image_studio.runner.saving.finish`."""
    with_cells = [work for work in works if work.cells and work.lease.set_id]
    rows = VariantSet.objects.filter(pk__in={work.lease.set_id for work in with_cells})
    now = {pk: Words(revision_id=kit, texts=texts) for pk, kit, texts in rows.values_list("pk", "revision_id", "texts")}
    if any(now.get(work.lease.set_id) != work.words for work in with_cells):  # type: ignore[arg-type]
        raise saving.Stale


def ended(asks: Sequence[tuple[Lease]]) -> list[Any]:
    """What became of jobs whose travels are over. See :func:`image_studio.runner.sets.ended`."""
    sets.finish_sets(lease.set_id for (lease,) in asks)
    states = sets.states(lease.job_id for (lease,) in asks)
    return [states[lease.job_id] for (lease,) in asks]


# ---------------------------------------------------------------------------------------------------------------------


def _split(
    asks: Sequence[Any], fits: Callable[[Any], bool], many: Callable[[Sequence[Any]], Sequence[Any]]
) -> list[Any]:
    """Do those together that fit, and leave the others alone."""
    which = [number for number, ask in enumerate(asks) if fits(ask)]
    results: list[Any] = [ALONE] * len(asks)
    if len(which) > 1:
        for number, result in zip(which, many([asks[number] for number in which]), strict=True):
            results[number] = result
    return results


def _move(leases: Sequence[Lease], to: str, *, wanted: bool = False, **values: Any) -> list[Lease]:
    """Change all states by one UPDATE, each row by its own token; their events are the caller's.

    :param wanted: counts a job that somebody cancelled as fenced.
    :raises Fenced: unless all of them moved; the caller's transaction is to be rolled back.
    """
    # Who changes many jobs of a set holds its row: so no two of them wait for each other.
    sets.lock_all(lease.set_id for lease in leases)
    rows = held(leases).filter(cancel_requested_at=None) if wanted else held(leases)
    if JOB.move(rows, to, only_from=[leases[0].state], **values) < len(leases):
        raise Fenced(", ".join(str(lease.job_id) for lease in leases))
    return [replace(lease, state=to) for lease in leases]


def _tell(
    leases: Sequence[Lease],
    verb: str,
    data: Sequence[dict[str, Any]],
    more: Sequence[tuple[str, Any, dict[str, Any]]] = (),
) -> None:
    """The events of all these jobs, as :meth:`image_studio.runner.leases.Lease.move` writes one."""
    own = [(verb, lease.target, {"worker": str(lease.owner), **said}) for lease, said in zip(leases, data, strict=True)]
    Event.objects.record_each(WORKER, [*own, *more])
