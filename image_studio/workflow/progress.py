"""How far a set is: the seconds that are left, and the money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil
from statistics import median
from uuid import UUID

from image_studio.models import Attempt, Job, VariantSet, database_now
from image_studio.states import JOB_ENDED, JOB_HELD

#: Calls looked back at, over all sets, where this set has nothing finished to measure by.
LOOK_BACK = 100


def seconds_left(variant_set: VariantSet, jobs: Sequence[Job]) -> int | None:
    """About how long the pictures still take; None when nothing can be known, or nothing is under way.

    The median of the set's own finished pictures, else that of the latest calls of the same model, times the rounds
    that the work that runs side by side still needs, less what the oldest of it has had.
    """
    pictures = [job for job in jobs if job.kind == "picture"]
    coming = [job for job in pictures if job.state not in JOB_ENDED]
    running = [job for job in coming if job.state in JOB_HELD]
    if not running:
        return None
    began = _began(variant_set)
    took = _typical(pictures, began)
    if took is None:
        return None
    now = database_now()
    spent = max(((now - began[job.pk]).total_seconds() for job in running if job.pk in began), default=0.0)
    return max(1, round(took * ceil(len(coming) / len(running)) - min(took, max(0.0, spent))))


def _began(variant_set: VariantSet) -> dict[UUID, datetime]:
    """When each job was last sent."""
    calls = Attempt.objects.filter(job__variant_set=variant_set).order_by("number")
    return dict(calls.values_list("job_id", "started_at"))


def _typical(jobs: Sequence[Job], began: dict[UUID, datetime]) -> float | None:
    took = [
        (job.ended_at - began[job.pk]).total_seconds()
        for job in jobs
        if job.state == "done" and job.ended_at and job.pk in began
    ]
    found = took or _elsewhere({(job.provider, job.model) for job in jobs})
    return max(0.0, median(found)) if found else None


def _elsewhere(models: set[tuple[str, str]]) -> list[float]:
    """Answers to calls of these models lately; cut off before it is sorted out, so that it costs the same always."""
    columns = ("provider", "model", "state", "started_at", "ended_at")
    latest = Attempt.objects.order_by("-pk").values_list(*columns)[:LOOK_BACK]
    return [
        (ended - started).total_seconds()
        for provider, model, state, started, ended in latest
        if (provider, model) in models and state == "answered" and ended
    ]


def money_left(jobs: Sequence[Job]) -> int:
    """The most that what has not ended may still cost, in micro-USD."""
    return sum(job.estimate_micro_usd for job in jobs if job.kind == "picture" and job.state not in JOB_ENDED)
