"""Replays: a recipe's chains side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api import recipe_rows as rows
from image_studio.api.base import StudioView
from image_studio.api.job_rows import fault
from image_studio.api.operations import operation
from image_studio.api.polled import polled
from image_studio.models import EditCandidate, EditChain, EditStep, Replay
from image_studio.policy import Policy
from image_studio.states import JOB_ENDED
from image_studio.workflow.tree import OVER


class ReplayDetails(StudioView):
    """One replay: what a client polls."""

    tag = "recipes"

    @operation(
        "getReplay",
        "Look at a replay",
        description="`Retry-After` says when to ask again while it is active; send `ETag` back as `If-None-Match`.",
        answers={200: rows.ReplayDetail, 304: None},
    )
    def get(self, request: Request, replay_id: UUID) -> Response:
        self.only_query()
        row: Replay = self.found(Replay.objects.select_related("brand"), pk=replay_id)
        chains = list(self.policy.visible(row.chains.all()).order_by("id"))
        steps = _steps(chains)
        base, assets = self.address("chain-list"), self.address("asset-list")
        last = _last(self.policy, steps)
        told = [_chain(chain, steps.get(chain.pk, ()), last.get(chain.pk), base, assets) for chain in chains]
        body = {
            "id": row.pk,
            "url": self.address("replay-detail", row.pk),
            "brand": row.brand.slug,
            "title": row.title,
            "recipe": row.recipe_id,
            "by": row.actor_label,
            "created_at": row.created_at,
            "active": any(one["status"] not in OVER for one in told),
            "chains_total": len(told),
            "chains_ready": sum(one["steps_ready"] == one["steps_total"] for one in told),
            "micro_usd": sum(one["micro_usd"] for one in told),
            "most_micro_usd": sum(one["most_micro_usd"] for one in told),
            "chains": told,
        }
        return polled(request, body, active=body["active"])


def _steps(chains: Sequence[EditChain]) -> dict[UUID, list[EditStep]]:
    """Each chain's steps after its start, in their order."""
    found: dict[UUID, list[EditStep]] = {}
    every = EditStep.objects.filter(chain__in=[chain.pk for chain in chains], parent_number__isnull=False)
    for step in every.select_related("job").defer("job__request", "job__edit", "order", "inputs").order_by("number"):
        found.setdefault(step.chain_id, []).append(step)
    return found


def _last(policy: Policy, steps: dict[UUID, list[EditStep]]) -> dict[UUID, tuple[int, Any]]:
    """Chain -> (number, picture) of its last step that shows one to this person."""
    numbers = {step.pk: step for own in steps.values() for step in own}
    found: dict[UUID, tuple[int, Any]] = {}
    every = EditCandidate.objects.filter(step__in=list(numbers), asset__isnull=False)
    for row in every.select_related("asset").order_by("step__number", "-index"):
        step = numbers[row.step_id]
        if row.asset is not None and step.choice in (None, row.index) and policy.can("view", row.asset):
            found[step.chain_id] = (step.number, row.asset_id)
    return found


def _chain(
    chain: EditChain, steps: Sequence[EditStep], last: tuple[int, Any] | None, base: str, assets: str
) -> dict[str, Any]:
    """:class:`~image_studio.api.recipe_rows.ReplayChain` of a chain."""
    at = next((step for step in steps if step.status != "ready"), steps[-1] if steps else None)
    number, asset = last or (1, chain.source_id)
    code, params = at.fault if at else ("", {})
    return {
        "id": chain.pk,
        "url": f"{base}{chain.pk}/",
        "title": chain.title,
        "source": chain.source_id,
        "route": chain.route,
        "status": at.status if at else "ready",
        "steps_total": len(steps),
        "steps_ready": sum(step.status == "ready" for step in steps),
        "step": number,
        "asset": asset,
        "preview": f"{assets}{asset}/content/?which=preview" if asset else None,
        "error": fault(code, params),
        "micro_usd": sum(step.job.cost_micro_usd for step in steps if step.job),
        "most_micro_usd": sum(map(_most, steps)),
    }


def _most(step: EditStep) -> int:
    if step.job is None:
        return int(step.plan.get("most", 0)) if step.status == "planned" else 0
    return step.job.estimate_micro_usd if step.job.state not in JOB_ENDED or step.job.state == "unknown" else 0
