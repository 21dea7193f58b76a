"""What a worker writes down on a job's way: each function is one transaction, each a conditional UPDATE first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from image_studio import ledger
from image_studio.models import Attempt, Event, Job, Named, Variant, database_now
from image_studio.runner import holds, limits, unsaved
from image_studio.runner.answers import StoredAnswer, plain
from image_studio.runner.beats import this_host
from image_studio.runner.leases import FREE, WORKER, Fenced, Lease
from image_studio.runner.outcomes import TOO_MANY, Decision, back_off, named
from image_studio.runner.work import Halt, PictureWork, repeatable
from image_studio.states import ATTEMPT, JOB_ENDED, JOB_HELD, VARIANT

#: Calls of one job after which a provider's "too many requests" ends it: whatever that means, it does not pass.
MOST_TURNED_AWAY = 100


def sending(lease: Lease, work: PictureWork, attempt: UUID) -> Lease:
    """The call is about to be made. Committed before anything is sent, so that a crash leaves a trace.

    :raises Fenced: when the lease was lost or the job cancelled.
    :raises BudgetSpent: where nothing was held for it yet, and a budget has no room.
    :raises Conflict: ``spending.stopped``.
    """
    now = database_now()
    with transaction.atomic():
        held = lease.move(
            "sending",
            data={"attempt": str(attempt)},
            attempts_made=F("attempts_made") + 1,
            error_code="",
            error_params={},
        )
        Attempt.objects.create(
            id=attempt,
            job_id=lease.job_id,
            number=work.calls + 1,
            provider=work.job.provider,
            model=work.job.model,
            worker=lease.owner,
            host=this_host(),
            started_at=now,
        )
        if not work.repeatable:
            ledger.judge_running([lease.brand_id])
            holds.take([work.job], WORKER)
    return held


def early(lease: Lease, partials: dict[str, Any]) -> bool:
    """Show these early versions; False where the call is over or the lease was lost, and nothing was written.

    No event: an early version is no state, decides nothing and is gone with the call (promise 14 is about states).
    """
    return bool(lease.rows.filter(state="sending").update(partials=partials))


def answered(lease: Lease, job: Job, answer: StoredAnswer) -> Lease:
    """The whole answer is on the disk, and its bill is entered. The job is finished from there, never sent again.

    :raises Fenced: when the lease was lost.
    """
    charge = holds.charge_of(job, answer)
    with transaction.atomic():
        told = {"attempt": str(answer.attempt)}
        held = lease.move("spooled", data=told, error_code="", error_params={}, **charge.columns)
        holds.enter([charge])
    return held


def halted(lease: Lease, halt: Halt) -> Lease:
    """The job ends before anything was sent."""
    params = plain(halt.params)
    ended = {"error_code": halt.code, "error_params": params, "ended_at": database_now(), **FREE}
    with transaction.atomic():
        moved = lease.move(halt.to, data={"code": halt.code}, **ended)
        if lease.state == "spooled":
            unsaved.tell(lease.job_id, halt.code, params)
        if lease.kind == "compose":
            _strand(lease, halt.code or "variant.not_composed", params)
        holds.let_go([lease.job_id])
    return moved


def decided(lease: Lease, decision: Decision, attempt: UUID | None = None) -> Lease:
    """The job goes where an error leads it, and its call with it.

    :raises Fenced: when the lease was lost.
    """
    if decision.to == lease.state:
        return _still_spooled(lease, decision)
    turned_away = attempt is not None and decision.code == TOO_MANY
    if attempt and turned_away:
        decision = _turned_away(attempt, decision)
    now = database_now()
    with transaction.atomic():
        moved = lease.move(
            decision.to,
            verb="job.requeued" if decision.to == "queued" else "",
            data={"code": decision.code, "attempt": str(attempt or ""), "wait": round(decision.wait, 1)},
            error_code=decision.code,
            error_params=dict(decision.params),
            available_at=now + timedelta(seconds=decision.wait),
            ended_at=now if decision.to in JOB_ENDED else None,
            # A try that sent nothing counts too, or trouble with files would go round for ever. One that was turned
            # away does not: it says nothing about the job.
            attempts_made=F("attempts_made") + int(lease.state == "leased") - int(turned_away),
            **FREE,
        )
        if attempt:
            _close(attempt, decision)
        if lease.state == "spooled" and decision.to in JOB_ENDED:
            unsaved.tell(lease.job_id, decision.code, decision.params)
        if lease.kind == "compose" and decision.to in JOB_ENDED:
            _strand(lease, decision.code, dict(decision.params))
        if decision.to == "unknown" and attempt:
            holds.doubt(attempt, lease.job_id)
        if decision.to in JOB_ENDED:
            # In doubt nothing of the job's own is left to let go; what was planned after it waits no longer.
            holds.let_go([lease.job_id])
    return moved


def _turned_away(attempt: UUID, decision: Decision) -> Decision:
    """The provider has enough: other workers hear of it first, and do not run into it meanwhile."""
    call = Attempt.objects.only("provider", "model", "number").get(pk=attempt)
    if "retry_after" not in decision.params:
        # Limits are by the minute.
        decision = replace(decision, wait=min(back_off(call.number), 60.0))
    limits.close(call.provider, call.model, decision.wait)
    return decision if call.number < MOST_TURNED_AWAY else replace(decision, to="failed")


def _strand(lease: Lease, code: str, params: dict[str, Any]) -> None:
    """Cells that waited for a composition which will not come say so; their picture's own job ended long ago."""
    request = Job.objects.values_list("request", flat=True).get(pk=lease.job_id)
    for row in request["variants"]:
        cell = Variant.objects.filter(pk=row["id"], round=row["round"])
        if VARIANT.move(
            cell, "compose_failed", only_from=["waiting"], asset=None, error_code=code, error_params=params
        ):
            Event.objects.record(WORKER, "variant.compose_failed", Named("variant", row["id"]), code=code)


def crashed(lease: Lease, error: Exception) -> bool:
    """A defect of ours stopped the job wherever it was. It must not come back with every sweep."""
    state = lease.rows.values_list("state", flat=True).first()
    if state not in JOB_HELD:
        return False
    alias = Job.objects.values_list("provider", flat=True).get(pk=lease.job_id)
    code, params = named(error)
    sent = state == "sending"
    to = "unknown" if sent and not repeatable(alias) else "failed"
    decision = Decision(to=to, attempt="unknown" if to == "unknown" else "failed", code=code, params=params)
    attempt = Attempt.objects.filter(job=lease.job_id, state="sending").values_list("pk", flat=True).first()
    decided(replace(lease, state=state), decision, attempt)
    return True


def _close(attempt: UUID, decision: Decision) -> None:
    rows = Attempt.objects.filter(pk=attempt, state="sending")
    ATTEMPT.move(
        rows,
        decision.attempt,
        error_code=decision.code,
        error_params=dict(decision.params),
        ended_at=database_now(),
    )


def _still_spooled(lease: Lease, decision: Decision) -> Lease:
    """The answer could not be stored. It stays in the spool and the job says why; any worker here tries again."""
    later = database_now() + timedelta(seconds=decision.wait)
    with transaction.atomic():
        written = lease.rows.filter(state="spooled").update(
            error_code=decision.code,
            error_params=dict(decision.params),
            saves_made=F("saves_made") + 1,
            available_at=later,
            **FREE,
        )
        if not written:
            raise Fenced(str(lease.job_id))
        Event.objects.record(WORKER, "job.save_failed", lease.target, code=decision.code, worker=str(lease.owner))
    return lease
