"""How much of the picture lies on the palette."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from image_studio.brand.checks import Subject
from image_studio.brand.checks.palette import Palette, is_photographic
from image_studio.brand.kit import CheckSetting

from .conftest import KIT, noise

URI = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def flat(*patches: tuple[str, tuple[int, int, int, int]]) -> Subject:
    image = Image.new("RGB", (400, 320), "#0b3d91")
    for fill, box in patches:
        image.paste(fill, box)
    return Subject(kit=KIT, image=image)


def test_passes_with_the_shares(judge) -> None:
    (found,) = judge(Palette(), flat(("#ffffff", (0, 0, 400, 80)), ("#20c020", (0, 300, 40, 320))))
    assert (found.verdict, found.code, found.kind) == ("pass", "palette.on", "measured")
    assert found.score == pytest.approx(40 * 20 / (400 * 320))
    assert found.params["shares"] == "Night 74%, Paper 25%"


def test_warns_on_drift_and_marks_the_worst_tile(judge) -> None:
    (found,) = judge(Palette(), flat(("#20c020", (200, 160, 330, 280))))
    assert (found.verdict, found.code) == ("warn", "palette.drifts")
    assert found.score == pytest.approx(130 * 120 / (400 * 320), abs=1e-6)
    assert found.region == (0.5, 0.5, 0.125, 0.125)


def test_fails_when_much_is_far_off(judge) -> None:
    (found,) = judge(Palette(), flat(("#20c020", (0, 0, 400, 120))))
    assert (found.verdict, found.code, found.blocks) == ("fail", "palette.off", True)
    assert found.params["far"] == pytest.approx(37.5)


def test_a_colour_only_just_off_never_fails(judge) -> None:
    near = Image.new("RGB", (400, 320), (20, 82, 165))
    (found,) = judge(Palette(), Subject(kit=KIT, image=near))
    assert (found.verdict, found.score, found.params["far"]) == ("warn", 1.0, 0.0)


PHOTOGRAPHIC = ["digitalCapture", URI + "algorithmicallyEnhanced", URI + "trainedAlgorithmicMedia", ""]


@pytest.mark.parametrize("source", PHOTOGRAPHIC)
def test_a_photograph_without_the_palette_is_warned_about(judge, source) -> None:
    (found,) = judge(Palette(), Subject(kit=KIT, image=noise(), source_type=source))
    assert (found.verdict, found.code) == ("warn", "palette.photograph_without")
    assert found.score == pytest.approx(1.0, abs=0.005)
    assert found.region is not None


@pytest.mark.parametrize("source", PHOTOGRAPHIC)
def test_a_photograph_that_shows_the_palette_passes_with_its_figures(judge, source) -> None:
    image = noise()
    image.paste("#0b3d91", (0, 0, 100, 60))
    (found,) = judge(Palette(), Subject(kit=KIT, image=image, source_type=source))
    assert (found.verdict, found.code) == ("pass", "palette.photograph")
    assert found.score == pytest.approx(0.95, abs=0.005)
    assert judge(Palette(photo=0.9), Subject(kit=KIT, image=image, source_type=source))[0].verdict == "warn"


def test_the_source_type_wins_over_the_statistics() -> None:
    assert is_photographic(replace(flat(), source_type="digitalCapture"))
    assert not is_photographic(Subject(kit=KIT, image=noise(), source_type=URI + "digitalCreation"))
    assert is_photographic(Subject(kit=KIT, image=noise()))
    assert not is_photographic(flat(("#20c020", (0, 0, 100, 100))))


def test_statistics_are_taken_under_the_overlay() -> None:
    assert not is_photographic(Subject(kit=KIT, image=noise(), under=Image.new("RGB", (400, 300))))


def test_limits_are_options_of_the_kit(judge) -> None:
    kit = replace(KIT, checks=(CheckSetting(check="palette", blocks=False, options={"fail": 0.01, "warn": 0.01}),))
    subject = replace(flat(("#20c020", (0, 0, 40, 80))), kit=kit)
    (found,) = judge(Palette(), subject)
    assert (found.verdict, found.blocks) == ("fail", False)


def test_does_not_run_without_picture_or_palette(judge) -> None:
    assert judge(Palette(), Subject(kit=KIT))[0].code == "check.no_image"
    assert judge(Palette(), replace(flat(), kit=replace(KIT, palette=())))[0].code == "palette.none"
