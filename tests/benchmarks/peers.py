"""What others do to enqueue a thousand tasks; each is left out where it is not installed or its server is not there."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from tests.benchmarks.measure import ROOT

COUNT = 1_000


def no_op(number: int) -> None:
    """The task of every peer."""


def enqueuers() -> dict[str, Callable[[], object]]:
    """Name -> a call that enqueues :data:`COUNT` tasks."""
    makers: dict[str, Callable[[], Callable[[], object]]] = {
        "celery": _celery,
        "procrastinate batch": _procrastinate,
        "django-tasks-db": _tasks_db,
    }
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except (ImportError, OSError, LookupError):
            continue
    return found


def _celery() -> Callable[[], object]:
    import celery  # noqa: PLC0415
    import redis  # noqa: PLC0415

    queue, server = "image-studio-bench", redis.Redis()
    server.ping()
    task = celery.Celery("bench", broker="redis://localhost:6379/0").task(no_op)

    def enqueue() -> None:
        for number in range(COUNT):
            task.apply_async((number,), queue=queue, ignore_result=True)
        server.delete(queue)  # nobody takes them: one command more

    return enqueue


def _procrastinate() -> Callable[[], object]:
    app = _app()
    task = app.task(no_op)
    return lambda: task.batch_defer(*({"number": number} for number in range(COUNT)))


def _app() -> Any:
    """procrastinate's app on our own database, open.

    :raises LookupError: where that is none of PostgreSQL's.
    """
    import procrastinate  # noqa: PLC0415

    if connection.vendor != "postgresql":
        raise LookupError(connection.vendor)
    app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=_reach()))
    app.open()
    app.schema_manager.apply_schema()
    OPEN.append(app.close)
    return app


def _reach() -> str:
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415

    told = connection.settings_dict
    reach = {"host": told["HOST"], "port": told["PORT"], "user": told["USER"], "password": told["PASSWORD"]}
    return make_conninfo(dbname=told["NAME"], **{key: value for key, value in reach.items() if value})


def drainers() -> dict[str, Callable[[], float]]:
    """Name -> a call that drains :data:`COUNT` tasks that do nothing by one worker, and returns tasks a second."""
    try:
        app = _app()
    except (ImportError, LookupError):
        return {}
    import procrastinate  # noqa: PLC0415

    app.task(no_op, name="no_op").batch_defer(*({"number": number} for number in range(COUNT)))

    async def served() -> float:
        other = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=_reach()))
        other.task(no_op, name="no_op")
        async with other.open_async():
            began = time.perf_counter()
            await other.run_worker_async(wait=False, install_signal_handlers=False)
            return COUNT / (time.perf_counter() - began)

    return {"procrastinate": lambda: asyncio.run(served())}


def starters(rounds: int) -> dict[str, list[float]]:
    """Name -> milliseconds from an order to the start of the task, one at a time, of a worker that waits; sorted."""
    try:
        import redis  # noqa: PLC0415

        from tests.benchmarks.peers_celery import QUEUE, SAID, began  # noqa: PLC0415

        server = redis.Redis()
        server.ping()
    except (ImportError, OSError, redis.exceptions.RedisError):
        return {}
    server.delete(QUEUE, SAID)
    options = ("-A", "tests.benchmarks.peers_celery", "worker", "-Q", QUEUE, "-c", "1", "--loglevel", "ERROR")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    worker = subprocess.Popen([sys.executable, "-m", "celery", *options], cwd=ROOT, **quiet)
    try:
        took = []
        for number in range(rounds + 1):
            ordered = time.perf_counter()
            began.apply_async(queue=QUEUE)
            said: Any = server.blpop([SAID], timeout=60)
            if number and said:  # the first waits for the worker itself
                took.append(1000 * (float(said[1]) - ordered))
            time.sleep(0.07)
    finally:
        worker.terminate()
        worker.wait(timeout=30)
        server.delete(QUEUE, SAID)
    return {"celery": sorted(took)} if took else {}


def _tasks_db() -> Callable[[], object]:
    from tests.benchmarks.peers_task import no_op as wanted  # noqa: PLC0415

    def enqueue() -> None:
        for number in range(COUNT):
            wanted.enqueue(number)

    return enqueue


#: What is closed before the database is dropped.
OPEN: list[Callable[[], object]] = []
