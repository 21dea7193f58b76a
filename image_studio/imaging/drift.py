"""Drift: what an edit changed where it should have changed nothing.

Both pictures are averaged down to cells, at most :data:`CELLS` along the longest edge, and compared by CIEDE2000:
grain and the noise of encoders cancel within a cell, as they do for the eye at reading distance. A cell has changed
where it differs by more than :data:`CHANGED`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_studio.exceptions import InvalidRequest
from image_studio.imaging.colour import ciede2000, lab
from image_studio.imaging.geometry import Box
from image_studio.imaging.masks import Mask
from image_studio.imaging.registration import flat

Cells = NDArray[np.float32]

#: Longest edge in cells: 4 x 4 pixels at 1024.
CELLS = 256
#: dE00 of a cell from which on it has changed: what one sees when two pictures are flicked to and fro, and above
#: what encoders do (:data:`NOISE`).
CHANGED = 4.0
#: The largest error of ``share``, and the most that counts as changed where nothing but noise did. See :func:`drift`.
ERROR = NOISE = 0.01
GRID = 8
#: Edge of a cell in pixels below which noise no longer cancels.
_SMALLEST = 4
#: Up to this edge of a cell, one pixel of 255 still shows in the mean of a cell that is rounded to whole numbers.
_FAITHFUL = 16
#: Tiles of which less than this is measured are too small to be the worst.
_MEASURED = 0.1
#: dE00 at which the heat map is at its strongest.
_HOTTEST = 20.0
_STEPS = 15
#: Cells converted at a time: they stay in the processor's cache, and are too few for the linear algebra to wake threads
#: that cost three times what they do.
_PIECE = 1 << 13
#: The ground under transparency: one that hardly any subject has, so that a change of alpha shows.
_GROUND = "#00b140"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How far a result is from its parent outside the mask. Colour differences are CIEDE2000.

    :param share: of the measured area that changed by more than ``threshold``, 0 to 1.
    :param mean: over the measured area; ``typical`` is the median, which a tint over all moves and one spot does not.
    :param worst: the tile of an 8 x 8 grid with the largest mean, in pixels of the parent; ``worst_mean`` is that.
    :param measured: the share of the picture outside the mask, 0 to 1.
    :param heat: a PNG of the parent's ratio, longest edge at most :data:`CELLS`: clear where nothing changed or was
        not measured, the redder and denser the more did. Scale it over the picture.
    """

    share: float
    mean: float
    typical: float
    worst: Box
    worst_mean: float
    measured: float
    threshold: float = CHANGED
    heat: bytes = field(repr=False)


def drift(parent: Image.Image, result: Image.Image, mask: Mask | None = None) -> Drift:
    """Measure ``result`` against ``parent`` where ``mask`` (of the parent's size) keeps, everywhere without one.

    Nothing is registered here: a picture that moved has changed. A result of another size is scaled to the parent's.
    For a raw answer take the mask as it was sent; for a pasted one take it feathered, and the drift is 0.

    How far to trust it, for pictures from 1024 pixels (measured on synthetic edits, see the tests): ``share`` of a
    clear change is never too small, and too large by at most one cell along its outline, which is less than
    :data:`ERROR` for outlines of up to 2.5 longest edges; JPEG noise around it stays within that too. Saved as JPEG
    or WebP of quality 75 and up, or under grain of up to 8 levels (one sigma), less than :data:`NOISE` of a
    photograph counts as changed. A known shift of all colours is found in ``mean`` to a dE00 of 0.1.

    :raises InvalidRequest: ``mask.other_size`` (size, nearest), ``drift.other_ratio`` (size, nearest) or
        ``drift.nothing_kept`` where the mask leaves nothing to measure.
    """
    if mask is not None and mask.size != parent.size:
        raise InvalidRequest("mask.other_size", size=_words(mask.size), nearest=_words(parent.size))
    by = max(_SMALLEST, -(-max(parent.size) // CELLS))
    before = _cells(parent, by)
    after = _cells(_fitted(result, parent.size), by)
    weights = _weights(parent.size, by) * _kept(mask, by, before.shape[:2])
    if not weights.any():
        raise InvalidRequest("drift.nothing_kept")
    return _summary(_distance(before, after), weights, parent.size, by)


def _words(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _fitted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.size == size:
        return image
    if abs(image.width * size[1] / (image.height * size[0]) - 1) > 0.02:
        raise InvalidRequest("drift.other_ratio", size=_words(image.size), nearest=_words(size))
    return flat(image, _GROUND).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)


def _cells(image: Image.Image, by: int) -> NDArray[np.uint8]:
    plain = flat(image, _GROUND)
    return np.asarray(plain.reduce(by) if by > 1 else plain)


def _weights(size: tuple[int, int], by: int) -> Cells:
    """How many pixels each cell stands for: fewer at the right and at the bottom."""
    across, down = (np.minimum(by, length - np.arange(0, length, by)) for length in size)
    return np.outer(down, across).astype(np.float32)


def _kept(mask: Mask | None, by: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Cells that the mask does not touch with a single pixel."""
    if mask is None:
        return np.ones(shape, dtype=np.bool_)
    if by <= _FAITHFUL:
        return np.asarray(mask.edit.point([0] + [255] * 255).reduce(by)) == 0
    edit = np.asarray(mask.edit)
    rows = np.maximum.reduceat(edit, np.arange(0, edit.shape[0], by), axis=0)
    return np.maximum.reduceat(rows, np.arange(0, edit.shape[1], by), axis=1) == 0


def _distance(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Cells:
    """dE00 of each cell; equal ones, most of a pasted picture, are not converted."""
    differ = (before != after).any(axis=-1)
    distance = np.zeros(before.shape[:2], dtype=np.float32)
    if differ.any():
        one, two = before[differ], after[differ]
        distance[differ] = np.concatenate(
            [_piece(one[start : start + _PIECE], two[start : start + _PIECE]) for start in range(0, len(one), _PIECE)]
        )
    return distance


def _piece(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> Cells:
    distance: Cells = ciede2000(lab(one).astype(np.float32), lab(two).astype(np.float32))
    return distance


def _summary(distance: Cells, weights: Cells, size: tuple[int, int], by: int) -> Drift:
    total = float(weights.sum(dtype=np.float64))
    worst, worst_mean = _worst(distance, weights, size, by)
    return Drift(
        share=round(float(weights[distance > CHANGED].sum(dtype=np.float64)) / total, 6),
        mean=round(float((distance * weights).sum(dtype=np.float64)) / total, 3),
        typical=round(float(np.median(distance[weights > 0])), 3),
        worst=worst,
        worst_mean=worst_mean,
        measured=round(total / (size[0] * size[1]), 6),
        heat=_heat(np.where(weights > 0, distance, 0)),
    )


def _worst(distance: Cells, weights: Cells, size: tuple[int, int], by: int) -> tuple[Box, float]:
    """The tile with the largest mean, among those of which enough is measured; the first of equals."""
    rows, columns = (np.unique(np.arange(GRID) * length // GRID) for length in distance.shape)
    room = _tiled(_weights(size, by), rows, columns)
    seen = _tiled(weights, rows, columns)
    enough = seen >= min(_MEASURED, float((seen / room).max())) * room
    means = np.where(enough, _tiled(distance * weights, rows, columns) / np.maximum(seen, 1), -1)
    row, column = np.unravel_index(int(means.argmax()), means.shape)
    left, right = _span(columns, int(column), size[0], by)
    top, bottom = _span(rows, int(row), size[1], by)
    return Box(left, top, right - left, bottom - top), round(float(means[row, column]), 3)


def _tiled(cells: Cells, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.add.reduceat(np.add.reduceat(cells.astype(np.float64), rows, axis=0), columns, axis=1)


def _span(starts: NDArray[np.int64], at: int, length: int, by: int) -> tuple[int, int]:
    end = int(starts[at + 1]) * by if at + 1 < len(starts) else length
    return int(starts[at]) * by, end


def _heat(distance: Cells) -> bytes:
    """From yellow to red in 15 steps; half the threshold and less is clear, so that noise does not veil a picture."""
    low = CHANGED / 2
    level = np.clip(np.ceil((distance - low) / (_HOTTEST - low) * _STEPS), 0, _STEPS).astype(np.uint8)
    image = Image.fromarray(level).convert("P")
    steps = range(_STEPS + 1)
    image.putpalette([value for step in steps for value in (255, 200 - 200 * step // _STEPS, 0)])
    target = io.BytesIO()
    clear = bytes([0, *(80 + 150 * step // _STEPS for step in steps[1:])])
    image.save(target, "PNG", transparency=clear, bits=4)
    return target.getvalue()
