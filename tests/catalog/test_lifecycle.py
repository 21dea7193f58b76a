"""Dates: how a model's end comes nearer, and where routes lead on which day."""

from __future__ import annotations

from datetime import date

import pytest

from image_studio.catalog.lifecycle import days_left, next_switch, notice, notice_begins, phase, route_now, switched
from image_studio.catalog.specs import ModelSpec, RouteSpec, RouteStep, models, routes

OLD, TWO, GONE = models()["gpt-image-1.5"], models()["gpt-image-2"], models()["gpt-image-1"]
BEFORE, LAST, AFTER = date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 9, 1), ("deprecated", 91, 0)),
        (date(2026, 9, 2), ("ending", 90, 90)),
        (date(2026, 11, 1), ("ending", 30, 30)),
        (date(2026, 11, 23), ("ending", 8, 30)),
        (date(2026, 11, 24), ("ending", 7, 7)),
        (LAST, ("ending", 0, 7)),
        (AFTER, ("ended", -1, 0)),
    ],
)
def test_a_model_that_ends_is_told_of_ever_louder(day, expected):
    assert (phase(OLD, day), days_left(OLD, day), notice(OLD, day)) == expected


def test_what_has_no_last_day_is_active_until_the_provider_says_otherwise():
    assert (phase(TWO, AFTER), days_left(TWO, AFTER), notice(TWO, AFTER)) == ("active", None, 0)
    spec = ModelSpec(id="m", provider="p", deprecated=LAST)
    assert [phase(spec, day) for day in (BEFORE, LAST)] == ["active", "deprecated"]


def test_what_ended_long_ago_has_ended():
    assert phase(GONE, date(2026, 11, 22)) == "ended"


def test_the_first_notice_has_a_date():
    assert notice_begins(OLD) == date(2026, 9, 2)
    assert notice_begins(TWO) is None


@pytest.mark.parametrize(
    ("route", "before", "after"),
    [
        ("premium", ("gpt-image-2", "high"), ("gpt-image-2", "high")),
        ("standard", ("gpt-image-2", "medium"), ("gpt-image-2", "medium")),
        ("quick", ("gpt-image-2", "low"), ("gpt-image-2", "low")),
        ("volume", ("gpt-image-1-mini", "medium"), ("gpt-image-2.5-flare", "medium")),
        ("compat", ("gpt-image-1.5", "medium"), ("gpt-image-2.5-sunburst", "high")),
        ("reframe", ("previs-reframe", "high"), ("previs-reframe", "high")),
    ],
)
def test_routes_lead_on_when_their_model_ends(route, before, after):
    for day, (model, quality) in ((BEFORE, before), (LAST, after), (AFTER, after)):
        assert route_now(routes()[route], models(), day) == RouteStep(model=model, quality=quality)


def test_a_switch_is_known_beforehand_and_over_afterwards():
    change = next_switch(routes()["volume"], models(), BEFORE)
    assert change is not None
    assert (change.on, change.old.model, change.new.model) == (LAST, "gpt-image-1-mini", "gpt-image-2.5-flare")
    assert next_switch(routes()["volume"], models(), LAST) is None
    assert next_switch(routes()["premium"], models(), BEFORE) is None


def test_a_switched_route_keeps_only_what_may_still_follow():
    after = switched(routes()["compat"], models(), AFTER)
    assert (after.model, after.quality, after.then) == ("gpt-image-2.5-sunburst", "high", ())
    assert switched(routes()["compat"], models(), BEFORE) is routes()["compat"]


def test_where_everything_ended_the_last_step_stays():
    route = RouteSpec(name="r", title="R", provider="p", model="a", then=(RouteStep(model="b", quality="low"),))
    rows = {name: ModelSpec(id=name, provider="p", ends_on=BEFORE) for name in "ab"}
    assert route_now(route, rows, AFTER).model == "b"
    assert next_switch(route, rows, AFTER) is None


def test_a_model_that_is_not_known_never_ends():
    route = RouteSpec(name="r", title="R", provider="p", model="a", then=(RouteStep(model="b", quality="low"),))
    assert route_now(route, {}, AFTER).model == "a"
