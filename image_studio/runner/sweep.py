"""Finding what lost workers left: leases that ran out, answers that nobody took in, sets that nobody closed.

Every change is one conditional UPDATE on state, token and the end of the lease, so sweepers of many workers may run
at once. The sweeper alone finishes a run when every doorbell is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Model, Q, QuerySet

from image_studio import ledger
from image_studio.exceptions import StorageFailed
from image_studio.models import Actor, Attempt, Event, Job, database_now
from image_studio.runner import adopting, beats, holds, sets, unsaved, withdrawing
from image_studio.runner.answers import StoredAnswer
from image_studio.runner.early import forget, names_in
from image_studio.runner.leases import FREE, WORKER, Fenced, is_uuid
from image_studio.runner.resending import resend_by_policy
from image_studio.runner.work import repeatable
from image_studio.states import ATTEMPT, JOB, JOB_ENDED
from image_studio.storage import Spool

_log = logging.getLogger("image_studio.runner")
T = TypeVar("T")
M = TypeVar("M", bound=Model)

#: A job whose workers died this often is what kills them; it ends instead of going round for ever.
MOST_LOSSES = 10


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What one sweep changed."""

    requeued: int = 0
    unknown: int = 0
    rescued: int = 0
    closed: int = 0
    resent: int = 0
    #: Budgets that had missed something when they were opened.
    recounted: int = 0
    #: Parts in which a defect was met; the log has its traceback.
    broken: int = 0


class Parts:
    """The parts of one sweep, apart from each other: what is wrong with one job or picture keeps no other waiting.

    A defect is logged and counted. When the database is away the other parts are tried as well, and then it is told.
    """

    def __init__(self) -> None:
        self.broken = 0
        self._away: Exception | None = None

    def run(self, part: str, call: Callable[..., T], *args: Any) -> T | None:
        """What the part returns; None where it broke."""
        try:
            return call(*args)
        except (OperationalError, InterfaceError) as error:
            self._away = self._away or error
        except Exception:  # noqa: BLE001 - a defect of ours, or of a site's own code: it waits for nobody else's part
            self.broken += 1
            _log.exception("sweep: %s", part, extra={"action": "worker.sweep_broken", "part": part})
        return None

    def each(self, part: str, rows: Callable[[], Iterable[M]], act: Callable[[M], T]) -> list[T | None]:
        """The same for every row by itself."""
        found = self.run(part, lambda: list(rows())) or []
        return [self.run(f"{part} {row.pk}", act, row) for row in found]

    def judge(self) -> None:
        """:raises OperationalError, InterfaceError: where the database was away."""
        if self._away is not None:
            raise self._away


def sweep() -> Swept:
    """Look once for everything that was lost.

    :raises OperationalError, InterfaceError: where the database was away, after everything was tried.
    """
    parts = Parts()
    parts.run("dead workers", beats.expire_dead)
    ends = parts.each("lost job", lambda: expired(Job.objects.all()), _expire)
    ends += parts.each("late answer", _late, _rescue)
    ends += parts.each("wish to adopt", _wished, _adopt_asked)
    ends += parts.each("abandoned answer", unsaved.abandoned, _abandon)
    parts.each("expired picture", withdrawing.expired, withdrawing.take_down_expired)
    resent = parts.run("resending", resend_by_policy)
    closed = parts.run("sets", lambda: sets.finish_sets(sets.open_sets()))
    recounted = parts.run("young budgets", ledger.recount_young)
    swept = Swept(
        requeued=ends.count("queued"),
        unknown=ends.count("unknown"),
        rescued=ends.count("spooled"),
        closed=len(closed or ()),
        resent=resent or 0,
        recounted=len(recounted or ()),
        broken=parts.broken,
    )
    if swept != Swept():
        _log.warning("swept %s", swept, extra={"action": "worker.swept", **vars(swept)})
    parts.judge()
    return swept


def expired(rows: QuerySet[Job]) -> list[Job]:
    """Leased and sending jobs whose holder let the lease run out. (Spooled ones are adopted, see ``leases.adopt``.)"""
    return list(rows.filter(state__in=("leased", "sending"), lease_until__lt=database_now())[:200])


def hand_back(worker: UUID, jobs: Collection[UUID]) -> None:
    """A worker that stops gives up what it could not finish, as if its leases had run out."""
    for row in Job.objects.filter(pk__in=jobs, lease_owner=worker, state__in=("leased", "sending")):
        _expire(row)
    rest = Job.objects.filter(pk__in=jobs, lease_owner=worker, state="spooled")
    shown = list(rest.values_list("partials", flat=True))
    rest.update(available_at=database_now(), **FREE)
    for partials in shown:
        forget(names_in(partials))


def _expire(row: Job) -> str:
    """Give one lost job its next state; empty where somebody was faster."""
    held = Job.objects.filter(pk=row.pk, state=row.state, lease_token=row.lease_token, lease_until=row.lease_until)
    if row.state == "leased":
        return _again(held, row, attempts_made=F("attempts_made") + 1)
    return _lost_call(held, row, Attempt.objects.filter(job=row, state="sending").first())


def _lost_call(held: QuerySet[Job], row: Job, attempt: Attempt | None) -> str:
    answer = _complete(attempt) if attempt else None
    if attempt and answer:
        return _take(held, row, answer)
    if repeatable(row.provider):
        ended = _again(held, row, attempt)
        if ended and attempt:
            Spool().drop(str(attempt.pk))
        return ended
    return _move(held, row, "unknown", attempt, code="job.worker_lost", ended_at=database_now())


def _again(held: QuerySet[Job], row: Job, attempt: Attempt | None = None, **values: Any) -> str:
    if row.attempts_made >= MOST_LOSSES:
        return _move(held, row, "failed", attempt, code="job.kills_workers", ended_at=database_now())
    return _move(held, row, "queued", attempt, verb="job.requeued", code="job.worker_lost", **values)


def _move(
    held: QuerySet[Job], row: Job, to: str, attempt: Attempt | None = None, *, verb: str = "", code: str, **values: Any
) -> str:
    now = database_now()
    named = {"error_code": "" if to == "queued" else code, "error_params": {}}
    with transaction.atomic():
        if not JOB.move(held, to, only_from=[row.state], **FREE, **named, **values):
            return ""
        Event.objects.record(WORKER, verb or f"job.{to}", row, code=code, worker=str(row.lease_owner or ""))
        if attempt:
            lost = "unknown" if to == "unknown" else "lost"
            ATTEMPT.move(Attempt.objects.filter(pk=attempt.pk), lost, error_code=code, ended_at=now)
            if to == "unknown":
                holds.doubt(attempt.pk, row.pk)
        if row.state == "spooled":
            unsaved.give_up(row.pk)
        if to in JOB_ENDED:
            holds.let_go([row.pk])
    forget(names_in(row.partials))
    return to


def _abandon(row: Job) -> str:
    """A paid answer for which no host comes: a person is to know of it, and may buy it again knowingly."""
    held = Job.objects.filter(pk=row.pk, lease_token=row.lease_token, lease_until=row.lease_until)
    return _move(held, row, "unknown", code=unsaved.ELSEWHERE, ended_at=database_now())


def _take(held: QuerySet[Job], row: Job, answer: StoredAnswer, *, actor: Actor = WORKER) -> str:
    """The answer lies here complete: the job goes on from it, and nothing is sent. Empty where somebody was faster."""
    charge = holds.charge_of(row, answer)
    told: dict[str, Any] = {"error_code": "", "error_params": {}, "ended_at": None, "adopt_asked_at": None}
    told |= {"available_at": database_now(), "saves_made": 0}
    try:
        with transaction.atomic():
            if not JOB.move(held, "spooled", only_from=[row.state], **told, **FREE, **charge.columns):
                return ""
            Event.objects.record(actor, "job.spooled", row, attempt=str(answer.attempt), found=True)
            holds.enter([charge])
    except Fenced:
        return ""  # the call was written off since it was read; its job is in doubt over another
    forget(names_in(row.partials))
    return "spooled"


def _late() -> QuerySet[Attempt]:
    """Calls whose answers may have come to a worker after it was given up, or were never stored."""
    unstored = Q(state="answered") & ~Q(error_code="")
    return _here().filter(Q(state__in=("unknown", "lost")) | unstored)


def _here() -> QuerySet[Attempt]:
    """Calls of jobs in doubt that have a folder on this host."""
    here = [name for name in Spool().waiting() if is_uuid(name)]
    return Attempt.objects.filter(pk__in=here, job__state="unknown").select_related("job")


def _rescue(attempt: Attempt) -> str:
    """Take the answer in, unless somebody repeated the call since."""
    answer = _complete(attempt)
    later = Attempt.objects.filter(job=attempt.job_id, number__gt=attempt.number).exists()
    return _take(Job.objects.filter(pk=attempt.job_id), attempt.job, answer) if answer and not later else ""


def _wished() -> QuerySet[Attempt]:
    """Cut calls of which a person wants to have what came."""
    return _here().filter(state="unknown", job__adopt_asked_at__isnull=False).order_by("-number")


def _adopt_asked(attempt: Attempt) -> str:
    try:
        answer = adopting.salvage(attempt)
    except StorageFailed:
        return ""  # the disk takes nothing now; the wish stays
    if answer:
        return take_in(attempt.job, answer)
    if Job.objects.filter(pk=attempt.job_id, state="unknown").update(adopt_asked_at=None):
        Event.objects.record(WORKER, "job.adopt_failed", attempt.job, code="job.nothing_to_adopt")
    return ""


def take_in(job: Job, answer: StoredAnswer, *, actor: Actor = WORKER) -> str:
    """Go on from an answer that lies here with a job that nobody works on, as it was read; empty where somebody was
    faster. Booked now, where it was not."""
    held = Job.objects.filter(pk=job.pk, state=job.state, lease_token=job.lease_token)
    return _take(held, job, answer, actor=actor)


def _complete(attempt: Attempt) -> StoredAnswer | None:
    """A call's answer where it lies here whole, with its manifest or without."""
    try:
        return adopting.answer_to(attempt.pk, attempt.provider)
    except StorageFailed:
        return None
