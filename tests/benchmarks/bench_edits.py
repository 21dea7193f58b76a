"""What comes after a masked edit of 1024 x 1024: drift and paste-back, over the decoding and encoding they need.

The answer has moved by parts of a pixel, differs everywhere and came as PNG, the dearest case: all of it is
registered, resampled and compared. The floor reads both files through the gate and writes the result.
"""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from image_studio.imaging.decode import decode
from image_studio.imaging.drift import drift
from image_studio.imaging.masks import from_region
from image_studio.imaging.pasteback import paste_back
from image_studio.imaging.renditions import encode
from tests.benchmarks.measure import by_turns, goal, photograph

EDGE = 1024
MARGIN = 8
MASK = from_region((0.3, 0.25, 0.4, 0.45), (EDGE, EDGE))


def files() -> tuple[bytes, bytes]:
    """A parent and an answer, 3.4 pixels aside of it and redrawn inside the mask."""
    whole = photograph(EDGE + 2 * MARGIN)
    seen = (MARGIN, MARGIN, MARGIN + EDGE, MARGIN + EDGE)
    moved = whole.transform(whole.size, Image.Transform.AFFINE, (1, 0, -3.4, 0, 1, 2.3), Image.Resampling.BICUBIC)
    answer = moved.crop(seen)
    answer.paste("#d7263d", (320, 300, 680, 640))
    return _png(whole.crop(seen)), _png(answer)


def _png(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def measure(short: bool) -> list[dict[str, Any]]:
    before, after = files()
    parent, answer = decode(before).image, decode(after).image

    def floor() -> object:
        decode(before)
        return encode(decode(after).image, "png")

    def whole() -> object:
        source, raw = decode(before).image, decode(after).image
        return drift(source, raw, MASK), encode(paste_back(source, raw, MASK).image, "png")

    sides = (whole, floor, lambda: drift(parent, answer, MASK), lambda: paste_back(parent, answer, MASK))
    ours, theirs, drifted, pasted = by_turns(*sides, rounds=5 if short else 21)
    parts = {"drift": round(drifted.cpu, 2), "paste_back": round(pasted.cpu, 2), "ours_wall": round(ours.wall, 1)}
    return [goal("drift and paste-back of 1024x1024, over decode and encode", ours.cpu, theirs.cpu, 1.5, **parts)]
