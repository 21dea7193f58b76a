"""Budgets: what may be held, granted by one conditional UPDATE each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import BigIntegerField, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from image_studio import signals
from image_studio.ledger.bills import SITE, WORKER, Bill, BudgetSpent
from image_studio.models import (
    PERIODS,
    Attempt,
    Budget,
    EditStep,
    Event,
    Job,
    LedgerEntry,
    SpendRollup,
    database_now,
)
from image_studio.states import JOB_ENDED
from image_studio.wording.money import dollars, most_dollars

#: More than any limit: stands for none in a sum.
BOUNDLESS = 2**62
RANK = {"site": 0, "brand": 1, "user": 2}
#: Milliseconds that a new budget waits for orders in flight, less than PostgreSQL's ``deadlock_timeout``; how often.
PATIENCE, TRIES = 500, 8
#: How long a new budget is counted anew with every sweep: longer than any transaction that had begun before it.
YOUNG = timedelta(minutes=10)
_BIG = BigIntegerField()


def budgets_of(scopes: Iterable[str]) -> list[Budget]:
    """Those of the scopes, in the order in which everybody writes them."""
    rows = Budget.objects.filter(scope__in=set(scopes)).select_related("brand", "user")
    return sorted(rows, key=lambda row: (RANK[row.level], row.scope, row.period))


def starts(period: str, day: date) -> date:
    """First day of the period that a day lies in."""
    return {
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "year": day.replace(month=1, day=1),
        "ever": date(1970, 1, 1),
    }[period]


def ends(period: str, day: date) -> date | None:
    """First day of the next period; None for one that never ends."""
    start = starts(period, day)
    if period == "month":
        return (start + timedelta(days=32)).replace(day=1)
    if period == "year":
        return start.replace(year=start.year + 1)
    return {"day": start + timedelta(days=1), "week": start + timedelta(days=7)}.get(period)


def grant(budget: Budget, amount: int, now: datetime) -> None:
    """Hold within a budget by one conditional UPDATE.

    :raises BudgetSpent: ``budget.spent``.
    """
    day = now.astimezone(UTC).date()
    _turn_over(budget, day)
    room = Q(hard_micro_usd__isnull=True) | Q(hard_micro_usd__gte=F("spent_micro_usd") + F("held_micro_usd") + amount)
    rows = Budget.objects.filter(room, pk=budget.pk)
    if not rows.update(held_micro_usd=F("held_micro_usd") + amount):
        budget.refresh_from_db()
        raise BudgetSpent("budget.spent", **refusal(budget, amount, day))
    _warn(budget, amount, now)


def _warn(budget: Budget, amount: int, now: datetime) -> None:
    """Say once a period that the soft limit is passed. The row as it was read may be old: the UPDATE decides."""
    soft = budget.soft_micro_usd
    if soft is None or budget.warned_at or budget.spent_micro_usd + budget.held_micro_usd + amount < soft:
        return
    passed = Q(soft_micro_usd__lte=F("spent_micro_usd") + F("held_micro_usd"))
    if Budget.objects.filter(passed, pk=budget.pk, warned_at=None).update(warned_at=now):
        Event.objects.record(WORKER, "budget.warned", budget, soft=soft)
        transaction.on_commit(partial(_tell_warned, budget.pk))


def _tell_warned(pk: UUID) -> None:
    budget = Budget.objects.filter(pk=pk).first()
    if budget:
        signals.budget_warned.send_robust(Budget, budget=budget)


def _turn_over(budget: Budget, day: date) -> None:
    """Begin a new period where the counters are of an older one: what is held goes along, what was spent does not."""
    start = starts(budget.period, day)
    if budget.start >= start:
        return
    rows = Budget.objects.filter(pk=budget.pk, start__lt=start)
    # MariaDB sets one column after the other: what is computed from others stands before they change.
    rows.update(over_micro_usd=_over(Value(0)), spent_micro_usd=0, warned_at=None, start=start)
    budget.refresh_from_db()


def count(budget: Budget, held: int, spent: int, now: datetime) -> None:
    """Change the counters by what is a fact already. They never fall below what they can mean."""
    _turn_over(budget, now.astimezone(UTC).date())
    left = Greatest(Value(0), F("held_micro_usd") + held, output_field=BigIntegerField())
    over = Greatest(
        Value(0), F("spent_micro_usd") + spent + left - Coalesce(F("hard_micro_usd"), BOUNDLESS), output_field=_BIG
    )
    # MariaDB sets one column after the other: what is computed from others stands before they change.
    Budget.objects.filter(pk=budget.pk).update(
        over_micro_usd=over, held_micro_usd=left, spent_micro_usd=F("spent_micro_usd") + spent
    )


def _over(spent: Any) -> Any:
    return Greatest(Value(0), spent + F("held_micro_usd") - Coalesce(F("hard_micro_usd"), BOUNDLESS), output_field=_BIG)


def whose(budget: Budget) -> str:
    """A budget's name: the site, the brand, the person, or the person within the brand."""
    who = budget.user.get_username() if budget.user else ""
    if budget.brand and who:
        return f"{who}, {budget.brand.name}"
    return who or (budget.brand.name if budget.brand else _("the whole site"))


def refusal(budget: Budget, amount: int, day: date) -> dict[str, Any]:
    """What a person has to know of a budget that has no room: parameters of ``budget.spent``."""
    until = ends(budget.period, day)
    return {
        "whose": whose(budget),
        "period": str(PERIODS[budget.period]),
        "limit": dollars(budget.hard_micro_usd or 0),
        "left": dollars(_now(budget, day).left_micro_usd or 0),
        "wanted": most_dollars(amount),
        "until": date_format(until) if until else "",
        "budget": str(budget.pk),
    }


def _now(budget: Budget, day: date) -> Budget:
    """The counters as they count today, where nobody wrote them since the period began. Not saved."""
    start = starts(budget.period, day)
    if budget.start < start:
        budget.start, budget.spent_micro_usd, budget.warned_at = start, 0, None
    return budget


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """A budget beside what is about to be asked for; nothing is held.

    :param refused: whether it has no room for that.
    :param warns: whether its soft limit would be passed.
    """

    budget: Budget
    refused: bool
    warns: bool
    params: Mapping[str, Any] = field(default_factory=dict)


def outlook(bill: Bill, amount: int, *, now: datetime | None = None) -> tuple[Outlook, ...]:
    """What the budgets of a bill would say to an amount now. The hold itself decides."""
    day = (now or database_now()).astimezone(UTC).date()
    found = []
    for row in budgets_of(bill.scopes):
        budget = _now(row, day)
        used = budget.spent_micro_usd + budget.held_micro_usd + amount
        hard, soft = budget.hard_micro_usd, budget.soft_micro_usd
        refused = hard is not None and amount > 0 and used > hard
        warns = soft is not None and amount > 0 and used >= soft
        params = refusal(budget, amount, day)
        if soft is not None:
            params["soft"] = dollars(soft)
        found.append(Outlook(budget=budget, refused=refused, warns=warns, params=params))
    return tuple(found)


def current(budgets: Iterable[Budget], *, now: datetime | None = None) -> list[Budget]:
    """Budgets with their counters as they count today; nothing is written."""
    day = (now or database_now()).astimezone(UTC).date()
    return [_now(budget, day) for budget in budgets]


def open_budget(budget: Budget) -> Budget:
    """Write a new budget, its counters begun with what is held and spent in its period already.

    Its scope follows from ``brand`` and ``user``. Call it in a transaction of its own. Whoever moves money meanwhile
    has not seen the budget: see :func:`recount_young`.
    """
    _wait_for_movements()
    parts = [f"brand:{budget.brand_id}"] if budget.brand_id else []
    parts += [f"user:{budget.user_id}"] if budget.user_id else []
    budget.scope = " ".join(parts) or SITE
    budget.level = "user" if budget.user_id else "brand" if budget.brand_id else "site"
    budget.start = starts(budget.period, database_now().astimezone(UTC).date())
    # Begun without a limit: what is spent already may be over it.
    hard, budget.hard_micro_usd = budget.hard_micro_usd, None
    budget.save(force_insert=True)
    limit(budget, hard=hard, soft=budget.soft_micro_usd)
    recount(budget)
    return budget


def _wait_for_movements() -> None:
    """Wait until what moves money now is committed, and let nothing new begin until the budget is.

    Whoever moves money has written jobs before, and reads the budgets after: a lock on the jobs' table finds all of
    them. SQLite has one writer at a time. MariaDB locks no table within a transaction; there, and where somebody takes
    seconds, :func:`recount_young` mends what was missed.
    """
    if connection.vendor == "postgresql":
        any(_locked_jobs() for _time in range(TRIES))


def _locked_jobs() -> bool:
    """Others wait behind the lock that we wait for: given up before the server looks for a deadlock."""
    table = connection.ops.quote_name(Job._meta.db_table)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE}")
            cursor.execute(f"LOCK TABLE {table} IN SHARE MODE")
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    except OperationalError:
        return False
    return True


def recount_young() -> list[Budget]:
    """Count anew what was opened a short while ago, and return those that had missed something.

    An order that was not committed when a budget was opened neither counted in it nor was counted by it. By now it is
    over, and whoever came later counts in it.
    """
    rows = Budget.objects.filter(created_at__gt=database_now() - YOUNG).select_related("brand", "user")
    return [budget for budget in current(rows) if not adds_up(budget) and _recount_alone(budget)]


def adds_up(budget: Budget) -> bool:
    """Whether the counters as they were read are what rows and ledger say. What moves meanwhile makes a difference."""
    return (budget.held_micro_usd, budget.spent_micro_usd) == (outstanding(budget), spent_in(budget))


def adds_up_held(budget: Budget) -> bool:
    """The same, read anew while nothing can move: whoever changes a counter waits for this transaction."""
    with transaction.atomic():
        Budget.objects.filter(pk=budget.pk).update(scope=F("scope"))
        found = Budget.objects.filter(pk=budget.pk).first()
        # Somebody may just have removed it: what is gone cannot be wrong.
        return found is None or all(adds_up(one) for one in current([found]))


def _recount_alone(budget: Budget) -> bool:
    with transaction.atomic():
        return recount(budget)


def limit(budget: Budget, *, hard: int | None, soft: int | None) -> None:
    """Set a budget's limits. Below what is spent and held already nothing more is granted, and nothing is undone."""
    bound = BOUNDLESS if hard is None else hard
    over = Greatest(Value(0), F("spent_micro_usd") + F("held_micro_usd") - bound, output_field=_BIG)
    Budget.objects.filter(pk=budget.pk).update(
        over_micro_usd=over, hard_micro_usd=hard, soft_micro_usd=soft, warned_at=None
    )
    budget.refresh_from_db()


def recount(budget: Budget) -> bool:
    """Set the counters to what the rows say; True where that changed them. Call it in a transaction."""
    # Held by a write that changes nothing: no grant comes between reading and writing.
    Budget.objects.filter(pk=budget.pk).update(scope=F("scope"))
    _turn_over(budget, database_now().astimezone(UTC).date())
    budget.refresh_from_db()
    held, spent = outstanding(budget), spent_in(budget)
    if (held, spent) == (budget.held_micro_usd, budget.spent_micro_usd):
        return False
    over = max(0, spent + held - (BOUNDLESS if budget.hard_micro_usd is None else budget.hard_micro_usd))
    Budget.objects.filter(pk=budget.pk).update(over_micro_usd=over, held_micro_usd=held, spent_micro_usd=spent)
    budget.refresh_from_db()
    return True


def outstanding(budget: Budget | None = None) -> int:
    """What is held now, by the rows that hold it: jobs, calls in doubt, planned steps. None is the whole site."""
    jobs = Job.objects.filter(hold_micro_usd__gt=0).exclude(state__in=JOB_ENDED)
    attempts = Attempt.objects.filter(hold_micro_usd__gt=0)
    steps = EditStep.objects.filter(hold_micro_usd__gt=0, job=None)
    if budget and budget.brand_id:
        jobs, attempts = jobs.filter(brand=budget.brand_id), attempts.filter(job__brand=budget.brand_id)
        steps = steps.filter(chain__brand=budget.brand_id)
    if budget and budget.user_id:
        jobs, attempts = jobs.filter(hold_user=budget.user_id), attempts.filter(hold_user=budget.user_id)
        steps = steps.filter(chain__requested_by=budget.user_id)
    return sum(_sum(rows, "hold_micro_usd") for rows in (jobs, attempts, steps))


def spent_in(budget: Budget) -> int:
    """What the ledger says was spent in a budget's period."""
    rows: QuerySet[Any]
    if budget.user_id:
        rows = LedgerEntry.objects.filter(day__gte=budget.start, user_id=str(budget.user_id))
    else:
        rows = SpendRollup.objects.filter(day__gte=budget.start, model="")
    if budget.brand_id:
        rows = rows.filter(brand_id=budget.brand_id)
    return _sum(rows, "spent_micro_usd")


def _sum(rows: QuerySet[Any], column: str) -> int:
    found = rows.order_by().aggregate(total=Coalesce(Sum(column), 0, output_field=_BIG))
    return int(found["total"])
