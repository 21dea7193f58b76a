"""A person releases: approve, reject, change this, publish, withdraw."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import transaction

from image_studio import signals, tasks
from image_studio.brand.checks.moderation import OF_PICTURES, REASONS
from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.models import (
    DECLARATION,
    REJECT_REASONS,
    Asset,
    CheckResult,
    Event,
    Job,
    JobOutput,
    Review,
    database_now,
)
from image_studio.policy import Policy
from image_studio.runner.turns import in_turn
from image_studio.runner.withdrawing import take_down
from image_studio.states import ASSET, JOB_ENDED
from image_studio.workflow.library import describe, hold

#: Where a change may be asked for; an approved picture is rejected first, a published one withdrawn.
CHANGEABLE = ("candidate", "shortlisted", "rejected")
#: A region drawn to the very edge may lie over it by a rounding.
EDGE = 1e-4


def approve(
    policy: Policy,
    asset: Asset,
    *,
    declaration: Collection[str] = (),
    note: str = "",
    override: bool = False,
    seen: str = "",
) -> Review:
    """Release a picture for publishing. The review is bound to the bytes and the kit revision that were seen.

    :param declaration: keys of :data:`~image_studio.models.DECLARATION`. All of them are needed while nothing has
        judged the picture's content.
    :param override: a brand manager approves over a blocking verdict; the note says why.
    :param seen: the SHA-256 of the picture that the person looked at; empty trusts that it is this one.
    :raises Conflict: ``asset.never_published`` for a stand-in, ``asset.expired``, ``asset.blocked`` by a failed
        check, ``asset.wrong_state``, ``object.changed``, ``review.same_person`` where the kit wants two.
    :raises InvalidRequest: ``review.declaration_missing``, ``review.note_missing``.
    """
    policy.require("review", asset)
    _judge_release(asset, seen)
    _judge_person(policy, asset)
    verdicts = list(asset.verdicts.all())
    signed = _signed(declaration, judged=is_judged(verdicts))
    blocking = [v for v in verdicts if v.verdict == "fail" and v.blocks]
    if blocking:
        if not override:
            raise Conflict("asset.blocked", checks=", ".join(sorted({v.check_name for v in blocking})))
        policy.require("override", asset)
        if not note.strip():
            raise InvalidRequest("review.note_missing")
    return _decide(policy, asset, "approve", note=note, override=bool(blocking), declaration=signed)


def is_judged(verdicts: Iterable[CheckResult]) -> bool:
    """Whether something has judged what the picture shows; a judgement that did not run is none.

    Moderation is none either: it looks for a few things, and for none of those that an approver signs.
    """
    return content_judged(_judgements(verdicts))


def moderated(verdicts: Iterable[CheckResult]) -> str:
    """What moderation says of what a picture shows: ``pass``, ``warn`` or ``fail``; empty where it did not look."""
    return content_moderated(_judgements(verdicts))


def _judgements(verdicts: Iterable[CheckResult]) -> list[tuple[str, str]]:
    return [(one.code, one.verdict) for one in verdicts if one.kind == "judged" and one.verdict != "not_run"]


def content_judged(judgements: Collection[tuple[str, str]]) -> bool:
    """:func:`is_judged`, by the reasons and verdicts of the judgements that ran."""
    return any(reason not in REASONS for reason, _verdict in judgements)


def content_moderated(judgements: Collection[tuple[str, str]]) -> str:
    """:func:`moderated`, by the reasons and verdicts of the judgements that ran."""
    found = {OF_PICTURES.get(reason) for reason, _verdict in judgements}
    return next((verdict for verdict in ("fail", "warn", "pass") if verdict in found), "")


def _judge_release(asset: Asset, seen: str = "") -> None:
    if seen and seen != asset.sha256:
        raise Conflict("object.changed")
    if not asset.publishable:
        raise Conflict("asset.never_published")
    if asset.expired:
        raise Conflict("asset.expired")


def _judge_person(policy: Policy, asset: Asset) -> None:
    if same_person(policy, asset):
        raise Conflict("review.same_person")


def same_person(policy: Policy, asset: Asset) -> bool:
    """Whether the kit wants somebody else to approve: not who asked for it, made it, or wrote the words on it."""
    if policy.user is None or not asset.brand.kit.second_person:
        return False
    return asset.is_of(policy.user) or _edited(policy, asset) or _worded(policy, asset)


def _edited(policy: Policy, asset: Asset) -> bool:
    """Whether the person had the picture made that logo and words stand on: an edit that somebody else took."""
    below = asset.parent if asset.kind == "composed" else None
    return below is not None and below.is_of(policy.user)


def _worded(policy: Policy, asset: Asset) -> bool:
    """Whether the person had set the set's words anew before the picture was composed, by whoever's job."""
    bought = JobOutput.objects.filter(asset=asset.parent_id, job__variant_set__isnull=False)
    # A picture of an edit history was bought for no set; the cells that show it are of one.
    found = {*bought.values_list("job__variant_set", flat=True), *asset.variants.values_list("variant_set", flat=True)}
    sets = [str(pk) for pk in found] if asset.kind == "composed" else []
    mine = Event.objects.filter(object_type="variantset", object_id__in=sets, actor_id=policy.actor.user_id)
    return mine.filter(verb="set.recomposed", data__worded=True, at__lt=asset.created_at).exists()


def _signed(given: Collection[str], *, judged: bool) -> list[str]:
    unknown = sorted(set(given) - set(DECLARATION))
    if unknown:
        raise InvalidRequest("review.unknown_declaration", name=unknown[0], known=", ".join(DECLARATION))
    missing = [key for key in DECLARATION if key not in given]
    if missing and not judged:
        raise InvalidRequest("review.declaration_missing", missing=", ".join(missing))
    return [key for key in DECLARATION if key in given]


def reject(policy: Policy, asset: Asset, *, reason: str, note: str = "", seen: str = "") -> Review:
    """Turn a picture down, with a reason from :data:`~image_studio.models.REJECT_REASONS`.

    :raises InvalidRequest: ``review.unknown_reason``.
    :raises Conflict: ``asset.wrong_state``; a published picture is withdrawn first. ``object.changed``.
    """
    policy.require("review", asset)
    if seen and seen != asset.sha256:
        raise Conflict("object.changed")
    if reason not in REJECT_REASONS:
        raise InvalidRequest("review.unknown_reason", reason=reason, known=", ".join(REJECT_REASONS))
    return _decide(policy, asset, "reject", reason=reason, note=note)


def change_this(
    policy: Policy, asset: Asset, *, note: str, region: Sequence[float] | None = None, seen: str = ""
) -> Review:
    """Ask for a change: kept with the picture as the next edit's instruction, until a decision takes its place.

    :param region: left, top, width, height as fractions of the upright picture; None is the whole of it.
    :raises InvalidRequest: ``review.change_empty``, ``review.bad_region``.
    :raises Conflict: ``review.no_change_now`` unless it is a candidate, shortlisted or rejected; ``object.changed``.
    """
    policy.require("review", asset)
    if seen and seen != asset.sha256:
        raise Conflict("object.changed")
    if not note.strip():
        raise InvalidRequest("review.change_empty")
    place = _region(region)
    with transaction.atomic():
        rows = Asset.objects.filter(pk=asset.pk, sha256=asset.sha256, state__in=CHANGEABLE)
        # The row first: on SQLite it takes the file, elsewhere it keeps two decisions apart.
        if not rows.update(change_asked=None):
            raise Conflict("review.no_change_now", state=str(ASSET.labels[_state_now(asset)]))
        review = _review(policy, asset, "change", note=note.strip(), region=place)
        rows.update(change_asked=review)
        Event.objects.record(policy.actor, "asset.change_asked", asset, note=note.strip(), region=place)
        transaction.on_commit(partial(signals.asset_reviewed.send_robust, Asset, asset=asset, review=review))
    asset.change_asked = review
    return review


def _region(given: Sequence[float] | None) -> list[float] | None:
    if given is None:
        return None
    try:
        left, top, width, height = (float(part) for part in given)
    except (TypeError, ValueError, OverflowError):
        raise InvalidRequest("review.bad_region") from None
    inside = 0 <= left < 1 and 0 <= top < 1 and 0 < width <= 1 - left + EDGE and 0 < height <= 1 - top + EDGE
    if not inside:  # also what is no number: every comparison with it is False
        raise InvalidRequest("review.bad_region")
    return [round(part, 5) for part in (left, top, width, height)]


def shortlist(policy: Policy, asset: Asset, *, on: bool = True) -> None:
    """Put a candidate on the shortlist, or take it off. Saying it twice is no error.

    :raises Conflict: ``asset.wrong_state`` for anything but a candidate or a shortlisted picture.
    """
    policy.require("shortlist", asset)
    to, before = ("shortlisted", "candidate") if on else ("candidate", "shortlisted")
    with transaction.atomic():
        if ASSET.move(Asset.objects.filter(pk=asset.pk), to, only_from=[before]):
            Event.objects.record(policy.actor, "asset.shortlisted" if on else "asset.unshortlisted", asset)
        elif not Asset.objects.filter(pk=asset.pk, state=to).exists():
            raise _wrong_state(asset, to)
    asset.state = to


def _review(policy: Policy, asset: Asset, decision: str, **values: Any) -> Review:
    return Review.objects.create(
        asset=asset,
        decision=decision,
        sha256=asset.sha256,
        # An upload was made under no kit: it is judged under today's.
        revision_id=asset.revision_id or asset.brand.revision_id,
        reviewer=policy.user,
        reviewer_label=policy.actor.label,
        **values,
    )


def _decide(policy: Policy, asset: Asset, decision: str, **said: Any) -> Review:
    to = {"approve": "approved", "reject": "rejected"}[decision]
    with transaction.atomic():
        # A publication that was asked for before is over with it: the next approval must not wake that one's job.
        before = Asset.objects.filter(pk=asset.pk, sha256=asset.sha256)
        if not ASSET.move(before, to, change_asked=None, publish_job=None):
            raise _wrong_state(asset, to)
        review = _review(policy, asset, decision, **said)
        told = {key: value for key, value in said.items() if value}
        Event.objects.record(policy.actor, f"asset.{to}", asset, **told)
        transaction.on_commit(partial(signals.asset_reviewed.send_robust, Asset, asset=asset, review=review))
    asset.state, asset.change_asked, asset.publish_job = to, None, None
    return review


def _wrong_state(asset: Asset, to: str) -> Conflict:
    return Conflict("asset.wrong_state", state=str(ASSET.labels[_state_now(asset)]), wanted=str(ASSET.labels[to]))


def _state_now(asset: Asset) -> str:
    """Not what it was when it was read: somebody may have been faster."""
    return Asset.objects.filter(pk=asset.pk).values_list("state", flat=True).first() or asset.state


def publish(policy: Policy, asset: Asset, *, alt: Mapping[str, str] | None = None) -> Job:
    """Ask for the public files of an approved picture; it is live when the worker has made them.

    Asking twice gives the same job.

    :param alt: locale -> words, added to the picture's own alt texts; where it may not go live, they are not.
    :raises Conflict: ``asset.wrong_state`` for anything not approved, ``asset.expired``,
        ``review.not_approved_like_this`` where the approval was for other bytes or another kit.
    :raises InvalidRequest: ``asset.alt_missing`` naming the languages that have no alt text.
    """
    policy.require("publish", asset)
    if not alt:
        return _publish(policy, asset)
    with transaction.atomic():
        describe(policy, asset, more_alt=alt)
        return _publish(policy, asset)


def _publish(policy: Policy, asset: Asset) -> Job:
    _judge_release(asset)
    if asset.alt_missing:
        raise InvalidRequest("asset.alt_missing", locales=", ".join(asset.alt_missing))
    _judge_binding(asset)
    before = (
        Asset.objects.filter(pk=asset.pk, state="approved").values_list("publish_job_id", "publish_job__state").first()
    )
    if before is None:
        raise _wrong_state(asset, "published")
    if before[1] is not None and before[1] not in JOB_ENDED:
        return Job.objects.get(pk=before[0])
    job = _render_job(policy, asset)
    with transaction.atomic():
        job.save(force_insert=True)
        # Compare and swap: of two who ask at once, one gets the asset and the other is told.
        mine = Asset.objects.filter(pk=asset.pk, state="approved", publish_job_id=before[0])
        if not mine.update(publish_job=job):
            raise Conflict("object.changed")
        Event.objects.record(policy.actor, "asset.publish_requested", asset, job=str(job.pk))
        transaction.on_commit(partial(tasks.ring, [job.pk]))
    return job


def _render_job(policy: Policy, asset: Asset) -> Job:
    """Not written yet: its turn is read before the transaction that publishes, which begins with a write."""
    job = Job(
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
    in_turn([job])
    return job


def _judge_binding(asset: Asset) -> None:
    """The last approval must be of these bytes and this kit; without one the state says so below."""
    last = asset.reviews.filter(decision="approve").first()
    kit = asset.revision_id or asset.brand.revision_id
    if last is not None and (last.sha256, last.revision_id) != (asset.sha256, kit):
        raise Conflict("review.not_approved_like_this")


def approve_and_publish(
    policy: Policy,
    asset: Asset,
    *,
    declaration: Collection[str] = (),
    note: str = "",
    override: bool = False,
    alt: Mapping[str, str] | None = None,
    seen: str = "",
) -> Job:
    """Both at once, for who may do both; either both happen or neither.

    :param alt: locale -> words, added to the picture's own alt texts.
    """
    policy.require("publish", asset)
    with transaction.atomic():
        hold(asset)
        approve(policy, asset, declaration=declaration, note=note, override=override, seen=seen)
        return publish(policy, asset, alt=alt)


def withdraw(policy: Policy, asset: Asset, *, note: str = "") -> None:
    """Take a picture off the public side: rows now, files right after the commit.

    :raises Conflict: ``asset.wrong_state`` unless it is published.
    """
    policy.require("withdraw", asset)
    if not take_down(asset, policy.actor, note=note):
        raise _wrong_state(asset, "withdrawn")
