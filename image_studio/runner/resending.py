"""Sending a call of unknown outcome once more: by a person's word, or by the site's written policy."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from image_studio.conf import conf
from image_studio.exceptions import Conflict
from image_studio.models import Actor, Attempt, Event, Job, database_now
from image_studio.runner import holds, unsaved
from image_studio.runner.turns import in_turn
from image_studio.states import JOB

_log = logging.getLogger("image_studio.runner")

POLICY = Actor(label="RESEND_UNKNOWN")


def resend(job_id: UUID, actor: Actor) -> Job:
    """Queue a job of unknown outcome, with a hold of its own. Call it in a transaction.

    :raises Conflict: ``job.not_unknown``; ``budget.spent``; ``spending.stopped``.
    """
    return _resend(Job.objects.all(), job_id, actor)


def _resend(among: QuerySet[Job], job_id: UUID, actor: Actor) -> Job:
    """:raises Conflict: ``job.not_unknown`` for one that is not among these either."""
    now = database_now()
    moved = JOB.move(
        among.filter(pk=job_id),
        "queued",
        only_from=["unknown"],
        available_at=now,
        cancel_requested_at=None,
        adopt_asked_at=None,
        attempts_made=0,
        saves_made=0,
        error_code="",
        error_params={},
        ended_at=None,
        resends=F("resends") + 1,
    )
    if not moved:
        raise Conflict("job.not_unknown")
    job = Job.objects.select_related("brand").get(pk=job_id)
    job.estimate_micro_usd = holds.most_now(job)
    Job.objects.bulk_update(in_turn([job]), ["turn", "estimate_micro_usd"])
    doubted = sum(Attempt.objects.filter(job=job, state="unknown").values_list("hold_micro_usd", flat=True))
    Event.objects.record(actor, "job.resent", job, maybe_charged_micro_usd=doubted, resends=job.resends)
    holds.take([job], actor, reason="maybe_charged")
    return job


def resend_by_policy() -> int:
    """Send again, once, what became unknown, where the site's settings say so. Returns how many were.

    What a budget or the switch refuses stays unknown. A job that somebody asked to stop is not wanted any more, and an
    answer that lies on another host was surely charged: that one is no doubt.
    """
    if not conf().resend_unknown:
        return 0
    # Another worker, or a person, may be faster than the list: the UPDATE asks for all of it once more.
    rows = Job.objects.filter(kind="picture", resends=0, cancel_requested_at=None, adopt_asked_at=None)
    rows = rows.exclude(error_code=unsaved.ELSEWHERE)
    sent = 0
    for pk in list(rows.filter(state="unknown").values_list("pk", flat=True)[:100]):
        try:
            with transaction.atomic():
                _resend(rows, pk, POLICY)
            sent += 1
        except Conflict as error:
            _log.warning("not resent: %s", error.code, extra={"action": "job.not_resent", "job": str(pk)})
    return sent
