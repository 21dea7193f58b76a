"""What belongs to a picture: its bytes, its files, its family, what the checks say."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework import exceptions as drf
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio import storage
from image_studio.api import asset_rows as rows
from image_studio.api.assets import AssetView
from image_studio.api.files import served, unchanged
from image_studio.api.operations import operation, query
from image_studio.models import CHECK_KINDS, VERDICTS, Asset
from image_studio.wording import explain
from image_studio.workflow.library import FILES, file_for

#: A family is shown this far up, and so many children of it.
GENERATIONS, CHILDREN = 20, 200


class AssetContent(AssetView):
    """The bytes."""

    @operation(
        "getAssetContent",
        "Fetch a picture's bytes",
        description=(
            "`preview` is small; `full` is upright, in sRGB and without client metadata; `original` is what came in, "
            "byte for byte, for brand managers and as an attachment; `drift` is the heat map of an edit, a PNG to lay "
            "over it, and 404 for what is no edit."
        ),
        answers={(200, "image/*"): OpenApiTypes.BINARY, 304: None},
        errors=(403, 503),
        parameters=(query("which", "Which file.", {"type": "string", "enum": list(FILES), "default": "full"}),),
    )
    def get(self, request: Request, asset_id: UUID) -> HttpResponse:
        self.only_query("which")
        which = request.query_params.get("which", "full")
        if which not in FILES:
            raise drf.ValidationError({"which": [f"{', '.join(FILES)}"]})
        asset = self.asset(asset_id)
        self.policy.require("original" if which == "original" else "view", asset)
        # An asset never changes, so its id names its bytes; weak, because an encoder's next version may write others.
        etag = f'W/"{asset.pk.hex}-{which}"'
        if which == "drift" and not asset.renditions.filter(spec="drift").exists():
            raise drf.NotFound
        return unchanged(request, etag) or served(file_for(self.policy, asset, which), etag)


class RenditionRow(serializers.Serializer):
    """A derived file."""

    spec = serializers.CharField(help_text="`preview`, `w960.webp`.")
    public = serializers.BooleanField()
    format = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    weight = serializers.IntegerField(help_text="In bytes.")
    url = serializers.URLField()


class Renditions(AssetView):
    """Derived files."""

    FIELDS = ("spec", "public", "format", "width", "height", "weight", "file")

    @operation("listRenditions", "List a picture's derived files", listed=RenditionRow)
    def get(self, request: Request, asset_id: UUID) -> Response:
        asset = self.asset(asset_id)
        private = self.address("asset-content", asset.pk)

        def make(row: dict[str, Any]) -> dict[str, Any]:
            name = row.pop("file")
            url = f"{private}?which={'drift' if row['spec'] == 'drift' else 'preview'}"
            return {**row, "url": request.build_absolute_uri(storage.public().url(name)) if row["public"] else url}

        return self.listed(request, asset.renditions.all(), make, self.FIELDS, order=("id",))


class Lineage(serializers.Serializer):
    """A picture's family, as far as you may see it."""

    ancestors = rows.AssetRow(many=True, help_text="What it was made of, nearest first.")
    children = rows.AssetRow(many=True, help_text="What was made of it, newest first.")


class AssetLineage(AssetView):
    """Where a picture came from, and what came of it."""

    @operation("getLineage", "Show what a picture was made of, and what was made of it", answers={200: Lineage})
    def get(self, request: Request, asset_id: UUID) -> Response:
        self.only_query()
        asset = self.asset(asset_id)
        visible = self.policy.visible(Asset.objects.all())
        make = rows.row_maker(self.address("asset-list"))
        ancestors: list[dict[str, Any]] = []
        parent_id = asset.parent_id
        while parent_id and len(ancestors) < GENERATIONS:
            row = visible.filter(pk=parent_id).values(*rows.FIELDS).first()
            if row is None:
                break
            ancestors.append(make(row))
            parent_id = row["parent_id"]
        children = visible.filter(parent=asset).order_by("-id").values(*rows.FIELDS)[:CHILDREN]
        return Response({"ancestors": ancestors, "children": [make(row) for row in children]})


class VerdictRow(serializers.Serializer):
    """What one check says of a picture. `not_run` is never a pass."""

    check = serializers.CharField()
    kind = serializers.ChoiceField(choices=list(CHECK_KINDS.items()))
    verdict = serializers.ChoiceField(choices=list(VERDICTS.items()))
    blocks = serializers.BooleanField(help_text="Whether a failure of it forbids approval.")
    code = serializers.CharField()
    words = serializers.CharField(help_text="The code as a sentence, in your language.")
    score = serializers.FloatField(allow_null=True)
    region = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="Left, top, width and height, as fractions."
    )
    rule = serializers.CharField(help_text="The version of the rule.")
    created_at = serializers.DateTimeField()


VERDICT_FIELDS = ("check_name", "kind", "verdict", "blocks", "code", "params", "score", "region", "rule", "created_at")


def verdict_row(row: dict[str, Any]) -> dict[str, Any]:
    """:class:`VerdictRow` of ``values(*VERDICT_FIELDS)``."""
    params = row.pop("params")
    return {"check": row.pop("check_name"), **row, "words": explain(row["code"], params)}


class Verdicts(AssetView):
    """What the checks say."""

    @operation("listVerdicts", "List what the checks say of a picture", listed=VerdictRow)
    def get(self, request: Request, asset_id: UUID) -> Response:
        found = self.asset(asset_id).verdicts.all()
        return self.listed(request, found, verdict_row, VERDICT_FIELDS, order=("id",))
