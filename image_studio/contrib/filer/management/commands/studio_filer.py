"""``manage.py studio_filer``: what is published and not yet in filer goes there; what was withdrawn leaves."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from functools import partial
from typing import Any

from image_studio.contrib.filer.filing import file_picture, renewed, take_down
from image_studio.contrib.filer.folders import is_filed
from image_studio.contrib.filer.models import FiledPicture
from image_studio.contrib.repairs import line
from image_studio.management.base import FINDINGS, StudioCommand, brand_of
from image_studio.models import Asset


class Command(StudioCommand):
    """For a site that installs this later, and after a signal was lost. Twice does no more than once."""

    help = "Files every published picture in filer, and takes down what was withdrawn; exit status 1 when one failed."
    keys = ("asset", "status", "message")

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--brand", help="only the pictures of this brand")

    def run(self, **options: Any) -> int:
        rows = Asset.objects.order_by("pk")
        if options["brand"]:
            rows = rows.filter(brand=brand_of(options["brand"]))
        told = self.lines(self._each(rows), as_json=options["json"])
        return FINDINGS if any(row["status"] == "failed" for row in told) else 0

    def _each(self, rows: Any) -> Iterator[dict[str, Any]]:
        links = FiledPicture.objects.order_by()
        new = rows.live().exclude(pk__in=links.filter(place=0).values("asset"))
        over = rows.filter(pk__in=links.filter(withdrawn_at=None).values("asset"))
        back = rows.live().filter(pk__in=links.filter(withdrawn_at__isnull=False).values("asset"))
        for asset in new.select_related("brand").iterator():
            if is_filed(asset.brand):
                yield line(asset, "filed", partial(file_picture, asset))
        for asset in back.iterator():
            yield line(asset, "filed", partial(file_picture, asset))
        for asset in over.exclude(pk__in=rows.live()).iterator():
            yield line(asset, "taken down", partial(take_down, asset))
        marked = links.filter(asset__in=rows, withdrawn_at__isnull=False, file__isnull=False)
        for link in marked.select_related("asset"):
            told = line(link.asset, "stand-in", partial(renewed, link))
            # Most are as they should be, and nothing is said of them.
            if told["done"] is not False:
                yield told
