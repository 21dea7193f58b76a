"""Contrast under every text and logo."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from image_studio.brand.checks import Subject
from image_studio.brand.checks.contrast import Contrast
from image_studio.brand.kit import CheckSetting
from image_studio.imaging.colour import contrast_ratio
from image_studio.imaging.geometry import Box

from .conftest import KIT, logo, text

BOX = Box(40, 30, 200, 60)


def on(ground: str) -> Subject:
    under = Image.new("RGB", (400, 300), ground)
    return Subject(kit=KIT, image=under.copy(), under=under, locale="en")


@pytest.mark.parametrize(
    ("ink", "ground", "size", "verdict"),
    [
        ("#777777", "#ffffff", 47, "fail"),  # 4.478: rounding to 4.5 is the classic bug
        ("#767676", "#ffffff", 47, "pass"),  # 4.542
        ("#949494", "#ffffff", 48, "pass"),  # 3.033, large
        ("#959595", "#ffffff", 48, "fail"),  # 2.995
        ("#949494", "#ffffff", 47, "fail"),
    ],
)
def test_text_is_judged_by_the_wcag_ratio(judge, ink, ground, size, verdict) -> None:
    (found,) = judge(Contrast(), on(ground), placed=(text(BOX, colour=ink, size=size),))
    assert found.verdict == verdict
    assert found.score == pytest.approx(contrast_ratio(ink, ground), abs=1e-3)
    assert found.region == (0.1, 0.1, 0.5, 0.2)
    assert found.params["ratio"] <= found.score


def test_the_worst_part_of_the_ground_counts_not_the_mean(judge) -> None:
    subject = on("#0b3d91")
    subject.under.paste("#f0f0f0", (40, 30, 80, 90))  # a fifth of the box
    (found,) = judge(Contrast(), subject, placed=(text(BOX, colour="#ffffff"),))
    assert found.verdict == "fail"
    assert found.score == pytest.approx(contrast_ratio("#ffffff", "#f0f0f0"), abs=1e-3)


def test_specks_below_the_percentile_do_not_count(judge) -> None:
    subject = on("#0b3d91")
    subject.under.paste("#ffffff", (40, 30, 48, 90))  # 4 % of the box
    assert judge(Contrast(), subject, placed=(text(BOX),))[0].verdict == "pass"
    assert judge(Contrast(percentile=1.0), subject, placed=(text(BOX),))[0].verdict == "fail"


def test_a_kit_may_ask_for_more_or_only_warn(judge) -> None:
    subject, placed = on("#ffffff"), (text(BOX, colour="#767676"),)
    strict = replace(KIT, checks=(CheckSetting(check="contrast", severity="warn", options={"text": 7.0}),))
    (found,) = judge(Contrast(), replace(subject, kit=strict), placed=placed)
    assert (found.verdict, found.params["needed"], found.blocks) == ("warn", 7.0, False)


def test_density_says_what_is_large(judge) -> None:
    placed = (text(BOX, colour="#949494", size=30),)
    assert judge(Contrast(), on("#ffffff"), placed=placed)[0].verdict == "fail"
    assert judge(Contrast(density=1.0), on("#ffffff"), placed=placed)[0].verdict == "pass"


def logo_on(ground: str, ink: str, plate: str = "") -> Subject:
    subject = on(ground)
    draw = ImageDraw.Draw(subject.image)
    if plate:
        draw.rectangle((40, 30, 239, 89), fill=plate)
    draw.ellipse((60, 35, 220, 85), fill=ink)
    return subject


def test_a_logo_is_judged_by_its_own_ink(judge) -> None:
    (found,) = judge(Contrast(), logo_on("#ffffff", "#0b3d91"), placed=(logo(BOX),))
    assert (found.verdict, found.region) == ("pass", (0.1, 0.1, 0.5, 0.2))
    assert found.score == pytest.approx(contrast_ratio("#0b3d91", "#ffffff"), abs=1e-3)
    (found,) = judge(Contrast(), logo_on("#ffffff", "#c0c0c0"), placed=(logo(BOX),))
    assert (found.verdict, found.params["needed"]) == ("fail", 3.0)


def test_a_logo_that_cannot_be_seen_fails_with_one(judge) -> None:
    (found,) = judge(Contrast(), logo_on("#ffffff", "#fafafa"), placed=(logo(BOX),))
    assert (found.verdict, found.score) == ("fail", 1.0)


def test_a_plate_that_melts_into_the_ground_does_not_hide_the_mark_on_it(judge) -> None:
    (found,) = judge(Contrast(), logo_on("#ffffff", "#0b3d91", plate="#fdfdfd"), placed=(logo(BOX),))
    assert found.verdict == "pass"


def test_every_layer_has_its_verdict(judge) -> None:
    subject = logo_on("#ffffff", "#0b3d91")
    low = text(Box(0, 200, 100, 40), name="legal", colour="#eeeeee")
    found = judge(Contrast(), subject, placed=(logo(BOX), low))
    assert [(v.params["layer"], v.verdict) for v in found] == [("Aura", "pass"), ("legal", "fail")]


def test_does_not_run_without_layers_ground_or_canvas(judge) -> None:
    assert judge(Contrast(), on("#ffffff"))[0].code == "contrast.nothing_placed"
    assert judge(Contrast(), on("#ffffff"), placed=(text(BOX),), under=None)[0].code == "contrast.no_ground"
    other = Image.new("RGB", (10, 10))
    assert judge(Contrast(), on("#ffffff"), placed=(text(BOX),), under=other)[0].code == "contrast.no_ground"
    (found,) = judge(Contrast(), on("#ffffff"), placed=(text(Box(500, 0, 10, 10)),))
    assert (found.verdict, found.code) == ("not_run", "contrast.off_canvas")
