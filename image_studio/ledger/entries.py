"""Movements of money: hold, settle, release, adjust."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from image_studio.ledger import ceilings
from image_studio.ledger.bills import WORKER, Bill, BudgetSpent, Movement, Settlement
from image_studio.ledger.budgets import budgets_of, count, grant, whose
from image_studio.ledger.switches import judge_running
from image_studio.models import Actor, LedgerEntry, SpendRollup, database_now, insert


def hold(bills: Sequence[tuple[Bill, int]], *, actor: Actor, reason: str = "", now: datetime | None = None) -> None:
    """Hold the most that each may cost: granted as a whole, or not at all.

    :raises BudgetSpent: ``budget.spent`` naming the first budget that has no room, ``budget.price_unknown`` where a
        limit cannot be kept; the transaction is to be rolled back.
    :raises Conflict: ``spending.stopped``; ``price.risen`` where that is more than
        :func:`~image_studio.ledger.ceilings.at_most` lets through.
    """
    asked = [(bill, amount) for bill, amount in bills if amount or bill.price_unknown]
    if not asked:
        return
    judge_running({bill.brand_id for bill, _amount in asked})
    unknown = any(bill.price_unknown for bill, _amount in asked)
    ceilings.judge(sum(amount for _bill, amount in asked), unknown=unknown)
    now = now or database_now()
    moved = [Movement(bill=bill, kind="hold", held=n, reason=reason) for bill, n in asked if n]
    sums = _by_scope(moved)
    unbounded = {scope for bill, _amount in asked if bill.price_unknown for scope in bill.scopes}
    for budget in budgets_of({*sums, *unbounded}):
        if budget.scope in unbounded and budget.hard_micro_usd is not None:
            raise BudgetSpent("budget.price_unknown", whose=whose(budget))
        if budget.scope in sums:
            grant(budget, sums[budget.scope][0], now)
    _enter(moved, actor, now)


def settle(rows: Sequence[Settlement], *, actor: Actor = WORKER, now: datetime | None = None) -> list[int]:
    """Write what calls did cost and let go what was held for them. Never refused: a bill is a fact.

    :return: what each was charged, in micro-USD, in their order.
    """
    moved = [row.movement for row in rows]
    write([one for one in moved if one.held or one.spent], actor=actor, now=now)
    return [one.spent for one in moved]


def release(
    bills: Sequence[tuple[Bill, int]], *, actor: Actor = WORKER, reason: str = "", now: datetime | None = None
) -> None:
    """Let go what was held for calls that were not charged or will not be made."""
    write([Movement(bill=bill, kind="release", held=-n, reason=reason) for bill, n in bills if n], actor=actor, now=now)


def adjust(
    bill: Bill,
    spent: int,
    *,
    actor: Actor,
    reason: str,
    note: str = "",
    pictures: int = 0,
    now: datetime | None = None,
) -> None:
    """Correct what was spent by another entry; the wrong one stays.

    :param pictures: that were bought for it and that no entry has counted.
    """
    if spent:
        moved = Movement(bill=bill, kind="adjust", spent=spent, pictures=pictures, reason=reason, note=note)
        write([moved], actor=actor, now=now)


def write(moved: Sequence[Movement], *, actor: Actor, now: datetime | None = None) -> None:
    """Enter movements that need no leave, and bring counters and rollups along."""
    if not moved:
        return
    now = now or database_now()
    sums = _by_scope(moved)
    for budget in budgets_of(sums):
        count(budget, *sums[budget.scope], now)
    _enter(moved, actor, now)


def _by_scope(moved: Iterable[Movement]) -> dict[str, tuple[int, int]]:
    """Scope -> change of held and of spent."""
    sums: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for one in moved:
        for scope in one.bill.scopes:
            held, spent = sums[scope]
            sums[scope] = (held + one.held, spent + one.spent)
    return dict(sums)


def _enter(moved: Sequence[Movement], actor: Actor, now: datetime) -> None:
    insert(LedgerEntry, [_columns(one, actor, now) for one in moved])
    _roll_up(moved, now.astimezone(UTC).date())


def _columns(one: Movement, actor: Actor, now: datetime) -> dict[str, Any]:
    bill = one.bill
    told = ("brand_id", "user_id", "user_label", "job", "attempt", "variant_set", "chain", "provider", "route", "model")
    return {
        "at": now,
        "day": now.astimezone(UTC).date(),
        "kind": one.kind,
        "held_micro_usd": one.held,
        "spent_micro_usd": one.spent,
        "pictures": one.pictures,
        "reason": one.reason,
        "note": one.note[:500],
        "actor_id": actor.user_id,
        "actor_label": actor.label,
        **{name: getattr(bill, name) for name in told},
    }


def _roll_up(moved: Sequence[Movement], day: date) -> None:
    """Add to the day's rows, each once, in their order, by one statement."""
    sums: defaultdict[tuple[UUID, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in moved:
        if not one.spent and not one.pictures and one.kind != "settle":
            continue
        for model in {"", one.bill.model}:
            row = sums[one.bill.brand_id, model]
            for i, value in enumerate((one.spent, one.pictures, int(one.kind == "settle"))):
                row[i] += value
    if sums:
        _upsert([(day, brand, model, *row) for (brand, model), row in sorted(sums.items(), key=lambda kv: str(kv[0]))])


def _upsert(rows: Sequence[tuple[Any, ...]]) -> None:
    """INSERT ... or add, which the ORM cannot say: its ``update_conflicts`` sets, and does not add."""
    meta, quote = SpendRollup._meta, connection.ops.quote_name
    names = ("day", "brand_id", "model", "spent_micro_usd", "pictures", "calls")
    fields: list[Any] = [meta.get_field(name) for name in names]
    columns = [quote(field.column) for field in fields]
    added = columns[3:]
    if connection.vendor == "mysql":
        conflict = "ON DUPLICATE KEY UPDATE " + ", ".join(f"{c} = {c} + VALUES({c})" for c in added)
    else:
        table = quote(meta.db_table)
        sets = ", ".join(f"{c} = {table}.{c} + EXCLUDED.{c}" for c in added)
        conflict = f"ON CONFLICT ({', '.join(columns[:3])}) DO UPDATE SET {sets}"
    values = ", ".join(["(" + ", ".join(["%s"] * len(names)) + ")"] * len(rows))
    plain = [f.get_db_prep_save(value, connection) for row in rows for f, value in zip(fields, row, strict=True)]
    with connection.cursor() as cursor:
        # Names are the model's own, values are parameters.
        into = f"INSERT INTO {quote(meta.db_table)} ({', '.join(columns)}) VALUES {values} {conflict}"  # noqa: S608
        cursor.execute(into, plain)
