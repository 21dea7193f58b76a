"""Reframing: exact sizes, takes that really differ, subjects that survive."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from image_studio.imaging.decode import decode
from image_studio.imaging.geometry import Box
from image_studio.imaging.recompose import fit, reframe
from image_studio.imaging.saliency import MAP_EDGE, core, crop_box, entropy, kept, saliency, subject
from image_studio.imaging.takes import TAKES
from tests.corpus import corpus_bytes

SIZES = [(160, 160), (90, 270), (270, 90), (7, 5), (1, 1)]
RED = "#e02818"


def drawn(size=(400, 300), at=(300, 90), radius=36):
    """A bright disc on a quiet, graded ground: the subject's place is known."""
    ground = np.linspace(205, 165, size[1])[:, None, None] * np.array([1, 0.98, 0.94])
    image = Image.fromarray(np.broadcast_to(ground, (size[1], size[0], 3)).astype(np.uint8))
    ImageDraw.Draw(image).ellipse((at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius), fill=RED)
    return image


def bottle(size=(300, 400)):
    """A tall thing that fills four fifths of a portrait."""
    image = drawn(size, at=(-99, -99))
    width, height = size
    pen = ImageDraw.Draw(image)
    pen.rectangle((width * 0.36, height * 0.3, width * 0.64, height * 0.9), fill="#1f5f5b")
    pen.rectangle((width * 0.45, height * 0.1, width * 0.55, height * 0.3), fill="#1f5f5b")
    return image


def cutout(size=(300, 400)):
    image = bottle(size)
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rectangle((size[0] * 0.36, size[1] * 0.1, size[0] * 0.64, size[1] * 0.9), fill=255)
    image.putalpha(mask)
    return image


def red_share(image):
    """How many pixels are the disc's, as a share."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    return float(((pixels[..., 0] > 180) & (pixels[..., 1] < 90)).mean())


def far(one, other):
    """A perceptual distance: mean absolute difference of small soft copies over white, 0..255."""
    small = [soft(image) for image in (one, other)]
    return float(np.abs(small[0] - small[1]).mean())


def soft(image):
    solid = Image.new("RGBA", image.size, "#ffffff")
    solid.alpha_composite(image.convert("RGBA"))
    return np.asarray(solid.convert("RGB").resize((32, 32), Image.Resampling.BOX).filter(ImageFilter.BoxBlur(1)), int)


def test_saliency_finds_the_disc_and_not_the_ground():
    weights = saliency(drawn())
    row, column = np.unravel_index(np.argmax(weights), weights.shape)
    assert abs(column / weights.shape[1] - 0.75) < 0.12
    assert abs(row / weights.shape[0] - 0.3) < 0.16
    left, top, right, bottom = subject(weights)
    assert left < 0.68
    assert right > 0.82
    assert (right - left) * (bottom - top) < 0.25


@pytest.mark.parametrize("measure", [saliency, entropy])
@pytest.mark.parametrize("size", [(400, 300), (1, 1), (3, 900), (900, 3)])
def test_maps_are_small_positive_and_sum_to_one(measure, size):
    weights = measure(drawn(size))
    assert max(weights.shape) <= MAP_EDGE
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#3377aa"])
def test_a_blank_picture_has_no_subject_and_is_cropped_in_the_middle(colour):
    image = Image.new("RGB", (600, 300), colour)
    box = crop_box(image.size, 1.0, weights=saliency(image))
    assert abs(box.left - 150) <= 8
    assert (box.width, box.height) == (300, 300)


def test_transparent_parts_draw_no_eye():
    weights = saliency(cutout())
    assert core(weights)[:, : weights.shape[1] // 4].sum() < 0.01


@pytest.mark.parametrize("at", [(40, 60), (360, 240), (200, 150), (355, 45)])
@pytest.mark.parametrize("ratio", [1.0, 9 / 16, 3.0])
def test_crop_keeps_the_disc_wherever_it_is(at, ratio):
    image = drawn(at=at)
    box = crop_box(image.size, ratio, weights=saliency(image))
    assert box.holds(Box(at[0] - 36, at[1] - 36, 73, 73).clipped(Box(0, 0, *image.size)))
    assert kept(saliency(image), image.size, box) > 0.75


@given(
    st.tuples(st.integers(1, 2000), st.integers(1, 2000)),
    st.floats(0.2, 5),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
    st.floats(1, 3),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_crop_is_inside_and_holds_the_focal_point(size, ratio, focal, zoom, weighted):
    weights = np.full((12, 16), 1 / 192, np.float32) if weighted else None
    box = crop_box(size, ratio, weights=weights, focal=focal, zoom=zoom)
    assert Box(0, 0, *size).holds(box)
    assert box.width >= 1
    assert box.height >= 1
    assert box.left <= focal[0] * size[0] <= box.right
    assert box.top <= focal[1] * size[1] <= box.bottom


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("source", [drawn, bottle, cutout])
def test_every_take_has_exactly_the_asked_size(source, size):
    image = source()
    for take in range(TAKES):
        done = reframe(image, size, take=take, ground="#206040")
        assert done.image.size == size
        assert done.image.mode == "RGB"
        assert Box(0, 0, *image.size).holds(done.box)


@given(
    st.tuples(st.integers(1, 260), st.integers(1, 260)),
    st.tuples(st.integers(1, 200), st.integers(1, 200)),
    st.integers(0, 40),
    st.integers(0, 9),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_any_source_reframes_to_any_size(source, size, take, seed, transparent):
    done = reframe(drawn(source), size, take=take, seed=seed, transparent=transparent, focal=(0.9, 0.1))
    assert done.image.size == size
    assert done.box.left <= 0.9 * source[0] <= done.box.right
    assert done.box.top <= 0.1 * source[1] <= done.box.bottom
    assert done.upscaled > 0


@pytest.mark.parametrize(
    ("source", "size"),
    [(drawn, (180, 180)), (drawn, (200, 150)), (drawn, (135, 240)), (bottle, (300, 100)), (cutout, (180, 180))],
)
@pytest.mark.parametrize("transparent", [False, True])
def test_takes_really_differ(source, size, transparent):
    pictures = [reframe(source(), size, take=take, transparent=transparent).image for take in range(TAKES)]
    nearest = min(far(a, b) for i, a in enumerate(pictures) for b in pictures[:i])
    assert nearest > 2.5


def test_later_takes_vary_the_earlier_ones():
    for take in range(TAKES):
        first, later = (reframe(drawn(), (150, 150), take=number).image for number in (take, take + TAKES))
        assert far(first, later) > 1


@pytest.mark.parametrize("take", range(TAKES))
def test_equal_arguments_give_equal_bytes(take):
    one, other = (reframe(bottle(), (250, 110), take=take, seed=7, ground="#aa3311") for _ in range(2))
    assert one.image.tobytes() == other.image.tobytes()
    assert one.box == other.box


def test_seed_changes_the_side():
    even, odd = (reframe(bottle(), (600, 200), take=2, seed=seed, ground="#aa3311").image for seed in (0, 1))
    assert far(even, odd) > 10


def test_a_tall_product_is_not_decapitated_by_a_banner():
    done = reframe(bottle(), (900, 300), take=0)
    assert done.extended
    assert done.method == "extend:mirror"
    assert done.box.top <= 0.1 * 400
    assert done.box.bottom >= 0.9 * 400


def test_a_crop_that_would_only_clip_the_subject_extends_too():
    """A square keeps nearly all of it, but not the last tenth of a compact subject."""
    image = bottle()
    square = crop_box(image.size, 1.0, weights=saliency(image))
    assert kept(saliency(image), image.size, square) > 0.9
    done = reframe(image, (300, 300), take=0)
    assert done.extended
    assert done.box.top <= 0.1 * 400
    assert done.box.bottom >= 0.9 * 400


def test_a_small_subject_is_cropped_and_not_letterboxed():
    done = reframe(drawn(), (300, 300), take=0)
    assert not done.extended
    assert done.method == "crop:saliency"
    assert red_share(done.image) > 0.03


def test_the_same_ratio_shows_the_whole_picture_and_never_letterboxes():
    done = reframe(drawn(), (200, 150), take=0)
    assert done.box == Box(0, 0, 400, 300)
    assert not done.extended


@pytest.mark.parametrize("take", range(TAKES))
def test_the_disc_is_visible_in_every_take(take):
    assert red_share(reframe(drawn(), (500, 280), take=take).image) > 0.01


@pytest.mark.parametrize("take", range(TAKES))
@pytest.mark.parametrize("focal", [(0.0, 1.0), (0.9, 0.1)])
def test_the_focal_point_is_shown_in_every_take(take, focal):
    done = reframe(drawn(), (100, 200), take=take, focal=focal)
    assert done.box.left <= focal[0] * 400 <= done.box.right
    assert done.box.top <= focal[1] * 300 <= done.box.bottom


def test_an_extension_has_no_hard_seam():
    """Across the seam of a plain ground, a step is no larger than one inside the picture."""
    pixels = np.asarray(reframe(bottle(), (900, 300), take=0).image.convert("L"), int)
    steps = np.abs(np.diff(pixels[10], axis=0))
    assert steps.max() <= 6


def test_the_brand_colour_fills_a_panel():
    image = reframe(bottle(), (900, 300), take=2, ground="#204060").image
    corner = np.asarray(image.crop((0, 100, 60, 200))).reshape(-1, 3).mean(axis=0)
    assert np.abs(corner - [0x20, 0x40, 0x60]).max() < 14


def test_a_mirror_never_shows_the_subject_twice():
    pixels = np.asarray(reframe(bottle(), (900, 300), take=0).image).astype(int)
    green = (pixels[..., 1] - pixels[..., 0] > 25).any(axis=0)
    assert np.flatnonzero(np.diff(np.flatnonzero(green)) > 1).size == 0


def test_transparency_is_kept_and_extended():
    done = reframe(cutout(), (600, 300), take=0, transparent=True)
    alpha = np.asarray(done.image.getchannel("A"))
    assert done.image.mode == "RGBA"
    assert alpha[:, :100].max() == 0
    assert alpha.max() == 255
    assert not done.extended


def test_an_opaque_picture_extends_into_transparency_with_a_soft_edge():
    alpha = np.asarray(reframe(bottle(), (900, 300), take=0, transparent=True).image.getchannel("A"))
    assert alpha[:, :50].max() == 0
    assert alpha[:, 440:460].min() == 255
    assert ((alpha > 20) & (alpha < 235)).any()


def test_a_cut_out_on_an_opaque_canvas_stands_on_the_brand_colour():
    done = reframe(cutout(), (600, 300), take=0, ground="#ddeeff")
    assert done.image.mode == "RGB"
    assert done.method == "place:colour"
    assert np.asarray(done.image)[5, 5, 2] > np.asarray(done.image)[5, 5, 0]


def test_enlargement_is_said():
    assert reframe(drawn((100, 100), at=(50, 50)), (400, 400)).upscaled == pytest.approx(4)
    assert reframe(drawn((800, 800), at=(50, 50)), (400, 400)).upscaled == pytest.approx(0.5)


@pytest.mark.parametrize(("size", "take"), [((0, 5), 0), ((5, -1), 0), ((5, 5), -1)])
def test_impossible_takes_raise(size, take):
    with pytest.raises(ValueError, match="no such take"):
        reframe(drawn(), size, take=take)


@pytest.mark.parametrize("mode", ["L", "P", "LA", "CMYK", "1"])
def test_other_modes_are_taken_too(mode):
    assert reframe(drawn().convert("RGB").convert(mode), (90, 200)).image.size == (90, 200)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_fit_fills_the_size_and_keeps_the_mode(size, mode):
    image = fit(drawn().convert(mode), size)
    assert image.size == size
    assert image.mode == mode


def test_fit_keeps_the_subject_and_the_focal_point():
    assert red_share(fit(drawn(at=(360, 240)), (300, 300))) > red_share(drawn(at=(360, 240)))
    assert red_share(fit(drawn(at=(360, 240)), (100, 300), focal=(0.05, 0.5))) == 0


def test_fit_resizes_whole_where_the_ratio_is_the_same():
    small = fit(drawn(), (200, 150))
    assert np.abs(np.asarray(small, int) - np.asarray(drawn().resize((200, 150), 1), int)).max() <= 1


@pytest.mark.parametrize("name", ["ori__Landscape_6.jpg", "pil__pil_sample_cmyk.jpg", "rs__jpg_progressive_cat.jpg"])
@pytest.mark.parametrize("size", [(180, 180), (300, 100)])
def test_camera_files_reframe_to_distinct_takes(name, size):
    source = decode(corpus_bytes(f"valid_odd/{name}")).image
    pictures = [reframe(source, size, take=take).image for take in range(4)]
    assert min(far(a, b) for i, a in enumerate(pictures) for b in pictures[:i]) > 2.5
    again = io.BytesIO()
    pictures[0].save(again, "PNG")
    assert again.getbuffer().nbytes > 1000
