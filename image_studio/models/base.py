"""What all nouns share: time-ordered ids, frozen rows, and who did it."""

from __future__ import annotations

import os
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.db import connections, models
from django.utils import timezone

from image_studio.exceptions import Conflict

# A millisecond has 4,096 ticks: what the twelve bits behind the version hold (RFC 9562, 6.2, method 3).
TICKS = 1 << 12
# A clock that is set back by less than this is waited out, so that rows keep their order; by more, it is followed.
SET_BACK = 1_000 * TICKS


class _Last(threading.local):
    """The tick of a thread's last id. Kept by thread, it needs no lock, which a fork could leave locked."""

    tick = 0


_last = _Last()


def uuid7() -> uuid.UUID:
    """A time-ordered UUID (RFC 9562, version 7): rows made together lie together in the index.

    Ids of one thread rise strictly, also within a millisecond, so "newest first" by the primary key is the
    order in which its rows were made. Between threads and hosts the order is that of their clocks. 62 bits are random.
    """
    tick = time.time_ns() * TICKS // 1_000_000
    if _last.tick - SET_BACK < tick <= _last.tick:
        tick = _last.tick + 1
    _last.tick = tick
    value = (tick // TICKS) << 80 | 7 << 76 | (tick % TICKS) << 64
    return uuid.UUID(int=value | 2 << 62 | int.from_bytes(os.urandom(8), "big") >> 2)


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who does something, as events keep it: no foreign key, so a deleted user stays named.

    :param user_id: the user's primary key as text; empty for commands and the worker.
    :param operator: True for someone at the shell, who passes every brand boundary.
    """

    user_id: str = ""
    label: str = ""
    operator: bool = False

    @classmethod
    def of(cls, user: Any) -> Actor:
        """The actor of a Django user."""
        return cls(user_id=str(user.pk), label=user.get_username())


OPERATOR = Actor(label="operator", operator=True)


def database_now(using: str = "default") -> datetime:
    """The database's clock, aware, in UTC: the one clock that all workers share.

    SQLite has no clock of its own: its file lives on this host, and so does its time.
    """
    connection = connections[using]
    query = {"postgresql": "SELECT clock_timestamp()", "mysql": "SELECT UTC_TIMESTAMP(6)"}.get(connection.vendor)
    if query is None:
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(query)
        now: datetime = cursor.fetchone()[0]
    return now if now.tzinfo else now.replace(tzinfo=UTC)


class Frozen(models.Model):
    """A row that is written once; only the fields in ``changeable`` may be saved again, and named."""

    changeable: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """:raises Conflict: ``object.frozen`` for a second save of anything else."""
        if not self._state.adding:
            named = kwargs.get("update_fields")
            if named is None or not set(named) <= self.changeable:
                raise Conflict("object.frozen", object=str(self._meta.verbose_name))
        super().save(*args, **kwargs)
