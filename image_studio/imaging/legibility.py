"""Whether ink can be read on what lies under it, and the scrims and plates that see to it.

Contrast is WCAG's, at a low percentile over the pixels of the box: the mean hides the bright corner in which a
word drowns.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_studio.imaging.arrange import TextSpot
from image_studio.imaging.colour import luminance, parse_hex, ratios
from image_studio.imaging.geometry import Box

PERCENTILE = 5.0
#: What a scrim aims at: WCAG AA for text is 4.5, with a reserve for lossy encoding.
TARGET = 5.0
#: Two candidates this close are equal to the eye; the earlier one (the brand's) is taken.
NEARLY = 0.85
STRONGEST = 0.94
#: How much weaker a light veil must be to be taken instead of a dark one: the locales of a set should look alike.
CLEARLY = 0.25
DARK, LIGHT = (10, 10, 12), (252, 252, 250)
SAMPLE = 20_000
SCRIM_SAMPLE = 5_000

Bytes = NDArray[np.uint8]
Profile = NDArray[Any]


def pixels(picture: Image.Image, box: Box, limit: int = SAMPLE) -> Bytes:
    """Up to ``limit`` evenly spaced pixels ``(n, 3)`` under a box; transparent ones as if on white."""
    part = picture.crop((box.left, box.top, box.right, box.bottom))
    if part.mode == "RGBA":
        part = Image.alpha_composite(Image.new("RGBA", part.size, "white"), part).convert("RGB")
    rows: Bytes = np.asarray(part).reshape(-1, 3)
    step = max(1, len(rows) // limit)
    while gcd(step, part.width) > 1:  # a step that divides the width would look at a few columns only
        step += 1
    return rows[::step]


def low_contrast(ink: float, under: Bytes) -> float:
    """The contrast that all but :data:`PERCENTILE` per cent of the pixels reach against ink of that luminance."""
    return float(np.percentile(ratios(luminance(under), ink), PERCENTILE))


def ink_luminance(hex_colour: str) -> float:
    return float(luminance(np.array(parse_hex(hex_colour), dtype=np.uint8)))


def best_colour(candidates: Sequence[str], under: Bytes) -> str:
    """The candidate that reads best; the earliest of those that read about as well."""
    found = [(candidate, low_contrast(ink_luminance(candidate), under)) for candidate in candidates]
    most = max(contrast for _, contrast in found)
    enough = max(NEARLY * most, min(most, TARGET))
    return next(candidate for candidate, contrast in found if contrast >= enough)


def with_backdrops(picture: Image.Image, texts: Sequence[TextSpot]) -> Image.Image:
    """A copy with every scrim and plate painted, without ink."""
    canvas = picture.copy()
    for group in _veiled_together(texts):
        _veil(canvas, group)
    for spot in texts:
        if spot.layer.backdrop.startswith("#"):
            size = spot.footprint.width, spot.footprint.height
            tint(canvas, spot.footprint, parse_hex(spot.layer.backdrop), plate(size, spot.block.size * 0.22))
    return canvas


def tint(canvas: Image.Image, box: Box, tone: tuple[int, int, int], mask: Image.Image) -> None:
    """Lay a colour over a part of the canvas through a mask of the box's size; right on transparency too."""
    if canvas.mode == "RGB":
        canvas.paste(tone, (box.left, box.top), mask)
        return
    layer = Image.new("RGBA", mask.size, (*tone, 0))
    layer.putalpha(mask)
    canvas.alpha_composite(layer, (box.left, box.top))


def plate(size: tuple[int, int], radius: float) -> Image.Image:
    """A mask of a rectangle with round, smooth corners."""
    width, height = size
    across = np.abs(np.arange(width, dtype=np.float32) - (width - 1) / 2) - (width / 2 - radius)
    down = np.abs(np.arange(height, dtype=np.float32) - (height - 1) / 2) - (height / 2 - radius)
    outside = np.hypot(np.maximum(across, 0)[None, :], np.maximum(down, 0)[:, None])
    return _as_mask(np.clip(radius - outside + 0.5, 0, 1))


def _veiled_together(texts: Sequence[TextSpot]) -> list[list[TextSpot]]:
    """Texts at the top share one scrim, and those at the bottom; in the middle those of one column."""
    groups: dict[tuple[str, str], list[TextSpot]] = {}
    for spot in texts:
        if spot.layer.backdrop == "scrim":
            key = (spot.edge, spot.align if spot.edge == "middle" else "")
            groups.setdefault(key, []).append(spot)
    return list(groups.values())


def _veil(canvas: Image.Image, group: Sequence[TextSpot]) -> None:
    tone, strength = veil_for([(spot.layer.colours, pixels(canvas, spot.ink, SCRIM_SAMPLE)) for spot in group])
    if strength <= 0:
        return
    box, shape = _middle_shape(canvas.size, group) if group[0].edge == "middle" else _edge_shape(canvas.size, group)
    tint(canvas, box, tone, _as_mask(np.minimum(shape * strength, STRONGEST)))


def veil_for(texts: Sequence[tuple[Sequence[str], Bytes]]) -> tuple[tuple[int, int, int], float]:
    """The tone and the least strength with which every text reaches :data:`TARGET`.

    Dark is taken unless light needs clearly less; 0 where no veil is needed.
    """
    inks = [[ink_luminance(colour) for colour in colours] for colours, _ in texts]
    unders = [under for _, under in texts]
    if all(max(low_contrast(ink, under) for ink in row) >= TARGET for row, under in zip(inks, unders, strict=True)):
        return DARK, 0.0
    dark, light = _least(DARK, [max(row) for row in inks], unders), _least(LIGHT, [min(row) for row in inks], unders)
    return (LIGHT, light) if light < dark - CLEARLY else (DARK, dark)


def _least(tone: tuple[int, int, int], inks: Sequence[float], unders: Sequence[Bytes]) -> float:
    """By bisection: the more veil, the more contrast for the lightest ink on dark and the darkest on light."""
    low, high = 0.0, STRONGEST
    if not _reached(tone, high, inks, unders):
        return 1.0
    for _ in range(7):
        middle = (low + high) / 2
        low, high = (low, middle) if _reached(tone, middle, inks, unders) else (middle, high)
    return high


def _reached(tone: tuple[int, int, int], strength: float, inks: Sequence[float], unders: Sequence[Bytes]) -> bool:
    pairs = zip(inks, unders, strict=True)
    return all(low_contrast(ink, _veiled(under, tone, strength)) >= TARGET for ink, under in pairs)


def _veiled(under: Bytes, tone: tuple[int, int, int], strength: float) -> Bytes:
    mixed = under * np.float32(1 - strength) + np.array(tone, dtype=np.float32) * strength
    return np.rint(mixed).astype(np.uint8)


def _edge_shape(size: tuple[int, int], group: Sequence[TextSpot]) -> tuple[Box, Profile]:
    """Full from the canvas's edge to past the text, then a long fade; also sideways where the text is narrow."""
    width, height = size
    area, em = _union(group), max(spot.block.size for spot in group)
    fade = max(1.3 * area.height, 0.34 * height)
    rows: Profile = np.arange(height, dtype=np.float32)
    distance: Profile = area.top - 0.5 * em - rows if group[0].edge == "bottom" else rows - area.bottom - 0.5 * em
    down: Profile = _faded(distance, fade) * (1 + np.float32(0.12) * np.clip(-distance / height, 0, 1))
    columns = np.arange(width, dtype=np.float32)
    aligns = {spot.align for spot in group}
    across = np.ones(width, dtype=np.float32)
    if aligns == {"left"}:
        across = _faded(columns - area.right - em, 0.6 * width)
    elif aligns == {"right"}:
        across = _faded(area.left - em - columns, 0.6 * width)
    return _cropped(down, across)


def _cropped(down: Profile, across: Profile) -> tuple[Box, Profile]:
    """Only the rows that the veil touches."""
    touched = np.flatnonzero(down > 0.002)
    first, last = int(touched[0]), int(touched[-1]) + 1
    shape: Profile = down[first:last, None] * across[None, :]
    return Box(0, first, len(across), last - first), shape


def _middle_shape(size: tuple[int, int], group: Sequence[TextSpot]) -> tuple[Box, Profile]:
    """Full around the text, fading on every side by the distance from it."""
    area, em = _union(group), max(spot.block.size for spot in group)
    fade = 1.6 * em + 0.14 * min(size)
    box = area.grown(round(0.5 * em + fade)).clipped(Box(0, 0, *size))
    columns = np.arange(box.left, box.right, dtype=np.float32)
    rows = np.arange(box.top, box.bottom, dtype=np.float32)
    across = np.maximum(np.maximum(area.left - 0.5 * em - columns, columns - area.right - 0.5 * em), 0)
    down = np.maximum(np.maximum(area.top - 0.5 * em - rows, rows - area.bottom - 0.5 * em), 0)
    return box, _faded(np.hypot(across[None, :], down[:, None]), fade)


def _union(group: Sequence[TextSpot]) -> Box:
    boxes = [spot.footprint for spot in group]
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    return Box(left, top, max(box.right for box in boxes) - left, max(box.bottom for box in boxes) - top)


def _faded(distance: Profile, length: float) -> Profile:
    """1 up to distance 0, falling to 0 at ``length`` without a visible beginning or end (smoothstep)."""
    share = np.clip(1 - distance / length, 0, 1).astype(np.float32)
    faded: Profile = share * share * (3 - 2 * share)
    return faded


def _as_mask(shape: Profile) -> Image.Image:
    return Image.fromarray(np.rint(shape * 255).astype(np.uint8))
