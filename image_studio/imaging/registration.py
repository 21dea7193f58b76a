"""How far an answer has moved against the picture it was made from: shift and scale, measured outside the mask.

Both pictures are cut into tiles of detail that the mask does not touch. Phase correlation of all tiles together
gives one shift, of each tile by itself a vector; a robust line through the vectors gives shift, scale and how well
they agree. Sources: Kuglin and Hines, "The Phase Correlation Image Alignment Method" (1975); the peak is a Gaussian
by construction, so a parabola through its logarithm is exact below the pixel; Theil and Sen for the line.

Measured at a longest edge of at most :data:`WORK` pixels. On the synthetic edits of the tests (shifts to 2 % of the
longest edge, scales to 2 %, JPEG, grain, tints, redrawn insides) the place of every pixel is found to within
:data:`PRECISION` of the longest edge: a quarter pixel at 1024. Where all detail finer than three pixels was drawn
anew it is three times that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from image_studio.imaging.masks import Mask

Cells = NDArray[np.float32]
Vectors = NDArray[np.float64]

#: Longest edge in pixels at which is measured.
WORK = 1024
#: Largest error of a found place, as a share of the longest edge.
PRECISION = 0.25 / WORK
TILE = 128
_SMALLEST = 32
#: Tiles that are compared: one, the most detailed, from each part of a grid of this many columns and rows.
_PARTS = 4
#: Standard deviation in grey levels of a tile's detail below which it could lie anywhere.
_DETAIL = 1.2
#: Width in pixels of the peak. Fine detail that a model draws anew does not agree, coarse detail does.
_PEAK = 1.5
#: Noise of both pictures (variance in grey levels) below which a frequency says nothing: about a JPEG of quality 80.
_NOISE = 3.0
#: A tile agrees with the whole where it is off by less than this, in working pixels.
_AGREES = 1.0
#: The least share of frequencies in which a tile has more than noise.
_CONTENT = 0.01
#: Below this the peak of a large tile may be chance: of unlike tiles most stay below 0.15. Small tiles need more.
_HEARD = 0.2
#: How many times stronger than noise a frequency must be for the choice of tiles.
_LOUD = 8.0
#: A tile whose detail lies this much (as a share of inertia) in one direction could lie anywhere along the other.
_ONE_WAY = 0.04


@dataclass(frozen=True, kw_only=True)
class Registration:
    """Where the answer's content lies, in pixels of the parent; the answer counts as scaled to the parent's size.

    What is at ``p`` in the parent is at ``middle + scale * (p - middle) + (dx, dy)`` in the answer.

    :param dx: to the right; ``dy`` downwards.
    :param residual: how far tiles are off that place, the median in pixels.
    :param confidence: the share (0 to 1) of detailed tiles that agree with it to a pixel.
    :param tiles: how many tiles had detail; 0 says that nothing could be measured, and no shift is assumed.
    """

    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    residual: float = 0.0
    confidence: float = 0.0
    tiles: int = 0

    @property
    def shift(self) -> float:
        """The length of the shift in pixels of the parent."""
        return float(np.hypot(self.dx, self.dy))


def register(parent: Image.Image, answer: Image.Image, mask: Mask | None = None) -> Registration:
    """Measure how far ``answer`` has moved against ``parent``, where ``mask`` (of the parent's size) keeps.

    Transparency counts as grey. An answer of another size is scaled to the parent's first. Equal pictures give equal
    figures, always; pictures with an edge below 64 pixels, or without detail outside the mask, give none.
    """
    by = max(1, -(-max(parent.size) // WORK))
    one = _grey(parent, by)
    two = _grey(answer, by) if answer.size == parent.size else _grey_at(answer, one.shape)
    spots = _telling(one, *_spots(one, _kept(mask, by, one.shape)))
    if not spots.tiles.size:
        return Registration()
    placed = _measured(two, spots)
    middle = np.array([one.shape[1], one.shape[0]]) / 2
    return _fitted(placed, spots.tiles + spots.edge / 2 - middle, by)


@dataclass(frozen=True)
class _Spots:
    """Left top corners ``(n, 2)`` of square tiles, their transforms, and the share of frequencies that tell."""

    tiles: NDArray[np.int64]
    edge: int
    waves: NDArray[np.complex64]
    content: Vectors


@dataclass(frozen=True)
class _Placed:
    """The vector of each tile, and whether its peak is better than chance."""

    vectors: Vectors
    heard: NDArray[np.bool_]


def flat(image: Image.Image, ground: str = "#808080") -> Image.Image:
    """Mode RGB, transparency on a ground."""
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    clear = image.convert("RGBA")
    solid = Image.new("RGB", image.size, ground)
    solid.paste(clear, mask=clear.getchannel("A"))
    return solid


def _grey(image: Image.Image, by: int) -> Cells:
    grey = flat(image).convert("L")
    return np.asarray(grey.reduce(by) if by > 1 else grey, dtype=np.float32)


def _grey_at(image: Image.Image, shape: tuple[int, ...]) -> Cells:
    grey = flat(image).convert("L").resize((shape[1], shape[0]), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(grey, dtype=np.float32)


def _kept(mask: Mask | None, by: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if mask is None:
        return np.ones(shape, dtype=np.bool_)
    edit = mask.edit.point([0] + [255] * 255)
    return np.asarray(edit.reduce(by) if by > 1 else edit) == 0


def _spots(grey: Cells, kept: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """The most detailed tile of each part of the picture; smaller tiles where the mask leaves too few large ones."""
    edge = TILE
    while edge > _SMALLEST and 2 * edge > min(grey.shape):
        edge //= 2
    found = _detailed(grey, kept, edge)
    while len(found) < _PARTS and edge > _SMALLEST:
        edge //= 2
        found = _detailed(grey, kept, edge)
    return found, edge


def _telling(grey: Cells, tiles: NDArray[np.int64], edge: int) -> _Spots:
    """Without the tiles whose detail lies at their very edge, where the window hides it, or has one direction only."""
    waves = _waves(grey, tiles, edge)
    power = np.abs(waves) ** 2
    content = power / (power + _noise(edge)) * _low_pass(edge)
    loud = np.where(power > _LOUD * _noise(edge), _low_pass(edge), 0)
    told = (loud.sum(axis=(1, 2)) > _CONTENT * _low_pass(edge).sum()) & (_roundness(loud) > _ONE_WAY)
    shares = content.sum(axis=(1, 2), dtype=np.float64) / _low_pass(edge).sum()
    return _Spots(tiles[told], edge, waves[told], shares[told])


def _roundness(loud: Cells) -> Vectors:
    """From 0, where all that is loud lies on one line of frequencies, as of a lone straight edge, to 1."""
    edge = loud.shape[1]
    across, down = np.fft.rfftfreq(edge)[None, None, :], np.fft.fftfreq(edge)[None, :, None]
    xx, yy, xy = ((loud * by).sum(axis=(1, 2), dtype=np.float64) for by in (across**2, down**2, across * down))
    spread = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    return (xx + yy - spread) / np.maximum(xx + yy + spread, 1e-12)


def _detailed(grey: Cells, kept: NDArray[np.bool_], edge: int) -> NDArray[np.int64]:
    if 2 * edge > min(grey.shape):
        return np.empty((0, 2), np.int64)
    detail = _band(grey)
    best: dict[tuple[int, int], tuple[float, int, int]] = {}
    lefts, tops = (_starts(length, edge) for length in grey.shape[::-1])
    for row, top in enumerate(tops):
        for column, left in enumerate(lefts):
            part = (row * _PARTS // len(tops), column * _PARTS // len(lefts))
            if kept[top : top + edge, left : left + edge].all():
                spread = float(detail[top // 4 : (top + edge) // 4, left // 4 : (left + edge) // 4].std())
                best[part] = max(best.get(part, (_DETAIL, -1, -1)), (spread, left, top))
    found = [(left, top) for _, left, top in best.values() if left >= 0]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _starts(length: int, edge: int) -> list[int]:
    return [int(start) for start in np.linspace(0, length - edge, min(8, 2 * length // edge - 1))]


def _band(grey: Cells) -> Cells:
    """Detail between about 8 and 40 pixels wide, at a quarter of the size: neither grain nor slow light."""
    small = Image.fromarray(grey.astype(np.uint8)).reduce(4)
    wide = small.filter(ImageFilter.BoxBlur(5))
    return np.asarray(small, dtype=np.float32) - np.asarray(wide, dtype=np.float32)


@lru_cache(maxsize=4)
def _window(edge: int) -> Cells:
    wave = np.hanning(edge + 2)[1:-1]
    return np.outer(wave, wave).astype(np.float32)


@lru_cache(maxsize=4)
def _low_pass(edge: int) -> Cells:
    """The transform of the Gaussian that the peak becomes."""
    across, down = np.fft.rfftfreq(edge), np.fft.fftfreq(edge)
    return np.exp(-2 * (np.pi * _PEAK) ** 2 * (down[:, None] ** 2 + across[None, :] ** 2)).astype(np.float32)


def _noise(edge: int) -> float:
    """The power that noise has at each frequency of a windowed tile."""
    return _NOISE * float((_window(edge) ** 2).sum())


def _measured(answer: Cells, spots: _Spots) -> _Placed:
    """Vectors of the tiles, measured again around what was found until no tile moves any more.

    A window hides what left it and so pulls every vector to 0; tiles cut where they were found are free of that.
    """
    together = _surfaces(answer, spots, spots.tiles).mean(axis=0)
    moves = np.zeros_like(spots.tiles) + np.rint(_peaks(together[None])[0]).astype(np.int64)
    middles = spots.tiles - spots.tiles.mean(axis=0)
    for _ in range(3):
        rest, heights = _peaks(_surfaces(answer, spots, spots.tiles + moves))
        found = _Placed(moves + rest, heights > _HEARD * (TILE / spots.edge) ** 0.4)
        again = np.rint(_line(found, middles)).astype(np.int64)
        if (again == moves).all():
            break
        moves = again
    return found


def _waves(grey: Cells, tiles: NDArray[np.int64], edge: int) -> NDArray[np.complex64]:
    """Transforms of windowed tiles without their mean; what reaches over the picture repeats its border."""
    rows = np.clip(tiles[:, 1, None] + np.arange(edge), 0, grey.shape[0] - 1)
    columns = np.clip(tiles[:, 0, None] + np.arange(edge), 0, grey.shape[1] - 1)
    cut = grey[rows[:, :, None], columns[:, None, :]]
    window = _window(edge)
    cut -= ((cut * window).sum(axis=(1, 2)) / window.sum())[:, None, None]
    return np.fft.rfft2(cut * window).astype(np.complex64)


def _surfaces(answer: Cells, spots: _Spots, places: NDArray[np.int64]) -> Cells:
    """Phase correlation of tiles, low-passed; an equal tile peaks at 1, frequencies of mere noise weigh nothing."""
    low, edge = _low_pass(spots.edge), spots.edge
    cross = np.conj(spots.waves) * _waves(answer, places, edge)
    surfaces = np.fft.irfft2(cross / (np.abs(cross) + _noise(edge)) * low, s=(edge, edge))
    peaks = low.sum() * 2 / edge**2 * spots.content
    return (surfaces / peaks[:, None, None]).astype(np.float32)


def _peaks(surfaces: Cells) -> tuple[Vectors, Vectors]:
    """The highest place of each surface below the pixel, as ``(x, y)`` from its origin, and its height."""
    count, edge, _ = surfaces.shape
    each = np.arange(count)
    y, x = np.divmod(surfaces.reshape(count, -1).argmax(axis=1), edge)
    heights = surfaces[each, y, x].astype(np.float64)
    fine_x = _between(surfaces[each, y, (x - 1) % edge], heights, surfaces[each, y, (x + 1) % edge])
    fine_y = _between(surfaces[each, (y - 1) % edge, x], heights, surfaces[each, (y + 1) % edge, x])
    half = edge // 2
    places = np.stack([(x + half) % edge - half + fine_x, (y + half) % edge - half + fine_y], axis=1)
    return places, heights


def _between(before: Cells, top: Vectors, after: Cells) -> Vectors:
    """Where the parabola through three logarithms peaks, from -0.5 to 0.5."""
    low, middle, high = (np.log(np.maximum(values, 1e-6)) for values in (before, top, after))
    bend = low - 2 * middle + high
    return np.clip(np.where(bend < -1e-9, (low - high) / (2 * np.minimum(bend, -1e-9)), 0), -0.5, 0.5)


def _line(placed: _Placed, middles: Vectors) -> Vectors:
    """The vectors as a shift and a scale would have them: slope and offset are medians, so strays do not count."""
    heard = placed.heard
    if heard.sum() < 2:
        return np.broadcast_to(np.median(placed.vectors, axis=0), placed.vectors.shape)
    vectors, places = placed.vectors[heard], middles[heard]
    first, second = np.triu_indices(len(vectors), 1)
    apart = places[second] - places[first]
    slopes = ((vectors[second] - vectors[first]) * apart).sum(axis=1) / np.maximum((apart**2).sum(axis=1), 1)
    slope = float(np.median(slopes))
    return np.median(vectors - slope * places, axis=0) + slope * middles


def _fitted(placed: _Placed, middles: Vectors, by: int) -> Registration:
    """Least squares over the tiles that agree with the robust line; figures in pixels of the parent."""
    off = np.hypot(*(placed.vectors - _line(placed, middles)).T)
    agree = (off < _AGREES) & placed.heard
    if not agree.any():
        return Registration(residual=round(by * float(np.median(off)), 3), tiles=len(off))
    slope, offset = _least_squares(placed.vectors[agree], middles[agree])
    off = np.hypot(*(placed.vectors - offset - slope * middles).T)
    return Registration(
        dx=round(by * float(offset[0]), 3),
        dy=round(by * float(offset[1]), 3),
        scale=round(1 + slope, 6),
        residual=round(by * float(np.median(off)), 3),
        confidence=round(float(agree.mean()), 3),
        tiles=len(off),
    )


def _least_squares(vectors: Vectors, middles: Vectors) -> tuple[float, Vectors]:
    """Slope and offset; a slope below three of its own standard errors is noise, and counts as none."""
    centred, mean = middles - middles.mean(axis=0), vectors.mean(axis=0)
    room = float((centred**2).sum())
    if not room or len(vectors) < 3:
        return 0.0, mean
    slope = float((centred * (vectors - mean)).sum()) / room
    rest = float(((vectors - mean - slope * centred) ** 2).sum()) / (2 * len(vectors) - 3)
    if slope**2 < 9 * rest / room:
        slope = 0.0
    return slope, mean - slope * middles.mean(axis=0)
