"""Answers that are paid for and were never stored: their job ended, and the folder lies in the spool of one host.

Such a call is ``answered`` and has an error code, which says why. Only the host that has the folder can bring the job
to its end, so the job goes on as ``spooled``: queued, any other host would buy it again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from image_studio.models import Asset, Attempt, Job, JobOutput, database_now
from image_studio.runner import leases
from image_studio.runner.answers import Kept, StoredAnswer
from image_studio.runner.work import repeatable
from image_studio.storage import Spool

#: Of a job, and of its call, whose host did not come for the answer.
ELSEWHERE = "job.answer_elsewhere"
#: After so long without a holder nobody who works has the folder: a sweep comes by every few seconds.
PATIENCE = timedelta(minutes=15)


def tell(job: UUID, code: str, params: Mapping[str, Any]) -> None:
    """The answer that lies here could not be stored. In the transaction in which its job ends."""
    calls = Attempt.objects.filter(job=job, state="answered").order_by("-number").values_list("pk", flat=True)
    here = next((pk for pk in calls if (Spool().root / str(pk)).is_dir()), None)
    if here:
        Attempt.objects.filter(pk=here).update(error_code=code, error_params=dict(params))


def give_up(job: UUID) -> None:
    """Nobody comes for the answer: every call of the job that may be the one says so."""
    answered = Attempt.objects.filter(job=job, state="answered")
    known = answered.exclude(error_code="").values_list("pk", flat=True)
    newest = answered.order_by("-number").values_list("pk", flat=True)[:1]
    which = list(known) or list(newest)
    Attempt.objects.filter(pk__in=which).update(error_code=ELSEWHERE, error_params={})


def taken_in(attempt: UUID) -> None:
    """The answer is stored after all. In the transaction in which it is."""
    Attempt.objects.filter(pk=attempt, state="answered").exclude(error_code="").update(error_code="", error_params={})


def among(jobs: Collection[UUID]) -> set[UUID]:
    """Those of the jobs that have an answer which was never stored and may not be bought again by itself."""
    calls = Attempt.objects.filter(job__in=jobs, state="answered").exclude(error_code="")
    return {job for job, alias in calls.values_list("job_id", "provider") if not repeatable(alias)}


def abandoned() -> list[Job]:
    """Spooled jobs that nobody has taken in for long, and whose answer does not lie here either."""
    past = database_now() - PATIENCE
    free = Q(lease_owner=None) | Q(lease_until__lt=past)
    rows = Job.objects.filter(free, state="spooled", available_at__lt=past)[:200]
    return [row for row in rows if not leases.adoptable(row)]


def stored(call: Attempt, answer: StoredAnswer) -> bool:
    """Whether every picture of an answer is in the library, by its bytes, or kept where it was refused."""
    if call.state != "answered" or call.error_code:
        return False
    return all(_stored(call.job, kept) for kept in answer.outputs if kept.file)


def _stored(job: Job, kept: Kept) -> bool:
    if Asset.objects.filter(brand=job.brand_id, sha256=kept.sha256).exists():
        return True
    refused = JobOutput.objects.filter(job=job, index=kept.index).exclude(fault_code="")
    return any("kept" in params for params in refused.values_list("fault_params", flat=True))
