"""Whether the studio can do its work now: what load balancers and monitors ask again and again.

No provider is asked, nothing is written, and one look is kept for a few seconds, so that nobody can load the site by
asking.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files.storage import Storage
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Min
from django.utils import timezone

from image_studio import storage
from image_studio.conf import conf
from image_studio.models import database_now, guards
from image_studio.runner import beats, leases

_log = logging.getLogger("image_studio")

#: Seconds that a process answers by what it saw last.
KEPT_SECONDS = 5.0
#: Seconds after which a look that has not ended is an answer too.
SLOW_SECONDS = 15.0
#: Nothing lies there: asked for is only whether the storage answers.
NAME = "image_studio/health"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at.

    :param state: ``ok``, ``warn`` or ``fail``.
    :param code: of what is wrong; empty where nothing is.
    """

    name: str
    state: str = "ok"
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """What was seen.

    :param oldest_seconds: since when the oldest waiting job could have begun; None where none waits, or nobody knows.
    :param workers: alive by the database's clock; None where nobody knows.
    """

    at: datetime
    checks: tuple[Check, ...]
    oldest_seconds: int | None = None
    workers: int | None = None

    @property
    def ready(self) -> bool:
        """Whether nothing fails; a warning is no failure."""
        return all(check.state != "fail" for check in self.checks)


_lock = threading.Lock()
_kept: list[tuple[float, Readiness]] = []
#: When the look that is under way began.
_begun: list[float] = []


def readiness() -> Readiness:
    """What a look at everything says, at most :data:`KEPT_SECONDS` old.

    While another looks, what was seen before; but a look that lasts for :data:`SLOW_SECONDS` is an answer itself:
    what it asks hangs.
    """
    last = _kept[-1] if _kept else None
    if last is not None and time.monotonic() - last[0] < KEPT_SECONDS:
        return last[1]
    # Who comes while another looks is told what was seen before; the first ones wait for it.
    if not _lock.acquire(timeout=0 if last else SLOW_SECONDS):
        begun = next(iter(_begun), time.monotonic())
        return _kept[-1][1] if _kept and time.monotonic() - begun < SLOW_SECONDS else _slow()
    _begun[:] = [time.monotonic()]
    try:
        if last is None and _kept:
            return _kept[-1][1]
        found = look()
        _kept[:] = [(time.monotonic(), found)]
    finally:
        _begun.clear()
        _lock.release()
    return found


def _slow() -> Readiness:
    _log.warning("not ready: a look does not end", extra={"action": "health.failed", "check": "slow"})
    return Readiness(at=timezone.now(), checks=(Check(name="slow", state="fail", code="health.slow"),))


def forget() -> None:
    """Look again with the next question: for tests."""
    _kept.clear()


def look() -> Readiness:
    """Look now: a few short queries, and one question to each storage."""
    stores = [_storage("private_storage", storage.private), _storage("public_storage", storage.public)]
    try:
        return _of_database(stores)
    except (DatabaseError, InterfaceError):
        return _failed("database", stores)


def _of_database(stores: list[Check]) -> Readiness:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    oldest, workers = _oldest_seconds(), beats.alive()
    checks = [Check(name="database"), *stores, _queue(oldest), _workers(workers), _triggers()]
    return Readiness(at=timezone.now(), checks=tuple(checks), oldest_seconds=oldest, workers=workers)


def _failed(name: str, others: list[Check]) -> Readiness:
    _log.warning("not ready: %s", name, extra={"action": "health.failed", "check": name}, exc_info=True)
    return Readiness(at=timezone.now(), checks=(Check(name=name, state="fail", code=f"health.{name}"), *others))


def _storage(name: str, which: Callable[[], Storage]) -> Check:
    """Whether a storage answers. Of a local folder, whether it could be written: asking one for a name never fails."""
    try:
        found = which()
        found.exists(NAME)
        usable = _writable(found)
    except Exception:  # noqa: BLE001 - each backend has errors of its own
        _log.warning("not ready: %s", name, extra={"action": "health.failed", "check": name}, exc_info=True)
        usable = False
    return Check(name=name) if usable else Check(name=name, state="fail", code=f"health.{name}")


def _writable(found: Storage) -> bool:
    """Whether a local storage's folder, or the one that it would be made in, can be written; True for others."""
    try:
        folder = Path(found.path(""))
    except NotImplementedError:
        return True
    here = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    return here.is_dir() and os.access(here, os.R_OK | os.W_OK | os.X_OK)


def _oldest_seconds() -> int | None:
    """Since when the oldest job could have begun that may: back-off, limits and the switch do not count as waiting."""
    now = database_now()
    since = leases.ready(None, now).order_by().aggregate(since=Min("available_at"))["since"]
    return max(0, int((now - since).total_seconds())) if since else None


def _queue(seconds: int | None) -> Check:
    most = int(conf().queue_age_seconds)
    if seconds is None or seconds <= most:
        return Check(name="queue")
    return Check(name="queue", state="fail", code="health.queue", params={"seconds": seconds, "most": most})


def _workers(alive: int) -> Check:
    """Nobody works: work waits, and pages are shown all the same."""
    return Check(name="workers") if alive else Check(name="workers", state="warn", code="health.no_worker")


def _triggers() -> Check:
    gone = len(guards.missing()) if conf().append_only_triggers else 0
    if not gone:
        return Check(name="triggers")
    return Check(name="triggers", state="warn", code="health.triggers", params={"missing": gone})
