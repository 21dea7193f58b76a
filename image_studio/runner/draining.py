"""Running jobs from where nothing is asynchronous: a command, a test, the inline doorbell."""

from __future__ import annotations

import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from uuid import UUID

from asgiref.sync import async_to_sync

from image_studio.runner.worker import Tally, Worker

STOPPING = (signal.SIGINT, signal.SIGTERM)


def drain(*, job_ids: Collection[UUID] | None = None, once: bool = True, wait: bool = True) -> int:
    """Work in this thread until these jobs ended, or everything that can run; returns how many ended here.

    :param job_ids: None takes every job.
    :param once: False works until the process is told to stop.
    :param wait: also for jobs that others hold and for those that are tried again later.
    """
    return work(Worker(only=job_ids, once=once, wait=wait)).ended


def work(worker: Worker) -> Tally:
    """Run a worker to its end. Rows are touched in this thread, so a test's transaction holds what it does.

    In the main thread SIGINT and SIGTERM stop it in order: it takes no new work and lets calls in flight finish.
    """
    with _stopped_by_signals(worker):
        return async_to_sync(worker.run)()


@contextmanager
def _stopped_by_signals(worker: Worker) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        worker.stop()

    before = {number: signal.signal(number, stop) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
