"""Whose turn it is: a brand's n-th waiting job of a model has the n-th turn, whoever else waits.

Jobs are claimed by turn, so a brand that orders one picture goes next to the first of another's thousand, not behind
the last. Turns are given when a job is queued, by what waits at that moment, and are never changed while it waits:
start-time fair queueing, with the lowest waiting turn as its clock. They are a matter of order, not of money: two
requests that read the same moment give equal turns, and the older job goes first.

Each provider and model is a queue of its own, because each has its own limits: what waits for a window that is shut
holds up no job of the same brand elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, F, Min, OuterRef, QuerySet, Subquery

from image_studio import ledger
from image_studio.models import Brand, Job, Switch, database_now
from image_studio.runner.leases import ready
from image_studio.runner.limits import Lane
from image_studio.states import JOB_HELD


def in_turn(jobs: Sequence[Job]) -> Sequence[Job]:
    """Set the turns of jobs of one brand that are about to be queued, and return them. One query for each model.

    Their ``available_at`` stands for now.
    """
    lanes: dict[Lane, list[Job]] = {}
    for job in jobs:
        lanes.setdefault((job.provider, job.model), []).append(job)
    for lane, row in lanes.items():
        first = _first(row[0].brand_id, lane, row[0].available_at, [job.pk for job in row if _queued(job)])
        for number, job in enumerate(row):
            job.turn = first + number
    return jobs


def queue(job: Job) -> Job:
    """Write a new job with its turn."""
    in_turn([job])
    job.save(force_insert=True)
    return job


def catch_up(brand: UUID) -> None:
    """Give what waits of a brand whose spending was stopped the turns of now, in its order: others were served
    meanwhile, and nothing is made up for. Call it in the transaction that lets it go on.
    """
    mine = Job.objects.filter(state="queued", brand=brand)
    stopped = Switch.objects.filter(brand=OuterRef("brand"), stopped=True)
    others = Job.objects.filter(~Exists(stopped), state="queued", available_at__lte=database_now()).exclude(brand=brand)
    lanes = mine.filter(provider__in=ledger.charging()).order_by().values_list("provider", "model")
    for provider, model, first in lanes.annotate(first=Min("turn")):
        clock = others.filter(provider=provider, model=model).aggregate(now=Min("turn"))["now"]
        if clock is not None and clock > first:
            mine.filter(provider=provider, model=model).update(turn=F("turn") + clock - first)


def _queued(job: Job) -> bool:
    return not job._state.adding


def _first(brand: UUID, lane: Lane, now: datetime, these: Iterable[UUID]) -> int:
    """The turn after the brand's last, but none that is over: an absent brand saves up nothing."""
    provider, model = lane
    others = Job.objects.filter(state="queued", brand=brand, provider=provider, model=model).exclude(pk__in=these)
    # What the switch stops is served to nobody: its turn must not stand still for those who are.
    waiting = Job.objects.filter(
        ~ledger.halted(), state="queued", available_at__lte=now, provider=provider, model=model
    )
    read = Brand.objects.filter(pk=brand).values_list(
        _turn(others, "-turn"),
        _turn(waiting.exclude(pk__in=these), "turn"),
        # Nothing waits for this model: what is served elsewhere now, or was last.
        _turn(ready(None, now).exclude(pk__in=these), "turn"),
        _turn(Job.objects.filter(state__in=JOB_HELD), "-turn"),
    )
    last, *clocks = read.get()
    clock = next((turn for turn in clocks if turn is not None), 0)
    return clock if last is None else max(last + 1, clock)


def _turn(rows: QuerySet[Job], order: str) -> Subquery:
    return Subquery(rows.order_by(order).values("turn")[:1])
