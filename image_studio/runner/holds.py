"""What is held for jobs, beside their states: each function in the transaction of the change that it belongs to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from image_studio import conf, ledger
from image_studio.exceptions import StudioError
from image_studio.ledger import Bill, Settlement
from image_studio.models import Actor, Among, Attempt, EditStep, Job, database_now
from image_studio.providers.base import PictureRequest
from image_studio.runner.answers import StoredAnswer
from image_studio.runner.leases import WORKER, Fenced
from image_studio.runner.values import each
from image_studio.states import ATTEMPT


def earmark(jobs: Iterable[Job], *, user_id: str = "") -> None:
    """Write into rows that are about to be made what will be held for them; :func:`grant` asks for it.

    :param user_id: whose budgets it counts in; empty: of the person who asked for the job.
    """
    for job in jobs:
        job.hold_micro_usd = job.estimate_micro_usd
        job.hold_user = user_id or str(job.requested_by_id or "")


def grant(jobs: Sequence[Job], actor: Actor, *, reason: str = "", now: datetime | None = None) -> None:
    """Hold what was earmarked, all or nothing. As late in the transaction as possible: a site's budget is one row.

    :param now: by the database's clock, where it was asked a moment ago.
    :raises BudgetSpent: see :func:`image_studio.ledger.hold`.
    :raises Conflict: ``spending.stopped``.
    """
    ledger.hold([(bill_of(job), job.hold_micro_usd) for job in jobs], actor=actor, reason=reason, now=now)


def take(jobs: Sequence[Job], actor: Actor, *, reason: str = "") -> None:
    """Hold for jobs whose rows are there and hold nothing. Who says that it is tried again pays for that.

    :raises StudioError: as :func:`grant`.
    """
    paid = [job for job in jobs if not job.hold_micro_usd and (job.estimate_micro_usd or bill_of(job).price_unknown)]
    if not paid:
        return
    earmark(paid, user_id=actor.user_id)
    Job.objects.bulk_update(paid, ["hold_micro_usd", "hold_user"])
    grant(paid, actor, reason=reason)


def take_steps(steps: Iterable[EditStep], actor: Actor) -> None:
    """Hold again for planned steps whose hold was let go, at what was consented to.

    :raises StudioError: as :func:`grant`.
    """
    taken = []
    for step in steps:
        most = int(step.plan.get("most", 0))
        free = EditStep.objects.filter(pk=step.pk, job=None, outcome="planned", hold_micro_usd=0)
        if most and free.update(hold_micro_usd=most):
            taken.append((step_bill(step), most))
    if taken:
        ledger.hold(taken, actor=actor)


def most_now(job: Job, request: Mapping[str, Any] | None = None) -> int:
    """The most that a job may cost when it is sent again, in micro-USD.

    Never less than was agreed at first, and more where its price has risen since: a hold is the worst case. What was
    agreed where nobody can price it any more.

    :param request: another one than the job's own, of as many pictures as its ``n`` says.
    """
    asked = job.request if request is None else request
    n = int(asked.get("n", job.n))
    agreed = -(-job.estimate_micro_usd * n // max(1, job.n))
    if job.kind != "picture" or ledger.free(job.provider):
        return agreed
    try:
        spec = conf.model(job.provider, job.model)
        again = conf.provider(job.provider).estimate(PictureRequest.from_dict(asked), spec).most if spec else 0
    except (StudioError, conf.ConfigurationError):
        return agreed
    return max(agreed, again)


def bill_of(job: Job) -> Bill:
    """A job's bill; says so where nobody knows its price."""
    return Bill.of(job, price_unknown=not job.estimate_micro_usd and _unpriced(job))


def _unpriced(job: Job) -> bool:
    if job.kind != "picture" or ledger.free(job.provider):
        return False
    spec = conf.model(job.provider, job.model)
    return spec is not None and spec.unpriced


def let_go(jobs: Collection[UUID], *, actor: Actor = WORKER, reason: str = "") -> None:
    """Release what is held for jobs that ended without a call that may have been charged, and for what was planned
    after them: a plan that comes after all asks for its money then."""
    # Held by a write that changes nothing: who lets the same go at this moment comes after, and finds nothing.
    Job.objects.filter(pk__in=jobs).update(hold_micro_usd=F("hold_micro_usd"))
    rows = list(Job.objects.filter(pk__in=jobs, hold_micro_usd__gt=0))
    if rows:
        Job.objects.filter(pk__in=[row.pk for row in rows]).update(hold_micro_usd=0)
    freed = [(Bill.of(row), row.hold_micro_usd) for row in rows]
    steps = EditStep.objects.filter(job__in=jobs).values_list("chain", "number")
    for chain, number in steps:
        freed += _planned_below(chain, number)
    ledger.release(freed, actor=actor, reason=reason)


def let_go_below(step: EditStep, *, actor: Actor = WORKER) -> None:
    """Release what is held for the steps that were planned after one that brought nothing."""
    ledger.release(_planned_below(step.chain_id, step.number), actor=actor)


def let_go_steps(steps: Iterable[EditStep], *, actor: Actor) -> bool:
    """Release what is held for planned steps; whether anything was."""
    freed = _freed(list(steps))
    ledger.release(freed, actor=actor)
    return bool(freed)


def _planned_below(chain: UUID, number: int) -> list[tuple[Bill, int]]:
    below = {number}
    found = []
    rows = EditStep.objects.filter(chain=chain, number__gt=number, job=None).select_related("chain")
    for step in rows.order_by("number"):
        if step.parent_number in below:
            below.add(step.number)
            found.append(step)
    return _freed(found)


def _freed(steps: Sequence[EditStep]) -> list[tuple[Bill, int]]:
    """What the steps hold no more, by our own UPDATE.

    Whoever cancels a step does so beside the end of the job that it was to grow from: both have read what it holds, and
    one of them takes it. Each step by itself, always in the same order, so that no two wait for each other.
    """
    return [(step_bill(step), step.hold_micro_usd) for step in sorted(steps, key=lambda step: step.pk) if _took(step)]


def _took(step: EditStep) -> bool:
    if not step.hold_micro_usd:
        return False
    held = EditStep.objects.filter(pk=step.pk, job=None, hold_micro_usd=step.hold_micro_usd)
    return bool(held.update(hold_micro_usd=0))


def step_bill(step: EditStep) -> Bill:
    """The bill of a planned step's job to be."""
    chain = step.chain
    return Bill(
        brand_id=chain.brand_id,
        job=UUID(step.plan["job"]),
        user_id=str(chain.requested_by_id or ""),
        user_label=chain.actor_label,
        chain=chain.pk,
        provider=str(step.plan.get("provider", "")),
        route=step.route,
        model=str(step.plan.get("model", "")),
    )


def doubt(attempt: UUID, job: UUID) -> None:
    """The call's outcome is unknown: what was held for it stays held, by the call."""
    held, user = Job.objects.values_list("hold_micro_usd", "hold_user").get(pk=job)
    if held and Job.objects.filter(pk=job, hold_micro_usd=held).update(hold_micro_usd=0):
        Attempt.objects.filter(pk=attempt).update(hold_micro_usd=F("hold_micro_usd") + held, hold_user=user)


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What an answer costs and what is let go with it. Read before the transaction, entered in it.

    :param booked: whether the call was booked before; then the answer costs nothing more.
    :param cost: what the job's cost grows by, in micro-USD.
    """

    job: Job
    answer: StoredAnswer
    state: str
    held: int
    user: str
    before: int

    @property
    def booked(self) -> bool:
        return self.state == "answered"

    @property
    def cost(self) -> int:
        if self.booked:
            return 0
        return self.spent - (self.before if self.state == "written_off" else 0)

    @property
    def spent(self) -> int:
        """What the call cost: without usage at least what was held for it."""
        held = self.held or self.job.hold_micro_usd
        return max(self.answer.micro_usd, held) if self.missing else self.answer.micro_usd

    @property
    def missing(self) -> bool:
        return bool(self.answer.effective.get("usage_missing"))

    @property
    def columns(self) -> Mapping[str, Any]:
        """Of the job's row, for the UPDATE that moves it."""
        return {"hold_micro_usd": 0, **({"cost_micro_usd": F("cost_micro_usd") + self.cost} if self.cost else {})}


def charge_of(job: Job, answer: StoredAnswer) -> Charge:
    """Read what an answer will cost. ``job`` as its holder read it."""
    return charges_of([(job, answer)])[0]


def charges_of(pairs: Sequence[tuple[Job, StoredAnswer]]) -> list[Charge]:
    """Read what answers will cost, by one query, in their order."""
    columns = ("pk", "state", "hold_micro_usd", "hold_user", "micro_usd")
    rows = Attempt.objects.filter(Among(F("pk"), [answer.attempt for _job, answer in pairs])).values(*columns)
    calls = {row["pk"]: row for row in rows}
    return [_charge(job, answer, calls[answer.attempt]) for job, answer in pairs]


def _charge(job: Job, answer: StoredAnswer, call: Mapping[str, Any]) -> Charge:
    return Charge(
        job=job,
        answer=answer,
        state=call["state"],
        held=call["hold_micro_usd"],
        user=call["hold_user"],
        before=call["micro_usd"],
    )


def enter(charges: Sequence[Charge]) -> None:
    """Book calls and write their bills, after the jobs were moved. Once: a second time changes nothing.

    :raises Fenced: when a call was written off at this very moment; the transaction is to be rolled back.
    """
    moved = []
    for one in charges:
        job, answer = one.job, one.answer
        bill = Bill.of(job, attempt=answer.attempt)
        own = one.held or one.state == "written_off"
        if (own or one.booked) and job.hold_micro_usd:
            # Held for a call that need not be made any more.
            moved.append(ledger.Movement(bill=bill, kind="release", held=-job.hold_micro_usd, reason="unused"))
        if one.booked:
            continue
        paid = Bill.of(job, attempt=answer.attempt, user_id=one.user or bill.user_id)
        if one.state == "written_off":
            if one.cost or one.before:
                # Written off at what it did cost, it still has to say which pictures that bought.
                moved.append(_late(paid, one.cost, answer.pictures))
        elif one.spent or one.held or job.hold_micro_usd:
            held = one.held or job.hold_micro_usd
            reason = "late_answer" if one.held else ""
            settled = Settlement(
                bill=paid, held=held, spent=one.spent, pictures=answer.pictures, missing=one.missing, reason=reason
            )
            moved.append(settled.movement)
    _book([one for one in charges if not one.booked])
    ledger.write(moved, actor=WORKER)


def _late(bill: Bill, cost: int, pictures: int) -> ledger.Movement:
    return ledger.Movement(bill=bill, kind="adjust", spent=cost, pictures=pictures, reason="late_answer")


def _book(charges: Sequence[Charge]) -> None:
    """One UPDATE for all calls of the same state."""
    now = database_now() if charges else None
    by_state: dict[str, dict[UUID, Charge]] = {}
    for one in charges:
        by_state.setdefault(one.state, {})[one.answer.attempt] = one
    for state, rows in by_state.items():
        moved = ATTEMPT.move(
            Attempt.objects.filter(Among(F("pk"), list(rows))),
            "answered",
            only_from=[state],
            request_id=each(Attempt, "request_id", {pk: one.answer.request_id for pk, one in rows.items()}),
            usage=each(Attempt, "usage", {pk: dict(one.answer.usage) for pk, one in rows.items()}),
            effective=each(Attempt, "effective", {pk: dict(one.answer.effective) for pk, one in rows.items()}),
            micro_usd=each(Attempt, "micro_usd", {pk: one.spent for pk, one in rows.items()}),
            hold_micro_usd=0,
            error_code="",
            error_params={},
            ended_at=now,
        )
        if moved < len(rows):
            raise Fenced(", ".join(sorted(str(one.job.pk) for one in rows.values())))
