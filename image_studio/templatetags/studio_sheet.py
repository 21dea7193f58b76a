"""Small words for the contact sheet: seconds and money as they pass, and drawings whose place is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from image_studio.wording.money import most_dollars

register = template.Library()
#: From here on, in seconds, minutes say it better.
MINUTES = 120


@register.filter
def seconds(value: int) -> str:
    """A duration as people say it: ``40 s``, ``3 min``."""
    if value < MINUTES:
        return _("{n} s").format(n=value)
    return _("{n} min").format(n=round(value / 60))


@register.filter
def cents(micro_usd: int) -> str:
    """Money while it is being spent: ``$0.16``; a tenth of a cent only where there is no whole one."""
    digits = 2 if micro_usd >= 10_000 or not micro_usd else 3
    return f"${micro_usd / 1_000_000:,.{digits}f}"


@register.filter
def at_most(micro_usd: int) -> str:
    """A limit on it: ``$0.21``, rounded up."""
    return f"${most_dollars(micro_usd)}"


@register.filter
def at(found: Mapping[str, Any], key: str) -> Any:
    """What a mapping has under a key that is only known on the page."""
    return found.get(key)


@register.simple_tag
def fit_box(width: int, height: int, widest: int, highest: int) -> SafeString:
    """The measures of a drawing at a picture's ratio; as text, because SVG reads points whatever the language."""
    scale = min(1.0, widest / max(width, 1), highest / max(height, 1))
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    return format_html('width="{0}" height="{1}" viewBox="0 0 {0} {1}"', str(wide), str(high))
