"""Money held against the rows that it belongs to: holds of what is over, counters, rollups, costs and triggers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Q, Sum

from image_studio import ledger
from image_studio.conf import conf
from image_studio.ledger import Bill, Movement
from image_studio.models import (
    Actor,
    Attempt,
    Budget,
    EditChain,
    EditStep,
    Job,
    LedgerEntry,
    SpendRollup,
    guards,
)
from image_studio.runner import holds
from image_studio.runner.findings import Trouble
from image_studio.states import JOB_ENDED
from image_studio.wording.money import dollars

#: Ids that one statement asks for.
PART = 500


def money(actor: Actor, *, fix: bool) -> Iterator[Trouble]:
    """Whatever of money does not add up. Each is mended by another entry, or by counting anew; none by forgetting.

    What moves is read twice, within one transaction that writes first: a worker may be in the middle of it.
    """
    yield from _triggers(fix=fix)
    yield from _ended(actor, fix=fix)
    yield from _planned(actor, fix=fix)
    yield from _unentered(actor, fix=fix)
    yield from _costs(fix=fix)
    yield from _rollups(fix=fix)
    yield from _budgets(fix=fix)


def _triggers(*, fix: bool) -> Iterator[Trouble]:
    if not conf().append_only_triggers:
        return
    for name, table, _verb in guards.missing():
        fixed = fix and name not in guards.install()
        yield Trouble(kind="trigger", object=name, code="doctor.no_trigger", params={"table": table}, fixed=fixed)


def _ended(actor: Actor, *, fix: bool) -> Iterator[Trouble]:
    """Jobs that are over and still hold, and calls that are in doubt no more."""
    for job in Job.objects.filter(hold_micro_usd__gt=0, state__in=JOB_ENDED).order_by("pk"):
        fixed = fix and _let_job_go(actor, job)
        yield _over_held(f"job {job.pk}", job.hold_micro_usd, fixed=fixed)
    calls = Attempt.objects.filter(hold_micro_usd__gt=0).exclude(state="unknown").select_related("job")
    for call in calls.order_by("pk"):
        fixed = bool(fix and _let_call_go(actor, call))
        yield _over_held(f"call {call.pk}", call.hold_micro_usd, fixed=fixed)


def _let_job_go(actor: Actor, job: Job) -> bool:
    with transaction.atomic():
        # Held by a write that changes nothing, unless somebody tries it again.
        if not Job.objects.filter(pk=job.pk, state__in=JOB_ENDED, hold_micro_usd__gt=0).update(n=F("n")):
            return False
        holds.let_go([job.pk], actor=actor, reason="recounted")
    return True


def _let_call_go(actor: Actor, call: Attempt) -> bool:
    with transaction.atomic():
        rows = Attempt.objects.filter(pk=call.pk, hold_micro_usd=call.hold_micro_usd).exclude(state="unknown")
        if not rows.update(hold_micro_usd=0):
            return False
        user = {"user_id": call.hold_user} if call.hold_user else {}
        bill = Bill.of(call.job, attempt=call.pk, **user)
        ledger.release([(bill, call.hold_micro_usd)], actor=actor, reason="recounted")
    return True


def _over_held(what: str, micro_usd: int, *, fixed: bool) -> Trouble:
    params = {"usd": dollars(micro_usd), "micro_usd": micro_usd}
    return Trouble(kind="over_held", object=what, code="doctor.over_held", params=params, fixed=fixed)


def _planned(actor: Actor, *, fix: bool) -> Iterator[Trouble]:
    """Planned steps that hold although what they would grow from does not come."""
    holding = EditStep.objects.filter(hold_micro_usd__gt=0, job=None).select_related("chain").order_by("pk")
    by_chain: defaultdict[UUID, list[EditStep]] = defaultdict(list)
    for step in holding:
        by_chain[step.chain_id].append(step)
    for chain, steps in by_chain.items():
        alive = _coming(chain)
        for step in steps:
            if step.number in alive:
                continue
            fixed = fix and _let_step_go(actor, step)
            yield _over_held(f"step {step.pk}", step.hold_micro_usd, fixed=fixed)


def _let_step_go(actor: Actor, step: EditStep) -> bool:
    with transaction.atomic():
        # The chain before its steps, as whoever tries again takes them: what comes after all keeps its money.
        EditChain.objects.filter(pk=step.chain_id).update(touched_at=F("touched_at"))
        return step.number not in _coming(step.chain_id) and holds.let_go_steps([step], actor=actor)


def _coming(chain: UUID) -> set[int]:
    """Numbers of the steps that work, and of those that are planned after them."""
    alive: set[int] = set()
    rows = EditStep.objects.filter(chain=chain).order_by("number")
    for number, parent, outcome, state in rows.values_list("number", "parent_number", "outcome", "job__state"):
        if (state and state not in JOB_ENDED) or (outcome == "planned" and parent in alive):
            alive.add(number)
    return alive


def _unentered(actor: Actor, *, fix: bool) -> Iterator[Trouble]:
    """Jobs of which the ledger says another sum is held than their rows do."""
    entered = LedgerEntry.objects.exclude(job=None).order_by().values_list("job")
    told = {pk: held for pk, held in entered.annotate(held=Sum("held_micro_usd")) if held}
    for job in sorted({*told, *_holding()}, key=str):
        said, held = told.get(job, 0), _held_of(job)
        if said == held or (said, held) != (_entered(job), _held_of(job)):
            continue  # or it was moving while it was read
        fixed = bool(fix and _enter(actor, job))
        params = {"entered": dollars(said), "held": dollars(held)}
        yield Trouble(kind="ledger", object=f"job {job}", code="doctor.held_differs", params=params, fixed=fixed)


def _holding() -> set[UUID]:
    jobs = set(Job.objects.filter(hold_micro_usd__gt=0).values_list("pk", flat=True))
    jobs |= set(Attempt.objects.filter(hold_micro_usd__gt=0).values_list("job", flat=True))
    plans = EditStep.objects.filter(hold_micro_usd__gt=0, job=None).values_list("plan__job", flat=True)
    return jobs | {UUID(pk) for pk in plans if pk}


def _entered(job: UUID) -> int:
    return LedgerEntry.objects.filter(job=job).aggregate(n=Sum("held_micro_usd"))["n"] or 0


def _held_of(job: UUID) -> int:
    own = Job.objects.filter(pk=job).values_list("hold_micro_usd", flat=True).first() or 0
    calls = Attempt.objects.filter(job=job).aggregate(n=Sum("hold_micro_usd"))["n"] or 0
    planned = EditStep.objects.filter(job=None, plan__job=str(job), hold_micro_usd__gt=0)
    return int(own + calls + (planned.values_list("hold_micro_usd", flat=True).first() or 0))


def _enter(actor: Actor, job: UUID) -> bool:
    """Bring the ledger to what the rows hold: they decide what is still to come."""
    last = LedgerEntry.objects.filter(job=job).order_by("-id").first()
    row = Job.objects.filter(pk=job).first()
    if row is None and last is None:
        return False
    bill = Bill.of(row) if row else _bill_of(last)
    with transaction.atomic():
        # Held by writes that change nothing, where there are rows to hold.
        Job.objects.filter(pk=job).update(n=F("n"))
        EditStep.objects.filter(job=None, plan__job=str(job)).update(hold_micro_usd=F("hold_micro_usd"))
        change = _held_of(job) - _entered(job)
        if not change:
            return False
        kind = "hold" if change > 0 else "release"
        ledger.write([Movement(bill=bill, kind=kind, held=change, reason="recounted")], actor=actor)
    return True


def _bill_of(entry: Any) -> Bill:
    names = ("brand_id", "job", "user_id", "user_label", "variant_set", "chain", "provider", "route", "model")
    return Bill(**{name: getattr(entry, name) for name in names})


def _costs(*, fix: bool) -> Iterator[Trouble]:
    """Jobs that say another cost than the ledger."""
    entered = LedgerEntry.objects.exclude(job=None).order_by().values_list("job")
    spent = {pk: cost for pk, cost in entered.annotate(cost=Sum("spent_micro_usd")) if cost}
    for pk, cost, wanted in _said_costs(spent):
        if cost == wanted or (cost, wanted) != (_cost_of(pk), _spent_on(pk)):
            continue  # or it was moving while it was read
        fixed = bool(fix and _set_cost(pk))
        params = {"said": dollars(cost), "entered": dollars(wanted)}
        yield Trouble(kind="ledger", object=f"job {pk}", code="doctor.cost_differs", params=params, fixed=fixed)


def _said_costs(spent: Mapping[UUID, int]) -> Iterator[tuple[UUID, int, int]]:
    """Job, what its row says, and what the ledger says; jobs that are gone are none."""
    rows = Job.objects.filter(cost_micro_usd__gt=0).order_by("pk").values_list("pk", "cost_micro_usd")
    seen = set()
    for pk, cost in rows.iterator():
        seen.add(pk)
        yield pk, cost, spent.get(pk, 0)
    # Those whose rows say nothing: in parts, since databases take so many parameters and no more.
    rest = sorted(spent.keys() - seen)
    for start in range(0, len(rest), PART):
        some = Job.objects.filter(pk__in=rest[start : start + PART], cost_micro_usd=0).order_by("pk")
        yield from ((pk, 0, spent[pk]) for pk in some.values_list("pk", flat=True))


def _cost_of(job: UUID) -> int | None:
    return Job.objects.filter(pk=job).values_list("cost_micro_usd", flat=True).first()


def _spent_on(job: UUID) -> int:
    return LedgerEntry.objects.filter(job=job).aggregate(n=Sum("spent_micro_usd"))["n"] or 0


def _set_cost(job: UUID) -> bool:
    with transaction.atomic():
        # Held by a write that changes nothing: who settles writes the job first, then the ledger.
        Job.objects.filter(pk=job).update(n=F("n"))
        spent = _spent_on(job)
        return spent >= 0 and bool(Job.objects.filter(pk=job).update(cost_micro_usd=spent))


def _rollups(*, fix: bool) -> Iterator[Trouble]:
    """Days whose rollup is not the ledger's sum."""
    wanted = _summed()
    there = {
        (row.day, row.brand_id, row.model): (row.spent_micro_usd, row.pictures, row.calls)
        for row in SpendRollup.objects.iterator()
    }
    for key in sorted({*wanted, *there}, key=str):
        if wanted.get(key, (0, 0, 0)) == there.get(key, (0, 0, 0)) or _rolled_up(key):
            continue  # or it was moving while it was read
        day, brand, model = key
        fixed = bool(fix and _set_rollup(key))
        params = {"day": str(day), "model": model or "-", "brand": str(brand)}
        yield Trouble(kind="ledger", object=f"day {day}", code="doctor.rollup_differs", params=params, fixed=fixed)


def _summed(key: tuple[Any, UUID, str] | None = None) -> dict[tuple[Any, UUID, str], tuple[int, int, int]]:
    """(day, brand, model) -> spent, pictures, calls, by the ledger; with model empty for all of a brand."""
    rows = LedgerEntry.objects.filter(Q(kind="settle") | ~Q(spent_micro_usd=0) | Q(pictures__gt=0)).order_by()
    if key:
        rows = rows.filter(day=key[0], brand_id=key[1])
    sums = {"s": Sum("spent_micro_usd"), "p": Sum("pictures"), "c": Count("pk", filter=Q(kind="settle"))}
    found: dict[tuple[Any, UUID, str], tuple[int, int, int]] = {}
    summed: Any = rows.values("day", "brand_id", "model").annotate(**sums)
    for row in summed:
        one = (row["s"], row["p"], row["c"])
        if row["model"]:
            found[row["day"], row["brand_id"], row["model"]] = one
        whole = found.get((row["day"], row["brand_id"], ""), (0, 0, 0))
        found[row["day"], row["brand_id"], ""] = (whole[0] + one[0], whole[1] + one[1], whole[2] + one[2])
    return found


def _rolled_up(key: tuple[Any, UUID, str]) -> bool:
    """Whether a rollup is the ledger's sum after all, read in one transaction that writes first: movements of its day
    and brand wait for it, as they write its row after their entries."""
    day, brand, model = key
    rows = SpendRollup.objects.filter(day=day, brand_id=brand, model=model)
    with transaction.atomic():
        rows.update(calls=F("calls"))
        row = rows.first()
        return _summed(key).get(key, (0, 0, 0)) == (
            (row.spent_micro_usd, row.pictures, row.calls) if row else (0, 0, 0)
        )


def _set_rollup(key: tuple[Any, UUID, str]) -> bool:
    day, brand, model = key
    with transaction.atomic():
        row, _made = SpendRollup.objects.select_for_update().get_or_create(day=day, brand_id=brand, model=model)
        row.spent_micro_usd, row.pictures, row.calls = _summed(key).get(key, (0, 0, 0))
        row.save()
    return True


def _budgets(*, fix: bool) -> Iterator[Trouble]:
    """Budgets whose counters are not what rows and ledger say. Mended by counting anew."""
    for budget in ledger.current(Budget.objects.select_related("brand", "user").order_by("pk")):
        if ledger.adds_up(budget) or ledger.adds_up_held(budget):
            continue  # or it was moving while it was read
        whose = ledger.whose(budget)
        fixed = False
        if fix:
            with transaction.atomic():
                fixed = ledger.recount(budget)
        params = {"whose": whose}
        yield Trouble(
            kind="budget", object=f"budget {budget.pk}", code="doctor.budget_differs", params=params, fixed=fixed
        )
