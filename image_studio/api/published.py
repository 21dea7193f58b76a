"""What everybody may see, without signing in and out of any cache: never a private word, path or price."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api import pagination
from image_studio.api.asset_rows import Alt, Focal
from image_studio.api.base import OpenView
from image_studio.api.filters import WORDS, Filter, Locale, Slug, StudioFilters
from image_studio.api.operations import operation
from image_studio.api.rendering import dump
from image_studio.brand.plan import label_for
from image_studio.conf import conf
from image_studio.imaging.decode import MIMES
from image_studio.models import Asset
from image_studio.workflow.browse import search_told
from image_studio.workflow.released import files_of, released
from image_studio.workflow.showing import PLAIN

LABELS = ("ai", "composite")


class Source(serializers.Serializer):
    """A file to choose from."""

    type = serializers.CharField(help_text="`image/avif`, for `<source type>`.")
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    url = serializers.URLField()


class Placeholder(serializers.Serializer):
    """What to show until the picture is there: a grid of average colours, row by row."""

    columns = serializers.IntegerField()
    rows = serializers.IntegerField()
    colours = serializers.ListField(child=serializers.CharField())


class PublishedRow(serializers.Serializer):
    """A published picture."""

    id = serializers.UUIDField()
    alt = Alt()
    locale = serializers.CharField(help_text="The language that is written on it; empty for none.")
    channel = serializers.CharField(allow_null=True)
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    focal = Focal(allow_null=True)
    placeholder = Placeholder(allow_null=True)
    source_type = serializers.CharField(help_text="IPTC digital source type.")
    label = serializers.ChoiceField(
        choices=LABELS, allow_null=True, help_text="What the truth asks you to say beside it; null is nothing."
    )
    sources = Source(many=True, help_text="Narrowest first, of each type.")
    fallback = Source(allow_null=True, help_text="The widest that every browser shows.")
    updated = serializers.DateTimeField()


FIELDS = (
    *("id", "alt", "locale", "width", "height", "source_type", "focal_x", "focal_y", "published_at", "expires_at"),
    *("channel__slug", "created_at", "colours"),
)


class PublishedFilters(StudioFilters):
    """What a page asks for."""

    brand = Slug("brand__slug", about="A brand's slug.")
    channel = Slug("channel__slug", about="A channel's slug.")
    locale = Locale("locale", about="The language that is written on it.")
    tag = Filter(method="by_tag", about="A tag, whole.")
    q = Filter(method="by_words", about="Words of its title, alt texts and tags.", shape=WORDS)

    def by_tag(self, found: QuerySet[Asset], _name: str, value: str) -> QuerySet[Asset]:
        # Tags stand line by line among the words; an array of JSON cannot be asked on every database.
        return found.filter(words__contains=value.strip().lower()).filter(tags__icontains=f'"{value.strip().lower()}"')

    def by_words(self, found: QuerySet[Asset], _name: str, value: str) -> QuerySet[Asset]:
        return search_told(found, value)


class PublishedView(OpenView):
    """What both addresses share."""

    tag = "published"

    def complete(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Rows of ``values(*FIELDS)`` with their files: two queries for any number."""
        files = files_of([row["id"] for row in rows])
        return [self._row(row, files.get(row["id"], [])) for row in rows]

    def _row(self, row: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        sources = [self._source(file) for file in files]
        plain = next((kind for kind in PLAIN if any(file["format"] == kind for file in files)), "")
        fallback = [source for source, file in zip(sources, files, strict=True) if file["format"] == plain]
        focal = None if row["focal_x"] is None or row["focal_y"] is None else {"x": row["focal_x"], "y": row["focal_y"]}
        return {
            **{name: row[name] for name in ("id", "alt", "locale", "width", "height", "source_type")},
            "channel": row["channel__slug"],
            "focal": focal,
            "placeholder": _grid(row["colours"]),
            "label": label_for(row["source_type"], placeholder=False).removeprefix("label_") or None,
            "sources": sources,
            "fallback": fallback[-1] if fallback else None,
            "updated": row["published_at"] or row["created_at"],
        }

    def _source(self, file: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "type": MIMES[file["format"]],
            "width": file["width"],
            "height": file["height"],
            "url": self.request.build_absolute_uri(file["url"]),
        }

    def cacheable(self, data: Any, expiries: Sequence[datetime | None]) -> Response:
        """The answer, or 304 for who has it; nobody keeps it longer than the first of its rights lasts."""
        etag = f'"{hashlib.sha256(dump(data)).hexdigest()[:32]}"'
        left = [(moment - timezone.now()).total_seconds() for moment in expiries if moment]
        seconds = max(0, int(min([conf().published_seconds, *left])))
        headers = {"ETag": etag, "Cache-Control": f"public, max-age={seconds}"}
        known = parse_etags(self.request.headers.get("If-None-Match", ""))
        if "*" in known or any(one.removeprefix("W/") == etag for one in known):
            return Response(status=304, headers=headers)
        return Response(data, headers=headers)


def _grid(grid: str) -> dict[str, Any] | None:
    """``"2x1:ffffff000000"`` for programs."""
    size, _colon, colours = grid.partition(":")
    if not colours:
        return None
    columns, _x, rows = size.partition("x")
    split = [f"#{colours[at : at + 6]}" for at in range(0, len(colours), 6)]
    return {"columns": int(columns), "rows": int(rows), "colours": split}


ETAG = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="An `ETag`; answers 304 while it still holds."
)


class PublishedList(PublishedView):
    """All of them, or those that a page asks for."""

    filters: ClassVar[Any] = PublishedFilters

    @operation(
        "listPublished",
        "List published pictures",
        description="Anonymous and cacheable. Newest first.",
        listed=PublishedRow,
        answers={304: None},
        parameters=(*PublishedFilters.parameters(), ETAG),
    )
    def get(self, request: Request) -> Response:
        rows = self.filtered(released(), "cursor", "limit")
        found = pagination.page(request.build_absolute_uri(), request.query_params, rows, dict, FIELDS)
        expiries = [row["expires_at"] for row in found["results"]]
        return self.cacheable({**found, "results": self.complete(found["results"])}, expiries)


class PublishedDetail(PublishedView):
    """One of them."""

    @operation(
        "getPublished",
        "Look at a published picture",
        description="404 once it is withdrawn or its rights have ended.",
        answers={200: PublishedRow, 304: None},
        parameters=(ETAG,),
    )
    def get(self, request: Request, asset_id: UUID) -> Response:
        self.only_query()
        row = released().filter(pk=asset_id).values(*FIELDS).first()
        if row is None:
            raise Http404
        return self.cacheable(self.complete([row])[0], [row["expires_at"]])
