"""What a person has spent themselves: what members see who may not see the spending of a brand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, timedelta
from typing import Any

from django.db.models import BigIntegerField, Count, Q, Sum

from image_studio.models import Brand, LedgerEntry, database_now
from image_studio.policy import Policy
from image_studio.workflow.costs import Cost, Slice, Spend, approvals, per_brand, span_of


def own_spend(
    policy: Policy, *, since: date | None = None, until: date | None = None, brand: Brand | None = None
) -> Spend:
    """What this person asked for, in their brands or in one of them; days as in
    :func:`~image_studio.workflow.costs.spend`, without its budgets. Three queries at most.

    :raises InvalidRequest: ``spend.bad_span``.
    """
    since, until = span_of(since, until, database_now().astimezone(UTC).date())
    seen = {one.pk: one for one in ([brand] if brand else policy.brands())}
    rows = _sums(policy, seen, since, until)
    approved = _approved(policy, seen, since, until)
    days, brands = _by(rows, "day"), _by(rows, "brand_id")
    for pk in approved:
        # Bought before these days, and approved within them.
        brands.setdefault(pk, Counter())
    return Spend(
        since=since,
        until=until,
        total=_cost(_added(rows), sum(approved.values())),
        days=tuple(
            (day, _cost(days.get(day))) for day in (since + timedelta(days=n) for n in range((until - since).days + 1))
        ),
        models=tuple(
            Slice(key=model, name=model, cost=_cost(found)) for model, found in _by(rows, "model").items() if model
        ),
        brands=tuple(
            Slice(key=seen[pk].slug, name=seen[pk].name, cost=_cost(found, approved.get(pk, 0)))
            for pk, found in brands.items()
        ),
    )


def _sums(policy: Policy, brands: Mapping[Any, Brand], since: date, until: date) -> list[dict[str, Any]]:
    rows = LedgerEntry.objects.filter(
        brand_id__in=list(brands), day__gte=since, day__lte=until, user_id=policy.actor.user_id
    )
    sums: dict[str, Any] = {
        "spent": Sum("spent_micro_usd", output_field=BigIntegerField()),
        "n": Sum("pictures"),
        "c": Count("pk", filter=Q(kind="settle")),
    }
    found: Any = rows.order_by().values("day", "brand_id", "model").annotate(**sums)
    return list(found)


def _by(rows: list[dict[str, Any]], name: str) -> dict[Any, Counter[str]]:
    """The sums of each value of a column, the dearest first."""
    found: dict[Any, Counter[str]] = {}
    for row in rows:
        found.setdefault(row[name], Counter()).update({key: row[key] for key in ("spent", "n", "c")})
    return dict(sorted(found.items(), key=lambda one: (-one[1]["spent"], str(one[0]))))


def _added(rows: list[dict[str, Any]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows:
        found.update({key: row[key] for key in ("spent", "n", "c")})
    return found


def _cost(found: Counter[str] | None, approved: int = 0) -> Cost:
    sums = found or Counter()
    return Cost(spent=sums["spent"], pictures=sums["n"], calls=sums["c"], approved=approved)


def _approved(policy: Policy, brands: Mapping[Any, Brand], since: date, until: date) -> dict[Any, int]:
    """Brand -> bought pictures of this person that somebody approved within these days (UTC), each once."""
    return per_brand(approvals(since, until).filter(asset__brand__in=list(brands), asset__created_by=policy.user))
