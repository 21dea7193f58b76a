"""How much of the picture lies on the brand's palette."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from image_studio.brand.checks.base import Check, Subject, Verdict
from image_studio.imaging import colour

# IPTC digital source types whose pictures hold skin, sky and food, which no palette lists
PHOTOGRAPHS = (
    "digitalCapture",
    "negativeFilm",
    "positiveFilm",
    "print",
    "humanEdits",
    "computationalCapture",
    "compositeCapture",
    "algorithmicallyEnhanced",
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
)
DRAWINGS = ("digitalCreation", "digitalArt", "algorithmicMedia", "screenCapture", "dataDrivenMedia", "virtualRecording")


@dataclass(frozen=True, kw_only=True)
class Palette(Check):
    """Share of pixels within the CIEDE2000 tolerance of some swatch. Score: the share off the palette, 0 to 1.

    With the usual tolerance of 5, off means dE00 above 5 and far off above 10, the two limits for generated flat
    pictures. A photograph may be off the palette; it is warned about where next to nothing of it is on.

    :param warn: largest share that may be off the palette.
    :param fail: largest share that may be far off.
    :param photo: largest share of a photograph that may be off without a warning.
    """

    name: ClassVar[str] = "palette"
    bare: ClassVar[bool] = True
    warn: float = 0.10
    fail: float = 0.20
    photo: float = 0.995

    def run(self, subject: Subject) -> tuple[Verdict, ...]:
        if subject.image is None:
            return (self.not_run("check.no_image"),)
        if not subject.kit.palette:
            return (self.not_run("palette.none"),)
        tones = [(swatch.hex, swatch.tolerance) for swatch in subject.kit.palette]
        return (self._judge(subject, colour.palette_shares(subject.image, tones)),)

    def _judge(self, subject: Subject, shares: colour.Shares) -> Verdict:
        per_swatch = zip(subject.kit.palette, shares.on, strict=True)
        listed = ", ".join(f"{swatch.name} {share:.0%}" for swatch, share in per_swatch if share >= 0.005)
        facts = {"percent": round(shares.off * 100, 1), "far": round(shares.far * 100, 1), "shares": listed or "-"}
        if shares.off <= self.warn:
            return self.passed("palette.on", **facts, score=shares.off)
        worst = {"score": shares.off, "region": subject.region(shares.worst)}
        if is_photographic(subject):
            return self._photograph(shares, facts, worst)
        if shares.far > self.fail:
            return self.failed("palette.off", **facts, **worst)
        return self.warned("palette.drifts", **facts, **worst)

    def _photograph(self, shares: colour.Shares, facts: dict[str, Any], worst: dict[str, Any]) -> Verdict:
        if shares.off > self.photo:
            return self.warned("palette.photograph_without", **facts, **worst)
        return self.passed("palette.photograph", **facts, score=shares.off)


def is_photographic(subject: Subject) -> bool:
    """By the source type where it says so, else by how many colours the picture uses."""
    if subject.source in PHOTOGRAPHS:
        return True
    if subject.source in DRAWINGS or subject.image is None:
        return False
    return colour.spread(subject.under or subject.image) > colour.PHOTOGRAPHIC
