"""The steps of an edit chain: price, order, look, decide."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api import step_rows as rows
from image_studio.api.chains import ChainView
from image_studio.api.fields import Nothing, TryAgain
from image_studio.api.keyed import answered, answered_before, answered_drawn
from image_studio.api.operations import operation
from image_studio.api.pagination import page
from image_studio.api.polled import polled
from image_studio.api.recipe_rows import RecipeRow, columns_of, recipe_row
from image_studio.api.reviews import WorkRow
from image_studio.api.step_orders import (
    MOST_NUMBER,
    StepBody,
    StepPreviewRow,
    StepQuestion,
    order_of,
    preview_row,
    routed,
)
from image_studio.models import EditChain, EditStep
from image_studio.workflow import chains as verbs
from image_studio.workflow.changing import take
from image_studio.workflow.recipes import save_recipe
from image_studio.workflow.step_orders import drawn_for, judged_step, place
from image_studio.workflow.steps import preview_step, step_offers
from image_studio.workflow.tree import Node, Tree, tree


class StepView(ChainView):
    """What the addresses of steps share."""

    def step(self, chain: EditChain, number: int) -> EditStep:
        """:raises Http404: for a number that the chain does not have."""
        rows_ = chain.steps.select_related("job").filter(number=number) if number <= MOST_NUMBER else None
        found = rows_.first() if rows_ is not None else None
        if found is None:
            raise Http404
        found.chain = chain
        return found

    def one(self, found: Tree, node: Node) -> dict[str, Any]:
        """The step as JSON, on its own."""
        urls = {
            "assets": self.address("asset-list"),
            "jobs": self.address("job-list"),
            "step": self.address("chain-step", found.chain.pk, node.number),
        }
        return rows.step_detail(found, node, self.may(found.chain), urls)

    def again(self, chain_id: UUID, number: int) -> dict[str, Any]:
        """The step as it stands now.

        :raises Http404: for a number that the chain does not have.
        """
        found = tree(self.policy, self.chain(chain_id))
        node = found.node(number)
        if node is None:
            raise Http404
        return self.one(found, node)


class StepList(StepView):
    """The steps of a chain."""

    scopes = {"POST": "spend"}

    @operation(
        "listSteps",
        "List the steps of an edit chain",
        description="In the order in which they were asked for. `Retry-After` and `ETag` as with the chain itself.",
        listed=rows.StepRow,
    )
    def get(self, request: Request, chain_id: UUID) -> Response:
        chain = self.chain(chain_id)
        found = self.filtered(chain.steps.all(), "cursor", "limit")
        url = request.build_absolute_uri()
        body = page(url, request.query_params, found, lambda row: row["number"], ("number",), ("number",))
        whole, may = tree(self.policy, chain), self.may(chain)
        nodes = {node.number: node for node in whole.nodes}
        body["results"] = [rows.step_row(whole, nodes[number], may) for number in body["results"] if number in nodes]
        return polled(request, body, active=whole.active)

    @operation(
        "createStep",
        "Ask for a step",
        description=(
            "Spends up to the price of its preview. Where the parent is undecided, the picture that this one grows "
            "from counts as its choice."
        ),
        body=StepBody,
        answers={202: rows.StepAccepted},
        errors=(403, 503),
        keyed=True,
    )
    def post(self, request: Request, chain_id: UUID) -> Response:
        chain = self.chain(chain_id)
        said = self.body(StepBody)
        before = answered_before(self)
        if before is not None:
            return before
        plan = judged_step(preview_step(self.policy, chain, order_of(said)), digest=said.get("digest", ""))
        drawn = drawn_for(plan)
        return answered_drawn(self, lambda: self.going_on(place(self.policy, chain, plan, drawn)), drawn)


class StepPreview(StepView):
    """The price of a step."""

    @operation(
        "previewStep",
        "Price a step and hear what stands in its way",
        description="Nothing is written and nothing spent. `routes` has what every other route would make of it.",
        body=StepQuestion,
        answers={200: StepPreviewRow},
        errors=(403, 409),
    )
    def post(self, request: Request, chain_id: UUID) -> Response:
        chain = self.chain(chain_id)
        order = order_of(self.body(StepQuestion))
        offers = step_offers(self.policy, chain, order)
        return Response(preview_row(preview_step(self.policy, chain, routed(order, offers)), offers))


class StepDetails(StepView):
    """One step: what a client polls after it was accepted."""

    @operation(
        "getStep",
        "Look at a step",
        description="`Retry-After` says when to ask again while it is made; send `ETag` back as `If-None-Match`.",
        answers={200: rows.StepDetail, 304: None},
    )
    def get(self, request: Request, chain_id: UUID, number: int) -> Response:
        self.only_query()
        found = tree(self.policy, self.chain(chain_id))
        node = found.node(number)
        if node is None:
            raise Http404
        return polled(request, self.one(found, node), active=not node.over)


class StepChoose(StepView):
    """One of its pictures."""

    @operation(
        "chooseCandidate",
        "Choose a picture of a step and go on from there",
        description="The head moves to the step.",
        body=rows.Choosing,
        answers={200: rows.StepDetail},
        errors=(403, 409),
    )
    def post(self, request: Request, chain_id: UUID, number: int) -> Response:
        step = self.step(self.chain(chain_id), number)
        said = self.body(rows.Choosing)
        verbs.choose(self.policy, step, said["candidate"], seen=said.get("head"))
        return Response(self.again(chain_id, number))


class StepReject(StepView):
    """None of its pictures."""

    @operation(
        "rejectStep",
        "Reject a step, with a reason",
        description="It stays in the tree. A head there moves back to its parent.",
        body=rows.Rejecting,
        answers={200: rows.StepDetail},
        errors=(403, 409),
    )
    def post(self, request: Request, chain_id: UUID, number: int) -> Response:
        step = self.step(self.chain(chain_id), number)
        verbs.reject_step(self.policy, step, **self.body(rows.Rejecting))
        return Response(self.again(chain_id, number))


class StepUndecide(StepView):
    """Neither."""

    @operation(
        "undecideStep",
        "Take a choice or a rejection back",
        body=Nothing,
        optional=True,
        answers={200: rows.StepDetail},
        errors=(403, 409),
    )
    def post(self, request: Request, chain_id: UUID, number: int) -> Response:
        step = self.step(self.chain(chain_id), number)
        self.body(Nothing, optional=True)
        verbs.undecide(self.policy, step)
        return Response(self.again(chain_id, number))


class StepCancel(StepView):
    """Stop."""

    @operation(
        "cancelStep",
        "Cancel a step",
        description=(
            "Before it started it ends, uncharged. While it is made it is asked to stop: what comes is kept. Planned "
            "steps after it are cancelled too. After its end: 409."
        ),
        body=Nothing,
        optional=True,
        answers={200: rows.StepDetail},
        errors=(403, 409),
    )
    def post(self, request: Request, chain_id: UUID, number: int) -> Response:
        step = self.step(self.chain(chain_id), number)
        self.body(Nothing, optional=True)
        verbs.cancel_step(self.policy, step)
        return Response(self.again(chain_id, number))


class StepRetry(StepView):
    """Try again."""

    scopes = {"POST": "spend"}

    @operation(
        "retryStep",
        "Try a step again that brought nothing",
        description=(
            "May spend as much as it was estimated at. A step of unknown outcome may have been charged and is never "
            "sent again: 409."
        ),
        body=TryAgain,
        optional=True,
        answers={202: rows.StepAccepted},
        errors=(403,),
        keyed=True,
    )
    def post(self, request: Request, chain_id: UUID, number: int) -> Response:
        step = self.step(self.chain(chain_id), number)
        most = self.body(TryAgain, optional=True).get("most_micro_usd")
        self.policy.require("retry", step.chain)
        return answered(self, lambda: self._again(step), most=most)

    def _again(self, step: EditStep) -> tuple[str, dict[str, Any]]:
        verbs.retry_step(self.policy, step)
        return self.going_on(step)


class StepTake(StepView):
    """Back on the contact sheet."""

    @operation(
        "takeStep",
        "Put a step's picture in its place on the contact sheet",
        description=(
            "In all cells that share that picture, composed anew with logo and words. Buys nothing. `Location` is the "
            "job that composes."
        ),
        body=rows.Picking,
        optional=True,
        answers={202: WorkRow},
        errors=(403,),
        keyed=True,
    )
    def post(self, request: Request, chain_id: UUID, number: int) -> Response:
        step = self.step(self.chain(chain_id), number)
        said = self.body(rows.Picking, optional=True)
        self.policy.require("generate", step.chain)
        return answered(self, lambda: self._taken(step, said.get("candidate")))

    def _taken(self, step: EditStep, index: int | None) -> tuple[str, dict[str, Any]]:
        job = take(self.policy, step, index)
        body = {"id": job.pk, "kind": job.kind, "state": job.state, "asset": job.asset_id}
        return self.address("job-detail", job.pk), body


class StepRecipe(StepView):
    """The way there, to be walked again."""

    @operation(
        "createRecipe",
        "Keep the path to a step as a recipe",
        body=rows.Naming,
        answers={201: RecipeRow},
        errors=(403, 409),
    )
    def post(self, request: Request, chain_id: UUID, number: int) -> Response:
        step = self.step(self.chain(chain_id), number)
        recipe = save_recipe(self.policy, step, self.body(rows.Naming)["name"])
        body = recipe_row(columns_of(recipe), self.address("recipe-detail", recipe.pk))
        return Response(body, status=201, headers={"Location": body["url"]})
