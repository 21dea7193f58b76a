"""What can be said to a set and its cells while they run and after: cancel, retry, recompose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from image_studio import tasks
from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.models import Event, Job, JobOutput, Variant, VariantSet, database_now
from image_studio.policy import Policy
from image_studio.runner import holds, unsaved
from image_studio.runner.leases import FREE
from image_studio.runner.sets import lock
from image_studio.runner.turns import in_turn, queue
from image_studio.states import JOB, VARIANT
from image_studio.workflow.options import keyed

#: A job whose outcome is unknown may have been charged: nothing here resends it.
RESENDABLE = ("failed", "blocked", "cancelled")
COMING = ("queued", "leased", "sending", "spooled")


@dataclass(frozen=True, kw_only=True)
class Again:
    """What trying a cell again buys.

    :param picture: names what is bought: cells that share a picture pay for it once.
    :param most: the most that it may cost, in micro-USD, which is what it will hold; None where nobody knows.
    """

    picture: tuple[UUID, int]
    most: int | None


def cancel(policy: Policy, variant_set: VariantSet) -> int:
    """Cancel what has not started and ask what runs to stop. Returns the cells that will not come.

    Queued and leased jobs end at once, uncharged; a running one keeps its result, marked unwanted. Where nothing is to
    come any more, nothing changes.
    """
    policy.require("cancel", variant_set)
    row = VariantSet.objects.filter(pk=variant_set.pk)
    with transaction.atomic():
        # Held by a write that changes nothing yet: a set that is over was not cancelled.
        row.update(cancelled_at=F("cancelled_at"))
        stopped = cancel_jobs(policy, Job.objects.filter(variant_set=variant_set))
        count = VARIANT.move(variant_set.variants.all(), "cancelled", only_from=["waiting"])
        if stopped or count:
            row.update(cancelled_at=database_now())
            Event.objects.record(policy.actor, "set.cancelled", variant_set, cells=count)
    return count


def cancel_cell(policy: Policy, variant: Variant) -> None:
    """Cancel one cell; its picture's job goes too when no other cell waits for it.

    :raises Conflict: ``variant.wrong_state`` unless it waits.
    """
    policy.require("cancel", variant.variant_set)
    job = Job.objects.filter(pk=variant.job_id)
    with transaction.atomic():
        hold(variant.variant_set_id, job)
        if not VARIANT.move(Variant.objects.filter(pk=variant.pk), "cancelled", only_from=["waiting"]):
            raise _wrong_state(variant)
        Event.objects.record(policy.actor, "variant.cancelled", variant)
        if not Variant.objects.filter(job_id=variant.job_id, state="waiting").exists():
            cancel_jobs(policy, job)


def hold(set_id: UUID | None, jobs: QuerySet[Job]) -> None:
    """Hold a set and jobs of it until the end of the transaction, in the order in which the worker takes them.

    By a write that changes nothing: SQLite has no row locks, and a transaction there must begin with its write.
    """
    lock(set_id)
    jobs.update(lease_token=F("lease_token"))


def _wrong_state(variant: Variant) -> Conflict:
    """What it is now, not what it was when it was read: it may have finished in between."""
    now = Variant.objects.filter(pk=variant.pk).values_list("state", "job__state").first()
    state, job = now or (variant.state, variant.job.state)
    if state == "waiting" and job == "unknown":
        return Conflict("job.unknown_outcome")
    return Conflict("variant.wrong_state", state=str(VARIANT.labels[state]))


def cancel_jobs(policy: Policy, jobs: QuerySet[Job]) -> list[Job]:
    """End those that have not started, ask those that run to stop, and return all of both. Cells are the caller's.

    The first write holds the rows: what is queued then does not start meanwhile.
    """
    now = database_now()
    coming = jobs.filter(state__in=COMING)
    coming.update(cancel_requested_at=Coalesce("cancel_requested_at", now))
    held = list(coming)
    idle = [job for job in held if job.state in ("queued", "leased")]
    # The lease goes with the same UPDATE: whoever held it is fenced out.
    JOB.move(
        Job.objects.filter(pk__in=[job.pk for job in idle]),
        "cancelled",
        ended_at=now,
        lease_owner=None,
        lease_until=None,
        lease_token=F("lease_token") + 1,
    )
    asked = [job for job in held if job not in idle and job.cancel_requested_at == now]
    if idle:
        holds.let_go([job.pk for job in idle], actor=policy.actor)
    Event.objects.record_all(policy.actor, "job.cancelled", idle)
    Event.objects.record_all(policy.actor, "job.cancel_asked", asked)
    return held


def retry(policy: Policy, variant_set: VariantSet) -> int:
    """Try again whatever failed or was cancelled; returns the cells that wait now.

    Jobs that never brought a picture are queued again; cells whose picture is there are composed anew, free. What
    still runs although it was asked to stop is wanted again. A job of unknown outcome is left alone.
    """
    policy.require("retry", variant_set)
    return retry_cells(policy, variant_set, variant_set.variants.all())


def retry_cell(policy: Policy, variant: Variant) -> None:
    """The same for one cell (and the cells that share its picture, where that must be asked for again).

    :raises Conflict: ``variant.wrong_state`` when there is nothing to try again, ``job.unknown_outcome``.
    """
    policy.require("retry", variant.variant_set)
    if not retry_cells(policy, variant.variant_set, Variant.objects.filter(pk=variant.pk)):
        raise _wrong_state(variant)


def retry_cells(policy: Policy, variant_set: VariantSet, cells: QuerySet[Variant]) -> int:
    """Those of the cells that have no picture wait for one again; returns how many. Rights are the caller's."""
    row = VariantSet.objects.filter(pk=variant_set.pk)
    with transaction.atomic():
        # Held by a write that changes nothing yet: a set with nothing to try again stays finished.
        row.update(finished_at=F("finished_at"))
        broken = list(cells.exclude(state="ready").select_related("job").order_by("position"))
        resend = [cell for cell in broken if cell.job.state in RESENDABLE]
        # Cancelled alone, while its picture still comes for another cell: it only has to wait again.
        coming = [cell for cell in broken if cell.state == "cancelled" and cell.job.state in COMING]
        at_hand = _pictures_of(cell for cell in broken if cell.job.state == "done")
        compose = [cell for cell in broken if at_hand.get((cell.job_id, cell.output_index))]
        faulty = _faulty(broken, at_hand)
        rung = requeue(policy, {cell.job_id for cell in resend})
        _want_again({cell.job_id for cell in coming})
        rung += _buy_again(policy, faulty)
        job = compose_job(policy, variant_set, compose)
        rung += [job.pk] if job else []
        woken = [*resend, *faulty, *coming, *compose]
        _wake(cell for cell in woken if cell not in compose)
        if woken:
            row.update(cancelled_at=None, finished_at=None)
            Event.objects.record(policy.actor, "set.retried", variant_set, cells=len(woken))
            transaction.on_commit(partial(tasks.ring, rung))
    return len(woken)


def _faulty(broken: Iterable[Variant], made: Mapping[tuple[UUID, int], bool]) -> list[Variant]:
    """Those whose job is done, and brought them no picture."""
    return [cell for cell in broken if cell.job.state == "done" and not made.get((cell.job_id, cell.output_index))]


def _want_again(job_ids: set[UUID]) -> None:
    """Or their pictures would come marked unwanted, and the cells be cancelled once more."""
    Job.objects.filter(pk__in=job_ids, state__in=COMING).update(cancel_requested_at=None)


def _pictures_of(cells: Iterable[Variant]) -> dict[tuple[UUID, int], bool]:
    outputs = JobOutput.objects.filter(job__in={cell.job_id for cell in cells})
    return {(o.job_id, o.index): o.asset_id is not None for o in outputs}


def _wake(cells: Iterable[Variant]) -> None:
    ended = Variant.objects.filter(pk__in=[cell.pk for cell in cells]).exclude(state="waiting")
    VARIANT.move(ended, "waiting", only_from=["compose_failed", "cancelled"], error_code="", error_params={})


def requeue(policy: Policy, job_ids: Collection[UUID]) -> list[UUID]:
    """Queue ended jobs again that brought nothing; returns those that go on. Never one of unknown outcome.

    One whose answer is paid for and was never stored is not asked for again: the host that has it takes it in.

    A job whose requester may not do it any more becomes the job of who asks now: the worker checks that person.
    """
    if not job_ids:
        return []
    revoked = Job.objects.filter(pk__in=job_ids, state="blocked", error_code="job.rights_revoked")
    for job in revoked.only("provider", "request", "kind"):
        if job.kind == "picture":
            request = keyed(policy, job.provider, job.request)
            Job.objects.filter(pk=job.pk).update(request=request)
    revoked.update(requested_by=policy.user, actor_label=policy.actor.label, operator=policy.user is None)
    paid = unsaved.among(job_ids)
    begun: dict[str, Any] = {"cancel_requested_at": None, "attempts_made": 0, "saves_made": 0, "ended_at": None}
    begun |= {"available_at": database_now(), "error_code": "", "error_params": {}}
    JOB.move(Job.objects.filter(pk__in=paid), "spooled", only_from=RESENDABLE, **begun, **FREE)
    JOB.move(Job.objects.filter(pk__in=set(job_ids) - paid), "queued", only_from=RESENDABLE, **begun)
    queued = list(Job.objects.filter(pk__in=job_ids, state="queued"))
    for job in queued:
        job.estimate_micro_usd = holds.most_now(job)
    Job.objects.bulk_update(in_turn(queued), ["turn", "estimate_micro_usd"])
    Event.objects.record_all(policy.actor, "job.requeued", queued)
    holds.take(queued, policy.actor)
    waiting = list(Job.objects.filter(pk__in=paid, state="spooled"))
    Event.objects.record_all(policy.actor, "job.spooled", waiting, found=True)
    return [job.pk for job in (*queued, *waiting)]


def _buy_again(policy: Policy, cells: list[Variant]) -> list[UUID]:
    """A picture that came back as a fault is asked for alone: its job is done, and its others are kept."""
    rung = []
    for job_id, index in dict.fromkeys((cell.job_id, cell.output_index) for cell in cells):
        old = Job.objects.get(pk=job_id)
        request = _alone(old, index)
        again = Job(
            kind="picture",
            brand_id=old.brand_id,
            revision_id=old.revision_id,
            variant_set_id=old.variant_set_id,
            requested_by=policy.user,
            actor_label=policy.actor.label,
            operator=policy.user is None,
            provider=old.provider,
            route=old.route,
            model=old.model,
            request=keyed(policy, old.provider, request),
            n=1,
            tokens=-(-old.tokens // max(1, old.n)),
            estimate_micro_usd=holds.most_now(old, request),
            available_at=database_now(),
        )
        holds.earmark([again])
        job = queue(again)
        holds.grant([job], policy.actor)
        Variant.objects.filter(job_id=job_id, output_index=index).exclude(state="ready").update(job=job, output_index=0)
        Event.objects.record(policy.actor, "job.requested", job, instead_of=str(old.pk), output=index)
        rung.append(job.pk)
    return rung


def bought_again(cells: Iterable[Variant], made: Mapping[tuple[UUID, int], bool]) -> dict[UUID, Again]:
    """What :func:`retry` would buy for each cell, by the cell's id; those that it tries again for nothing are left out.

    :param made: the outputs that came, (job, index) -> whether there is a picture of it.
    """
    broken = [cell for cell in cells if cell.state != "ready"]
    faulty = _faulty(broken, made)
    # A page reads its jobs without their requests, which tell what one picture of several costs.
    resent = [cell for cell in broken if cell.job.state in RESENDABLE]
    jobs = {cell.job_id for cell in (*faulty, *resent)}
    whole = Job.objects.in_bulk(jobs) if jobs else {}
    paid = unsaved.among({pk for pk, job in whole.items() if _answered(job)})
    mosts = {pk: 0 if pk in paid else _most(job) for pk, job in whole.items()}
    found = {cell.pk: Again(picture=(cell.job_id, 0), most=mosts[cell.job_id]) for cell in resent}
    for cell in faulty:
        most = holds.most_now(whole[cell.job_id], _alone(whole[cell.job_id], cell.output_index))
        unknown = not most and mosts[cell.job_id] is None
        found[cell.pk] = Again(picture=(cell.job_id, cell.output_index), most=None if unknown else most)
    return {pk: again for pk, again in found.items() if again.most != 0}


def most_again(job: Job) -> int | None:
    """The most that a job costs when it is sent again, in micro-USD, at today's price; None where nobody knows.

    Nothing where it ended although its answer is paid for: that one is taken in.
    """
    return 0 if _answered(job) and unsaved.among([job.pk]) else _most(job)


def _answered(job: Job) -> bool:
    """Whether a retry may find an answer that was never stored. Most that failed cost nothing, and nobody need look."""
    return job.state in RESENDABLE and job.cost_micro_usd > 0


def _most(job: Job) -> int | None:
    return None if holds.bill_of(job).price_unknown else holds.most_now(job)


def _alone(old: Job, index: int) -> dict[str, Any]:
    """The request for one picture of several."""
    return {**old.request, "n": 1, "first": int(old.request.get("first", 0)) + index}


def recompose(
    policy: Policy,
    variant_set: VariantSet,
    *,
    texts: Mapping[str, Mapping[str, str]] | None = None,
    latest_kit: bool = True,
) -> Job | None:
    """Set texts and logos anew on the pictures that are there. Makes new composed assets and buys nothing.

    :param texts: line key -> locale -> words, replacing the set's own; None keeps them.
    :return: the job, or None when no cell has a picture yet.
    :raises InvalidRequest: for a locale that is not the set's.
    """
    policy.require("recompose", variant_set)
    changes: dict[str, Any] = {}
    if texts is not None:
        changes["texts"] = _texts(variant_set, texts)
    worded = changes.get("texts", variant_set.texts) != variant_set.texts
    if latest_kit:
        changes["revision_id"] = variant_set.brand.revision_id
    row = VariantSet.objects.filter(pk=variant_set.pk)
    with transaction.atomic():
        row.update(finished_at=F("finished_at"), **changes)
        # Cells whose picture is still to come will be composed with the new words anyway.
        done = list(variant_set.variants.filter(job__state="done").select_related("job"))
        at_hand = _pictures_of(done)
        cells = [c for c in done if c.state != "cancelled" and at_hand.get((c.job_id, c.output_index))]
        for key, value in changes.items():
            setattr(variant_set, key, value)
        job = _waits_already(policy, variant_set, cells)
        new = None if job else compose_job(policy, variant_set, cells)
        if new:
            row.update(finished_at=None)
            transaction.on_commit(partial(tasks.ring, [new.pk]))
        if new or worded:
            # Said of words alone too: whoever wrote them is not the second person for pictures still to come.
            Event.objects.record(policy.actor, "set.recomposed", variant_set, cells=len(cells), worded=worded)
    return job or new


def _waits_already(policy: Policy, variant_set: VariantSet, cells: list[Variant]) -> Job | None:
    """The person's own job that nobody has begun and that is about the same cells: it reads the words when it begins.

    A form that is posted twice does its work once.
    """
    wanted = {"variants": [{"id": str(cell.pk), "round": cell.round} for cell in cells]}
    rows = Job.objects.filter(kind="compose", state="queued", variant_set=variant_set, requested_by=policy.user)
    rows = rows.filter(revision_id=variant_set.revision_id, operator=policy.user is None)
    for job in rows.order_by("-id"):
        # Held until this commits: whoever begins it then reads the new words.
        if job.request == wanted and rows.filter(pk=job.pk).update(state="queued"):
            return job
    return None


def _texts(variant_set: VariantSet, texts: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    locales = set(variant_set.matrix.get("locales") or variant_set.variants.values_list("locale", flat=True))
    for words in texts.values():
        for locale in words:
            if locale not in locales:
                raise InvalidRequest("request.unknown_locale", locale=locale, known=", ".join(sorted(locales)))
    return {line: dict(words) for line, words in texts.items()}


def compose_job(policy: Policy, variant_set: VariantSet, cells: list[Variant]) -> Job | None:
    """A free, local job that composes cells again. The round tells a late, older composition apart."""
    if not cells:
        return None
    ids = [cell.pk for cell in cells]
    rows = Variant.objects.filter(pk__in=ids)
    rows.update(round=F("round") + 1)
    moved = rows.exclude(state="waiting")
    VARIANT.move(moved, "waiting", error_code="", error_params={})
    rounds = dict(rows.values_list("pk", "round"))
    job = Job(
        kind="compose",
        brand_id=variant_set.brand_id,
        revision_id=variant_set.revision_id,
        variant_set=variant_set,
        requested_by=policy.user,
        actor_label=policy.actor.label,
        operator=policy.user is None,
        request={"variants": [{"id": str(pk), "round": rounds[pk]} for pk in ids]},
        n=0,
        available_at=database_now(),
    )
    return queue(job)
