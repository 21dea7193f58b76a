"""Early versions of a job's pictures: shown while a provider works, gone when it is over.

They are a courtesy. Nothing about them may delay the call, cost a picture or fail a job: the provider's callback
returns at once, the work is done beside the call, and trouble with it is logged and forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from image_studio import storage
from image_studio.imaging.decode import decode
from image_studio.imaging.renditions import preview
from image_studio.providers.base import OnPartial, PictureRequest
from image_studio.runner import marks
from image_studio.runner.leases import Lease
from image_studio.runner.produce import gate
from image_studio.runner.work import PictureWork

_log = logging.getLogger("image_studio.runner")

#: Seconds between two stored versions of one output: a page that looks every two seconds needs no more.
EVERY = 1.0
#: How many are asked for where nothing is charged for them.
MOST = 2


def asked(order: PictureWork) -> PictureRequest:
    """The request as its provider gets it: with early versions where they are free.

    They cost tokens where calls are charged: there the order's own number stands. What is stored, and its digest, is
    the order itself.
    """
    if order.request.partial_images or not order.repeatable:
        return order.request
    return replace(order.request, partial_images=min(order.spec.max_partials, MOST))


def names_in(partials: Mapping[str, Any]) -> frozenset[str]:
    """The files that a job's column speaks of."""
    return frozenset(row["file"] for row in partials.values() if isinstance(row, dict) and row.get("file"))


def forget(names: Iterable[str]) -> None:
    """Delete early versions; what cannot be deleted the doctor lists."""
    store = storage.private()
    for name in names:
        storage.remove(store, name)


class Early:
    """The early versions of one job, as long as this worker travels with it.

    :param rows: runs a function where the database is.
    :param pixels: runs a function in the pixel threads.
    """

    def __init__(self, *, rows: Callable[..., Awaitable[Any]], pixels: Callable[..., Awaitable[Any]]) -> None:
        self._rows, self._pixels = rows, pixels
        self._lease: Lease | None = None
        self._n = 0
        self._open = False
        self._told: dict[str, dict[str, Any]] = {}
        self._files: set[str] = set()
        self._last: dict[int, float] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._one_by_one = asyncio.Lock()

    def adopt(self, partials: Mapping[str, Any]) -> None:
        """What an earlier holder of the job left goes with ours."""
        self._files |= names_in(partials)

    def listen(self, lease: Lease, n: int) -> OnPartial:
        """Take early versions of ``n`` outputs from now on; returns the provider's callback."""
        self._lease, self._n, self._open = lease, n, True
        return self._take

    def stop(self) -> None:
        """Take no more: the whole pictures are there."""
        self._open = False

    async def clear(self) -> None:
        """Delete everything that was stored; the column is emptied by whoever writes that the job is over."""
        self.stop()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._files:
            try:
                await self._pixels(forget, sorted(self._files))
            except Exception as error:  # noqa: BLE001 - leftovers are the doctor's; the job has its end already
                self._tell("job.partials_left", error)

    async def _take(self, index: int, number: int, data: bytes) -> None:
        if not self._open or not isinstance(index, int) or not 0 <= index < self._n:
            return
        now = asyncio.get_running_loop().time()
        busy = index in self._tasks and not self._tasks[index].done()
        soon = now - self._last.get(index, -EVERY) < EVERY
        if not busy and not soon:
            self._last[index] = now
            self._tasks[index] = asyncio.create_task(self._keep(index, number, data))

    async def _keep(self, index: int, number: int, data: bytes) -> None:
        try:
            name = await self._pixels(self._file, data)
            if name:
                await self._show(index, number, name)
        except Exception as error:  # noqa: BLE001 - a glimpse that fails must not cost the picture
            self._tell("job.partial_ignored", error)

    def _file(self, data: bytes) -> str:
        """Store a small, clean copy: a provider's bytes pass the same gate as an upload's. Runs in a pixel thread."""
        if not self._open:
            return ""
        small = preview(decode(data, gate()).image)
        name = storage.write(storage.private(), storage.fresh_name("partials", small.extension), small.data)
        self._files.add(name)
        return name

    async def _show(self, index: int, number: int, name: str) -> None:
        # The column is written whole, so two outputs must not read it at once.
        async with self._one_by_one:
            told = {**self._told, str(index): {"file": name, "number": int(number), "format": "webp"}}
            if not await self._rows(marks.early, self._lease, told):
                self.stop()
                return
            superseded, self._told = self._told.get(str(index)), told
        if superseded:
            await self._pixels(forget, [superseded["file"]])
            self._files.discard(superseded["file"])

    def _tell(self, action: str, error: Exception) -> None:
        job = str(self._lease.job_id) if self._lease else ""
        code = getattr(error, "code", "") or type(error).__name__
        _log.warning("%s: %s", action, code, extra={"action": action, "job": job, "code": code})
