"""Drift: known changes, measured to the bound that the docstring states."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from image_studio.exceptions import InvalidRequest
from image_studio.imaging.colour import ciede2000, lab
from image_studio.imaging.drift import CHANGED, ERROR, NOISE, drift
from image_studio.imaging.masks import Mask, feathered, from_region
from image_studio.imaging.pasteback import paste_back
from tests.imaging import edits

EDGE = edits.EDGE
MASK = from_region((0.3, 0.25, 0.4, 0.45), (EDGE, EDGE))
INSIDE = (MASK.bounds.left, MASK.bounds.top, MASK.bounds.right, MASK.bounds.bottom)


def colour_distance(one, two):
    return float(ciede2000(lab(np.array(one)), lab(np.array(two))))


def test_nothing_changed():
    found = drift(edits.parent(), edits.parent())
    assert (found.share, found.mean, found.typical, found.worst_mean, found.measured) == (0, 0, 0, 0, 1)


@pytest.mark.parametrize(("format", "quality"), [("JPEG", 75), ("JPEG", 90), ("WEBP", 75), ("WEBP", 90)])
def test_encoders_are_below_the_floor(format, quality):  # noqa: A002
    found = drift(edits.parent(), edits.saved(edits.parent(), format, quality))
    assert found.share < NOISE
    assert 0 < found.typical < CHANGED / 2


@pytest.mark.parametrize("edge", [512, 1024])
@pytest.mark.parametrize("sigma", [2, 8])
def test_grain_is_below_the_floor(sigma, edge):
    assert drift(edits.parent(edge), edits.noisy(edits.parent(edge), sigma)).share < NOISE


RECTANGLES = [(100, 200, 612, 712), (3, 5, 620, 619), (0, 0, 1024, 101), (511, 3, 530, 1000), (1, 1, 12, 12)]


@pytest.mark.parametrize("box", RECTANGLES)
def test_a_local_change_is_too_large_by_one_cell_along_its_outline(box):
    found = drift(edits.parent(), edits.painted(edits.parent(), box, "#00ff00"))
    truth, outline = (box[2] - box[0]) * (box[3] - box[1]), 2 * (box[2] - box[0] + box[3] - box[1])
    assert -1 <= found.share * EDGE**2 - truth <= 4 * outline + 16
    assert found.share - truth / EDGE**2 <= ERROR


@pytest.mark.parametrize("box", RECTANGLES)
def test_a_local_change_in_a_jpeg_is_measured_to_the_bound(box):
    result = edits.saved(edits.painted(edits.parent(), box, "#00ff00"), "JPEG", 90)
    truth = (box[2] - box[0]) * (box[3] - box[1]) / EDGE**2
    assert drift(edits.parent(), result).share == pytest.approx(truth, abs=ERROR)


def test_discs_are_measured_to_the_bound():
    result = edits.parent()
    for i in range(3):
        result = edits.disc(result, (200 + 300 * i, 300 + 200 * i), 120, "#00ff00")
    truth = 3 * np.pi * 120.5**2 / EDGE**2
    assert drift(edits.parent(), result).share == pytest.approx(truth, abs=ERROR)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 5), (7, 7)])
def test_the_worst_tile_is_where_it_was_changed(row, column):
    left, top = 128 * column, 128 * row
    found = drift(edits.parent(), edits.painted(edits.parent(), (left + 20, top + 30, left + 90, top + 100), "#00ff00"))
    assert found.worst == (left, top, 128, 128)
    assert found.worst_mean * 128**2 == pytest.approx(found.mean * EDGE**2, rel=0.02)


def test_a_tile_of_known_colours():
    parent = Image.new("RGB", (EDGE, EDGE), (120, 130, 140))
    result = edits.painted(parent, (256, 384, 384, 512), (200, 60, 50))
    distance = colour_distance((120, 130, 140), (200, 60, 50))
    found = drift(parent, result)
    assert found.worst == (256, 384, 128, 128)
    assert found.worst_mean == pytest.approx(distance, abs=0.1)
    assert found.share == pytest.approx(1 / 64, abs=1e-6)
    assert found.mean == pytest.approx(distance / 64, abs=0.01)


@pytest.mark.parametrize("by", [(4, 4, 4), (12, 0, -12), (-3, 9, 20)])
def test_a_tint_is_found_in_the_mean(by):
    parent = Image.new("RGB", (EDGE, EDGE), (120, 130, 140))
    distance = colour_distance((120, 130, 140), np.add((120, 130, 140), by))
    found = drift(parent, edits.tinted(parent, by))
    assert found.mean == found.typical == pytest.approx(distance, abs=0.1)
    assert found.share == (1 if distance > CHANGED else 0)


def test_a_tint_is_found_through_detail_and_grain():
    """The reference is the plain mean over all pixels, computed without cells."""
    parent = edits.parent()
    result = edits.tinted(parent, (12, 0, -12))
    truth = ciede2000(lab(np.asarray(parent)), lab(np.asarray(result))).mean()
    assert drift(parent, result).mean == pytest.approx(truth, abs=0.1)


def test_a_shift_counts_as_change_and_grows():
    shares = [drift(edits.parent(), edits.moved(dx, 0)).share for dx in (0, 1, 3, 8)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[3] > 10 * NOISE


def test_inside_the_mask_is_not_measured():
    found = drift(edits.parent(), edits.painted(edits.parent(), INSIDE), MASK)
    assert (found.share, found.mean) == (0, 0)
    assert found.measured == pytest.approx(1 - MASK.share, abs=ERROR)


@pytest.mark.parametrize("edge", [1024, 4096, 4352])
@pytest.mark.parametrize("weight", [1, 255])
def test_one_pixel_of_the_mask_spares_its_cell(edge, weight):
    edit = Image.new("L", (edge, edge), 0)
    edit.putpixel((500, 700), weight)
    plain = Image.new("RGB", (edge, edge), "black")
    found = drift(plain, edits.painted(plain, (500, 700, 501, 701), "white"), Mask(edit=edit))
    assert found.mean == 0
    assert found.measured == pytest.approx(1 - 1 / 256**2, abs=1e-6)


def test_outside_is_measured_beside_a_mask():
    result = edits.painted(edits.painted(edits.parent(), INSIDE), (0, 0, 128, 256), "#00ff00")
    found = drift(edits.parent(), result, MASK)
    assert found.share == pytest.approx(128 * 256 / (EDGE**2 * found.measured), abs=ERROR)
    assert found.worst.left == 0


def test_a_pasted_picture_has_no_drift():
    pasted = paste_back(edits.parent(), edits.noisy(edits.moved(3.4, -2.3), 6), MASK)
    found = drift(edits.parent(), pasted.image, feathered(MASK, pasted.feather))
    assert (found.share, found.mean, found.worst_mean) == (0, 0, 0)


def test_the_heat_map_is_small_clear_and_hot_in_its_place():
    result = edits.painted(edits.parent(), (768, 256, 896, 384), "#00ff00")
    heat = Image.open(io.BytesIO(drift(edits.parent(), result).heat))
    assert heat.size == (256, 256)
    assert len(drift(edits.parent(), edits.moved(8, 3)).heat) < 40_000
    pixels = np.asarray(heat.convert("RGBA"))
    assert pixels[80, 208, 3] > 150
    assert pixels[80, 208, 0] == 255
    hot = pixels[..., 3] > 0
    assert hot[64:96, 192:224].all()
    assert hot.sum() == 32 * 32


def test_the_heat_of_a_wide_picture_has_its_ratio():
    wide = edits.parent().crop((0, 0, 1000, 333))
    heat = Image.open(io.BytesIO(drift(wide, wide).heat))
    assert heat.size == (250, 84)
    assert not np.asarray(heat.convert("RGBA"))[..., 3].any()


def test_a_result_of_another_size_is_scaled():
    larger = edits.parent().resize((2048, 2048), Image.Resampling.LANCZOS)
    assert drift(edits.parent(), larger).share < NOISE


def test_transparency_that_came_is_a_change():
    clear = edits.parent().convert("RGBA")
    ImageDraw.Draw(clear).rectangle((0, 0, 511, 511), fill=(0, 0, 0, 0))
    assert drift(edits.parent(), clear).share == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (90, 41)])
def test_odd_sizes_are_measured_whole(size):
    parent = Image.new("RGB", size, "black")
    found = drift(parent, Image.new("RGB", size, "white"))
    assert (found.share, found.measured) == (1, 1)
    assert found.mean == pytest.approx(100, abs=0.1)


def code(*args):
    with pytest.raises(InvalidRequest) as caught:
        drift(*args)
    return caught.value.code


def test_what_cannot_be_compared():
    small = Image.new("L", (10, 10))
    assert code(edits.parent(), edits.parent(), Mask(edit=small)) == "mask.other_size"
    assert code(edits.parent(), edits.parent().resize((1536, 1024))) == "drift.other_ratio"
    assert code(edits.parent(), edits.parent(), Mask(edit=Image.new("L", (EDGE, EDGE), 255))) == "drift.nothing_kept"


def test_the_same_every_time():
    answer = edits.saved(edits.moved(3.4, -2.3), "JPEG", 80)
    assert drift(edits.parent(), answer, MASK) == drift(edits.parent(), answer, MASK)
