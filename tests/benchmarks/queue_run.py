"""In a process of its own, with a database of its own: what leases, ledger, limits and spool add to a bought picture.

The pixels of a picture have goals of their own: decoding, storing and composing it (``saving.output``) is left out.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.db import connection

from image_studio import conf
from image_studio.models import Channel, Job
from image_studio.providers.base import PictureRequest
from image_studio.runner import saving
from image_studio.runner.draining import work
from image_studio.runner.worker import Worker
from tests.factories import make_bare_brand, make_set

MILLISECONDS, QUERIES = 2.0, 6.0
AT_ONCE = 64
_TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+"(?:image_studio_)?(\w+)"')


class Measured(Worker):
    """A worker that knows what its pixel threads worked on pictures."""

    pixel_seconds = 0.0

    async def _pixels(self, call: Callable[..., Any], *args: Any) -> Any:
        if getattr(call, "func", None) is not saving.output:
            return await super()._pixels(call, *args)
        return await super()._pixels(self._timed, call, *args)

    def _timed(self, call: Callable[..., Any], *args: Any) -> Any:
        began = time.thread_time()
        try:
            return call(*args)
        finally:
            self.pixel_seconds += time.thread_time() - began


def order(jobs: int, pictures: int) -> None:
    """One set of small pictures, a job each ``pictures`` of them."""
    told = {"width": 1080, "height": 1080}
    make_set(
        make_bare_brand(),
        channels=[
            Channel.objects.get_or_create(slug=f"c-{number}", defaults={"name": f"C {number}", **told})[0]
            for number in range(jobs)
        ],
        takes=pictures,
        shrink=16,
        provider="fake",
        model="fake-1",
    )


def drained(jobs: int, pictures: int) -> float:
    """CPU milliseconds a picture, without its pixels.

    :raises ValueError: unless every job is done.
    """
    worker = Measured(concurrency=AT_ONCE, once=True)
    began = time.process_time()
    tally = work(worker)
    took = time.process_time() - began - worker.pixel_seconds
    if (tally.ended, tally.failed) != (jobs, 0) or Job.objects.exclude(state="done").exists():
        raise ValueError(f"{tally} of {jobs} jobs")
    return 1000 * took / (jobs * pictures)


def bare(jobs: int, pictures: int) -> float:
    """CPU milliseconds a picture of the provider alone."""
    request = PictureRequest(model="fake-1", prompt="A bottle", size=(68, 68), n=pictures)
    provider = conf.provider("fake")

    async def all_of_them() -> None:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(jobs):
                spool = Path(folder) / str(number)
                spool.mkdir()
                await provider.run(request, (), spool=spool, deadline=60.0)

    began = time.process_time()
    asyncio.run(all_of_them())
    return 1000 * (time.process_time() - began) / (jobs * pictures)


def queries(jobs: int, pictures: int) -> Counter[str]:
    """Statements of a whole drain, by verb and table; the ends of transactions are not among them."""
    seen: Counter[str] = Counter()

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        table = _TABLE.search(sql)
        seen[f"{sql.split(None, 1)[0]} {table[1] if table else ''}".strip()] += 1
        return execute(sql, *rest)

    order(jobs, pictures)
    with connection.execute_wrapper(note):
        drained(jobs, pictures)
    return seen


def pair(jobs: int, pictures: int) -> tuple[float, float]:
    order(jobs, pictures)
    return drained(jobs, pictures), bare(jobs, pictures)


def row(jobs: int, pictures: int, rounds: int) -> list[dict[str, Any]]:
    """Both goals of one way to order."""
    took = sorted(pair(jobs, pictures) for _ in range(rounds))[rounds // 2]
    seen = queries(jobs, pictures)
    asked = {name: round(count / (jobs * pictures), 2) for name, count in seen.most_common(16)}
    begun = sum(count for name, count in seen.items() if name.startswith(("BEGIN", "SAVEPOINT", "RELEASE")))
    each = (seen.total() - begun) / (jobs * pictures)
    name = f"added to a bought picture, {jobs} jobs of {pictures}, {AT_ONCE} in flight"
    cpu = {"ours": round(took[0] - took[1], 2), "goal": f"<= {MILLISECONDS:g}", "ok": took[0] - took[1] <= MILLISECONDS}
    said = {"ours": round(each, 2), "goal": f"<= {QUERIES:g}", "ok": each <= QUERIES}
    return [
        {"name": f"CPU {name}", **cpu, "unit": "ms cpu", "provider_alone": round(took[1], 2)},
        {"name": f"queries {name}", **said, "unit": "queries", "transactions": round(begun / (jobs * pictures), 2)}
        | {"where": asked},
    ]


def main(jobs: int, rounds: int) -> None:
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        for pictures in (1, 4):
            for line in row(jobs, pictures, rounds):
                print(json.dumps({**line, "database": connection.vendor}), flush=True)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
