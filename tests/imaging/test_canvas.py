"""A picture on a larger canvas, and out of an answer again."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from image_studio.exceptions import InvalidRequest
from image_studio.imaging.canvas import (
    ANCHORS,
    around,
    clear_canvas,
    cut_out,
    inner,
    mask_on_canvas,
    on_canvas,
    same_ratio,
)
from tests import factories


@pytest.mark.parametrize("size", [(1600, 1200), (640, 480), (333, 777), (1, 1)])
@pytest.mark.parametrize("ratio", [1.0, 16 / 9, 9 / 16, 3.0, 0.4])
@pytest.mark.parametrize("anchor", ANCHORS)
def test_a_canvas_holds_its_picture_whole_and_has_the_ratio(size, ratio, anchor):
    width, height, left, top = around(size, ratio, anchor)
    assert width >= size[0]
    assert height >= size[1]
    assert 0 <= left <= width - size[0]
    assert 0 <= top <= height - size[1]
    assert size in ((width, size[1]), (size[0], height), (width, height))
    assert abs(width / height / ratio - 1) < 0.011 + 1 / min(width, height)


def test_the_anchor_says_which_edge_stays():
    assert around((100, 100), 2.0, "left") == (200, 100, 0, 0)
    assert around((100, 100), 2.0, "right") == (200, 100, 100, 0)
    assert around((100, 100), 2.0) == (200, 100, 50, 0)
    assert around((100, 100), 0.5, "bottom") == (100, 200, 0, 100)
    with pytest.raises(InvalidRequest, match=r"canvas\.bad_anchor"):
        around((100, 100), 2.0, "middle")


def test_equal_ratios_are_left_alone():
    assert around((1366, 768), 16 / 9) == (1366, 768, 0, 0)
    assert same_ratio((1366, 768), 16 / 9)


def test_the_picture_lies_on_it_pixel_by_pixel():
    photo = factories.draw_photo((320, 240))
    frame = around(photo.size, 16 / 9)
    canvas = on_canvas(photo, frame)
    box = inner(frame, photo.size)
    assert canvas.size == frame[:2]
    assert canvas.mode == "RGB"
    placed = canvas.crop((box.left, box.top, box.right, box.bottom))
    assert (np.asarray(placed) == np.asarray(photo)).all()
    edge = np.asarray(canvas.crop((0, 0, box.left, 240)), dtype=float)
    assert edge.std(axis=(0, 1)).max() < 60
    assert abs(edge.mean() - np.asarray(photo, dtype=float).mean()) < 40


def test_transparency_masks_and_drawings_go_along():
    clear = Image.new("RGBA", (100, 100))
    assert on_canvas(clear, (200, 100, 50, 0)).getextrema()[3] == (0, 0)
    mask = mask_on_canvas(Image.new("L", (100, 100), 255), (200, 100, 50, 0), outside=0)
    assert (mask.getpixel((49, 0)), mask.getpixel((50, 0)), mask.getpixel((150, 0))) == (0, 255, 0)
    drawn = clear_canvas(Image.new("RGBA", (100, 100), (255, 0, 0, 255)), (200, 100, 50, 0))
    assert (drawn.getpixel((0, 0))[3], drawn.getpixel((60, 0))) == (0, (255, 0, 0, 255))


@pytest.mark.parametrize("times", [1, 2, 0.5])
def test_it_is_cut_out_of_an_answer_of_any_size(times):
    photo = factories.draw_photo((320, 240))
    frame = around(photo.size, 2.0)
    canvas = on_canvas(photo, frame)
    answer = canvas.resize((round(frame[0] * times), round(frame[1] * times)))
    found = cut_out(answer, frame, photo.size)
    assert found.size == (320 * times, 240 * times)
    if times == 1:
        assert (np.asarray(found) == np.asarray(photo)).all()
