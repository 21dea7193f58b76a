"""What everybody may see: published pictures within their rights, with the files that show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from image_studio import storage
from image_studio.models import Asset, Rendition


def released() -> QuerySet[Asset]:
    """The pictures that the public may see."""
    return Asset.objects.live()


def files_of(assets: Iterable[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """The public files of pictures, narrowest first: ``format``, ``width``, ``height``, ``url``. One query."""
    store = storage.public()
    found: dict[UUID, list[dict[str, Any]]] = {}
    rows = Rendition.objects.filter(asset__in=list(assets), public=True).order_by("width", "format", "id")
    for asset, kind, width, height, name in rows.values_list("asset_id", "format", "width", "height", "file"):
        file = {"format": kind, "width": width, "height": height, "url": store.url(name)}
        found.setdefault(asset, []).append(file)
    return found
