"""What everybody may see: published pictures within their rights, with the files that show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import QuerySet

from image_studio import storage
from image_studio.exceptions import ImageRefused, StorageFailed
from image_studio.imaging.decode import decode
from image_studio.imaging.renditions import blur_placeholder
from image_studio.models import Asset, Rendition

#: A picture's bytes never change, and so neither does what stands in for it.
KEEP_SECONDS = 30 * 86_400
#: One that cannot be read is tried again after this.
RETRY_SECONDS = 300


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


def placeholders(assets: Iterable[UUID]) -> Mapping[UUID, str]:
    """What to show until a picture is there, as :func:`~image_studio.imaging.renditions.blur_placeholder` makes it.

    Made once a picture from its preview and kept in the site's cache; a picture without a readable one has none.
    """
    keys = {pk: f"image_studio:placeholder:{pk.hex}" for pk in assets}
    kept = cache.get_many(keys.values())
    missing = [pk for pk, key in keys.items() if key not in kept]
    made = _made(missing) if missing else {}
    for pk in missing:
        cache.set(keys[pk], made.get(pk, ""), KEEP_SECONDS if pk in made else RETRY_SECONDS)
    found = {pk: made.get(pk) or kept.get(key, "") for pk, key in keys.items()}
    return {pk: grid for pk, grid in found.items() if grid}


def _made(assets: list[UUID]) -> dict[UUID, str]:
    store = storage.private()
    found: dict[UUID, str] = {}
    for pk, name in Rendition.objects.filter(asset__in=assets, spec="preview").values_list("asset_id", "file"):
        try:
            found[pk] = blur_placeholder(decode(storage.read(store, name)).image)
        except (StorageFailed, ImageRefused):
            continue
    return found
