"""Taking jobs so that exactly one worker has each, and keeping what was taken.

A lease has an owner, a token and an end by the database's clock. Every later write of its holder is conditional on
owner and token: who lost the lease writes nothing, however late it wakes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, F, Q, QuerySet, When

from image_studio import ledger
from image_studio.conf import conf
from image_studio.models import Actor, Among, Attempt, Event, Job, Named, database_now
from image_studio.runner import limits
from image_studio.states import JOB
from image_studio.storage import Spool

WORKER = Actor(label="worker")


class Fenced(Exception):
    """The lease is somebody else's by now: nothing may be written."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A job that this worker holds.

    :param state: of the job, as its holder last wrote it.
    :param token: grows with every lease of the job.
    :param calls: tries to call the provider before this lease; ``saves``: tries to store its answer.
    """

    job_id: UUID
    kind: str
    state: str
    brand_id: UUID
    set_id: UUID | None
    owner: UUID
    token: int
    calls: int = 0
    saves: int = 0

    @property
    def rows(self) -> QuerySet[Job]:
        """The job's row as long as it is ours."""
        return Job.objects.filter(pk=self.job_id, lease_owner=self.owner, lease_token=self.token)

    @property
    def target(self) -> Named:
        """What events of this job tell of."""
        return Named("job", self.job_id, self.brand_id)

    def move(self, to: str, *, data: dict[str, Any] | None = None, verb: str = "", **values: Any) -> Lease:
        """Change the job's state and write its event. Call it in a transaction.

        :raises Fenced: when the lease was lost; the caller's transaction is to be rolled back.
        """
        if not JOB.move(self.rows, to, only_from=[self.state], **values):
            raise Fenced(str(self.job_id))
        Event.objects.record(WORKER, verb or f"job.{to}", self.target, worker=str(self.owner), **(data or {}))
        return replace(self, state=to)


def held(leases: Collection[Lease]) -> QuerySet[Job]:
    """The rows of many jobs, those that are still ours, each by its own token."""
    ids: dict[tuple[UUID, int], list[UUID]] = {}
    for lease in leases:
        ids.setdefault((lease.owner, lease.token), []).append(lease.job_id)
    ours = Q(pk__in=())
    for (owner, token), pks in ids.items():
        ours |= Q(Among(F("pk"), pks), lease_owner=owner, lease_token=token)
    return Job.objects.filter(ours)


def claim(worker: UUID, most: int, *, only: Collection[UUID] | None = None) -> list[Lease]:
    """Lease up to ``most`` jobs that can start now, by their turn and then the longest waiting first.

    What its provider's limit has no room for stays in the queue as it was.

    :param only: take none but these.
    """
    leases: list[Lease] = []
    while len(leases) < most:
        clock = limits.running_clock()
        waiting = ready(only, clock())
        # Without row locks a claim begins with a write, which holds up all others: not for nothing.
        if not connection.features.has_select_for_update and not waiting.exists():
            break
        try:
            taken, away = _claim(worker, waiting, most - len(leases), clock)
        except limits.NoWindow as missing:
            limits.begin(missing.lanes)
            continue
        leases += taken
        if not away:
            break
    return leases


def ready(only: Collection[UUID] | None, now: datetime) -> QuerySet[Job]:
    """Jobs that can start now: their back-off is over, their provider may be asked, and money may be spent."""
    rows = Job.objects.filter(~limits.shut(now), ~ledger.halted(), state="queued", available_at__lte=now)
    return rows if only is None else rows.filter(pk__in=only)


def _claim(worker: UUID, waiting: QuerySet[Job], most: int, clock: Callable[[], datetime]) -> tuple[list[Lease], int]:
    """The leases, and how many jobs were taken and put back because there is no room for them."""
    until = _until(clock())
    picked = waiting.order_by(*ORDER)
    with transaction.atomic():
        if connection.features.has_select_for_update:
            rows = _locked(picked, most, worker, until)
        else:
            rows = _written(picked, most, worker, until)
        away = limits.turned_away(rows, clock)
        if away:
            JOB.move(Job.objects.filter(pk__in=away), "queued", only_from=["leased"], **FREE)
        leases = [_lease(row) for row in rows if row["pk"] not in away]
        Event.objects.record_all(WORKER, "job.leased", [lease.target for lease in leases], worker=str(worker))
    return leases, len(away)


def _locked(picked: QuerySet[Job], most: int, worker: UUID, until: datetime) -> list[dict[str, Any]]:
    """The rows of what was taken. What somebody else is just taking is skipped; MariaDB wants them read before."""
    skip = connection.features.has_select_for_update_skip_locked
    rows = list(picked.select_for_update(skip_locked=skip).values(*_COLUMNS, *_COUNTED)[:most])
    if rows:
        JOB.move(Job.objects.filter(Among(F("pk"), [row["pk"] for row in rows])), "leased", **_taken(worker, until))
    # Nobody changes what is locked: what it is now need not be read again.
    now = {"state": "leased", "lease_owner": worker}
    return [{**row, **now, "lease_token": row["lease_token"] + 1} for row in rows]


def _written(picked: QuerySet[Job], most: int, worker: UUID, until: datetime) -> list[dict[str, Any]]:
    """As :func:`_locked` without row locks (SQLite): the first statement must be the write, which takes the whole
    database."""
    JOB.move(Job.objects.filter(pk__in=picked.values("pk")[:most]), "leased", **_taken(worker, until))
    mine = Job.objects.filter(lease_owner=worker, state="leased", lease_until=until)
    return list(mine.values(*_COLUMNS, *_COUNTED).order_by(*ORDER))


def adopt(worker: UUID, most: int, *, only: Collection[UUID] | None = None) -> list[Lease]:
    """Lease jobs whose answer lies in the spool of this host and whose holder is gone or gave them back."""
    here = [folder for folder in Spool().waiting() if is_uuid(folder)] if most > 0 else []
    if not here:
        return []
    now = database_now()
    free = Job.objects.filter(Q(lease_owner=None) | Q(lease_until__lt=now), state="spooled", available_at__lte=now)
    # The folder of a call in doubt lies about for long: it is not the answer that the job waits for.
    free = free.filter(pk__in=Attempt.objects.filter(pk__in=here).exclude(state__in=DOUBTED).values("job_id"))
    ids = list((free if only is None else free.filter(pk__in=only)).values_list("pk", flat=True)[:most])
    return [lease for pk in ids for lease in _adopt(worker, Job.objects.filter(pk=pk) & free)]


def adoptable(job: Job) -> bool:
    """Whether a spooled job's answer lies on this host."""
    calls = Attempt.objects.filter(job=job).exclude(state__in=DOUBTED).values_list("pk", flat=True)
    return any((Spool().root / str(pk)).is_dir() for pk in calls)


def _adopt(worker: UUID, row: QuerySet[Job]) -> list[Lease]:
    """Whoever holds a lease when it runs out died over it, which counts as a try."""
    until = _until(database_now())
    died = Case(When(lease_owner=None, then=0), default=1)
    with transaction.atomic():
        # The state stays, so no move of the table: only the holder changes, by the same kind of conditional UPDATE.
        if not row.update(saves_made=F("saves_made") + died, **_taken(worker, until)):
            return []
        mine = Job.objects.filter(lease_owner=worker, state="spooled", lease_until=until)
        leases = [_lease(found) for found in mine.values(*_COLUMNS)]
        Event.objects.record_all(WORKER, "job.adopted", [lease.target for lease in leases], worker=str(worker))
    return leases


def renew(worker: UUID, held: Collection[UUID]) -> int:
    """Lengthen the leases that a worker works on, by one UPDATE; returns how many are still its own."""
    return Job.objects.filter(pk__in=held, lease_owner=worker).update(lease_until=_until(database_now())) if held else 0


def release(lease: Lease) -> None:
    """Give back a job that was not started."""
    with transaction.atomic():
        lease.move("queued", verb="job.released", **FREE)


def _until(now: datetime) -> datetime:
    return now + timedelta(seconds=conf().lease_seconds)


def _taken(worker: UUID, until: datetime) -> dict[str, Any]:
    return {"lease_owner": worker, "lease_until": until, "lease_token": F("lease_token") + 1}


def is_uuid(name: str) -> bool:
    """Whether a folder of the spool is named for a call."""
    try:
        UUID(name)
    except ValueError:
        return False
    return True


#: Column values of a job that nobody holds: it has no early versions to show either.
FREE: dict[str, Any] = {"lease_owner": None, "lease_until": None, "partials": {}}

#: Calls that brought no whole answer, or whose answer nobody has booked.
DOUBTED = ("unknown", "lost", "written_off")

#: Who is claimed first.
ORDER = ("turn", "available_at", "pk")
#: What a limit counts of a job.
_COUNTED = ("provider", "model", "n", "tokens")
_COLUMNS = {
    "pk": "job_id",
    "kind": "kind",
    "state": "state",
    "brand_id": "brand_id",
    "variant_set_id": "set_id",
    "lease_owner": "owner",
    "lease_token": "token",
    "attempts_made": "calls",
    "saves_made": "saves",
}


def _lease(row: dict[str, Any]) -> Lease:
    return Lease(**{name: row[column] for column, name in _COLUMNS.items()})
