"""Published pictures on a site's pages: ``{% studio_picture asset "hero" %}`` and ``{% studio_image_url asset %}``.

Only what is published and within its rights is shown; in the place of anything else stands the fallback that the site
chose, or nothing. A signed-in member of the brand's team (staff) sees a picture that is not out yet through the checked
view; everybody else sees no more than of one that was withdrawn, and learns nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

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
from image_studio.workflow.showing import Instead, asset_of, chosen, instead, is_live, is_over, plain_of, public_of

register = template.Library()

#: Best first: a browser takes the first source that it can show.
PREFERRED = ("avif", "webp")
TAKEN = ("alt", "class", "fallback", "loading", "sizes")


@register.simple_tag(takes_context=True)
def studio_picture(context: Any, asset: Any, name: str = "default", **options: Any) -> SafeString | str:
    """A ``<picture>`` with AVIF and WebP sources, width, height, alt and lazy loading.

    Where nothing is live stands the fallback, and where there is none, nothing: the answer is empty. A place for which
    no picture was chosen at all stays empty too.

    :param context: only its ``request`` is asked.
    :param asset: an asset, its id, or None.
    :param name: a key of ``IMAGE_STUDIO["PICTURES"]``, which gives widths, ``sizes`` and ``fallback``.
    :param options: ``alt``, ``class``, ``loading`` (``lazy`` or ``eager``), ``sizes``, and ``fallback``: another
        picture, its id or the path of a static file, in the place of the configured one; empty is nothing.
    :raises TemplateSyntaxError: for any other option.
    :raises ConfigurationError: for a name that is not configured.
    """
    unknown = sorted(set(options) - set(TAKEN))
    if unknown:
        raise TemplateSyntaxError(f"studio_picture does not take {', '.join(unknown)}; it takes {', '.join(TAKEN)}.")
    use = conf().picture(name)
    if not asset:
        return ""
    found = asset_of(asset)
    live = found is not None and is_live(found)
    shown = _live(found, use, options) if found is not None and live else ""
    if shown:
        return shown
    other = instead(options.get("fallback", use.fallback))
    if found is None or live or (other and is_over(found)):
        return _instead(other, use, options)
    return _preview(context, found, _attributes(found, options)) or _instead(other, use, options)


@register.simple_tag(takes_context=True)
def studio_image_url(context: Any, asset: Any, width: int = 1200, name: str = "default", fallback: Any = None) -> str:
    """The absolute address of a published picture as JPEG, PNG or WebP, for ``og:image`` and feeds; else empty.

    :param width: in pixels; the smallest file that is as wide, else the widest.
    :param name: a key of ``IMAGE_STUDIO["PICTURES"]``, for its fallback.
    :param fallback: as :func:`studio_picture` takes it; None is the configured one.
    """
    if not asset:
        return ""
    found = asset_of(asset)
    url = _address(found, int(width)) if found is not None and is_live(found) else ""
    if not url:
        other = instead(conf().picture(name).fallback if fallback is None else fallback)
        url = "" if other is None else _address(other.asset, int(width)) if other.asset else other.url
    request = context.get("request")
    return request.build_absolute_uri(url) if request and url else url


def _address(asset: Asset, width: int) -> str:
    files = plain_of(public_of(asset))
    best = next((file for file in files if file.width >= width), files[-1] if files else None)
    return storage.public().url(best.file) if best else ""


def _attributes(asset: Asset | None, options: dict[str, Any]) -> dict[str, str]:
    alt = options.get("alt")
    own = asset.alt_for(get_language() or "") if asset else ""
    found = {
        "alt": str(alt) if alt is not None else own,
        "loading": str(options.get("loading") or "lazy"),
        "decoding": "async",
    }
    if options.get("class"):
        found["class"] = str(options["class"])
    return found


def _live(asset: Asset, use: Picture, options: dict[str, Any], *, stands_in: bool = False) -> SafeString | str:
    sizes = str(options.get("sizes") or use.sizes)
    return _picture(chosen(public_of(asset), use), _attributes(asset, options), sizes, stands_in=stands_in)


def _instead(other: Instead | None, use: Picture, options: dict[str, Any]) -> SafeString | str:
    """The fallback with words of its own: those that a page wrote are of the picture that is not there."""
    if other is None:
        return ""
    own = {key: value for key, value in options.items() if key != "alt" or value == ""}
    if other.asset is not None:
        return _live(other.asset, use, own, stands_in=True)
    image = {"src": other.url, **_attributes(None, own)}
    return format_html("<picture data-studio-fallback><img{}></picture>", flatatt(image))


def _picture(rows: Sequence[Rendition], attributes: dict[str, str], sizes: str, *, stands_in: bool) -> SafeString | str:
    fallback = plain_of(rows)
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
    mark = flatatt({"data-studio-fallback": stands_in})
    return format_html("<picture{}>{}<img{}></picture>", mark, joined, flatatt(image))


def _srcset(rows: Iterable[Rendition]) -> str:
    # A comma or a space in an address would end it inside a srcset.
    store = storage.public()
    addresses = [(store.url(row.file).replace(" ", "%20").replace(",", "%2C"), row.width) for row in rows]
    return ", ".join(f"{url} {width}w" for url, width in addresses)


def _preview(context: Any, asset: Asset, attributes: dict[str, str]) -> SafeString | str:
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
