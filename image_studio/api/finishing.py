"""Finish a cell's draft on a better route: what it would cost, and the order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio import workflow
from image_studio.api import set_rows as rows
from image_studio.api.cells import CellView
from image_studio.api.fields import Body, Text
from image_studio.api.keyed import answered, answered_before
from image_studio.api.operations import operation
from image_studio.api.prompt_rows import FindingRow, finding_row
from image_studio.api.set_orders import price_row
from image_studio.workflow.finish import Finish, finish_matrices, finishes


class FinishOffer(serializers.Serializer):
    """What finishing would make on one route."""

    route = serializers.CharField()
    title = serializers.CharField()
    model = serializers.CharField()
    quality = serializers.CharField()
    pictures = serializers.IntegerField(help_text="That are bought.")
    cells = serializers.IntegerField(help_text="That are composed of them, free.")
    price = rows.Price()
    blocked = serializers.BooleanField(help_text="It cannot be ordered: a finding stands in the way.")
    findings = FindingRow(many=True)
    digest = serializers.CharField(help_text="Send it with the order.")


class FinishOffers(serializers.Serializer):
    """The routes that are better than the draft's own, the cheapest first."""

    routes = FinishOffer(many=True)


class FinishOrder(Body):
    """On which route."""

    route = Text(max_length=40, help_text="As the GET of this address names them.")
    digest = Text(
        max_length=64, required=False, allow_blank=True, help_text="Of the offer you saw: a changed price is refused."
    )


class CellFinish(CellView):
    """From a draft to the finished picture."""

    scopes = {"POST": "spend"}

    @operation(
        "previewFinish",
        "Price finishing a cell's draft",
        description="Nothing is written and nothing spent. No routes where none is better, or none is configured.",
        answers={200: FinishOffers},
        errors=(403, 409),
    )
    def get(self, request: Request, set_id: UUID, cell_id: UUID) -> Response:
        self.only_query()
        cell = self.cell(self.variant_set(set_id), cell_id)
        return Response({"routes": [_offer(one) for one in finishes(self.policy, [cell.pk])]})

    @operation(
        "finishCell",
        "Finish a cell's draft on a better route",
        description=(
            "The bought picture goes along as the first input of an edit with the set's own prompt, for the cell's "
            "channel and all languages of the set. `Location` is the new set; its source is the draft."
        ),
        body=FinishOrder,
        answers={202: rows.SetAccepted},
        errors=(403, 409, 503),
        keyed=True,
    )
    def post(self, request: Request, set_id: UUID, cell_id: UUID) -> Response:
        cell = self.cell(self.variant_set(set_id), cell_id)
        said = self.body(FinishOrder)
        before = answered_before(self)
        if before is not None:
            return before
        (matrix,) = finish_matrices(self.policy, [cell.pk], said["route"])
        plan = workflow.judged(self.policy, matrix, digest=said.get("digest", ""))
        return answered(self, lambda: self.going_on(workflow.order(self.policy, plan), plan.cells))


def _offer(found: Finish) -> dict[str, Any]:
    order = found.order
    return {
        "route": found.route.name,
        "title": found.route.title,
        "model": found.model.id,
        "quality": found.route.quality,
        "pictures": order.pictures,
        "cells": order.cells,
        "price": price_row(order.price),
        "blocked": order.blocked,
        "findings": [finding_row(finding) for finding in order.findings],
        "digest": order.digest,
    }
