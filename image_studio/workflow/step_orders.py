"""Asking for a step: one transaction, one answer per key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F

from image_studio import tasks
from image_studio.exceptions import Conflict
from image_studio.models import Brand, EditChain, EditStep, Event, Job, database_now
from image_studio.policy import Policy
from image_studio.runner import holds
from image_studio.runner.edit_requests import FileRef, StepOrder
from image_studio.runner.limits import tokens_of
from image_studio.runner.turns import queue
from image_studio.states import STEP
from image_studio.workflow.browse import name_of
from image_studio.workflow.edit_files import Drawn, forget, keep_mask, ref_of, told_mask
from image_studio.workflow.once import Once, once, replayed
from image_studio.workflow.options import keyed
from image_studio.workflow.spending import refused
from image_studio.workflow.step_asking import asked_from
from image_studio.workflow.steps import StepPreview, preview_step, priced, route_named

#: What a chain begins with: a source, a cell and a title, written in the transaction of its first step.
Begin = Callable[[], EditChain]


def request_step(policy: Policy, chain: EditChain, order: StepOrder, *, key: str, digest: str = "") -> EditStep:
    """Ask for a step. The same key with the same order gives the same step, and no second purchase.

    Where the step before is undecided, the picture that this one grows from counts as its choice.

    :param key: 1 to 100 visible ASCII characters, unique per person.
    :param digest: of the preview that was shown; empty accepts whatever is true now.
    :raises Conflict: ``preview.changed``; ``chain.closed``; as :func:`~image_studio.workflow.steps.preview_step`.
    :raises InvalidRequest: the first blocking finding's code; as :func:`~image_studio.workflow.once.once`.
    :raises StorageFailed: when a mask can't be written.
    """
    policy.require("generate", chain)
    body = {"verb": "chain.step", "chain": str(chain.pk), **order.to_dict()}
    done = replayed(policy, key, body)
    if done is None:
        plan = judged_step(preview_step(policy, chain, order), digest=digest)
        made = drawn_for(plan)
        done = once_drawn(policy, key, body, lambda: answer_of(place(policy, chain, plan, made)), made)
    return step_of(done)


def begin_with_prompt(
    policy: Policy, brand: Brand, order: StepOrder, *, title: str = "", key: str, digest: str = ""
) -> EditStep:
    """Begin a chain with a picture that is made from words. Its first step is the one that is returned.

    :raises Conflict: as :func:`request_step`.
    :raises InvalidRequest: as :func:`request_step`.
    """
    order = replace(order, kind="generate")
    body = {"verb": "chain.begin", "brand": brand.slug, "title": title, **order.to_dict()}
    done = replayed(policy, key, body)
    if done is None:
        plan = judged_step(priced(asked_from(policy, brand, None, order), route_named(order.route)), digest=digest)

        def act() -> dict[str, str]:
            chain = new_chain(policy, brand, title=title or order.instruction)
            return answer_of(place(policy, chain, plan, ()))

        done = once_drawn(policy, key, body, act, ())
    return step_of(done)


def judged_step(plan: StepPreview, *, digest: str = "") -> StepPreview:
    """A preview that may be ordered now.

    :raises Conflict: ``preview.changed``; ``budget.spent``, ``spending.stopped``.
    :raises InvalidRequest: the first blocking finding's code.
    """
    if digest and plan.digest != digest:
        raise Conflict("preview.changed")
    blocking = [finding for finding in plan.findings if finding.blocks]
    if blocking:
        raise refused(blocking[0], more=len(blocking) - 1)
    return plan


def drawn_for(plan: StepPreview) -> tuple[Drawn, ...]:
    """The file of a mask that was told in fractions, stored; its row comes with the step."""
    order, source = plan.order, plan.source
    if source is None or not (order.region or order.polygons):
        return ()
    mask = told_mask(order.region, order.polygons, source.size)
    return (keep_mask(mask, region=order.region, polygons=order.polygons),)


def new_chain(policy: Policy, brand: Brand, *, title: str, **values: Any) -> EditChain:
    """Write an empty chain. Call it in a transaction."""
    chain = EditChain.objects.create(
        brand=brand,
        title=name_of(title) or brand.name,
        requested_by=policy.user,
        actor_label=policy.actor.label,
        touched_at=database_now(),
        **values,
    )
    Event.objects.record(policy.actor, "chain.begun", chain)
    return chain


def place(policy: Policy, chain: EditChain, plan: StepPreview, drawn: Sequence[Drawn]) -> EditStep:
    """Write a step and its job. Call it in a transaction whose first write is done.

    :raises Conflict: ``chain.closed``.
    """
    number = next_number(chain)
    files = {**plan.asked.files, **{one.role: ref_of(one.row(chain)) for one in drawn}}
    step = EditStep(
        chain=chain,
        number=number,
        parent_number=plan.asked.parent.number if plan.asked.parent else None,
        parent_candidate=plan.asked.candidate,
        kind=plan.order.kind,
        instruction=plan.order.instruction,
        order={**plan.order.to_dict(), "route": plan.route.name},
        route=plan.route.name,
        actor_label=policy.actor.label,
    )
    job = _job(policy, chain, step, plan, files)
    holds.earmark([job])
    step.job = queue(job)
    step.inputs = _inputs(plan, step.job)
    step.save(force_insert=True)
    _take_implied(plan)
    Event.objects.record(policy.actor, "chain.step_requested", chain, step=number, kind=step.kind, most=plan.price.most)
    holds.grant([step.job], policy.actor)
    transaction.on_commit(partial(tasks.ring, [step.job.pk]))
    return step


def next_number(chain: EditChain) -> int:
    """Take the next number of an open chain: the write that keeps two who ask at once apart.

    :raises Conflict: ``chain.closed``.
    """
    rows = EditChain.objects.filter(pk=chain.pk)
    if not rows.filter(state="open").update(length=F("length") + 1, touched_at=database_now()):
        raise Conflict("chain.closed")
    chain.length = int(rows.values_list("length", flat=True).get())
    return chain.length


def _job(policy: Policy, chain: EditChain, step: EditStep, plan: StepPreview, files: Mapping[str, FileRef]) -> Job:
    found = plan.asked.compiled(plan.route, plan.model, files)
    return Job(
        kind="picture",
        brand_id=chain.brand_id,
        revision_id=chain.brand.revision_id,
        requested_by=policy.user,
        actor_label=policy.actor.label,
        operator=policy.user is None,
        provider=plan.route.provider,
        route=plan.route.name,
        model=plan.model.id,
        request=keyed(policy, plan.route.provider, found.request.to_dict()),
        digest=found.request.digest,
        n=found.request.n,
        tokens=tokens_of(plan.route.provider, found.request),
        edit={**found.edit, "step": str(step.pk), "chain": str(chain.pk), "words": plan.order.instruction},
        estimate_micro_usd=plan.price.most,
        available_at=database_now(),
    )


def _inputs(plan: StepPreview, job: Job) -> list[dict[str, Any]]:
    """What goes along, in words that outlive the pictures: as what each reference goes along too."""
    roles = iter(role for role, _asset in plan.asked.references)
    rows = []
    for ref in job.request["inputs"]:
        row = {key: ref[key] for key in ("role", "asset", "sha256", "size", "file", "canvas") if ref.get(key)}
        rows.append({**row, "as": next(roles, "other")} if row["role"] == "reference" else row)
    return rows


def _take_implied(plan: StepPreview) -> None:
    parent, candidate = plan.asked.parent, plan.asked.candidate
    if parent is not None and parent.state == "open":
        STEP.move(EditStep.objects.filter(pk=parent.pk), "chosen", only_from=["open"], choice=candidate)


def answer_of(step: EditStep) -> dict[str, str]:
    """What is kept with the key."""
    return {"step": str(step.pk), "chain": str(step.chain_id)}


def step_of(done: Once) -> EditStep:
    """The step of an answer."""
    return EditStep.objects.select_related("job", "chain__brand").get(pk=done.answer["step"])


def once_drawn(
    policy: Policy, key: str, body: Any, act: Callable[[], Mapping[str, Any]], drawn: Sequence[Drawn]
) -> Once:
    """:func:`~image_studio.workflow.once.once`; a mask that no row speaks of in the end is deleted again."""
    written: list[bool] = []

    def acting() -> Mapping[str, Any]:
        transaction.on_commit(partial(written.append, True))
        return act()

    try:
        done = once(policy, key, body, acting)
    except BaseException:
        # Once the rows are there the files stay, whatever breaks after that: a doorbell, an inline worker.
        if not written:
            forget(drawn)
        raise
    if done.replayed:
        forget(drawn)
    return done
