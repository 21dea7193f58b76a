"""Celery's worker, as its tutorial starts it, with a task that says when it began. In a process of its own."""

from __future__ import annotations

import time

import celery

app = celery.Celery("studio_bench", broker="redis://localhost:6379/0")
QUEUE, SAID = "image-studio-bench-start", "image-studio-bench-said"


@app.task(ignore_result=True)
def began() -> None:
    """Tell the moment by the clock that all processes of a machine share."""
    import redis  # noqa: PLC0415

    redis.Redis().rpush(SAID, repr(time.perf_counter()))
