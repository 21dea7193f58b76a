"""Recipes: look, price, replay; and a chain's path replayed at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api import recipe_rows as rows
from image_studio.api.chain_rows import PathWalk, Walking, WalkOrder
from image_studio.api.chains import ChainView
from image_studio.api.filters import Slug, StudioFilters
from image_studio.api.keyed import answered_before, answered_drawn
from image_studio.api.operations import operation
from image_studio.models import Asset, EditRecipe
from image_studio.workflow.recipes import keep_recipe, recipe_of
from image_studio.workflow.replays import drawn_masks, judged_replay, place_replay, replay_preview
from image_studio.workflow.step_asking import parent_of


class RecipeFilters(StudioFilters):
    """The list's filters."""

    brand = Slug("brand__slug", about="A brand's slug.")


class RecipeView(ChainView):
    """What the addresses of recipes share."""

    tag = "recipes"

    def recipe(self, pk: UUID) -> EditRecipe:
        """:raises Http404: as :meth:`~image_studio.api.base.StudioView.found`."""
        found: EditRecipe = self.found(EditRecipe.objects.select_related("brand__revision"), pk=pk)
        return found

    def walked(
        self, recipe: EditRecipe, assets: list[Asset], said: dict[str, Any], before: Callable[[], None] | None = None
    ) -> Response:
        """The answer to the order of a replay.

        :param before: writes what the replay points at.
        """
        plan = replay_preview(self.policy, recipe, assets, routes=tuple(said.get("routes") or ("",)))
        judged_replay(plan, digest=said.get("digest", ""))
        drawn = drawn_masks(plan)

        def act() -> tuple[str, dict[str, Any]]:
            if before is not None:
                before()
            made = place_replay(self.policy, plan, said.get("title", ""), drawn)
            url = self.address("replay-detail", made.pk)
            return url, {"id": made.pk, "url": url, "recipe": recipe.pk, "chains": len(plan.walks)}

        return answered_drawn(self, act, [one for masks in drawn for one in masks.values()])


class RecipeList(RecipeView):
    """The recipes of your brands."""

    filters: ClassVar[Any] = RecipeFilters

    @operation(
        "listRecipes",
        "List recipes",
        description="Of all brands that you are in, newest first. `chains/{id}/steps/{number}/recipe/` makes one.",
        listed=rows.RecipeRow,
        parameters=RecipeFilters.parameters(),
    )
    def get(self, request: Request) -> Response:
        base = self.address("recipe-list")
        found = self.policy.visible(EditRecipe.objects.all())
        return self.listed(request, found, lambda row: rows.recipe_row(row, f"{base}{row['id']}/"), rows.FIELDS)


class RecipeDetails(RecipeView):
    """One recipe."""

    @operation("getRecipe", "Look at a recipe", answers={200: rows.RecipeDetail})
    def get(self, request: Request, recipe_id: UUID) -> Response:
        self.only_query()
        recipe = self.recipe(recipe_id)
        return Response(rows.recipe_detail(recipe, self.address("recipe-detail", recipe.pk)))


class RecipePreview(RecipeView):
    """The price of a replay."""

    @operation(
        "previewReplay",
        "Price a recipe on pictures and routes",
        description="Nothing is written and nothing spent. `reproduction` says how far the same can come again.",
        body=Walking,
        answers={200: rows.ReplayPreviewRow},
        errors=(403, 503),
    )
    def post(self, request: Request, recipe_id: UUID) -> Response:
        recipe = self.recipe(recipe_id)
        said = self.body(Walking)
        self.policy.require("generate", recipe)
        assets = self.pictures(recipe.brand, said["assets"])
        plan = replay_preview(self.policy, recipe, assets, routes=tuple(said.get("routes") or ("",)))
        return Response(rows.replay_preview_row(plan))


class RecipeReplay(RecipeView):
    """A recipe walked again."""

    scopes = {"POST": "spend"}

    @operation(
        "replayRecipe",
        "Replay a recipe on pictures and routes",
        description="Spends up to the price of its preview: one chain for each picture and route.",
        body=WalkOrder,
        answers={202: rows.ReplayAccepted},
        errors=(403, 503),
        keyed=True,
    )
    def post(self, request: Request, recipe_id: UUID) -> Response:
        recipe = self.recipe(recipe_id)
        said = self.body(WalkOrder)
        self.policy.require("generate", recipe)
        before = answered_before(self)
        if before is not None:
            return before
        return self.walked(recipe, self.pictures(recipe.brand, said["assets"]), said)


class ChainReplay(RecipeView):
    """A path kept and walked again, at once."""

    tag = "chains"
    scopes = {"POST": "spend"}

    @operation(
        "replayChain",
        "Replay the path to a step on other pictures or routes",
        description=(
            "Keeps the path as a recipe and replays it. To hear the price first, keep the recipe and ask its preview."
        ),
        body=PathWalk,
        answers={202: rows.ReplayAccepted},
        errors=(403, 503),
        keyed=True,
    )
    def post(self, request: Request, chain_id: UUID) -> Response:
        chain = self.chain(chain_id)
        said = self.body(PathWalk)
        self.policy.require("generate", chain)
        before = answered_before(self)
        if before is not None:
            return before
        step = parent_of(chain, said["step"])
        step.chain = chain
        recipe = recipe_of(self.policy, step, said.get("title") or chain.title)
        assets = self.pictures(chain.brand, said["assets"])
        return self.walked(recipe, assets, said, lambda: keep_recipe(self.policy, recipe))
