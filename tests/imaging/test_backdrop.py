"""Painted stand-ins: exact, deterministic, in the palette, with real lights and darks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from image_studio.imaging.backdrop import paint
from image_studio.imaging.fields import generator, quantised
from image_studio.imaging.scenery import GROUNDS, to_lab, to_rgb, toned

PALETTE = ("#1f5f5b", "#d9a441", "#f4efe6", "#2b2b2b")


def small(image):
    return np.asarray(image.convert("RGB").resize((32, 32), Image.Resampling.BOX), int)


def far(one, other):
    return float(np.abs(small(one) - small(other)).mean())


def hues(image):
    """Chroma-weighted mean of the opponent axes, as a direction."""
    pixels = np.asarray(image.convert("RGB"), float)
    return np.array([(pixels[..., 0] - pixels[..., 1]).mean(), (pixels[..., 1] - pixels[..., 2]).mean()])


@pytest.mark.parametrize("take", range(len(GROUNDS)))
@pytest.mark.parametrize("size", [(320, 180), (180, 540), (540, 180), (5, 9), (1, 1)])
def test_every_take_has_exactly_the_asked_size(size, take):
    image = paint(size, PALETTE, take=take)
    assert image.size == size
    assert image.mode == "RGB"


@given(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.lists(st.from_regex(r"\A#[0-9a-f]{6}\Z"), max_size=5),
    st.integers(0, 10**9),
    st.integers(0, 99),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_any_palette_size_and_seed_paints(size, palette, seed, take, transparent):
    image = paint(size, tuple(palette), seed=seed, take=take, transparent=transparent)
    assert image.size == size
    assert image.mode == ("RGBA" if transparent else "RGB")


@pytest.mark.parametrize("take", range(len(GROUNDS)))
@pytest.mark.parametrize("transparent", [False, True])
def test_equal_arguments_give_equal_bytes(take, transparent):
    one, other = (paint((200, 120), PALETTE, seed=3, take=take, transparent=transparent) for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_takes_really_differ():
    pictures = [paint((160, 160), PALETTE, take=take) for take in range(8)]
    assert min(far(a, b) for i, a in enumerate(pictures) for b in pictures[:i]) > 8


def test_seed_and_prompt_make_another_picture():
    plain = paint((160, 160), PALETTE, take=1)
    assert far(plain, paint((160, 160), PALETTE, take=1, seed=5)) > 2
    assert far(plain, paint((160, 160), PALETTE, take=1, prompt="a red chair")) > 2


@pytest.mark.parametrize("take", range(7))
def test_lights_and_darks_are_spread_as_in_a_picture(take):
    """A layout is judged on it, so it may be neither flat nor a chart: some range, no clipping over large parts."""
    grey = np.asarray(paint((200, 200), PALETTE, take=take).convert("L"))
    low, high = np.percentile(grey, (2, 98))
    assert high - low > 45
    assert (grey < 3).mean() < 0.02
    assert (grey > 252).mean() < 0.05


@pytest.mark.parametrize("colour", ["#b03020", "#2050c0", "#209040"])
def test_the_palette_is_seen(colour):
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    wanted = np.array([red - green, green - blue])
    for take in range(7):
        assert float(hues(paint((160, 160), (colour,), take=take)) @ wanted) > 0


def test_no_palette_is_neutral():
    pixels = np.asarray(paint((160, 160), (), take=1), int)
    assert np.abs(pixels.max(axis=2) - pixels.min(axis=2)).max() < 24


def test_a_colour_that_is_none_raises():
    with pytest.raises(ValueError, match="not a colour"):
        paint((10, 10), ("teal",))


@pytest.mark.parametrize(("size", "take"), [((0, 5), 0), ((5, 5), -1)])
def test_impossible_takes_raise(size, take):
    with pytest.raises(ValueError, match="no such take"):
        paint(size, PALETTE, take=take)


def test_transparent_has_a_body_and_nothing_around():
    alpha = np.asarray(paint((300, 300), PALETTE, transparent=True).getchannel("A"))
    assert alpha[:20].max() == 0
    assert alpha.max() == 255
    assert 0.02 < (alpha > 250).mean() < 0.5


def test_transparent_edges_carry_no_dark_fringe():
    image = paint((400, 400), ("#ffffff",), take=1, transparent=True, detail=1.0)
    pixels = np.asarray(image)
    soft = (pixels[..., 3] > 240) & (pixels[..., 3] < 255)
    assert pixels[..., :3][soft].min() > 20


def test_gradients_do_not_band():
    """A slow ramp over few grey levels: neighbouring rows mix levels instead of stepping."""
    ramp = np.repeat(np.linspace(0.5, 0.51, 400, dtype=np.float32)[:, None], 400, axis=1)
    rows = np.asarray(quantised(ramp, generator(1)))
    assert np.mean([len(np.unique(row)) > 1 for row in rows]) > 0.9
    assert abs(float(rows.mean()) / 255 - 0.505) < 0.002


def test_detail_changes_sharpness_and_not_the_picture():
    draft, fine = (paint((480, 480), PALETTE, take=0, detail=detail) for detail in (0.25, 1.0))
    assert far(draft, fine) < 3


@pytest.mark.parametrize("colour", ["#1f5f5b", "#d9a441", "#000000", "#ffffff", "#ff0000"])
def test_oklab_goes_there_and_back(colour):
    back = (to_rgb(to_lab(colour)) * 255).round().astype(int)
    assert "#{:02x}{:02x}{:02x}".format(*back) == colour


def test_toned_moves_lightness_alone():
    lab = to_lab("#1f5f5b")
    assert toned(lab, 0.8)[0] == pytest.approx(0.8)
    assert toned(lab, 0.8)[1:] == pytest.approx(lab[1:])
