"""The embedded worker: one event loop, hundreds of calls in flight, rows in one thread, pixels in a few."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connections

from image_studio.conf import conf
from image_studio.models import Job, database_now, uuid7
from image_studio.runner import beats, leases, listening, sweep
from image_studio.runner.batching import Lull
from image_studio.runner.flow import Hands, travel
from image_studio.runner.leases import Lease
from image_studio.states import JOB_ENDED

_log = logging.getLogger("image_studio.runner")

#: Seconds between looks at the queue while the database rings: for jobs whose back-off ends, and for lost rings.
SLOW_POLL = 2.0
#: Seconds before the database is tried again after it went away.
AWAY = 2.0


@dataclass(kw_only=True)
class Tally:
    """What a worker did."""

    ended: int = 0
    failed: int = 0


class Worker:
    """Claims, runs, renews and sweeps until it is told to stop or nothing is left.

    :param concurrency: jobs in work at once.
    :param only: take none but these jobs.
    :param once: end when nothing is left to do.
    :param wait: with ``once``: also wait for jobs that others hold and for those that are tried again later.
    :param grace: seconds to let calls in flight finish after a stop.
    """

    def __init__(
        self,
        *,
        concurrency: int | None = None,
        only: Collection[UUID] | None = None,
        once: bool = False,
        wait: bool = True,
        grace: float | None = None,
    ) -> None:
        self.id = uuid7()
        self.concurrency = concurrency or conf().worker_concurrency
        self.only = None if only is None else frozenset(only)
        self.once, self.wait = once, wait
        self.grace = conf().deadline_seconds + 5.0 if grace is None else grace
        self.tally = Tally()
        self.stops = 0
        self._held: dict[UUID, Lease] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        #: Of calls in the pixel threads, or waiting for one.
        self._lull = Lull()
        self._hears = False
        self._look = True
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Take no new work; from any thread or signal handler. A second call no longer waits for calls in flight."""
        self.stops += 1
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    # The loop ------------------------------------------------------------------------------------------------------

    async def run(self) -> Tally:
        """Work until stopped, or with ``once`` until nothing is left."""
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        self._pool = ThreadPoolExecutor(conf().pixel_threads, thread_name_prefix="studio-pixels")
        self._hands = Hands(
            rows=self._rows,
            pixels=self._pixels,
            stopping=lambda: self.stops > 0,
            pause=self._lull.pause,
        )
        self._started = await self._rows(database_now)
        self._log("worker.started", concurrency=self.concurrency)
        await self._unbroken(self._beat)
        await self._unbroken(self._sweep)
        helpers = [
            asyncio.create_task(self._every(conf().beat_seconds, self._beat)),
            asyncio.create_task(self._every(conf().sweep_seconds, self._sweep)),
            *await self._listener(),
        ]
        try:
            await self._serve()
        finally:
            await self._settle()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            self._pool.shutdown(wait=True)
            await self._careful(partial(self._rows, beats.leave, self.id))
            self._log("worker.stopped", ended=self.tally.ended)
        return self.tally

    async def _serve(self) -> None:
        while not self.stops:
            # Slots come free one after the other while pictures are drawn: taken together they cost one claim.
            if len(self._tasks) > self.concurrency // 2:
                await self._lull.pause()
            self._wake.clear()
            took = await self._careful(self._claim)
            if self.once and not took and not self._tasks and not await self._careful(self._left):
                return
            await self._pause()

    async def _pause(self) -> None:
        poll = max(SLOW_POLL, conf().poll_seconds) if self._hears else conf().poll_seconds
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), poll)

    async def _claim(self) -> bool:
        """Take as many jobs as can start now. A slot that frees wakes the loop for the next."""
        free = self.concurrency - len(self._tasks)
        if free < 1:
            return True
        # Answers of the lost are looked for at the start, after each sweep, and before a worker says that it is done.
        look, self._look = self._look or (self.once and not self._tasks), False
        taken = await self._rows(_take, self.id, free, self.only, look=look)
        for lease in taken:
            self._held[lease.job_id] = lease
            task = asyncio.create_task(self._one(lease))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return bool(taken)

    async def _one(self, lease: Lease) -> None:
        try:
            if await travel(self._hands, lease):
                self.tally.ended += 1
                state = await self._hands.batches.ended(lease)
                self.tally.failed += state in ("failed", "blocked", "unknown")
        finally:
            self._held.pop(lease.job_id, None)
            self._wake.set()

    async def _left(self) -> bool:
        return bool(await self._rows(_left, self.only, wait=self.wait))

    # Upkeep --------------------------------------------------------------------------------------------------------

    async def _every(self, seconds: float, upkeep: Callable[[], Any]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._unbroken(upkeep)

    async def _unbroken(self, upkeep: Callable[[], Any]) -> None:
        """Run what others rely on, whatever happens in it: leases of the lost wait for the next sweep, ours for the
        next beat. A defect in it is logged each time."""
        try:
            await self._careful(upkeep)
        except Exception:  # noqa: BLE001 - a defect must not end what every lost job waits for
            told = {"action": "worker.upkeep_broken", "worker": str(self.id), "pid": os.getpid()}
            _log.exception("upkeep broken", extra=told)

    async def _careful(self, upkeep: Callable[[], Any]) -> Any:
        """Run what can be run again. A database that went away comes back, and the worker is still there."""
        try:
            return await upkeep()
        except (OperationalError, InterfaceError) as error:
            self._log("worker.database_away", level=logging.WARNING, error=type(error).__name__)
            await self._rows(_refresh_connections)
            await asyncio.sleep(AWAY)
            return True

    async def _beat(self) -> None:
        running = len(self._held)
        await self._rows(beats.beat, self.id, started_at=self._started, concurrency=self.concurrency, running=running)
        held = list(self._held)
        ours = await self._rows(leases.renew, self.id, held)
        if ours < len(held) and (lost := await self._rows(_lost, self.id, held)):
            self._log("worker.leases_lost", level=logging.WARNING, held=len(held), lost=lost)

    async def _sweep(self) -> None:
        await self._rows(_refresh_connections)
        await self._rows(sweep.sweep)
        self._look = True
        self._wake.set()

    async def _listener(self) -> list[asyncio.Task[None]]:
        if conf().doorbell != "notify" or not await self._rows(listening.possible):
            if conf().doorbell == "notify":
                self._log("worker.polls", level=logging.WARNING)
            return []
        reach = await self._rows(listening.parameters)
        return [asyncio.create_task(listening.listen(self._wake.set, self._connected, reach))]

    def _connected(self, hears: bool) -> None:
        self._hears = hears

    async def _settle(self) -> None:
        """Let what is in flight finish, then hand back the rest."""
        ends = asyncio.get_running_loop().time() + self.grace
        while self._tasks and self.stops < 2 and asyncio.get_running_loop().time() < ends:
            await asyncio.wait(self._tasks, timeout=0.1)
        rest, cut = list(self._held), list(self._tasks)
        for task in cut:
            task.cancel()
        await asyncio.gather(*cut, return_exceptions=True)
        await self._hands.batches.rest()
        if rest:
            await self._careful(partial(self._rows, sweep.hand_back, self.id, rest))

    # Where things run ----------------------------------------------------------------------------------------------

    async def _rows(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await sync_to_async(call, thread_sensitive=True)(*args, **kwargs)

    async def _pixels(self, call: Callable[..., Any], *args: Any) -> Any:
        self._lull.enter()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, partial(call, *args))
        finally:
            self._lull.leave()

    def _log(self, action: str, *, level: int = logging.INFO, **facts: Any) -> None:
        told = {"action": action, "worker": str(self.id), "pid": os.getpid(), **facts}
        _log.log(level, "%s %s", action, facts or "", extra=told)


def _refresh_connections() -> None:
    """What Django does between two requests, except in a transaction of our caller's: that connection is its own."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def _take(worker: UUID, free: int, only: Collection[UUID] | None, *, look: bool) -> list[Lease]:
    """Answers that wait in the spool come first: they are paid for."""
    adopted = leases.adopt(worker, free, only=only) if look else []
    return adopted + leases.claim(worker, free - len(adopted), only=only)


def _lost(worker: UUID, held: Collection[UUID]) -> int:
    """How many of these others have, or the queue; what ended since is nobody's, and no loss."""
    rows = Job.objects.filter(pk__in=held).exclude(state__in=JOB_ENDED)
    return rows.exclude(lease_owner=worker).count()


def _left(only: Collection[UUID] | None, *, wait: bool) -> bool:
    """Whether there is anything that a worker on this host could still bring to an end."""
    if not wait:
        return leases.ready(only, database_now()).exists()
    open_jobs = Job.objects.exclude(state__in=JOB_ENDED)
    if only is not None:
        open_jobs = open_jobs.filter(pk__in=only)
    return any(row.state != "spooled" or leases.adoptable(row) for row in open_jobs[:500])
