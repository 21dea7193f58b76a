"""What stands around a picture on a canvas that is larger than it: four ways, none with a hard line.

Each takes the part of the picture that is shown, already at its size, and where it stands; and returns the
whole canvas. Seams are feathered or continuous, and what is added never draws more attention than the picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageEnhance, ImageFilter

from image_studio.imaging.colour import parse_hex
from image_studio.imaging.fields import Field, grid, mask, noise, quantised, smoothstep, upsampled
from image_studio.imaging.geometry import Box

Size = tuple[int, int]
Reach = tuple[float, float, float, float]

#: Blurs are made on a small copy with this longest edge: after them there is no more detail to lose.
SMALL = 360


def mirrored(part: Image.Image, where: Box, size: Size, rng: np.random.Generator, reach: Reach) -> Image.Image:
    """The picture continued by its mirror image, which slows down and loses focus with the distance.

    Plain grounds (a studio sweep, sky, a wall) continue without a trace; detail melts away before the eye can
    read it twice, and the subject never appears a second time.

    :param reach: how far the mirror may look into the picture from its left, top, right and bottom edge, in
        pixels of ``part``.
    """
    canvas = _unfolded(part, where, size, reach)
    away = _distance(where, size)
    far = max(_reach(where, size), 1.0)
    soft = min(0.14 * far, 0.05 * min(size))
    out = Image.composite(_softened(canvas, 0.012), canvas, mask(smoothstep(away, 0, soft)))
    out = Image.composite(_softened(canvas, 0.05), out, mask(smoothstep(away, 0.05 * far, 0.7 * far)))
    return _shaded(out, where, 1 - 0.07 * smoothstep(away, 0, far), rng)


def blurred(part: Image.Image, where: Box, size: Size, rng: np.random.Generator, reach: Reach) -> Image.Image:
    """The picture melting into a dark, wholly blurred continuation of itself: all eyes on the picture."""
    ground = _softened(_unfolded(part, where, size, reach), 0.06)
    far = max(_reach(where, size), 0.2 * min(size))
    light = 1 - 0.45 * smoothstep(_distance(where, size), 0, far)
    canvas = _shaded(ImageEnhance.Color(ground).enhance(1.12), where, light, rng)
    canvas.paste(part, (where.left, where.top), _feather(where, size, 0.08))
    return canvas


def washed(canvas: Image.Image, first: bool, colour: str, rng: np.random.Generator) -> Image.Image:
    """A picture flowing into a plane of one colour along its longer axis: room for a headline.

    :param first: the picture stays at the left (or top), the colour takes the right (or bottom).
    """
    width, height = canvas.size
    place = np.linspace(0, 1, max(width, height), dtype=np.float32)
    line = smoothstep(place if first else place[::-1], 0.54, 0.8)
    veil = np.broadcast_to(line[None, :] if width >= height else line[:, None], (height, width))
    return Image.composite(plain(canvas.size, colour, rng), canvas, mask(veil))


def staged(part: Image.Image, where: Box, size: Size, colour: str, rng: np.random.Generator) -> Image.Image:
    """A cut-out (RGBA) standing on a lit ground of one colour, with a shadow under it."""
    canvas = plain(size, colour, rng)
    canvas.paste(_darker(colour), (0, 0, *size), _cast(part, where, size))
    canvas.paste(part, (where.left, where.top), part)
    return canvas


def _cast(part: Image.Image, where: Box, size: Size) -> Image.Image:
    """The mask of a cut-out's shadow: its own shape, soft, and a flat pool where it stands."""
    small = _small(size)
    scale = small[0] / size[0]
    width, height = max(1, round(where.width * scale)), max(1, round(where.height * scale))
    alpha = part.getchannel("A").resize((width, height), Image.Resampling.BOX)
    left, top = round(where.left * scale), round(where.top * scale)
    shape, feet = Image.new("L", small), Image.new("L", small)
    shape.paste(alpha, (left, top + round(0.02 * height)))
    flat = max(2, round(0.07 * min(small)))
    feet.paste(alpha.resize((width, flat), Image.Resampling.BOX), (left, top + height - flat // 2))
    near = feet.filter(ImageFilter.GaussianBlur(max(1.0, 0.018 * min(small)))).point(lambda value: value * 0.75)
    wide = shape.filter(ImageFilter.GaussianBlur(max(1.0, 0.04 * min(small)))).point(lambda value: value * 0.3)
    return ImageChops.lighter(near, wide).resize(size, Image.Resampling.BICUBIC)


def cleared(part: Image.Image, where: Box, size: Size) -> Image.Image:
    """The picture on nothing; a picture without alpha gets a soft edge where it ends inside the canvas."""
    canvas = Image.new("RGBA", size, (0, 0, 0, 0))
    if part.mode == "RGBA":
        canvas.paste(part, (where.left, where.top))
        return canvas
    cut = part.convert("RGBA")
    cut.putalpha(_feather(where, size, 0.045))
    canvas.paste(cut, (where.left, where.top))
    return canvas


def plain(size: Size, colour: str, rng: np.random.Generator) -> Image.Image:
    """One colour, lit from above the middle so that it reads as a ground and not as a hole."""
    x, y = grid(_small(size))
    light = smoothstep(np.hypot(x, y + 0.25), 1.5, 0) * np.float32(0.16) + np.float32(0.92)
    base = np.array(parse_hex(colour), np.float32) / 255
    return quantised(np.clip(upsampled(light, size)[..., None] * base, 0, 1), rng)


def edge_colour(part: Image.Image) -> str:
    """The middle colour of a picture's border, ``#rrggbb``: what its ground continues in."""
    pixels = np.asarray(part.convert("RGB").resize((24, 24), Image.Resampling.BOX))
    border = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
    red, green, blue = np.median(border, axis=0).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _pads(where: Box, size: Size) -> tuple[tuple[int, int], tuple[int, int]]:
    return (where.top, size[1] - where.bottom), (where.left, size[0] - where.right)


def _reach(where: Box, size: Size) -> float:
    """How far the canvas goes beyond the picture, in pixels, on the side where it goes farthest."""
    (above, below), (before, after) = _pads(where, size)
    return float(max(above, below, before, after))


def _distance(where: Box, size: Size) -> Field:
    """Pixels from the picture's edge, outside of it; 0 inside."""
    x = np.arange(size[0], dtype=np.float32)
    y = np.arange(size[1], dtype=np.float32)
    across = np.maximum(np.maximum(where.left - x, x - (where.right - 1)), 0)
    down = np.maximum(np.maximum(where.top - y, y - (where.bottom - 1)), 0)
    return np.hypot(across[None, :], down[:, None])


def _feather(where: Box, size: Size, share: float) -> Image.Image:
    """A mask for the picture: soft over ``share`` of its extent at edges that lie inside the canvas."""
    (above, below), (before, after) = _pads(where, size)
    x = _ramp(where.width, share * where.width, before > 0, after > 0)
    y = _ramp(where.height, share * where.height, above > 0, below > 0)
    return mask(y[:, None] * x[None, :])


def _ramp(length: int, soft: float, start: bool, end: bool) -> Field:
    place = np.arange(length, dtype=np.float32) + 0.5
    line = np.ones(length, np.float32)
    if start:
        line *= smoothstep(place, 0, soft)
    if end:
        line *= smoothstep(length - place, 0, soft)
    return line


def _small(size: Size) -> Size:
    scale = min(1.0, SMALL / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _softened(canvas: Image.Image, share: float) -> Image.Image:
    """A blur whose radius is ``share`` of the longer edge, made small and brought back to size."""
    small = canvas.resize(_small(canvas.size), Image.Resampling.BOX)
    soft = small.filter(ImageFilter.GaussianBlur(max(small.size) * share))
    return soft if soft.size == canvas.size else soft.resize(canvas.size, Image.Resampling.BICUBIC)


def _shaded(canvas: Image.Image, where: Box, light: Field, rng: np.random.Generator) -> Image.Image:
    """Darkened around the picture by factors, with a step of noise: blurred pictures band easily."""
    pixels = np.array(canvas)
    grain = noise(canvas.size, rng, 1.2)
    for box in _around(where, canvas.size):
        at = slice(box.top, box.bottom), slice(box.left, box.right)
        strip = pixels[at] * light[at][..., None] + (grain[at] + np.float32(0.5))[..., None]
        pixels[at] = np.clip(strip, 0, 255)
    return Image.fromarray(pixels)


def _around(where: Box, size: Size) -> tuple[Box, ...]:
    """The canvas without the picture: above, below, left and right of it."""
    width, height = size
    return (
        Box(0, 0, width, where.top),
        Box(0, where.bottom, width, height - where.bottom),
        Box(0, where.top, where.left, where.height),
        Box(where.right, where.top, width - where.right, where.height),
    )


def _unfolded(part: Image.Image, where: Box, size: Size, reach: Reach) -> Image.Image:
    left, top, right, bottom = reach
    (above, below), (before, after) = _pads(where, size)
    columns = _mirror(part.width, before, after, left, right)
    rows = _mirror(part.height, above, below, top, bottom)
    return Image.fromarray(np.asarray(part)[rows][:, columns])


def _mirror(length: int, before: int, after: int, start: float, end: float) -> NDArray[np.int64]:
    """Which of ``length`` pixels stands at each place: mirrored at once, ever slower, never beyond the reach."""
    head = _slowing(before, start, length - 1)[::-1]
    tail = length - 1 - _slowing(after, end, length - 1)
    return np.concatenate([head, np.arange(length), tail]).astype(np.int64)


def _slowing(count: int, reach: float, last: int) -> Field:
    """``count`` whole steps: 0, 1, 2 at first, then ever fewer, towards ``reach`` and never beyond ``last``."""
    steps = np.arange(count, dtype=np.float32)
    return np.minimum(np.floor(max(reach, 1.0) * -np.expm1(-steps / max(reach, 1.0))), last)


def _darker(colour: str) -> tuple[int, ...]:
    return tuple(int(value * 0.35) for value in parse_hex(colour))
