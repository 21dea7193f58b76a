"""Published pictures on a site's pages: ``{% studio_picture asset "hero" %}`` and ``{% studio_image_url asset %}``.

Only what is published and within its rights is shown. A signed-in member of the brand's team (staff) sees an
unpublished picture through the checked view; everybody else sees nothing, and learns nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django import template
from django.forms.utils import flatatt
from django.template import TemplateSyntaxError
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from image_studio import storage
from image_studio.conf import Picture, conf
from image_studio.imaging.decode import MIMES
from image_studio.models import Asset, Rendition
from image_studio.policy import Policy

register = template.Library()

#: Best first: a browser takes the first source that it can show.
PREFERRED = ("avif", "webp")
#: What an <img> without <picture> can count on, best first; AVIF is the last resort.
PLAIN = ("jpeg", "png", "webp", "avif")
TAKEN = ("alt", "class", "loading", "sizes")


@register.simple_tag(takes_context=True)
def studio_picture(context: template.Context, asset: Any, name: str = "default", **options: Any) -> SafeString | str:
    """A ``<picture>`` with AVIF and WebP sources, width, height, alt and lazy loading; empty where nothing is live.

    :param asset: an asset, its id, or None.
    :param name: a key of ``IMAGE_STUDIO["PICTURES"]``, which gives widths and ``sizes``.
    :param options: ``alt``, ``class``, ``loading`` (``lazy`` or ``eager``), ``sizes``.
    :raises TemplateSyntaxError: for any other option.
    :raises ConfigurationError: for a name that is not configured.
    """
    unknown = sorted(set(options) - set(TAKEN))
    if unknown:
        raise TemplateSyntaxError(f"studio_picture does not take {', '.join(unknown)}; it takes {', '.join(TAKEN)}.")
    use = conf().picture(name)
    found = _asset(asset)
    if found is None:
        return ""
    attributes = _attributes(found, options)
    if not _live(found):
        return _preview(context, found, attributes)
    return _picture(_chosen(_public(found), use), attributes, str(options.get("sizes") or use.sizes))


@register.simple_tag(takes_context=True)
def studio_image_url(context: template.Context, asset: Any, width: int = 1200) -> str:
    """The absolute address of a published picture as JPEG, PNG or WebP, for ``og:image`` and feeds; else empty.

    :param width: in pixels; the smallest file that is as wide, else the widest.
    """
    found = _asset(asset)
    if found is None or not _live(found):
        return ""
    files = _fallback(_public(found))
    if not files:
        return ""
    best = next((file for file in files if file.width >= int(width)), files[-1])
    url = storage.public().url(best.file)
    request = context.get("request")
    return request.build_absolute_uri(url) if request else url


def _asset(given: Any) -> Asset | None:
    if given is None or isinstance(given, Asset):
        return given
    try:
        key = given if isinstance(given, UUID) else UUID(str(given))
    except ValueError:
        return None
    return Asset.objects.filter(pk=key).first()


def _live(asset: Asset) -> bool:
    return asset.state == "published" and not asset.expired


def _public(asset: Asset) -> list[Rendition]:
    """Sorted here and not in the database, so that a page may prefetch."""
    rows = [row for row in asset.renditions.all() if row.public]
    return sorted(rows, key=lambda row: row.width)


def _chosen(rows: Sequence[Rendition], use: Picture) -> list[Rendition]:
    """The widths that the use asks for; a picture narrower than all of them is shown as wide as it is."""
    wanted = [row for row in rows if row.width in use.widths]
    widest = max((row.width for row in rows), default=0)
    if not wanted or widest < max(use.widths):
        wanted += [row for row in rows if row.width == widest and row not in wanted]
    return wanted


def _fallback(rows: Sequence[Rendition]) -> list[Rendition]:
    for kind in PLAIN:
        found = [row for row in rows if row.format == kind]
        if found:
            return found
    return []


def _attributes(asset: Asset, options: dict[str, Any]) -> dict[str, str]:
    alt = options.get("alt")
    found = {
        "alt": str(alt) if alt is not None else asset.alt_for(get_language() or ""),
        "loading": str(options.get("loading") or "lazy"),
        "decoding": "async",
    }
    if options.get("class"):
        found["class"] = str(options["class"])
    return found


def _picture(rows: Sequence[Rendition], attributes: dict[str, str], sizes: str) -> SafeString | str:
    fallback = _fallback(rows)
    if not fallback:
        return ""
    last = fallback[-1]
    sources = [
        (MIMES[kind], _srcset(files), sizes)
        for kind in PREFERRED
        if kind != last.format and (files := [row for row in rows if row.format == kind])
    ]
    image = {
        "src": storage.public().url(last.file),
        "srcset": _srcset(fallback),
        "sizes": sizes,
        "width": str(last.width),
        "height": str(last.height),
        **attributes,
    }
    joined = format_html_join("", '<source type="{}" srcset="{}" sizes="{}">', sources)
    return format_html("<picture>{}<img{}></picture>", joined, flatatt(image))


def _srcset(rows: Iterable[Rendition]) -> str:
    # A comma or a space in an address would end it inside a srcset.
    store = storage.public()
    addresses = [(store.url(row.file).replace(" ", "%20").replace(",", "%2C"), row.width) for row in rows]
    return ", ".join(f"{url} {width}w" for url, width in addresses)


def _preview(context: template.Context, asset: Asset, attributes: dict[str, str]) -> SafeString | str:
    """What the team sees of a picture that is not out yet, through the view that checks the right again."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_authenticated or not user.is_staff or not Policy(user).can("view", asset):
        return ""
    try:
        url = reverse("image_studio:picture", args=[asset.pk, "preview"])
    except NoReverseMatch:
        return ""
    image = {
        "src": url,
        "width": str(asset.width),
        "height": str(asset.height),
        "title": _("Only you and your team see this picture: it is not published."),
        **attributes,
    }
    return format_html('<picture data-studio-state="{}"><img{}></picture>', asset.state, flatatt(image))
