"""From a kit to layers, labels and source types."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from image_studio.brand.kit import (
    LABELS,
    Font,
    Kit,
    KitFiles,
    Layout,
    Line,
    Logo,
    LogoPlacement,
    Swatch,
    TextPlacement,
)
from image_studio.brand.plan import (
    LABEL_WORDS,
    colours_for,
    composed_source_type,
    label_for,
    label_text,
    layers_for,
)
from image_studio.catalog.specs import channels
from image_studio.exceptions import InvalidKit, InvalidRequest, LayoutImpossible
from image_studio.imaging.compose import dry_run
from image_studio.imaging.geometry import Box
from image_studio.imaging.layers import LogoLayer, TextLayer

SQUARE, STORY = channels()["square"], channels()["story"]
FILES = {name: name.encode() for name in ("light.png", "dark.png", "sans.ttf")}
SUMS = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
STORED = KitFiles(by_sum={SUMS[name]: data for name, data in FILES.items()})
HEADLINE = TextPlacement(line="headline", optional=False)
LEGAL = TextPlacement(line="legal", size=0.024, min_size=0.018, backdrop="forest", colour="cream")


def kit(**changes: Any) -> Kit:
    base = Kit(
        name="Aura",
        slug="aura",
        locales=("en", "ar"),
        palette=(
            Swatch(name="forest", hex="#123524", role="primary"),
            Swatch(name="cream", hex="#faf6ec", role="background"),
            Swatch(name="coral", hex="#ff6f59", role="accent"),
        ),
        logos=(
            Logo(name="for-light", file="light.png", sha256=SUMS["light.png"], on="light", clear_space=0.8),
            Logo(name="for-dark", file="dark.png", sha256=SUMS["dark.png"], on="dark", min_width=90),
        ),
        fonts=(Font(name="Sans", file="sans.ttf", sha256=SUMS["sans.ttf"], locales=("en",)),),
        lines=(
            Line(key="headline", locale="en", text="Fresh"),
            Line(key="headline", locale="ar", text="منعش"),
        ),
        layouts=(Layout(logo=LogoPlacement(anchor="top-right", width=0.2), texts=(HEADLINE, LEGAL)),),
    )
    return replace(base, **changes)


def texts(layers: tuple[LogoLayer | TextLayer, ...]) -> dict[str, TextLayer]:
    return {layer.name: layer for layer in layers if isinstance(layer, TextLayer)}


def test_layers_come_in_the_order_logo_lines_label() -> None:
    layers = layers_for(kit(), STORED, SQUARE, "en", texts={"legal": "While stocks last."}, label="label_ai")
    assert [layer.name for layer in layers] == ["logo", "headline", "legal", "label_ai"]


def test_logo_layer_carries_the_versions_with_their_bytes_and_rules() -> None:
    (mark, *_) = layers_for(kit(), STORED, SQUARE, "en")
    assert isinstance(mark, LogoLayer)
    assert (mark.anchor, mark.width) == ("top-right", 0.2)
    assert [(v.name, v.data, v.on, v.clear_space, v.min_width) for v in mark.versions] == [
        ("for-light", b"light.png", "light", 0.8, 70),
        ("for-dark", b"dark.png", "dark", 0.5, 90),
    ]


def test_layout_may_name_the_logos_that_it_uses() -> None:
    only = Layout(logo=LogoPlacement(logos=("for-dark",)))
    (mark,) = layers_for(kit(layouts=(only,)), STORED, SQUARE, "en")
    assert isinstance(mark, LogoLayer)
    assert [v.name for v in mark.versions] == ["for-dark"]


def test_layout_of_the_channel_goes_before_the_general_one() -> None:
    story = Layout(channel="story", texts=(replace(HEADLINE, anchor="top"),))
    ours = kit(layouts=(*kit().layouts, story))
    assert texts(layers_for(ours, STORED, STORY, "en"))["headline"].anchor == "top"
    assert texts(layers_for(ours, STORED, SQUARE, "en"))["headline"].anchor == "bottom-left"


def test_lines_are_of_the_locale_with_the_fonts_and_sizes_of_the_kit() -> None:
    line = texts(layers_for(kit(), STORED, SQUARE, "ar"))["headline"]
    assert (line.text, line.locale) == ("منعش", "ar")
    assert (line.size, line.min_size, line.max_lines, line.margin) == (0.07, 0.035, 3, 0.05)
    assert [(font.name, font.data, font.locales) for font in line.fonts] == [("Sans", b"sans.ttf", ("en",))]


def test_texts_of_a_set_go_before_the_kits_lines() -> None:
    line = texts(layers_for(kit(), STORED, SQUARE, "en", texts={"headline": " Only today "}))["headline"]
    assert line.text == "Only today"


def test_empty_optional_line_is_left_out_and_a_demanded_one_is_missed() -> None:
    assert "legal" not in texts(layers_for(kit(), STORED, SQUARE, "en"))
    with pytest.raises(LayoutImpossible) as missed:
        layers_for(kit(lines=()), STORED, SQUARE, "ar")
    assert (missed.value.code, missed.value.params) == (
        "layout.line_missing",
        {"line": "headline", "locale": "ar"},
    )
    with pytest.raises(LayoutImpossible):
        layers_for(kit(), STORED, SQUARE, "en", texts={"headline": " "})


def test_layout_that_demands_a_logo_needs_one() -> None:
    with pytest.raises(LayoutImpossible) as missed:
        layers_for(kit(logos=()), STORED, SQUARE, "en")
    assert missed.value.code == "layout.logo_missing"


def test_missing_file_is_named() -> None:
    with pytest.raises(InvalidKit) as missed:
        layers_for(kit(), KitFiles(), SQUARE, "en")
    assert missed.value.code == "kit.file_missing"


def test_swatch_names_become_colours() -> None:
    legal = texts(layers_for(kit(), STORED, SQUARE, "en", texts={"legal": "Terms."}))["legal"]
    assert (legal.colours, legal.backdrop) == (("#faf6ec",), "#123524")


def test_automatic_colours_are_the_palettes_then_white_and_near_black() -> None:
    assert colours_for(kit(), HEADLINE) == ("#faf6ec", "#123524", "#ffffff", "#141414")
    white = replace(kit(), palette=(Swatch(name="white", hex="#ffffff", role="text"),))
    assert colours_for(white, HEADLINE) == ("#ffffff", "#141414")


def test_label_stands_on_a_plate_where_the_layout_says() -> None:
    ours = kit(layouts=(Layout(label_anchor="top-left", label_size=0.03),))
    (label,) = layers_for(ours, STORED, SQUARE, "en", label="label_placeholder")
    assert isinstance(label, TextLayer)
    assert (label.name, label.anchor, label.size) == ("label_placeholder", "top-left", 0.03)
    assert label.text == "Placeholder - not for publication"
    assert label.backdrop.startswith("#")
    with pytest.raises(InvalidRequest) as unknown:
        layers_for(ours, STORED, SQUARE, "en", label="label_nice")
    assert unknown.value.code == "label.unknown"


def test_labels_words_are_the_kits_else_ours_in_the_language() -> None:
    ours = kit(lines=(Line(key="label_ai", locale="en", text="Picture: AI"),))
    assert label_text(ours, "label_ai", "en-GB") == "Picture: AI"
    assert label_text(ours, "label_ai", "ar") == LABEL_WORDS["label_ai"]["ar"]
    assert label_text(ours, "label_ai", "de-AT") == "KI-generiert"
    assert label_text(ours, "label_ai", "is") == "Picture: AI"
    assert label_text(kit(), "label_ai", "is") == "AI-generated"


@pytest.mark.parametrize("label", LABELS)
def test_every_label_has_words_in_ten_languages_that_the_bundled_font_draws_anywhere(label: str) -> None:
    plain = kit(fonts=(), layouts=(), logos=())
    assert set(LABEL_WORDS[label]) == {"ar", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "tr"}
    for locale in LABEL_WORDS[label]:
        for channel in channels().values():
            layers = layers_for(plain, KitFiles(), channel, locale, label=label)
            for shaper in ("", "basic"):
                assert dry_run(channel.size, layers, safe=Box(*channel.safe_box), shaper=shaper) == ()


@pytest.mark.parametrize(
    ("source_type", "placeholder", "label"),
    [
        ("trainedAlgorithmicMedia", False, "label_ai"),
        ("compositeWithTrainedAlgorithmicMedia", False, "label_composite"),
        ("digitalCapture", False, ""),
        ("humanEdits", False, ""),
        ("", False, ""),
        ("algorithmicMedia", True, "label_placeholder"),
        ("trainedAlgorithmicMedia", True, "label_placeholder"),
    ],
)
def test_labels_follow_the_truth(source_type: str, placeholder: bool, label: str) -> None:
    assert label_for(source_type, placeholder=placeholder) == label


@pytest.mark.parametrize(
    ("source_type", "composed"),
    [
        ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"),
        ("compositeWithTrainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"),
        ("digitalCapture", "humanEdits"),
        ("humanEdits", "humanEdits"),
        ("compositeCapture", "composite"),
        ("algorithmicMedia", "compositeSynthetic"),
        ("digitalCreation", "digitalCreation"),
        ("", ""),
    ],
)
def test_source_type_after_composing(source_type: str, composed: str) -> None:
    assert composed_source_type(source_type, True) == composed
    assert composed_source_type(source_type, False) == source_type


def test_no_overlay_ever_makes_a_photograph_an_ai_picture() -> None:
    for captured in ("digitalCapture", "computationalCapture", "negativeFilm", "compositeCapture", "print"):
        assert label_for(composed_source_type(captured, True), placeholder=False) == ""
