"""*Change this* on any picture: what was asked for, what it would cost, and the order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api.assets import AssetView
from image_studio.api.keyed import answered_before, answered_drawn
from image_studio.api.operations import operation
from image_studio.api.step_orders import (
    ChangeBody,
    ChangeQuestion,
    OrderRow,
    StepPreviewRow,
    order_of,
    order_row,
    preview_row,
    routed,
)
from image_studio.api.step_rows import StepAccepted, accepted
from image_studio.models import EditStep
from image_studio.workflow.changing import (
    asked_change,
    base_of,
    chain_of,
    change_offers,
    change_preview,
    judged_change,
    place_change,
)


class AskedChange(serializers.Serializer):
    """A reviewer's wish."""

    review = serializers.UUIDField()
    by = serializers.CharField()
    note = serializers.CharField()
    created_at = serializers.DateTimeField()
    order = OrderRow(help_text="Ready to be asked of a route.")


class ChangeState(serializers.Serializer):
    """From where a change of this picture would grow."""

    base = serializers.UUIDField(help_text="The picture that is sent: below logo and words, where there are any.")
    chain = serializers.UUIDField(allow_null=True, help_text="Your edit chain that shows it; null: a new one is begun.")
    step = serializers.IntegerField(allow_null=True)
    candidate = serializers.IntegerField(allow_null=True)
    asked = AskedChange(allow_null=True, help_text="What a reviewer asked to be different.")
    actions = serializers.ListField(child=serializers.CharField(), help_text="What you may do now.")


class Change(AssetView):
    """A change of one picture."""

    scopes = {"POST": "spend"}

    @operation(
        "getChange",
        "See from where a change would grow, and what a reviewer asked for",
        answers={200: ChangeState},
    )
    def get(self, request: Request, asset_id: UUID) -> Response:
        self.only_query()
        asset = self.asset(asset_id)
        found, asked = chain_of(self.policy, asset), asked_change(self.policy, asset)
        wish = None
        if asked is not None:
            review, order = asked
            wish = {
                "review": review.pk,
                "by": review.reviewer_label,
                "note": review.note,
                "created_at": review.created_at,
                "order": order_row(order.to_dict()),
            }
        chain, step, index = found or (None, None, None)
        return Response(
            {
                "base": base_of(asset).pk,
                "chain": chain.pk if chain else None,
                "step": step.number if step else None,
                "candidate": index,
                "asked": wish,
                "actions": ["change"] if asset.publishable and self.policy.can("generate", asset) else [],
            }
        )

    @operation(
        "changeThis",
        "Change a picture",
        description=(
            "Spends up to the price of its preview. The edit chain is made silently, or goes on where the picture "
            "stands in one of yours; `Location` is the new step. Places are fractions of the picture as it is shown."
        ),
        body=ChangeBody,
        answers={202: StepAccepted},
        errors=(403, 503),
        keyed=True,
    )
    def post(self, request: Request, asset_id: UUID) -> Response:
        asset = self.asset(asset_id)
        said = self.body(ChangeBody)
        before = answered_before(self)
        if before is not None:
            return before
        found = judged_change(self.policy, asset, order_of(said), digest=said.get("digest", ""))
        return answered_drawn(self, lambda: self._going_on(place_change(self.policy, asset, found)), found.drawn)

    def _going_on(self, step: EditStep) -> tuple[str, dict[str, Any]]:
        body = accepted(step, self.address("chain-detail", step.chain_id))
        return body["url"], body


class ChangePreview(AssetView):
    """The price of a change."""

    @operation(
        "previewChange",
        "Price a change and hear what stands in its way",
        description="Nothing is written and nothing spent. `routes` has what every other route would make of it.",
        body=ChangeQuestion,
        answers={200: StepPreviewRow},
        errors=(403, 409, 503),
    )
    def post(self, request: Request, asset_id: UUID) -> Response:
        asset = self.asset(asset_id)
        order = order_of(self.body(ChangeQuestion))
        offers = change_offers(self.policy, asset, order)
        return Response(preview_row(change_preview(self.policy, asset, routed(order, offers)), offers))
