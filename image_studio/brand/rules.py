"""What must hold inside a kit. Each rule yields (code, params) with the place, in the order of the kit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from image_studio.brand.parts import ANCHORS, HEX, LOCALE, ROLES, SLUG, Layout, TextPlacement

if TYPE_CHECKING:
    from image_studio.brand.kit import Kit

Problem = tuple[str, dict[str, Any]]

MAX_SWATCHES = 60  # what imaging.colour can tell apart in one byte
_CHOICES = {
    "on": ("light", "dark", "any"),
    "kind": ("prohibited", "required"),
    "where": ("prompt", "overlay", "alt"),
    "severity": ("fail", "warn", "off"),
}


def problems(kit: Kit) -> Iterator[Problem]:
    """Everything that cannot hold."""
    yield from _identity(kit)
    yield from _palette(kit)
    yield from _files(kit)
    yield from _terms(kit)
    yield from _lines(kit)
    yield from _layouts(kit)
    yield from _checks(kit)


def safe_name(name: str) -> bool:
    """Whether a file's name stays below its folder on every system: ``logos/aura.png``, never ``../x`` or ``C:x``."""
    steps = name.split("/")
    odd = any(char in '\\:*?"<>|' or not char.isprintable() for char in name)
    return not odd and len(name) <= 200 and all(step.strip(" .") == step and step for step in steps)


def _identity(kit: Kit) -> Iterator[Problem]:
    if not SLUG.match(kit.slug):
        yield "kit.bad_slug", {"place": "brand.slug", "value": kit.slug}
    if not kit.name.strip():
        yield "kit.missing_key", {"place": "brand", "key": "name"}
    for locale in kit.locales:
        if not LOCALE.match(locale):
            yield "kit.bad_locale", {"place": "brand.locales", "value": locale}
    yield from _twice("brand.locales", kit.locales)
    if kit.default_locale not in kit.locales:
        yield "kit.other_locale", _locale_params(kit, "brand.default_locale", kit.default_locale)


def _palette(kit: Kit) -> Iterator[Problem]:
    if len(kit.palette) > MAX_SWATCHES:
        yield "kit.too_many", {"place": "brand.palette", "count": len(kit.palette), "most": MAX_SWATCHES}
    for i, swatch in enumerate(kit.palette):
        place = f"brand.palette[{i}]"
        if not HEX.match(swatch.hex):
            yield "kit.bad_colour", {"place": f"{place}.hex", "value": swatch.hex}
        yield from _choice(f"{place}.role", swatch.role, ROLES)
        yield from _between(f"{place}.tolerance", swatch.tolerance, 0, 100)
        yield from _named(place, swatch.name)
    yield from _twice("brand.palette", [swatch.name for swatch in kit.palette])


def _files(kit: Kit) -> Iterator[Problem]:
    for i, logo in enumerate(kit.logos):
        place = f"brand.logos[{i}]"
        yield from _named(place, logo.name)
        yield from _file(place, logo.file)
        yield from _choice(f"{place}.on", logo.on, _CHOICES["on"])
        yield from _between(f"{place}.clear_space", logo.clear_space, 0, 4)
        yield from _between(f"{place}.min_width", logo.min_width, 1, 4096)
    yield from _twice("brand.logos", [logo.name for logo in kit.logos])
    for i, font in enumerate(kit.fonts):
        yield from _named(f"brand.fonts[{i}]", font.name)
        yield from _file(f"brand.fonts[{i}]", font.file)
    yield from _twice("brand.fonts", [font.name for font in kit.fonts])


def _terms(kit: Kit) -> Iterator[Problem]:
    for i, term in enumerate(kit.terms):
        place = f"brand.terms[{i}]"
        if not term.text.strip():
            yield "kit.missing_key", {"place": place, "key": "text"}
        yield from _choice(f"{place}.kind", term.kind, _CHOICES["kind"])
        if term.locale and not LOCALE.match(term.locale):
            yield "kit.bad_locale", {"place": f"{place}.locale", "value": term.locale}
        for where in term.where:
            yield from _choice(f"{place}.where", where, _CHOICES["where"])


def _lines(kit: Kit) -> Iterator[Problem]:
    for i, line in enumerate(kit.lines):
        yield from _named(f"brand.lines[{i}]", line.key, key="key")
        if line.locale not in kit.locales:
            yield "kit.other_locale", _locale_params(kit, f"brand.lines[{i}].locale", line.locale)
    yield from _twice("brand.lines", [f"{line.key} ({line.locale})" for line in kit.lines])


def _layouts(kit: Kit) -> Iterator[Problem]:
    for i, layout in enumerate(kit.layouts):
        place = f"brand.layouts[{i}]"
        yield from _choice(f"{place}.label_anchor", layout.label_anchor, ANCHORS)
        yield from _between(f"{place}.label_size", layout.label_size, 0.005, 0.2)
        yield from _logo_placement(kit, layout, f"{place}.logo")
        for j, text in enumerate(layout.texts):
            yield from _text_placement(kit, text, f"{place}.texts[{j}]")
    yield from _twice("brand.layouts", [layout.channel for layout in kit.layouts])


def _logo_placement(kit: Kit, layout: Layout, place: str) -> Iterator[Problem]:
    if layout.logo is None:
        return
    yield from _choice(f"{place}.anchor", layout.logo.anchor, ANCHORS)
    yield from _between(f"{place}.width", layout.logo.width, 0.01, 1.0)
    yield from _between(f"{place}.margin", layout.logo.margin, 0.0, 0.45)
    known = [logo.name for logo in kit.logos]
    for name in layout.logo.logos:
        if name not in known:
            yield "kit.unknown_name", {"place": f"{place}.logos", "value": name, "known": ", ".join(known) or "-"}


def _text_placement(kit: Kit, text: TextPlacement, place: str) -> Iterator[Problem]:
    yield from _named(place, text.line, key="line")
    yield from _choice(f"{place}.anchor", text.anchor, ANCHORS)
    yield from _between(f"{place}.width", text.width, 0.05, 1.0)
    yield from _between(f"{place}.size", text.size, 0.005, 0.6)
    yield from _between(f"{place}.min_size", text.min_size, 0.005, text.size)
    yield from _between(f"{place}.margin", text.margin, 0.0, 0.45)
    yield from _between(f"{place}.max_lines", text.max_lines, 1, 20)
    known = ", ".join(swatch.name for swatch in kit.palette) or "-"
    for key, value, words in (("colour", text.colour, ("auto",)), ("backdrop", text.backdrop, ("none", "scrim"))):
        if value not in words and not kit.colour(value):
            yield "kit.unknown_name", {"place": f"{place}.{key}", "value": value, "known": known}


def _checks(kit: Kit) -> Iterator[Problem]:
    for i, setting in enumerate(kit.checks):
        yield from _named(f"brand.checks[{i}]", setting.check, key="check")
        yield from _choice(f"brand.checks[{i}].severity", setting.severity, _CHOICES["severity"])
    yield from _twice("brand.checks", [setting.check for setting in kit.checks])


def _choice(place: str, value: str, known: Sequence[str]) -> Iterator[Problem]:
    if value not in known:
        yield "kit.bad_choice", {"place": place, "value": value, "known": ", ".join(known)}


def _between(place: str, value: float, low: float, high: float) -> Iterator[Problem]:
    if not low <= value <= high:  # written so that NaN is out of every range
        yield "kit.out_of_range", {"place": place, "value": value, "low": low, "high": high}


def _named(place: str, value: str, key: str = "name") -> Iterator[Problem]:
    if not value.strip():
        yield "kit.missing_key", {"place": place, "key": key}


def _file(place: str, name: str) -> Iterator[Problem]:
    if not safe_name(name):
        yield "kit.bad_file", {"place": f"{place}.file", "value": name}


def _twice(place: str, names: Sequence[str]) -> Iterator[Problem]:
    for i, name in enumerate(names):
        if name in names[:i]:
            yield "kit.twice", {"place": f"{place}[{i}]", "value": name}


def _locale_params(kit: Kit, place: str, value: str) -> dict[str, Any]:
    return {"place": place, "value": value, "known": ", ".join(kit.locales) or "-"}
