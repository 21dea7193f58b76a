"""Edit chains as JSON. Money is integer micro-USD (1 USD = 1,000,000)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from image_studio.api.cost_rows import CostRow
from image_studio.api.fields import Body, Choice, Id, Text
from image_studio.api.job_rows import EventRow
from image_studio.api.set_rows import MICRO
from image_studio.api.step_orders import candidate_index, step_number
from image_studio.api.step_rows import StepRow, step_row
from image_studio.models import EditChain
from image_studio.states import CHAIN
from image_studio.workflow.replays import MOST_CHAINS
from image_studio.workflow.tree import Tree

#: Verbs of the policy that a chain's steps hang on.
VERBS = ("generate", "cancel", "retry")


class ChainRow(serializers.Serializer):
    """An edit chain in a list."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    brand = serializers.CharField(help_text="The brand's slug.")
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=CHAIN.choices)
    source = serializers.UUIDField(allow_null=True, help_text="The picture it began with; null for a prompt.")
    cell = serializers.UUIDField(allow_null=True, help_text="The cell of a variant set that can take a result.")
    replay = serializers.UUIDField(allow_null=True)
    forked_from = serializers.UUIDField(allow_null=True)
    forked_step = serializers.IntegerField(allow_null=True)
    head = serializers.IntegerField(help_text="The step that the next one grows from by itself.")
    length = serializers.IntegerField(help_text="How many steps it has.")
    by = serializers.CharField()
    created_at = serializers.DateTimeField()
    touched_at = serializers.DateTimeField(help_text="When something was last asked for or decided.")


class ChainDetail(ChainRow):
    """The whole tree."""

    active = serializers.BooleanField(help_text="Whether something still comes.")
    micro_usd = serializers.IntegerField(help_text=f"What all steps cost, the rejected ones too. {MICRO}")
    most_micro_usd = serializers.IntegerField(help_text=f"What may still come on top. {MICRO}")
    cost = CostRow()
    steps = StepRow(many=True, help_text="In the order in which they were asked for.")
    steps_url = serializers.URLField(help_text="With a step's number behind it, the step on its own.")
    events_url = serializers.URLField()
    actions = serializers.ListField(child=serializers.CharField(), help_text="What you may do with the chain now.")


class ChainChange(Body):
    """What may be changed; what is left out stays."""

    title = Text(max_length=200)
    state = Choice(choices=CHAIN.choices)


class HeadMove(Body):
    """Where to go on."""

    step = step_number("The new head.")
    seen = step_number("The head that you saw: where it moved meanwhile, 409.")


class Fork(Body):
    """Where the new chain begins."""

    step = step_number("Whose picture it begins with.")
    candidate = candidate_index("The chosen one by itself, or the only one.", required=False, allow_null=True)
    title = Text(max_length=200, required=False, allow_blank=True)


def _pictures() -> serializers.ListField:
    return serializers.ListField(
        child=Id(), min_length=1, max_length=MOST_CHAINS, help_text="Pictures of the same brand to start from."
    )


def _routes() -> serializers.ListField:
    return serializers.ListField(
        child=Text(max_length=40, allow_blank=True),
        required=False,
        max_length=MOST_CHAINS,
        help_text="Each makes chains of its own; an empty one, as none at all, keeps each step's own route.",
    )


class Walking(Body):
    """From which pictures, and on which routes."""

    assets = _pictures()
    routes = _routes()


class WalkOrder(Walking):
    """A replay to order."""

    title = Text(max_length=200, required=False, allow_blank=True)
    digest = Text(
        max_length=64, required=False, allow_blank=True, help_text="Of the preview you saw: a changed price is refused."
    )


class PathWalk(Walking):
    """A path to keep as a recipe and to walk again."""

    step = step_number("The path leads to this step.")
    title = Text(max_length=200, required=False, allow_blank=True, help_text="Of the recipe; the chain's own else.")


class ChainEvent(EventRow):
    """Something that happened in a chain."""

    id = serializers.IntegerField(help_text="It may be told twice: by this you know.")
    step = serializers.IntegerField(allow_null=True)
    verb = serializers.CharField(help_text="`chain.step_chosen`, `job.done`.")


class ChainEvents(serializers.Serializer):
    """What happened since."""

    events = ChainEvent(many=True, help_text="Oldest first.")
    steps = serializers.ListField(
        child=serializers.IntegerField(), help_text="Steps that are worth a look: with news, or still at work."
    )
    head = serializers.IntegerField()
    after = serializers.IntegerField(help_text="Send it as `after` the next time.")
    active = serializers.BooleanField(help_text="Whether something still comes.")


PLAIN = ("id", "title", "state", "forked_step", "head", "length", "created_at", "touched_at")
KEYS = ("source", "cell", "replay", "forked_from")
FIELDS = (*PLAIN, *(f"{name}_id" for name in KEYS), "brand__slug", "actor_label")


def chain_row(row: dict[str, Any], url: str) -> dict[str, Any]:
    """:class:`ChainRow` of ``values(*FIELDS)``."""
    return {
        **{name: row[name] for name in PLAIN},
        **{name: row[f"{name}_id"] for name in KEYS},
        "url": url,
        "brand": row["brand__slug"],
        "by": row["actor_label"],
    }


def columns_of(chain: EditChain) -> dict[str, Any]:
    """:data:`FIELDS` of a row with its brand."""
    return {**{name: getattr(chain, name) for name in FIELDS if "__" not in name}, "brand__slug": chain.brand.slug}


def chain_detail(tree: Tree, url: str, may: dict[str, bool]) -> dict[str, Any]:
    """:class:`ChainDetail` of a tree, without its cost.

    :param may: for each of :data:`VERBS`, whether this person may say it.
    """
    chain = tree.chain
    turns = ("close", "edit") if chain.state == "open" else ("reopen",)
    return {
        **chain_row(columns_of(chain), url),
        "active": tree.active,
        "micro_usd": tree.micro_usd,
        "most_micro_usd": tree.most,
        "steps": [step_row(tree, node, may) for node in tree.nodes],
        "steps_url": f"{url}steps/",
        "events_url": f"{url}events/",
        "actions": sorted(("rename", *turns)) if may["generate"] else [],
    }
