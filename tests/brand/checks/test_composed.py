"""The checks on what the composer really draws, from the kit's own layout."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from image_studio.brand.checks import DEFAULT_CHECKS, Subject, Verdict, load, run_checks
from image_studio.brand.kit import Kit, KitFiles, Layout, Line, Logo, LogoPlacement, Swatch, TextPlacement
from image_studio.brand.plan import layers_for
from image_studio.catalog.specs import ChannelSpec, channels
from image_studio.imaging.compose import compose
from image_studio.imaging.geometry import Box


def mark() -> bytes:
    image = Image.new("RGBA", (600, 200), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((0, 0, 599, 199), fill="#ffffff")
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


MARK = mark()
SUM = hashlib.sha256(MARK).hexdigest()
FILES = KitFiles(by_sum={SUM: MARK})
KIT = Kit(
    name="Aura",
    slug="aura",
    locales=("en", "ar"),
    palette=(Swatch(name="Night", hex="#0b3d91"), Swatch(name="Paper", hex="#ffffff", role="text", tolerance=12)),
    logos=(Logo(name="mark", file="logos/mark.png", sha256=SUM, on="any"),),
    lines=(Line(key="headline", locale="en", text="Light, kept"), Line(key="headline", locale="ar", text="ضوء يبقى")),
    layouts=(Layout(logo=LogoPlacement(), texts=(TextPlacement(line="headline", optional=False),)),),
)


def judged(channel: ChannelSpec, locale: str, ground: str = "#0b3d91") -> list[Verdict]:
    base = Image.new("RGB", channel.size, ground)
    layers = layers_for(KIT, FILES, channel, locale, label="label_ai")
    composed = compose(base, layers, safe=Box(*channel.safe_box))
    subject = Subject(
        kit=KIT,
        image=composed.image,
        under=composed.under,
        format=channel.formats[0],
        weight=1000,
        channel=channel,
        locale=locale,
        placed=composed.placed,
        source_type="compositeWithTrainedAlgorithmicMedia",
    )
    return list(run_checks(load(DEFAULT_CHECKS), subject))


@pytest.mark.parametrize("locale", ["en", "ar"])
@pytest.mark.parametrize("slug", ["square", "reel-cover", "web-banner", "newsletter"])
def test_what_the_composer_draws_passes(slug: str, locale: str) -> None:
    verdicts = judged(channels()[slug], locale)
    assert {v.code for v in verdicts if v.verdict == "fail"} == set()
    assert {v.code for v in verdicts if v.verdict == "warn"} <= {"file.blank_ground"}
    assert {v.check for v in verdicts if v.verdict == "pass"} == {
        "lines",
        "file",
        "contrast",
        "palette",
        "logo",
        "safe_area",
    }


def test_a_white_logo_on_a_pale_ground_is_found() -> None:
    low = [v for v in judged(channels()["square"], "en", "#f4f4f4") if v.code == "contrast.low"]
    assert [v.params["layer"] for v in low] == ["logo"]


def test_a_channel_that_shrank_after_composing_is_found() -> None:
    channel = channels()["square"]
    narrow = replace(channel, safe=(0.4, 0.4, 0.4, 0.4))
    layers = layers_for(KIT, FILES, channel, "en")
    composed = compose(Image.new("RGB", channel.size, "#0b3d91"), layers, safe=Box(*channel.safe_box))
    subject = Subject(kit=KIT, image=composed.image, under=composed.under, channel=narrow, placed=composed.placed)
    outside = [v for v in run_checks(load(DEFAULT_CHECKS), subject) if v.code == "safe_area.outside"]
    assert {v.params["layer"] for v in outside} == {"logo", "headline"}
