"""An edit chain as a file: out for backups and other sites, in from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api.asset_rows import File
from image_studio.api.chain_rows import ChainRow
from image_studio.api.chains import ChainView
from image_studio.api.fields import Body, Text
from image_studio.api.files import HEADERS
from image_studio.api.operations import operation
from image_studio.api.parsers import MultiPartParser
from image_studio.api.problems import TooLarge
from image_studio.workflow.chain_export import export_chain
from image_studio.workflow.chain_import import import_chain
from image_studio.workflow.chain_pack import MOST_ARCHIVE


class ArchiveParser(MultiPartParser):
    """A form with an archive, which holds many pictures."""

    most = MOST_ARCHIVE


class NewImport(Body):
    """A form with an archive."""

    brand = Text(max_length=64, help_text="The brand's slug.")
    file = File(use_url=False, help_text="The ZIP that an export gave.")


class Imported(ChainRow):
    """A chain that came in."""

    again = serializers.BooleanField(help_text="Whether you had imported this archive before.")


class ChainArchive(ChainView):
    """All of a chain in one file."""

    @operation(
        "getChainArchive",
        "Export an edit chain as a ZIP",
        description=(
            "`chain.json` and every picture, mask and drawing: enough to rebuild the tree on another site. What was "
            "uploaded comes byte for byte only for who may fetch originals, else as a clean copy of the same pixels. "
            "What you may not see is left out and named."
        ),
        answers={(200, "application/zip"): OpenApiTypes.BINARY},
        errors=(503,),
    )
    def get(self, request: Request, chain_id: UUID) -> FileResponse:
        self.only_query()
        packed = export_chain(self.policy, self.chain(chain_id))
        headers = {**HEADERS, "Cache-Control": "private, no-store"}
        return FileResponse(
            packed.file, as_attachment=True, filename=packed.name, content_type="application/zip", headers=headers
        )


class ChainImport(ChainView):
    """A chain of another site."""

    parser_classes: ClassVar[Sequence[Any]] = (ArchiveParser,)
    scopes: ClassVar[Mapping[str, str]] = {"POST": "upload"}

    @operation(
        "importChain",
        "Import an edit chain",
        description=(
            "The ZIP of an export. Nothing is bought, and no picture comes in approved. What the archive says of its "
            "pictures can make them more artificial and end their rights earlier, never the reverse. The same archive "
            "again answers 200 with the chain that is there already."
        ),
        body={"multipart/form-data": NewImport},
        answers={200: Imported, 201: Imported},
        errors=(403, 404, 503),
    )
    def post(self, request: Request) -> Response:
        said = self.body(NewImport)
        brand = self.brand(said["brand"], "ingest")
        if said["file"].size > MOST_ARCHIVE:
            raise TooLarge("request.too_large", most=f"{MOST_ARCHIVE / 1_000_000:g} MB")
        done = import_chain(self.policy, brand, said["file"].file)
        body = {**self.row(done.chain), "again": done.again}
        return Response(body, status=200 if done.again else 201, headers={"Location": body["url"]})
