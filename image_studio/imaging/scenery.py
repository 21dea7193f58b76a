"""The parts of a painted stand-in: colours, grounds and lit bodies, drawn as fields on a :class:`Stage`.

Lengths are in shorter edges of the picture, the origin is its middle, y grows downwards (see
:func:`image_studio.imaging.fields.grid`). Shapes are signed distances, so their edges are smooth at any size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from image_studio.imaging.colour import linear, parse_hex
from image_studio.imaging.fields import Field, smoothstep

Colour = NDArray[np.floating[Any]]

# OKLab (Ottosson 2020) to linear sRGB.
_LMS = np.array([[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]])
_RGB = np.array(
    [[4.0767416621, -3.3077115913, 0.2309699292], [-1.2684380046, 2.6097574011, -0.3413193965],
     [-0.0041960863, -0.7034186147, 1.7076147010]])  # fmt: skip


def to_lab(text: str) -> Colour:
    """``#rrggbb`` in OKLab."""
    lms = np.cbrt(np.linalg.inv(_RGB) @ linear(parse_hex(text)))
    return np.asarray(np.linalg.inv(_LMS) @ lms, np.float32)


def to_rgb(lab: Colour) -> Colour:
    """OKLab as sRGB 0..1, clipped to the gamut."""
    light = np.clip(_RGB @ (_LMS @ lab.astype(np.float64)) ** 3, 0, 1)
    return np.asarray(np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055), np.float32)


def toned(lab: Colour, lightness: float, pull: float = 1.0, chroma: float = 1.0) -> Colour:
    """The same hue, ``pull`` of the way to another lightness (0..1), with its chroma scaled."""
    moved = lab[0] + (lightness - lab[0]) * pull
    return np.array([moved, lab[1] * chroma, lab[2] * chroma], np.float32)


@dataclass(frozen=True)
class Scheme:
    """The colours of one picture, sRGB 0..1: two grounds, their light and shade, the body and an accent."""

    ground: Colour
    second: Colour
    light: Colour
    shade: Colour
    body: Colour
    accent: Colour


@dataclass(kw_only=True)
class Stage:
    """A picture in work.

    :param rgb: sRGB 0..1, shape (height, width, 3); on a transparent stage multiplied by ``cover``.
    :param cover: alpha 0..1, how much of the picture is there at all.
    :param x: coordinates as one row, and ``y`` as one column.
    :param light: -1 where the light comes from the left, 1 from the right.
    :param half: half the picture's width and height.
    :param pixel: the width of one pixel.
    """

    rgb: Field
    cover: Field
    x: Field
    y: Field
    scheme: Scheme
    rng: np.random.Generator
    light: float
    half: tuple[float, float]
    pixel: float

    def near(self, left: float, top: float, right: float, bottom: float) -> Stage:
        """The part around a shape, on the same pixels: small bodies need not be computed everywhere."""
        columns = slice(*np.searchsorted(self.x[0], (left - self.pixel, right + self.pixel)))
        rows = slice(*np.searchsorted(self.y[:, 0], (top - self.pixel, bottom + self.pixel)))
        rgb, cover = self.rgb[rows, columns], self.cover[rows, columns]
        return replace(self, rgb=rgb, cover=cover, x=self.x[:, columns], y=self.y[rows])

    def inside(self, distance: Field) -> Field:
        """The mask of a signed distance, one pixel soft."""
        return smoothstep(distance, self.pixel, -self.pixel)

    def lay(self, colour: Field | Colour, mask: Field) -> None:
        """Paint a colour (or a field of colours) through a mask."""
        self.rgb += mask[..., None] * (colour - self.rgb)
        self.cover += mask * (1 - self.cover)

    def dim(self, mask: Field) -> None:
        """A shadow: towards the scheme's shade, never to black."""
        self.lay(self.scheme.shade, mask)


def ramp(stage: Stage, field: Field, low: Colour, high: Colour) -> None:
    """Fill the stage between two colours by a field 0..1."""
    whole = np.broadcast_to(field, stage.rgb.shape[:2])
    stage.rgb[:] = low + whole[..., None] * (high - low)


def pool(stage: Stage, strength: float = 0.5, lift: float = 0.35) -> None:
    """Light from one side, falling off over the ground."""
    far = np.hypot(stage.x - 0.45 * stage.light * stage.half[0], stage.y + lift * stage.half[1])
    stage.rgb += (strength * np.exp(-((far / 0.75) ** 2)))[..., None] * (stage.scheme.light - stage.rgb)


def horizon(stage: Stage) -> float:
    """Where the floor begins."""
    return 0.34 * stage.half[1]


def sweep(stage: Stage) -> None:
    """A studio sweep: a wall that turns softly into a lit floor."""
    scheme, line = stage.scheme, horizon(stage)
    ramp(stage, smoothstep(stage.y, -stage.half[1], line), scheme.shade * 0.25 + scheme.ground * 0.75, scheme.ground)
    pool(stage, 0.6)
    floor = smoothstep(stage.y, line - 0.015, line + 0.05)
    depth = smoothstep(stage.y, line, stage.half[1])[..., None]
    lit = scheme.light * (1 - 0.45 * depth) + scheme.ground * 0.45 * depth
    stage.lay(lit + np.zeros_like(stage.rgb), np.broadcast_to(floor * 0.75, stage.rgb.shape[:2]))


def mesh(stage: Stage) -> None:
    """A mesh gradient: large soft clouds of the palette in each other."""
    scheme, rng = stage.scheme, stage.rng
    ramp(stage, smoothstep(stage.y, -stage.half[1], stage.half[1]), scheme.ground, scheme.second)
    for colour in (scheme.light, scheme.body, scheme.second, scheme.accent, scheme.ground, scheme.light):
        x, y = (rng.uniform(-1, 1, 2) * stage.half).astype(np.float32)
        radius = np.float32(rng.uniform(0.4, 0.8) * (0.55 if colour is scheme.accent else 1))
        far = ((stage.x - x) ** 2 + (stage.y - y) ** 2) / (radius * radius)
        stage.lay(colour, np.exp(-far) * np.float32(0.85))


def planes(stage: Stage) -> None:
    """Sheets of paper at a slant, each throwing a soft shadow on the one below."""
    scheme = stage.scheme
    ramp(stage, smoothstep(stage.y, -stage.half[1], stage.half[1]), scheme.light, scheme.ground)
    angle = stage.rng.uniform(0.35, 0.75) * stage.light
    reach = abs(np.sin(angle)) * stage.half[0] + np.cos(angle) * stage.half[1]
    for step, colour in ((0.05, scheme.ground), (0.38, scheme.second), (0.7, scheme.body)):
        across = stage.x * np.float32(np.sin(angle)) + stage.y * np.float32(np.cos(angle))
        _sheet(stage, np.float32(step * reach) - across, colour)


def arcs(stage: Stage) -> None:
    """Circles in circles, cut from paper."""
    scheme = stage.scheme
    ramp(stage, smoothstep(stage.y, -stage.half[1], stage.half[1]), scheme.light, scheme.ground)
    centre = -stage.light * stage.half[0] * 0.55, stage.half[1] * 0.75
    far = np.hypot(stage.x - np.float32(centre[0]), stage.y - np.float32(centre[1]))
    tones = scheme.ground, scheme.second, scheme.light, scheme.body
    for radius, colour in zip((1.3, 1.0, 0.74, 0.5), tones, strict=True):
        _sheet(stage, far - np.float32(radius * (0.9 + 0.2 * stage.rng.random())), colour)


def window(stage: Stage) -> None:
    """Daylight through a window on a plain wall."""
    scheme = stage.scheme
    dim = scheme.ground * 0.72 + scheme.shade * 0.28
    ramp(stage, smoothstep(stage.y, -stage.half[1], stage.half[1]), scheme.ground, dim)
    slant = stage.x * stage.light * np.float32(0.9) + stage.y * np.float32(0.55) + np.float32(0.05)
    rise = stage.y - stage.x * stage.light * np.float32(0.35) + np.float32(0.12)
    soft = 0.035
    panes = _bars(slant, (-0.5, -0.03, 0.03, 0.5), soft) * _bars(rise, (-0.62, -0.12, -0.06, 0.5), soft)
    stage.lay(scheme.light, panes * np.float32(0.85))


def waves(stage: Stage) -> None:
    """Hills of paper, one behind the other, the nearest the deepest in colour."""
    scheme, rng = stage.scheme, stage.rng
    ramp(stage, smoothstep(stage.y, -stage.half[1], stage.half[1]), scheme.ground, scheme.light)
    middle = (scheme.second + scheme.light) / 2
    for level, colour in ((-0.05, middle), (0.28, scheme.second), (0.58, scheme.body)):
        phase, slow = rng.uniform(0, 6.28), rng.uniform(1.5, 2.6)
        line = level * stage.half[1] + 0.09 * np.sin(stage.x * slow + phase) + 0.03 * np.sin(stage.x * 2.3 * slow)
        _sheet(stage, line.astype(np.float32) - stage.y, colour)


def sun(stage: Stage) -> None:
    """A great disc over a horizon."""
    scheme, line = stage.scheme, horizon(stage)
    ramp(stage, smoothstep(stage.y, -stage.half[1], line), scheme.ground, scheme.light)
    far = np.hypot(stage.x + np.float32(0.12 * stage.light), stage.y - np.float32(line - 0.3))
    height = smoothstep(stage.y, line - 0.75, line)[..., None]
    disc = scheme.accent * (1 - 0.55 * height) + scheme.light * 0.55 * height
    stage.lay(disc + np.zeros_like(stage.rgb), stage.inside(far - np.float32(0.42)))
    depth = smoothstep(stage.y, line, stage.half[1])[..., None]
    floor = scheme.second * (1 - 0.3 * depth) + scheme.shade * 0.3 * depth
    mask = np.broadcast_to(stage.inside(np.float32(line) - stage.y), stage.rgb.shape[:2])
    stage.lay(floor + np.zeros_like(stage.rgb), mask)


#: The grounds in the order of the takes.
GROUNDS: tuple[Callable[[Stage], None], ...] = (sweep, mesh, planes, window, arcs, waves, sun)


def _sheet(stage: Stage, distance: Field, colour: Colour) -> None:
    """A flat shape (negative distance inside) that is lit along its edge and shades what lies under it."""
    stage.dim(np.float32(0.34) * np.exp(-np.maximum(distance, 0) / np.float32(0.05)))
    lit = np.float32(0.22) * np.exp(np.minimum(distance, 0) / np.float32(0.35))[..., None]
    stage.lay(colour + lit * (stage.scheme.light - colour), stage.inside(distance))


def _bars(place: Field, edges: tuple[float, float, float, float], soft: float) -> Field:
    """Two soft bars: 1 between the first two edges and between the last two."""
    low, middle, after, high = edges
    first = smoothstep(place, low - soft, low + soft) * smoothstep(place, middle + soft, middle - soft)
    return first + smoothstep(place, after - soft, after + soft) * smoothstep(place, high + soft, high - soft)


def ball(stage: Stage, at: tuple[float, float], radius: float, colour: Colour) -> None:
    capsule(stage, at, at[1], radius, colour)


def capsule(stage: Stage, top: tuple[float, float], bottom: float, radius: float, colour: Colour) -> None:
    """An upright rounded body, lit from the stage's side; ``top`` and ``bottom`` are the ends of its axis."""
    stage = stage.near(top[0] - radius, top[1] - radius, top[0] + radius, bottom + radius)
    dx = stage.x - np.float32(top[0])
    dy = stage.y - np.clip(stage.y, np.float32(top[1]), np.float32(bottom))
    far = np.hypot(dx, dy)
    nx, ny = dx / np.float32(radius), dy / np.float32(radius)
    nz = np.sqrt(np.clip(1 - nx * nx - ny * ny, 0, 1))
    _body(stage, (nx, ny, nz), stage.inside(far - np.float32(radius)), colour)


def cylinder(stage: Stage, at: tuple[float, float], bottom: float, radius: float, colour: Colour) -> None:
    """A round plinth seen from slightly above: ``at`` is the middle of its top."""
    stage = stage.near(at[0] - radius, at[1] - 0.3 * radius, at[0] + radius, bottom + 0.3 * radius)
    dx, flat = stage.x - np.float32(at[0]), np.float32(radius * 0.22)
    rim = np.sqrt(np.clip(1 - (dx / np.float32(radius)) ** 2, 0, 1)) * flat
    side = np.maximum(np.abs(dx) - np.float32(radius), np.maximum(at[1] - stage.y, stage.y - (bottom + rim)))
    nx = dx / np.float32(radius) + np.zeros_like(side)
    _body(stage, (nx, np.zeros_like(side), np.sqrt(np.clip(1 - nx * nx, 0, 1))), stage.inside(side), colour)
    top = (np.hypot(dx / np.float32(radius), (stage.y - np.float32(at[1])) / flat) - 1) * flat
    glow = np.clip(0.5 + 0.5 * stage.light * dx / np.float32(radius), 0, 1)[..., None]
    bright = colour + np.float32(0.45) * (stage.scheme.light - colour)
    stage.lay(
        bright + glow * np.float32(0.35) * (stage.scheme.light - bright) + np.zeros_like(stage.rgb), stage.inside(top)
    )


def arch(stage: Stage, at: tuple[float, float], radius: float, bottom: float, colour: Colour) -> None:
    """A doorway behind the subject, standing on the floor."""
    stage = stage.near(at[0] - radius - 0.25, at[1] - radius - 0.25, at[0] + radius + 0.25, bottom + 0.25)
    dy = np.minimum(stage.y - np.float32(at[1]), 0)
    round_ = np.hypot(stage.x - np.float32(at[0]), dy) - np.float32(radius)
    shape = np.maximum(round_, stage.y - np.float32(bottom))
    _sheet(stage, shape, colour)
    inner = np.maximum(round_ + np.float32(0.28 * radius), stage.y - np.float32(bottom))
    hollow = (colour + stage.scheme.shade) / 2
    stage.lay(hollow, stage.inside(inner))


def shadow(stage: Stage, at: tuple[float, float], width: float, strength: float = 0.6) -> None:
    """Contact and cast shadow on the floor, away from the light."""
    stage = stage.near(at[0] - 6 * width, at[1] - 0.75 * width, at[0] + 6 * width, at[1] + 0.75 * width)
    x, y = np.float32(at[0]), np.float32(at[1])
    close = ((stage.x - x) / np.float32(width * 1.05)) ** 2 + ((stage.y - y) / np.float32(width * 0.2)) ** 2
    cast = x - np.float32(stage.light * width * 1.1)
    wide = ((stage.x - cast) / np.float32(width * 2.2)) ** 2 + ((stage.y - y) / np.float32(width * 0.3)) ** 2
    stage.dim(np.float32(strength) * np.exp(-close))
    stage.dim(np.float32(strength * 0.5) * np.exp(-wide))


def _body(stage: Stage, normal: tuple[Field, Field, Field], mask: Field, colour: Colour) -> None:
    """Key light from one side and above, reflected light from the floor, a soft highlight."""
    nx, ny, nz = normal
    key = nx * np.float32(0.62 * stage.light) - ny * np.float32(0.48) + nz * np.float32(0.62)
    lit = np.clip(key * np.float32(0.75) + np.float32(0.25), 0, 1)
    bounce = np.clip(ny, 0, 1) * np.float32(0.25)
    gloss = np.clip(key, 0, 1) ** 14 * np.float32(0.4)
    dark = colour * np.float32(0.45) + stage.scheme.shade * np.float32(0.2)
    shaded = dark + lit[..., None] * (colour * np.float32(1.12) - dark)
    shaded += bounce[..., None] * (stage.scheme.second - shaded)
    shaded += gloss[..., None] * (np.float32(1) - shaded)
    stage.lay(np.clip(shaded, 0, 1), mask)
