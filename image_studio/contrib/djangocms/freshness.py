"""What a page shows must not be older than what its pictures are: django CMS keeps rendered places and whole pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cms.cache import invalidate_cms_page_cache
from cms.models import CMSPlugin, Placeholder
from django.apps import apps

from image_studio.conf import conf
from image_studio.contrib.djangocms.models import StudioPicture
from image_studio.contrib.fallbacks import follow
from image_studio.models import Asset
from image_studio.signals import asset_published, asset_replaced, asset_withdrawn


def connect() -> None:
    """Called once the apps are loaded."""
    for signal in (asset_published, asset_withdrawn):
        signal.connect(_changed, dispatch_uid="image_studio.contrib.djangocms")
    asset_replaced.connect(_replaced, dispatch_uid="image_studio.contrib.djangocms")
    follow(_fallback_changed, uses=lambda: conf().pictures, uid="image_studio.contrib.djangocms")


def _changed(sender: Any, asset: Asset, **kwargs: Any) -> None:
    forget(StudioPicture.objects.filter(picture=asset).select_related("placeholder"))


def _replaced(sender: Any, successor: Asset, **kwargs: Any) -> None:
    """By now the plugins are the successor's. More of them than those that moved: they are rendered once more."""
    _changed(sender, successor)


def _fallback_changed() -> None:
    """What is not out shows the fallback, on whichever page."""
    forget(StudioPicture.objects.exclude(picture__in=Asset.objects.live()).select_related("placeholder"))


def forget(plugins: Iterable[Any]) -> None:
    """Drop what was rendered with these plugins, also where it is shown through an alias."""
    waiting, seen = list(plugins), set()
    while waiting:
        plugin = waiting.pop()
        place = plugin.placeholder
        if place is None or (place.pk, plugin.language) in seen:
            continue
        seen.add((place.pk, plugin.language))
        place.clear_cache(plugin.language)
        waiting += _aliases(place)
    if seen:
        invalidate_cms_page_cache()


def _aliases(place: Placeholder) -> list[CMSPlugin]:
    """The plugins that show this place somewhere else."""
    source = place.source
    if source is None or not apps.is_installed("djangocms_alias") or not hasattr(source, "alias"):
        return []
    return list(source.alias.cms_plugins.select_related("placeholder"))
