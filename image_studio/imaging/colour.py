"""Colour as it is measured: sRGB, CIELAB, CIEDE2000, WCAG contrast, and how much of a picture is on a palette.

Arrays hold colours in their last axis. sRGB is 0 to 255; linear light and luminance are 0 to 1; CIELAB is for
D65 and the 2 degree observer. Sources: IEC 61966-2-1 (sRGB), CIE 15 (Lab), WCAG 2.2 "relative luminance" and
"contrast ratio"; CIEDE2000 is in :mod:`.difference`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_studio.imaging.difference import ciede2000
from image_studio.imaging.geometry import Box

__all__ = [
    "FAR",
    "MAX_TONES",
    "PHOTOGRAPHIC",
    "Shares",
    "Tone",
    "ciede2000",
    "contrast_ratio",
    "lab",
    "linear",
    "luminance",
    "palette_shares",
    "parse_hex",
    "ratios",
    "spread",
    "to_hex",
]

Floats = NDArray[Any]
Tone = tuple[str, float]

_HEX = re.compile(r"#?[0-9a-fA-F]{6}")
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _TO_XYZ.sum(axis=1)
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def parse_hex(text: str) -> tuple[int, int, int]:
    """``#rrggbb`` (or ``rrggbb``) as three numbers from 0 to 255.

    :raises ValueError: for anything else.
    """
    if not _HEX.fullmatch(text):
        raise ValueError(f"not a colour: {text!r}")
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def to_hex(rgb: Sequence[int]) -> str:
    """Three numbers from 0 to 255 as ``#rrggbb``."""
    red, green, blue = (int(value) for value in rgb)
    return f"#{red:02x}{green:02x}{blue:02x}"


def linear(rgb: Any) -> Floats:
    """sRGB values (0 to 255) as linear light (0 to 1), same shape."""
    values = np.asarray(rgb, dtype=np.float64) / 255.0
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


_LINEAR = linear(np.arange(256))
_LUMINANCE = (_LINEAR[:, None] * _WEIGHTS).astype(np.float32)


_SCALED = (_TO_XYZ / _WHITE[:, None]).tolist()
_CUT = (6 / 29) ** 3


def _root(scaled: Floats) -> Floats:
    return np.where(scaled > _CUT, np.cbrt(scaled), scaled * (29 / 6) ** 2 / 3 + 4 / 29)


def lab(rgb: Any) -> Floats:
    """sRGB colours ``(..., 3)`` (0 to 255) as CIELAB ``(..., 3)``."""
    values = np.asarray(rgb)
    # Whole numbers by the one table, and sums written out: powers and matrix products are rounded otherwise for one
    # colour than for many at a time on some processors, and equal colours would lie apart.
    light = _LINEAR[values] if values.dtype.kind in "iu" else linear(values)
    red, green, blue = light[..., 0], light[..., 1], light[..., 2]
    x, y, z = (_root(red * r + green * g + blue * b) for r, g, b in _SCALED)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def luminance(rgb: NDArray[np.uint8]) -> Floats:
    """WCAG relative luminance (0 to 1) of sRGB bytes ``(..., 3)``: one float32 per colour."""
    red, green, blue = (_LUMINANCE[:, i].take(rgb[..., i], mode="clip") for i in range(3))
    total: Floats = red + green + blue
    return total


def ratios(one: Any, two: Any) -> Floats:
    """WCAG contrast ratios (1 to 21) of relative luminances; the two broadcast."""
    first, second = np.asarray(one), np.asarray(two)
    return (np.maximum(first, second) + 0.05) / (np.minimum(first, second) + 0.05)


def contrast_ratio(a: str, b: str) -> float:
    """The WCAG contrast ratio (1 to 21, never rounded) of two ``#rrggbb`` colours."""
    light = _LINEAR[np.array([parse_hex(a), parse_hex(b)])] @ _WEIGHTS
    return float(ratios(light[0], light[1]))


# --- how much of a picture is on a palette -------------------------------------------------------------

FAR = 5.0  # beyond tolerance + FAR a colour is far off: with the usual tolerance of 5 that is dE00 10
MAX_TONES = 60
SAMPLE = 1024
_PIECE = 1 << 15
_ERROR = 0.0033  # largest standard error of a share: three of them are one point
GRID = 8
_NEAR_OFF, _FAR_OFF, _UNSEEN, _UNSURE = 62, 63, 64, 128
_SEVERAL = 255


@dataclass(frozen=True, kw_only=True)
class Shares:
    """What part of a picture's visible pixels lies on which colour, as fractions of 1.

    :param on: one share per tone, in the order given; a pixel counts for the nearest tone that holds it.
    :param off: within no tone's tolerance. ``far``: the part of it more than :data:`FAR` beyond, which is judged
        by the middle of its colour cell (4/255 wide) where the cell is off as a whole.
    :param worst: the tile of an 8 x 8 grid that is off most; ``worst_off`` its own off share.
    """

    on: tuple[float, ...]
    off: float
    far: float
    worst: Box
    worst_off: float


def palette_shares(image: Image.Image, tones: Sequence[Tone], *, exact: bool = False) -> Shares:
    """Measure a picture against ``(#rrggbb, tolerance)`` pairs.

    The 64^3 cells of a 6-bit cube are judged once per palette (cached); a picture is then one table look-up per
    pixel. Cells that a threshold cuts are unsure: their pixels are judged by themselves, all of them with
    ``exact``, else a seeded random sample of :data:`SAMPLE`, which keeps every share within a percentage point.

    :raises ValueError: for no tone, or more than :data:`MAX_TONES`.
    """
    if not 0 < len(tones) <= MAX_TONES:
        raise ValueError(f"1 to {MAX_TONES} tones, not {len(tones)}")
    palette = tuple((tone.lower(), float(tolerance)) for tone, tolerance in tones)
    codes = _codes(image)
    labels = _look_up(_cube(palette)[0], codes)
    _hide_transparent(image, labels)
    counts = np.array(_as_image(labels, image.size).histogram(), dtype=np.float64)
    unsure = np.flatnonzero(labels >= _UNSURE)
    if unsure.size:
        counts[_UNSURE:] = 0
        counts[:_UNSURE] += _judge(codes, labels, unsure, palette, exact=exact)
    labels &= _UNSURE - 1
    return _shares(counts, labels, image.size, len(palette))


def _codes(image: Image.Image) -> NDArray[Any]:
    """Pixels as 0xBBGGRR (and a byte that means nothing on top)."""
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return np.frombuffer(rgb.tobytes("raw", "RGBX"), dtype="<u4")


def _cells(codes: NDArray[Any]) -> NDArray[Any]:
    """The cell of the 6-bit cube (blue, green, red from the top) of each pixel."""
    cells: NDArray[Any] = (codes >> 2) & 0x3F
    cells |= (codes >> 4) & 0xFC0
    cells |= (codes >> 6) & 0x3F000
    return cells


def _look_up(table: NDArray[np.uint8], codes: NDArray[Any]) -> NDArray[np.uint8]:
    """The table's entry for every pixel, in pieces that stay in the processor's cache."""
    labels = np.empty(codes.size, dtype=np.uint8)
    for start in range(0, codes.size, _PIECE):
        piece = slice(start, start + _PIECE)
        table.take(_cells(codes[piece]), out=labels[piece], mode="clip")
    return labels


def _as_image(values: NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    return Image.frombuffer("L", size, values, "raw", "L", 0, 1)


def _unpack(codes: NDArray[Any]) -> NDArray[np.uint8]:
    return np.stack([codes & 255, (codes >> 8) & 255, (codes >> 16) & 255], axis=-1).astype(np.uint8)


def _hide_transparent(image: Image.Image, labels: NDArray[np.uint8]) -> None:
    if not image.has_transparency_data:
        return
    alpha = np.asarray(image.convert("RGBA").getchannel("A")).reshape(-1)
    labels[alpha < 128] = _UNSEEN


def _judge(
    codes: NDArray[Any],
    labels: NDArray[np.uint8],
    unsure: NDArray[np.intp],
    palette: tuple[Tone, ...],
    *,
    exact: bool,
) -> Floats:
    """Counts by label of the unsure pixels; with ``exact`` their labels are put right too."""
    wanted = max(SAMPLE, round((unsure.size / codes.size / 2 / _ERROR) ** 2))
    if exact or unsure.size <= wanted:
        labels[unsure] = _each(codes[unsure] & 0xFFFFFF, palette)
        return np.bincount(labels[unsure], minlength=_UNSURE).astype(np.float64)
    # Random, not every n-th: a stride beats with any pattern of the picture. Seeded, so equal pictures agree.
    taken = unsure[np.random.default_rng(2000).integers(0, unsure.size, wanted)]
    found = np.bincount(_verdicts(codes[taken], palette), minlength=_UNSURE)
    return found * (unsure.size / wanted)


def _each(codes: NDArray[Any], palette: tuple[Tone, ...]) -> NDArray[np.uint8]:
    """The label of every pixel by itself; each colour is judged once."""
    if codes.size < 1 << 17:
        colours, back = np.unique(codes, return_inverse=True)
        return _verdicts(colours, palette)[back]
    # Sorting a megapixel costs more than looking it up in a map of all 24-bit colours.
    seen = np.zeros(1 << 24, dtype=np.bool_)
    seen[codes] = True
    colours = np.flatnonzero(seen)
    by_colour = seen.view(np.uint8)
    by_colour[colours] = _verdicts(colours, palette)
    labels: NDArray[np.uint8] = by_colour[codes]
    return labels


def _tone(tone: str) -> Floats:
    return lab(parse_hex(tone)).astype(np.float32)


def _verdicts(codes: NDArray[Any], palette: tuple[Tone, ...]) -> NDArray[np.uint8]:
    """The label of each colour by itself, in pieces that stay in the processor's cache."""
    pieces = [_piece(codes[start : start + _PIECE], palette) for start in range(0, codes.size, _PIECE)]
    return np.concatenate(pieces)


def _piece(codes: NDArray[Any], palette: tuple[Tone, ...]) -> NDArray[np.uint8]:
    """In float32: right to 1e-3, and four times as fast."""
    colours = lab(_unpack(codes)).astype(np.float32)
    rivals = _cube(palette)[1].take(_cells(codes))
    labels = np.empty(codes.size, dtype=np.uint8)
    for rival in np.unique(rivals):
        chosen = rivals == rival
        tones = palette if rival == _SEVERAL else palette[rival : rival + 1]
        distances = np.stack([ciede2000(colours[chosen], _tone(tone)) for tone, _ in tones])
        found = _labels(distances, np.array([tolerance for _, tolerance in tones]))
        labels[chosen] = found if rival == _SEVERAL else np.where(found == 0, rival, found)
    return labels


def _labels(distances: Floats, tolerances: Floats) -> NDArray[np.uint8]:
    """From distances ``(tones, ...)``: the nearest tone that holds the colour, else near or far off."""
    limits = tolerances.reshape(-1, *[1] * (distances.ndim - 1))
    held = np.where(distances <= limits, distances, np.inf)
    nearest = held.argmin(axis=0)
    off = np.where((distances <= limits + FAR).any(axis=0), _NEAR_OFF, _FAR_OFF)
    return np.where(np.isinf(held.min(axis=0)), off, nearest).astype(np.uint8)


@lru_cache(maxsize=1)
def _lattice() -> tuple[Floats, Floats]:
    """CIELAB at the corners of all cells ``(65, 65, 65, 3)``, and how far a cell reaches from a corner."""
    levels = np.minimum(np.arange(65) * 4, 255)
    blue, green, red = np.meshgrid(levels, levels, levels, indexing="ij")
    corners = lab(np.stack([red, green, blue], axis=-1).astype(np.uint8)).astype(np.float32)
    low, high = slice(None, -1), slice(1, None)
    diagonals = [
        corners[high, high, high] - corners[low, low, low],
        corners[low, high, high] - corners[high, low, low],
        corners[high, low, high] - corners[low, high, low],
        corners[high, high, low] - corners[low, low, high],
    ]
    widest = np.max([np.einsum("...i,...i", d, d) for d in diagonals], axis=0)
    return corners, np.sqrt(widest) / 2


def _over_corners(values: Floats, pick: Any) -> Floats:
    """``pick`` (a binary ufunc) over the eight corners of every cell."""
    for axis in range(3):
        first = [slice(None)] * 3
        second = [slice(None)] * 3
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        values = pick(values[tuple(first)], values[tuple(second)])
    return values


@lru_cache(maxsize=16)
def _cube(palette: tuple[Tone, ...]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Two tables by cell: the label of its middle, with the unsure bit where the cell may hold another label; and
    the only tone that may hold colours of it (:data:`_SEVERAL` where not just one may)."""
    corners, reach = _lattice()
    middle: list[Floats] = []
    rivals = np.zeros(reach.shape, dtype=np.uint8)
    rival = np.zeros(reach.shape, dtype=np.uint8)
    held = np.zeros(reach.shape, dtype=np.bool_)
    for i, (tone, tolerance) in enumerate(palette):
        distances = ciede2000(corners, _tone(tone))
        middle.append(_over_corners(distances, np.add) / 8)
        may_hold = _over_corners(distances, np.minimum) - reach <= tolerance
        rivals += may_hold
        rival[may_hold] = i
        held |= _over_corners(distances, np.maximum) + reach <= tolerance
    labels = _labels(np.stack(middle), np.array([tolerance for _, tolerance in palette]))
    sure = np.where(rivals == 1, held, rivals == 0)
    return (
        _frozen(np.where(sure, labels, labels | _UNSURE)),
        _frozen(np.where(rivals == 1, rival, _SEVERAL)),
    )


def _frozen(table: NDArray[Any]) -> NDArray[np.uint8]:
    flat = table.astype(np.uint8).reshape(-1)
    flat.setflags(write=False)
    return flat


def _shares(counts: Floats, labels: NDArray[np.uint8], size: tuple[int, int], tones: int) -> Shares:
    seen = counts[:_UNSEEN].sum()
    share = counts / seen if seen else np.zeros_like(counts)
    worst, worst_off = _worst_tile((labels == _NEAR_OFF) | (labels == _FAR_OFF), size)
    return Shares(
        on=tuple(round(float(value), 6) for value in share[:tones]),
        off=round(float(share[_NEAR_OFF] + share[_FAR_OFF]), 6),
        far=round(float(share[_FAR_OFF]), 6),
        worst=worst,
        worst_off=worst_off,
    )


def _worst_tile(off: NDArray[np.bool_], size: tuple[int, int]) -> tuple[Box, float]:
    width, height = size
    columns, rows = min(GRID, width), min(GRID, height)
    mask = _as_image(off.view(np.uint8) * np.uint8(255), size)
    tiles = np.asarray(mask.resize((columns, rows), Image.Resampling.BOX))
    row, column = divmod(int(np.argmax(tiles)), columns)
    left, top = width * column // columns, height * row // rows
    right, bottom = width * (column + 1) // columns, height * (row + 1) // rows
    return Box(left, top, right - left, bottom - top), round(float(tiles[row, column]) / 255, 4)


PHOTOGRAPHIC = 150.0  # measured: flat art and plain gradients 1 to 110, photographs 200 to 6,000


def spread(image: Image.Image) -> float:
    """How many colours a picture really uses beside its grounds: the perplexity of its 6-bit histogram without the
    four commonest cells; 0 where those four are 95 % of it. Compare to :data:`PHOTOGRAPHIC`.

    Read from a copy of at most 256 pixels a side, by nearest neighbour, so that no colours are mixed.
    """
    side = (min(256, image.width), min(256, image.height))
    small = image.convert("RGB").resize(side, Image.Resampling.NEAREST)
    counts = np.sort(np.bincount(_cells(_codes(small))))[:-4]
    counts = counts[counts > 0]
    if counts.sum() < 0.05 * side[0] * side[1]:
        return 0.0
    chances = counts / counts.sum()
    return float(np.exp(-(chances * np.log(chances)).sum()))
