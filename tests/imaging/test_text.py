"""Shaping, coverage, breaking and fitting of lines."""

from __future__ import annotations

import io
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables.TupleVariation import TupleVariation
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont, features

from image_studio.exceptions import InvalidKit, LayoutImpossible
from image_studio.imaging import fonts, shaping
from image_studio.imaging.layers import FontFile, TextLayer
from image_studio.imaging.shaping import BASIC, RAQM, choose_shaper, direction_of, face_for, visual
from image_studio.imaging.text import Copy, join, pieces_of, set_lines

SHAPERS = [
    pytest.param(RAQM, marks=pytest.mark.skipif(not features.check("raqm"), reason="Pillow cannot load Raqm here")),
    BASIC,
]
OFFER = "خصم 50% على AURA"
ISOLATED = {"خ": "\ufea5", "ص": "\ufeb9", "م": "\ufee1"}


def layer(text: str, locale: str = "en", *, fonts: tuple[FontFile, ...] = (), size: float = 0.03) -> TextLayer:
    return TextLayer(
        name="headline",
        text=text,
        locale=locale,
        fonts=fonts,
        anchor="bottom-left",
        width=0.8,
        size=size,
        min_size=0.02,
        max_lines=3,
        margin=0.05,
        colours=("#ffffff",),
    )


def tiny_font(characters: str, *, variable: bool = False) -> FontFile:
    """A font in which every character is the same box."""
    names = [".notdef", *(f"g{ord(char):x}" for char in characters)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(char): f"g{ord(char):x}" for char in characters})
    pen = TTGlyphPen(None)
    for number, point in enumerate([(100, 0), (100, 700), (500, 700), (500, 0)]):
        (pen.lineTo if number else pen.moveTo)(point)
    pen.closePath()
    glyph = pen.glyph()
    builder.setupGlyf(dict.fromkeys(names, glyph))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (600, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Tiny", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    if variable:
        builder.setupFvar([("wght", 100, 400, 900, "Weight")], [])
        wider = [(0, 0), (0, 0), (80, 0), (80, 0), (0, 0), (80, 0), (0, 0), (0, 0)]
        builder.setupGvar({name: [TupleVariation({"wght": (0, 1, 1)}, wider)] for name in names})
    out = io.BytesIO()
    builder.save(out)
    return FontFile(name="Tiny", data=out.getvalue())


def drawn(line: str, locale: str, shaper: str, size: int = 64) -> np.ndarray:
    """The ink of one line, cropped to it."""
    face = face_for(layer(line, locale), shaper=shaper)
    block = set_lines(face, [line], size)
    mask = block.mask("left")
    return np.asarray(mask.crop(mask.getbbox()))


def differs(one: np.ndarray, other: np.ndarray) -> float:
    """How much two masks differ, relative to their ink; a pixel of displacement hardly counts."""
    size = (other.shape[1] // 6, other.shape[0] // 6)
    a, b = (np.asarray(Image.fromarray(m).resize(size, Image.Resampling.BOX), dtype=float) for m in (one, other))
    return float(np.abs(a - b).sum() / b.sum())


# Direction and shaper ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "locale", "direction"),
    [
        ("Fresh.", "en", "ltr"),
        (OFFER, "ar", "rtl"),
        ("AURA خصم", "ar", "rtl"),
        ("AURA خصم", "en", "ltr"),
        ("Pure. Simple.", "ar", "ltr"),
        ("خصم", "en", "rtl"),
        ("50%", "ar", "rtl"),
        ("50%", "de", "ltr"),
        ("שלום", "he-IL", "rtl"),
    ],
)
def test_direction_is_the_locales_unless_the_text_has_no_letter_of_it(text: str, locale: str, direction: str) -> None:
    assert direction_of(text, locale) == direction


def test_shaper_falls_back_to_basic_where_pillow_has_no_raqm(monkeypatch: pytest.MonkeyPatch) -> None:
    shaping._has_raqm.cache_clear()
    monkeypatch.setattr(shaping.features, "check", lambda name: False)
    assert choose_shaper() == BASIC
    shaping._has_raqm.cache_clear()
    monkeypatch.setattr(shaping.features, "check", lambda name: name == "raqm")
    assert choose_shaper() == RAQM
    shaping._has_raqm.cache_clear()


def test_shaper_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="fancy"):
        choose_shaper("fancy")


# Arabic -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shaper", SHAPERS)
def test_arabic_letters_are_joined_not_isolated(shaper: str) -> None:
    word = drawn("خصم", "ar", shaper)
    font = fonts.face(fonts.bundled(), 64, raqm=False)
    isolated = font.getlength("".join(ISOLATED.values()))
    assert word.shape[1] < 0.9 * isolated
    assert (word.sum(axis=0) > 0).all(), "a gap between the letters: they do not join"


@pytest.mark.skipif(not features.check("raqm"), reason="Pillow cannot load Raqm here")
@pytest.mark.parametrize("text", [OFFER, "هذا الأسبوع فقط (حتى الأحد)", "السعر 1,299.50 ر.س", "שלום (2027) עולם"])
def test_both_shapers_draw_the_same(text: str) -> None:
    with_raqm, basic = drawn(text, "ar", RAQM), drawn(text, "ar", BASIC)
    assert abs(with_raqm.shape[1] - basic.shape[1]) <= 0.01 * basic.shape[1] + 2
    assert differs(with_raqm, basic) < 0.2
    assert differs(np.asarray(_plain(text, 64)), basic) > 0.6


def _plain(text: str, size: int) -> Image.Image:
    font = ImageFont.truetype(io.BytesIO(fonts.bundled().data), size, layout_engine=ImageFont.Layout.BASIC)
    mask = Image.new("L", (2000, 200))
    ImageDraw.Draw(mask).text((20, 100), text, fill=255, font=font)
    return mask.crop(mask.getbbox())


@pytest.mark.parametrize("shaper", SHAPERS)
def test_arabic_offer_with_a_price_and_a_latin_name_reads_from_the_right(shaper: str) -> None:
    """From the right: the noun, 50, the per cent sign, the preposition, and the Latin name last."""
    line, noun, number, sign, name = (_columns(drawn(t, "ar", shaper)) for t in (OFFER, "خصم", "50", "%", "AURA"))
    at_noun, at_number, at_sign = (_position(line, word) for word in (noun, number, sign))
    assert at_noun + len(noun) == pytest.approx(len(line), abs=3)
    assert 0 < at_noun - (at_number + len(number)) < 2 * _space(64)
    assert 0 < at_number - (at_sign + len(sign)) < _space(64)
    assert _position(line, name) == pytest.approx(0, abs=3)


def _columns(mask: np.ndarray) -> np.ndarray:
    """Ink per column: enough to find a word in a line, whatever the height of its neighbours."""
    return mask.sum(axis=0).astype(float)


def _position(line: np.ndarray, word: np.ndarray) -> int:
    gaps = [np.abs(line[i : i + len(word)] - word).sum() for i in range(len(line) - len(word) + 1)]
    return int(np.argmin(gaps))


def _space(size: int) -> float:
    return fonts.face(fonts.bundled(), size, raqm=False).getlength(" ")


def test_visual_order_of_the_basic_shaper() -> None:
    joined = "\ufea7\ufebc\ufee2", "\ufecb\ufee0\ufef0"
    assert visual(OFFER, "rtl") == f"AURA {joined[1][::-1]} %50 {joined[0][::-1]}"
    assert visual("(אב)", "rtl") == "(בא)"
    assert visual("1.299,00 €", "ltr") == "1.299,00 €"


def test_basic_shaper_keeps_the_word_for_god_as_written() -> None:
    assert "\ufdf2" not in visual("الله", "rtl")
    assert len(visual("الله", "rtl")) == 4


@pytest.mark.parametrize(("text", "locale"), [("नमस्ते", "hi"), ("مُحَمَّد", "ar"), ("ߒߞߏ", "nqo"), ("ݐݑ", "ar")])
def test_basic_shaper_refuses_what_it_cannot_do_right(text: str, locale: str) -> None:
    with pytest.raises(LayoutImpossible) as refused:
        face_for(layer(text, locale), shaper=BASIC)
    assert refused.value.code == "text.cannot_shape"
    assert refused.value.params["layer"] == "headline"


# Coverage ---------------------------------------------------------------------------------------------------------


def test_first_font_that_covers_the_whole_line_is_taken() -> None:
    few, more = tiny_font("AB"), tiny_font("ABC")
    assert face_for(layer("AB", fonts=(few, more))).font is few
    assert face_for(layer("A B C", fonts=(few, more))).font is more
    assert face_for(layer("ABCD", fonts=(few, more))).font == fonts.bundled()


def test_display_lines_fall_back_to_bold_and_small_ones_to_regular() -> None:
    assert face_for(layer("Fresh", size=0.07)).font.name == "DejaVuSans-Bold"
    assert face_for(layer("Fresh", size=0.02)).font.name == "DejaVuSans"


def test_fonts_for_other_locales_are_passed_over() -> None:
    german = FontFile(name="German", data=tiny_font("AB").data, locales=("de",))
    assert face_for(layer("AB", "de-AT", fonts=(german,))).font is german
    assert face_for(layer("AB", "en", fonts=(german,))).font == fonts.bundled()


def test_basic_arabic_needs_the_presentation_forms() -> None:
    letters_only = tiny_font("خصم")
    if features.check("raqm"):
        assert face_for(layer("خصم", "ar", fonts=(letters_only,)), shaper=RAQM).font is letters_only
    assert face_for(layer("خصم", "ar", fonts=(letters_only,)), shaper=BASIC).font == fonts.bundled()


def test_missing_glyphs_are_named() -> None:
    with pytest.raises(LayoutImpossible) as missing:
        face_for(layer("Nur 喝 heute 🍋", fonts=(tiny_font("AB"),)))
    assert missing.value.code == "text.missing_glyphs"
    assert missing.value.params["characters"] == "喝 (U+559D), 🍋 (U+1F34B)"
    assert missing.value.params["fonts"] == "Tiny, DejaVuSans"


def test_spaces_and_invisible_marks_need_no_glyph() -> None:
    font = tiny_font("AB")
    assert face_for(layer("A\u00a0B\u202f\u200dA\ufe0f", fonts=(font,))).font is font


def test_bundled_fonts_come_with_their_licence() -> None:
    licence = files("image_studio").joinpath("fonts", "LICENSE-DejaVu.txt").read_text("utf-8")
    assert "Bitstream Vera" in licence
    assert "Tavmjong Bah" in licence
    assert {0x41, 0x3B1, 0x416, 0x645, 0xFEE2} <= fonts.coverage(fonts.bundled())


def test_variable_font_is_drawn() -> None:
    font = tiny_font("AB", variable=True)
    with TTFont(io.BytesIO(font.data)) as opened:
        assert "fvar" in opened
    fonts.check_font(font)
    assert face_for(layer("AB", fonts=(font,))).width("AB", 100) == pytest.approx(120, abs=2)


# Broken fonts -----------------------------------------------------------------------------------------------------


def _cmap_bomb() -> bytes:
    """A font whose character table claims 60 times four billion characters."""
    with TTFont(io.BytesIO(tiny_font("AB").data)) as opened:
        groups = b"".join(struct.pack(">LLL", 0, 0xFFFFFFFF, 0) for _ in range(60))
        table = struct.pack(">HHLLL", 12, 0, 16 + len(groups), 0, 60) + groups
        raw = struct.pack(">HHHHL", 0, 1, 3, 10, 12) + table
        del opened["cmap"]
        out = io.BytesIO()
        opened.save(out)
    return _with_table(out.getvalue(), b"cmap", raw)


def _with_table(data: bytes, tag: bytes, raw: bytes) -> bytes:
    count = struct.unpack(">H", data[4:6])[0]
    entries = [data[12 + 16 * i : 28 + 16 * i] for i in range(count)]
    moved = [e[:8] + struct.pack(">L", struct.unpack(">L", e[8:12])[0] + 16) + e[12:] for e in entries]
    start = len(data) + 16
    moved.append(tag + struct.pack(">LLL", 0, start, len(raw)))
    return (
        data[:4] + struct.pack(">H", count + 1) + data[6:12] + b"".join(sorted(moved)) + data[12 + 16 * count :] + raw
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<svg onload=alert(1)>" * 40, id="no font"),
        pytest.param(fonts.bundled().data[:600], id="directory only"),
        pytest.param(fonts.bundled().data[:200_000], id="cut"),
        pytest.param(b"\x00\x01\x00\x00" + b"\xff" * 4000, id="garbage"),
        pytest.param(b"wOFF" + fonts.bundled().data[4:], id="web font"),
        pytest.param(_cmap_bomb(), id="character bomb"),
    ],
)
def test_broken_font_is_refused_fast(data: bytes) -> None:
    started = time.process_time()
    with pytest.raises(InvalidKit) as refused:
        fonts.check_font(FontFile(name="Broken", data=data))
    assert (refused.value.code, refused.value.params) == ("kit.bad_font", {"name": "Broken"})
    assert time.process_time() - started < 1


# Breaking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Only today", ["Only", "today"]),
        ("Nur 1.299,00 € heute", ["Nur", "1.299,00 €", "heute"]),
        ("1 299 € TTC", ["1 299 €", "TTC"]),
        ("Jusqu’à 50 % !", ["Jusqu’à", "50 % !"]),
        ("$ 20 off", ["$ 20", "off"]),
        ("Est-ce vrai ?", ["Est-", "ce", "vrai ?"]),
        ("AI-generated", ["AI-", "generated"]),
        ("-50% off", ["-50%", "off"]),
        ("Tel. 555-1234", ["Tel.", "555-1234"]),
        ("喝一杯。", ["喝", "一", "杯。"]),
        ("ลดราคา\u200bวันนี้ เท่านั้น", ["ลดราคา", "วันนี้", "เท่านั้น"]),
        ("「喝」茶", ["「喝」", "茶"]),
    ],
)
def test_pieces_keep_together_what_belongs_together(text: str, pieces: list[str]) -> None:
    assert [piece.text for piece in pieces_of(text)] == pieces


def test_soft_hyphen_shows_only_where_a_line_ends_with_it() -> None:
    pieces = pieces_of("Sommer\u00adfest heute")
    assert join(pieces) == "Sommerfest heute"
    assert join(pieces[:1]) == "Sommer-"


def copy(text: str, *, locale: str = "en", size: int = 60, least: int = 24, max_lines: int = 3) -> Copy:
    return Copy(face=face_for(layer(text, locale)), text=text, size=size, least=least, max_lines=max_lines)


def test_forced_line_breaks_are_kept() -> None:
    block = copy("One\nTwo three").fit(2000, 1000)
    assert block is not None
    assert block.lines == ("One", "Two three")


def test_lines_are_balanced() -> None:
    line = copy("Summer starts with a glass of something very cold")
    full = line.fit(2000, 1000)
    assert full is not None
    assert len(full.lines) == 1
    block = line.fit(round(full.width * 0.62), 1000)
    assert block is not None
    assert block.size == 60
    widths = [right - left for left, _, right, _ in block.inks]
    assert min(widths) > 0.75 * max(widths), "no short last line"


def test_type_shrinks_no_further_than_needed_and_never_below_the_least() -> None:
    line = copy("Summer starts with a glass of something very cold", max_lines=1)
    block = line.fit(1000, 1000)
    assert block is not None
    assert 24 < block.size < 60
    assert line._try(block.size + 1, 1000, 1000) is None
    assert line.fit(400, 1000) is None


def test_word_wider_than_the_room_shrinks_and_is_never_cut() -> None:
    block = copy("Donaudampfschifffahrtsgesellschaft").fit(700, 400)
    assert block is not None
    assert block.lines == ("Donaudampfschifffahrtsgesellschaft",)


def test_leading_is_tight_for_display_and_never_lets_lines_touch() -> None:
    block = set_lines(copy("Ag").face, ["Apple gy", "Ähren"], 80)
    assert 1.12 <= block.leading / 80 <= 1.3
    small = set_lines(copy("Ag").face, ["Apple", "pears"], 20)
    assert small.leading / 20 == pytest.approx(1.25, abs=0.05)


def test_lines_stand_on_the_same_baseline_with_and_without_descender() -> None:
    face = copy("x").face
    with_it, without = set_lines(face, ["Happy"], 40), set_lines(face, ["Harare"], 40)
    assert with_it.height - with_it.rise == without.height - without.rise


WORDS = st.lists(
    st.sampled_from(["AURA", "50", "%", "€", "1.299,00", "a", "Sommer", "glass-ware", "of", "!"]), min_size=1
)


@given(WORDS, st.integers(150, 1200), st.integers(60, 500), st.integers(1, 6))
def test_fitted_block_is_inside_its_room_and_says_every_word(
    words: list[str], width: int, height: int, max_lines: int
) -> None:
    text = " ".join(words)
    block = copy(text, max_lines=max_lines).fit(width, height)
    if block is None:
        return
    assert block.width <= width
    assert block.height <= height
    assert len(block.lines) <= max_lines
    assert 24 <= block.size <= 60
    said = block.lines[0]
    for line in block.lines[1:]:
        said += line if said.endswith("glass-") else f" {line}"
    assert said == text
    ink = block.mask("left").getbbox()
    assert ink is not None
    assert ink[2] <= block.width


@pytest.mark.parametrize("shaper", SHAPERS)
def test_price_is_drawn_exactly_as_the_font_draws_it(shaper: str) -> None:
    price = "Ab 1.299,90 €"
    ours = drawn(price, "de", shaper, 72)
    engine = ImageFont.Layout.RAQM if shaper == RAQM else ImageFont.Layout.BASIC
    font = ImageFont.truetype(io.BytesIO(fonts.bundled().data), 72, layout_engine=engine)
    mask = Image.new("L", (900, 200))
    ImageDraw.Draw(mask).text((10, 100), price, fill=255, font=font, anchor="ls")
    assert np.array_equal(ours, np.asarray(mask.crop(mask.getbbox())))


def test_threads_draw_with_faces_of_their_own() -> None:
    expected = drawn(OFFER, "ar", choose_shaper())
    with ThreadPoolExecutor(8) as pool:
        masks = list(pool.map(lambda _: drawn(OFFER, "ar", choose_shaper()), range(32)))
    assert all(np.array_equal(mask, expected) for mask in masks)
