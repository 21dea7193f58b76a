"""What was spent, and on what: read from the ledger and its rollups. Integer micro-USD; days are UTC, as vendors bill.

What a person sees: of brands whose spending they may see (``see_spend``) everything; besides that what they asked for
themselves.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from image_studio import ledger
from image_studio.exceptions import InvalidRequest
from image_studio.models import Brand, Budget, LedgerEntry, Review, SpendRollup, database_now
from image_studio.policy import Policy
from image_studio.workflow.spending import budgets

#: A report reads at most as many days.
MOST_DAYS = 1100


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What something cost.

    :param held: what is still held for it: it may cost that much more.
    :param calls: settled calls.
    :param approved: approved pictures that show one which was bought; what is uploaded or free is none.
    """

    spent: int = 0
    held: int = 0
    pictures: int = 0
    calls: int = 0
    approved: int = 0

    @property
    def per_picture(self) -> int | None:
        """Micro-USD a bought picture, rounded up; None where none was bought."""
        return -(-self.spent // self.pictures) if self.pictures else None

    @property
    def per_approved(self) -> int | None:
        """Micro-USD an approved picture, rounded up: everything that was spent, over what was good enough. None where
        nothing was approved."""
        return -(-self.spent // self.approved) if self.approved else None


def entries(policy: Policy) -> QuerySet[LedgerEntry]:
    """The entries that this person may see, the newest first."""
    rows = LedgerEntry.objects.order_by("-id")
    if policy.passes:
        return rows
    brands = list(policy.brands("see_spend").values_list("pk", flat=True))
    return rows.filter(Q(brand_id__in=brands) | Q(user_id=policy.actor.user_id))


def cost_of(
    policy: Policy, *, job: UUID | None = None, variant_set: UUID | None = None, chain: UUID | None = None
) -> Cost:
    """What a job, a set or an edit history cost. Whoever may see the thing may see its cost: ask before.

    :raises ValueError: unless exactly one is named.
    """
    named = {"job": job, "variant_set": variant_set, "chain": chain}
    wanted = {name: pk for name, pk in named.items() if pk is not None}
    if len(wanted) != 1:
        raise ValueError("name one of job, variant_set, chain")
    return _cost(LedgerEntry.objects.filter(**wanted), approved=_approved_of(**named))


def _cost(rows: QuerySet[Any], *, approved: int) -> Cost:
    found = rows.order_by().aggregate(
        spent=_total("spent_micro_usd"),
        held=_total("held_micro_usd"),
        pictures=_total("pictures"),
        calls=Count("pk", filter=Q(kind="settle")),
    )
    return Cost(approved=approved, **found)


def _total(column: str) -> Coalesce:
    return Coalesce(Sum(column), 0, output_field=BigIntegerField())


def _approved_of(job: UUID | None = None, variant_set: UUID | None = None, chain: UUID | None = None) -> int:
    """Pictures bought by a job, set or history that somebody approved, each once.

    A cell that was taken from an edit history counts there, where its money is.
    """
    if job:
        of = Q(asset__recipe__job=str(job)) | Q(asset__parent__recipe__job=str(job))
        of = of & Q(asset__brand__jobs=job)
    elif variant_set:
        edited = Q(asset__candidates__isnull=False) | Q(asset__parent__candidates__isnull=False)
        of = Q(asset__variants__variant_set=variant_set) & ~edited
    else:
        # Composed on a picture of the history. What another history made of one is that history's.
        composed = Q(asset__kind="composed", asset__candidates__isnull=True)
        of = Q(asset__candidates__step__chain=chain) | (composed & Q(asset__parent__candidates__step__chain=chain))
    rows = Review.objects.filter(of, decision="approve", asset__micro_usd__gt=0)
    return int(rows.order_by().aggregate(n=Count("asset", distinct=True))["n"])


# The Spend page and the usage endpoint -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A part of what was spent: a model or a brand.

    :param key: the model's id, or the brand's slug.
    """

    key: str
    name: str
    cost: Cost


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """A budget beside what its period will come to, if it goes on as so far.

    :param forecast: micro-USD at the period's end, by the mean of its days so far; None where it never ends, or where
        it began today.
    :param until: first day of the next period; None where it never ends.
    """

    budget: Budget
    forecast: int | None
    until: date | None

    @property
    def exceeds(self) -> bool:
        """Whether the forecast lies over the limit."""
        hard = self.budget.hard_micro_usd
        return hard is not None and self.forecast is not None and self.forecast > hard


@dataclass(frozen=True, kw_only=True)
class Spend:
    """What was spent from ``since`` to ``until``, both within it.

    :param days: every day, in order, also those without spending.
    """

    since: date
    until: date
    total: Cost
    days: tuple[tuple[date, Cost], ...]
    models: tuple[Slice, ...]
    brands: tuple[Slice, ...]
    budgets: tuple[Forecast, ...] = field(default=())


def spend(policy: Policy, *, since: date | None = None, until: date | None = None, brand: Brand | None = None) -> Spend:
    """The brands whose spending this person may see, or one of them; this month unless said otherwise.

    At most eight queries, whatever the ledger holds: sums come from the rollups.

    :raises NotAllowed: for a brand whose spending the person may not see.
    :raises InvalidRequest: ``spend.bad_span``.
    """
    today = database_now().astimezone(UTC).date()
    since, until = span_of(since, until, today)
    if brand is not None:
        policy.require("see_spend", brand)
    seen = {b.pk: b for b in ([brand] if brand else policy.brands("see_spend"))}
    rollups = SpendRollup.objects.filter(day__gte=since, day__lte=until)
    if brand is not None or not policy.passes:
        rollups = rollups.filter(brand_id__in=seen)
    approved = _approved(since, until, None if policy.passes and brand is None else list(seen))
    by_day = {row["day"]: row for row in _sums(rollups.filter(model=""), "day")}
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    by_brand = list(_sums(rollups.filter(model=""), "brand_id"))
    # Bought before these days, and approved within them.
    spent_on = {row["brand_id"] for row in by_brand}
    by_brand += [{"brand_id": pk, "spent": 0, "n": 0, "c": 0} for pk in approved if pk not in spent_on]
    return Spend(
        since=since,
        until=until,
        total=Cost(
            spent=sum(row["spent"] for row in by_brand),
            pictures=sum(row["n"] for row in by_brand),
            calls=sum(row["c"] for row in by_brand),
            approved=sum(approved.values()),
        ),
        days=tuple((day, _row(by_day.get(day))) for day in days),
        models=tuple(
            Slice(key=row["model"], name=row["model"], cost=_row(row))
            for row in _sums(rollups.exclude(model=""), "model")
        ),
        brands=tuple(
            Slice(
                key=seen[row["brand_id"]].slug if row["brand_id"] in seen else str(row["brand_id"]),
                name=seen[row["brand_id"]].name if row["brand_id"] in seen else str(row["brand_id"]),
                cost=_row(row, approved.get(row["brand_id"], 0)),
            )
            for row in by_brand
        ),
        budgets=tuple(forecasts(policy, brand=brand, today=today)),
    )


def span_of(since: date | None, until: date | None, today: date) -> tuple[date, date]:
    """First and last day of a report; this month unless said otherwise.

    :raises InvalidRequest: ``spend.bad_span``.
    """
    since, until = since or today.replace(day=1), until or today
    if not timedelta() <= until - since <= timedelta(days=MOST_DAYS):
        raise InvalidRequest("spend.bad_span", most=MOST_DAYS)
    return since, until


def _sums(rows: QuerySet[Any], by: str) -> QuerySet[Any]:
    sums = {"spent": _total("spent_micro_usd"), "n": _total("pictures"), "c": _total("calls")}
    found: QuerySet[Any] = rows.order_by().values(by).annotate(**sums).order_by("-spent", by)
    return found


def _row(row: dict[str, Any] | None, approved: int = 0) -> Cost:
    return Cost(spent=row["spent"], pictures=row["n"], calls=row["c"], approved=approved) if row else Cost()


def _approved(since: date, until: date, brands: list[UUID] | None) -> dict[UUID, int]:
    """Brand -> bought pictures approved within these days (UTC), each once."""
    rows = approvals(since, until)
    return per_brand(rows if brands is None else rows.filter(asset__brand__in=brands))


def approvals(since: date, until: date) -> QuerySet[Review]:
    """Of pictures that show one which was bought: for themselves, or as the picture that their set was made from."""
    bought = Q(asset__micro_usd__gt=0) | Q(asset__variants__variant_set__source__micro_usd__gt=0)
    days = Q(created_at__gte=_midnight(since), created_at__lt=_midnight(until + timedelta(days=1)))
    return Review.objects.filter(bought, days, decision="approve")


def per_brand(rows: QuerySet[Review]) -> dict[UUID, int]:
    """Brand -> pictures that these reviews are of, each once."""
    counted = rows.order_by().values("asset__brand").annotate(n=Count("asset", distinct=True)).order_by("asset__brand")
    return {row["asset__brand"]: row["n"] for row in counted}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def forecasts(policy: Policy, *, brand: Brand | None = None, today: date | None = None) -> Iterator[Forecast]:
    """The budgets that the person may see, or those of one brand and of the site, with where they are heading."""
    today = today or database_now().astimezone(UTC).date()
    rows = budgets(policy)
    if brand is not None:
        rows = rows.filter(Q(brand=brand) | Q(level="site"))
    for budget in ledger.current(rows):
        yield forecast_of(budget, today)


def forecast_of(budget: Budget, today: date) -> Forecast:
    """Where a budget is heading; its counters as they count today (:func:`image_studio.ledger.current`)."""
    until = ledger.ends(budget.period, today)
    return Forecast(budget=budget, forecast=_heading(budget, today, until), until=until)


def _heading(budget: Budget, today: date, until: date | None) -> int | None:
    """What is spent at the period's end, by the mean of the days that are over, today counted as far as it is."""
    if until is None:
        return None
    gone = (today - budget.start).days + 1
    whole = (until - budget.start).days
    return round(budget.spent_micro_usd * whole / gone) if gone > 1 or whole == 1 else None


def month_of(day: date) -> tuple[date, date]:
    """First and last day of a month."""
    return day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1])
