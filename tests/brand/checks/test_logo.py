"""The geometry of the logo."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from image_studio.brand.checks import Subject
from image_studio.brand.checks.logo import LogoGeometry
from image_studio.brand.kit import Layout, Logo, LogoPlacement
from image_studio.imaging.geometry import Box

from .conftest import CHANNEL, KIT, logo, text

LOGOS = (Logo(name="Aura", file="logos/aura.png", sha256="aa", min_width=40),)
LAID_OUT = replace(KIT, logos=LOGOS, layouts=(Layout(logo=LogoPlacement(width=0.2)),))
SUBJECT = Subject(kit=LAID_OUT, image=Image.new("RGB", (400, 300)), channel=CHANNEL)
GOOD = logo(Box(20, 30, 80, 30))


def test_passes_with_its_width(judge) -> None:
    (found,) = judge(LogoGeometry(), SUBJECT, placed=(GOOD, text(Box(20, 200, 300, 50))))
    assert (found.verdict, found.code, found.score) == ("pass", "logo.placed", 0.2)
    assert found.region == (0.05, 0.1, 0.2, 0.1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"size": 36}, "logo.too_small"),
        ({"size": 90}, "logo.wider"),
        ({"sha256": "bb"}, "logo.other_file"),
        ({"clear": Box(-5, 15, 130, 60)}, "logo.at_the_edge"),
    ],
)
def test_fails(judge, change, code) -> None:
    (found,) = judge(LogoGeometry(), SUBJECT, placed=(replace(GOOD, **change),))
    assert (found.verdict, found.code) == ("fail", code)
    assert found.region is not None


def test_a_logo_that_was_shrunk_to_its_room_warns(judge) -> None:
    (found,) = judge(LogoGeometry(), SUBJECT, placed=(replace(GOOD, size=60),))
    assert (found.verdict, found.code, found.params["wanted"]) == ("warn", "logo.narrower", 20.0)
    assert found.region == (0.05, 0.1, 0.2, 0.1)


def test_clear_space_over_the_edge_is_marked_inside_the_picture(judge) -> None:
    (found,) = judge(LogoGeometry(), SUBJECT, placed=(replace(GOOD, clear=Box(-5, 15, 125, 60)),))
    assert found.region == (0.0, 0.05, 0.3, 0.2)


def test_the_kits_smallest_width_may_be_wider_than_the_layout(judge) -> None:
    kit = replace(LAID_OUT, logos=(replace(LOGOS[0], min_width=100),))
    assert judge(LogoGeometry(), replace(SUBJECT, kit=kit), placed=(replace(GOOD, size=100),))[0].verdict == "pass"
    (found,) = judge(LogoGeometry(), replace(SUBJECT, kit=kit), placed=(GOOD,))
    assert (found.code, found.params["minimum"]) == ("logo.too_small", 100)


def test_crowded_names_and_marks_the_intruder(judge) -> None:
    intruder = text(Box(100, 60, 200, 60))
    (found,) = judge(LogoGeometry(), SUBJECT, placed=(GOOD, intruder))
    assert (found.verdict, found.code, found.params["by"]) == ("fail", "logo.crowded", "headline")
    assert found.region == (0.25, 0.2, 0.5, 0.2)
    assert (
        judge(LogoGeometry(), SUBJECT, placed=(GOOD, replace(intruder, box=Box(110, 70, 200, 60))))[0].code
        == "logo.placed"
    )


def test_another_file_is_known_not_measured(judge) -> None:
    (found,) = judge(LogoGeometry(), SUBJECT, placed=(replace(GOOD, sha256="bb"),))
    assert found.kind == "composed"


def test_warns_about_an_unusual_width_where_the_kit_names_none(judge) -> None:
    bare = replace(SUBJECT, kit=replace(KIT, logos=LOGOS))
    (found,) = judge(LogoGeometry(), bare, placed=(GOOD,))
    assert (found.verdict, found.code, found.params["high"]) == ("warn", "logo.unusual_width", 16.0)
    assert judge(LogoGeometry(), bare, placed=(replace(GOOD, size=56),))[0].verdict == "pass"
    assert judge(LogoGeometry(high=0.25), bare, placed=(GOOD,))[0].verdict == "pass"


def test_a_demanded_logo_that_is_missing_fails(judge) -> None:
    (found,) = judge(LogoGeometry(), SUBJECT)
    assert (found.verdict, found.code) == ("fail", "logo.missing")


def test_does_not_run_where_none_is_demanded_or_nothing_is_known(judge) -> None:
    assert judge(LogoGeometry(), replace(SUBJECT, kit=KIT))[0].code == "logo.none_demanded"
    assert judge(LogoGeometry(), Subject(kit=LAID_OUT))[0].code == "check.no_image"


def test_a_channels_own_layout_may_demand_none(judge) -> None:
    kit = replace(LAID_OUT, layouts=(*LAID_OUT.layouts, Layout(channel="card")))
    assert judge(LogoGeometry(), replace(SUBJECT, kit=kit))[0].code == "logo.none_demanded"
