"""Synthetic edits of which the truth is known: what a model may do to a picture, one thing at a time."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tests.benchmarks.measure import photograph

EDGE = 1024
MARGIN = 64
BIG = photograph(EDGE + 2 * MARGIN, seed=7)
BIG.load()


def parent(edge=EDGE):
    """A busy picture: detail at every scale, grain, one hard edge."""
    cut = BIG.crop((MARGIN, MARGIN, MARGIN + EDGE, MARGIN + EDGE))
    return cut if edge == EDGE else cut.resize((edge, edge), Image.Resampling.LANCZOS)


def moved(dx, dy, scale=1.0):
    """The parent as a camera sees it that moved: real pixels come in at the borders."""
    middle = BIG.width / 2
    across, down = (middle - (middle + by) / scale for by in (dx, dy))
    turned = BIG.transform(
        BIG.size, Image.Transform.AFFINE, (1 / scale, 0, across, 0, 1 / scale, down), Image.Resampling.BICUBIC
    )
    return turned.crop((MARGIN, MARGIN, MARGIN + EDGE, MARGIN + EDGE))


def tinted(image, by):
    return Image.fromarray((np.asarray(image, int) + by).clip(0, 255).astype(np.uint8))


def noisy(image, sigma, seed=1):
    grain = np.random.default_rng(seed).normal(0, sigma, (image.height, image.width, 3))
    return Image.fromarray((np.asarray(image) + grain).round().clip(0, 255).astype(np.uint8))


def saved(image, format, quality):  # noqa: A002
    target = io.BytesIO()
    image.save(target, format, quality=quality)
    return Image.open(target).convert("RGB")


def painted(image, box, colour="#e02818"):
    """A change of one rectangle ``(left, top, right, bottom)``, exclusive."""
    copy = image.copy()
    copy.paste(colour, box)
    return copy


def disc(image, at, radius, colour="#e02818"):
    copy = image.copy()
    ImageDraw.Draw(copy).ellipse((at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius), fill=colour)
    return copy


def retouched(image, radius=3):
    """The same scene with all its fine detail drawn anew, as image models do."""
    coarse = image.filter(ImageFilter.GaussianBlur(radius))
    other = image.transpose(Image.Transpose.ROTATE_180)
    return ImageChops.add(
        coarse, ImageChops.subtract(other, other.filter(ImageFilter.GaussianBlur(radius)), 1, 128), 1, -128
    )
