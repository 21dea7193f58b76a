"""Paste-back: outside the soft mask the parent byte for byte, inside the answer, and a reason where that cannot be."""

import numpy as np
import pytest
from PIL import Image, ImageChops

from image_studio.exceptions import InvalidRequest
from image_studio.imaging.masks import Mask, feathered, from_region, inverted
from image_studio.imaging.pasteback import Bounds, paste_back
from tests.imaging import edits

EDGE = edits.EDGE
MASK = from_region((0.3, 0.25, 0.4, 0.45), (EDGE, EDGE))
CORE = np.asarray(MASK.edit) == 255
INSIDE = (MASK.bounds.left, MASK.bounds.top, MASK.bounds.right, MASK.bounds.bottom)


def outside(pasted, mask=MASK):
    return np.asarray(feathered(mask, pasted.feather).edit) == 0


def keeps_the_parent(pasted, parent, mask=MASK):
    one, two = (np.asarray(image.convert("RGBA")) for image in (pasted.image, parent))
    away = outside(pasted, mask)
    return away.any() and (one[away] == two[away]).all()


ANSWERS = {
    "redrawn": lambda: edits.saved(edits.painted(edits.parent(), INSIDE), "JPEG", 80),
    "moved": lambda: edits.moved(3.4, -2.3),
    "moved by pixels": lambda: edits.moved(-6, 9),
    "scaled": lambda: edits.moved(1, 2, 1.015),
    "larger": lambda: edits.moved(2, 2).resize((1536, 1536), Image.Resampling.LANCZOS),
    "smaller": lambda: edits.moved(2, 2).resize((768, 768), Image.Resampling.LANCZOS),
    "nearly the ratio": lambda: edits.moved(0, 0).resize((1040, 1024), Image.Resampling.LANCZOS),
    "tinted": lambda: edits.tinted(edits.parent(), [10, 0, -10]),
    "opaque alpha": lambda: edits.moved(0, 0).convert("RGBA"),
}


@pytest.mark.parametrize("feather", [0, 8, 40])
@pytest.mark.parametrize("name", ANSWERS)
def test_outside_is_the_parent_byte_for_byte(name, feather):
    answer = ANSWERS[name]()
    before = answer.tobytes()
    pasted = paste_back(edits.parent(), answer, MASK, feather=feather)
    assert pasted.pasted
    assert pasted.image.size == (EDGE, EDGE)
    assert keeps_the_parent(pasted, edits.parent())
    assert answer.tobytes() == before
    assert pasted.feather == feather


def test_inside_is_the_answer_byte_for_byte_where_it_lies_on_pixels():
    answer = edits.painted(edits.moved(-6, 9), (INSIDE[0] - 6, INSIDE[1] + 9, INSIDE[2] - 6, INSIDE[3] + 9), "#124578")
    pasted = paste_back(edits.parent(), answer, MASK)
    assert (np.asarray(pasted.image)[CORE] == (0x12, 0x45, 0x78)).all()
    assert not pasted.resampled


def test_a_move_is_undone():
    """A model that moved everything and changed nothing: the parent comes back, inside as well."""
    pasted = paste_back(edits.parent(), edits.moved(3.4, -2.3), MASK)
    step = np.abs(np.asarray(pasted.image, int) - np.asarray(edits.parent(), int))[CORE]
    unmended = np.abs(np.asarray(edits.moved(3.4, -2.3), int) - np.asarray(edits.parent(), int))[CORE]
    assert pasted.resampled
    assert step.mean() < 3
    assert unmended.mean() > 3 * step.mean()
    assert pasted.registration.shift == pytest.approx(np.hypot(3.4, 2.3), abs=0.15)


def test_another_size_lies_right():
    pasted = paste_back(edits.parent(), edits.parent().resize((2048, 2048), Image.Resampling.BICUBIC), MASK)
    step = np.abs(np.asarray(pasted.image, int) - np.asarray(edits.parent(), int))[CORE]
    assert step.mean() < 2


def test_the_parents_pixels_stand_where_the_answer_has_none():
    """The answer moved out by 15 pixels and the mask reaches that border: no black strip."""
    mask = from_region((0, 0.3, 0.3, 0.3), (EDGE, EDGE))
    answer = edits.painted(edits.moved(-15, 0), (0, 0, 300, EDGE), "#ff0000")
    pasted = paste_back(edits.parent(), answer, mask)
    assert pasted.pasted
    pixels, parent = np.asarray(pasted.image), np.asarray(edits.parent())
    assert (pixels[400:500, :14] == parent[400:500, :14]).all()
    assert (pixels[400:500, 17:280] == (255, 0, 0)).all()
    assert keeps_the_parent(pasted, edits.parent(), mask)


REFUSED = {
    "paste.moved": lambda: edits.moved(30, 5),
    "paste.scaled": lambda: edits.moved(0, 0, 1.03),
    "paste.not_alike": lambda: edits.parent().transpose(Image.Transpose.ROTATE_180),
    "paste.other_ratio": lambda: edits.parent().resize((1536, 1024)),
}


@pytest.mark.parametrize("code", REFUSED)
def test_beyond_the_bounds_the_answer_stays_and_says_why(code):
    answer = REFUSED[code]()
    pasted = paste_back(edits.parent(), answer, MASK)
    assert (pasted.code, pasted.pasted) == (code, False)
    assert pasted.image is answer
    assert pasted.params


def test_the_reason_names_figures():
    pasted = paste_back(edits.parent(), edits.moved(30, 0), MASK)
    assert pasted.params["shift"] == pytest.approx(30, abs=0.3)
    assert pasted.params["limit"] == pytest.approx(20.5, abs=0.1)


def test_bounds_are_the_callers():
    assert paste_back(edits.parent(), edits.moved(30, 0), MASK, bounds=Bounds(shift=0.04)).pasted
    assert paste_back(edits.parent(), edits.moved(3, 0), MASK, bounds=Bounds(shift=0.001)).code == "paste.moved"


def test_a_tint_is_reported_and_left_inside():
    """Grey 128 to 138: CIELAB L goes from 53.59 to 57.50 (CIE 15)."""
    parent = Image.new("RGB", (EDGE, EDGE), (128, 128, 128))
    pasted = paste_back(parent, edits.tinted(parent, 10), MASK)
    assert pasted.tint == pytest.approx((3.91, 0, 0), abs=0.03)
    assert (np.asarray(pasted.image)[CORE] == 138).all()
    assert pasted.registration.tiles == 0


def test_a_tint_is_seen_through_detail_and_a_move():
    pasted = paste_back(edits.parent(), edits.tinted(edits.moved(3, 0), [10, 10, 10]), MASK)
    assert pasted.tint[0] == pytest.approx(4, abs=0.6)


def test_the_edge_is_soft():
    parent = Image.new("RGB", (200, 200), "black")
    mask = from_region((0.4, 0.4, 0.2, 0.2), (200, 200))
    row = np.asarray(paste_back(parent, Image.new("RGB", (200, 200), "white"), mask, feather=10).image)[100, :, 0]
    assert (row[:70] == 0).all()
    assert (row[80:120] == 255).all()
    assert (np.diff(row[70:80].astype(int)) > 0).all()


def cut_out(image, colour="#ff00ff"):
    """Transparent in its right half, with a loud colour under what is clear."""
    clear = Image.new("RGBA", image.size, (*Image.new("RGB", (1, 1), colour).getpixel((0, 0)), 0))
    clear.paste(image.convert("RGBA").crop((0, 0, EDGE // 2, EDGE)), (0, 0))
    return clear


@pytest.mark.parametrize("parent_clear", [True, False])
@pytest.mark.parametrize("answer_clear", [True, False])
def test_transparency_of_either_is_kept(parent_clear, answer_clear):
    parent = cut_out(edits.parent()) if parent_clear else edits.parent()
    answer = cut_out(edits.moved(0, 0)) if answer_clear else edits.moved(0, 0)
    pasted = paste_back(parent, answer, MASK)
    assert pasted.pasted
    assert keeps_the_parent(pasted, parent)
    core = np.asarray(pasted.image.convert("RGBA"))[CORE]
    assert (core == np.asarray(answer.convert("RGBA"))[CORE]).all()
    assert pasted.image.mode == ("RGBA" if parent_clear or answer_clear else "RGB")


def test_no_rim_of_what_lies_under_the_clear():
    """Grey beside clear magenta: the soft edge is grey, only less of it."""
    parent = Image.new("RGB", (200, 200), (90, 90, 90))
    answer = Image.new("RGBA", (200, 200), (255, 0, 255, 0))
    mask = from_region((0.4, 0.4, 0.2, 0.2), (200, 200))
    pixels = np.asarray(paste_back(parent, answer, mask, feather=12).image).astype(int)
    seen = pixels[(pixels[..., 3] > 8) & (pixels[..., 3] < 255)]
    assert len(seen)
    assert (np.abs(seen[:, :3] - 90) <= 16).all()


def test_a_soft_mask_from_a_brush_is_taken_as_it_is():
    soft = feathered(MASK, 30)
    pasted = paste_back(
        edits.parent(), edits.painted(edits.parent(), (0, 0, EDGE, EDGE)), inverted(inverted(soft)), feather=0
    )
    assert pasted.code == "paste.not_alike"
    pasted = paste_back(edits.parent(), edits.painted(edits.parent(), INSIDE), soft, feather=0)
    assert keeps_the_parent(pasted, edits.parent(), soft)


def test_a_mask_of_another_size():
    with pytest.raises(InvalidRequest) as caught:
        paste_back(edits.parent(), edits.parent(), Mask(edit=Image.new("L", (10, 10))))
    assert caught.value.code == "mask.other_size"


def test_the_same_every_time():
    once, again = (paste_back(edits.parent(), edits.moved(3.4, -2.3), MASK) for _ in range(2))
    assert not ImageChops.difference(once.image, again.image).getbbox()
    assert once.registration == again.registration
