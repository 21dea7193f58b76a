"""What the composer draws, where, and what it refuses."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont, ImageOps

from image_studio.catalog.specs import channels
from image_studio.exceptions import InvalidKit, LayoutImpossible
from image_studio.imaging import fonts
from image_studio.imaging.arrange import free_boxes
from image_studio.imaging.colour import contrast_ratio, parse_hex
from image_studio.imaging.compose import Composition, compose, dry_run
from image_studio.imaging.geometry import Box
from image_studio.imaging.layers import LogoLayer, LogoVersion, Placed, TextLayer
from image_studio.imaging.legibility import ink_luminance, low_contrast, pixels
from tests.corpus import corpus

GREEN, WHITE, BLACK = "#123524", "#ffffff", "#141414"
ANCHORS = ("top-left", "top", "top-right", "left", "centre", "right", "bottom-left", "bottom", "bottom-right")
SIZE = (1080, 1350)
SAFE = Box(64, 64, 952, 1222)


@cache
def logo_file(colour: str = GREEN, size: tuple[int, int] = (900, 300), border: int = 0) -> bytes:
    image = Image.new("RGBA", (size[0] + 2 * border, size[1] + 2 * border))
    ImageDraw.Draw(image).rectangle((border, border, border + size[0] - 1, border + size[1] - 1), fill=colour)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def version(
    name: str = "only", *, data: bytes = b"", on: str = "any", clear: float = 0.5, least: int = 70
) -> LogoVersion:
    data = data or logo_file()
    return LogoVersion(
        name=name, data=data, sha256=hashlib.sha256(data).hexdigest(), on=on, clear_space=clear, min_width=least
    )


def logo(*versions: LogoVersion, anchor: str = "top-left", width: float = 0.14, margin: float = 0.04) -> LogoLayer:
    return LogoLayer(name="logo", versions=versions or (version(),), anchor=anchor, width=width, margin=margin)


HEADLINE = TextLayer(
    name="headline",
    text="Summer starts with a glass of something cold",
    locale="en",
    fonts=(),
    anchor="bottom-left",
    width=0.8,
    size=0.07,
    min_size=0.035,
    max_lines=3,
    margin=0.05,
    colours=(WHITE, BLACK),
)
LEGAL = replace(HEADLINE, name="legal", text="While stocks last. Until 31 August.", size=0.024, min_size=0.018)
LABEL = replace(
    LEGAL, name="label_ai", text="AI-generated", anchor="bottom-right", size=0.022, colours=(WHITE,), backdrop=BLACK
)


def grey(level: int = 0, size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.new("RGB", size, (level, level, level))


def busy(size: tuple[int, int] = SIZE) -> Image.Image:
    """Noise over a bright gradient: the worst ground for text."""
    rng = np.random.default_rng(7)
    noise = rng.integers(0, 120, (size[1], size[0], 3))
    ramp = np.linspace(40, 135, size[1])[:, None, None]
    return Image.fromarray((noise + ramp).astype(np.uint8))


def by_name(composition: Composition) -> dict[str, Placed]:
    return {placed.name: placed for placed in composition.placed}


def room_of(placed: Placed) -> Box:
    """The ink with the padding of its plate."""
    return placed.box.grown(round(placed.size * 0.3)) if placed.backdrop.startswith("#") else placed.clear


# The picture ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_result_has_the_bases_mode_and_size_and_the_base_is_left_alone(mode: str) -> None:
    base = busy().convert(mode)
    before = base.tobytes()
    made = compose(base, [logo(), HEADLINE, replace(LEGAL, backdrop="scrim"), LABEL], safe=SAFE)
    assert (made.image.mode, made.image.size) == (mode, SIZE)
    assert (made.under.mode, made.under.size) == (mode, SIZE)
    assert base.tobytes() == before
    assert [placed.name for placed in made.placed] == ["logo", "headline", "legal", "label_ai"]


def test_other_modes_are_a_programming_error() -> None:
    with pytest.raises(ValueError, match="CMYK"):
        compose(Image.new("CMYK", SIZE), [], safe=SAFE)


def test_nothing_to_place_changes_nothing() -> None:
    made = compose(busy(), [], safe=SAFE)
    assert made.image.tobytes() == busy().tobytes()
    assert made.placed == ()


def test_without_backdrop_only_the_reported_boxes_are_touched() -> None:
    made = compose(busy(), [logo(), HEADLINE, LEGAL], safe=SAFE)
    changed = np.abs(np.asarray(made.image, dtype=int) - np.asarray(busy(), dtype=int)).sum(axis=2) > 0
    for placed in made.placed:
        box = placed.box
        inside = changed[box.top : box.bottom, box.left : box.right]
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        assert rows[0] == 0
        assert rows[-1] == box.height - 1
        assert columns[0] == 0
        assert columns[-1] == box.width - 1
        changed[box.top : box.bottom, box.left : box.right] = False
    assert not changed.any()


def test_under_holds_the_backdrop_but_no_ink() -> None:
    made = compose(grey(200), [logo(), replace(HEADLINE, backdrop=GREEN)], safe=SAFE)
    headline = by_name(made)["headline"]
    assert set(map(tuple, pixels(made.under, headline.box))) == {parse_hex(GREEN)}
    assert set(map(tuple, pixels(made.under, by_name(made)["logo"].box))) == {(200, 200, 200)}


def test_line_is_drawn_exactly_as_its_font_draws_it() -> None:
    price = replace(HEADLINE, text="Nur 1.299,90 €", locale="de", size=0.06)
    made = compose(grey(0), [price], safe=SAFE, shaper="basic")
    placed = made.placed[0]
    font = ImageFont.truetype(
        io.BytesIO(fonts.bundled(bold=True).data), placed.size, layout_engine=ImageFont.Layout.BASIC
    )
    reference = Image.new("L", (1400, 300))
    ImageDraw.Draw(reference).text((50, 150), price.text, fill=255, font=font, anchor="ls")
    ink = made.image.getchannel("G").crop((placed.box.left, placed.box.top, placed.box.right, placed.box.bottom))
    assert np.array_equal(np.asarray(ink), np.asarray(reference.crop(reference.getbbox())))
    assert placed.lines == (price.text,)
    assert placed.text == price.text


def test_transparent_canvas_gets_clean_ink_without_a_dark_fringe() -> None:
    made = compose(Image.new("RGBA", SIZE), [replace(HEADLINE, colours=(GREEN,)), logo()], safe=SAFE)
    drawn = np.asarray(made.image)
    visible = drawn[drawn[..., 3] > 0][:, :3].astype(int)
    assert len(visible) > 1000
    assert np.abs(visible - np.array(parse_hex(GREEN))).max() <= 1


# Logo -------------------------------------------------------------------------------------------------------------


def test_logo_has_its_share_of_the_width_its_aspect_and_its_place() -> None:
    placed = compose(grey(), [logo(width=0.2, anchor="top-right")], safe=SAFE).placed[0]
    assert placed.box.width == 216
    assert placed.box.height == 72
    assert (placed.box.right, placed.box.top) == (SAFE.right, SAFE.top)
    assert placed.clear == placed.box.grown(36)
    assert (placed.version, placed.size, placed.minimum) == ("only", 216, 70)


def test_logo_is_never_smaller_than_the_kit_allows() -> None:
    placed = compose(grey(), [logo(version(least=180), width=0.05)], safe=SAFE).placed[0]
    assert placed.size == 180


def test_logo_is_never_larger_than_its_master() -> None:
    small = logo_file(size=(150, 50))
    assert compose(grey(), [logo(version(data=small), width=0.4)], safe=SAFE).placed[0].size == 150
    with pytest.raises(LayoutImpossible) as refused:
        compose(grey(), [logo(version(data=small, least=200))], safe=SAFE)
    assert refused.value.code == "layout.logo_master_small"
    assert (refused.value.params["width"], refused.value.params["minimum"]) == (150, 200)


def test_transparent_border_of_the_master_does_not_count() -> None:
    bordered = logo(version(data=logo_file(border=200)))
    assert compose(grey(), [bordered], safe=SAFE).placed[0].box == compose(grey(), [logo()], safe=SAFE).placed[0].box


def test_tall_logo_shrinks_to_its_room_or_is_refused() -> None:
    tall = logo_file(size=(300, 1200))
    banner, safe = grey(size=(1920, 640)), Box(96, 51, 1728, 538)
    placed = compose(banner, [logo(version(data=tall, clear=0.1, least=40), width=0.2)], safe=safe).placed[0]
    assert placed.box.height <= safe.height
    assert placed.box.width * 4 == pytest.approx(placed.box.height, abs=4)
    with pytest.raises(LayoutImpossible) as refused:
        compose(banner, [logo(version(data=tall, least=300))], safe=safe)
    assert refused.value.code == "layout.logo_does_not_fit"


def test_clear_space_ends_at_the_canvas_edge_too() -> None:
    placed = compose(grey(), [logo(version(clear=2.0), margin=0.0)], safe=Box(0, 0, *SIZE)).placed[0]
    assert Box(0, 0, *SIZE).holds(placed.clear)


@pytest.mark.parametrize(("ground", "chosen"), [(0, "white"), (40, "white"), (230, "green"), (255, "green")])
def test_version_suits_the_ground(ground: int, chosen: str) -> None:
    versions = version("green", on="light"), version("white", data=logo_file(WHITE), on="dark")
    assert compose(grey(ground), [logo(*versions)], safe=SAFE).placed[0].version == chosen


def test_version_on_a_middle_ground_is_the_one_that_reads_better() -> None:
    pale = version("pale", data=logo_file("#c8d0cc"), on="light")
    dark = version("dark", data=logo_file("#000000"), on="dark")
    assert compose(grey(140), [logo(pale, dark)], safe=SAFE).placed[0].version == "dark"


def test_version_follows_the_scrim_that_came_under_it() -> None:
    versions = version("green", on="light"), version("white", data=logo_file(WHITE), on="dark")
    veiled = replace(HEADLINE, colours=(WHITE,), backdrop="scrim")
    base = grey(190)
    assert compose(base, [logo(*versions, anchor="bottom-right")], safe=SAFE).placed[0].version == "green"
    assert compose(base, [logo(*versions, anchor="bottom-right"), veiled], safe=SAFE).placed[0].version == "white"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no picture", id="no picture"),
        pytest.param(logo_file()[:80], id="cut"),
        pytest.param(logo_file("#00000000"), id="invisible"),
    ],
)
def test_unreadable_or_invisible_logo_is_refused(data: bytes) -> None:
    broken = LogoVersion(name="broken", data=data, sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(InvalidKit) as refused:
        compose(grey(), [logo(broken)], safe=SAFE)
    assert (refused.value.code, refused.value.params) == ("kit.bad_logo", {"name": "broken"})
    assert [fault.code for fault in dry_run(SIZE, [logo(broken)], safe=SAFE)] == ["kit.bad_logo"]


def test_logos_too_close_to_each_other_are_refused() -> None:
    other = replace(logo(), name="partner")
    with pytest.raises(LayoutImpossible) as refused:
        compose(grey(), [logo(), other], safe=SAFE)
    assert refused.value.code == "layout.logos_meet"
    assert len(compose(grey(), [logo(), replace(other, anchor="top-right")], safe=SAFE).placed) == 2


def test_logo_layer_without_a_version_is_refused() -> None:
    empty = LogoLayer(name="logo", versions=(), anchor="top", width=0.1, margin=0.1)
    assert [fault.code for fault in dry_run(SIZE, [empty], safe=SAFE)] == ["layout.logo_missing"]


# Texts ------------------------------------------------------------------------------------------------------------


def test_texts_of_one_anchor_stack_in_their_order_on_one_left_edge() -> None:
    placed = by_name(compose(grey(), [HEADLINE, LEGAL], safe=SAFE))
    assert placed["headline"].box.bottom < placed["legal"].box.top
    assert abs(placed["headline"].box.left - placed["legal"].box.left) <= 1
    assert placed["legal"].box.bottom <= SAFE.bottom


def test_texts_at_the_top_stack_downwards() -> None:
    up = [replace(HEADLINE, anchor="top-left"), replace(LEGAL, anchor="top-left")]
    placed = by_name(compose(grey(), up, safe=SAFE))
    assert placed["headline"].box.bottom < placed["legal"].box.top
    assert placed["headline"].box.top < SIZE[1] * 0.1


def test_middle_column_is_centred_as_one_block() -> None:
    middle = [replace(HEADLINE, anchor="centre"), replace(LEGAL, anchor="centre")]
    placed = by_name(compose(grey(), middle, safe=SAFE))
    top, bottom = placed["headline"].box.top, placed["legal"].box.bottom
    assert (top + bottom) / 2 == pytest.approx(SAFE.top + SAFE.height / 2, abs=25)
    assert placed["headline"].box.left + placed["headline"].box.width / 2 == pytest.approx(540, abs=2)


def test_small_lines_share_the_bottom_row_where_they_have_room() -> None:
    placed = by_name(compose(grey(), [HEADLINE, LEGAL, LABEL], safe=SAFE))
    assert placed["legal"].box.right < placed["label_ai"].box.left
    assert abs(placed["legal"].box.bottom - placed["label_ai"].box.bottom) < 25


def test_text_keeps_out_of_the_logos_clear_space() -> None:
    made = compose(grey(), [logo(version(clear=1.0), anchor="bottom-left", width=0.3), HEADLINE, LEGAL], safe=SAFE)
    placed = by_name(made)
    assert not placed["headline"].box.meets(placed["logo"].clear)
    assert not placed["legal"].box.meets(placed["logo"].clear)


def test_text_that_does_not_fit_says_so() -> None:
    long = replace(HEADLINE, text="Unwahrscheinlichkeitsantrieb " * 12, locale="de")
    with pytest.raises(LayoutImpossible) as refused:
        compose(grey(), [long], safe=SAFE)
    assert refused.value.code == "layout.text_does_not_fit"
    assert refused.value.params["layer"] == "headline"
    assert refused.value.params["minimum"] == 38
    assert refused.value.params["canvas"] == "1080x1350"


def test_text_shrinks_before_it_is_refused() -> None:
    long = replace(
        HEADLINE, text="Summer starts with a glass of something very cold and ends with another one of these"
    )
    placed = compose(grey(), [long], safe=SAFE).placed[0]
    assert placed.minimum <= placed.size < round(0.07 * 1080)
    assert len(placed.lines) <= 3


@pytest.mark.parametrize("text", ["", "  \n ", "\u200b"])
def test_line_without_ink_is_missing(text: str) -> None:
    with pytest.raises(LayoutImpossible) as refused:
        compose(grey(), [replace(HEADLINE, text=text)], safe=SAFE)
    assert (refused.value.code, refused.value.params["line"]) == ("layout.line_missing", "headline")


# Right to left ----------------------------------------------------------------------------------------------------


def test_text_anchors_are_mirrored_for_arabic_and_the_logo_is_not() -> None:
    arabic = replace(HEADLINE, text="خصم 50% على AURA هذا الأسبوع فقط", locale="ar", width=0.5)
    label = replace(LABEL, text="منشأ بالذكاء الاصطناعي", locale="ar")
    placed = by_name(compose(grey(), [logo(), arabic, label], safe=SAFE))
    assert placed["headline"].box.right == SAFE.right
    assert placed["headline"].direction == "rtl"
    assert len(placed["headline"].lines) > 1
    assert placed["label_ai"].box.left < SAFE.left + 60
    assert placed["logo"].box.left == SAFE.left


def test_arabic_lines_are_flush_at_the_right() -> None:
    arabic = replace(HEADLINE, text="خصم كبير جدا\nهنا", locale="ar", colours=(WHITE,))
    made = compose(grey(), [arabic], safe=SAFE)
    box = made.placed[0].box
    ink = np.asarray(made.image.getchannel("G"))[box.top : box.bottom, box.left : box.right]
    middle = box.height // 2
    ends = [int(np.flatnonzero(part.any(axis=0))[-1]) for part in (ink[:middle], ink[middle:])]
    assert ends[0] == ends[1]


def test_latin_line_in_an_arabic_picture_is_mirrored_but_reads_from_the_left() -> None:
    placed = compose(grey(), [replace(HEADLINE, locale="ar", text="Pure. Simple.")], safe=SAFE).placed[0]
    assert placed.direction == "ltr"
    assert placed.box.right == SAFE.right


# Legibility -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "colour"), [(0, WHITE), (255, BLACK)])
def test_colour_with_the_best_contrast_is_taken(level: int, colour: str) -> None:
    assert compose(grey(level), [HEADLINE], safe=SAFE).placed[0].colour == colour


def test_the_brands_own_colour_wins_among_equals() -> None:
    cream = replace(HEADLINE, colours=("#faf6ec", WHITE, BLACK))
    assert compose(grey(0), [cream], safe=SAFE).placed[0].colour == "#faf6ec"


def test_single_candidate_is_a_fixed_colour() -> None:
    fixed = replace(HEADLINE, colours=("#777777",))
    assert compose(grey(128), [fixed], safe=SAFE).placed[0].colour == "#777777"


@pytest.mark.parametrize("anchor", ["bottom-left", "top", "centre", "right"])
@pytest.mark.parametrize("colours", [(WHITE, BLACK), (WHITE,), (BLACK,)])
@pytest.mark.parametrize("ground", ["busy", "white"])
def test_scrim_reaches_readable_contrast(anchor: str, colours: tuple[str, ...], ground: str) -> None:
    base = busy() if ground == "busy" else grey(255)
    layers = [replace(layer, anchor=anchor, colours=colours, backdrop="scrim") for layer in (HEADLINE, LEGAL)]
    made = compose(base, layers, safe=SAFE)
    for placed in made.placed:
        assert low_contrast(ink_luminance(placed.colour), pixels(made.under, placed.box)) >= 4.5


def test_scrim_is_soft_and_leaves_the_far_side_alone() -> None:
    made = compose(grey(200), [replace(HEADLINE, colours=(WHITE,), backdrop="scrim")], safe=SAFE)
    column = np.asarray(made.under)[:, 200, 0].astype(int)
    assert np.abs(np.diff(column)).max() <= 3, "no visible edge"
    assert (column[: SIZE[1] // 3] == 200).all()


def test_scrim_is_not_painted_where_nothing_is_to_gain() -> None:
    made = compose(grey(0), [replace(HEADLINE, backdrop="scrim")], safe=SAFE)
    assert made.under.tobytes() == grey(0).tobytes()


def test_plate_surrounds_the_ink_with_padding() -> None:
    made = compose(grey(255), [LABEL], safe=SAFE)
    box = made.placed[0].box
    for edge in (box.left - 8, box.right + 7):
        assert made.under.getpixel((edge, box.top + box.height // 2)) == parse_hex(BLACK)
    dark = np.asarray(made.under)[..., 0] < 128
    assert np.flatnonzero(dark.any(axis=0))[-1] < SAFE.right
    assert contrast_ratio(made.placed[0].colour, BLACK) > 7


@pytest.mark.parametrize("channel", ["square", "web-banner"])
def test_real_photograph_gets_readable_lines(channel: str) -> None:
    spec = channels()[channel]
    photo = ImageOps.fit(Image.open(corpus("valid_odd/ori__Landscape_1.jpg")).convert("RGB"), spec.size)
    lines = [replace(HEADLINE, backdrop="scrim"), replace(LEGAL, backdrop="scrim"), LABEL]
    made = compose(photo, [logo(), *lines], safe=Box(*spec.safe_box))
    for placed in made.placed[1:]:
        assert low_contrast(ink_luminance(placed.colour), pixels(made.under, placed.box)) >= 4.5


# Dry run ----------------------------------------------------------------------------------------------------------


def test_dry_run_names_every_fault_at_once() -> None:
    layers = [
        logo(version(least=2000)),
        replace(HEADLINE, text="喝"),
        replace(LEGAL, text="Unwahrscheinlichkeitsantrieb " * 30),
        LABEL,
    ]
    codes = [fault.code for fault in dry_run(SIZE, layers, safe=SAFE)]
    assert codes == ["layout.logo_master_small", "text.missing_glyphs", "layout.text_does_not_fit"]
    with pytest.raises(LayoutImpossible) as first:
        compose(grey(), layers, safe=SAFE)
    assert first.value.code == codes[0]


def test_dry_run_tries_every_shape_of_a_logo() -> None:
    square = version("square", data=logo_file(WHITE, (700, 700)), on="dark", clear=1.0, least=420)
    wide = version("wide", on="light")
    small, safe = (600, 500), Box(20, 20, 560, 460)
    assert dry_run(small, [logo(wide)], safe=safe) == ()
    faults = dry_run(small, [logo(wide, square)], safe=safe)
    assert [fault.code for fault in faults] == ["layout.logo_does_not_fit"]


LAYERS = st.lists(
    st.builds(
        lambda layer, anchor, backdrop, locale: replace(layer, anchor=anchor, backdrop=backdrop, locale=locale),
        st.sampled_from([HEADLINE, LEGAL, LABEL]),
        st.sampled_from(ANCHORS),
        st.sampled_from(["none", "scrim", GREEN]),
        st.sampled_from(["en", "ar"]),
    ),
    max_size=4,
)
LOGOS = st.builds(
    lambda anchor, width, margin, clear: logo(version(clear=clear), anchor=anchor, width=width, margin=margin),
    st.sampled_from(ANCHORS),
    st.floats(0.05, 0.5),
    st.floats(0, 0.1),
    st.floats(0, 1.5),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    texts=LAYERS,
    mark=LOGOS,
    size=st.tuples(st.integers(320, 1400), st.integers(320, 1400)),
    inset=st.tuples(st.floats(0, 0.2), st.floats(0, 0.2)),
)
def test_whatever_is_placed_is_inside_apart_and_true(
    texts: list[TextLayer], mark: LogoLayer, size: tuple[int, int], inset: tuple[float, float]
) -> None:
    left, top = round(size[0] * inset[0]), round(size[1] * inset[1])
    safe = Box(left, top, size[0] - 2 * left, size[1] - 2 * top)
    layers = [mark, *(replace(layer, name=f"{layer.name}{i}") for i, layer in enumerate(texts))]
    faults = dry_run(size, layers, safe=safe)
    if faults:
        with pytest.raises(type(faults[0])) as raised:
            compose(grey(90, size), layers, safe=safe)
        assert str(raised.value) == str(faults[0])
        return
    placed = compose(grey(90, size), layers, safe=safe).placed
    assert len(placed) == len(layers)
    for one, layer in zip(placed, layers, strict=True):
        assert safe.holds(one.box)
        assert one.size >= one.minimum
        assert one.box.width <= max(round(layer.width * size[0]), one.minimum)
    assert placed[0].box.height == round(placed[0].box.width / 3)
    for index, one in enumerate(placed):
        for other in placed[index + 1 :]:
            assert not room_of(one).meets(other.box), (one.name, other.name)


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 50), st.integers(1, 50)), max_size=5))
def test_free_boxes_meet_nothing_and_cover_every_free_pixel(taken: list[tuple[int, int, int, int]]) -> None:
    room = Box(0, 0, 100, 100)
    boxes = [Box(*each) for each in taken]
    free = free_boxes(room, boxes)
    covered, blocked = np.zeros((100, 100), bool), np.zeros((100, 100), bool)
    for box in free:
        assert room.holds(box)
        assert not any(box.meets(other) for other in boxes)
        covered[box.top : box.bottom, box.left : box.right] = True
    for box in boxes:
        blocked[box.top : box.bottom, box.left : box.right] = True
    assert (covered == ~blocked).all()


def test_placed_survives_its_plain_form() -> None:
    for placed in compose(grey(), [logo(), HEADLINE], safe=SAFE).placed:
        assert Placed.from_dict(placed.to_dict()) == placed
