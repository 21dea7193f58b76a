"""Writing and finding many rows at once: what ordering a thousand variants and a worker's batches cost is mostly this.

Django's ``bulk_create`` makes an instance of each row and prepares and quotes each value by itself. PostgreSQL reads
all of them from one JSON text instead. Elsewhere it is ``bulk_create``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connection, models
from django.db.models.lookups import In
from django.utils import timezone

#: Columns that PostgreSQL reads from JSON as they are; a table with any other goes by ``bulk_create``.
PLAIN = (
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.FloatField,
    models.BooleanField,
    models.DateField,
    models.UUIDField,
    models.ForeignKey,
    models.JSONField,
)
#: Rows of one statement: a few megabytes.
MOST = 5_000
#: Rows of one ``bulk_create``.
BATCH = 1_000


def insert(model: type[models.Model], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write new rows. As with ``bulk_create`` no signal is sent and no ``save`` called.

    :param rows: attribute name of a column (``brand_id``) -> its value; all rows name the same columns, and what they
        leave out is its default. Values of JSON columns are plain JSON values.
    """
    todo = list(rows)
    if not _from_json(model):
        model._base_manager.bulk_create([model(**row) for row in todo], batch_size=BATCH)
        return
    for begin in range(0, len(todo), MOST):
        _insert(model, todo[begin : begin + MOST])


def create(rows: Iterable[models.Model]) -> None:
    """Write instances of one model, which are as saved then; serial keys stay unknown."""
    new = list(rows)
    if not new:
        return
    model, now = type(new[0]), timezone.now()
    if not _from_json(model):
        model._base_manager.bulk_create(new, batch_size=BATCH)
        return
    for row in new:
        for field in _dated(model):
            setattr(row, field.attname, now)
    insert(model, [{field.attname: vars(row)[field.attname] for field in _fields(model)} for row in new])
    for row in new:
        row._state.adding, row._state.db = False, connection.alias


class Among(In):
    """``column IN (...)`` for hundreds of ids: PostgreSQL takes them as one parameter. ``Among(F("pk"), ids)``."""

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        kind = self.lhs.output_field.rel_db_type(connection)
        told = "{" + ",".join(map(str, self.rhs)) + "}"
        return f"{column} = ANY(%s::{kind}[])", [*params, told]


@cache
def _fields(model: type[models.Model]) -> tuple[Any, ...]:
    """What we write: a serial key is the database's."""
    return tuple(field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField))


@cache
def _dated(model: type[models.Model]) -> tuple[Any, ...]:
    return tuple(field for field in _fields(model) if getattr(field, "auto_now_add", False))


def _from_json(model: type[models.Model]) -> bool:
    return connection.vendor == "postgresql" and _plain(model)


@cache
def _plain(model: type[models.Model]) -> bool:
    return all(isinstance(field, PLAIN) and field.column == field.attname for field in _fields(model))


def _insert(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
    fields, now = _fields(model), timezone.now()
    same: dict[str, Any] = {field.attname: now for field in _dated(model)}
    fresh = []
    for field in fields:
        if field.attname in rows[0] or field.attname in same:
            continue
        if field.has_default() and callable(field.default):
            fresh.append((field.attname, field.get_default))
        else:
            same[field.attname] = field.get_default()
    told = [{**same, **{name: default() for name, default in fresh}, **row} for row in rows]
    quote = connection.ops.quote_name
    table, columns = quote(model._meta.db_table), ", ".join(quote(field.column) for field in fields)
    # Names are the model's own, values are one parameter.
    sql = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps(told, default=str)])
