"""Pictures for the pages of a site, and work beside a browser."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from image_studio.models import Asset
from tests import factories


def make_candidate(brand, size=(640, 480), **fields):
    """A picture that nobody has approved."""
    asset = factories.make_asset(
        brand, size, **{"title": "Tea tin", "source_type": "trainedAlgorithmicMedia", **fields}
    )
    Asset.objects.filter(pk=asset.pk).update(words=asset.search_words())
    return asset


def apart(deed, *args, **options):
    """Done in a thread of its own: Playwright holds a loop in this one, and workers want theirs."""

    def alone():
        try:
            return deed(*args, **options)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(alone).result()
