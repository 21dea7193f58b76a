"""Where the eye goes in a picture, and the window of a given ratio that keeps it.

Maps are small (longest edge :data:`MAP_EDGE`), so a search costs a few milliseconds whatever the picture's size.

Sources: spectral residual after Hou and Zhang, "Saliency Detection: A Spectral Residual Approach" (CVPR 2007);
distance from the mean colour after Achanta et al., "Frequency-tuned Salient Region Detection" (CVPR 2009);
distance from the colours of the border after Wei et al., "Geodesic Saliency Using Background Priors" (ECCV
2012); the colour space is Ottosson's OKLab (2020); entropy after Shannon (1948), over local histograms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_studio.imaging.colour import linear
from image_studio.imaging.geometry import Box

Map = NDArray[np.float32]
Cells = NDArray[np.float64]

#: Longest edge of a map in cells: enough to tell a subject from its ground, small enough to search whole.
MAP_EDGE = 96
#: Windows tried along each free direction.
STEPS = 41
LEVELS = 16

_LMS = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]], np.float32)  # fmt: skip
_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]], np.float32)  # fmt: skip


def oklab(rgb: Map) -> Map:
    """sRGB 0..255, shape (..., 3), to OKLab: lightness 0..1, then two opponent axes of about -0.4..0.4."""
    return _product(np.cbrt(_product(linear(rgb), _LMS)), _LAB).astype(np.float32)


def saliency(image: Image.Image) -> Map:
    """How much each place of the picture draws the eye.

    :returns: shape (height, width), longest edge at most :data:`MAP_EDGE`, not negative, sum 1. A picture
        without any contrast yields the centre prior alone; what is transparent draws no eye.
    """
    lab, alpha = _thumbnail(image)
    seen = 0.45 * _border_distance(lab) + 0.3 * _spectral_residual(lab[..., 0]) + 0.25 * _mean_distance(lab)
    return _finish(_blur(_unit(seen), max(seen.shape) * 0.015), alpha)


def entropy(image: Image.Image) -> Map:
    """How much detail stands around each place: Shannon entropy of the lightness in a neighbourhood.

    :returns: as :func:`saliency`. It follows texture and ignores colour, so it picks another crop.
    """
    lab, alpha = _thumbnail(image)
    level = np.clip(lab[..., 0] * LEVELS, 0, LEVELS - 1).astype(np.int8)
    sigma = max(level.shape) * 0.03
    total = np.zeros(level.shape, np.float32)
    for value in np.unique(level):
        share = _blur((level == value).astype(np.float32), sigma)
        total -= share * np.log2(np.maximum(share, 1e-6))
    return _finish(_unit(total), alpha)


def core(weights: Map) -> Map:
    """What stands out of a map: the part above its mean, again of sum 1. Even maps stay as they are."""
    above = np.maximum(weights - weights.mean(), 0)
    total = float(above.sum())
    return (above / total).astype(np.float32) if total > 1e-6 else weights


def subject(weights: Map) -> tuple[float, float, float, float]:
    """The box around what clearly stands out: left, top, right, bottom as fractions.

    Places that reach 0.3 of the brightest count, less the outermost 1 % on each side: a thin neck is part of
    the bottle, a speck is not.
    """
    clear = np.where(weights > 0.3 * np.percentile(weights, 99), weights, 0)
    left, right = _extent(clear.sum(axis=0))
    top, bottom = _extent(clear.sum(axis=1))
    return left, top, right, bottom


def kept(weights: Map, size: tuple[int, int], box: Box) -> float:
    """The share (0..1) of what stands out that lies inside ``box``, in pixels of a picture of ``size``."""
    sums = _Sums.of(core(weights))
    rows, columns = weights.shape
    x, y = np.array([box.left, box.right]) * columns / size[0], np.array([box.top, box.bottom]) * rows / size[1]
    return float(sums.mass(x[:1], y[:1], x[1:], y[1:])[0])


def crop_box(
    size: tuple[int, int],
    ratio: float,
    *,
    weights: Map | None = None,
    focal: tuple[float, float] | None = None,
    zoom: float = 1.0,
    third: tuple[float, float] = (0.5, 0.5),
) -> Box:
    """The best window of ``ratio`` (width / height) inside a picture of ``size``.

    It keeps most of what stands out, avoids cutting through it, and sets its weight near ``third``.

    :param weights: a map of :func:`saliency` or :func:`entropy`; without one the middle is taken.
    :param focal: a point as fractions of the picture; it is always inside, and set near ``third``.
    :param zoom: 1 is the largest window; 2 is half as wide and high.
    :param third: where in the window the subject should stand, as fractions.
    """
    width, height = _window(size, ratio, zoom)
    lefts = _offsets(size[0] - width, focal and focal[0] * size[0], width)
    tops = _offsets(size[1] - height, focal and focal[1] * size[1], height)
    x, y = (axis.ravel() for axis in np.meshgrid(lefts, tops))
    score = _score((x / size[0], y / size[1]), (width / size[0], height / size[1]), weights, focal=focal, third=third)
    best = int(np.argmax(score.round(6)))
    return Box(int(x[best]), int(y[best]), width, height)


def _window(size: tuple[int, int], ratio: float, zoom: float) -> tuple[int, int]:
    width = min(float(size[0]), size[1] * ratio) / zoom
    return max(1, min(size[0], round(width))), max(1, min(size[1], round(width / ratio)))


def _offsets(free: int, point: float | None, span: int) -> NDArray[np.int64]:
    """Where a window of ``span`` may begin: ``free`` pixels of play, the point inside with some air."""
    low, high = 0, free
    if point is not None:
        air = 0.08 * span
        low = min(free, max(0, int(np.ceil(point + air - span))))
        high = max(low, min(free, int(np.floor(point - air))))
    return np.unique(np.linspace(low, high, STEPS).round().astype(np.int64))


def _score(
    corners: tuple[Cells, Cells],
    span: tuple[float, float],
    weights: Map | None,
    *,
    focal: tuple[float, float] | None,
    third: tuple[float, float],
) -> Cells:
    """All in fractions. Mass kept, less what the edge cuts through, less the distance from the wanted place."""
    x, y = corners
    if weights is None:
        at = focal or (0.5, 0.5)
        return -np.hypot((at[0] - x) / span[0] - third[0], (at[1] - y) / span[1] - third[1])
    sums = _Sums.of(core(weights))
    rows, columns = weights.shape
    edges = x * columns, y * rows, (x + span[0]) * columns, (y + span[1]) * rows
    inside = sums.mass(*edges)
    air = 0.04 * max(rows, columns)
    cut = sums.mass(edges[0] - air, edges[1] - air, edges[2] + air, edges[3] + air) - inside
    cx, cy = sums.centre(*edges, inside) if focal is None else (focal[0] * columns, focal[1] * rows)
    far = np.hypot((cx / columns - x) / span[0] - third[0], (cy / rows - y) / span[1] - third[1])
    return np.asarray(inside - 0.5 * cut - (0.2 if focal is None else 1.0) * far)


@dataclass(frozen=True)
class _Sums:
    """Integral images of a map and of its first moments, read between cells by interpolation."""

    plain: Cells
    across: Cells
    down: Cells

    @classmethod
    def of(cls, weights: Map) -> _Sums:
        rows, columns = weights.shape
        return cls(
            _integral(weights),
            _integral(weights * (np.arange(columns, dtype=np.float32) + 0.5)),
            _integral(weights * (np.arange(rows, dtype=np.float32)[:, None] + 0.5)),
        )

    def mass(self, *edges: Cells) -> Cells:
        return _area(self.plain, *edges)

    def centre(self, *edges: Cells) -> tuple[Cells, Cells]:
        """The centre of mass of each window in cells; ``edges`` end with the windows' masses."""
        *corners, mass = edges
        some = np.maximum(mass, 1e-9)
        middle = (corners[0] + corners[2]) / 2, (corners[1] + corners[3]) / 2
        empty = mass < 1e-6
        x, y = _area(self.across, *corners) / some, _area(self.down, *corners) / some
        return np.where(empty, middle[0], x), np.where(empty, middle[1], y)


def _integral(weights: Map) -> Cells:
    return np.pad(weights.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))


def _area(table: Cells, *edges: Cells) -> Cells:
    left, top, right, bottom = edges
    lower = _between(table, right, bottom) - _between(table, left, bottom)
    return lower - _between(table, right, top) + _between(table, left, top)


def _between(table: Cells, x: Cells, y: Cells) -> Cells:
    rows, columns = table.shape[0] - 1, table.shape[1] - 1
    x, y = np.clip(x, 0, columns), np.clip(y, 0, rows)
    left, top = np.minimum(x.astype(int), columns - 1), np.minimum(y.astype(int), rows - 1)
    fx, fy = x - left, y - top
    upper = table[top, left] * (1 - fx) + table[top, left + 1] * fx
    lower = table[top + 1, left] * (1 - fx) + table[top + 1, left + 1] * fx
    return np.asarray(upper * (1 - fy) + lower * fy)


def _extent(line: Map) -> tuple[float, float]:
    total = line.cumsum(0) / max(float(line.sum()), 1e-9)
    low = int(np.searchsorted(total, 0.01))
    high = int(np.searchsorted(total, 0.99)) + 1
    return min(low, len(line) - 1) / len(line), min(high, len(line)) / len(line)


def _thumbnail(image: Image.Image) -> tuple[Map, Map | None]:
    """OKLab and, where the picture has one, its alpha, both with :data:`MAP_EDGE` as longest edge."""
    scale = MAP_EDGE / max(image.size)
    size = max(8, round(image.width * scale)), max(8, round(image.height * scale))
    alpha = "A" in image.getbands() or "transparency" in image.info
    small = image.convert("RGBA" if alpha else "RGB").resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    pixels = np.asarray(small, np.float32)
    if not alpha:
        return oklab(pixels), None
    cover = pixels[..., 3:] / np.float32(255)
    return oklab(pixels[..., :3] * cover + 127.5 * (1 - cover)), cover[..., 0]


def _border_distance(lab: Map) -> Map:
    """How unlike the colours of the four edges: the mean of the two nearest, since a subject may touch others."""
    strip = max(1, round(min(lab.shape[:2]) * 0.06))
    sides = lab[:strip], lab[-strip:], lab[:, :strip], lab[:, -strip:]
    distances = np.sort(np.stack([_mahalanobis(lab, side.reshape(-1, 3)) for side in sides]), axis=0)
    return _unit(distances[:2].mean(axis=0))


def _mahalanobis(lab: Map, sample: Map) -> Map:
    spread = np.cov(sample.T.astype(np.float64)) + np.eye(3) * 4e-4
    whitened = _product(lab - sample.mean(axis=0), np.linalg.cholesky(np.linalg.inv(spread)).T)
    distance = np.sqrt((whitened * whitened).sum(axis=-1))
    # Saturating: a gold cap on beige is no ground either, though a black bottle is further away from it.
    return np.asarray(distance / (distance + 5), np.float32)


def _mean_distance(lab: Map) -> Map:
    off = lab - lab.mean(axis=(0, 1))
    return _unit(np.sqrt((off * off).sum(axis=2)))


def _spectral_residual(lightness: Map) -> Map:
    spectrum = np.fft.fft2(lightness - lightness.mean())
    amplitude = np.log(np.abs(spectrum) + 1e-4)
    around = sum(np.roll(amplitude, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)) / 9
    back = np.fft.ifft2(np.exp(amplitude - around + 1j * np.angle(spectrum)))
    if float(lightness.std()) < 2e-3:
        return np.zeros_like(lightness)
    return _unit(_blur((np.abs(back) ** 2).astype(np.float32), max(lightness.shape) * 0.035))


def _blur(values: Map, sigma: float) -> Map:
    """A Gaussian blur, as three running means; borders continue in their own value.

    No matrix product: linear algebra libraries start threads of their own, which cost three times the work in a
    worker whose cores are busy (measured).
    """
    radius = max(1, round((np.sqrt(1 + 4 * sigma * sigma) - 1) / 2))
    wide = values.astype(np.float64)
    for axis in (0, 1, 0, 1, 0, 1):
        wide = _running_mean(wide, radius, axis)
    return wide.astype(np.float32)


def _running_mean(values: Cells, radius: int, axis: int) -> Cells:
    pad = [(0, 0), (0, 0)]
    pad[axis] = (radius + 1, radius)
    total = np.pad(values, pad, mode="edge").cumsum(axis)
    width, length = 2 * radius + 1, values.shape[axis]
    after = total[width:] if axis == 0 else total[:, width:]
    before = total[:length] if axis == 0 else total[:, :length]
    return np.asarray((after - before) / width)


def _product(colours: Map | Cells, matrix: Map | Cells) -> Cells:
    """Each colour times a matrix, without a linear algebra library (see :func:`_blur`)."""
    one, two, three = (colours[..., i, None] * matrix[:, i] for i in range(3))
    return np.asarray(one + two + three)


def _unit(values: Map) -> Map:
    """Stretched so that the darkest 2 % are 0 and the brightest 2 % are 1; without contrast all 0."""
    low, high = np.percentile(values, (2, 98))
    if high - low < 1e-5:
        return np.zeros_like(values, dtype=np.float32)
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), np.float32)


def _finish(seen: Map, alpha: Map | None) -> Map:
    """Centre prior, transparency, sum 1."""
    rows, columns = seen.shape
    y, x = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, columns)[None, :]
    prior = (0.4 + 0.6 * np.exp(-(x * x + y * y) / (2 * 0.6**2))).astype(np.float32)
    weights = (seen + 1e-3) * prior
    if alpha is not None:
        weights = (weights + 0.2 * prior) * alpha + 1e-6
    return np.asarray(weights / weights.sum(), np.float32)
