"""Masks and drawings of an edit chain: painted, or told in fractions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api.asset_rows import File
from image_studio.api.base import UploadView
from image_studio.api.chains import ChainView
from image_studio.api.fields import Body, Choice, misfit
from image_studio.api.files import served, unchanged
from image_studio.api.operations import operation
from image_studio.api.problems import TooLarge
from image_studio.api.step_orders import (
    MOST_INDEX,
    MOST_NUMBER,
    candidate_index,
    polygons_field,
    region_field,
    step_number,
)
from image_studio.conf import conf
from image_studio.models import FILE_ROLES, Asset, EditChain, EditFile
from image_studio.workflow.edit_files import add_markup, add_mask, edit_file_for
from image_studio.workflow.step_asking import parent_of, picture_of

READS = {
    "clear": _("What is transparent"),
    "painted": _("What is painted on a clear layer"),
    "white": _("What is white"),
    "black": _("What is black"),
}
OF_STEP = "The step whose picture it is for; the head by itself."


class ToldMask(Body):
    """A mask in fractions of the picture."""

    step = step_number(OF_STEP, required=False, allow_null=True)
    candidate = candidate_index("The chosen one by itself, or the only one.", required=False, allow_null=True)
    region = region_field("The one rectangle that may change")
    polygons = polygons_field("What may change")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """:raises ValidationError: unless it says one of rectangle and polygons."""
        if bool(attrs.get("region")) == bool(attrs.get("polygons")):
            raise misfit({"region": [_("Say a region or polygons: one of them.")]})
        return attrs


@extend_schema_field({"type": "boolean"})
class FlagInForm(serializers.BooleanField):
    """``true`` or ``false`` as a field of a form has it."""


class PaintedMask(Body):
    """A form with a mask or a drawing."""

    file = File(use_url=False, help_text="PNG, WebP or JPEG of the picture's own size; a drawing needs transparency.")
    step = serializers.IntegerField(min_value=1, max_value=MOST_NUMBER, required=False, help_text=OF_STEP)
    candidate = serializers.IntegerField(
        min_value=0, max_value=MOST_INDEX, required=False, help_text="The chosen one by itself, or the only one."
    )
    role = Choice(choices=list(FILE_ROLES.items()), required=False, help_text="`mask` by itself.")
    reads = Choice(
        choices=list(READS.items()), required=False, help_text="Which part of a mask may change; `clear` by itself."
    )
    scale = FlagInForm(required=False, help_text="Take a mask of the same shape at another size.")


class EditFileRow(serializers.Serializer):
    """A mask or a drawing."""

    id = serializers.UUIDField(help_text="Name it as `mask` or `markup` of a step.")
    url = serializers.URLField()
    role = serializers.ChoiceField(choices=list(FILE_ROLES.items()))
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True, help_text="Of the area that may change, 0 to 1.")
    bounds = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="Around it: left, top, width and height."
    )


class MaskList(ChainView, UploadView):
    """A new mask or drawing."""

    @operation(
        "createMask",
        "Add a mask or a drawing",
        description=(
            "As a form with a file, painted the way that `reads` says, or as JSON with a rectangle or polygons. A mask "
            "that is empty, full, of another shape or heavier than 4 MB is refused with words."
        ),
        body={"multipart/form-data": PaintedMask, "application/json": ToldMask},
        answers={201: EditFileRow},
        errors=(403, 409, 503),
    )
    def post(self, request: Request, chain_id: UUID) -> Response:
        chain = self.chain(chain_id)
        painted = (request.content_type or "").startswith("multipart/")
        said = self.body(PaintedMask if painted else ToldMask)
        self.policy.require("generate", chain)
        _index, asset = picture_of(parent_of(chain, said.get("step")), said.get("candidate"))
        self.policy.require("view", asset)
        row = self._painted(chain, asset, said) if painted else self._told(chain, asset, said)
        body = self._row(row)
        return Response(body, status=201, headers={"Location": body["url"]})

    def _told(self, chain: EditChain, asset: Asset, said: dict[str, Any]) -> EditFile:
        region = tuple(said["region"]) if said.get("region") else None
        polygons = tuple(tuple((x, y) for x, y in points) for points in said.get("polygons", ()))
        return add_mask(self.policy, chain, asset, region=region, polygons=polygons)

    def _painted(self, chain: EditChain, asset: Asset, said: dict[str, Any]) -> EditFile:
        file, most = said["file"], conf().max_upload_bytes
        if file.size > most:
            raise TooLarge("request.too_large", most=f"{most / 1_000_000:g} MB")
        if said.get("role") == "markup":
            return add_markup(self.policy, chain, asset, file.read())
        how = {"reads": said.get("reads", "clear"), "scale": said.get("scale", False)}
        return add_mask(self.policy, chain, asset, data=file.read(), **how)

    def _row(self, row: EditFile) -> dict[str, Any]:
        return {
            "id": row.pk,
            "url": self.address("chain-file", row.chain_id, row.pk),
            "role": row.role,
            "width": row.width,
            "height": row.height,
            "share": row.told.get("share"),
            "bounds": row.told.get("bounds"),
        }


class ChainFile(ChainView):
    """The bytes of a mask or a drawing."""

    @operation(
        "getChainFile",
        "Fetch a mask or a drawing",
        description="The PNG exactly as it is sent: of a mask, what is transparent may change.",
        answers={(200, "image/png"): OpenApiTypes.BINARY, 304: None},
        errors=(503,),
    )
    def get(self, request: Request, chain_id: UUID, file_id: UUID) -> HttpResponse:
        self.only_query()
        chain = self.chain(chain_id)
        row = EditFile.objects.filter(chain=chain, pk=file_id).first()
        if row is None:
            raise Http404
        row.chain = chain
        etag = f'"{row.sha256}"'
        return unchanged(request, etag) or served(edit_file_for(self.policy, row), etag)
