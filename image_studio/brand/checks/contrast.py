"""Contrast of every text and logo with what lies under it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_studio.brand.checks.base import Check, Subject, Verdict, rgb_pixels
from image_studio.imaging import colour
from image_studio.imaging.geometry import Box
from image_studio.imaging.layers import Placed


@dataclass(frozen=True, kw_only=True)
class Contrast(Check):
    """The WCAG 2.2 ratio (1.4.3, 1.4.11) of ink against its ground, at a low percentile over the box: the ratio that
    all but the worst few per cent of the ground reach, never the mean. Score: that ratio.

    Large text (24 CSS pixels and more) needs 3.0. A channel's canvas is taken at ``density`` of its pixels per CSS
    pixel, so that with the usual 2.0 a type size of 48 canvas pixels is large.

    :param percentile: of the ground that may be worse, in per cent.
    :param ink: how much a channel of a pixel must change (0 to 255) to count as a logo's ink.
    """

    name: ClassVar[str] = "contrast"
    text: float = 4.5
    large: float = 3.0
    logo: float = 3.0
    percentile: float = 5.0
    density: float = 2.0
    ink: int = 24

    def run(self, subject: Subject) -> tuple[Verdict, ...]:
        if not subject.placed:
            return (self.not_run("contrast.nothing_placed"),)
        if subject.image is None or subject.under is None or subject.image.size != subject.under.size:
            return (self.not_run("contrast.no_ground"),)
        return tuple(self._verdicts(subject))

    def _verdicts(self, subject: Subject) -> Iterator[Verdict]:
        for placed in subject.placed:
            ratio = self._ratio(subject, placed)
            facts: dict[str, Any] = {"layer": placed.name, "needed": self._needed(placed)}
            if ratio is None:
                yield self.not_run("contrast.off_canvas", **facts)
                continue
            facts |= {"ratio": _down(ratio), "score": round(ratio, 4), "region": subject.region(placed.box)}
            good = ratio >= facts["needed"]
            yield self.passed("contrast.enough", **facts) if good else self.failed("contrast.low", **facts)

    def _needed(self, placed: Placed) -> float:
        if placed.kind == "logo":
            return self.logo
        return self.large if placed.size >= 24 * self.density else self.text

    def _ratio(self, subject: Subject, placed: Placed) -> float | None:
        box = placed.box.clipped(Box(0, 0, *(subject.size or (0, 0))))
        if subject.image is None or subject.under is None or not (box.width and box.height):
            return None
        ground = _cut(subject.under, box)
        ink = _luminance_of(placed.colour) if placed.colour else self._ink(_cut(subject.image, box), ground)
        return 1.0 if ink is None else _low(colour.ratios(colour.luminance(ground), np.float32(ink)), self.percentile)

    def _ink(self, picture: NDArray[np.uint8], ground: NDArray[np.uint8]) -> float | None:
        """The median luminance of the pixels that the logo changed; None where it changed next to nothing."""
        changed = np.abs(picture.astype(np.int16) - ground).max(axis=-1) > self.ink
        if changed.mean() < 0.005:
            return None
        return float(np.median(colour.luminance(picture[changed])))


def _cut(image: Image.Image, box: Box) -> NDArray[np.uint8]:
    """The pixels under a box that lies on the picture."""
    return rgb_pixels(image.crop((box.left, box.top, box.right, box.bottom)))


def _low(values: NDArray[Any], percentile: float) -> float:
    """The value that all but ``percentile`` per cent reach."""
    flat = values.reshape(-1)
    rank = min(flat.size - 1, int(flat.size * percentile / 100))
    return float(np.partition(flat, rank)[rank])


def _luminance_of(tone: str) -> float:
    return float(colour.luminance(np.array(colour.parse_hex(tone), dtype=np.uint8)))


def _down(ratio: float) -> float:
    """Two decimals, never rounded up: 4.498 is shown as 4.49 and does not look like a pass."""
    return int(ratio * 100) / 100
