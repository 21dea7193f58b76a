"""A person releases: approve, reject, publish, withdraw."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from image_studio import signals, tasks
from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.models import REJECT_REASONS, Asset, Event, Job, Review, database_now
from image_studio.policy import Policy
from image_studio.runner.withdrawing import take_down
from image_studio.states import ASSET, JOB_ENDED


def approve(policy: Policy, asset: Asset, *, note: str = "", override: bool = False) -> Review:
    """Release a picture for publishing.

    :param override: a brand manager approves over a blocking verdict; the note says why.
    :raises Conflict: ``asset.never_published`` for a stand-in, ``asset.expired``, ``asset.blocked`` by a failed
        check, ``asset.wrong_state``.
    """
    policy.require("review", asset)
    if not asset.publishable:
        raise Conflict("asset.never_published")
    if asset.expired:
        raise Conflict("asset.expired")
    blocking = asset.verdicts.filter(verdict="fail", blocks=True)
    overridden = blocking.exists()
    if overridden:
        if not override:
            raise Conflict("asset.blocked", checks=", ".join(sorted({v.check_name for v in blocking})))
        policy.require("override", asset)
        if not note.strip():
            raise InvalidRequest("review.note_missing")
    return _decide(policy, asset, "approve", note=note, override=overridden)


def reject(policy: Policy, asset: Asset, *, reason: str, note: str = "") -> Review:
    """Turn a picture down, with a reason from :data:`~image_studio.models.REJECT_REASONS`.

    :raises InvalidRequest: ``review.unknown_reason``.
    :raises Conflict: ``asset.wrong_state``; a published picture is withdrawn first.
    """
    policy.require("review", asset)
    if reason not in REJECT_REASONS:
        raise InvalidRequest("review.unknown_reason", reason=reason, known=", ".join(REJECT_REASONS))
    return _decide(policy, asset, "reject", reason=reason, note=note)


def _decide(
    policy: Policy, asset: Asset, decision: str, *, reason: str = "", note: str = "", override: bool = False
) -> Review:
    to = {"approve": "approved", "reject": "rejected"}[decision]
    with transaction.atomic():
        if not ASSET.move(Asset.objects.filter(pk=asset.pk, sha256=asset.sha256), to):
            raise _wrong_state(asset, to)
        review = Review.objects.create(
            asset=asset,
            decision=decision,
            reason=reason,
            note=note,
            override=override,
            sha256=asset.sha256,
            revision_id=asset.revision_id,
            reviewer=policy.user,
            reviewer_label=policy.actor.label,
        )
        Event.objects.record(policy.actor, f"asset.{to}", asset, reason=reason, note=note, override=override)
        transaction.on_commit(partial(signals.asset_reviewed.send_robust, Asset, asset=asset, review=review))
    asset.state = to
    return review


def _wrong_state(asset: Asset, to: str) -> Conflict:
    now = Asset.objects.filter(pk=asset.pk).values_list("state", flat=True).first() or asset.state
    return Conflict("asset.wrong_state", state=str(ASSET.labels[now]), wanted=str(ASSET.labels[to]))


def publish(policy: Policy, asset: Asset) -> Job:
    """Ask for the public files of an approved picture; it is live when the worker has made them.

    Asking twice gives the same job.

    :raises Conflict: ``asset.wrong_state`` for anything not approved, ``asset.expired``.
    """
    policy.require("publish", asset)
    if not asset.publishable:
        raise Conflict("asset.never_published")
    if asset.expired:
        raise Conflict("asset.expired")
    before = (
        Asset.objects.filter(pk=asset.pk, state="approved").values_list("publish_job_id", "publish_job__state").first()
    )
    if before is None:
        raise _wrong_state(asset, "published")
    if before[1] is not None and before[1] not in JOB_ENDED:
        return Job.objects.get(pk=before[0])
    with transaction.atomic():
        job = Job.objects.create(
            kind="render",
            brand_id=asset.brand_id,
            revision_id=asset.revision_id,
            asset=asset,
            requested_by=policy.user,
            actor_label=policy.actor.label,
            operator=policy.user is None,
            n=0,
            available_at=database_now(),
        )
        # Compare and swap: of two who ask at once, one gets the asset and the other is told.
        mine = Asset.objects.filter(pk=asset.pk, state="approved", publish_job_id=before[0])
        if not mine.update(publish_job=job):
            raise Conflict("object.changed")
        Event.objects.record(policy.actor, "asset.publish_requested", asset, job=str(job.pk))
        transaction.on_commit(partial(tasks.ring, [job.pk]))
    return job


def approve_and_publish(policy: Policy, asset: Asset, *, note: str = "", override: bool = False) -> Job:
    """Both at once, for who may do both; either both happen or neither."""
    policy.require("publish", asset)
    with transaction.atomic():
        approve(policy, asset, note=note, override=override)
        return publish(policy, asset)


def withdraw(policy: Policy, asset: Asset, *, note: str = "") -> None:
    """Take a picture off the public side: rows now, files right after the commit.

    :raises Conflict: ``asset.wrong_state`` unless it is published.
    """
    policy.require("withdraw", asset)
    if not take_down(asset, policy.actor, note=note):
        raise _wrong_state(asset, "withdrawn")
