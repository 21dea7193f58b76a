"""``manage.py studio_wagtail``: images whose picture was withdrawn, or is out again, show what they should."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from functools import partial
from typing import Any

from image_studio.contrib.repairs import line
from image_studio.contrib.wagtail.models import StudioImage
from image_studio.contrib.wagtail.promotion import renewed, restore, take_down, withdrawn_links
from image_studio.management.base import FINDINGS, StudioCommand, brand_of
from image_studio.models import Asset


class Command(StudioCommand):
    """For what a signal left behind: it was lost, or a file could not be read or written. Twice does no more than once.

    Makes no new images: one that an editor deleted stays away.
    """

    help = "Takes down images of withdrawn pictures, and brings back those of published ones; exit status 1 on failure."
    keys = ("asset", "status", "message")

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--brand", help="only the images of this brand")

    def run(self, **options: Any) -> int:
        rows = Asset.objects.order_by("pk")
        if options["brand"]:
            rows = rows.filter(brand=brand_of(options["brand"]))
        told = self.lines(self._each(rows), as_json=options["json"])
        return FINDINGS if any(row["status"] == "failed" for row in told) else 0

    def _each(self, rows: Any) -> Iterator[dict[str, Any]]:
        shown = StudioImage.objects.filter(withdrawn_at=None).values("asset")
        for asset in rows.live().filter(pk__in=withdrawn_links().values("asset")):
            yield line(asset, "shown again", partial(restore, asset))
        for asset in rows.filter(pk__in=shown).exclude(pk__in=rows.live()):
            yield line(asset, "taken down", partial(take_down, asset))
        for link in withdrawn_links().filter(asset__in=rows):
            told = line(link.asset, "stand-in", partial(renewed, link))
            # Most are as they should be, and nothing is said of them.
            if told["done"] is not False:
                yield told
