"""In a process of its own, with a database of its own: what the queue itself can do, and how soon it does it.

Drained are picture jobs of a free route whose call brings nothing: lease, reading, the call's row, its answer, the end,
five events' worth of rows each. Left out are the loop, the spool and the pixels, which no no-op has elsewhere either;
the calls are those that a worker's batches make. procrastinate drains as many tasks with its own worker.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.db import connection, connections, transaction

from image_studio import tasks
from image_studio.models import Job, uuid7
from image_studio.providers import previs
from image_studio.runner import leases, reading, together
from image_studio.runner import worker as worker_module
from image_studio.runner.answers import StoredAnswer
from image_studio.runner.draining import work
from image_studio.runner.worker import Worker
from tests.benchmarks.peers import COUNT, OPEN, drainers, starters
from tests.factories import make_bare_brand, make_job

#: The goals where a machine is as quick as the one they were set on, and the same as ratios to a peer in this very run:
#: 2,000 a second where procrastinate drained 415, 10 ms where Celery began within 4.
A_SECOND, P95 = 2_000.0, {"postgresql": 10.0}
TIMES_PROCRASTINATE, TIMES_CELERY = 2_000 / 415, 10 / 4
BATCH = 512


def fill(count: int) -> None:
    """So many queued jobs of a free route."""
    job = make_job(make_bare_brand())
    names = [f.attname for f in Job._meta.concrete_fields if f.attname not in {"id", "turn"}]
    told = {name: getattr(job, name) for name in names}
    Job.objects.bulk_create([Job(turn=number, **told) for number in range(1, count)], batch_size=1_000)


def drain(count: int) -> float:
    """Jobs a second.

    :raises ValueError: unless every job is done.
    """
    fill(count)
    worker, began, ended = uuid7(), time.perf_counter(), 0
    while taken := leases.claim(worker, BATCH):
        works: Any = reading.picture_works(taken)
        calls = [uuid7() for _ in taken]
        sent = together.sending(list(zip(taken, works, calls, strict=True)))
        stored = [StoredAnswer(attempt=pk, job=lease.job_id, outputs=()) for pk, lease in zip(calls, sent, strict=True)]
        spooled = together.answered(
            [(lease, one.job, said) for lease, one, said in zip(sent, works, stored, strict=True)]
        )
        together.finish([(leases.replace(one, lease=lease), ()) for one, lease in zip(works, spooled, strict=True)])
        ended += len(together.ended([(lease,) for lease in spooled]))
    took = time.perf_counter() - began
    if ended != count or Job.objects.exclude(state="done").exists():
        raise ValueError(f"{ended} of {count} jobs")
    return count / took


def starts(rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds from a commit to the job's start in the worker (its lease is committed: where others begin to run a
    task), and to the call of the provider (read, spooled and committed as sent), one job at a time, of a worker in a
    thread of its own."""
    called, worker = threading.Event(), Worker(concurrency=8)
    real, travel = previs.Provider.run, worker_module.travel

    async def begun(*args: Any) -> bool:
        at.append(time.perf_counter())
        return await travel(*args)

    async def noted(*args: Any, **kwargs: Any) -> Any:
        at.append(time.perf_counter())
        called.set()
        return await real(*args, **kwargs)

    def serve() -> None:
        try:
            work(worker)
        finally:
            connections.close_all()

    previs.Provider.run = noted  # type: ignore[method-assign]
    worker_module.travel = begun  # type: ignore[attr-defined]
    thread, brand, took = threading.Thread(target=serve), make_bare_brand(), []
    thread.start()
    try:
        time.sleep(2.0)
        for _round in range(rounds):
            at: list[float] = []
            called.clear()
            with transaction.atomic():
                job = make_job(brand)
                transaction.on_commit(lambda pk=job.pk: tasks.ring([pk]))
            began = time.perf_counter()
            if not called.wait(30.0):
                raise ValueError("the worker does not begin")
            took.append([1000 * (moment - began) for moment in at])
            while Job.objects.exclude(state="done").exists():
                time.sleep(0.02)
            time.sleep(0.05)
    finally:
        worker.stop()
        thread.join()
        previs.Provider.run = real  # type: ignore[method-assign]
        worker_module.travel = travel  # type: ignore[attr-defined]
    start, call = zip(*took, strict=True)
    return sorted(start), sorted(call)


def tell(name: str, ours: float, limit: float, *, ok: bool, **more: Any) -> None:
    sign = ">=" if more["unit"] == "/s" else "<="
    line = {"name": name, "ours": round(ours, 1), "goal": f"{sign} {limit:g}", "ok": ok, **more}
    print(json.dumps({**line, "database": connection.vendor}), flush=True)


def main(count: int, rounds: int) -> None:
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        drain(BATCH)
        speed = statistics.median(drain(count) for _ in range(3))
        theirs = {name: round(run(), 1) for name, run in drainers().items()}
        more: dict[str, Any] = {"theirs": theirs, "of": COUNT}
        met = speed >= A_SECOND
        if peer := theirs.get("procrastinate"):
            more.update(ratio=round(speed / peer, 2), goal_ratio=round(TIMES_PROCRASTINATE, 2))
            met = speed / peer >= TIMES_PROCRASTINATE
        tell(f"drain of {count} no-op jobs", speed, A_SECOND, ok=met, unit="/s", **more)
        peers = starters(rounds) if connection.vendor == "postgresql" else {}
        for name, took in zip(("start", "the provider's call"), starts(rounds), strict=True):
            p95, limit = took[int(len(took) * 0.95)], P95.get(connection.vendor, 250.0)
            said: dict[str, Any] = {"median": round(statistics.median(took), 1)}
            met = p95 <= limit
            for peer_name, peer_took in peers.items():
                peer95 = peer_took[int(len(peer_took) * 0.95)]
                said |= {"theirs": {peer_name: round(peer95, 1), "median": round(statistics.median(peer_took), 1)}}
                said |= {"ratio": round(p95 / peer95, 2), "goal_ratio": TIMES_CELERY}
                met = p95 / peer95 <= TIMES_CELERY
            tell(f"commit to {name}, p95", p95, limit, ok=met, unit="ms", **said)
    finally:
        for close in OPEN:
            close()
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
