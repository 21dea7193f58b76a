"""The file as the channel wants it: size, format, weight; and a picture that is really there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageStat

from image_studio.brand.checks.base import Check, Subject, Verdict, rgb_pixels
from image_studio.imaging.colour import to_hex
from image_studio.imaging.geometry import Box


@dataclass(frozen=True, kw_only=True)
class File(Check):
    """One verdict per question, so that what could not be asked is counted as not run.

    :param blank: largest standard deviation (0 to 255) of a picture that shows nothing.
    :param band: smallest flat band along an edge that is reported, as a fraction of that side; 1 reports none.
    :param upscale: largest enlargement without a warning.
    """

    name: ClassVar[str] = "file"
    bare: ClassVar[bool] = True
    blank: float = 2.0
    band: float = 0.02
    upscale: float = 1.0

    def run(self, subject: Subject) -> tuple[Verdict, ...]:
        return (*self._channel(subject), *self._picture(subject), self._enlarged(subject))

    def _channel(self, subject: Subject) -> Iterator[Verdict]:
        if subject.channel is None:
            yield self.not_run("check.no_channel")
            return
        yield self._size(subject)
        yield self._format(subject)
        yield self._weight(subject)

    def _size(self, subject: Subject) -> Verdict:
        if subject.image is None or subject.channel is None:
            return self.not_run("check.no_image")
        (width, height), (w, h) = subject.image.size, subject.channel.size
        facts = {"width": width, "height": height, "channel": subject.channel.name, "wanted": f"{w} x {h}"}
        if (width, height) == (w, h):
            return self.passed("file.size", **facts)
        same_ratio = abs(width * h - w * height) <= max(w, h)  # within the rounding of one pixel
        return self.failed("file.other_size" if same_ratio else "file.other_ratio", **facts)

    def _format(self, subject: Subject) -> Verdict:
        formats = subject.channel.formats if subject.channel else ()
        facts = {"format": subject.format, "allowed": ", ".join(formats)}
        if not subject.format:
            return self.not_run("file.format_unknown")
        return (
            self.passed("file.format", **facts)
            if subject.format in formats
            else self.failed("file.other_format", **facts)
        )

    def _weight(self, subject: Subject) -> Verdict:
        limit = subject.channel.max_bytes if subject.channel else 0
        facts = {"bytes": subject.weight, "limit": limit}
        if not subject.weight:
            return self.not_run("file.weight_unknown")
        if limit and subject.weight > limit:
            return self.failed("file.too_heavy", **facts, score=float(subject.weight))
        return self.passed("file.weight" if limit else "file.weight_free", **facts, score=float(subject.weight))

    def _picture(self, subject: Subject) -> Iterator[Verdict]:
        ground = subject.under if subject.under is not None else subject.image
        if subject.image is None or ground is None:
            yield self.not_run("check.no_image")
            return
        blank = self._blank(subject, ground)
        yield blank
        if blank.code == "file.not_blank":  # a blank picture is one band, and has been said to be blank
            yield from self._bands(subject, ground)

    def _blank(self, subject: Subject, ground: Image.Image) -> Verdict:
        deviation = _deviation(ground)
        facts = {"deviation": round(deviation, 2), "score": round(deviation, 4)}
        if deviation > self.blank:
            return self.passed("file.not_blank", **facts)
        flat = subject.image is None or _deviation(subject.image) <= self.blank
        whole = (0.0, 0.0, 1.0, 1.0)
        if flat:
            return self.failed("file.blank", **facts, region=whole)
        return self.warned("file.blank_ground", **facts, region=whole)

    def _bands(self, subject: Subject, ground: Image.Image) -> Iterator[Verdict]:
        pixels = subject.ground if subject.under is not None else subject.pixels
        found = [] if pixels is None else [b for b in find_bands(pixels) if _share(b, ground.size) >= self.band]
        for band in found:
            tone = to_hex(pixels[band.top, band.left]) if pixels is not None else ""
            share = _share(band, ground.size)
            facts = {"colour": tone, "percent": round(share * 100, 1), "score": round(share, 4)}
            yield self.warned("file.band", **facts, region=band.region(ground.size))
        if not found:
            yield self.passed("file.no_bands", percent=round(self.band * 100, 1))

    def _enlarged(self, subject: Subject) -> Verdict:
        facts = {"factor": round(subject.upscaled, 2), "score": round(subject.upscaled, 4)}
        if subject.upscaled > self.upscale + 0.005:
            return self.warned("file.enlarged", **facts)
        return self.passed("file.not_enlarged", **facts)


def _deviation(image: Image.Image) -> float:
    """The largest standard deviation of a channel, on a copy reduced so far that noise does not count."""
    if image.mode != "RGB":
        image = Image.fromarray(rgb_pixels(image))
    factor = max(1, min(image.size) // 128)
    return float(max(ImageStat.Stat(image.reduce(factor)).stddev))


def _share(band: Box, size: tuple[int, int]) -> float:
    """A band's thickness as a fraction of the side that it eats into."""
    return band.height / size[1] if band.width == size[0] else band.width / size[0]


def find_bands(pixels: NDArray[np.uint8]) -> list[Box]:
    """Flat bands along the edges of ``(height, width, 3)`` pixels: letterbox, pillarbox, one-sided padding.

    A band is a run of rows of one colour that ends in a hard edge along most of its length: a sky or a studio ground
    is flat too, but what it ends in is an object, not an edge from side to side.
    """
    height, width = pixels.shape[:2]
    turned = pixels.transpose(1, 0, 2)
    top, bottom = _band(pixels), _band(pixels[::-1])
    left, right = _band(turned), _band(turned[::-1])
    boxes = [
        Box(0, 0, width, top),
        Box(0, height - bottom, width, bottom),
        Box(0, 0, left, height),
        Box(width - right, 0, right, height),
    ]
    return [box for box in boxes if box.width and box.height]


def _band(rows: NDArray[np.uint8], tolerance: int = 10) -> int:
    """How many rows from the first on are one flat colour; 0 where no hard edge ends them."""
    step = max(1, rows.shape[1] // 256)
    first = rows[0, ::step].astype(np.int16)
    if np.max(np.ptp(first, axis=0)) > 2 * tolerance:  # nearly every picture ends here
        return 0
    count = _flat_rows(rows[:, ::step], np.median(first, axis=0).astype(np.int16), tolerance)
    if count in (0, len(rows)):
        return 0
    # two rows on, because resampling and JPEG soften an edge over two
    inside = rows[min(count + 2, len(rows) - 1), ::step].astype(np.int16)
    edge = np.abs(inside - first).max(axis=-1) > 2 * tolerance
    return count if edge.mean() >= 0.6 else 0


def _flat_rows(rows: NDArray[np.uint8], tone: NDArray[np.int16], tolerance: int, block: int = 32) -> int:
    """How many rows from the first on keep to a tone. In blocks: bands are thin, pictures are not."""
    for start in range(0, len(rows), block):
        unlike = np.abs(rows[start : start + block].astype(np.int16) - tone).max(axis=(1, 2)) > tolerance
        if unlike.any():
            return start + int(np.argmax(unlike))
    return len(rows)
