"""Rows that are written once, held so by the database itself: triggers that refuse every UPDATE and DELETE.

Installed after each ``migrate``, because SQLite drops a table's triggers when it alters the table, and looked for by
the doctor. ``APPEND_ONLY_TRIGGERS`` leaves them off, for a site's test runner that empties tables between tests.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from image_studio.models.event import Event
from image_studio.models.money import LedgerEntry

_log = logging.getLogger("image_studio")

GUARDED = (LedgerEntry, Event)
VERBS = ("UPDATE", "DELETE")
#: What the databases answer; people who meet it look for it.
SAYS = "is append-only"


def install(using: str = "default") -> list[str]:
    """Make the triggers that are missing; returns the names of those that could not be made.

    A database may refuse (MariaDB wants the TRIGGER right, with binary logging more): that is logged and a finding of
    the doctor's, not the end of a migration.
    """
    connection = connections[using]
    refused = []
    for name, table, verb in missing(using):
        try:
            with connection.cursor() as cursor:
                for statement in _making(connection, name, table, verb):
                    cursor.execute(statement)
        except DatabaseError as error:
            _log.warning("trigger refused: %s", error, extra={"action": "trigger.refused", "trigger": name})
            refused.append(name)
    return refused


def ready(using: str = "default") -> bool:
    """Whether the guarded tables are there: a migration may be run to an earlier state, or on another database."""
    tables = connections[using].introspection.table_names()
    return all(model._meta.db_table in tables for model in GUARDED)


def remove(using: str = "default") -> None:
    """Take the triggers away, for whoever must empty the tables."""
    connection = connections[using]
    there = _there(connection)
    with connection.cursor() as cursor:
        for name, table, _verb in _wanted():
            if name in there:
                on = f" ON {connection.ops.quote_name(table)}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER {connection.ops.quote_name(name)}{on}")


def missing(using: str = "default") -> list[tuple[str, str, str]]:
    """(trigger, table, verb) of those that are not there; empty on a database of another kind."""
    connection = connections[using]
    if connection.vendor not in _MAKING:
        return []
    there = _there(connection)
    return [row for row in _wanted() if row[0] not in there]


def _wanted() -> list[tuple[str, str, str]]:
    return [
        (f"{model._meta.db_table}_no_{verb.lower()}", model._meta.db_table, verb) for model in GUARDED for verb in VERBS
    ]


def _there(connection: BaseDatabaseWrapper) -> set[str]:
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE t.tgenabled <> 'D' AND pg_table_is_visible(c.oid)",
        "mysql": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {row[0] for row in cursor.fetchall()}


def _sqlite(name: str, table: str, verb: str) -> list[str]:
    return [f"CREATE TRIGGER {name} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{_says(table)}'); END"]


def _postgresql(name: str, table: str, verb: str) -> list[str]:
    function = (
        "CREATE OR REPLACE FUNCTION image_studio_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '% {SAYS}', TG_TABLE_NAME; END $$"
    )
    made = f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION image_studio_append_only()"
    return [function, made]


def _mysql(name: str, table: str, verb: str) -> list[str]:
    signal = f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{_says(table)}'"
    return [f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW {signal}"]


def _says(table: str) -> str:
    return f"{table} {SAYS}"


_MAKING: dict[str, Any] = {"sqlite": _sqlite, "postgresql": _postgresql, "mysql": _mysql}


def _making(connection: BaseDatabaseWrapper, name: str, table: str, verb: str) -> list[str]:
    quote = connection.ops.quote_name
    made: list[str] = _MAKING[connection.vendor](quote(name), table, verb)
    return made
