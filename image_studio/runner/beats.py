"""Who works now. A worker that is alive renews its row with every beat; the rest are dead."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

from image_studio.conf import conf
from image_studio.models import Job, WorkerBeat, database_now
from image_studio.states import JOB_HELD

#: Missed beats after which a worker counts as gone.
MISSED = 3
#: Rows of the dead are kept this long, for people who look for what happened.
KEPT = timedelta(hours=1)
#: The kernel's number of the first PID namespace (PROC_PID_INIT_INO in linux/proc_ns.h).
FIRST_PID_NAMESPACE = 0xEFFFFFFC


@cache
def this_host() -> str:
    """This host's name; in a container also its PID namespace, because process ids mean nothing outside of it."""
    name = socket.gethostname()
    try:
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return name[:255]
    return name[:255] if namespace == FIRST_PID_NAMESPACE else f"{name[:200]} (pids {namespace})"


def beat(worker: UUID, *, started_at: datetime, concurrency: int, running: int) -> None:
    """Say that a worker is alive, and forget those who died long ago."""
    now = database_now()
    if not WorkerBeat.objects.filter(pk=worker).update(seen_at=now, running=running):
        WorkerBeat.objects.create(
            id=worker,
            host=this_host(),
            pid=os.getpid(),
            concurrency=concurrency,
            running=running,
            started_at=started_at,
            seen_at=now,
        )
    WorkerBeat.objects.filter(seen_at__lt=now - KEPT).delete()


def leave(worker: UUID) -> None:
    """A worker that ends in order takes its row along."""
    WorkerBeat.objects.filter(pk=worker).delete()


def alive() -> int:
    """How many workers live, by the database's clock. The inline doorbell needs none, so it counts as one."""
    inline = conf().doorbell == "inline"
    since = database_now() - timedelta(seconds=conf().beat_seconds * MISSED)
    return int(inline) + WorkerBeat.objects.filter(seen_at__gt=since).count()


def expire_dead() -> int:
    """End the leases of workers of this host whose process is gone, and return how many leases that were.

    A process id that was taken over by another process only means that the lease is waited out.
    """
    dead = [row.pk for row in WorkerBeat.objects.filter(host=this_host()) if not _running(row.pid)]
    if not dead:
        return 0
    held = Job.objects.filter(lease_owner__in=dead, state__in=JOB_HELD)
    ended = held.update(lease_until=database_now() - timedelta(microseconds=1))
    WorkerBeat.objects.filter(pk__in=dead).delete()
    return ended


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _zombie(pid)


def _zombie(pid: int) -> bool:
    """A killed process stays in the table until its parent asks for its exit status."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[:1] == ["Z"]
