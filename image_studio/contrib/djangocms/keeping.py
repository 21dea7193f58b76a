"""How long django CMS may keep what it rendered: no copy of a place or a page outlives the rights of its pictures.

It keeps rendered places, and whole pages. How long a page is kept it works out of the places that were rendered for it,
and a place that it had kept is not among them: such a page is kept for the whole of ``CMS_CACHE_DURATIONS["content"]``.
So a place goes that much earlier than the rights end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from cms.toolbar.utils import get_toolbar_from_request
from cms.utils.conf import get_cms_setting

from image_studio.conf import conf
from image_studio.contrib.djangocms.models import StudioPicture
from image_studio.workflow.showing import instead, is_live

#: Between reading a kept place and keeping the page around it; django CMS rounds to seconds, too.
SLACK = timedelta(seconds=2)


def kept_until(request: Any, pictures: Iterable[StudioPicture], placeholder: Any) -> datetime | None:
    """When a place with these pictures, or the page around it, is to be rendered anew; None is never."""
    ends = [end for picture in pictures if (end := _shown_until(picture)) is not None]
    if not ends:
        return None
    return min(ends) if _is_rendered(request, placeholder) else min(ends) - _page_lasts() - SLACK


def _shown_until(placed: StudioPicture) -> datetime | None:
    """The end of the rights of what stands there now: the picture, or the one that the site chose in its place."""
    shown: Any = placed.picture
    if not is_live(shown):
        other = instead(conf().picture(placed.use_now).fallback)
        shown = other.asset if other else None
    return shown.expires_at if shown else None


def _is_rendered(request: Any, placeholder: Any) -> bool:
    """Whether this is asked for the page: places are registered as rendered once they are kept themselves."""
    return placeholder in get_toolbar_from_request(request).content_renderer.get_rendered_placeholders()


def _page_lasts() -> timedelta:
    return timedelta(seconds=get_cms_setting("CACHE_DURATIONS")["content"])


# Aliases ----------------------------------------------------------------------------------------------------------


def watch_aliases() -> None:
    """Give djangocms-alias's plugin the answer that it leaves to django CMS: how long what it shows may be kept.

    Only where it has none of its own: one that it brings some day knows better what it shows.
    """
    from djangocms_alias.cms_plugins import Alias  # noqa: PLC0415 - may be missing

    if "get_cache_expiration" not in vars(Alias):
        Alias.get_cache_expiration = _of_alias


def _of_alias(plugin: Any, request: Any, instance: Any, placeholder: Any) -> datetime | None:
    return kept_until(request, _pictures_in(instance.alias, set()), placeholder)


def _pictures_in(alias: Any, seen: set[int]) -> Iterator[StudioPicture]:
    """The pictures that an alias shows to the public, also through aliases in it, which may lead back here."""
    place = alias.get_placeholder()
    if place is None or place.pk in seen:
        return
    seen.add(place.pk)
    yield from StudioPicture.objects.prefetch_related(None).filter(placeholder=place)
    from djangocms_alias.models import AliasPlugin  # noqa: PLC0415 - may be missing

    for inner in AliasPlugin.objects.filter(placeholder=place).select_related("alias"):
        yield from _pictures_in(inner.alias, seen)
