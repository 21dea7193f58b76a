"""Which face draws a line, and how its characters become glyphs in the right order and form.

Two shapers: ``raqm`` (HarfBuzz and the Unicode bidirectional algorithm inside Pillow; the wheel needs the
system's FriBiDi) and ``basic`` (python-bidi and arabic-reshaper bring the line into visual order and joined
forms, FreeType draws it). What the second cannot do right it refuses: never silently unshaped.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from arabic_reshaper import ArabicReshaper
from bidi.algorithm import get_display  # not bidi.get_display: that one leaves brackets unmirrored
from PIL import ImageDraw, ImageFont, features

from image_studio.exceptions import LayoutImpossible
from image_studio.imaging import fonts
from image_studio.imaging.layers import FontFile, TextLayer

RAQM, BASIC = "raqm", "basic"
RTL_LANGUAGES = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ps", "sd", "syr", "ug", "ur", "yi"})
#: Lines set larger than this fraction of the shorter edge fall back to the bundled bold face.
DISPLAY_SIZE = 0.045
#: Joining scripts that arabic-reshaper does not know: Syriac, N’Ko, Mandaic, Mongolian.
_JOINING = ((0x0700, 0x074F), (0x07C0, 0x07FF), (0x0840, 0x086F), (0x1800, 0x18AF), (0x1E900, 0x1E95F))
_ARABIC = (
    (0x0620, 0x063F),
    (0x0641, 0x064A),
    (0x066E, 0x06D3),
    (0x06D5, 0x06D5),
    (0x06FA, 0x06FF),
    (0x0750, 0x077F),
    (0x0870, 0x08C9),
)
_VARIATION = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))


def is_rtl(locale: str) -> bool:
    """Whether a locale is written from right to left."""
    return locale.replace("_", "-").split("-")[0].lower() in RTL_LANGUAGES


def direction_of(text: str, locale: str) -> str:
    """``rtl`` or ``ltr``: the locale's, unless the text has no letter of that direction.

    An English line that stands in for a missing Arabic one keeps its full stop at the right end.
    """
    classes = [unicodedata.bidirectional(char) for char in text]
    right, left = any(c in ("R", "AL") for c in classes), "L" in classes
    if right == left:
        return "rtl" if is_rtl(locale) else "ltr"
    return "rtl" if right else "ltr"


def choose_shaper(wanted: str = "") -> str:
    """The shaper to use: the one asked for, else Raqm where Pillow can load it, else the basic one."""
    if wanted not in ("", RAQM, BASIC):
        raise ValueError(f"no shaper {wanted!r}")
    return wanted or (RAQM if _has_raqm() else BASIC)


@cache
def _has_raqm() -> bool:
    return bool(features.check("raqm"))


@dataclass(frozen=True, kw_only=True)
class Face:
    """A font with all that a line needs to be shaped by it. Sizes and boxes in pixels."""

    font: FontFile
    direction: str
    language: str
    shaper: str

    def width(self, line: str, size: int) -> float:
        """The advance of a line."""
        return float(self._at(size).getlength(self._shown(line), **self._options()))

    def ink(self, line: str, size: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the ink, from the start of the baseline; zeros where there is none.

        Measured on the drawn line: FreeType's own box includes the side bearings, which would leave a ragged edge.
        """
        font, options = self._at(size), self._options()
        mask, offset = font.getmask2(self._shown(line), mode="L", anchor="ls", **options)
        box = mask.getbbox() or (-offset[0], -offset[1], -offset[0], -offset[1])
        return (
            int(box[0] + offset[0]),
            int(box[1] + offset[1]),
            int(box[2] + offset[0]),
            int(box[3] + offset[1]),
        )

    def draw(self, pen: ImageDraw.ImageDraw, at: tuple[int, int], line: str, size: int) -> None:
        """Draw a line on a mask (mode L); ``at`` is the start of its baseline."""
        pen.text(at, self._shown(line), fill=255, font=self._at(size), anchor="ls", **self._options())

    def _at(self, size: int) -> ImageFont.FreeTypeFont:
        return fonts.face(self.font, size, raqm=self.shaper == RAQM)

    def _shown(self, line: str) -> str:
        return line if self.shaper == RAQM else visual(line, self.direction)

    def _options(self) -> dict[str, Any]:
        return {"direction": self.direction, "language": self.language} if self.shaper == RAQM else {}


def face_for(layer: TextLayer, *, shaper: str = "") -> Face:
    """The first of the brand's fonts for the layer's locale that covers its whole text, else DejaVu Sans.

    :raises LayoutImpossible: ``text.missing_glyphs`` naming the characters, ``text.cannot_shape``.
    :raises InvalidKit: ``kit.bad_font``.
    """
    chosen = choose_shaper(shaper)
    text = clean(layer.text)
    direction = direction_of(text, layer.locale)
    if chosen == BASIC:
        _refuse_unshapable(text, layer)
        text = visual(text, direction)
    needed = frozenset(ord(char) for char in text if not _invisible(char))
    candidates = [*fonts_of(layer), *_fallbacks(layer)]
    for font in candidates:
        if needed <= fonts.coverage(font):
            language = layer.locale.replace("_", "-")
            return Face(font=font, direction=direction, language=language, shaper=chosen)
    raise _missing(needed, candidates, layer)


def clean(text: str) -> str:
    """The text as it is set: composed characters, one kind of line break, no other control characters."""
    composed = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(char for char in composed if char == "\n" or unicodedata.category(char) != "Cc")


def shows(text: str) -> bool:
    """Whether a text would leave any ink."""
    return not all(_invisible(char) for char in text)


def fonts_of(layer: TextLayer) -> tuple[FontFile, ...]:
    """The layer's fonts that are meant for its locale; a font without locales is meant for every one."""
    wanted = {layer.locale, layer.locale.split("-")[0]}
    return tuple(font for font in layer.fonts if not font.locales or wanted & set(font.locales))


def visual(text: str, direction: str) -> str:
    """The text in visual order with joined Arabic forms and mirrored brackets, for drawing glyph by glyph."""
    if not needs_shaping(text):
        return _without_controls(text)
    base = "R" if direction == "rtl" else "L"
    return _without_controls(str(get_display(_reshaper().reshape(text), base_dir=base)))


def needs_shaping(text: str) -> bool:
    """Whether drawing the characters one after the other from the left would be wrong."""
    return any(unicodedata.bidirectional(c) in ("R", "AL", "AN") or unicodedata.category(c) in _MARKS for c in text)


_MARKS = ("Mn", "Mc", "Me")


@cache
def _reshaper() -> Any:
    # By default the reshaper drops vowel marks and writes the word for God as one sign that few fonts have:
    # lines are drawn as they were written, so only the obligatory lam-alef ligatures stay.
    ligatures = {"support_ligatures": True, "ARABIC LIGATURE ALLAH": False, "RIAL SIGN": False}
    return ArabicReshaper({"delete_harakat": False, **ligatures})


def _refuse_unshapable(text: str, layer: TextLayer) -> None:
    joined = _reshaper().reshape(text)
    wrong = sorted({char for char in joined if _beyond_basic(char)})
    if wrong:
        raise LayoutImpossible("text.cannot_shape", layer=layer.name, locale=layer.locale, characters=" ".join(wrong))


def _beyond_basic(char: str) -> bool:
    mark = unicodedata.category(char) in _MARKS and not _within(char, _VARIATION)
    return mark or _within(char, _JOINING) or _within(char, _ARABIC)


def _within(char: str, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(first <= ord(char) <= last for first, last in ranges)


def _invisible(char: str) -> bool:
    """Needs no glyph: white space of any width and what only steers the layout."""
    return unicodedata.category(char) in ("Zs", "Cf", "Cc") or _within(char, _VARIATION)


def _without_controls(text: str) -> str:
    kept = (char for char in text if unicodedata.category(char) != "Cf" and not _within(char, _VARIATION))
    return "".join(" " if unicodedata.category(char) == "Zs" else char for char in kept)


def _fallbacks(layer: TextLayer) -> tuple[FontFile, ...]:
    regular = fonts.bundled()
    return (fonts.bundled(bold=True), regular) if layer.size >= DISPLAY_SIZE else (regular,)


def _missing(needed: frozenset[int], candidates: list[FontFile], layer: TextLayer) -> LayoutImpossible:
    gaps = [needed - fonts.coverage(font) for font in candidates]
    nowhere = frozenset.intersection(*gaps) or min(gaps, key=len)
    return LayoutImpossible(
        "text.missing_glyphs",
        layer=layer.name,
        locale=layer.locale,
        characters=", ".join(_named(code) for code in sorted(nowhere)[:12]),
        fonts=", ".join(dict.fromkeys(font.name for font in candidates)),
    )


def _named(code: int) -> str:
    char = chr(code)
    return f"{char} (U+{code:04X})" if char.isprintable() else f"U+{code:04X}"
