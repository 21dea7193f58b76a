"""Settings: read at use, forgotten when overridden, and strict about every key."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from image_studio.catalog import specs
from image_studio.conf import (
    ConfigurationError,
    Settings,
    conf,
    model,
    models,
    provider,
    route,
    routes,
    routes_as_written,
    today,
)
from image_studio.exceptions import StudioError


def test_with_nothing_set_the_app_works(settings):
    settings.IMAGE_STUDIO = {}
    del settings.IMAGE_STUDIO
    setting_changed.send(type(settings), setting="IMAGE_STUDIO", value=None, enter=True)  # a deletion sends none
    assert conf() == Settings()
    assert set(routes()) == {"reframe", "placeholder"}
    assert provider("previs").repeatable


def test_an_override_is_seen_at_once(settings):
    settings.IMAGE_STUDIO = {"MAX_CELLS": 7}
    assert conf().max_cells == 7
    settings.IMAGE_STUDIO = {"MAX_CELLS": 8}
    assert conf().max_cells == 8


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ({"MAX_CELS": 7}, "MAX_CELLS"),
        ({"MAX_CELLS": "many"}, "int"),
        ({"DOORBELL": "pigeon"}, "notify"),
        ({"POLL_SECONDS": 0}, "POLL_SECONDS"),
        ({"LEASE_SECONDS": 5, "BEAT_SECONDS": 5}, "LEASE_SECONDS"),
        ({"PICTURES": {"hero": {"width": 3}}}, "width"),
        ([], "dict"),
    ],
)
def test_a_wrong_setting_says_which(settings, value, word):
    settings.IMAGE_STUDIO = value
    with pytest.raises(ConfigurationError, match=word):
        conf()


def test_configuration_errors_stand_outside_the_root():
    assert issubclass(ConfigurationError, ImproperlyConfigured)
    assert not issubclass(ConfigurationError, StudioError)


@pytest.mark.parametrize(
    "row",
    [
        {"BACKEND": "image_studio.providers.nothing"},
        {"BACKEND": "image_studio.providers.previs", "OPTIONS": {"colour": "red"}},
        {"OPTIONS": {}},
        {"BACKEND": "image_studio.providers.previs", "OPTION": {}},
    ],
)
def test_a_provider_that_does_not_load_is_a_configuration_error(settings, row):
    settings.IMAGE_STUDIO = {"PROVIDERS": {"mine": row}}
    with pytest.raises(ConfigurationError, match="mine"):
        provider("mine")


def test_a_site_changes_and_adds_routes(settings):
    settings.IMAGE_STUDIO = {
        "ROUTES": {
            "reframe": {"quality": "low"},
            "draft": {"title": "Draft", "provider": "previs", "model": "previs-placeholder"},
            "elsewhere": {"title": "Gone", "provider": "nobody", "model": "x"},
        },
        "MODELS": {"previs-reframe": {"max_n": 3}},
    }
    assert routes()["reframe"].quality == "low"
    assert routes()["draft"].model == "previs-placeholder"
    assert "elsewhere" not in routes()
    assert models()["previs-reframe"].max_n == 3


def test_a_route_with_an_unknown_key_is_a_configuration_error(settings):
    settings.IMAGE_STUDIO = {"ROUTES": {"reframe": {"colour": "red"}}}
    with pytest.raises(ConfigurationError, match="reframe"):
        routes()


PREVIS = {"BACKEND": "image_studio.providers.previs"}
OPENAI = {"BACKEND": "image_studio.testing", "OPTIONS": {"ledger": "unused"}}
BEFORE, AFTER = date(2026, 11, 30), date(2026, 12, 2)


def with_openai(**more):
    return {"PROVIDERS": {"openai": OPENAI, "previs": PREVIS}, **more}


def test_paid_models_and_routes_are_there_only_with_their_provider(settings):
    assert {spec.provider for spec in models().values()} == {"previs"}
    settings.IMAGE_STUDIO = with_openai()
    assert set(models()) == set(specs.models())
    assert set(routes()) == {"premium", "standard", "quick", "volume", "compat", "reframe", "placeholder"}


def test_routes_switch_on_the_day_that_their_model_ends(settings):
    settings.IMAGE_STUDIO = with_openai()
    for day, volume, compat in (
        (BEFORE, ("gpt-image-1-mini", "medium"), ("gpt-image-1.5", "medium")),
        (AFTER, ("gpt-image-2.5-flare", "medium"), ("gpt-image-2.5-sunburst", "high")),
    ):
        found = routes(day)
        assert (found["volume"].model, found["volume"].quality) == volume
        assert (found["compat"].model, found["compat"].quality) == compat
        assert route("volume", day) == found["volume"]
        assert found["premium"].model == "gpt-image-2"
    assert routes_as_written()["volume"].model == "gpt-image-1-mini"


def test_the_clock_is_utc_and_can_be_set(settings, monkeypatch):
    settings.IMAGE_STUDIO = with_openai()
    lisbon = datetime(2026, 12, 2, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    monkeypatch.setattr("django.utils.timezone.now", lambda: lisbon)
    assert today() == date(2026, 12, 1)
    monkeypatch.setattr("image_studio.conf.today", lambda: BEFORE)
    assert route("volume").model == "gpt-image-1-mini"
    monkeypatch.setattr("image_studio.conf.today", lambda: AFTER)
    assert route("volume").model == "gpt-image-2.5-flare"


def test_a_second_alias_has_its_own_dates(settings):
    azure = {
        **OPENAI,
        "MODELS": {"gpt-image-1.5": {"ends_on": "2027-03-01"}, "house": {"title": "House", "free": True}},
    }
    settings.IMAGE_STUDIO = {
        "PROVIDERS": {"azure": {**azure, "BACKEND": "image_studio.providers.openai"}, "openai": OPENAI},
        "ROUTES": {
            "late": {
                "title": "Late",
                "provider": "azure",
                "model": "gpt-image-1.5",
                "then": [{"model": "gpt-image-2", "quality": "low"}],
            }
        },
    }
    late, shipped = model("azure", "gpt-image-1.5"), model("openai", "gpt-image-1.5")
    assert (late.provider, late.ends_on) == ("azure", date(2027, 3, 1))
    assert (shipped.provider, shipped.ends_on) == ("openai", date(2026, 12, 1))
    assert models()["gpt-image-1.5"] == shipped
    assert models()["house"].provider == "azure"
    assert model("openai", "house") is None
    assert model("nobody", "house") is None
    assert routes(AFTER)["late"].model == "gpt-image-1.5"
    assert routes(date(2027, 3, 2))["late"].model == "gpt-image-2"
    assert routes(AFTER)["compat"].model == "gpt-image-2.5-sunburst"


def test_an_alias_alone_sells_what_its_module_does(settings):
    settings.IMAGE_STUDIO = {"PROVIDERS": {"azure": {"BACKEND": "image_studio.providers.openai"}}}
    assert models()["gpt-image-2"].provider == "azure"
    assert "premium" not in routes()
    settings.IMAGE_STUDIO = {
        "PROVIDERS": {"azure": {"BACKEND": "image_studio.providers.openai"}},
        "ROUTES": {"premium": {"provider": "azure"}},
    }
    assert routes()["premium"].model == "gpt-image-2"


def test_a_new_model_needs_no_release(settings):
    settings.IMAGE_STUDIO = with_openai(
        MODELS={
            "gpt-image-3": {"family": "gpt-image-2", "title": "Three", "prices": {"image_out": "60"}},
            "gpt-image-2": {"ends_on": date(2026, 11, 1)},
        },
        ROUTES={"premium": {"then": [{"model": "gpt-image-3", "quality": "low"}]}},
    )
    assert models()["gpt-image-3"].prices == {"image_out": 60_000}
    assert models()["gpt-image-3"].edge_multiple == 16
    assert (route("premium").model, route("premium").quality) == ("gpt-image-3", "low")


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ({"MODELS": {"previs-reframe": {"colour": "red"}}}, "colour"),
        ({"MODELS": {"previs-reframe": {"prices": {"image_out": "much"}}}}, "image_out"),
        ({"MODELS": {"previs-reframe": {"ends_on": "soon"}}}, "previs-reframe"),
        ({"MODELS": {"mine": {"title": "No provider"}}}, "mine"),
        ({"PROVIDERS": {"previs": {**PREVIS, "MODELS": {"previs-reframe": {"max": 1}}}}}, "PROVIDERS.*max"),
    ],
)
def test_a_model_row_that_does_not_hold_is_a_configuration_error(settings, value, word):
    settings.IMAGE_STUDIO = value
    with pytest.raises(ConfigurationError, match=word):
        models()


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ({"PROVIDERS": {"mine": None}}, "mine"),
        ({"PROVIDERS": {"previs": {**PREVIS, "MODELS": ["gpt-image-2"]}}}, "MODELS"),
        ({"MODERATION": "on"}, "previs"),
        ({"RATE_LIMITS": {"openai": {}}}, "openai"),
        ({"RATE_LIMITS": {"previs": {"pictures": 3}}}, "images_per_minute"),
        ({"RATE_LIMITS": {"previs": {"images_per_minute": 0}}}, "1 or more"),
        ({"RATE_LIMITS": {"previs": {"tokens_per_minute": True}}}, "whole number"),
        ({"RATE_LIMITS": {"previs": 5}}, "dict"),
    ],
)
def test_providers_limits_and_moderation_name_what_there_is(settings, value, word):
    settings.IMAGE_STUDIO = value
    with pytest.raises(ConfigurationError, match=word):
        conf()


def test_limits_and_moderation_are_read(settings):
    settings.IMAGE_STUDIO = {"RATE_LIMITS": {"previs": {"images_per_minute": 5}}, "MODERATION": "previs"}
    assert conf().rate_limits["previs"]["images_per_minute"] == 5
    assert conf().moderation == "previs"
