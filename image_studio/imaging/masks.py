"""Masks of an edit: from whatever way a person marks a place to one map, and from the map to the file that is sent.

The map is mode ``L`` at the upright size of the picture that is edited: 255 may change, 0 is kept, and what lies
between is a soft edge. The file is a PNG with alpha whose transparent pixels may change, which is what the image
APIs read ("alpha 0 = edit", of the first picture's own size, less than 4 MB).
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from image_studio.exceptions import InvalidRequest
from image_studio.imaging.decode import Limits, decode, upright
from image_studio.imaging.geometry import Box

Size = tuple[int, int]
Point = tuple[float, float]

#: Which part of a painted picture may change: what is transparent in it (the API's own way), what is painted on a
#: clear layer, what is white, or what is black.
Reads = Literal["clear", "painted", "white", "black"]

#: Bytes that the file must stay below. The SDK says 4 MB, a guide 50: the lower one always holds.
MAX_BYTES = 4_000_000
#: Ratios closer than this (as a share) are the same picture at another size.
SAME_RATIO = 0.01
#: A grey between these two, and a colour further than ``_TINT`` from grey, is no black and white.
_BLACK, _WHITE, _TINT = 64, 191, 48
#: How much of a mask may be neither black nor white: soft brushes have wide edges, photographs are all between.
_BETWEEN = 0.35
_LIMITS = Limits(max_bytes=20_000_000)


@dataclass(frozen=True, kw_only=True)
class Mask:
    """Where a picture may change.

    :param edit: mode ``L``: 255 may change, 0 is kept, soft between. Of the picture's upright size.
    """

    edit: Image.Image = field(repr=False)

    @property
    def size(self) -> Size:
        return self.edit.size

    @property
    def share(self) -> float:
        """How much of the area may change, 0 to 1; a soft edge counts by its weight."""
        histogram = np.array(self.edit.histogram(), dtype=np.float64)
        return float(histogram @ np.arange(256) / 255 / histogram.sum())

    @property
    def bounds(self) -> Box:
        """The smallest box around all that may change, soft edge and all; of zero size where nothing may."""
        left, top, right, bottom = self.edit.getbbox() or (0, 0, 0, 0)
        return Box(left, top, right - left, bottom - top)


# --- in -------------------------------------------------------------------------------------------------


def from_file(data: bytes, size: Size, *, reads: Reads = "clear", orientation: int = 1, scale: bool = False) -> Mask:
    """A mask from an uploaded file; the file's own EXIF turn is applied. Otherwise as :func:`from_image`.

    :raises ImageRefused: as :func:`image_studio.imaging.decode.decode`.
    """
    image = decode(data, _LIMITS).image
    try:
        return from_image(image, size, reads=reads, orientation=orientation, scale=scale)
    except InvalidRequest as error:
        if error.code == "mask.no_alpha" and reads == "painted" and Image.open(io.BytesIO(data)).mode in ("RGBA", "LA"):
            # The gate drops an alpha that says nothing; here it says that every pixel is painted.
            raise InvalidRequest("mask.full") from None
        raise


def from_image(
    image: Image.Image, size: Size, *, reads: Reads = "clear", orientation: int = 1, scale: bool = False
) -> Mask:
    """A mask from what a person painted.

    :param image: any mode. For ``clear`` and ``painted`` its transparency counts, for ``white`` and ``black`` its
        grey; there, what is fully transparent is kept, so that a white stroke on a clear layer works too.
    :param size: of the upright picture that is edited, in pixels.
    :param orientation: the EXIF orientation of that picture's file. Programs that pass it over paint on the picture
        as it is stored: a mask that has the stored picture's size, and not the upright one's, is turned along. A
        square, or one upside down, cannot be told from an upright one and counts as upright.
    :param scale: take a mask of the same ratio at another size, and scale it; without it that is an error.
    :raises InvalidRequest: ``mask.other_size`` (size, nearest), ``mask.other_ratio`` (size, nearest),
        ``mask.no_alpha``, ``mask.not_a_mask`` (share: percent that is neither black nor white), ``mask.empty`` or
        ``mask.full``.
    :raises ValueError: for ``reads`` that is none of :data:`Reads`.
    """
    if reads not in get_args(Reads):
        raise ValueError(f"{reads!r} is none of {', '.join(get_args(Reads))}")
    turned = upright(image, orientation) if _as_stored(image.size, size, orientation) else image
    _check_size(turned.size, size, scale=scale)
    edit = _by_alpha(turned, reads) if reads in ("clear", "painted") else _by_grey(turned, reads)
    if edit.size != size:
        edit = edit.resize(size, Image.Resampling.BILINEAR)
    return _usable(edit)


def from_region(region: tuple[float, float, float, float], size: Size) -> Mask:
    """A mask from one rectangle ``(left, top, width, height)`` in fractions of the upright picture.

    Pixels that it cuts are in; what reaches over the picture's edge is cut off.

    :raises InvalidRequest: ``mask.bad_points`` for numbers that are no fractions, ``mask.outside`` for a rectangle
        that lies wholly outside or has no area, ``mask.full``.
    """
    left, top, width, height = region
    _check_points([(left, top), (left + width, top + height)])
    near = max(0, math.floor(left * size[0] + 1e-6)), max(0, math.floor(top * size[1] + 1e-6))
    far = math.ceil((left + width) * size[0] - 1e-6), math.ceil((top + height) * size[1] - 1e-6)
    if width <= 0 or height <= 0 or min(far) <= 0 or near[0] >= size[0] or near[1] >= size[1]:
        raise InvalidRequest("mask.outside")
    edit = Image.new("L", size, 0)
    edit.paste(255, (*near, min(far[0], size[0]), min(far[1], size[1])))
    return _usable(edit)


def from_polygons(polygons: Sequence[Sequence[Point]], size: Size) -> Mask:
    """A mask from the insides of polygons, whose points are fractions of the upright picture.

    Polygons add up. What reaches over the picture's edge is cut off.

    :raises InvalidRequest: ``mask.bad_points`` for fewer than three points or numbers that are no fractions,
        ``mask.outside`` where nothing of them lies inside, ``mask.full``.
    """
    edit = Image.new("L", size, 0)
    pen = ImageDraw.Draw(edit)
    for points in polygons:
        _check_points(points)
        if len(points) < 3:
            raise InvalidRequest("mask.bad_points")
        pen.polygon([(x * size[0] - 0.5, y * size[1] - 0.5) for x, y in points], fill=255)
    if not edit.getbbox():
        raise InvalidRequest("mask.outside")
    return _usable(edit)


def _as_stored(found: Size, size: Size, orientation: int) -> bool:
    """Whether a mask lies as the file does, on its side against the upright picture."""
    return orientation in (5, 6, 7, 8) and not _alike(found, size) and _alike(found[::-1], size)


def _alike(one: Size, other: Size) -> bool:
    """The same ratio, where the edges of small pictures may be rounded either way."""
    return abs(one[0] * other[1] / (one[1] * other[0]) - 1) <= SAME_RATIO + 1 / min(*one, *other)


def _check_size(found: Size, size: Size, *, scale: bool) -> None:
    sizes = {"size": f"{found[0]}x{found[1]}", "nearest": f"{size[0]}x{size[1]}"}
    if not _alike(found, size):
        raise InvalidRequest("mask.other_ratio", **sizes)
    if found != size and not scale:
        raise InvalidRequest("mask.other_size", **sizes)


def _check_points(points: Sequence[Point]) -> None:
    """Fractions may reach a little over the edge, as dragged ones do; pixels and percents are caught."""
    if not all(math.isfinite(value) and -1 <= value <= 2 for point in points for value in point):
        raise InvalidRequest("mask.bad_points")


def _by_alpha(image: Image.Image, reads: Reads) -> Image.Image:
    if not image.has_transparency_data:
        raise InvalidRequest("mask.no_alpha")
    alpha = image.convert("RGBA").getchannel("A")
    return ImageChops.invert(alpha) if reads == "clear" else alpha


def _by_grey(image: Image.Image, reads: Reads) -> Image.Image:
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    rgb = image.convert("RGB")
    seen = np.ones((image.height, image.width), bool) if alpha is None else np.asarray(alpha) > 127
    share = _between(np.asarray(rgb)[seen])
    if share > _BETWEEN:
        raise InvalidRequest("mask.not_a_mask", share=round(100 * share))
    grey = rgb.convert("L")
    edit = grey if reads == "white" else ImageChops.invert(grey)
    return edit if alpha is None else ImageChops.multiply(edit, alpha)


def _between(pixels: NDArray[np.uint8]) -> float:
    """The share of pixels (rows of three) that are neither black nor white."""
    if not len(pixels):
        return 0.0
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    return float(((high - low > _TINT) | ((high > _BLACK) & (low < _WHITE))).mean())


def _usable(edit: Image.Image) -> Mask:
    """Neither empty nor full, by the halves that the file will have."""
    half = edit.point([0] * 128 + [255] * 128)
    low, high = half.getextrema()
    if not high:
        raise InvalidRequest("mask.empty")
    if low:
        raise InvalidRequest("mask.full")
    return Mask(edit=edit)


# --- changed --------------------------------------------------------------------------------------------


def inverted(mask: Mask) -> Mask:
    """What was kept may change, and the reverse."""
    return Mask(edit=ImageChops.invert(mask.edit))


def grown(mask: Mask, pixels: int) -> Mask:
    """The mask with ``pixels`` more on every side, fewer where negative; soft edges move along.

    Corners come out cut as by an octagon, which nears a circle and costs the same at any width. The picture's border
    is no edge: a mask that reaches it does not shrink away from it.
    """
    if pixels < 0:
        return inverted(grown(inverted(mask), -pixels))
    if not pixels:
        return mask
    pixels = min(pixels, max(mask.size))
    straight, slanted = _octagon(pixels)
    cells = np.pad(np.asarray(mask.edit), pixels, mode="edge")  # slanted ways may lead past the border and back
    for step, reach in (((1, 0), straight), ((0, 1), straight), ((1, 1), slanted), ((1, -1), slanted)):
        cells = _swept(cells, step, reach)
    return Mask(edit=Image.fromarray(np.ascontiguousarray(cells[pixels:-pixels, pixels:-pixels])))


def feathered(mask: Mask, pixels: int) -> Mask:
    """A soft edge of ``pixels``, laid around the mask: all inside stays 255, all further away is 0.

    Outside, not across: a tight mask around a thing that goes away must not let its rim shine through.
    ``pixels`` are counted along rows and columns. Less than two pixels leave the mask as it is.
    """
    if pixels < 2:
        return mask
    room = mask.bounds.grown(pixels).clipped(Box(0, 0, *mask.size))  # most masks are small
    corners = (room.left, room.top, room.right, room.bottom)
    part = mask.edit.crop(corners)
    near = pixels // 2
    wide = grown(Mask(edit=part), near).edit
    first = (pixels - near) // 2
    soft = wide.filter(ImageFilter.BoxBlur(first)).filter(ImageFilter.BoxBlur(pixels - near - first))
    edit = Image.new("L", mask.size, 0)
    edit.paste(ImageChops.lighter(soft, part), corners)
    return Mask(edit=edit)


def _octagon(reach: int) -> tuple[int, int]:
    """How far to sweep straight and slanted for a regular octagon that reaches ``reach`` along the axes."""
    slanted = min(round(reach * (1 - math.sqrt(0.5))), max(0, (reach - 1) // 2))  # slants alone leave gaps
    straight = reach - 2 * slanted
    return straight, slanted


def _swept(cells: NDArray[np.uint8], step: tuple[int, int], reach: int) -> NDArray[np.uint8]:
    """The largest value on the line from ``-reach`` to ``reach`` steps; what is covered trebles with every round."""
    done = 0
    while done < reach:
        by = min(2 * done + 1, reach - done)
        out = cells.copy()
        for way in (by, -by):
            here, there = _overlap(cells.shape, (way * step[0], way * step[1]))
            np.maximum(out[here], cells[there], out=out[here])
        cells, done = out, done + by
    return cells


def _overlap(shape: tuple[int, ...], by: tuple[int, int]) -> tuple[Any, Any]:
    """Where a picture and itself, moved by ``(x, y)``, lie on each other."""
    here, there = [], []
    for length, step in zip(shape, by[::-1], strict=True):
        move = max(-length, min(length, step))
        here.append(slice(max(0, move), length + min(0, move)))
        there.append(slice(max(0, -move), length + min(0, -move)))
    return tuple(here), tuple(there)


# --- out ------------------------------------------------------------------------------------------------


def to_png(mask: Mask) -> bytes:
    """The file that is sent: RGBA, alpha 0 where the picture may change and 255 elsewhere, nothing between.

    Soft edges are cut in the middle: what half transparency means is said nowhere, and paste-back softens anyway.

    :raises InvalidRequest: ``mask.too_heavy`` (weight, limit) where it does not stay below :data:`MAX_BYTES`.
    """
    file = Image.new("RGBA", mask.size)
    file.putalpha(mask.edit.point([255] * 128 + [0] * 128))
    target = io.BytesIO()
    file.save(target, "PNG", optimize=True)
    if target.tell() >= MAX_BYTES:
        raise InvalidRequest("mask.too_heavy", weight=target.tell(), limit=MAX_BYTES)
    return target.getvalue()
