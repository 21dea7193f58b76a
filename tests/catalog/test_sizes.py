"""Which sizes hold, which rule the others break, and what comes nearest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_studio.catalog.sizes import parse
from image_studio.catalog.specs import ModelSpec, channels, models

TWO, OLD, REFRAME = (models()[name] for name in ("gpt-image-2", "gpt-image-1.5", "previs-reframe"))
EDGES = st.integers(1, 20_000)


@pytest.mark.parametrize(
    "size",
    [
        *("1024x1024", "1536x1024", "1024x1536", "2048x2048", "2048x1152", "3840x2160", "2160x3840"),
        *("1440x480", "1024x640", "2880x2880", "3840x1280", "960x720", "976x704"),
    ],
)
def test_sizes_that_hold_are_their_own_nearest(size):
    assert TWO.size_faults(*parse(size)) == ()
    assert TWO.nearest_size(*parse(size)) == parse(size)


@pytest.mark.parametrize(
    ("size", "codes", "nearest"),
    [
        ("1000x1000", {"size.multiple"}, "1008x1008"),
        ("1024x1025", {"size.multiple"}, "1040x1040"),
        ("800x800", {"size.pixels"}, "816x816"),
        ("3840x2176", {"size.pixels"}, "3824x2160"),
        ("2896x2896", {"size.pixels"}, "2880x2880"),
        ("1920x480", {"size.ratio"}, "1680x560"),
        ("4096x2048", {"size.edge", "size.pixels"}, "3840x1920"),
        ("100x100", {"size.multiple", "size.pixels"}, "816x816"),
        ("1200x628", {"size.multiple"}, "1216x640"),
        ("1080x1350", {"size.multiple"}, "1088x1360"),
    ],
)
def test_every_broken_rule_is_named_with_the_nearest_size(size, codes, nearest):
    faults = TWO.size_faults(*parse(size))
    assert {fault.code for fault in faults} == codes
    assert {fault.params["nearest"] for fault in faults} == {nearest}


@pytest.mark.parametrize(
    ("size", "nearest"), [("800x600", "1536x1024"), ("500x500", "1024x1024"), ("9x16", "1024x1536")]
)
def test_a_model_of_fixed_sizes_names_them(size, nearest):
    (fault,) = OLD.size_faults(*parse(size))
    assert (fault.code, fault.params["nearest"]) == ("size.not_offered", nearest)
    assert fault.params["known"] == "1024x1024, 1536x1024, 1024x1536"


@given(EDGES, EDGES)
def test_the_nearest_size_always_holds(width, height):
    for spec in (TWO, OLD, REFRAME, models()["dall-e-2"]):
        assert spec.size_faults(*spec.nearest_size(width, height)) == ()


@given(EDGES, EDGES)
def test_a_picture_on_its_side_is_treated_alike(width, height):
    assert TWO.nearest_size(width, height) == TWO.nearest_size(height, width)[::-1]


@pytest.mark.parametrize("channel", channels().values(), ids=lambda channel: channel.slug)
def test_no_channel_has_to_enlarge_what_is_bought_for_it(channel):
    width, height = TWO.nearest_size(*channel.size)
    assert width * height >= channel.width * channel.height or max(channel.size) > 3840
    if max(channel.size) <= 3 * min(channel.size):
        assert width >= channel.width
        assert height >= channel.height


def test_rules_that_no_size_meets_still_give_one():
    odd = ModelSpec(id="odd", provider="p", edge_multiple=4096, max_edge=100)
    assert odd.nearest_size(50, 50)
    assert odd.size_faults(50, 50)


@pytest.mark.parametrize("text", ["", "x", "10", "10x", "0x10", "-1x10", "1.5x2", "10x10x10", "ax b"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="no size"):
        parse(text)
