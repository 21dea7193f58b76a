"""Everything that a model refuses before it costs something, with the rule and what holds instead."""

from __future__ import annotations

from datetime import date

import pytest

from image_studio.catalog.refusals import refusals
from image_studio.catalog.specs import models
from image_studio.wording import explain

TODAY = date(2026, 11, 22)
TWO, FLARE, NEW, OLD, MINI, REFRAME = (
    "gpt-image-2",
    "gpt-image-2.5-flare",
    "gpt-image-2.6-flare",
    "gpt-image-1.5",
    "gpt-image-1-mini",
    "previs-reframe",
)
MASKED = {"inputs": 1, "mask": True}


def refused(model, today=TODAY, **asked):
    return refusals(models()[model], today=today, **asked)


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        (TWO, {"size": (3840, 2160), "n": 10, "partial_images": 3, "prompt_length": 32_000}),
        (TWO, {"inputs": 16, "input_bytes": [49_999_999] * 16}),
        (TWO, {**MASKED, "mask_bytes": 3_999_999, "mask_size": (9, 9), "input_size": (9, 9), "mask_alpha": True}),
        (TWO, {"output_format": "jpeg", "compression": 0, "moderation": "low", "background": "opaque"}),
        (FLARE, {"quality": "max", "background": "transparent", "output_format": "webp", "compression": 100}),
        (FLARE, {"inputs": 2, "markup": True}),
        (NEW, {"complexity": "low", "inputs": 1, "markup": True}),
        (OLD, {"inputs": 1, "fidelity": "high", "background": "transparent"}),
        (MINI, {"inputs": 1, "fidelity": "low"}),
        (REFRAME, {"inputs": 1, "prompt_length": 0, "size": (17, 4001)}),
    ],
)
def test_what_holds_is_not_refused(model, asked):
    assert refused(model, **asked) == ()


@pytest.mark.parametrize(
    ("model", "asked", "code", "where", "names"),
    [
        (TWO, {"size": (1000, 1024)}, "size.multiple", "size", "1008x1024"),
        (OLD, {"size": (1024, 768)}, "size.not_offered", "size", "1536x1024"),
        (TWO, {"n": 11}, "provider.count", "n", "10"),
        (TWO, {"n": 0}, "provider.count", "n", "10"),
        (TWO, {"partial_images": 4}, "provider.partials", "partial_images", "3"),
        (TWO, {"quality": "xhigh"}, "quality.not_offered", "quality", "low, medium, high"),
        (TWO, {"quality": "auto"}, "quality.not_offered", "quality", "low, medium, high"),
        (NEW, {"output_format": "gif"}, "format.refused", "output_format", "png, jpeg, webp"),
        (NEW, {"output_format": "svg"}, "format.refused", "output_format", "png, jpeg, webp"),
        (NEW, {"output_format": "tiff"}, "format.not_offered", "output_format", "png, jpeg, webp"),
        (TWO, {"background": "transparent"}, "provider.transparent", "background", "opaque"),
        (TWO, {"background": "blue"}, "background.not_offered", "background", "auto, opaque, transparent"),
        (
            FLARE,
            {"background": "transparent", "output_format": "jpeg"},
            "provider.transparent_jpeg",
            "background",
            "PNG",
        ),
        (TWO, {"compression": 50}, "provider.compression_png", "compression", "JPEG"),
        (TWO, {"compression": 101, "output_format": "jpeg"}, "provider.compression", "compression", "100"),
        (TWO, {"fidelity": "high", "inputs": 1}, "fidelity.not_offered", "fidelity", "empty"),
        (MINI, {"fidelity": "high", "inputs": 1}, "fidelity.not_offered", "fidelity", "low"),
        (OLD, {"fidelity": "high"}, "fidelity.needs_source", "fidelity", "empty"),
        (FLARE, {"complexity": "low"}, "complexity.not_offered", "complexity", "empty"),
        (TWO, {"moderation": "none"}, "moderation.not_offered", "moderation", "auto, low"),
        (TWO, {"prompt_length": 32_001}, "prompt.too_long", "prompt", "32000"),
        (TWO, {"prompt_length": 0}, "prompt.empty", "prompt", "words"),
        (TWO, {"inputs": 17}, "inputs.too_many", "inputs", "16"),
        (TWO, {"inputs": 1, "input_bytes": [50_000_000]}, "inputs.too_large", "inputs", "50000000"),
        ("dall-e-3", {"inputs": 1, "quality": ""}, "provider.takes_no_source", "inputs", "away"),
        (REFRAME, {}, "provider.needs_source", "inputs", "Choose"),
        (REFRAME, MASKED, "provider.mask", "inputs", "route"),
        (TWO, {"mask": True}, "mask.needs_source", "inputs", "Choose"),
        (FLARE, {**MASKED, "markup": True}, "mask.with_markup", "inputs", "away"),
        (TWO, {**MASKED, "mask_bytes": 4_000_000}, "mask.too_large", "inputs", "4000000"),
        (TWO, {**MASKED, "mask_size": (9, 8), "input_size": (8, 8)}, "mask.other_size", "inputs", "8x8"),
        (TWO, {**MASKED, "mask_alpha": False}, "mask.no_alpha", "inputs", "PNG"),
        (TWO, {"inputs": 1, "markup": True}, "markup.not_offered", "inputs", "route"),
        (FLARE, {"markup": True}, "markup.needs_source", "inputs", "Choose"),
    ],
)
def test_every_refusal_names_the_rule_and_what_holds(model, asked, code, where, names):
    found = {one.code: one for one in refused(model, **asked)}
    assert code in found
    assert found[code].where == where
    text = explain(code, found[code].params)
    assert names in text
    assert "{" not in text


def test_one_mistake_is_one_refusal():
    assert [one.code for one in refused(TWO, quality="max")] == ["quality.not_offered"]
    assert [one.code for one in refused(NEW, output_format="gif", background="transparent")] == ["format.refused"]


def test_past_its_last_day_a_model_is_refused_with_what_replaced_it():
    assert refused(OLD, today=date(2026, 12, 1)) == ()
    (found,) = refused(OLD, today=date(2026, 12, 2))
    assert found.code == "model.ended"
    assert explain(found.code, found.params) == (
        "GPT Image 1.5 ended on 2026-12-01: its provider makes no more pictures with it. "
        "Choose one of: gpt-image-2.6-sunburst, gpt-image-2.6-flare."
    )
