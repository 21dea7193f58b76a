"""Settings: read at use, forgotten when overridden, and strict about every key."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from image_studio.conf import ConfigurationError, Settings, conf, models, provider, routes
from image_studio.exceptions import StudioError


def test_with_nothing_set_the_app_works(settings):
    del settings.IMAGE_STUDIO
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
