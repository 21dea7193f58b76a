"""Hearing of new jobs at once on PostgreSQL: LISTEN on a connection of our own, so that no query waits behind it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from image_studio.conf import conf

psycopg: Any
try:
    psycopg = import_module("psycopg")
except ImportError:  # the site's database is another, or its driver is psycopg2
    psycopg = None

CHANNEL = "image_studio_jobs"
#: Seconds before a lost connection is tried again.
RETRY = 5.0
#: What Django's own connections are given and a plain one does not take.
_OURS = frozenset({"cursor_factory", "context", "prepare_threshold", "row_factory", "autocommit"})

_log = logging.getLogger("image_studio.runner")


def possible() -> bool:
    """Whether this site's database rings and this process can hear it."""
    return conf().doorbell == "notify" and connections[DEFAULT_DB_ALIAS].vendor == "postgresql" and psycopg is not None


def ring() -> None:
    """Wake every listening worker. Nothing where the database cannot."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def parameters() -> dict[str, Any]:
    """How to reach the database of this thread's Django connection, for a plain psycopg one."""
    given = connections[DEFAULT_DB_ALIAS].get_connection_params()
    return {key: value for key, value in given.items() if key not in _OURS}


async def listen(heard: Callable[[], None], connected: Callable[[bool], None], reach: dict[str, Any]) -> None:
    """Call ``heard`` with every ring, until cancelled. A lost connection is told and tried again.

    :param connected: told whether rings can be heard now; while they cannot, the worker polls.
    """
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(**reach, autocommit=True)
            async with connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                connected(True)
                heard()
                async for _notice in connection.notifies():
                    heard()
        except (psycopg.Error, OSError) as error:
            action = {"action": "worker.deaf", "error": type(error).__name__}
            _log.warning("cannot listen, polling instead", extra=action)
        finally:
            connected(False)
        await asyncio.sleep(RETRY)
