"""Recipes: the path to a step, kept to be walked again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction

from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.models import EditFile, EditRecipe, EditStep, Event
from image_studio.policy import Policy
from image_studio.runner.edit_requests import StepOrder
from image_studio.workflow.browse import name_of


def save_recipe(policy: Policy, step: EditStep, name: str) -> EditRecipe:
    """Keep the path from the start of a chain to a step. A chain that begins with a prompt gives what follows it.

    Masks that were told in fractions fit any picture; painted ones need a picture of the same shape.

    :raises InvalidRequest: ``recipe.no_name``.
    :raises Conflict: ``recipe.no_steps`` at the start of a chain.
    """
    recipe = recipe_of(policy, step, name)
    with transaction.atomic():
        keep_recipe(policy, recipe)
    return recipe


def recipe_of(policy: Policy, step: EditStep, name: str) -> EditRecipe:
    """The recipe of a step, not written yet.

    :raises StudioError: as :func:`save_recipe`.
    """
    chain = step.chain
    policy.require("generate", chain)
    words = name_of(name)
    if not words:
        raise InvalidRequest("recipe.no_name")
    path = path_to(step)
    if not path:
        raise Conflict("recipe.no_steps")
    files = {str(file.pk): file for file in EditFile.objects.filter(chain=chain)}
    return EditRecipe(
        brand=chain.brand,
        name=words,
        steps=[_kept(one, files) for one in path],
        made_of={"chain": str(chain.pk), "step": step.number},
        created_by=policy.user,
        actor_label=policy.actor.label,
    )


def keep_recipe(policy: Policy, recipe: EditRecipe) -> None:
    """Write a recipe. Call it in a transaction."""
    recipe.save(force_insert=True)
    Event.objects.record(policy.actor, "recipe.saved", recipe, **recipe.made_of)


def path_to(step: EditStep) -> list[EditStep]:
    """The steps from the first after the start up to this one."""
    by_number = {row.number: row for row in EditStep.objects.filter(chain=step.chain_id, number__lte=step.number)}
    found: list[EditStep] = []
    row: EditStep | None = by_number.get(step.number)
    while row is not None and row.parent_number is not None:
        found.append(row)
        row = by_number.get(row.parent_number)
    return found[::-1]


def _kept(step: EditStep, files: dict[str, EditFile]) -> dict[str, Any]:
    """A step as an order that names no chain: its mask by fractions, or by the file that was painted."""
    order = replace(StepOrder.from_dict(step.order), parent=None, candidate=None, candidates=1)
    plain = order.to_dict()
    mask = files.get(order.mask)
    if mask is not None and ("region" in mask.told or "polygons" in mask.told):
        plain.pop("mask")
        plain.update({key: mask.told[key] for key in ("region", "polygons") if key in mask.told})
    return {**plain, "route": step.route}
