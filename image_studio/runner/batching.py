"""Group commit: what several jobs want of the database at the same moment is done by one transaction for all of them.

All rows are touched in one thread. While a call runs there, others queue up; whoever comes next takes everything that
waits of its kind. A busy worker so needs ever fewer statements a job, and an idle one does not wait: only while other
jobs are in the pixel threads, and will want the same in a moment, is there a short pause for them.

No job spoils another's: each gets its own result or its own error, and what a batch cannot do, or does not get done, is
done for each job by itself, exactly as if there were no batches.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError

from image_studio.runner import marks, reading, saving, sets, together
from image_studio.runner.together import ALONE

_log = logging.getLogger("image_studio.runner")

#: Fewer are hardly cheaper together.
LEAST = 4
#: Most in one transaction: it holds the rows of all of them.
MOST = 64
#: Seconds to wait at most for jobs that are on their way from the pixel threads. Calls take seconds to minutes.
LINGER = 0.1


class Lull:
    """When nobody is in the pixel threads. Nothing polls for it: on a busy worker that cost more than the rows."""

    def __init__(self) -> None:
        self.inside = 0
        self._still = asyncio.Event()
        self._still.set()

    def enter(self) -> None:
        self.inside += 1
        self._still.clear()

    def leave(self) -> None:
        self.inside -= 1
        if not self.inside:
            self._still.set()

    async def pause(self) -> None:
        """A short pause, as long as somebody is inside who will want in a moment what the caller is about to do."""
        if self.inside:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await self._still.wait()


async def no_pause() -> None:
    """Where nobody is waited for."""


@dataclass(frozen=True)
class _Ask:
    args: tuple[Any, ...]
    answer: asyncio.Future[Any]


class Batcher:
    """One kind of call, made for many jobs at once.

    :param rows: runs a function where the database is.
    :param single: does it for one job, and raises what that job is to be told.
    :param many: does it for many: a result for each, an exception, or :data:`~image_studio.runner.together.ALONE`
        where ``single`` is to do it. Where it raises, nothing was written, and ``single`` does all of them.
    :param pause: waits for jobs that are on their way and may want the same in a moment.
    """

    def __init__(
        self,
        rows: Callable[..., Awaitable[Any]],
        single: Callable[..., Any],
        many: Callable[[Sequence[tuple[Any, ...]]], Sequence[Any]],
        *,
        pause: Callable[[], Awaitable[None]] = no_pause,
    ) -> None:
        self._rows, self._single, self._many, self._pause = rows, single, many, pause
        self._waiting: deque[_Ask] = deque()
        self._taken: list[_Ask] = []
        self._server: asyncio.Task[None] | None = None

    async def __call__(self, *args: Any) -> Any:
        loop = asyncio.get_running_loop()
        ask = _Ask(args, loop.create_future())
        self._waiting.append(ask)
        if self._server is None or self._server.done():
            self._server = loop.create_task(self._serve())
        return await ask.answer

    async def rest(self) -> None:
        """Until nothing waits any more."""
        if self._server is not None:
            await asyncio.gather(self._server, return_exceptions=True)

    async def _serve(self) -> None:
        while self._waiting:
            if len(self._waiting) < MOST:
                await self._pause()
            try:
                results = await self._rows(self._work)
            except BaseException as error:
                # Not an error of a job's own, which is among the results: the thread is gone, or the loop is closed.
                if not self._taken:
                    self._taken = list(self._waiting)
                    self._waiting.clear()
                results = [error] * len(self._taken)
                if not isinstance(error, Exception):
                    raise
            finally:
                taken, self._taken = self._taken, []
                for ask, result in zip(taken, results, strict=True):
                    _give(ask.answer, result)

    # In the thread of the rows -------------------------------------------------------------------------------------

    def _work(self) -> list[Any]:
        """Everything that waits now: what came while other calls ran here is in."""
        while self._waiting and len(self._taken) < MOST:
            ask = self._waiting.popleft()
            if not ask.answer.done():  # else its job was given up
                self._taken.append(ask)
        asks = [ask.args for ask in self._taken]
        results = self._together(asks) if len(asks) >= LEAST else [ALONE] * len(asks)
        return [self._alone(args) if one is ALONE else one for args, one in zip(asks, results, strict=True)]

    def _together(self, asks: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        try:
            return self._many(asks)
        except (OperationalError, InterfaceError) as error:
            # Nobody knows whether it was committed. Done again by itself, a job that was written would look fenced, and
            # its files would be taken back.
            return [error] * len(asks)
        except Exception as error:  # noqa: BLE001 - whose it is shows when each is done by itself
            action = {"action": "worker.one_by_one", "error": type(error).__name__, "jobs": len(asks)}
            _log.info("a batch was refused", extra=action)
            return [ALONE] * len(asks)

    def _alone(self, args: tuple[Any, ...]) -> Any:
        try:
            return self._single(*args)
        except Exception as error:  # noqa: BLE001 - given to its own job
            return error


def _give(answer: asyncio.Future[Any], result: Any) -> None:
    if answer.done():
        return
    if isinstance(result, BaseException):
        answer.set_exception(result)
    else:
        answer.set_result(result)


class Batches:
    """What jobs on their way have done together.

    :param rows: runs a function where the database is.
    :param pause: waits for jobs in the pixel threads.
    """

    def __init__(self, rows: Callable[..., Awaitable[Any]], pause: Callable[[], Awaitable[None]]) -> None:
        # Looked up when they are called: whoever replaces one of them replaces it here.
        self.read = Batcher(rows, reading.picture_work, reading.for_many)
        self.sending = Batcher(rows, marks.sending, together.sending, pause=pause)
        self.answered = Batcher(rows, marks.answered, together.answered, pause=pause)
        self.finish = Batcher(rows, saving.finish, together.finish, pause=pause)
        self.ended = Batcher(rows, sets.ended, together.ended, pause=pause)

    async def rest(self) -> None:
        """Until nothing waits any more."""
        for one in (self.read, self.sending, self.answered, self.finish, self.ended):
            await one.rest()
