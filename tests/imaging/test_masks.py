"""Masks: every way of painting one comes to the same map, and the map to the file that the API reads."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from image_studio.exceptions import ImageRefused, InvalidRequest
from image_studio.imaging import masks
from image_studio.imaging.decode import upright
from image_studio.imaging.masks import from_file, from_image, from_polygons, from_region

SIZE = (120, 80)
BOX = (30, 20, 60, 50)
EXIF = 0x0112


def shape(size=SIZE, box=BOX):
    """The truth: 255 where the picture may change."""
    edit = Image.new("L", size, 0)
    edit.paste(255, box)
    return edit


def with_alpha(alpha, colour="#102030"):
    image = Image.new("RGBA", alpha.size, colour)
    image.putalpha(alpha)
    return image


def png(image, **options):
    target = io.BytesIO()
    image.save(target, "PNG", **options)
    return target.getvalue()


def same(mask, truth):
    return mask.size == truth.size and ImageChops.difference(mask.edit, truth).getbbox() is None


def code(call, *args, error=InvalidRequest, **options):
    with pytest.raises(error) as caught:
        call(*args, **options)
    return caught.value.code


WAYS = {
    "api": ("clear", lambda t: with_alpha(ImageChops.invert(t))),
    "layer": ("painted", lambda t: with_alpha(t, "#ff0000")),
    "grey and alpha": ("clear", lambda t: Image.merge("LA", (t, ImageChops.invert(t)))),
    "white": ("white", lambda t: t),
    "black": ("black", ImageChops.invert),
    "one bit": ("white", lambda t: t.convert("1")),
    "rgb": ("white", lambda t: t.convert("RGB")),
    "palette": ("black", lambda t: ImageChops.invert(t).convert("P")),
    "white stroke on nothing": ("white", lambda t: with_alpha(t, "white")),
    "black stroke on nothing": ("black", lambda t: with_alpha(t, "black")),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_painting_is_one_map(way):
    reads, paint = WAYS[way]
    painted = paint(shape())
    assert same(from_image(painted, SIZE, reads=reads), shape())
    assert same(from_file(png(painted), SIZE, reads=reads), shape())


def test_region_and_polygon_are_the_same_map():
    assert same(from_region((0.25, 0.25, 0.25, 0.375), SIZE), shape())
    corners = [(0.25, 0.25), (0.5, 0.25), (0.5, 0.625), (0.25, 0.625)]
    edit = np.asarray(from_polygons([corners], SIZE).edit)
    assert edit[20:50, 30:60].all()
    assert abs(int((edit > 0).sum()) - 900) <= 61


def test_polygons_add_up_and_are_cut_at_the_edge():
    pair = from_polygons([[(-0.1, -0.1), (0.2, 0), (0, 0.2)], [(0.8, 0.8), (1.2, 0.8), (1.2, 1.2)]], SIZE)
    assert pair.edit.getpixel((0, 0)) == pair.edit.getpixel((118, 70)) == 255
    assert pair.edit.getpixel((60, 40)) == 0


def test_share_and_bounds():
    mask = from_region((0.25, 0.25, 0.25, 0.375), SIZE)
    assert mask.share == pytest.approx(900 / 9600)
    assert mask.bounds == (30, 20, 30, 30)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_mask_files_own_turn_is_applied(orientation):
    """A phone that stores a mask turned: the stored pixels are the truth turned back."""
    back = {6: 8, 8: 6}.get(orientation, orientation)
    stored = upright(shape(), back)
    exif = Image.Exif()
    exif[EXIF] = orientation
    assert same(from_file(png(stored, exif=exif), SIZE, reads="white"), shape())


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_painted_on_the_stored_picture_turns_along(orientation):
    back = {6: 8, 8: 6}.get(orientation, orientation)
    stored = upright(shape(), back)
    assert stored.size == SIZE[::-1]
    assert same(from_image(stored, SIZE, reads="white", orientation=orientation), shape())
    assert same(from_image(shape(), SIZE, reads="white", orientation=orientation), shape())


def test_a_smaller_mask_of_the_same_ratio_is_scaled_where_asked():
    small = shape((60, 40), (15, 10, 30, 25))
    assert code(from_image, small, SIZE, reads="white") == "mask.other_size"
    mask = from_image(small, SIZE, reads="white", scale=True)
    assert mask.size == SIZE
    assert mask.share == pytest.approx(900 / 9600, rel=0.03)


BAD = {
    "mask.other_size": (shape((240, 160)), "white"),
    "mask.other_ratio": (shape((100, 100)), "white"),
    "mask.no_alpha": (shape(), "clear"),
    "mask.not_a_mask": (Image.radial_gradient("L").resize(SIZE), "white"),
    "mask.empty": (Image.new("L", SIZE, 0), "white"),
    "mask.full": (Image.new("L", SIZE, 0), "black"),
}


@pytest.mark.parametrize("expected", BAD)
def test_bad_masks_have_their_codes(expected):
    image, reads = BAD[expected]
    assert code(from_image, image, SIZE, reads=reads) == expected


def test_other_ratio_holds_where_scaling_is_asked():
    assert code(from_image, shape((100, 100)), SIZE, reads="white", scale=True) == "mask.other_ratio"


def test_an_opaque_mask_marks_nothing():
    """The mistake everybody makes: white on an opaque file. Through the gate it has no alpha left at all."""
    opaque = with_alpha(Image.new("L", SIZE, 255), "white")
    assert code(from_image, opaque, SIZE) == "mask.empty"
    assert code(from_file, png(opaque), SIZE) == "mask.no_alpha"


def test_a_picture_in_colour_is_no_mask():
    colours = Image.merge("RGB", (shape(), Image.new("L", SIZE, 0), ImageChops.invert(shape())))
    assert code(from_image, colours, SIZE, reads="black") == "mask.not_a_mask"


def test_a_file_that_is_no_picture():
    assert code(from_file, b"%PDF-1.7", SIZE, error=ImageRefused) == "image.not_accepted"


def test_soft_brushes_stay_soft():
    soft = Image.linear_gradient("L").resize(SIZE).point([0] * 100 + list(range(0, 255, 5)) + [255] * 105)
    assert set(from_image(soft, SIZE, reads="white").edit.tobytes()) > {0, 255}


@pytest.mark.parametrize("region", [(1.1, 0, 0.5, 0.5), (0, -0.6, 0.5, 0.5), (0.5, 0.5, 0, 0.2), (0.5, 0.5, -0.2, 0.2)])
def test_regions_outside_the_picture(region):
    assert code(from_region, region, SIZE) == "mask.outside"


@pytest.mark.parametrize("region", [(30, 20, 60, 40), (float("nan"), 0, 0.5, 0.5), (0, 0, float("inf"), 0.5)])
def test_regions_that_are_no_fractions(region):
    assert code(from_region, region, SIZE) == "mask.bad_points"


@pytest.mark.parametrize("points", [[], [(0.1, 0.1), (0.5, 0.5)]])
def test_polygons_need_three_points(points):
    assert code(from_polygons, [points], SIZE) == "mask.bad_points"


def test_polygons_outside_or_none():
    assert code(from_polygons, [], SIZE) == "mask.outside"
    assert code(from_polygons, [[(1.1, 1.1), (1.9, 1.1), (1.5, 1.9)]], SIZE) == "mask.outside"


def test_a_region_over_all_is_full():
    assert code(from_region, (-0.1, -0.1, 1.2, 1.2), SIZE) == "mask.full"


def test_unknown_way_of_reading():
    with pytest.raises(ValueError, match="none of"):
        from_image(shape(), SIZE, reads="red")


@given(
    reach=st.integers(0, 40),
    box=st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(1, 30), st.integers(1, 30)),
)
@settings(max_examples=40, deadline=None)
def test_grown_reaches_just_so_far_and_has_no_holes(reach, box):
    left, top, width, height = box
    mask = masks.Mask(edit=shape((90, 90), (left, top, left + width, top + height)))
    edit = np.asarray(masks.grown(mask, reach).edit) > 0
    rows, columns = np.ogrid[:90, :90]
    off_x = np.maximum(np.maximum(left - columns, columns - (left + width - 1)), 0)
    off_y = np.maximum(np.maximum(top - rows, rows - (top + height - 1)), 0)
    distance = np.hypot(off_x, off_y)
    assert edit[distance <= 0.7 * reach].all()
    assert not edit[np.maximum(off_x, off_y) > reach].any()
    assert edit[(off_y == 0) & (off_x <= reach)].all()


def test_shrinking_undoes_growing_and_spares_the_border():
    mask = masks.Mask(edit=shape())
    assert same(masks.grown(masks.grown(mask, 6), -6), shape())
    corner = masks.Mask(edit=shape(SIZE, (0, 0, 40, 40)))
    assert masks.grown(corner, -10).bounds == (0, 0, 30, 30)
    assert masks.grown(mask, -20).share == 0


def test_inverted_twice_is_the_same():
    mask = masks.Mask(edit=shape())
    assert masks.inverted(mask).share == pytest.approx(1 - mask.share)
    assert same(masks.inverted(masks.inverted(mask)), shape())


@pytest.mark.parametrize("pixels", [2, 3, 5, 8, 13, 24])
def test_feather_lies_outside_and_ends_where_it_says(pixels):
    edit = np.asarray(masks.feathered(masks.Mask(edit=shape((200, 200), (70, 80, 120, 110))), pixels).edit)
    assert (edit[80:110, 70:120] == 255).all()
    row = edit[95, 119:].astype(int)
    assert (np.diff(row) <= 0).all()
    assert 0 < row[pixels // 2 + 1] < 255
    edit = edit.copy()
    edit[80 - pixels : 110 + pixels, 70 - pixels : 120 + pixels] = 0
    assert not edit.any()


def test_no_feather_changes_nothing():
    assert same(masks.feathered(masks.Mask(edit=shape()), 0), shape())


def test_the_file_is_what_the_api_reads():
    soft = masks.feathered(masks.Mask(edit=shape()), 9)
    data = masks.to_png(soft)
    file = Image.open(io.BytesIO(data))
    assert (file.format, file.mode, file.size) == ("PNG", "RGBA", SIZE)
    alpha = np.asarray(file.getchannel("A"))
    assert set(np.unique(alpha)) == {0, 255}
    assert ((alpha == 0) == (np.asarray(soft.edit) >= 128)).all()
    assert same(from_file(data, SIZE), soft.edit.point([0] * 128 + [255] * 128))


def test_the_file_of_the_largest_picture_is_light():
    edit = Image.new("L", (3840, 2160), 0)
    pen = ImageDraw.Draw(edit)
    for i in range(40):
        pen.ellipse((90 * i, 50 * i, 90 * i + 300, 50 * i + 200), fill=255)
    assert len(masks.to_png(masks.Mask(edit=edit))) < 100_000


def test_a_mask_of_dust_is_too_heavy(monkeypatch):
    monkeypatch.setattr(masks, "MAX_BYTES", 2_000)
    dust = np.random.default_rng(1).integers(0, 2, (200, 200), dtype=np.uint8) * 255
    assert code(masks.to_png, masks.Mask(edit=Image.fromarray(dust))) == "mask.too_heavy"
