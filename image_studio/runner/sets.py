"""When a set is over: none of its jobs is under way any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from image_studio import signals
from image_studio.models import Among, Event, Job, VariantSet, database_now
from image_studio.runner.leases import WORKER, Lease
from image_studio.states import JOB_ENDED


def finish_sets(ids: Iterable[UUID | None]) -> list[UUID]:
    """Close those of the sets that are over, once each, and return them.

    Own transactions, after those that ended the jobs: two jobs that end at the same moment do not see each other.
    """
    return [pk for pk in _over_among({pk for pk in ids if pk}) if _finish(pk)]


def ended(lease: Lease) -> str:
    """What became of a job whose travel is over, its set closed where it was the last."""
    finish_sets([lease.set_id])
    return states([lease.job_id])[lease.job_id]


def states(jobs: Iterable[UUID]) -> dict[UUID, str]:
    """The states of jobs, now."""
    return dict(Job.objects.filter(Among(F("pk"), list(jobs))).values_list("pk", "state"))


def _over_among(ids: Collection[UUID]) -> list[UUID]:
    """Those that are over, by one query; closing one looks again."""
    return list(_over(VariantSet.objects.filter(pk__in=ids)).values_list("pk", flat=True)) if ids else []


def open_sets() -> list[UUID]:
    """Sets that are over and were never closed, because a worker died in between."""
    return list(_over(VariantSet.objects.all()).values_list("pk", flat=True)[:100])


def _finish(pk: UUID) -> bool:
    with transaction.atomic():
        if not _over(VariantSet.objects.filter(pk=pk)).update(finished_at=database_now()):
            return False
        variant_set = VariantSet.objects.get(pk=pk)
        Event.objects.record(WORKER, "set.finished", variant_set)
        transaction.on_commit(partial(signals.set_finished.send_robust, VariantSet, variant_set=variant_set))
    return True


def _over(rows: QuerySet[VariantSet]) -> QuerySet[VariantSet]:
    jobs = Job.objects.filter(variant_set=OuterRef("pk"))
    running = jobs.exclude(state__in=JOB_ENDED)
    return rows.filter(Exists(jobs), ~Exists(running), finished_at=None)


def lock(pk: UUID | None) -> None:
    """Hold a set's row until the end of the transaction where the database can.

    Whoever cancels, retries or recomposes writes the set first and then its jobs. Taking them in the same order is
    what keeps the two from waiting for each other. SQLite has no row locks, and there a transaction must begin with
    its write: nothing is read.
    """
    lock_all([pk])


def lock_all(ids: Iterable[UUID | None]) -> None:
    """As :func:`lock`, for many, in the order of their ids."""
    pks = {pk for pk in ids if pk}
    if not pks or not connection.features.has_select_for_update:
        return
    no_key = connection.features.has_select_for_no_key_update
    rows = VariantSet.objects.select_for_update(no_key=no_key).filter(pk__in=pks).order_by("pk")
    list(rows.values_list("pk"))
