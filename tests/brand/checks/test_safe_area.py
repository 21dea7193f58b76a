"""Placed layers against the channel's safe area: (20, 30) to (380, 240) on a card of 400 x 300."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from image_studio.brand.checks import Subject
from image_studio.brand.checks.safe_area import SafeArea, safe_box
from image_studio.brand.kit import CheckSetting
from image_studio.imaging.geometry import Box

from .conftest import CHANNEL, KIT, logo, text

SUBJECT = Subject(kit=KIT, image=Image.new("RGB", (400, 300)), channel=CHANNEL)


def test_passes_up_to_the_edge(judge) -> None:
    (found,) = judge(SafeArea(), SUBJECT, placed=(text(Box(20, 30, 360, 210)), logo(Box(20, 30, 50, 20))))
    assert (found.verdict, found.params) == ("pass", {"layers": 2, "channel": "card"})


@pytest.mark.parametrize(
    ("box", "out", "region"),
    [
        (Box(10, 100, 50, 20), 10, (0.025, 0.3333, 0.125, 0.0667)),
        (Box(100, 24, 50, 20), 6, (0.25, 0.08, 0.125, 0.0667)),
        (Box(350, 100, 40, 20), 10, (0.875, 0.3333, 0.1, 0.0667)),
        (Box(100, 235, 50, 30), 25, (0.25, 0.7833, 0.125, 0.1)),
    ],
)
def test_fails_and_marks_the_offender(judge, box, out, region) -> None:
    (found,) = judge(SafeArea(), SUBJECT, placed=(text(box, name="legal"), logo(Box(100, 100, 50, 20))))
    assert (found.verdict, found.code, found.params) == ("fail", "safe_area.outside", {"layer": "legal", "pixels": out})
    assert (found.score, found.region) == (float(out), region)


def test_every_offender_is_named(judge) -> None:
    found = judge(SafeArea(), SUBJECT, placed=(text(Box(0, 0, 9, 9)), logo(Box(390, 0, 9, 9))))
    assert [v.params["layer"] for v in found] == ["headline", "Aura"]


def test_rounding_is_forgiven(judge) -> None:
    assert judge(SafeArea(), SUBJECT, placed=(text(Box(19, 30, 50, 20)),))[0].verdict == "pass"
    assert judge(SafeArea(slack=0), SUBJECT, placed=(text(Box(19, 30, 50, 20)),))[0].verdict == "fail"


def test_warns_where_the_kit_says_so(judge) -> None:
    kit = replace(KIT, checks=(CheckSetting(check="safe_area", severity="warn"),))
    (found,) = judge(SafeArea(), replace(SUBJECT, kit=kit), placed=(text(Box(0, 0, 9, 9)),))
    assert (found.verdict, found.blocks) == ("warn", False)


def test_the_safe_box_scales_with_the_picture(judge) -> None:
    assert safe_box(CHANNEL, (800, 600)) == Box(40, 60, 720, 420)
    large = Image.new("RGB", (800, 600))
    assert judge(SafeArea(), SUBJECT, image=large, placed=(text(Box(30, 60, 90, 20)),))[0].params["pixels"] == 10


def test_a_layout_can_be_judged_before_there_is_a_picture(judge) -> None:
    (found,) = judge(SafeArea(), SUBJECT, image=None, placed=(text(Box(0, 30, 40, 30)),))
    assert (found.verdict, found.region) == ("fail", (0.0, 0.1, 0.1, 0.1))


def test_does_not_run_without_channel_or_layers(judge) -> None:
    assert judge(SafeArea(), SUBJECT, channel=None)[0].code == "check.no_channel"
    assert judge(SafeArea(), SUBJECT)[0].code == "safe_area.nothing_placed"
