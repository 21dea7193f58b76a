"""The shipped rows, and rows as sites write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import get_args

import openai.types
import pytest

from image_studio.catalog.reading import nano_prices
from image_studio.catalog.specs import ModelSpec, RouteStep, model_from, models, route_from, routes
from image_studio.catalog.tokens import output_tokens

PAID = [spec for spec in models().values() if not spec.free]
RUNNING = [spec for spec in PAID if spec.ends_on is None or spec.ends_on > date(2026, 11, 22)]


def test_every_model_that_the_sdk_knows_is_catalogued():
    assert set(get_args(openai.types.ImageModel)) <= set(models())


@pytest.mark.parametrize("spec", PAID, ids=lambda spec: spec.id)
def test_every_paid_row_says_where_it_was_read(spec):
    assert spec.source.startswith("https://")
    assert spec.checked_on
    assert bool(spec.prices) == bool(spec.price_source) == bool(spec.price_checked_on)
    assert spec.refused_formats == ("gif", "svg") or spec.id.startswith("dall-e")
    assert not set(spec.refused_formats) & set(spec.formats)


@pytest.mark.parametrize("spec", RUNNING, ids=lambda spec: spec.id)
def test_every_running_model_can_be_priced_at_all_its_qualities(spec):
    assert {"text_in", "image_in", "image_out"} <= set(spec.prices)
    assert all(output_tokens(spec, (1024, 1024), quality).likely for quality in spec.qualities)


def test_names_that_rows_point_at_are_there():
    for spec in models().values():
        assert set(spec.replaced_by) <= set(models())
        assert spec.snapshot_of in {"", *models()}
    for route in routes().values():
        for step in route.steps:
            assert models()[step.model].provider == route.provider
            assert step.quality in models()[step.model].qualities


def test_a_model_that_is_replaced_says_when_it_ends():
    assert all(bool(spec.replaced_by) == (spec.ends_on is not None) for spec in models().values())


def test_what_ended_is_known_by_its_day():
    last = models()["gpt-image-1.5"]
    assert not last.ended(date(2026, 12, 1))
    assert last.ended(date(2026, 12, 2))
    assert not models()["gpt-image-2"].ended(date(2099, 1, 1))


def test_previs_is_what_it_was():
    reframe = models()["previs-reframe"]
    assert reframe == ModelSpec(
        id="previs-reframe",
        provider="previs",
        title="Reframe",
        needs_source=True,
        takes_instruction=False,
        max_n=16,
        transparent=True,
        max_partials=3,
        free=True,
    )


def test_a_new_row_begins_with_what_its_family_shares():
    spec = model_from({"id": "gpt-image-2.7", "family": "gpt-image-2.6", "ends_on": "2028-01-31", "title": "2.7"})
    assert (spec.provider, spec.max_edge, spec.ends_on) == ("openai", 3840, date(2028, 1, 31))
    assert spec.prices["image_out"] == 30_000


def test_a_row_over_a_shipped_one_changes_only_its_fields():
    spec = model_from({"prices": {"image_out": 15}, "qualities": ["low"]}, base=models()["gpt-image-2"])
    assert spec.prices == {"image_out": 15_000}
    assert (spec.qualities, spec.title) == (("low",), "GPT Image 2")


@pytest.mark.parametrize("price", ["0.2", 0.2, Decimal("0.20")])
def test_prices_are_read_exactly(price):
    assert nano_prices({"text_cached_in": price}) == {"text_cached_in": 200}


@pytest.mark.parametrize(
    "row", [{"image_out": "much"}, {"image_out": -1}, {"image_out": "0.0001"}, {"image_out": "NaN"}, {"images": 1}]
)
def test_what_is_no_price_is_refused(row):
    with pytest.raises(ValueError, match="image"):
        nano_prices(row)


def test_a_route_of_a_site_may_say_what_follows():
    route = route_from(
        {"name": "a", "title": "A", "provider": "p", "model": "m", "then": [{"model": "n", "quality": "q"}]}
    )
    assert route.steps == (RouteStep(model="m", quality="high"), RouteStep(model="n", quality="q"))
    assert route_from({"title": "B"}, base=route).then == route.then
    with pytest.raises(ValueError, match="speed"):
        route_from({"then": [{"model": "n", "quality": "q", "speed": 1}]}, base=route)
