"""Asking for variants: one transaction, one answer per key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import transaction

from image_studio import tasks
from image_studio.exceptions import Conflict, StudioError
from image_studio.models import Event, Job, Variant, VariantSet, create, database_now, insert
from image_studio.policy import Policy
from image_studio.runner import holds
from image_studio.runner.limits import tokens_of
from image_studio.runner.turns import in_turn
from image_studio.workflow.once import once, replayed
from image_studio.workflow.options import keyed
from image_studio.workflow.plan import Matrix
from image_studio.workflow.preview import Preview, preview
from image_studio.workflow.spending import refused


def request(policy: Policy, matrix: Matrix, *, key: str, digest: str = "") -> VariantSet:
    """Order a matrix. The same key with the same body gives the same set, and no second purchase.

    :param key: 1 to 100 visible ASCII characters, unique per person.
    :param digest: of the preview that was shown; empty accepts whatever is true now.
    :raises Conflict: ``preview.changed`` when prices, kit or channels moved since; ``idempotency.other_body``;
        ``budget.spent``, ``spending.stopped``.
    :raises InvalidRequest: ``preview.blocked`` by a finding, with the first one's code; ``idempotency.key_missing``,
        ``idempotency.bad_key``.
    """
    policy.require("generate", matrix.brand)
    done = replayed(policy, key, matrix.to_dict())
    if done is None:
        plan = judged(policy, matrix, digest=digest)
        done = once(policy, key, matrix.to_dict(), lambda: {"variant_set": str(order(policy, plan).pk)})
    return VariantSet.objects.get(pk=done.answer["variant_set"])


def judged(policy: Policy, matrix: Matrix, *, digest: str = "") -> Preview:
    """The preview of a matrix that may be ordered now: slow, and writes nothing.

    :raises Conflict: ``preview.changed``.
    :raises InvalidRequest: as :func:`blocked_error`.
    """
    plan = preview(policy, matrix)
    if digest and plan.digest != digest:
        raise Conflict("preview.changed")
    if plan.blocked:
        raise blocked_error(plan)
    return plan


def blocked_error(plan: Preview) -> StudioError:
    """The first blocking finding of a preview as an error that names it."""
    first = next(finding for finding in plan.findings if finding.blocks)
    more = sum(finding.blocks for finding in plan.findings) - 1
    return refused(first, more=more)


def order(policy: Policy, plan: Preview) -> VariantSet:
    """Write a set and its work. Call it inside :func:`~image_studio.workflow.once.once`: its key is the first write."""
    matrix = plan.matrix
    assert matrix.brand.revision is not None  # a preview refuses a brand without a kit
    variant_set = VariantSet.objects.create(
        brand=matrix.brand,
        revision=matrix.brand.revision,
        title=matrix.title or _title(matrix),
        source=matrix.source,
        prompt_version=matrix.prompt_version,
        prompt_text=plan.prompt_text,
        variables=dict(matrix.variables),
        texts={line: dict(words) for line, words in matrix.texts.items()},
        matrix=matrix.to_dict(),
        route=plan.route.name,
        sharing=matrix.sharing,
        digest=plan.digest,
        requested_by=policy.user,
        actor_label=policy.actor.label,
    )
    new = _jobs(policy, plan, variant_set)
    holds.earmark(new)
    jobs = in_turn(new)
    create(jobs)
    insert(Variant, _variants(plan, variant_set, jobs))
    Event.objects.record(
        policy.actor, "set.requested", variant_set, pictures=plan.pictures, cells=plan.cells, most=plan.price.most
    )
    holds.grant(jobs, policy.actor, now=jobs[0].available_at)
    transaction.on_commit(partial(tasks.ring, [job.pk for job in jobs]))
    return variant_set


def _title(matrix: Matrix) -> str:
    thing = matrix.source.title if matrix.source else ""
    return (thing or (matrix.prompt_version.prompt.name if matrix.prompt_version else "") or matrix.brand.name)[:200]


def _jobs(policy: Policy, plan: Preview, variant_set: VariantSet) -> list[Job]:
    now = database_now()
    return [
        Job(
            kind="picture",
            brand_id=variant_set.brand_id,
            revision_id=variant_set.revision_id,
            variant_set=variant_set,
            requested_by=policy.user,
            actor_label=policy.actor.label,
            operator=policy.user is None,
            provider=plan.route.provider,
            route=plan.route.name,
            model=planned.request.model,
            request=keyed(policy, plan.route.provider, planned.request.to_dict()),
            digest=planned.request.digest,
            n=planned.request.n,
            tokens=tokens_of(plan.route.provider, planned.request),
            estimate_micro_usd=price.most,
            available_at=now,
        )
        for planned, price in zip(plan.jobs, plan.prices, strict=True)
    ]


def _variants(plan: Preview, variant_set: VariantSet, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    channels = {cell.channel.pk: cell.channel for cell in plan.planned_cells}
    specs = {pk: channel.spec.to_dict() for pk, channel in channels.items()}
    return [
        {
            "variant_set_id": variant_set.pk,
            "position": position,
            "take": cell.take,
            "channel_id": cell.channel.pk,
            "channel_spec": specs[cell.channel.pk],
            "locale": cell.locale,
            "job_id": jobs[cell.job].pk,
            "output_index": cell.output,
        }
        for position, cell in enumerate(plan.planned_cells)
    ]
