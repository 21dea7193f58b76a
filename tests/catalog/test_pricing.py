"""Money before and after: published prices, what is charged beside the picture, and bills with holes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from image_studio.catalog.pricing import Price, actual, estimate, micro
from image_studio.catalog.sizes import parse
from image_studio.catalog.specs import ModelSpec, models
from image_studio.exceptions import Unsupported

TWO, FLARE, OLD = (models()[name] for name in ("gpt-image-2", "gpt-image-2.5-flare", "gpt-image-1.5"))
SIZES = ("1024x1024", "1024x1536", "1536x1024")

#: USD a picture as published, rounded there: low, medium and high, each square, portrait, landscape.
PUBLISHED = {
    "gpt-image-2": ((0.006, 0.005, 0.005), (0.053, 0.041, 0.041), (0.211, 0.165, 0.165)),
    "gpt-image-1.5": ((0.009, 0.013, 0.013), (0.034, 0.05, 0.05), (0.133, 0.2, 0.2)),
    "gpt-image-1": ((0.011, 0.016, 0.016), (0.042, 0.063, 0.063), (0.167, 0.25, 0.25)),
    "gpt-image-1-mini": ((0.005, 0.006, 0.006), (0.011, 0.015, 0.015), (0.036, 0.052, 0.052)),
}

#: Micro-USD, as the facts give them to the last digit.
EXACT = [
    (TWO, "1024x1024", "low", 5_880),
    (TWO, "1024x1024", "medium", 52_680),
    (TWO, "1024x1024", "high", 210_720),
    (FLARE, "1024x1024", "medium", 13_170),
    (FLARE, "1024x1024", "xhigh", 93_660),
    (FLARE, "1024x1024", "max", 210_720),
    (TWO, "1536x1024", "low", 4_740),
    (TWO, "1536x1024", "medium", 41_160),
    (TWO, "1536x1024", "high", 164_640),
    (FLARE, "1536x1024", "medium", 10_290),
    (FLARE, "1536x1024", "xhigh", 73_770),
    (TWO, "2048x2048", "medium", 107_040),
    (TWO, "2048x2048", "high", 428_160),
    (TWO, "2048x1152", "high", 169_500),
    (TWO, "2560x1440", "high", 221_100),
    (TWO, "2880x2880", "high", 711_570),
    (TWO, "3840x2160", "high", 400_260),
]


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_prices_of_a_picture_are_met(model):
    """The smallest model's are above its own tokens, so there they are the most, not the likely."""
    for quality, row in zip(("low", "medium", "high"), PUBLISHED[model], strict=True):
        for size, usd in zip(SIZES, row, strict=True):
            price = estimate(models()[model], n=1, size=parse(size), quality=quality)
            # The published figures are rounded by hand: 0.24832 stands there as 0.25.
            assert abs(price.most / 1_000_000 - usd) < 0.002
            assert price.likely == price.most or model == "gpt-image-1-mini"


@pytest.mark.parametrize(("spec", "size", "quality", "micro_usd"), EXACT)
def test_prices_are_exact_to_the_micro_usd(spec, size, quality, micro_usd):
    assert estimate(spec, n=1, size=parse(size), quality=quality) == Price(likely=micro_usd, most=micro_usd)


@pytest.mark.parametrize(
    ("more", "cost"),
    [
        ({}, 5_880),
        ({"n": 2}, 11_730),
        ({"inputs": [(1024, 1024)]}, 5_880 + 8_192),
        ({"inputs": [(1024, 1024), (1280, 720)]}, 5_880 + 8_192 + 7_360),
        ({"inputs": [(1024, 1024)], "n": 2}, 11_730 + 2 * 8_192),
        ({"partial_images": 3}, 5_880 + 9_000),
        ({"partial_images": 1, "n": 2}, 11_730 + 6_000),
    ],
)
def test_every_picture_pays_inputs_and_early_versions_again(more, cost):
    asked = {"n": 1, "size": (1024, 1024), "quality": "low", **more}
    assert estimate(TWO, **asked) == Price(likely=cost, most=cost)


def test_a_prompt_is_counted_with_a_bound():
    found = estimate(TWO, n=1, size=(1024, 1024), quality="low", prompt="a" * 400)
    assert found == Price(likely=5_880 + 106 * 5, most=5_880 + 406 * 5, estimated=True)


def test_an_input_of_unknown_size_is_bounded():
    found = estimate(TWO, n=1, size=(1024, 1024), quality="low", inputs=[None])
    assert (found.most, found.estimated) == (5_880 + 1536 * 8, True)


@pytest.mark.parametrize(("spec", "likely", "most"), [(TWO, 210_720, 711_570), (OLD, 133_120, 199_680)])
def test_without_a_size_the_dearest_is_the_most(spec, likely, most):
    assert estimate(spec, n=1, quality="high") == Price(likely=likely, most=most, estimated=True)


def test_free_models_cost_nothing():
    assert estimate(models()["previs-reframe"], n=9).free


def test_a_model_without_a_price_may_not_run_unless_the_site_says_so():
    for spec in (models()["dall-e-3"], replace(TWO, prices={}), ModelSpec(id="new", provider="openai")):
        with pytest.raises(Unsupported, match=r"price\.unknown"):
            estimate(spec, n=1, size=(1024, 1024), quality="high")
        price = estimate(replace(spec, unpriced=True), n=1, size=(1024, 1024), quality="high")
        assert price.unknown
        assert not price.free


def test_prices_add_up_with_their_doubts():
    sure, unsure = Price(likely=1, most=2), Price(likely=3, most=4, estimated=True, unknown=True)
    assert sure + unsure == Price(likely=4, most=6, estimated=True, unknown=True)


@pytest.mark.parametrize(("nano", "result"), [(0, 0), (499, 0), (500, 0), (501, 1), (1500, 2), (2500, 2), (2501, 3)])
def test_halves_of_a_micro_usd_go_to_the_even_one(nano, result):
    assert micro(nano) == result


def bill(into=None, out=None, **more):
    """A usage as the API gives it."""
    usage = {"input_tokens": 1030, "output_tokens": 196, "total_tokens": 1226}
    details = {"text_tokens": 6, "image_tokens": 1024} if into is None else into
    return {**usage, "input_tokens_details": details, **({"output_tokens_details": out} if out else {}), **more}


FULL = 196 * 30 + 1024 * 8 + 6 * 5


@pytest.mark.parametrize(
    ("usage", "micro_usd", "missing"),
    [
        (bill(), FULL, False),
        (bill(out={"image_tokens": 196, "text_tokens": 0}), FULL, False),
        (bill(out={"image_tokens": 190, "text_tokens": 6}), FULL - 6 * 30, False),
        (bill({"text_tokens": 6}), FULL, True),
        (bill({}), 196 * 30 + 1030 * 8, True),
        (bill({"text_tokens": 6, "image_tokens": 1000}), FULL, True),
        (bill({"text_tokens": 6, "image_tokens": 2000}), FULL + 976 * 8, True),
        (bill({"text_tokens": "6", "image_tokens": None}), 196 * 30 + 1030 * 8, True),
        (bill(input_tokens=0, into={"text_tokens": 0, "image_tokens": 0}), 196 * 30, False),
        ({"output_tokens": 196}, 196 * 30, True),
        ({"output_tokens": -1}, 0, True),
        ({"output_tokens": True}, 0, True),
        ({"output_tokens": "196"}, 0, True),
        ({}, 0, True),
    ],
)
def test_a_bill_is_read_as_it_comes(usage, micro_usd, missing):
    found = actual(TWO, usage)
    assert (found.micro_usd, found.missing) == (micro_usd, missing)


@pytest.mark.parametrize(
    ("cached", "saved", "missing"),
    [
        ({"cached_tokens": 104, "cached_tokens_details": {"text_tokens": 4, "image_tokens": 100}}, 615, False),
        ({"cached_tokens": 0}, 0, False),
        # Not told of what: of text first, which saves least. 6 * 3.75 + 98 * 6 = 610.5
        ({"cached_tokens": 104}, 610, True),
        ({"cached_tokens_details": {"text_tokens": 10**9}}, 22, False),
    ],
)
def test_cached_input_is_cheaper(cached, saved, missing):
    found = actual(TWO, bill({"text_tokens": 6, "image_tokens": 1024, **cached}))
    assert abs(FULL - saved - found.micro_usd) <= 1
    assert found.missing is missing


def test_a_model_that_charges_for_text_needs_to_know_how_much():
    known = actual(OLD, bill(out={"image_tokens": 190, "text_tokens": 6}))
    assert known.micro_usd == 190 * 32 + 6 * 10 + 1024 * 8 + 6 * 5
    assert not known.missing
    assert actual(OLD, bill()).missing


def test_what_is_free_or_has_no_price_needs_no_bill():
    assert actual(models()["previs-reframe"], {}).missing is False
    assert actual(models()["dall-e-2"], bill()).missing


def test_an_estimate_meets_its_bill():
    price = estimate(TWO, n=1, size=(1024, 1024), quality="low", inputs=[(1024, 1024)])
    assert price.likely + 6 * 5 == actual(TWO, bill()).micro_usd
