"""Variant sets: price a matrix, order it, watch it, change it."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio import workflow
from image_studio.api import set_rows as rows
from image_studio.api.base import StudioView
from image_studio.api.cost_rows import cost_row
from image_studio.api.fields import Nothing, TryAgain
from image_studio.api.files import HEADERS
from image_studio.api.filters import Filter, Slug, StudioFilters, yes_no
from image_studio.api.keyed import answered, answered_before
from image_studio.api.operations import operation
from image_studio.api.option_rows import options_of
from image_studio.api.polled import polled
from image_studio.api.set_orders import lines_of, matrix_of, preview_of
from image_studio.exceptions import InvalidRequest
from image_studio.models import VariantSet
from image_studio.workflow.archive import archive
from image_studio.workflow.costs import cost_of

#: Of what a sheet allows, the verbs that are said to a set.
VERBS = ("cancel", "retry", "recompose")


class SetFilters(StudioFilters):
    """The list's filters."""

    brand = Slug("brand__slug", about="A brand's slug.")
    route = Filter("route", about="A route's name.")
    finished = yes_no("Whether it is over.", method="by_end")

    def by_end(self, found: QuerySet[VariantSet], _name: str, value: str) -> QuerySet[VariantSet]:
        return found.filter(finished_at__isnull=value == "false")


class SetView(StudioView):
    """What the addresses of variant sets share."""

    tag = "variant-sets"

    def variant_set(self, pk: UUID) -> VariantSet:
        """:raises Http404: as :meth:`~image_studio.api.base.StudioView.found`."""
        beside = ("brand__revision", "prompt_version")
        found: VariantSet = self.found(VariantSet.objects.select_related(*beside), pk=pk)
        return found

    def url_of(self, pk: Any) -> str:
        """The absolute address of a set."""
        return self.address("variant-set-detail", pk)

    def going_on(self, variant_set: VariantSet, cells: int, job: UUID | None = None) -> tuple[str, dict[str, Any]]:
        """Where to look for work that was accepted, and what is said of it."""
        url = self.url_of(variant_set.pk)
        return url, {"id": variant_set.pk, "url": url, "cells": cells, "job": job}

    def detail(self, variant_set: VariantSet) -> dict[str, Any]:
        """The set as JSON, with its progress and what this person may do."""
        found, url = workflow.sheet(self.policy, variant_set, evidence=False), self.url_of(variant_set.pk)
        return {
            **rows.set_row(rows.columns_of(variant_set), url),
            "prompt_text": variant_set.prompt_text,
            "variables": variant_set.variables,
            "texts": variant_set.texts,
            "options": options_of(variant_set.matrix),
            "progress": rows.progress_of(found),
            "micro_usd": found.micro_usd,
            "estimate_micro_usd": found.estimate_micro_usd,
            "left_micro_usd": found.left_micro_usd,
            "cost": cost_row(cost_of(self.policy, variant_set=variant_set.pk)),
            "cells_url": f"{url}cells/",
            "archive_url": f"{url}archive/",
            "actions": [verb for verb in VERBS if verb in found.can],
        }


class SetList(SetView):
    """The sets of your brands."""

    filters: ClassVar[Any] = SetFilters
    scopes = {"POST": "spend"}

    @operation(
        "listVariantSets",
        "List variant sets",
        description="Of all brands that you are in, newest first.",
        listed=rows.SetRow,
        parameters=SetFilters.parameters(),
    )
    def get(self, request: Request) -> Response:
        base = self.address("variant-set-list")
        found = self.policy.visible(VariantSet.objects.all())
        return self.listed(request, found, lambda row: rows.set_row(row, f"{base}{row['id']}/"), rows.FIELDS)

    @operation(
        "createVariantSet",
        "Order a variant set",
        description="Spends up to the price of its preview. The work goes on after the answer: look at `Location`.",
        body=rows.SetOrder,
        answers={202: rows.SetAccepted},
        errors=(403, 404, 503),
        keyed=True,
    )
    def post(self, request: Request) -> Response:
        said = self.body(rows.SetOrder)
        before = answered_before(self)
        if before is not None:
            return before
        matrix = matrix_of(self.policy, self.brand(said["brand"], "generate"), said)
        plan = workflow.judged(self.policy, matrix, digest=said.get("digest", ""))
        return answered(self, lambda: self.going_on(workflow.order(self.policy, plan), plan.cells))


class SetPreview(SetView):
    """The price of a matrix."""

    @operation(
        "previewVariantSet",
        "Price a matrix and hear what stands in its way",
        description="Nothing is written and nothing spent. Every layout is tried, every prompt term looked at.",
        body=rows.MatrixBody,
        answers={200: rows.SetPreview},
        errors=(403, 404, 503),
    )
    def post(self, request: Request) -> Response:
        said = self.body(rows.MatrixBody)
        matrix = matrix_of(self.policy, self.brand(said["brand"], "generate"), said)
        return Response(preview_of(self.policy, workflow.preview(self.policy, matrix)))


class SetDetail(SetView):
    """One set: what a client polls."""

    @operation(
        "getVariantSet",
        "Look at a variant set",
        description="`Retry-After` says when to ask again while it is active; send `ETag` back as `If-None-Match`.",
        answers={200: rows.SetDetail, 304: None},
    )
    def get(self, request: Request, set_id: UUID) -> Response:
        body = self.detail(self.variant_set(set_id))
        # The time left changes by itself; what a client waits for does not.
        facts = {**body, "progress": {**body["progress"], "seconds_left": None}}
        return polled(request, body, active=body["progress"]["active"], facts=facts)


class SetCancel(SetView):
    """Stop."""

    @operation(
        "cancelVariantSet",
        "Cancel what has not come yet",
        description="What has not started costs nothing. A picture that is being made is kept, and marked unwanted.",
        answers={200: rows.SetDetail},
        errors=(403, 409),
    )
    def post(self, request: Request, set_id: UUID) -> Response:
        variant_set = self.variant_set(set_id)
        self.body(Nothing, optional=True)
        workflow.cancel(self.policy, variant_set)
        return Response(self.detail(self.variant_set(set_id)))


class SetRetry(SetView):
    """Try again."""

    scopes = {"POST": "spend"}

    @operation(
        "retryVariantSet",
        "Try again what failed or was cancelled",
        description=(
            "What never brought a picture is bought again; cells whose picture is there are composed again, free. "
            "What may have been charged without an answer is left alone."
        ),
        body=TryAgain,
        optional=True,
        answers={202: rows.SetAccepted},
        errors=(403,),
        keyed=True,
    )
    def post(self, request: Request, set_id: UUID) -> Response:
        variant_set = self.variant_set(set_id)
        most = self.body(TryAgain, optional=True).get("most_micro_usd")
        self.policy.require("retry", variant_set)
        return answered(self, lambda: self.going_on(variant_set, workflow.retry(self.policy, variant_set)), most=most)


class SetRecompose(SetView):
    """New words and logos on the pictures that are there."""

    @operation(
        "recomposeVariantSet",
        "Set texts and logos anew",
        description="With the brand's newest kit. Makes new pictures of those that are there and buys nothing.",
        body=rows.NewTexts,
        optional=True,
        answers={202: rows.SetAccepted},
        errors=(403,),
        keyed=True,
    )
    def post(self, request: Request, set_id: UUID) -> Response:
        variant_set = self.variant_set(set_id)
        texts = self.body(rows.NewTexts, optional=True).get("texts")
        self.policy.require("recompose", variant_set)
        self._judge(variant_set, texts or {})
        return answered(self, lambda: self._recomposed(variant_set, texts))

    def _judge(self, variant_set: VariantSet, texts: dict[str, Any]) -> None:
        known = lines_of(variant_set.brand)
        for line in texts:
            if line not in known:
                raise InvalidRequest("request.unknown_line", line=line, known=", ".join(sorted(known)))

    def _recomposed(self, variant_set: VariantSet, texts: dict[str, Any] | None) -> tuple[str, dict[str, Any]]:
        job = workflow.recompose(self.policy, variant_set, texts=texts)
        cells = len(job.request["variants"]) if job else 0
        return self.going_on(variant_set, cells, job.pk if job else None)


class SetArchive(SetView):
    """All of it in one file."""

    @operation(
        "getVariantSetArchive",
        "Download the finished pictures as a ZIP",
        description="With a manifest. What is not approved lies in a folder of its own.",
        answers={(200, "application/zip"): OpenApiTypes.BINARY},
        errors=(503,),
    )
    def get(self, request: Request, set_id: UUID) -> FileResponse:
        packed = archive(self.policy, self.variant_set(set_id))
        headers = {**HEADERS, "Cache-Control": "private, no-store"}
        return FileResponse(
            packed.file, as_attachment=True, filename=packed.name, content_type="application/zip", headers=headers
        )
