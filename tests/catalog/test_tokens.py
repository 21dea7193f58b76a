"""Token counts against every reading there is: calculators, real usage, published tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_studio.catalog.sizes import parse
from image_studio.catalog.specs import ModelSpec, models
from image_studio.catalog.tokens import (
    MOST_PATCHES,
    grid_tokens,
    image_input_tokens,
    output_tokens,
    partial_tokens,
    patches,
    text_input_tokens,
)
from image_studio.exceptions import Unsupported

FLARE, TWO, OLD = "gpt-image-2.5-flare", "gpt-image-2", "gpt-image-1.5"

#: Read off the provider's calculator and off real usage, by several people.
READINGS = [
    (TWO, "high", "1024x1024", 7024),
    (TWO, "high", "1536x1024", 5488),
    (TWO, "high", "1024x640", 3824),
    (TWO, "high", "3072x1024", 3952),
    (TWO, "high", "2560x1440", 7370),
    (TWO, "high", "3840x1280", 5311),
    (TWO, "high", "2048x2048", 14272),
    (TWO, "high", "3840x2160", 13342),
    (TWO, "high", "1792x1024", 5063),
    (TWO, "high", "3584x2048", 12329),
    (TWO, "low", "1024x1024", 196),
    (TWO, "low", "960x720", 130),
    (TWO, "low", "976x704", 129),
    (TWO, "medium", "1536x1024", 1372),
    (FLARE, "low", "1024x1024", 196),
    (FLARE, "medium", "1024x1024", 439),
    (FLARE, "high", "1024x1024", 1756),
    (FLARE, "xhigh", "1024x1024", 3122),
    (FLARE, "max", "1024x1024", 7024),
    (FLARE, "high", "1536x1024", 1372),
    (FLARE, "high", "2048x2048", 3568),
    (FLARE, "high", "2880x2880", 5930),
    (FLARE, "high", "3840x2160", 3336),
    (FLARE, "low", "1536x1024", 158),
    (FLARE, "low", "2560x1440", 205),
]

#: Size, then 2 low, medium, high, and 2.5 low, medium, high, xhigh, max.
VECTORS = {
    "1024x1024": (196, 1756, 7024, 196, 439, 1756, 3122, 7024),
    "1536x1024": (158, 1372, 5488, 158, 343, 1372, 2459, 5488),
    "1024x1536": (158, 1372, 5488, 158, 343, 1372, 2459, 5488),
    "2048x2048": (397, 3568, 14272, 397, 892, 3568, 6343, 14272),
    "2048x1152": (157, 1413, 5650, 157, 367, 1413, 2511, 5650),
    "2560x1440": (205, 1843, 7370, 205, 478, 1843, 3276, 7370),
    "2880x2880": (659, 5930, 23719, 659, 1483, 5930, 10542, 23719),
    "3840x2160": (371, 3336, 13342, 371, 865, 3336, 5930, 13342),
    "1024x640": (107, 956, 3824, 107, 239, 956, 1700, 3824),
}
COLUMNS = [(TWO, q) for q in ("low", "medium", "high")] + [
    (FLARE, q) for q in ("low", "medium", "high", "xhigh", "max")
]

PUBLISHED = {
    "low": (272, 408, 400),
    "medium": (1056, 1584, 1568),
    "high": (4160, 6240, 6208),
}


def output(model, size, quality, n=1):
    return output_tokens(models()[model], parse(size), quality, n)


@pytest.mark.parametrize(("model", "quality", "size", "tokens"), READINGS)
def test_every_reading_is_met_to_the_token(model, quality, size, tokens):
    found = output(model, size, quality)
    assert (found.likely, found.most, found.estimated) == (tokens, tokens, False)


@pytest.mark.parametrize("size", VECTORS)
def test_every_vector_is_met_to_the_token(size):
    assert tuple(output(model, size, quality).likely for model, quality in COLUMNS) == VECTORS[size]


@pytest.mark.parametrize("model", [OLD, "gpt-image-1", "gpt-image-1-mini", "chatgpt-image-latest"])
@pytest.mark.parametrize("quality", PUBLISHED)
def test_the_published_table_is_met(model, quality):
    sizes = ("1024x1024", "1024x1536", "1536x1024")
    assert tuple(output(model, size, quality).likely for size in sizes) == PUBLISHED[quality]
    assert output(model, "1024x1024", quality, n=3).likely == 3 * PUBLISHED[quality][0]


def test_snapshots_and_siblings_count_alike():
    for spec in models().values():
        if spec.snapshot_of:
            assert output_tokens(spec, (1024, 1024), "high") == output(spec.snapshot_of, "1024x1024", "high")
    assert output(FLARE, "2048x1152", "max") == output("gpt-image-2.5-sunburst", "2048x1152", "max")


def test_several_pictures_are_rounded_up_once():
    assert output(TWO, "1024x1024", "low", n=2).likely == 391


def test_halves_of_a_cell_go_to_the_even_one():
    # 16 cells along 1024 pixels: 1024x672 has a share of 10.5, 1024x736 one of 11.5.
    assert grid_tokens(16, (1024, 672)) == -(-16 * 10 * (2_000_000 + 1024 * 672) // 4_000_000)
    assert grid_tokens(16, (1024, 736)) == -(-16 * 12 * (2_000_000 + 1024 * 736) // 4_000_000)


def test_more_pixels_may_cost_less():
    assert output(TWO, "2048x2048", "high").likely > output(TWO, "3840x2160", "high").likely


@pytest.mark.parametrize(
    ("size", "quality", "reading"),
    [("1536x1024", "low", 664), ("1536x1024", "high", 1353), ("3840x2160", "high", 3337)],
)
def test_what_only_resembles_a_grid_is_a_range_over_the_readings(size, quality, reading):
    found = output("gpt-image-2.6-flare", size, quality)
    assert found.estimated
    assert reading <= found.most
    assert abs(found.likely - reading) / reading < 0.06


def test_a_quality_that_there_is_not_is_refused():
    with pytest.raises(Unsupported) as error:
        output(TWO, "1024x1024", "xhigh")
    assert error.value.code == "quality.not_offered"
    assert error.value.params["known"] == "low, medium, high"


@pytest.mark.parametrize("spec", [models()["dall-e-3"], ModelSpec(id="new", provider="p")])
def test_what_nobody_can_count_has_no_price(spec):
    with pytest.raises(Unsupported, match=r"price\.unknown"):
        output_tokens(spec, (1024, 1024), "high")
    with pytest.raises(Unsupported, match=r"price\.unknown"):
        image_input_tokens(spec, (1024, 1024))


def test_early_versions_are_a_hundred_each():
    assert partial_tokens(3, n=2).likely == 600


@pytest.mark.parametrize(
    ("size", "count"),
    [
        ("1024x1024", 1024),
        ("1536x1024", 1536),
        ("341x512", 704),
        ("1179x2556", 1482),
        ("3840x2160", 1508),
        ("1280x720", 920),
        ("2048x2048", 1521),
    ],
)
def test_input_pictures_are_counted_by_patches(size, count):
    found = image_input_tokens(models()[TWO], parse(size))
    assert (found.likely, found.most, found.estimated) == (count, count, False)


@given(st.integers(1, 12_000), st.integers(1, 12_000))
def test_no_input_picture_takes_more_than_the_most(width, height):
    assert 1 <= patches((width, height)) <= MOST_PATCHES
    assert patches((width, height)) == patches((height, width))


@pytest.mark.parametrize("size", [None, (300, 300)])
def test_an_input_picture_that_is_not_known_may_take_the_most(size):
    found = image_input_tokens(models()[TWO], size)
    assert (found.most, found.estimated) == (MOST_PATCHES, True)


@pytest.mark.parametrize(
    ("size", "fidelity", "likely", "most"),
    [
        ((512, 512), "", 194, 194),
        ((1024, 1024), "", 194, 581),
        ((1536, 1024), "low", 323, 839),
        ((512, 512), "high", 194 + 4160, 194 + 4160),
        ((768, 512), "high", 323 + 6240, 323 + 6240),
        (None, "high", 323 + 6240, 65 + 16 * 129 + 6240),
    ],
)
def test_older_models_count_tiles_and_fidelity(size, fidelity, likely, most):
    found = image_input_tokens(models()[OLD], size, fidelity)
    assert (found.likely, found.most, found.estimated) == (likely, most, likely != most)


@given(st.text(max_size=300))
def test_text_never_has_more_tokens_than_bytes(prompt):
    found = text_input_tokens(models()[TWO], prompt)
    assert found.likely <= found.most == (len(prompt.encode("utf-8", "replace")) + 6 if prompt else 0)


def test_newer_models_add_text_for_each_input_picture():
    extra = {name: text_input_tokens(models()[name], "x", inputs=3).most for name in (TWO, FLARE)}
    assert extra == {TWO: 1 + 6, FLARE: 1 + 6 + 30}
