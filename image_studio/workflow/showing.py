"""What stands in a picture's place on a page now: the picture, what the site chose instead of it, or nothing.

Template tags, Jinja2 functions, sitemaps and the API ask here, so that they never disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.templatetags.static import static

from image_studio.conf import Picture
from image_studio.models import Asset, Event, Rendition

#: What an <img> without <picture> can count on, best first; AVIF is the last resort.
PLAIN = ("jpeg", "png", "webp", "avif")


@dataclass(frozen=True, kw_only=True)
class Instead:
    """What the site shows where a picture is not live: a picture that is, or a static file.

    :param url: of the static file, as ``{% static %}`` has it; empty where ``asset`` stands.
    """

    asset: Asset | None = None
    url: str = ""


def asset_of(given: Any) -> Asset | None:
    """The picture of a picture, an id or None; None for what is no id of one."""
    if given is None or isinstance(given, Asset):
        return given
    key = _key(given)
    return Asset.objects.filter(pk=key).first() if key else None


def _key(given: Any) -> UUID | None:
    try:
        return given if isinstance(given, UUID) else UUID(str(given))
    except ValueError:
        return None


def is_id(fallback: Any) -> bool:
    """Whether a fallback names a picture, and not a static file."""
    return _key(fallback) is not None


def is_live(asset: Asset) -> bool:
    """Whether the public may see it now."""
    return asset.state == "published" and not asset.expired


def is_over(asset: Asset) -> bool:
    """Whether it was out and is not any more: withdrawn, or past its rights."""
    return asset.state == "withdrawn" or (asset.state == "published" and asset.expired)


def ever_out(assets: Iterable[Asset]) -> set[UUID]:
    """The ids of those that the public could see at some time, whatever has become of them since."""
    told = {asset.pk: asset.state in ("published", "withdrawn") for asset in assets}
    asked = [str(key) for key, out in told.items() if not out]
    rows = Event.objects.filter(object_type=Asset._meta.model_name, object_id__in=asked, verb="asset.published")
    found = set(rows.values_list("object_id", flat=True)) if asked else set()
    return {key for key, out in told.items() if out or str(key) in found}


def instead(fallback: Any) -> Instead | None:
    """What a fallback stands for now, or None for nothing.

    :param fallback: a picture or its id; any other words are the path of a static file; empty is nothing. A picture
        that is not live itself is nothing: a fallback has none of its own.
    """
    if not fallback:
        return None
    if isinstance(fallback, Asset) or is_id(fallback):
        found = asset_of(fallback)
        return Instead(asset=found) if found is not None and is_live(found) and plain_of(public_of(found)) else None
    try:
        return Instead(url=static(str(fallback)))
    except ValueError:
        # Hashed names know no such file, which a system check tells; a page must not break over its fallback.
        return None


def public_of(asset: Asset) -> list[Rendition]:
    """Its public files, narrowest first. Sorted here and not in the database, so that a page may prefetch."""
    rows = [row for row in asset.renditions.all() if row.public]
    return sorted(rows, key=lambda row: row.width)


def chosen(rows: Sequence[Rendition], use: Picture) -> list[Rendition]:
    """The widths that a use asks for; a picture narrower than all of them is shown as wide as it is."""
    wanted = [row for row in rows if row.width in use.widths]
    widest = max((row.width for row in rows), default=0)
    if not wanted or widest < max(use.widths):
        wanted += [row for row in rows if row.width == widest and row not in wanted]
    return wanted


def plain_of(rows: Sequence[Rendition]) -> list[Rendition]:
    """Those of the one format that most programs can show; empty where there are no files."""
    for kind in PLAIN:
        found = [row for row in rows if row.format == kind]
        if found:
            return found
    return []
