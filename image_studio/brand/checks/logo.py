"""The logo: there, the right file, wide enough, and with its clear space kept free."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from image_studio.brand.checks.base import Check, Subject, Verdict
from image_studio.brand.parts import LogoPlacement
from image_studio.imaging.geometry import Box
from image_studio.imaging.layers import Placed


@dataclass(frozen=True, kw_only=True)
class LogoGeometry(Check):
    """Geometry of the logos that we placed. Score: the logo's width as a fraction of the canvas.

    :param low: and ``high``: the width that is usual, as fractions of the canvas, where the kit's layout names none.
    :param slack: how far the drawn width may be from the layout's, as a fraction of the canvas.
    """

    name: ClassVar[str] = "logo"
    low: float = 0.10
    high: float = 0.16
    slack: float = 0.005

    def run(self, subject: Subject) -> tuple[Verdict, ...]:
        if subject.size is None:
            return (self.not_run("check.no_image"),)
        wanted = subject.kit.layout_for(subject.channel.slug if subject.channel else "*").logo
        logos = [placed for placed in subject.placed if placed.kind == "logo"]
        if not logos:
            return (self.failed("logo.missing"),) if wanted else (self.not_run("logo.none_demanded"),)
        return tuple(verdict for logo in logos for verdict in self._logo(subject, logo, wanted))

    def _logo(self, subject: Subject, logo: Placed, wanted: LogoPlacement | None) -> tuple[Verdict, ...]:
        found = (
            *self._file(subject, logo),
            *self._width(subject, logo, wanted),
            *self._clear_space(subject, logo),
        )
        passed = self.passed("logo.placed", name=logo.name, **self._facts(subject, logo))
        return found or (passed,)

    def _facts(self, subject: Subject, logo: Placed) -> dict[str, object]:
        share = round(logo.size / subject.size[0], 4) if subject.size else 0.0
        return {
            "width": logo.size,
            "percent": round(share * 100, 1),
            "score": share,
            "region": subject.region(logo.box),
        }

    def _file(self, subject: Subject, logo: Placed) -> Iterator[Verdict]:
        known = {item.sha256 for item in subject.kit.logos if item.sha256}
        if known and logo.sha256 not in known:
            yield self.failed("logo.other_file", kind="composed", name=logo.name, region=subject.region(logo.box))

    def _width(self, subject: Subject, logo: Placed, wanted: LogoPlacement | None) -> Iterator[Verdict]:
        share, minimum = logo.size / (subject.size or (1, 1))[0], _minimum(subject, logo)
        facts = {"name": logo.name, **self._facts(subject, logo)}
        if logo.size < minimum:
            yield self.failed("logo.too_small", **facts, minimum=minimum)
        elif wanted and share < wanted.width - self.slack:  # the composer shrinks a logo to its room, never silently
            yield self.warned("logo.narrower", **facts, wanted=round(wanted.width * 100, 1))
        elif wanted and share > wanted.width + self.slack and logo.size != minimum:
            yield self.failed("logo.wider", **facts, wanted=round(wanted.width * 100, 1))
        elif not wanted and not self.low <= share <= self.high:
            low, high = round(self.low * 100, 1), round(self.high * 100, 1)
            yield self.warned("logo.unusual_width", **facts, low=low, high=high)

    def _clear_space(self, subject: Subject, logo: Placed) -> Iterator[Verdict]:
        if subject.size and not Box(0, 0, *subject.size).holds(logo.clear):
            yield self.failed("logo.at_the_edge", name=logo.name, region=subject.region(logo.clear))
        for other in subject.placed:
            if other is not logo and other.box.meets(logo.clear):
                yield self.failed("logo.crowded", name=logo.name, by=other.name, region=subject.region(other.box))


def _minimum(subject: Subject, logo: Placed) -> int:
    """The kit's smallest width of the version that was drawn, else what the composer was given."""
    versions = [item.min_width for item in subject.kit.logos if item.sha256 and item.sha256 == logo.sha256]
    return max([logo.minimum, *versions])
