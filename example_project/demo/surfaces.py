"""What the demo picture's things are made of: colours, patterns and gloss; and how light becomes a photograph."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from demo import emblem

Values = NDArray[np.float32]
Vectors = NDArray[np.float32]
TABLE, WALL_ID = 1, 2


@dataclass
class Look:
    """A surface at each point: diffuse colour, own light, gloss 0 to 1, mirror strength head-on, highlight."""

    colour: Vectors
    glow: Vectors
    gloss: Values
    base: Values
    hardness: Values
    tint: Vectors


def linear(red: int, green: int, blue: int) -> Vectors:
    """An sRGB colour as linear light."""
    return (np.array([red, green, blue], np.float32) / 255) ** np.float32(2.2)


@cache
def _lattice() -> NDArray[np.float32]:
    return np.random.default_rng(20).random((256, 256), np.float32)


def noise(x: Values, y: Values) -> Values:
    """Smooth value noise, 0 to 1, one cell a unit."""
    xi, yi = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    fx, fy = x - xi, y - yi
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    grid = _lattice()
    a, b = grid[yi & 255, xi & 255], grid[yi & 255, (xi + 1) & 255]
    c, d = grid[(yi + 1) & 255, xi & 255], grid[(yi + 1) & 255, (xi + 1) & 255]
    return (a + (b - a) * fx) * (1 - fy) + (c + (d - c) * fx) * fy


def clouds(x: Values, y: Values, octaves: int = 4) -> Values:
    """Noise of several sizes, 0 to 1."""
    total, weight, scale = np.zeros_like(x), 0.0, 1.0
    for i in range(octaves):
        total = total + noise(x * scale + 17.3 * i, y * scale + 9.1 * i) / scale
        weight += 1 / scale
        scale *= 2
    return total / np.float32(weight)


@cache
def _branch() -> NDArray[np.float32]:
    """The soft shadow of a twig that hangs into the window, 0 to 1, ``(height, width, 1)``."""
    shade = Image.new("L", (640, 640), 0)
    draw = ImageDraw.Draw(shade)
    rng = np.random.default_rng(11)
    for left, top, lean, count in ((600, -20, 0.62, 9), (640, 190, 0.9, 6), (330, -30, 0.25, 6)):
        x, y = left, top
        for i in range(count):
            nx, ny = x - 42 * lean - rng.uniform(0, 8), y + 42 * (1 - 0.45 * lean)
            draw.line((x, y, nx, ny), fill=220, width=5)
            for side in (-1, 1):
                reach = rng.uniform(62, 92) * (1 - i / count * 0.35)
                angle = np.pi / 2 + lean * 0.6 + side * rng.uniform(0.5, 0.95)
                tip = (nx + reach * np.cos(angle), ny + reach * np.sin(angle))
                draw.polygon(emblem.leaf(tip, (nx, ny), 15), fill=255)
            x, y = nx, ny
    return np.asarray(shade.filter(ImageFilter.GaussianBlur(5)), np.float32)[:, :, None] / 255


def foliage(x: Values, y: Values) -> Values:
    """Leaf shadows in the upper part of the window's light, 0 to 1; ``x`` and ``y`` in the window's plane."""
    u, v = (x + 5.0) / 5.45, (7.3 - y) / 5.45
    inside = (u > 0) & (u < 1) & (v > 0) & (v < 1)
    return _sample(_branch(), np.clip(u, 0, 0.998), v)[:, 0] * inside


@cache
def wrapper() -> NDArray[np.float32]:
    """The tin's printed paper, linear, ``(height, width, 4)``: the last plane says where it is gold foil."""
    width, height = 4096, 1400
    paper = Image.new("RGB", (width, height), (247, 238, 219))
    foil = Image.new("L", (width, height), 0)
    draw, gold = ImageDraw.Draw(paper), ImageDraw.Draw(foil)
    _sprigs(draw, width, height)
    green = emblem.GREEN[:3]
    for low, high in ((0, 112), (height - 150, height)):
        draw.rectangle((0, low, width, high), fill=green)
    for y in (126, 1400 - 172):
        gold.rectangle((0, y, width, y + 9), fill=255)
    for middle in (width // 2, 0, width):
        _medallion(paper, draw, gold, middle, 700)
    linear_paper = (np.asarray(paper, np.float32) / 255) ** np.float32(2.2)
    return np.dstack([linear_paper, np.asarray(foil, np.float32) / 255])


def _sprigs(draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    """A quiet all-over pattern of leaf pairs."""
    step = 128
    for row, y in enumerate(range(190, height - 190, step)):
        for x in range(-step, width + step, step):
            cx = x + (step // 2 if row % 2 else 0)
            for lean in (-1, 1):
                points = emblem.leaf((cx + lean * 4, y - 30), (cx + lean * 30, y + 30), 11)
                draw.polygon(points, fill=(214, 205, 176))


def _medallion(paper: Image.Image, draw: ImageDraw.ImageDraw, gold: ImageDraw.ImageDraw, x: int, y: int) -> None:
    """The round label: rays, ring and the mark."""
    outer, inner = 395, 350
    draw.ellipse((x - outer - 26, y - outer - 26, x + outer + 26, y + outer + 26), fill=(247, 238, 219))
    for i in range(72):
        angle = i * 2 * np.pi / 72
        a, b = (inner + 24, outer + 16 if i % 2 else outer - 6)
        line = (x + a * np.cos(angle), y + a * np.sin(angle), x + b * np.cos(angle), y + b * np.sin(angle))
        gold.line(line, fill=255, width=8)
    draw.ellipse((x - inner, y - inner, x + inner, y + inner), fill=emblem.GREEN[:3])
    gold.ellipse((x - inner + 22, y - inner + 22, x + inner - 22, y + inner - 22), outline=255, width=7)
    size = 430
    mark = emblem.mark(size, emblem.CREAM, emblem.CREAM)
    paper.paste(mark, (x - size // 2, y - size // 2 - 14), mark)


def _sample(texture: NDArray[np.float32], u: Values, v: Values) -> NDArray[np.float32]:
    """Bilinear; ``u`` wraps, ``v`` is held at the edge."""
    height, width = texture.shape[:2]
    x, y = u * width - 0.5, np.clip(v * height - 0.5, 0, height - 1.001)
    xi, yi = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    fx, fy = (x - xi)[:, None], (y - yi)[:, None]
    a, b = texture[yi, xi % width], texture[yi, (xi + 1) % width]
    c, d = texture[yi + 1, xi % width], texture[yi + 1, (xi + 1) % width]
    return (a + (b - a) * fx) * (1 - fy) + (c + (d - c) * fx) * fy


def look(at: Vectors, normal: Vectors, which: NDArray[np.int8], solids: Sequence[Any]) -> Look:
    """The surfaces at many points."""
    count = at.shape[1]
    made = Look(
        colour=np.zeros((3, count), np.float32),
        glow=np.zeros((3, count), np.float32),
        gloss=np.zeros(count, np.float32),
        base=np.full(count, 0.04, np.float32),
        hardness=np.full(count, 20, np.float32),
        tint=np.ones((3, count), np.float32),
    )
    painters = {TABLE: _table, WALL_ID: _wall, 3: _tin, 4: _lid, 5: _knob, 6: _china, 7: _china, 8: _tea}
    for number, paint in painters.items():
        here = np.flatnonzero(which == number)
        if here.size:
            solid = solids[number - 3] if number > WALL_ID else None
            paint(made, here, at[:, here], normal[:, here], solid)
    return made


def _table(made: Look, here: NDArray[np.int64], at: Vectors, _normal: Vectors, _solid: Any) -> None:
    """Pale limewashed oak, planks to the side."""
    x, z = at[0], at[2]
    plank = np.floor((z + 40) / 0.92)
    shift = plank * 7.31
    grain = clouds(x * 0.55 + shift, z * 9 + shift, 4)
    rings = 0.5 + 0.5 * np.sin((grain * 9 + z * 7 + noise(x * 0.4 + shift, z * 2) * 5) * 2.2)
    pores = noise(x * 3.5 + shift, z * 95)
    tone = 0.80 + 0.15 * grain + 0.05 * rings - 0.05 * (pores > 0.72) + 0.07 * (np.modf(plank * 0.618)[0] - 0.5)
    gap = np.abs(np.modf((z + 40) / 0.92)[0] - 0.0)
    tone = tone * (1 - 0.55 * np.exp(-((np.minimum(gap, 1 - gap) / 0.008) ** 2)))
    warm = linear(226, 203, 170)[:, None] * tone
    made.colour[:, here] = warm * np.array([1.0, 0.985, 0.96], np.float32)[:, None] ** (1 - tone)
    made.gloss[here] = 0.1 * (0.5 + 0.5 * grain)
    made.base[here] = 0.03
    made.hardness[here] = 14


def _wall(made: Look, here: NDArray[np.int64], at: Vectors, _normal: Vectors, _solid: Any) -> None:
    """Deep green plaster."""
    patches = clouds(at[0] * 0.7, at[1] * 0.7, 5)
    made.colour[:, here] = linear(66, 98, 84)[:, None] * (0.82 + 0.36 * patches)


def _tin(made: Look, here: NDArray[np.int64], at: Vectors, normal: Vectors, solid: Any) -> None:
    turn = np.arctan2(at[0] - solid.x, at[2] - solid.z) + 0.16
    printed = _sample(wrapper(), turn / np.float32(2 * np.pi) + 0.5, 1 - at[1] / np.float32(1.42))
    foil = printed[:, 3] * (np.abs(normal[1]) < 0.5)
    gold = linear(214, 160, 66)[:, None]
    made.colour[:, here] = printed[:, :3].T * (1 - foil) + gold * 0.35 * foil
    made.gloss[here] = 0.5 + 0.5 * foil
    made.base[here] = 0.035 + 0.6 * foil
    made.hardness[here] = 46
    made.tint[:, here] = 1 - foil + foil * linear(255, 214, 140)[:, None]


def _metal(made: Look, here: NDArray[np.int64], brushed: Values) -> None:
    made.colour[:, here] = linear(206, 152, 70)[:, None] * 0.42 * brushed
    made.gloss[here] = 1.0
    made.base[here] = 0.62
    made.hardness[here] = 60
    made.tint[:, here] = linear(252, 208, 128)[:, None]


def _lid(made: Look, here: NDArray[np.int64], at: Vectors, _normal: Vectors, _solid: Any) -> None:
    _metal(made, here, 0.92 + 0.16 * noise(at[0] * 2, at[1] * 160))


def _knob(made: Look, here: NDArray[np.int64], at: Vectors, _normal: Vectors, _solid: Any) -> None:
    _metal(made, here, np.ones(at.shape[1], np.float32))


def _china(made: Look, here: NDArray[np.int64], at: Vectors, _normal: Vectors, solid: Any) -> None:
    """White porcelain with a gold rim."""
    r = np.hypot(at[0] - solid.x, at[2] - solid.z)
    rim = (at[1] > 0.722) & (r > 0.45) & (r < 0.6) if solid.name == "cup" else r > 0.812
    rim = rim.astype(np.float32)
    white = linear(246, 242, 233)[:, None]
    made.colour[:, here] = white * (1 - rim) + linear(206, 152, 70)[:, None] * 0.4 * rim
    made.gloss[here] = 0.9
    made.base[here] = 0.05 + 0.57 * rim
    made.hardness[here] = 170
    made.tint[:, here] = 1 - rim + rim * linear(252, 208, 128)[:, None]


def _tea(made: Look, here: NDArray[np.int64], at: Vectors, _normal: Vectors, solid: Any) -> None:
    """Amber, darker where it is deep, lit from within at the rim."""
    r = np.hypot(at[0] - solid.x, at[2] - solid.z) / np.float32(0.5)
    depth = 1 - r**2
    made.colour[:, here] = linear(176, 84, 22)[:, None] * (1 - depth) + linear(120, 44, 10)[:, None] * depth
    made.glow[:, here] = (0.34 * r**3)[None] * np.array([1.0, 0.75, 0.4], np.float32)[:, None]
    made.gloss[here] = 0.5
    made.base[here] = 0.03
    made.hardness[here] = 400


def develop(light: Vectors) -> Image.Image:
    """Light to an sRGB picture: exposure, a film-like shoulder, bloom, a slight vignette and grain."""
    _three, height, width = light.shape
    light = _bloom(light)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    corner = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) * 2
    light = light * (1.06 - 0.34 * corner) * np.float32(0.92)
    toned = np.clip(light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14), 0, 1)
    toned = toned ** np.float32(1 / 2.2)
    grain = np.random.default_rng(7).normal(0, 0.0055, (height, width)).astype(np.float32)
    pixels = np.clip((toned + grain) * 255 + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(np.moveaxis(pixels, 0, -1))


def _bloom(light: Vectors) -> Vectors:
    """Highlights spread a little, as in a lens."""
    _three, height, width = light.shape
    bright = np.clip(light - 0.85, 0, 1.5)
    spread = np.zeros_like(light)
    for plane in range(3):
        small = Image.fromarray(bright[plane]).resize((width // 16 or 1, height // 16 or 1), Image.Resampling.BOX)
        wide = Image.fromarray(_blurred(np.asarray(small)))
        spread[plane] = np.asarray(wide.resize((width, height), Image.Resampling.BICUBIC))
    return light + spread * np.float32(0.16)


def _blurred(plane: Values) -> Values:
    """Three box blurs of five cells each way: close to a bell."""
    for _ in range(3):
        padded = np.pad(plane, 2, mode="edge")
        rows = sum((padded[i : i + plane.shape[0]] for i in range(5)), np.zeros_like(padded[4:])) / 5
        plane = sum((rows[:, i : i + plane.shape[1]] for i in range(5)), np.zeros_like(plane)) / 5
    return plane.astype(np.float32)
