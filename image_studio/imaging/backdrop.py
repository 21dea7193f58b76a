"""Painted stand-ins: what a layout is judged on before any picture is bought. No logo and no text, ever.

A stand-in has what matters to a layout: a ground in the brand's palette, depth, light from one side and a body
with real lights and darks. Equal arguments give equal pixels.
"""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image

from image_studio.imaging import scenery
from image_studio.imaging.fields import generator, grid, mask, quantised, upsampled
from image_studio.imaging.scenery import GROUNDS, Colour, Scheme, Stage

Size = tuple[int, int]

#: Used where a brand has no colours yet.
NEUTRALS = ("#e4e2de", "#a9a7a3", "#6d6b68", "#3f3e3c")
#: Lightness of the ground (OKLab), by turns: a layout must hold on light, on dark and in between.
KEYS = (0.9, 0.62, 0.32)
#: How much a colourful swatch is preferred as the ground, for each key: pale grounds stay quiet.
VIVID = (0.0, 1.0, 2.0)


def paint(
    size: Size,
    palette: tuple[str, ...],
    *,
    seed: int = 0,
    take: int = 0,
    prompt: str = "",
    transparent: bool = False,
    detail: float = 0.5,
) -> Image.Image:
    """A stand-in at exactly ``size``.

    :param palette: ``#rrggbb`` colours in the brand's order; empty for neutral greys.
    :param take: 0, 1, 2 ...: ground, light and body change together; the first seven grounds differ.
    :param prompt: only stirs the numbers, so that two prompts do not look the same.
    :param transparent: the body and its shadow on nothing (RGBA); otherwise RGB.
    :param detail: resolution of the drawing against the picture: 1 is sharp, 0.25 a soft draft.
    :raises ValueError: for a size or take that is none, or a colour that is none.
    """
    if any(edge < 1 for edge in size) or take < 0:
        raise ValueError(f"no such take: {take} at {size}")
    stage = _stage(_work_size(size, detail), palette, (seed, take, _stir(prompt)))
    if not transparent:
        GROUNDS[take % len(GROUNDS)](stage)
    _subject(stage, take + seed)
    return _developed(stage, size, transparent)


def _stir(prompt: str) -> int:
    return int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:6], "big") if prompt else 0


def _work_size(size: Size, detail: float) -> Size:
    """Never under 64 pixels, so that a thumbnail still has shapes; never over the picture times ``detail``."""
    scale = min(1.0, max(detail, 64 / min(size)))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _stage(size: Size, palette: tuple[str, ...], seed: tuple[int, int, int]) -> Stage:
    rng = generator(*seed)
    light = -1.0 if rng.random() < 0.5 else 1.0
    width, height = size
    x, y = grid(size)
    scheme = _scheme(palette or NEUTRALS, seed[1] + seed[0])
    rgb = np.zeros((height, width, 3), np.float32)
    half = float(-x[0, 0]), float(-y[0, 0])
    cover = np.zeros((height, width), np.float32)
    return Stage(rgb=rgb, cover=cover, x=x, y=y, scheme=scheme, rng=rng, light=light, half=half, pixel=1 / min(size))


def _scheme(palette: tuple[str, ...], turn: int) -> Scheme:
    """Ground by lightness, body and accent by order: the brand's first colours stand in the foreground."""
    labs = [scenery.to_lab(text) for text in palette]
    key, vivid = KEYS[turn % len(KEYS)], VIVID[turn % len(KEYS)]
    nearest = min(labs, key=lambda lab: abs(float(lab[0]) - key) - vivid * float(np.hypot(lab[1], lab[2])))
    ground = scenery.toned(nearest, key, pull=0.65, chroma=0.9)
    others = sorted(labs, key=lambda lab: -_distance(lab, ground))
    body = others[turn % min(2, len(others))]
    accent = labs[(turn + 1) % len(labs)]
    second = scenery.toned(labs[turn % len(labs)], float(ground[0]) - 0.1, pull=0.75, chroma=0.95)
    light = scenery.toned(ground, min(0.97, float(ground[0]) + 0.22), chroma=0.6)
    shade = scenery.toned(ground, max(0.12, float(ground[0]) * 0.45), chroma=0.9)
    colours = ground, second, light, shade, _apart(body, ground), accent
    return Scheme(*(scenery.to_rgb(lab) for lab in colours))


def _distance(one: Colour, other: Colour) -> float:
    return float(np.linalg.norm(one - other))


def _apart(body: Colour, ground: Colour) -> Colour:
    """A body that would vanish into its ground is made lighter or darker."""
    if _distance(body, ground) >= 0.18:
        return body
    return scenery.toned(body, float(ground[0]) + (0.25 if ground[0] < 0.55 else -0.3))


def _subject(stage: Stage, turn: int) -> None:
    """A body about half as high as the shorter edge, beside the middle where there is room."""
    side = -stage.light * min(0.33 * stage.half[0], stage.half[0] - 0.42)
    x = max(0.0, abs(side)) * (1 if side > 0 else -1) if stage.half[0] > 0.55 else 0.0
    floor = scenery.horizon(stage) + 0.42 * (stage.half[1] - scenery.horizon(stage))
    (_bottle, _podium, _group, _doorway)[turn % 4](stage, x, floor)


def _bottle(stage: Stage, x: float, floor: float) -> None:
    colours = stage.scheme
    scenery.shadow(stage, (x, floor + 0.02), 0.13)
    scenery.capsule(stage, (x, floor - 0.46), floor - 0.36, 0.042, colours.body)
    scenery.cylinder(stage, (x, floor - 0.53), floor - 0.46, 0.05, colours.accent)
    scenery.capsule(stage, (x, floor - 0.26), floor - 0.1, 0.12, colours.body)


def _podium(stage: Stage, x: float, floor: float) -> None:
    colours = stage.scheme
    scenery.shadow(stage, (x, floor + 0.05), 0.26, 0.5)
    scenery.cylinder(stage, (x, floor - 0.1), floor, 0.24, colours.second)
    scenery.shadow(stage, (x, floor - 0.09), 0.1, 0.45)
    scenery.ball(stage, (x, floor - 0.24), 0.15, colours.body)


def _group(stage: Stage, x: float, floor: float) -> None:
    colours, side = stage.scheme, stage.light
    scenery.shadow(stage, (x - 0.16 * side, floor), 0.13, 0.5)
    scenery.capsule(stage, (x - 0.16 * side, floor - 0.36), floor - 0.11, 0.11, colours.second)
    scenery.shadow(stage, (x + 0.06 * side, floor + 0.05), 0.14)
    scenery.ball(stage, (x + 0.06 * side, floor - 0.09), 0.15, colours.body)
    scenery.shadow(stage, (x + 0.24 * side, floor + 0.08), 0.06)
    scenery.ball(stage, (x + 0.24 * side, floor + 0.02), 0.065, colours.accent)


def _doorway(stage: Stage, x: float, floor: float) -> None:
    colours = stage.scheme
    scenery.arch(stage, (x, floor - 0.32), 0.25, floor, colours.second)
    scenery.shadow(stage, (x, floor + 0.06), 0.17, 0.5)
    scenery.cylinder(stage, (x, floor - 0.02), floor + 0.05, 0.17, colours.light)
    scenery.shadow(stage, (x, floor - 0.01), 0.08, 0.5)
    scenery.capsule(stage, (x, floor - 0.24), floor - 0.1, 0.09, colours.body)


def _developed(stage: Stage, size: Size, transparent: bool) -> Image.Image:
    """The drawing at the picture's size, with a grain of paper that also hides the steps of slow gradients."""
    if not transparent:
        return quantised(np.clip(upsampled(stage.rgb, size), 0, 1), stage.rng, grain=0.006)
    plain = stage.rgb / np.maximum(stage.cover, 1e-4)[..., None]
    image = quantised(np.clip(upsampled(plain, size), 0, 1), stage.rng)
    image.putalpha(mask(upsampled(stage.cover, size)))
    return image
