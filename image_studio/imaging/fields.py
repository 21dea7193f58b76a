"""Smooth pictures made of numbers: ramps, fields, and the way from floats to bytes without banding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.floating[Any]]

#: Side of the square of noise that is laid over a picture; drawing it per pixel costs more than the picture.
TILE = 256


def generator(*seed: int) -> np.random.Generator:
    """A stream of numbers that is the same for the same seeds, on every run."""
    return np.random.Generator(np.random.PCG64([abs(value) for value in seed]))


def smoothstep(values: Field, low: float, high: float) -> Field:
    """0 up to ``low``, 1 from ``high``, and an S between (cubic Hermite); also falling, where high < low."""
    t = np.clip((values - low) / ((high - low) or 1e-6), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def grid(size: tuple[int, int]) -> tuple[Field, Field]:
    """Coordinates of the middles of the cells, as one row and one column.

    The unit is the shorter edge and the origin the middle, so that a circle stays a circle at any ratio.
    """
    width, height = size
    short = min(size)
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / short
    y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2) / short
    return x[None, :].astype(np.float32), y[:, None].astype(np.float32)


def noise(size: tuple[int, int], rng: np.random.Generator, spread: float) -> Field:
    """Triangular noise of ``spread`` around 0, shape (height, width), from one repeated tile."""
    tile = (rng.random((TILE, TILE), np.float32) - rng.random((TILE, TILE), np.float32)) * np.float32(spread)
    width, height = size
    return np.tile(tile, (-(-height // TILE), -(-width // TILE)))[:height, :width]


def upsampled(field: Field, size: tuple[int, int]) -> Field:
    """A small field at the size of the picture, bicubic, still floats: shape (height, width) or (.., 3)."""
    if field.ndim == 2:
        return np.asarray(Image.fromarray(field).resize(size, Image.Resampling.BICUBIC))
    return np.stack([upsampled(np.ascontiguousarray(field[..., i]), size) for i in range(field.shape[2])], axis=2)


def quantised(field: Field, rng: np.random.Generator, *, grain: float = 0.0) -> Image.Image:
    """Floats 0..1 to an 8-bit picture; shape (h, w) becomes L, (h, w, 3) RGB.

    Noise of one step (plus ``grain``, as a share of the range) breaks up the bands of a slow gradient.
    """
    height, width = field.shape[:2]
    dither = noise((width, height), rng, 1 / 255 + grain) * np.float32(255)
    scaled = field * np.float32(255)
    scaled += dither if field.ndim == 2 else dither[..., None]
    scaled += np.float32(0.5)
    return Image.fromarray(np.clip(scaled, 0, 255, out=scaled).astype(np.uint8))


def mask(field: Field) -> Image.Image:
    """Floats 0..1 to an 8-bit mask."""
    return Image.fromarray((np.clip(field, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8))
