"""Recipes and replays as JSON. Money is integer micro-USD (1 USD = 1,000,000)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from image_studio.api.job_rows import Fault
from image_studio.api.prompt_rows import FindingRow, finding_row
from image_studio.api.set_orders import price_row
from image_studio.api.set_rows import MICRO, Price
from image_studio.api.step_orders import OrderRow, order_row
from image_studio.api.step_rows import STATUSES
from image_studio.models import EditRecipe
from image_studio.workflow.replays import ReplayPreview

#: How far a replay can give the same picture again, in words.
REPRODUCTION = {
    "exact": _("Every step gives the same picture for the same order: equal starts give equal ends."),
    "alike": _(
        "The model takes no seed: the same words, inputs and settings go along, and the pictures are alike, not equal."
    ),
}


class RecipeRow(serializers.Serializer):
    """A recipe in a list."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    brand = serializers.CharField(help_text="The brand's slug.")
    name = serializers.CharField()
    by = serializers.CharField()
    created_at = serializers.DateTimeField()


class RecipeDetail(RecipeRow):
    """A recipe on its own."""

    steps = OrderRow(many=True, help_text="Each grows from the one before it.")
    chain = serializers.UUIDField(allow_null=True, help_text="Where it was walked first; it may be gone.")
    step = serializers.IntegerField(allow_null=True)


class Reproduction(serializers.Serializer):
    """How far a replay can give the same picture again."""

    code = serializers.ChoiceField(choices=list(REPRODUCTION))
    words = serializers.CharField()


class WalkRow(serializers.Serializer):
    """The recipe from one picture on one route."""

    asset = serializers.UUIDField()
    route = serializers.CharField(help_text="Empty: each step's own.")
    steps = serializers.IntegerField()
    price = Price()
    blocked = serializers.BooleanField()
    findings = FindingRow(many=True)


class ReplayPreviewRow(serializers.Serializer):
    """What a replay would buy. Nothing was written and nothing spent."""

    chains = serializers.IntegerField(help_text="One for each picture and route.")
    pictures = serializers.IntegerField(help_text="That are bought: one for each step.")
    price = Price()
    blocked = serializers.BooleanField(help_text="It cannot be ordered: a finding stands in the way.")
    findings = FindingRow(many=True)
    reproduction = Reproduction()
    walks = WalkRow(many=True)
    digest = serializers.CharField(help_text="Send it with the order.")


class ReplayAccepted(serializers.Serializer):
    """A replay that was accepted; `Location` is where to look for it."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    recipe = serializers.UUIDField()
    chains = serializers.IntegerField()


class ReplayChain(serializers.Serializer):
    """One chain of a replay, beside the others."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    title = serializers.CharField()
    source = serializers.UUIDField(allow_null=True)
    route = serializers.CharField(help_text="Empty: each step's own.")
    status = serializers.ChoiceField(choices=STATUSES, help_text="Of the step that it is at.")
    steps_total = serializers.IntegerField()
    steps_ready = serializers.IntegerField()
    step = serializers.IntegerField(help_text="Whose picture this is.")
    asset = serializers.UUIDField(allow_null=True, help_text="Its last picture so far.")
    preview = serializers.URLField(allow_null=True)
    error = Fault(allow_null=True)
    micro_usd = serializers.IntegerField(help_text=MICRO)
    most_micro_usd = serializers.IntegerField(help_text=f"What may still come on top. {MICRO}")


class ReplayDetail(serializers.Serializer):
    """A replay: its chains side by side."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    brand = serializers.CharField(help_text="The brand's slug.")
    title = serializers.CharField()
    recipe = serializers.UUIDField()
    by = serializers.CharField()
    created_at = serializers.DateTimeField()
    active = serializers.BooleanField(help_text="Whether something still comes.")
    chains_total = serializers.IntegerField()
    chains_ready = serializers.IntegerField(help_text="Whose last step is ready.")
    micro_usd = serializers.IntegerField(help_text=MICRO)
    most_micro_usd = serializers.IntegerField(help_text=f"What may still come on top. {MICRO}")
    chains = ReplayChain(many=True)


PLAIN = ("id", "name", "created_at")
FIELDS = (*PLAIN, "brand__slug", "actor_label")


def recipe_row(row: dict[str, Any], url: str) -> dict[str, Any]:
    """:class:`RecipeRow` of ``values(*FIELDS)``."""
    return {
        **{name: row[name] for name in PLAIN},
        "url": url,
        "brand": row["brand__slug"],
        "by": row["actor_label"],
    }


def columns_of(recipe: EditRecipe) -> dict[str, Any]:
    """:data:`FIELDS` of a row with its brand."""
    return {**{name: getattr(recipe, name) for name in FIELDS if "__" not in name}, "brand__slug": recipe.brand.slug}


def recipe_detail(recipe: EditRecipe, url: str) -> dict[str, Any]:
    """:class:`RecipeDetail` of a row with its brand."""
    return {
        **recipe_row(columns_of(recipe), url),
        "steps": [order_row(plain) for plain in recipe.steps],
        "chain": recipe.made_of.get("chain"),
        "step": recipe.made_of.get("step"),
    }


def replay_preview_row(plan: ReplayPreview) -> dict[str, Any]:
    """:class:`ReplayPreviewRow` of a preview."""
    return {
        "chains": len(plan.walks),
        "pictures": plan.pictures,
        "price": price_row(plan.price),
        "blocked": plan.blocked,
        "findings": [finding_row(finding) for finding in plan.findings],
        "reproduction": {"code": plan.reproduction, "words": REPRODUCTION[plan.reproduction]},
        "walks": [
            {
                "asset": walk.source.pk,
                "route": walk.route,
                "steps": len(walk.steps),
                "price": price_row(walk.price),
                "blocked": any(finding.blocks for finding in walk.findings),
                "findings": [finding_row(finding) for finding in walk.findings],
            }
            for walk in plan.walks
        ],
        "digest": plan.digest,
    }
