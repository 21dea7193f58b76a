"""Small words for the studio's admin pages: money, weight, regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.template.defaultfilters import floatformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from image_studio.catalog.pricing import Price
from image_studio.imaging.shaping import is_rtl
from image_studio.models import Asset, CheckResult
from image_studio.wording import explain
from image_studio.wording.money import price_words, spent_words

register = template.Library()


@register.filter
def money(micro_usd: int) -> str:
    """What was spent: ``$0.208``, or the word for nothing."""
    return spent_words(micro_usd)


@register.filter
def price(value: Price) -> str:
    """What it may cost: ``about $0.21 (max $0.26)``, or the word for nothing."""
    return price_words(value)


@register.filter
def direction(locale: str) -> str:
    """``rtl`` or ``ltr``, for the ``dir`` of a field or a text."""
    return "rtl" if is_rtl(locale) else "ltr"


@register.filter
def language(locale: str) -> str:
    """A locale's name in its own language with its code: ``العربيّة (ar)``."""
    try:
        return f"{get_language_info(locale.lower())['name_local']} ({locale})"
    except KeyError:
        return locale


@register.filter
def because(verdict: CheckResult) -> str:
    """A verdict's reason in words."""
    return explain(verdict.code, verdict.params)


@register.filter
def wrong(field: Any) -> Any:
    """A field's errors; nothing where there are none, which saves a template's rendering per field."""
    return field.errors or ""


@register.filter
def row_wrong(form: Any) -> Any:
    """The errors of a form as a whole, as :func:`wrong`."""
    return form.non_field_errors() or ""


@register.simple_tag
def verdict_items(verdicts: Sequence[Any], passed: bool = False) -> SafeString:
    """List items of the verdicts that passed, or of all others; a sheet has hundreds, so no template each."""
    return format_html_join(
        "",
        '<li class="studio-v studio-v-{}"><span class="studio-mark" aria-hidden="true"></span><div><b>{}</b> '
        '<span class="studio-quiet">{}</span>{}<br>{}</div></li>',
        (
            (said.result.verdict, said.result.get_verdict_display(), _facts(said), _blocks(said), said.words)
            for said in verdicts
            if (said.result.verdict == "pass") is passed
        ),
    )


def _facts(said: Any) -> str:
    """Which check said it, how it knows, its number, and its box on the picture."""
    result = said.result
    score = "" if result.score is None else floatformat(result.score, -3)
    box = _("box {n}").format(n=said.number) if said.number else ""
    return ", ".join(part for part in (result.check_name, str(result.get_kind_display()), score, box) if part)


def _blocks(said: Any) -> SafeString | str:
    if said.result.verdict != "fail" or not said.result.blocks:
        return ""
    return format_html(' <span class="studio-chip studio-is-failed">{}</span>', _("blocks"))


@register.filter
def item(mapping: Mapping[Any, Any], key: Any) -> Any:
    """A value of a mapping by a key that is a variable."""
    return mapping.get(key, "")


@register.simple_tag
def fit(width: int, height: int, widest: int, highest: int) -> SafeString:
    """``width`` and ``height`` of a picture fitted into a box, so that its place is kept before it has loaded."""
    scale = min(1.0, widest / max(width, 1), highest / max(height, 1))
    return format_html('width="{}" height="{}"', max(1, round(width * scale)), max(1, round(height * scale)))


@register.simple_tag
def blur(asset: Asset) -> SafeString:
    """What stands behind a picture until it has loaded: its size, and its average colours, which the style sheet blurs.

    Elements and no data URI, which a strict policy forbids. No colours for a transparent picture: they would shine
    through.
    """
    size, _colon, colours = asset.colours.partition(":")
    seen = bool(colours) and not asset.has_alpha
    columns, rows = (int(part) for part in size.split("x")) if seen else (1, 1)
    patches = format_html_join(
        "",
        '<path fill="#{}" d="{}"/>',
        (
            (colours[6 * n : 6 * n + 6], _patch(*divmod(n, columns), rows, columns))
            for n in range(seen * columns * rows)
        ),
    )
    return format_html(
        '<svg class="studio-blur" width="{0}" height="{1}" viewBox="0 0 {0} {1}" preserveAspectRatio="none" '
        'aria-hidden="true" focusable="false"><g transform="scale({2} {3})">{4}</g></svg>',
        str(asset.width),
        str(asset.height),
        f"{asset.width / columns:.6g}",
        f"{asset.height / rows:.6g}",
        patches,
    )


def _patch(row: int, column: int, rows: int, columns: int) -> str:
    """One colour's square; those at the edge reach beyond it, so that the blur finds nothing to fade into."""
    left, right = (column or -1), column + 1 + (column == columns - 1)
    top, bottom = (row or -1), row + 1 + (row == rows - 1)
    return f"M{left} {top}H{right}V{bottom}H{left}z"


@register.simple_tag
def ratio_frame(width: int, height: int, safe: Any = None, edge: int = 56) -> SafeString:
    """A channel as a small outlined frame at its true ratio, the safe area dashed inside."""
    scale = edge / max(width, height, 1)
    wide, high = max(6.0, width * scale), max(6.0, height * scale)
    inner = SafeString("")
    if safe and any(safe):
        top, right, bottom, left = safe
        inner = format_html(
            '<rect class="studio-safe" x="{}" y="{}" width="{}" height="{}"/>',
            *(f"{v:.1f}" for v in (wide * left, high * top, wide * (1 - left - right), high * (1 - top - bottom))),
        )
    return format_html(
        '<svg class="studio-frame" width="{0}" height="{1}" viewBox="-1 -1 {2} {3}" aria-hidden="true" '
        'focusable="false"><rect class="studio-edge" width="{4}" height="{5}" rx="1.5"/>{6}</svg>',
        f"{wide + 2:.0f}",
        f"{high + 2:.0f}",
        f"{wide + 2:.1f}",
        f"{high + 2:.1f}",
        f"{wide:.1f}",
        f"{high:.1f}",
        inner,
    )


@register.simple_tag
def swatch(colour: str) -> SafeString:
    """A patch of a colour, drawn without a style attribute."""
    return format_html(
        '<svg class="studio-swatch" width="40" height="24" aria-hidden="true" focusable="false">'
        '<rect width="40" height="24" fill="{}"/></svg>',
        colour,
    )
