"""Lines and labels that were drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from image_studio.brand.checks import Subject
from image_studio.brand.checks.lines import Lines
from image_studio.brand.kit import Layout, TextPlacement
from image_studio.imaging.geometry import Box

from .conftest import CHANNEL, KIT, text

DEMANDING = replace(
    KIT, layouts=(Layout(texts=(TextPlacement(line="headline"), TextPlacement(line="legal", optional=False))),)
)
PHOTO = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
SUBJECT = Subject(kit=DEMANDING, image=Image.new("RGB", (400, 300)), channel=CHANNEL, locale="en", source_type=PHOTO)
LEGAL = text(Box(20, 240, 100, 30), name="legal", text="© Aura GmbH", lines=("© Aura", "GmbH"))
LABEL = text(Box(300, 240, 80, 20), name="label_ai", text="Made with AI", lines=("Made with AI",))


def codes(verdicts) -> list[tuple[str, str]]:
    return [(verdict.verdict, verdict.code) for verdict in verdicts]


def test_passes_each_line_that_was_drawn(judge) -> None:
    drawn, label = judge(Lines(), SUBJECT, placed=(LEGAL,))
    assert (drawn.verdict, drawn.code, drawn.kind) == ("pass", "line.drawn", "composed")
    assert (drawn.params["text"], drawn.params["font"]) == ("© Aura GmbH", "Aura Sans")
    assert drawn.region == (0.05, 0.8, 0.25, 0.1)
    assert (label.verdict, label.code) == ("pass", "label.none_needed")


def test_fails_where_a_demanded_line_is_missing(judge) -> None:
    verdicts = judge(Lines(), SUBJECT, placed=(text(Box(0, 0, 50, 20)),))
    assert ("fail", "line.missing") in codes(verdicts)
    assert next(v for v in verdicts if v.code == "line.missing").params == {"line": "legal", "locale": "en"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lines": ("© Aura",)}, "line.altered"),
        ({"box": Box(320, 240, 100, 30)}, "line.cut_off"),
        ({"size": 15}, "line.too_small"),
    ],
)
def test_fails_a_line_that_is_not_as_it_should_be(judge, change, code) -> None:
    verdict = judge(Lines(), SUBJECT, placed=(replace(LEGAL, **change),))[0]
    assert (verdict.verdict, verdict.code) == ("fail", code)
    assert verdict.region is not None


def test_a_box_over_the_edge_is_marked_up_to_the_edge(judge) -> None:
    verdict = judge(Lines(), SUBJECT, placed=(replace(LEGAL, box=Box(320, 240, 100, 30)),))[0]
    assert verdict.region == (0.8, 0.8, 0.2, 0.1)


def test_a_generated_picture_must_carry_its_label(judge) -> None:
    generated = {"source_type": "trainedAlgorithmicMedia"}
    assert ("fail", "label.missing") in codes(judge(Lines(), SUBJECT, placed=(LEGAL,), **generated))
    with_label = judge(Lines(), SUBJECT, placed=(LEGAL, LABEL), **generated)
    assert codes(with_label)[-1] == ("pass", "label.true")
    assert with_label[-1].region == (0.75, 0.8, 0.2, 0.0667)
    composite = replace(LABEL, name="label_composite")
    blend = {"source_type": "compositeWithTrainedAlgorithmicMedia"}
    assert codes(judge(Lines(), SUBJECT, placed=(LEGAL, composite), **blend))[-1] == ("pass", "label.true")


def test_a_photograph_must_not_carry_one(judge) -> None:
    verdict = judge(Lines(), SUBJECT, placed=(LEGAL, LABEL))[-1]
    assert (verdict.verdict, verdict.code) == ("fail", "label.untrue")
    assert verdict.region == (0.75, 0.8, 0.2, 0.0667)


def test_a_placeholder_says_that_it_is_one(judge) -> None:
    assert ("fail", "label.missing") in codes(judge(Lines(), SUBJECT, placeholder=True, placed=(LEGAL,)))
    own = replace(LABEL, name="label_placeholder")
    assert codes(judge(Lines(), SUBJECT, placeholder=True, placed=(LEGAL, own)))[-1] == ("pass", "label.true")


def test_what_may_be_synthetic_may_but_need_not_be_labelled(judge) -> None:
    synthetic = {"source_type": "compositeSynthetic"}
    assert codes(judge(Lines(), SUBJECT, placed=(LEGAL,), **synthetic))[-1] == ("pass", "label.none_needed")
    assert codes(judge(Lines(), SUBJECT, placed=(LEGAL, LABEL), **synthetic))[-1] == ("pass", "label.true")


def test_does_not_run_without_a_picture_or_a_source(judge) -> None:
    assert codes(judge(Lines(), SUBJECT, image=None)) == [("not_run", "check.no_image")]
    assert codes(judge(Lines(), SUBJECT, placed=(LEGAL,), source_type=""))[-1] == ("not_run", "label.source_unknown")


def test_the_layout_of_the_channel_decides(judge) -> None:
    kit = replace(KIT, layouts=(*DEMANDING.layouts, Layout(channel="card")))
    assert ("fail", "line.missing") not in codes(judge(Lines(), replace(SUBJECT, kit=kit)))
    other = replace(CHANNEL, slug="story")
    assert ("fail", "line.missing") in codes(judge(Lines(), replace(SUBJECT, kit=kit), channel=other))


def test_arabic_lines_are_compared_as_they_are_read(judge) -> None:
    placed = replace(LEGAL, locale="ar", text="ضوء يبقى", lines=("ضوء", "يبقى"), direction="rtl")
    assert judge(Lines(), SUBJECT, placed=(placed,))[0].code == "line.drawn"
