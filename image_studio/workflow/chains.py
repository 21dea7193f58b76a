"""Edit histories: begin, name, close, go to a step, choose, turn down. Every verb here is free."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from image_studio import tasks
from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.models import (
    STEP_REASONS,
    Asset,
    Brand,
    EditCandidate,
    EditChain,
    EditDraft,
    EditStep,
    Event,
    Job,
    Variant,
    database_now,
)
from image_studio.policy import Policy
from image_studio.runner import holds
from image_studio.states import CHAIN, JOB_ENDED, STEP
from image_studio.workflow.browse import clean, name_of
from image_studio.workflow.cells import COMING, RESENDABLE, Again, cancel_jobs, hold, most_again, requeue
from image_studio.workflow.step_asking import parent_of, picture_of
from image_studio.workflow.step_orders import new_chain, next_number

#: Bytes of a draft as JSON: some thousand strokes.
MOST_DRAFT = 400_000
MOST_NOTE = 2_000


def start_chain(
    policy: Policy, brand: Brand, source: Asset, *, title: str = "", cell: Variant | None = None
) -> EditChain:
    """Begin a chain with a picture. Nothing is bought.

    :param cell: of a contact sheet that shows the picture, and that may take a result.
    :raises InvalidRequest: ``request.other_brand``, ``step.placeholder``.
    """
    policy.require("generate", brand)
    policy.require("view", source)
    if source.brand_id != brand.pk:
        raise InvalidRequest("request.other_brand")
    if not source.publishable:
        raise InvalidRequest("step.placeholder")
    with transaction.atomic():
        return begun(policy, brand, source, title=title, cell=cell)


def begun(
    policy: Policy, brand: Brand, source: Asset, *, title: str = "", cell: Variant | None = None, **values: Any
) -> EditChain:
    """Write a chain and its first step. Call it in a transaction; rights are the caller's.

    :raises InvalidRequest: ``request.other_brand`` for a cell of another brand's sheet.
    """
    if cell is not None and cell.variant_set.brand_id != brand.pk:
        raise InvalidRequest("request.other_brand")
    words = title or source.title or str(source)
    chain = new_chain(policy, brand, title=words, source=source, cell=cell, **values)
    step = EditStep.objects.create(
        chain=chain,
        number=next_number(chain),
        kind="start",
        outcome="ready",
        inputs=[{"role": "source", "asset": str(source.pk), "sha256": source.sha256, "size": list(source.size)}],
        state="chosen",
        choice=0,
        actor_label=policy.actor.label,
    )
    EditCandidate.objects.create(
        step=step,
        index=0,
        asset=source,
        raw=source,
        sha256=source.sha256,
        width=source.width,
        height=source.height,
    )
    return chain


def fork_chain(policy: Policy, step: EditStep, *, candidate: int | None = None, title: str = "") -> EditChain:
    """Begin a chain of its own with the picture of a step. The tree that it came from stays as it is.

    :raises Conflict: as :func:`~image_studio.workflow.step_asking.picture_of`.
    """
    chain = step.chain
    policy.require("generate", chain)
    _index, picture = picture_of(step, candidate)
    policy.require("view", picture)
    with transaction.atomic():
        return begun(
            policy,
            chain.brand,
            picture,
            title=title or chain.title,
            cell=chain.cell,
            forked_from=chain,
            forked_step=step.number,
        )


def rename(policy: Policy, chain: EditChain, title: str) -> None:
    """:raises InvalidRequest: ``chain.no_title``."""
    policy.require("generate", chain)
    words = name_of(title)
    if not words:
        raise InvalidRequest("chain.no_title")
    with transaction.atomic():
        EditChain.objects.filter(pk=chain.pk).update(title=words)
        Event.objects.record(policy.actor, "chain.renamed", chain, title=words)
    chain.title = words


def close(policy: Policy, chain: EditChain) -> None:
    """Close a chain: it can be looked at, and no step is asked for any more. Saying it twice is no error."""
    _move(policy, chain, "closed")


def reopen(policy: Policy, chain: EditChain) -> None:
    """Open a closed chain again."""
    _move(policy, chain, "open")


def _move(policy: Policy, chain: EditChain, to: str) -> None:
    policy.require("generate", chain)
    with transaction.atomic():
        if CHAIN.move(EditChain.objects.filter(pk=chain.pk), to):
            Event.objects.record(policy.actor, f"chain.{'closed' if to == 'closed' else 'reopened'}", chain)
    chain.state = to


def move_head(policy: Policy, chain: EditChain, number: int, *, seen: int) -> None:
    """Let the next step grow from another one.

    :param seen: the head that the person saw: two who move it at once are told, and nobody's wish is lost unseen.
    :raises Conflict: ``chain.head_moved`` (head), ``chain.closed``.
    :raises InvalidRequest: ``chain.no_such_step``.
    """
    policy.require("generate", chain)
    parent_of(chain, number)
    with transaction.atomic():
        _head(chain, number, seen)
        Event.objects.record(policy.actor, "chain.head_moved", chain, step=number)
    chain.head = number


def _head(chain: EditChain, number: int, seen: int) -> None:
    """:raises Conflict: ``chain.head_moved``, ``chain.closed``."""
    rows = EditChain.objects.filter(pk=chain.pk)
    if rows.filter(head=seen, state="open").update(head=number, touched_at=database_now()):
        return
    head, state = rows.values_list("head", "state").get()
    raise Conflict("chain.closed") if state != "open" else Conflict("chain.head_moved", head=head, seen=seen)


def choose(policy: Policy, step: EditStep, index: int, *, seen: int | None = None) -> None:
    """Pick one of a step's pictures and go on from there: the head moves to the step.

    :param seen: the head that the person saw; None moves it from wherever it is.
    :raises Conflict: ``chain.parent_running``, ``chain.parent_empty``, ``chain.picture_gone``, ``chain.head_moved``,
        ``chain.closed``.
    :raises InvalidRequest: ``chain.no_such_candidate``.
    """
    policy.require("generate", step.chain)
    picture_of(step, index)
    with transaction.atomic():
        # The chain first: on SQLite the write takes the file, elsewhere the row keeps two decisions apart.
        rows = EditChain.objects.filter(pk=step.chain_id)
        rows.update(touched_at=database_now())
        now = rows.values_list("head", flat=True).get()
        _head(step.chain, step.number, now if seen is None else seen)
        STEP.move(EditStep.objects.filter(pk=step.pk), "chosen", choice=index, reason="", note="")
        Event.objects.record(policy.actor, "chain.step_chosen", step.chain, step=step.number, candidate=index)
    step.state, step.choice, step.chain.head = "chosen", index, step.number


def reject_step(policy: Policy, step: EditStep, *, reason: str, note: str = "") -> None:
    """Turn down all of a step's pictures, with a reason; they stay in the tree, dimmed. A head there moves back.

    :raises InvalidRequest: ``step.unknown_reason``, ``step.start_stays``.
    :raises Conflict: ``chain.parent_running`` while they are still made; ``chain.closed``.
    """
    policy.require("generate", step.chain)
    if reason not in STEP_REASONS:
        raise InvalidRequest("step.unknown_reason", reason=reason[:40], known=", ".join(STEP_REASONS))
    if step.parent_number is None:
        raise InvalidRequest("step.start_stays")
    if step.status in ("planned", "waiting", "working"):
        raise Conflict("chain.parent_running", step=step.number)
    with transaction.atomic():
        chains = EditChain.objects.filter(pk=step.chain_id)
        chains.update(touched_at=database_now())
        _judge_open(step)
        values = {"choice": None, "reason": reason, "note": clean(note, most=MOST_NOTE)}
        if not STEP.move(EditStep.objects.filter(pk=step.pk), "rejected", **values):
            EditStep.objects.filter(pk=step.pk).update(reason=reason, note=values["note"])
        chains.filter(head=step.number).update(head=step.parent_number)
        Event.objects.record(policy.actor, "chain.step_rejected", step.chain, step=step.number, reason=reason)
    step.refresh_from_db()


def undecide(policy: Policy, step: EditStep) -> None:
    """Take a choice or a rejection back. The start's choice stays.

    :raises InvalidRequest: ``step.start_stays``.
    :raises Conflict: ``chain.closed``.
    """
    policy.require("generate", step.chain)
    if step.parent_number is None and step.kind == "start":
        raise InvalidRequest("step.start_stays")
    with transaction.atomic():
        EditChain.objects.filter(pk=step.chain_id).update(touched_at=database_now())
        _judge_open(step)
        moved = STEP.move(EditStep.objects.filter(pk=step.pk), "open", choice=None, reason="", note="")
        if moved:
            Event.objects.record(policy.actor, "chain.step_undecided", step.chain, step=step.number)
    step.refresh_from_db()


def cancel_step(policy: Policy, step: EditStep) -> None:
    """Cancel a step that has not started, or ask a running one to stop; what was planned after it is cancelled too.

    :raises Conflict: ``chain.step_over`` where nothing waits or works any more.
    """
    policy.require("cancel", step.chain)
    with transaction.atomic():
        _hold(step)
        jobs = cancel_jobs(policy, Job.objects.filter(step=step))
        planned = _cancel_planned(policy, step)
        if not (jobs or planned):
            raise Conflict("chain.step_over", step=step.number)
        Event.objects.record(policy.actor, "chain.step_cancelled", step.chain, step=step.number, planned=planned)
    step.refresh_from_db()


def _hold(step: EditStep) -> None:
    """Hold a step's job and its chain until the end of the transaction, in the order in which the worker takes them."""
    hold(None, Job.objects.filter(step=step))
    EditChain.objects.filter(pk=step.chain_id).update(touched_at=database_now())


def _judge_open(step: EditStep) -> None:
    """:raises Conflict: ``chain.closed``. Call it when the chain is held."""
    if not EditChain.objects.filter(pk=step.chain_id, state="open").exists():
        raise Conflict("chain.closed")


def _cancel_planned(policy: Policy, step: EditStep) -> int:
    """Planned steps at and below this one; returns how many."""
    rows = _below(step, "planned")
    holds.let_go_steps(rows.select_related("chain"), actor=policy.actor)
    return rows.update(outcome="cancelled")


def _below(step: EditStep, outcome: str) -> QuerySet[EditStep]:
    """Steps without a job, at this one or growing from it in an unbroken line, that have this outcome."""
    below, found = {step.number}, []
    rows = EditStep.objects.filter(chain=step.chain_id, number__gte=step.number, job=None, outcome=outcome)
    for pk, number, parent in rows.order_by("number").values_list("pk", "number", "parent_number"):
        if pk == step.pk or parent in below:
            below.add(number)
            found.append(pk)
    return EditStep.objects.filter(pk__in=found, job=None, outcome=outcome)


def retry_step(policy: Policy, step: EditStep) -> None:
    """Try a step again that brought nothing. May spend as much as it was estimated at.

    :raises Conflict: ``job.unknown_outcome``: nobody resends by itself what may have been charged;
        ``chain.step_over`` for a step with pictures, or without work of its own; ``chain.closed``.
    """
    policy.require("retry", step.chain)
    rows = Job.objects.filter(step=step)
    with transaction.atomic():
        _hold(step)
        _judge_open(step)
        state = rows.values_list("state", flat=True).first()
        if state == "unknown":
            raise Conflict("job.unknown_outcome")
        # The same as _stops, asked of the row as it is now.
        wanted = rows.filter(state__in=COMING, cancel_requested_at__isnull=False).update(cancel_requested_at=None)
        woken = list(rows.filter(state__in=RESENDABLE).values_list("pk", flat=True))
        if not woken and (state is None or state in JOB_ENDED):
            raise Conflict("chain.step_over", step=step.number)
        STEP.move(EditStep.objects.filter(pk=step.pk), "open", only_from=["rejected"], reason="", note="")
        if wanted or state == "cancelled":
            # They were cancelled with it. What somebody cancelled for itself, or elsewhere, stays cancelled.
            _below(step, "cancelled").filter(plan__job__isnull=False).update(outcome="planned")
        rung = requeue(policy, woken)
        # What comes after it goes on by itself, and is held now: the button said the sum.
        hold_after(policy, step)
        Event.objects.record(policy.actor, "chain.step_retried", step.chain, step=step.number)
        transaction.on_commit(partial(tasks.ring, rung))
    step.refresh_from_db()


def again_of(step: EditStep) -> Again | None:
    """What :func:`retry_step` buys: the step, and what was planned after it; None where that is free.

    Where a job that still comes was asked to stop, only what comes after it.
    """
    job = step.job
    if job is None or not (job.state in RESENDABLE or _stops(job)):
        return None
    return _with_after(job, most_again(job) if job.state in RESENDABLE else 0, step)


def resend_of(job: Job) -> Again | None:
    """What :func:`~image_studio.workflow.unknowns.resend` buys of a job of unknown outcome; None where that is free."""
    return _with_after(job, most_again(job), step_for(job))


def step_for(job: Job) -> EditStep | None:
    """The step of an edit history that a job is for."""
    return EditStep.objects.select_related("chain", "job").filter(job=job.pk).first()


def _with_after(job: Job, own: int | None, step: EditStep | None) -> Again | None:
    if own is None:
        return Again(picture=(job.pk, 0), most=None)
    most = own + (most_after(step) if step else 0)
    return Again(picture=(job.pk, 0), most=most) if most else None


def _stops(job: Job) -> bool:
    """Whether a job that still comes was asked to stop; what was planned after it was cancelled with it."""
    return job.state in COMING and job.cancel_requested_at is not None


def hold_after(policy: Policy, step: EditStep) -> None:
    """Hold for what goes on by itself after a step that is asked for once more. Call it in a transaction.

    :raises Conflict: ``budget.spent``; ``spending.stopped``.
    """
    holds.take_steps(_let_go(step, "planned"), policy.actor)


def most_after(step: EditStep) -> int:
    """The most that the steps may cost that go on by themselves once this one has a picture, in micro-USD; what is held
    for them already is left out."""
    if step.chain.replay_id is None:
        return 0
    job = step.job
    outcomes = ("planned", "cancelled") if job and (job.state == "cancelled" or _stops(job)) else ("planned",)
    return sum(int(one.plan.get("most", 0)) for outcome in outcomes for one in _let_go(step, outcome))


def _let_go(step: EditStep, outcome: str) -> QuerySet[EditStep]:
    """Steps of a plan, below this one, that hold nothing."""
    rows = _below(step, outcome).filter(plan__job__isnull=False, hold_micro_usd=0)
    return rows.exclude(pk=step.pk).select_related("chain")


# Drafts ------------------------------------------------------------------------------------------------------------


def save_draft(policy: Policy, chain: EditChain, data: dict[str, Any]) -> None:
    """Keep what somebody has begun to ask for; one draft for each person and chain. Empty forgets it.

    :raises InvalidRequest: ``chain.draft_too_large``, ``chain.bad_draft``.
    """
    policy.require("generate", chain)
    rows = EditDraft.objects.filter(chain=chain, user=policy.user)
    if policy.user is None:
        return
    if not data:
        rows.delete()
        return
    _judge_draft(data)
    if not rows.update(data=data, updated_at=database_now()):
        EditDraft.objects.update_or_create(chain=chain, user=policy.user, defaults={"data": data})


def _judge_draft(data: dict[str, Any]) -> None:
    try:
        text = json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):  # half of a character, and nesting without end, among them
        raise InvalidRequest("chain.bad_draft") from None
    if len(text) > MOST_DRAFT:
        raise InvalidRequest("chain.draft_too_large", weight=len(text), most=MOST_DRAFT)
    if b"\\u0000" in text:
        raise InvalidRequest("chain.bad_draft")


def draft_of(policy: Policy, chain: EditChain) -> dict[str, Any]:
    """What the person has begun to ask for; empty where there is nothing."""
    if policy.user is None:
        return {}
    found = EditDraft.objects.filter(chain=chain, user=policy.user).values_list("data", flat=True).first()
    return dict(found or {})
