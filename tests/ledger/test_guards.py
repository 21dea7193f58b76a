"""The database itself refuses to change or delete what was entered; on the database that IMAGE_STUDIO_TEST_DB names."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from image_studio import ledger
from image_studio.ledger import Bill
from image_studio.models import OPERATOR, Event, LedgerEntry, guards
from tests import factories

NAMES = {f"image_studio_{table}_no_{verb}" for table in ("ledgerentry", "event") for verb in ("update", "delete")}


@pytest.fixture
def written(db):
    brand = factories.make_bare_brand()
    ledger.adjust(Bill(brand_id=brand.pk), 5, actor=OPERATOR, reason="corrected")
    Event.objects.record(OPERATOR, "test.written", brand)


@pytest.mark.parametrize("model", [LedgerEntry, Event])
@pytest.mark.parametrize(
    "change", ["UPDATE {table} SET {column} = {column}", "UPDATE {table} SET {column} = 'other'", "DELETE FROM {table}"]
)
def test_no_statement_changes_what_was_written(written, model, change):
    column = "note" if model is LedgerEntry else "verb"
    before = list(model.objects.values())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(table=model._meta.db_table, column=column))
    assert list(model.objects.values()) == before


@pytest.mark.parametrize("model", [LedgerEntry, Event])
def test_the_orm_has_no_way_around(written, model):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        model.objects.all().delete()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        model.objects.update(actor_label="nobody")


@pytest.mark.django_db(transaction=True)
def test_a_lost_trigger_is_named_and_made_again_by_migrate():
    assert guards.missing() == []
    guards.remove()
    assert {name for name, _table, _verb in guards.missing()} == NAMES
    call_command("migrate", verbosity=0)
    assert guards.missing() == []


@pytest.mark.django_db(transaction=True)
def test_a_site_may_leave_them_off(settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "APPEND_ONLY_TRIGGERS": False}
    guards.remove()
    call_command("migrate", verbosity=0)
    assert guards.missing()
    Event.objects.all().delete()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite makes a table anew to alter it")
def test_sqlite_gets_them_back_after_its_table_was_altered():
    with connection.schema_editor() as editor:
        field = LedgerEntry._meta.get_field("note")
        altered = field.clone()
        altered.max_length = 600
        altered.set_attributes_from_name("note")
        editor.alter_field(LedgerEntry, field, altered, strict=False)
    gone = {table for _name, table, _verb in guards.missing()}
    call_command("migrate", verbosity=0)
    assert guards.missing() == []
    assert gone in (set(), {"image_studio_ledgerentry"})
