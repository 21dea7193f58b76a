"""The cells of a variant set, and what is said to one."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio import workflow
from image_studio.api import set_rows as rows
from image_studio.api.fields import Nothing, TryAgain
from image_studio.api.filters import OneOf, Slug, StudioFilters
from image_studio.api.keyed import answered
from image_studio.api.operations import operation
from image_studio.api.pagination import page
from image_studio.api.polled import polled
from image_studio.api.variant_sets import SetView
from image_studio.models import Variant, VariantSet
from image_studio.states import JOB_ENDED, VARIANT
from image_studio.workflow.sheet import some_cells


class CellFilters(StudioFilters):
    """The list's filters."""

    state = OneOf("state", words=VARIANT.labels, about="What is in the cell.")
    channel = Slug("channel__slug", about="A channel's slug.")


class CellView(SetView):
    """What the addresses of cells share."""

    def rows(self, variant_set: VariantSet, ids: list[UUID]) -> list[dict[str, Any]]:
        """The cells as JSON, in the order of the matrix."""
        assets, jobs = self.address("asset-list"), self.address("job-list")
        return [rows.cell_row(cell, assets, jobs) for cell in some_cells(self.policy, variant_set, ids)]

    def cell(self, variant_set: VariantSet, pk: UUID) -> Variant:
        """:raises Http404: for a cell that is not this set's."""
        found = Variant.objects.select_related("job").filter(variant_set=variant_set, pk=pk).first()
        if found is None:
            raise Http404
        found.variant_set = variant_set
        return found


class CellList(CellView):
    """The cells of a set."""

    filters: ClassVar[Any] = CellFilters

    @operation(
        "listCells",
        "List the cells of a variant set",
        description="In the order of the matrix. `Retry-After` and `ETag` as with the set itself.",
        listed=rows.CellRow,
        parameters=CellFilters.parameters(),
    )
    def get(self, request: Request, set_id: UUID) -> Response:
        variant_set = self.variant_set(set_id)
        found = self.filtered(Variant.objects.filter(variant_set=variant_set), "cursor", "limit")
        url = request.build_absolute_uri()
        body = page(url, request.query_params, found, lambda row: row["id"], ("id",), ("position",))
        body["results"] = self.rows(variant_set, body["results"])
        active = variant_set.jobs.exclude(state__in=JOB_ENDED).exists()
        return polled(request, body, active=active)


class CellCancel(CellView):
    """Stop one cell."""

    @operation(
        "cancelCell",
        "Cancel one cell",
        description="Its picture's job goes too when no other cell waits for it. 409 says what it is by now.",
        answers={200: rows.CellRow},
        errors=(403, 409),
    )
    def post(self, request: Request, set_id: UUID, cell_id: UUID) -> Response:
        variant_set = self.variant_set(set_id)
        cell = self.cell(variant_set, cell_id)
        self.body(Nothing, optional=True)
        workflow.cancel_cell(self.policy, cell)
        return Response(self.rows(variant_set, [cell.pk])[0])


class CellRetry(CellView):
    """Try one cell again."""

    scopes = {"POST": "spend"}

    @operation(
        "retryCell",
        "Try one cell again",
        description="Cells that share its picture come along, where that must be bought again.",
        body=TryAgain,
        optional=True,
        answers={202: rows.SetAccepted},
        errors=(403,),
        keyed=True,
    )
    def post(self, request: Request, set_id: UUID, cell_id: UUID) -> Response:
        variant_set = self.variant_set(set_id)
        cell = self.cell(variant_set, cell_id)
        most = self.body(TryAgain, optional=True).get("most_micro_usd")
        self.policy.require("retry", variant_set)
        return answered(self, lambda: self._again(variant_set, cell), most=most)

    def _again(self, variant_set: VariantSet, cell: Variant) -> tuple[str, dict[str, Any]]:
        workflow.retry_cell(self.policy, cell)
        return self.going_on(variant_set, 1)
