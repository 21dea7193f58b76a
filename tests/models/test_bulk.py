"""Writing and finding many rows at once: the same rows as one by one, on every database."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import F

from image_studio.models import Among, Asset, Event, Job, LedgerEntry, Named, bulk, create, database_now, insert, uuid7
from image_studio.models.base import Actor
from tests.factories import make_asset, make_bare_brand, make_job

pytestmark = pytest.mark.django_db

#: What a quoting by hand would stumble over.
AWKWARD = 'it\'s "so" \\ {1,2} %s %(a)s \n\t \u2028 é 中 \U0001f375 NULL null $$ --'


def told(row: Any) -> dict[str, Any]:
    """All columns but those that are never the same."""
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.attname not in {"id", "created_at", "at"}
    }


def a_job(**more: Any) -> Job:
    values: dict[str, Any] = {
        "kind": "picture",
        "brand": make_bare_brand(),
        "actor_label": AWKWARD[:200],
        "operator": True,
        "request": {"prompt": AWKWARD, "list": [1, -2.5, None, True, {"deep": [[]]}], "": {}},
        "estimate_micro_usd": 2**53 + 1,
        "available_at": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        "lease_until": None,
        "lease_owner": uuid7(),
    }
    return Job(**{**values, **more})


def test_a_row_is_the_same_as_one_that_was_saved() -> None:
    job = a_job()
    saved = Job(**{field.attname: getattr(job, field.attname) for field in Job._meta.concrete_fields} | {"id": uuid7()})
    saved.save()
    create([job])
    job.refresh_from_db()
    saved.refresh_from_db()
    assert told(job) == told(saved)
    assert abs((job.created_at - saved.created_at).total_seconds()) < 60


def test_what_a_row_leaves_out_is_its_default_and_each_has_a_key_of_its_own() -> None:
    brand, now = make_bare_brand(), database_now()
    rows = [{"kind": "compose", "brand_id": brand.pk, "actor_label": str(n), "available_at": now} for n in range(3)]
    insert(Job, rows)
    jobs = list(Job.objects.order_by("actor_label"))
    assert len({job.pk for job in jobs}) == 3
    assert [(job.state, job.request, job.n, job.lease_until, job.error_code) for job in jobs] == [
        ("queued", {}, 1, None, "")
    ] * 3
    assert all(job.created_at for job in jobs)


def test_nothing_asks_the_database_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        insert(Job, [])
        create([])


def test_rows_that_were_created_can_be_saved_again() -> None:
    job = a_job()
    create([job])
    job.error_code = "one"
    job.save()
    assert Job.objects.get().error_code == "one"


def test_fractions_are_the_same_to_the_last_bit() -> None:
    seen = make_asset(make_bare_brand())
    values = {field.attname: getattr(seen, field.attname) for field in Asset._meta.concrete_fields}
    fresh = Asset(**{**values, "id": uuid7(), "focal_x": math.pi / 4, "focal_y": 0.1 + 0.2})
    create([fresh])
    read = Asset.objects.get(pk=fresh.pk)
    assert (read.focal_x, read.focal_y) == (math.pi / 4, 0.1 + 0.2)


def test_many_rows_keep_their_order_and_go_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST", 4)
    brand = make_bare_brand()
    Event.objects.record_each(
        Actor(label=AWKWARD), [(f"verb.{n}", Named("job", n, brand.pk), {"n": n, "text": AWKWARD}) for n in range(10)]
    )
    events = list(Event.objects.filter(verb__startswith="verb.").order_by("id"))
    assert [event.data["n"] for event in events] == list(range(10))
    assert {(event.object_type, event.brand_id, event.actor_label) for event in events} == {
        ("job", str(brand.pk), AWKWARD)
    }
    assert events[0].data["text"] == AWKWARD


def test_a_serial_key_is_the_databases() -> None:
    entry: dict[str, Any] = {"at": database_now(), "day": database_now().date(), "kind": "adjust", "brand_id": uuid7()}
    insert(LedgerEntry, [{**entry, "spent_micro_usd": n} for n in (-3, 2**60)])
    one, two = LedgerEntry.objects.order_by("id")
    assert one.pk < two.pk
    assert (one.spent_micro_usd, two.spent_micro_usd, one.day) == (-3, 2**60, entry["day"])


def test_what_the_table_refuses_is_refused_and_nothing_of_it_stays() -> None:
    good = {"at": database_now(), "day": database_now().date(), "kind": "hold", "brand_id": uuid7()}
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(LedgerEntry, [{**good, "held_micro_usd": 1}, {**good, "held_micro_usd": -1}])
    assert not LedgerEntry.objects.exists()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite keeps texts of any length")
def test_a_text_that_is_too_long_is_never_cut() -> None:
    with pytest.raises(DataError), transaction.atomic():
        create([a_job(error_code="x" * 81)])


def test_a_list_of_ids_finds_what_in_finds() -> None:
    brand = make_bare_brand()
    jobs = [make_job(brand) for _ in range(5)]
    some = [job.pk for job in jobs[1:4]]
    assert set(Job.objects.filter(Among(F("pk"), some)).values_list("pk", flat=True)) == set(some)
    assert set(Job.objects.filter(Among(F("brand"), [brand.pk]), pk__in=some).values_list("pk", flat=True)) == set(some)
    assert not Job.objects.filter(Among(F("pk"), [])).exists()
    assert Job.objects.exclude(Among(F("pk"), some)).count() == 2
    assert Job.objects.filter(Among(F("n"), [1, 7])).count() == 5
