"""Calls whose outcome nobody knows: adopt what came, send again, or write off. Until then they hold their money.

A call in doubt is an attempt in state ``unknown``. Usually its job is in that state too; after a resend the job goes
on, and the call before stays in doubt until somebody settles it.

A job is of unknown outcome too where its answer is paid for and lies on a host that does not come for it. That call is
``answered``, and holds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from image_studio import ledger, tasks
from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.ledger import Bill, Movement, Settlement
from image_studio.models import Attempt, Event, Job, VariantSet, database_now
from image_studio.policy import Policy
from image_studio.runner import resending, sweep, unsaved
from image_studio.runner.adopting import salvage
from image_studio.states import ATTEMPT, JOB
from image_studio.storage import Spool
from image_studio.workflow.browse import clean
from image_studio.workflow.chains import hold_after, step_for
from image_studio.workflow.once import once
from image_studio.workflow.verbs import NOT_UNKNOWN

#: No single call costs more, in micro-USD: a typing error in a bill.
MOST_CHARGED = 1_000_000_000
MOST_NOTE = 500
#: Jobs whose answer lies elsewhere that a list tells of.
MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A call that may have been charged.

    :param held_micro_usd: what it holds; 0 where its price was not known.
    :param here: whether its folder lies in the spool of this host.
    :param paid: its answer is known and charged, and lies where no worker comes for it.
    """

    attempt: Attempt
    job: Job
    held_micro_usd: int
    here: bool
    paid: bool = False


def doubtful(policy: Policy) -> QuerySet[Attempt]:
    """The calls in doubt that this person may see, the oldest first; with their jobs and brands."""
    jobs = policy.visible(Job.objects.all())
    # Read before: joined, every call would be looked at for the few.
    lost = list(Job.objects.filter(state="unknown", error_code=unsaved.ELSEWHERE).values_list("pk", flat=True)[:MOST])
    rows = Attempt.objects.filter(Q(state="unknown") | _elsewhere(job__in=lost), job__in=jobs)
    return rows.select_related("job__brand", "job__variant_set", "job__step").order_by("pk")


def _elsewhere(**where: Any) -> Q:
    return Q(state="answered", error_code=unsaved.ELSEWHERE, **where)


def doubts_of(job: Job) -> list[Doubt]:
    """The calls of a job that are in doubt, the newest first."""
    rows = Attempt.objects.filter(Q(state="unknown") | _elsewhere(job__state="unknown"), job=job).order_by("-number")
    return [doubt_of(row, job) for row in rows]


def doubt_of(attempt: Attempt, job: Job) -> Doubt:
    """A call in doubt as it is shown."""
    held, paid = attempt.hold_micro_usd, attempt.state == "answered"
    return Doubt(attempt=attempt, job=job, held_micro_usd=held, here=lies_here(attempt.pk), paid=paid)


def lies_here(attempt: UUID) -> bool:
    """Whether a call's folder lies in the spool of this host."""
    return (Spool().root / str(attempt)).is_dir()


def offered_doubts(policy: Policy, job: Job) -> frozenset[str]:
    """What this person may say to a job of unknown outcome: of ``adopt``, ``resend``, ``write_off``."""
    if job.state != "unknown":
        return frozenset()
    return frozenset(verb for verb in ("adopt", "resend", "write_off") if policy.can(verb, job))


# Adopt -------------------------------------------------------------------------------------------------------------


def adopt(policy: Policy, job: Job) -> Job:
    """Take in what lies in the spool of the call: whole pictures of an answer that was cut. Nothing is sent.

    On another host the wish is noted, and the worker there looks with its next sweep.

    :return: the job as it is now: ``spooled``, or ``unknown`` with ``adopt_asked_at``.
    :raises Conflict: ``job.not_unknown``; ``job.nothing_to_adopt`` where no whole picture lies there.
    """
    policy.require("adopt", job)
    _judge_unknown(job)
    job = Job.objects.get(pk=job.pk)
    calls = [doubt.attempt for doubt in doubts_of(job)]
    here = [call for call in calls if lies_here(call.pk)]
    for call in here:
        answer = salvage(call)
        if answer and sweep.take_in(job, answer, actor=policy.actor):
            transaction.on_commit(partial(tasks.ring, [job.pk]))
            return Job.objects.get(pk=job.pk)
    _judge_unknown(job)  # or somebody was faster
    if here or not calls:
        raise Conflict("job.nothing_to_adopt")
    with transaction.atomic():
        rows = Job.objects.filter(pk=job.pk, state="unknown")
        if not rows.update(adopt_asked_at=database_now()):
            raise Conflict(NOT_UNKNOWN)
        Event.objects.record(policy.actor, "job.adopt_asked", job, host=calls[0].host)
    return Job.objects.get(pk=job.pk)


def _judge_unknown(job: Job) -> None:
    if not Job.objects.filter(pk=job.pk, state="unknown").exists():
        raise Conflict(NOT_UNKNOWN)


# Resend ------------------------------------------------------------------------------------------------------------


def resend(policy: Policy, job: Job, *, key: str, most: int | None = None) -> Job:
    """Send a job of unknown outcome once more, with a hold of its own. The call before may have been charged too, and
    keeps what is held for it.

    :param key: as :func:`~image_studio.workflow.once.once` takes it.
    :param most: the most that may be held for it, in micro-USD.
    :raises Conflict: ``job.not_unknown``; ``budget.spent``; ``spending.stopped``; ``price.risen``.
    """
    policy.require("resend", job)

    def act() -> Mapping[str, Any]:
        with ledger.at_most(most):
            return _resent(policy, job)

    once(policy, key, {"verb": "resend_job", "job": str(job.pk)}, act)
    return Job.objects.get(pk=job.pk)


def resent(policy: Policy, job: Job) -> Job:
    """:func:`resend` for a caller that keeps the answer to a key itself: call it within its ``once``."""
    policy.require("resend", job)
    _resent(policy, job)
    return Job.objects.select_related("brand").get(pk=job.pk)


def _resent(policy: Policy, job: Job) -> Mapping[str, Any]:
    resending.resend(job.pk, policy.actor)
    if step := step_for(job):
        hold_after(policy, step)
    if job.variant_set_id:
        VariantSet.objects.filter(pk=job.variant_set_id).update(cancelled_at=None, finished_at=None)
    transaction.on_commit(partial(tasks.ring, [job.pk]))
    return {"job": str(job.pk)}


# Write off ---------------------------------------------------------------------------------------------------------


def write_off(
    policy: Policy, job: Job, *, attempt: UUID | None = None, charged_micro_usd: int | None = None, note: str = ""
) -> Job:
    """Give up calls in doubt, and say what they cost: as much as was held unless a person knows better.

    A job of unknown outcome fails by it. One that goes on after a resend goes on; only the call before is settled.

    :param attempt: one of the job's calls in doubt; None is all of them.
    :param charged_micro_usd: by the provider's own bill, 0 for none; None is what was held. Only of a single call.
    :param note: how that is known.
    :raises Conflict: ``job.not_unknown`` where no call is in doubt.
    :raises InvalidRequest: ``job.name_the_call``, ``job.charge_out_of_range``.
    """
    policy.require("write_off", job)
    if charged_micro_usd is not None and not 0 <= charged_micro_usd <= MOST_CHARGED:
        raise InvalidRequest("job.charge_out_of_range", most=MOST_CHARGED)
    told = clean(note, most=MOST_NOTE)
    with transaction.atomic():
        # Held by a write that changes nothing: a resend, a sweep that finds the answer, or this, one after the other.
        Job.objects.filter(pk=job.pk).update(lease_token=F("lease_token"))
        job = Job.objects.select_related("brand").get(pk=job.pk)
        picked = Q(pk=attempt) if attempt else Q()
        calls = list(Attempt.objects.filter(picked, job=job, state="unknown").order_by("number"))
        if not calls and (attempt or job.state != "unknown"):
            raise Conflict(NOT_UNKNOWN)
        if charged_micro_usd is not None and len(calls) > 1:
            raise InvalidRequest("job.name_the_call", calls=len(calls))
        cost = sum(_given_up(policy, job, call, charged_micro_usd, told) for call in calls)
        left = Attempt.objects.filter(job=job, state="unknown").exists()
        values: dict[str, Any] = {"cost_micro_usd": F("cost_micro_usd") + cost}
        if job.state == "unknown" and not left:
            ended: dict[str, Any] = {"error_code": "job.written_off", "error_params": {}, "adopt_asked_at": None}
            JOB.move(Job.objects.filter(pk=job.pk), "failed", only_from=["unknown"], **ended, **values)
        else:
            Job.objects.filter(pk=job.pk).update(**values)
        Event.objects.record(policy.actor, "job.written_off", job, micro_usd=cost, calls=len(calls), note=told)
    return Job.objects.get(pk=job.pk)


def _given_up(policy: Policy, job: Job, call: Attempt, charged: int | None, note: str) -> int:
    """Settle one call; returns what it is charged."""
    held = call.hold_micro_usd
    cost = held if charged is None else charged
    values = {"micro_usd": cost, "hold_micro_usd": 0}
    if not ATTEMPT.move(Attempt.objects.filter(pk=call.pk), "written_off", only_from=["unknown"], **values):
        raise Conflict(NOT_UNKNOWN)
    bill = Bill.of(job, attempt=call.pk, **({"user_id": call.hold_user} if call.hold_user else {}))
    if cost:
        moved = Settlement(bill=bill, held=held, spent=cost, reason="written_off").movement
        moved = Movement(**{**vars(moved), "note": note})
    else:
        moved = Movement(bill=bill, kind="release", held=-held, reason="not_charged", note=note)
    if held or cost:
        ledger.write([moved], actor=policy.actor)
    return cost
