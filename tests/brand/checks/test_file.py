"""The file as the channel wants it, and a picture that is really there."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from image_studio.brand.checks import Subject, Verdict
from image_studio.brand.checks.file import File, find_bands
from image_studio.imaging.geometry import Box

from .conftest import CHANNEL, KIT, noise

SUBJECT = Subject(kit=KIT, image=noise(), channel=CHANNEL, format="jpeg", weight=40_000)


def by_code(verdicts: list[Verdict]) -> dict[str, Verdict]:
    return {verdict.code: verdict for verdict in verdicts}


def test_passes_every_question(judge) -> None:
    verdicts = judge(File(), SUBJECT)
    assert {v.verdict for v in verdicts} == {"pass"}
    assert [v.code for v in verdicts] == [
        "file.size",
        "file.format",
        "file.weight",
        "file.not_blank",
        "file.no_bands",
        "file.not_enlarged",
    ]


def test_a_wrong_size_and_a_wrong_ratio_are_told_apart(judge) -> None:
    size = by_code(judge(File(), SUBJECT, image=noise((800, 600))))["file.other_size"]
    assert (size.verdict, size.params["width"], size.params["wanted"]) == ("fail", 800, "400 x 300")
    assert "file.other_size" in by_code(judge(File(), SUBJECT, image=noise((399, 299))))
    assert by_code(judge(File(), SUBJECT, image=noise((400, 280))))["file.other_ratio"].verdict == "fail"


def test_format_and_weight_are_the_channels(judge) -> None:
    found = by_code(judge(File(), SUBJECT, format="png", weight=50_001))
    assert found["file.other_format"].verdict == "fail"
    assert (found["file.too_heavy"].verdict, found["file.too_heavy"].score) == ("fail", 50_001.0)
    assert "file.weight" in by_code(judge(File(), SUBJECT, weight=50_000))
    free = replace(CHANNEL, max_bytes=0)
    assert by_code(judge(File(), SUBJECT, channel=free, weight=10**9))["file.weight_free"].verdict == "pass"


def test_what_is_not_known_yet_is_not_run(judge) -> None:
    found = by_code(judge(File(), SUBJECT, format="", weight=0))
    assert found["file.format_unknown"].verdict == "not_run"
    assert found["file.weight_unknown"].verdict == "not_run"
    bare = by_code(judge(File(), Subject(kit=KIT)))
    assert (bare["check.no_channel"].verdict, bare["check.no_image"].verdict) == ("not_run", "not_run")


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (400, 300), "#ffffff"),
        noise(middle=250, width=2),  # noise is nothing to see either
        Image.new("RGBA", (400, 300), (200, 30, 30, 0)),  # there, but transparent
    ],
    ids=["flat", "noisy", "transparent"],
)
def test_a_blank_picture_fails(judge, image) -> None:
    found = by_code(judge(File(), SUBJECT, image=image))
    assert (found["file.blank"].verdict, found["file.blank"].region) == ("fail", (0.0, 0.0, 1.0, 1.0))
    assert found["file.blank"].score is not None
    assert found["file.blank"].score <= 2
    assert not {"file.band", "file.no_bands"} & set(found)


def test_a_text_on_nothing_warns(judge) -> None:
    ground = Image.new("RGB", (400, 300), "#0b3d91")
    composed = ground.copy()
    ImageDraw.Draw(composed).rectangle((50, 50, 300, 200), fill="#ffffff")
    assert by_code(judge(File(), SUBJECT, image=composed, under=ground))["file.blank_ground"].verdict == "warn"


def banded(box: tuple[int, int, int, int], fill: str = "#ffffff", quality: int = 0) -> Image.Image:
    """A picture with one flat rectangle; through JPEG where a quality is given."""
    image = noise()
    image.paste(fill, box)
    if quality:
        data = io.BytesIO()
        image.save(data, "JPEG", quality=quality)
        image = Image.open(data).convert("RGB")
    return image


@pytest.mark.parametrize("fill", ["#ffffff", "#000000", "#0b3d91"])
@pytest.mark.parametrize(
    ("box", "region"),
    [
        ((0, 0, 400, 30), (0.0, 0.0, 1.0, 0.1)),
        ((0, 255, 400, 300), (0.0, 0.85, 1.0, 0.15)),
        ((0, 0, 40, 300), (0.0, 0.0, 0.1, 1.0)),
        ((380, 0, 400, 300), (0.95, 0.0, 0.05, 1.0)),
    ],
    ids=["top", "bottom", "left", "right"],
)
def test_a_band_warns_and_is_marked(judge, box, region, fill) -> None:
    found = by_code(judge(File(), SUBJECT, image=banded(box, fill)))["file.band"]
    assert (found.verdict, found.region, found.params["colour"]) == ("warn", region, fill)
    assert found.score == pytest.approx(min(region[2:]))


def test_letterbox_reports_both_bands(judge) -> None:
    image = banded((0, 0, 400, 30))
    image.paste("#ffffff", (0, 270, 400, 300))
    bands = [v for v in judge(File(), SUBJECT, image=image) if v.code == "file.band"]
    assert [v.region for v in bands] == [(0.0, 0.0, 1.0, 0.1), (0.0, 0.9, 1.0, 0.1)]


def test_a_band_that_went_through_jpeg_is_found(judge) -> None:
    found = by_code(judge(File(), SUBJECT, image=banded((0, 0, 400, 32), quality=80)))["file.band"]
    assert found.score == pytest.approx(32 / 300, abs=0.01)


def test_an_object_on_a_flat_ground_is_no_band() -> None:
    studio = Image.new("RGB", (400, 300), "#f4f4f4")
    studio.paste(noise((120, 150)), (140, 100))
    assert find_bands(np.asarray(studio)) == []


def test_a_flat_sky_over_a_low_skyline_is_no_band() -> None:
    sky = Image.new("RGB", (400, 300), "#9ec7f0")
    draw = ImageDraw.Draw(sky)
    for x in range(0, 400, 20):
        draw.rectangle((x, 150 + (x * 7) % 90, x + 19, 300), fill="#334433")
    assert find_bands(np.asarray(sky)) == []


def test_bands_are_found_under_the_overlay(judge) -> None:
    under = banded((0, 0, 400, 30))
    image = under.copy()
    image.paste("#d7263d", (10, 5, 80, 25))
    assert by_code(judge(File(), SUBJECT, image=image, under=under))["file.band"].region == (0.0, 0.0, 1.0, 0.1)


def test_thin_bands_are_let_through_and_the_limit_is_an_option(judge) -> None:
    image = banded((0, 0, 400, 5))
    assert "file.no_bands" in by_code(judge(File(), SUBJECT, image=image))
    assert "file.band" in by_code(judge(File(band=0.01), SUBJECT, image=image))


def test_find_bands_measures_in_pixels() -> None:
    assert find_bands(np.asarray(banded((0, 0, 17, 300)))) == [Box(0, 0, 17, 300)]


def test_enlarging_warns(judge) -> None:
    found = by_code(judge(File(), SUBJECT, upscaled=1.6))["file.enlarged"]
    assert (found.verdict, found.score, found.params["factor"]) == ("warn", 1.6, 1.6)
    assert "file.not_enlarged" in by_code(judge(File(), SUBJECT, upscaled=1.001))
    assert "file.not_enlarged" in by_code(judge(File(upscale=2.0), SUBJECT, upscaled=1.6))
