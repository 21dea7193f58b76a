"""What can be said to one job, with a defined result in every state.

The results stand in :mod:`image_studio.workflow.verbs`; what is said to a job of unknown outcome is in
:mod:`image_studio.workflow.unknowns`.

Local jobs are free, and what they worked on may have moved on: their retry is a new job with today's checks.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from image_studio import tasks
from image_studio.exceptions import Conflict
from image_studio.models import Asset, Event, Job, Variant, VariantSet
from image_studio.policy import Policy
from image_studio.states import JOB, VARIANT
from image_studio.workflow.cells import (
    COMING,
    RESENDABLE,
    Again,
    cancel_jobs,
    compose_job,
    hold,
    most_again,
    requeue,
    retry_cells,
)
from image_studio.workflow.chains import resend_of
from image_studio.workflow.review import publish
from image_studio.workflow.unknowns import offered_doubts


def cancel_job(policy: Policy, job: Job) -> Job:
    """Cancel a job that has not started, or ask a running one to stop; its waiting cells are cancelled with it.

    :return: the job as it is now: ``cancelled``, or under way with ``cancel_requested_at``.
    :raises Conflict: ``job.wrong_state`` for a job that has ended.
    """
    policy.require(_verb("cancel", job), job)
    rows = Job.objects.filter(pk=job.pk)
    with transaction.atomic():
        hold(job.variant_set_id, rows)
        if not cancel_jobs(policy, rows):
            raise _wrong_state(job)
        cells = list(cells_of(job).filter(state="waiting"))
        VARIANT.move(Variant.objects.filter(pk__in=[cell.pk for cell in cells]), "cancelled", only_from=["waiting"])
        Event.objects.record_all(policy.actor, "variant.cancelled", cells, job=str(job.pk))
    return rows.get()


def retry_job(policy: Policy, job: Job) -> Job:
    """Try a job again that brought nothing. May spend as much as the job itself was estimated at.

    :return: the job that works now: this one, or the new one that took the place of a local job.
    :raises Conflict: ``job.wrong_state``, ``job.unknown_outcome``, ``job.overtaken`` where a local job's cells or
        picture moved on; what :func:`~image_studio.workflow.review.publish` raises for public files.
    """
    policy.require(_verb("retry", job), job)
    return {"picture": _retry_picture, "compose": _retry_compose, "render": _retry_render}[job.kind](policy, job)


def offered(policy: Policy, job: Job) -> frozenset[str]:
    """What this person may say to the job as it was read: of :data:`~image_studio.workflow.verbs.VERBS`."""
    asked = job.cancel_requested_at is not None
    found = {"cancel"} if job.state in COMING and not asked else set()
    if job.state in RESENDABLE or (job.state in COMING and asked and job.kind == "picture"):
        found.add("retry")
    return frozenset(verb for verb in found if policy.can(_verb(verb, job), job)) | offered_doubts(policy, job)


def again_of_job(job: Job) -> Again | None:
    """What a retry of it buys, or a resend where its outcome is unknown; None where that is free, and where neither can
    be said to it."""
    if job.kind != "picture":
        return None
    if job.state == "unknown":
        return resend_of(job)
    most = most_again(job) if job.state in RESENDABLE else 0
    return Again(picture=(job.pk, 0), most=most) if most != 0 else None


def cells_of(job: Job) -> QuerySet[Variant]:
    """The cells that wait for a job's result: those of its pictures, or of this very composition."""
    if job.kind == "picture":
        return Variant.objects.filter(job=job.pk)
    if job.kind == "render":
        return Variant.objects.none()
    asked = {UUID(row["id"]): row["round"] for row in job.request.get("variants", ())}
    rows = Variant.objects.filter(pk__in=asked, variant_set=job.variant_set_id).values_list("pk", "round")
    return Variant.objects.filter(pk__in=[pk for pk, number in rows if number == asked[pk]])


def _verb(verb: str, job: Job) -> str:
    return "publish" if job.kind == "render" else verb


def _wrong_state(job: Job) -> Conflict:
    now = Job.objects.filter(pk=job.pk).values_list("state", flat=True).first() or job.state
    return Conflict("job.unknown_outcome") if now == "unknown" else _refused(now)


def _refused(state: str) -> Conflict:
    return Conflict("job.wrong_state", state=str(JOB.labels[state]))


def _retry_picture(policy: Policy, job: Job) -> Job:
    rows = Job.objects.filter(pk=job.pk)
    with transaction.atomic():
        hold(job.variant_set_id, rows)
        asked_to_stop = rows.filter(state__in=COMING, cancel_requested_at__isnull=False)
        if not (rows.filter(state__in=RESENDABLE).exists() or asked_to_stop.exists()):
            raise _wrong_state(job)
        if job.variant_set is not None:
            retry_cells(policy, job.variant_set, cells_of(job))
            VariantSet.objects.filter(pk=job.variant_set.pk).update(cancelled_at=None, finished_at=None)
        # What no cell shows any more, or never belonged to a set.
        asked_to_stop.update(cancel_requested_at=None)
        left = list(rows.filter(state__in=RESENDABLE).values_list("pk", flat=True))
        transaction.on_commit(partial(tasks.ring, requeue(policy, left)))
    return rows.get()


def _retry_compose(policy: Policy, job: Job) -> Job:
    rows, variant_set = Job.objects.filter(pk=job.pk), job.variant_set
    with transaction.atomic():
        hold(job.variant_set_id, rows)
        if not rows.filter(state__in=RESENDABLE).exists():
            raise _wrong_state(job)
        new = compose_job(policy, variant_set, list(cells_of(job).exclude(state="ready"))) if variant_set else None
        if variant_set is None or new is None:
            raise Conflict("job.overtaken")
        VariantSet.objects.filter(pk=variant_set.pk).update(cancelled_at=None, finished_at=None)
        Event.objects.record(policy.actor, "job.requested", new, instead_of=str(job.pk))
        transaction.on_commit(partial(tasks.ring, [new.pk]))
    return new


def _retry_render(policy: Policy, job: Job) -> Job:
    state = Job.objects.values_list("state", flat=True).get(pk=job.pk)
    if state not in RESENDABLE:
        raise _refused(state)
    asset = Asset.objects.select_related("brand__revision").filter(publish_job=job.pk).first()
    if asset is None:
        raise Conflict("job.overtaken")
    return publish(policy, asset)
