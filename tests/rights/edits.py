"""A brand's edit chain in the world of two brands: a start, a step in every state, its files, a recipe and a replay."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from image_studio import storage
from image_studio.models import EditCandidate, EditChain, EditRecipe, EditStep, Job, JobOutput, Replay
from image_studio.policy import Policy
from image_studio.workflow.chains import begun, save_draft, start_chain
from image_studio.workflow.edit_files import add_mask
from tests import factories


def make_chain(side: Any) -> None:
    """Step 1 is the start, 2 chosen, 3 undecided, 4 failed, 5 waiting. The work of none is done here."""
    canary, brand, policy = side.canary, side.brand, Policy(side.owner)
    chain = start_chain(policy, brand, side.raw, title=f"{canary} path", cell=side.ready)
    mask = add_mask(policy, chain, side.raw, region=(0.1, 0.1, 0.3, 0.3))
    EditChain.objects.filter(pk=chain.pk).update(length=5, head=2)
    steps = [
        _step(side, chain, 2, "done", state="chosen", choice=0),
        _step(side, chain, 3, "done"),
        _step(side, chain, 4, "failed"),
        _step(side, chain, 5, "queued"),
    ]
    save_draft(policy, chain, {"instruction": f"{canary} draft"})
    recipe = EditRecipe.objects.create(
        brand=brand,
        name=f"{canary} recipe of steps",
        steps=[{"kind": "extend", "ratio": "1:1", "route": "reframe"}],
        made_of={"chain": str(chain.pk), "step": 2},
        created_by=side.owner,
        actor_label=side.owner.get_username(),
    )
    replay = Replay.objects.create(
        brand=brand,
        recipe=recipe,
        title=f"{canary} replay",
        digest="0" * 64,
        requested_by=side.owner,
        actor_label=side.owner.get_username(),
    )
    begun(policy, brand, side.raw, title=f"{canary} replayed", replay=replay)
    chain.refresh_from_db()
    side.things.update(chain=chain, edit_file=mask, recipe=recipe, replay=replay)
    side.things.update(chosen=steps[0], undecided=steps[1], broken_step=steps[2], waiting_step=steps[3])
    side.bytes["bytes of mask"] = storage.read(storage.private(), mask.file)[-44:-12]


def _step(side: Any, chain: EditChain, number: int, of_job: str, **fields: Any) -> EditStep:
    brand, owner = side.brand, side.owner
    told: dict[str, Any] = {"edit": {"words": f"{side.canary} instruction"}}
    if of_job == "failed":
        told |= {"error_code": "provider.refused", "error_params": {"message": f"{side.canary} said the provider"}}
    job = factories.make_job(brand, requested_by=owner, actor_label=owner.get_username(), route="reframe", **told)
    Job.objects.filter(pk=job.pk).update(state=of_job, ended_at=None if of_job == "queued" else timezone.now())
    step = EditStep.objects.create(
        chain=chain,
        number=number,
        parent_number=1,
        parent_candidate=0,
        kind="extend",
        instruction=f"{side.canary} instruction",
        order={"kind": "extend", "ratio": "1:1", "route": "reframe"},
        route="reframe",
        job=job,
        actor_label=owner.get_username(),
        **fields,
    )
    if of_job == "done":
        JobOutput.objects.create(job=job, index=0, asset=side.raw)
        size = {"width": side.raw.width, "height": side.raw.height}
        EditCandidate.objects.create(step=step, index=0, asset=side.raw, raw=side.raw, sha256=side.raw.sha256, **size)
    return step
