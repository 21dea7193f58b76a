"""From one model to the next: routes step by step, and what it costs."""

from __future__ import annotations

import pytest

from image_studio.catalog.moving import change, differences, moved, price_at, quality_on
from image_studio.catalog.specs import ModelSpec, RouteSpec, RouteStep, models, routes

OLD, SUN, FLARE, TWO = (models()[f"gpt-image-{name}"] for name in ("1.5", "2.5-sunburst", "2.5-flare", "2"))


def route(*steps):
    (model, quality), *then = steps
    follow = tuple(RouteStep(model=name, quality=word) for name, word in then)
    return RouteSpec(name="r", title="R", provider="openai", model=model, quality=quality, then=follow)


@pytest.mark.parametrize(
    ("before", "old", "after"),
    [
        ([("gpt-image-1.5", "medium")], "gpt-image-1.5", [("gpt-image-2.5-flare", "medium")]),
        # What the route itself says of the model that follows is what is asked for, once.
        (
            [("gpt-image-1.5", "medium"), ("gpt-image-2.5-flare", "max")],
            "gpt-image-1.5",
            [("gpt-image-2.5-flare", "max")],
        ),
        (
            [("gpt-image-1-mini", "low"), ("gpt-image-1.5", "high"), ("gpt-image-2", "low")],
            "gpt-image-1.5",
            [("gpt-image-1-mini", "low"), ("gpt-image-2.5-flare", "high"), ("gpt-image-2", "low")],
        ),
        ([("gpt-image-2", "high")], "gpt-image-1.5", [("gpt-image-2", "high")]),
    ],
)
def test_a_route_names_the_follower_where_the_old_one_stood(before, old, after):
    assert moved(route(*before), old, FLARE) == route(*after)


@pytest.mark.parametrize(("quality", "wanted"), [("medium", "medium"), ("xhigh", "high"), ("standard", "high")])
def test_a_quality_that_the_follower_has_not_becomes_its_strongest(quality, wanted):
    assert quality_on(TWO, route(("gpt-image-1.5", quality)), quality) == wanted


def test_the_row_for_the_settings_takes_back_the_shipped_followers():
    before = routes()["compat"]
    row = change(before, moved(before, "gpt-image-1.5", SUN))
    assert row == {"model": "gpt-image-2.5-sunburst", "quality": "high", "then": []}
    assert change(before, before) == {}


def test_both_prices_are_known_for_every_size_that_both_make():
    found = {one.size: one for one in differences(OLD, "medium", SUN, "high")}
    assert set(found) == {"1024x1024", "1536x1024", "1024x1536"}
    one = found["1024x1024"]
    assert one.old is not None
    assert one.new is not None
    assert (one.old.likely, one.new.likely, one.micro_usd) == (33_792, 52_680, 18_888)
    assert found["1536x1024"].micro_usd == -9_016


def test_a_size_that_one_of_them_does_not_make_is_left_out():
    small = models()["dall-e-2"]
    assert [one.size for one in differences(small, "", SUN, "high")] == ["1024x1024"]


def test_a_price_that_nobody_knows_is_none_and_so_is_the_difference():
    assert price_at(models()["dall-e-3"], (1024, 1024), "standard") is None
    unpriced = ModelSpec(id="m", provider="p", unpriced=True)
    assert price_at(unpriced, (1024, 1024), "high") is None
    assert all(one.micro_usd is None for one in differences(unpriced, "high", SUN, "high"))
