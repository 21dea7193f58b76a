"""Published pictures in a site's sitemaps, by the image extension that search engines read.

A sitemap of django.contrib.sitemaps takes the mixin, and the address the template::

    class Articles(PictureSitemap, Sitemap): ...

    path("sitemap.xml", sitemap, {"sitemaps": {"articles": Articles}, "template_name": TEMPLATE})
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

from django.contrib.sitemaps import Sitemap

from image_studio.models import Asset
from image_studio.workflow.released import files_of, released
from image_studio.workflow.showing import PLAIN

TEMPLATE = "image_studio/sitemap.xml"
#: Images of one page that search engines read.
MOST_IMAGES = 1000


class PictureSitemap(Sitemap):  # type: ignore[type-arg]
    """A sitemap whose pages tell the pictures that the public sees on them; any other picture is left out.

    Two queries for a whole page of the sitemap, however many pictures it has.
    """

    def pictures(self, item: Any) -> Iterable[Asset | UUID | None]:
        """The pictures of one item, or their ids: those of its fields that take pictures, unless a site says more."""
        fields = item._meta.concrete_fields if hasattr(item, "_meta") else ()
        return [getattr(item, field.attname) for field in fields if getattr(field, "is_studio_use", False)]

    def get_urls(self, page: int | str = 1, site: Any = None, protocol: str | None = None) -> list[dict[str, Any]]:
        """As the class below has them, each with ``images``: absolute addresses."""
        urls: list[dict[str, Any]] = super().get_urls(page=page, site=site, protocol=protocol)
        # With languages an item is a pair.
        shown = [self._keys(url["item"][0] if self.i18n else url["item"]) for url in urls]
        found = _addresses({key for keys in shown for key in keys})
        for url, keys in zip(urls, shown, strict=True):
            images = (urljoin(url["location"], found[key]) for key in keys if key in found)
            url["images"] = list(islice(images, MOST_IMAGES))
        return urls

    def _keys(self, item: Any) -> list[UUID]:
        """Each picture once, in the order of the page."""
        given = (one.pk if isinstance(one, Asset) else one for one in self.pictures(item))
        return list(dict.fromkeys(key for key in given if key is not None))


def _addresses(keys: set[UUID]) -> dict[UUID, str]:
    """The widest file of each that most programs show."""
    live = set(released().filter(pk__in=keys).values_list("pk", flat=True)) if keys else set()
    found: dict[UUID, str] = {}
    for key, files in files_of(live).items() if live else ():
        if best := _widest(files):
            found[key] = best
    return found


def _widest(files: Sequence[dict[str, Any]]) -> str:
    for kind in PLAIN:
        plain = [file for file in files if file["format"] == kind]
        if plain:
            return str(plain[-1]["url"])
    return ""
