"""A recipe walked again: from another picture, from many, or on another route. Priced first, side by side after.

One chain for each picture and route, all of its steps written at once: the first with its job, the others planned.
When a step is done the worker asks for the next one, from the first picture that came.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.db import transaction

from image_studio import conf as site
from image_studio import ledger, storage, tasks
from image_studio.catalog.pricing import Price
from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.imaging.masks import from_file
from image_studio.ledger import Bill
from image_studio.models import (
    Asset,
    Brand,
    EditChain,
    EditFile,
    EditRecipe,
    EditStep,
    Event,
    Replay,
    uuid7,
)
from image_studio.policy import Policy
from image_studio.providers.base import Finding
from image_studio.runner.edit_requests import FileRef, StepOrder
from image_studio.runner.holds import step_bill
from image_studio.runner.stepping import queue_planned
from image_studio.workflow.browse import name_of
from image_studio.workflow.chains import begun
from image_studio.workflow.edit_files import Drawn, forget, keep_mask, ref_of, told_mask
from image_studio.workflow.once import replayed
from image_studio.workflow.options import keyed
from image_studio.workflow.spending import money_findings, refused
from image_studio.workflow.step_asking import asked_from
from image_studio.workflow.step_orders import next_number, once_drawn
from image_studio.workflow.steps import StepPreview, priced, route_named

#: Stands in an order for a mask whose file is made when the replay is asked for.
PAINTED = "painted"
#: Pictures times routes of one replay.
MOST_CHAINS = 100


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A recipe from one picture on one route.

    :param route: over the recipe's own; empty keeps those.
    :param steps: each step's preview, from the size that the step before it is expected to leave.
    :param masks: step index -> how its mask is made for this picture.
    """

    source: Asset
    route: str
    steps: tuple[StepPreview, ...]
    masks: Mapping[int, Callable[[], Drawn]] = field(default_factory=dict)

    @property
    def price(self) -> Price:
        return sum((step.price for step in self.steps), Price())

    @property
    def findings(self) -> tuple[Finding, ...]:
        every = [finding for step in self.steps for finding in step.findings]
        return tuple(one for i, one in enumerate(every) if one not in every[:i])


@dataclass(frozen=True, kw_only=True)
class ReplayPreview:
    """What a replay would buy. Nothing was written and nothing spent.

    :param money: what budgets and the switch say to the price of all of it.
    :param reproduction: ``exact`` where every step is made by a route that gives equal pictures for equal orders, else
        ``alike``: the same words, inputs and settings, and another picture, because the model takes no seed.
    """

    recipe: EditRecipe
    walks: tuple[Walk, ...]
    digest: str
    reproduction: str
    money: tuple[Finding, ...] = ()

    @property
    def price(self) -> Price:
        return sum((walk.price for walk in self.walks), Price())

    @property
    def pictures(self) -> int:
        """Pictures that are bought: one a step."""
        return sum(len(walk.steps) for walk in self.walks)

    @property
    def findings(self) -> tuple[Finding, ...]:
        every = [*(finding for walk in self.walks for finding in walk.findings), *self.money]
        return tuple(one for i, one in enumerate(every) if one not in every[:i])

    @property
    def blocked(self) -> bool:
        return any(finding.blocks for finding in self.findings)


def replay_preview(
    policy: Policy, recipe: EditRecipe, assets: Sequence[Asset], *, routes: Sequence[str] = ("",)
) -> ReplayPreview:
    """Judge and price a replay.

    :param routes: names; an empty one keeps each step's own.
    :raises NotAllowed: when the person may not generate here, or not see a picture.
    :raises InvalidRequest: ``replay.no_picture``, ``replay.too_many`` (chains, most); ``mask.other_ratio`` where a
        painted mask does not fit a picture; as :func:`~image_studio.workflow.steps.preview_step`.
    """
    policy.require("generate", recipe)
    chosen = tuple(dict.fromkeys(routes)) or ("",)
    if not assets:
        raise InvalidRequest("replay.no_picture")
    if len(assets) * len(chosen) > MOST_CHAINS:
        raise InvalidRequest("replay.too_many", chains=len(assets) * len(chosen), most=MOST_CHAINS)
    brand = Brand.objects.select_related("revision").get(pk=recipe.brand_id)
    walks = tuple(_walk(policy, brand, recipe, asset, route) for asset in assets for route in chosen)
    price = sum((walk.price for walk in walks), Price())
    return ReplayPreview(
        recipe=recipe,
        walks=walks,
        money=tuple(money_findings(policy, brand, price.most, unknown=price.unknown)),
        digest=_digest(recipe, walks),
        reproduction=reproduction(walks),
    )


def reproduction(walks: Sequence[Walk]) -> str:
    """How far the routes of a replay allow the same picture again: ``exact`` or ``alike``."""
    providers = {step.route.provider for walk in walks for step in walk.steps}
    return "exact" if all(site.provider(alias).repeatable for alias in providers) else "alike"


def _digest(recipe: EditRecipe, walks: Sequence[Walk]) -> str:
    parts = [str(recipe.pk), [[step.digest for step in walk.steps] for walk in walks]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _walk(policy: Policy, brand: Brand, recipe: EditRecipe, source: Asset, route: str) -> Walk:
    """:raises InvalidRequest: as :func:`replay_preview`."""
    if source.brand_id != brand.pk:
        raise InvalidRequest("request.other_brand")
    found: list[StepPreview] = []
    masks: dict[int, Callable[[], Drawn]] = {}
    picture = source
    for number, plain in enumerate(recipe.steps):
        order = StepOrder.from_dict(plain)
        painted, order = order.mask, replace(order, mask="", route=route or order.route)
        if order.markup:
            raise InvalidRequest("replay.markup", step=number + 1)
        asked = asked_from(policy, brand, picture, order) if not painted else None
        if asked is None:
            masks[number] = _painted(recipe, painted, picture)
            whole = replace(order, region=(0.25, 0.25, 0.5, 0.5))  # stands for the mask while it is judged
            asked = asked_from(policy, brand, picture, whole)
            asked = replace(asked, order=replace(order, kind=asked.order.kind, mask=PAINTED))
        elif order.region or order.polygons:
            masks[number] = partial(_told, order, picture.size)
        preview = priced(asked, route_named(order.route))
        found.append(preview)
        # The picture that the next step will see: as large as this one's, with nothing else known of it yet.
        picture = _expected(source, preview.size)
    return Walk(source=source, route=route, steps=tuple(found), masks=masks)


def _expected(source: Asset, size: tuple[int, int]) -> Asset:
    """A picture that is still to come, as far as a price needs it."""
    width, height = size
    return Asset(
        pk=source.pk,
        brand_id=source.brand_id,
        created_by_id=source.created_by_id,
        requested_by_id=source.requested_by_id,
        sha256=source.sha256,
        weight=0,
        width=width,
        height=height,
        format="png",
        kind="raw",
        state="candidate",
    )


def _told(order: StepOrder, size: tuple[int, int]) -> Drawn:
    mask = told_mask(order.region, order.polygons, size)
    return keep_mask(mask, region=order.region, polygons=order.polygons)


def _painted(recipe: EditRecipe, pk: str, picture: Asset) -> Callable[[], Drawn]:
    """How the painted mask of a recipe is laid on another picture: scaled, where the shape is the same.

    :raises InvalidRequest: ``mask.other_ratio``, ``recipe.mask_gone``.
    """
    row = EditFile.objects.filter(pk=pk, chain__brand=recipe.brand_id).first()
    if row is None:
        raise InvalidRequest("recipe.mask_gone")
    data = storage.read(storage.private(), row.file, row.sha256)
    mask = from_file(data, picture.size, scale=True)
    return partial(keep_mask, mask)


def replay(
    policy: Policy,
    recipe: EditRecipe,
    assets: Sequence[Asset],
    *,
    routes: Sequence[str] = ("",),
    title: str = "",
    key: str,
    digest: str = "",
) -> Replay:
    """Walk a recipe. The same key with the same body gives the same replay, and no second purchase.

    :raises Conflict: ``preview.changed``.
    :raises InvalidRequest: the first blocking finding's code; as :func:`replay_preview`.
    """
    policy.require("generate", recipe)
    body = {
        "verb": "replay",
        "recipe": str(recipe.pk),
        "assets": [str(asset.pk) for asset in assets],
        "routes": list(routes),
        "title": title,
    }
    done = replayed(policy, key, body)
    if done is None:
        plan = judged_replay(replay_preview(policy, recipe, assets, routes=routes), digest=digest)
        drawn = drawn_masks(plan)
        files = [one for masks in drawn for one in masks.values()]
        act = partial(_placed, policy, plan, title, drawn)
        done = once_drawn(policy, key, body, act, files)
    return Replay.objects.select_related("brand", "recipe").get(pk=done.answer["replay"])


def judged_replay(plan: ReplayPreview, *, digest: str = "") -> ReplayPreview:
    """A preview that may be ordered now.

    :raises Conflict: ``preview.changed``.
    :raises InvalidRequest: the first blocking finding's code.
    """
    if digest and plan.digest != digest:
        raise Conflict("preview.changed")
    for finding in plan.findings:
        if finding.blocks:
            raise refused(finding)
    return plan


def drawn_masks(plan: ReplayPreview) -> list[dict[int, Drawn]]:
    """For each walk, step index -> its mask's file, stored; the rows come with the steps.

    :raises StorageFailed: when the disk refuses.
    """
    drawn: list[dict[int, Drawn]] = []
    try:
        for walk in plan.walks:
            drawn.append({})
            for number, make in walk.masks.items():
                drawn[-1][number] = make()
    except BaseException:
        forget([one for masks in drawn for one in masks.values()])
        raise
    return drawn


def _placed(policy: Policy, plan: ReplayPreview, title: str, drawn: Sequence[Mapping[int, Drawn]]) -> dict[str, str]:
    return {"replay": str(place_replay(policy, plan, title, drawn).pk)}


def place_replay(policy: Policy, plan: ReplayPreview, title: str, drawn: Sequence[Mapping[int, Drawn]]) -> Replay:
    """Write a replay with all of its chains and steps. Call it in a transaction whose first write is done."""
    recipe = plan.recipe
    row = Replay.objects.create(
        brand_id=recipe.brand_id,
        recipe=recipe,
        title=name_of(title) or recipe.name,
        matrix={
            "assets": [str(pk) for pk in dict.fromkeys(walk.source.pk for walk in plan.walks)],
            "routes": list(dict.fromkeys(walk.route for walk in plan.walks)),
        },
        digest=plan.digest,
        requested_by=policy.user,
        actor_label=policy.actor.label,
    )
    rung = []
    bills: list[tuple[Bill, int]] = []
    for walk, masks in zip(plan.walks, drawn, strict=True):
        rung += _place_walk(policy, row, walk, masks, bills)
    Event.objects.record(policy.actor, "replay.requested", row, chains=len(plan.walks), most=plan.price.most)
    # All of it, the steps that come later too: what was shown is what is held.
    ledger.hold(bills, actor=policy.actor)
    transaction.on_commit(partial(tasks.ring, rung))
    return row


def _place_walk(
    policy: Policy, row: Replay, walk: Walk, masks: Mapping[int, Drawn], bills: list[tuple[Bill, int]]
) -> list[Any]:
    """A chain with all of its steps; returns the ids of the jobs that there are and that there will be.

    :param bills: takes what is to be held for each step.
    """
    brand = walk.steps[0].asked.brand
    chain = begun(policy, brand, walk.source, title=_title(row, walk), replay=row, route=walk.route)
    rung = []
    for number, preview in enumerate(walk.steps):
        files = dict(preview.asked.files)
        if number in masks:
            files["mask"] = ref_of(masks[number].row(chain))
        step = _planned(policy, chain, preview, files)
        rung.append(step.plan["job"])
        bills.append((step_bill(step), step.hold_micro_usd))
        if number == 0:
            queue_planned(step, walk.source)
    return rung


def _title(row: Replay, walk: Walk) -> str:
    return ", ".join(part for part in (walk.source.title, row.title, walk.route) if part)


def _planned(policy: Policy, chain: EditChain, preview: StepPreview, files: Mapping[str, FileRef]) -> EditStep:
    number = next_number(chain)
    references = [(role, _ref(asset)) for role, asset in preview.asked.references]
    user_key = keyed(policy, preview.route.provider, {}).get("user_key", "")
    return EditStep.objects.create(
        chain=chain,
        number=number,
        parent_number=number - 1,
        kind=preview.order.kind,
        instruction=preview.order.instruction,
        order=_ordered(preview, files),
        inputs=[{"role": "source"}, *({"role": "reference", "as": role, **ref} for role, ref in references)],
        route=preview.route.name,
        outcome="planned",
        plan={
            "job": str(uuid7()),
            "files": {role: {"file": f.file, "sha256": f.sha256, "size": list(f.size)} for role, f in files.items()},
            "references": [[role, ref] for role, ref in references],
            "most": preview.price.most,
            "user_key": user_key,
            "operator": policy.user is None,
            "revision": str(chain.brand.revision_id),
            "provider": preview.route.provider,
            "model": preview.model.id,
        },
        hold_micro_usd=preview.price.most,
        actor_label=policy.actor.label,
    )


def _ordered(preview: StepPreview, files: Mapping[str, FileRef]) -> dict[str, Any]:
    order = preview.order
    if order.mask == PAINTED:
        order = replace(order, mask=files["mask"].file)
    return {**order.to_dict(), "route": preview.route.name}


def _ref(asset: Asset) -> dict[str, Any]:
    return {"asset": str(asset.pk), "sha256": asset.sha256, "role": "reference", "size": list(asset.size)}
