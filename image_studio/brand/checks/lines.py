"""Lines and labels that we drew: known exactly, because the composer says what it placed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from image_studio.brand.checks.base import Check, Subject, Verdict
from image_studio.brand.parts import LABELS
from image_studio.imaging.geometry import Box
from image_studio.imaging.layers import Placed

# By IPTC digital source type. A generated picture becomes a composite once a logo or a line is drawn on it, so that
# either of the two labels is true for both.
AI_LABELS = ("label_ai", "label_composite")
GENERATED = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")
MAYBE_GENERATED = ("compositeSynthetic",)  # synthetic may mean rendered by hand: a label is right, but not demanded


@dataclass(frozen=True, kw_only=True)
class Lines(Check):
    """Every line that the layout demands was drawn, whole and large enough; the label is the true one."""

    name: ClassVar[str] = "lines"
    kind: ClassVar[str] = "composed"

    def run(self, subject: Subject) -> tuple[Verdict, ...]:
        if subject.image is None:
            return (self.not_run("check.no_image"),)
        return (*self._demanded(subject), *self._drawn(subject), *self._label(subject))

    def _demanded(self, subject: Subject) -> Iterator[Verdict]:
        there = {placed.name for placed in subject.placed if placed.kind == "text"}
        layout = subject.kit.layout_for(subject.channel.slug if subject.channel else "*")
        for text in layout.texts:
            if not text.optional and text.line not in there:
                yield self.failed("line.missing", line=text.line, locale=subject.locale)

    def _drawn(self, subject: Subject) -> Iterator[Verdict]:
        for placed in subject.placed:
            if placed.kind == "text":
                yield self._one(subject, placed)

    def _one(self, subject: Subject, placed: Placed) -> Verdict:
        region = subject.region(placed.box)
        facts = {"line": placed.name, "locale": placed.locale, "text": placed.text}
        if "".join(" ".join(placed.lines).split()) != "".join(placed.text.split()):
            return self.failed("line.altered", **facts, drawn=" ".join(placed.lines), region=region)
        if subject.size and not Box(0, 0, *subject.size).holds(placed.box):
            return self.failed("line.cut_off", **facts, region=region)
        if placed.size < placed.minimum:
            sizes = {"size": placed.size, "minimum": placed.minimum}
            return self.failed("line.too_small", **facts, **sizes, score=float(placed.size), region=region)
        return self.passed("line.drawn", **facts, font=placed.font, size=placed.size, region=region)

    def _label(self, subject: Subject) -> Iterator[Verdict]:
        source = "placeholder" if subject.placeholder else subject.source
        if not source:
            yield self.not_run("label.source_unknown")
            return
        drawn = [placed for placed in subject.placed if placed.name in LABELS]
        true, demanded = _labels(source)
        for placed in drawn:
            facts = {"label": placed.name, "source": source, "region": subject.region(placed.box)}
            yield self.passed("label.true", **facts) if placed.name in true else self.failed("label.untrue", **facts)
        if demanded and not any(placed.name in true for placed in drawn):
            yield self.failed("label.missing", label=true[0], source=source)
        if not demanded and not drawn:
            yield self.passed("label.none_needed", source=source)


def _labels(source: str) -> tuple[tuple[str, ...], bool]:
    """The labels that are true for a source type, and whether one of them must be there."""
    if source == "placeholder":
        return ("label_placeholder",), True
    return (AI_LABELS if source in (*GENERATED, *MAYBE_GENERATED) else ()), source in GENERATED
