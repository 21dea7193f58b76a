"""Registration: shift and scale of edits of which both are known, found to the stated precision or not at all."""

import itertools

import numpy as np
import pytest
from PIL import Image

from image_studio.imaging.masks import from_region
from image_studio.imaging.registration import PRECISION, Registration, register
from tests.imaging import edits

EDGE = edits.EDGE
MASK = from_region((0.3, 0.25, 0.4, 0.45), (EDGE, EDGE))
INSIDE = (MASK.bounds.left, MASK.bounds.top, MASK.bounds.right, MASK.bounds.bottom)
SPOILS = {
    "clean": lambda image: image,
    "jpeg": lambda image: edits.saved(image, "JPEG", 75),
    "grain": lambda image: edits.noisy(image, 8),
    "tint": lambda image: edits.tinted(image, [14, -6, -14]),
    "redrawn": lambda image: edits.painted(image, INSIDE),
}
MOVES = [(0, 0, 1), (0.5, -0.5, 1), (3.4, -2.3, 1), (-20, 12, 1), (5, 5, 1.01), (-7.3, 2, 0.98), (0, 9.6, 1.02)]


def furthest(found: Registration, dx, dy, scale):
    """The largest error of a found place, over the corners of the picture, in pixels."""
    corners = np.array(list(itertools.product((-EDGE / 2, EDGE / 2), repeat=2)))
    off = (found.scale - scale) * corners + [found.dx - dx, found.dy - dy]
    return float(np.hypot(*off.T).max())


@pytest.mark.parametrize("spoil", SPOILS)
@pytest.mark.parametrize("move", MOVES)
def test_moves_are_found_to_the_stated_precision(move, spoil):
    found = register(edits.parent(), SPOILS[spoil](edits.moved(*move)), MASK)
    assert furthest(found, *move) <= PRECISION * EDGE
    assert found.confidence >= 0.9
    assert found.residual < 0.3


@pytest.mark.parametrize("move", MOVES)
def test_a_scene_drawn_anew_is_found_less_precisely(move):
    found = register(edits.parent(), edits.retouched(edits.moved(*move)), MASK)
    assert furthest(found, *move) <= 3 * PRECISION * EDGE
    assert found.confidence >= 0.7


def test_equal_pictures_lie_on_each_other():
    found = register(edits.parent(), edits.parent())
    assert (found.dx, found.dy, found.scale, found.residual, found.confidence) == (0, 0, 1, 0, 1)


def test_what_is_inside_the_mask_does_not_count():
    """The inside moves one way, the outside stays."""
    answer = edits.parent()
    answer.paste(edits.moved(12, 7).crop(INSIDE), INSIDE)
    assert furthest(register(edits.parent(), answer, MASK), 0, 0, 1) == 0


def test_an_answer_of_another_size_is_measured_in_the_parents_pixels():
    answer = edits.moved(6, -4).resize((1536, 1536), Image.Resampling.LANCZOS)
    assert furthest(register(edits.parent(), answer, MASK), 6, -4, 1) <= PRECISION * EDGE


def test_a_large_picture_is_measured_smaller():
    double = (2 * EDGE, 2 * EDGE)
    parent, answer = (image.resize(double, Image.Resampling.BICUBIC) for image in (edits.parent(), edits.moved(6, -4)))
    found = register(parent, answer)
    assert found.shift == pytest.approx(np.hypot(12, 8), abs=0.5)


def test_another_picture_agrees_nowhere():
    other = edits.parent().transpose(Image.Transpose.ROTATE_180)
    found = register(edits.parent(), other, MASK)
    assert found.tiles >= 8
    assert found.confidence < 0.3


def test_a_picture_without_detail_is_not_measured():
    """Grain of its own is no detail: it never agrees."""
    plain = Image.linear_gradient("L").resize((EDGE, EDGE)).convert("RGB")
    assert register(edits.noisy(plain, 3, 1), edits.noisy(plain, 3, 2)).tiles == 0
    assert register(plain, plain) == Registration()


@pytest.mark.parametrize("size", [(1, 1), (20, 300), (63, 63)])
def test_tiny_pictures_are_not_measured(size):
    image = edits.parent().resize(size)
    assert register(image, image) == Registration()


@pytest.mark.parametrize("edge", [96, 200, 500])
def test_small_pictures(edge):
    parent = edits.parent().crop((100, 100, 100 + edge, 100 + edge))
    found = register(parent, edits.moved(2, -1).crop((100, 100, 100 + edge, 100 + edge)))
    assert found.dx == pytest.approx(2, abs=0.3)
    assert found.dy == pytest.approx(-1, abs=0.3)


def test_the_same_every_time():
    answer = edits.noisy(edits.moved(3.4, -2.3), 4)
    assert register(edits.parent(), answer, MASK) == register(edits.parent(), answer, MASK)


def test_a_lone_horizon_is_no_reason_to_stray():
    """Along a straight line every place is as good, and noise must not choose one."""
    parent = Image.new("RGB", (EDGE, EDGE), "#88aaff")
    parent.paste("#336633", (0, 400, EDGE, EDGE))
    for seed in range(4):
        answer = edits.saved(edits.noisy(parent, 2, 2 * seed + 1), "JPEG", 80)
        assert register(edits.noisy(parent, 2, 2 * seed), answer) == Registration()
