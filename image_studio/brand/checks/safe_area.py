"""Nothing that we drew lies under the channel's own furniture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from image_studio.brand.checks.base import Check, Subject, Verdict
from image_studio.catalog.specs import ChannelSpec
from image_studio.imaging.geometry import Box


@dataclass(frozen=True, kw_only=True)
class SafeArea(Check):
    """Every placed box lies in the channel's safe box.

    Score of a failure: pixels by which the box sticks out. The safe box scales with the picture.

    :param slack: pixels that may stick out, for rounding.
    """

    name: ClassVar[str] = "safe_area"
    slack: int = 1

    def run(self, subject: Subject) -> tuple[Verdict, ...]:
        if subject.channel is None or subject.size is None:
            return (self.not_run("check.no_channel"),)
        if not subject.placed:
            return (self.not_run("safe_area.nothing_placed"),)
        safe = safe_box(subject.channel, subject.size)
        passed = self.passed("safe_area.inside", layers=len(subject.placed), channel=subject.channel.slug)
        return tuple(self._outside(subject, safe)) or (passed,)

    def _outside(self, subject: Subject, safe: Box) -> Iterator[Verdict]:
        for placed in subject.placed:
            out = overhang(placed.box, safe)
            if out > self.slack:
                facts = {"layer": placed.name, "pixels": out}
                yield self.failed("safe_area.outside", **facts, score=float(out), region=subject.region(placed.box))


def safe_box(channel: ChannelSpec, size: tuple[int, int]) -> Box:
    """The channel's safe rectangle on a canvas of ``size``."""
    left, top, width, height = channel.safe_box
    across, down = size[0] / channel.width, size[1] / channel.height
    return Box(round(left * across), round(top * down), round(width * across), round(height * down))


def overhang(box: Box, frame: Box) -> int:
    """How many pixels a box sticks out of a frame, at its worst side; 0 or less where it does not."""
    return max(frame.left - box.left, frame.top - box.top, box.right - frame.right, box.bottom - frame.bottom)
