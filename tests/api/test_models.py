"""The catalog and prices over the API."""

from __future__ import annotations

from datetime import date

import pytest

from image_studio import conf
from image_studio.api import estimates, models
from image_studio.testing import fake_settings
from tests.api.conftest import is_problem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def paid(folder, settings):
    """A provider with a price, beside the free one."""
    fake = fake_settings(ledger=folder / "ledger.jsonl", price=40_000)
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, **fake}


def test_the_catalog_says_what_can_be_bought(owner):
    body = owner.read("models/")
    found = {row["id"]: row for row in body["models"]}
    assert set(found["fake-1"]) == set(models.ModelRow().fields)
    assert (found["previs-reframe"]["needs_source"], found["previs-reframe"]["free"]) == (True, True)
    routes = {row["name"]: row for row in body["routes"]}
    assert set(routes["fake"]) == set(models.RouteRow().fields)
    assert routes["fake"]["price"] == {"likely": 40_000, "most": 40_000, "free": False}
    assert routes["reframe"]["price"] == {"likely": 0, "most": 0, "free": True}
    assert (routes["reframe"]["with_source"], routes["reframe"]["without_source"]) == (True, False)
    assert routes["placeholder"]["publishable"] is False


def test_a_route_whose_model_is_missing_is_shown_and_not_usable(owner, settings):
    routes = {"lost": {"title": "Lost", "provider": "previs", "model": "gone"}}
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "ROUTES": routes}
    lost = next(row for row in owner.read("models/")["routes"] if row["name"] == "lost")
    assert (lost["with_source"], lost["without_source"], lost["price"]) == (False, False, None)
    is_problem(owner.ask("POST", "estimate/", {"route": "lost"}), 422, "request.unknown_model")


def test_a_route_says_when_its_model_changes_and_what_that_costs(owner, settings, monkeypatch):
    monkeypatch.setattr(conf, "today", lambda: date(2026, 11, 22))
    providers = {**settings.IMAGE_STUDIO["PROVIDERS"], "openai": {"BACKEND": "image_studio.providers.openai"}}
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "PROVIDERS": providers}
    body = owner.read("models/")
    routes = {row["name"]: row for row in body["routes"]}
    assert routes["premium"]["switch"] is None
    assert routes["premium"]["price"]["likely"] == 210_720
    volume = routes["volume"]
    assert (volume["model"], volume["switch"]["model"]) == ("gpt-image-1-mini", "gpt-image-2.5-flare")
    assert (volume["switch"]["on"], volume["switch"]["price"]["likely"]) == ("2026-12-01", 13_170)
    found = {row["id"]: row for row in body["models"]}
    assert (found["gpt-image-1"]["phase"], found["gpt-image-1-mini"]["phase"]) == ("ended", "ending")
    assert found["gpt-image-2"]["sizes"] == []
    assert found["gpt-image-1.5"]["sizes"] == ["1024x1024", "1536x1024", "1024x1536"]


def test_nothing_of_the_settings_is_told(owner, folder):
    assert str(folder) not in owner.ask("GET", "models/", status=200).content.decode()


def test_a_price_counts_pictures(owner):
    body = owner.say("estimate/", {"route": "fake", "n": 3, "size": "512x256"}, status=200)
    assert set(body) == set(estimates.Estimate().fields)
    assert body["price"] == {"likely": 120_000, "most": 120_000, "free": False}
    assert (body["route"], body["model"], body["estimated"], body["findings"]) == ("fake", "fake-1", True, [])
    free = owner.say("estimate/", {"model": "previs-placeholder", "quality": "low"}, status=200)
    assert (free["price"]["free"], free["quality"], free["route"], free["estimated"]) == (True, "low", None, False)


def test_what_a_model_cannot_do_is_said(owner):
    body = owner.say("estimate/", {"model": "previs-placeholder", "size": "9999x9999", "quality": "best"}, status=200)
    assert body["findings"]
    assert all(finding["blocks"] and finding["message"].endswith(".") for finding in body["findings"])


@pytest.mark.parametrize(
    "body",
    [
        {"route": "fake", "n": 0},
        {"route": "fake", "n": 10**9},
        {"route": "fake", "n": "1"},
        {"route": "fake", "size": "0x10"},
        {"route": "fake", "size": "10x10x10"},
        {"route": "fake", "size": [10, 10]},
        {"route": "fake", "size": "１０x10"},
        {"route": "fake", "price": 0},
        {"route": ["fake"]},
    ],
)
def test_a_question_that_does_not_hold_is_refused(owner, body):
    is_problem(owner.ask("POST", "estimate/", body), 400, "request.invalid")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"route": "gold"}, "request.unknown_route"),
        ({"model": "gold"}, "request.unknown_model"),
        ({}, "request.invalid"),
        ({"route": "fake", "model": "fake-1"}, "request.invalid"),
    ],
)
def test_a_question_about_nothing_is_refused(owner, body, code):
    is_problem(owner.ask("POST", "estimate/", body), 422, code)


def test_prices_are_for_people_who_are_signed_in(nobody):
    is_problem(nobody.ask("GET", "models/"), 401, "auth.required")
    is_problem(nobody.ask("POST", "estimate/", {"route": "fake"}), 401, "auth.required")
