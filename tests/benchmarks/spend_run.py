"""In a process of its own, with a database of its own: reading and writing what was spent.

Theirs are, for reading, one GROUP BY of the entries over (day, brand, model), from which all of the page's sums could
be added up; for writing, Django's ``bulk_create`` of the same entries alone, in a transaction too. Beside it stands our
own INSERT of them alone.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.db import connection, transaction
from django.db.models import Count, Sum

from image_studio.ledger import WORKER, Bill, Movement, entries, write
from image_studio.models import Budget, LedgerEntry, SpendRollup, database_now, insert, uuid7
from image_studio.policy import Policy
from image_studio.workflow.costs import spend
from image_studio.workflow.spending import make_budget
from tests.benchmarks.measure import by_turns, goal
from tests.factories import make_bare_brand

BRANDS, MODELS, DAYS, SEED = 5, 4, 90, 2_000


def fill(rows: int) -> list[Any]:
    """So many entries over the last days, and the rollups that they would have left; returns the brands."""
    brands, now = [make_bare_brand(f"brand-{n}") for n in range(BRANDS)], database_now()
    LedgerEntry.objects.bulk_create(entry(brands[n % BRANDS], n, now) for n in range(SEED))
    columns = ", ".join(f.column for f in LedgerEntry._meta.concrete_fields if not f.primary_key)
    table = LedgerEntry._meta.db_table
    with connection.cursor() as cursor:
        while (there := LedgerEntry.objects.count()) < rows:
            more = f"SELECT {columns} FROM {table} LIMIT {min(there, rows - there)}"
            cursor.execute(f"INSERT INTO {table} ({columns}) {more}")
        for model in ("model", "''"):
            sums = "SUM(spent_micro_usd), SUM(pictures), COUNT(*)"
            added = f"SELECT day, brand_id, {model}, {sums} FROM {table} GROUP BY day, brand_id"
            into = f"INSERT INTO {SpendRollup._meta.db_table} (day, brand_id, model, spent_micro_usd, pictures, calls)"
            cursor.execute(f"{into} {added}{', model' if model == 'model' else ''}")
        cursor.execute({"mysql": f"ANALYZE TABLE {table}"}.get(connection.vendor, "ANALYZE"))
    return brands


def entry(brand: Any, number: int, now: Any) -> LedgerEntry:
    at = now - timedelta(days=number % DAYS)
    return LedgerEntry(
        at=at,
        day=at.date(),
        kind="settle",
        held_micro_usd=-40_000,
        spent_micro_usd=35_000 + number,
        pictures=1,
        brand_id=brand.pk,
        user_id=str(number % 7),
        job=uuid7(),
        provider="fake",
        model=f"model-{number // BRANDS % MODELS}",
    )


def reading() -> dict[str, Any]:
    until = database_now().date()
    since = until - timedelta(days=DAYS - 1)

    def ours() -> int:
        return spend(Policy.operator(), since=since, until=until).total.spent

    def theirs() -> int:
        rows = LedgerEntry.objects.filter(day__gte=since, day__lte=until).order_by()
        sums = rows.values("day", "brand_id", "model").annotate(
            spent=Sum("spent_micro_usd"), n=Sum("pictures"), c=Count("pk")
        )
        return sum(row["spent"] for row in sums)

    if ours() != theirs():
        raise ValueError("the rollups are not the sums of the entries")
    mine, raw = by_turns(ours, theirs, rounds=5)
    count = LedgerEntry.objects.count()
    return goal(f"Spend page, {count} entries, against one GROUP BY", mine.wall, raw.wall, 0.1, unit="ms")


def writing(brands: list[Any], many: int, rounds: int) -> dict[str, Any]:
    bills = [
        Bill(
            brand_id=brands[n % BRANDS].pk,
            user_id=str(n % 7),
            job=uuid7(),
            provider="fake",
            model=f"model-{n % MODELS}",
        )
        for n in range(many)
    ]
    moved = [Movement(bill=bill, kind="settle", held=0, spent=35_000, pictures=1) for bill in bills]

    def ours() -> None:
        with transaction.atomic():
            write(moved, actor=WORKER)

    def theirs() -> None:
        with transaction.atomic():
            now = database_now()
            LedgerEntry.objects.bulk_create([LedgerEntry(**entries._columns(one, WORKER, now)) for one in moved])

    def bare() -> None:
        with transaction.atomic():
            now = database_now()
            insert(LedgerEntry, [entries._columns(one, WORKER, now) for one in moved])

    mine, django, alone = by_turns(ours, theirs, bare, rounds=rounds)
    name = f"{many} entries with rollups and {Budget.objects.count()} budgets, against their INSERT"
    return goal(name, mine.wall, django.wall, 1.15, unit="ms", our_insert_alone=round(alone.wall, 3))


def main(rows: int, rounds: int) -> None:
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        brands = fill(rows)
        make_budget(Policy.operator(), hard_micro_usd=10**15)
        make_budget(Policy.operator(), brand=brands[0], hard_micro_usd=10**15)
        for row in (reading(), writing(brands, 64, rounds * 4), writing(brands, 1_000, rounds)):
            print(json.dumps({**row, "database": connection.vendor}), flush=True)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
