"""What stands on models that end: routes by their alias's dates, work that waits, and requests past the last day."""

from __future__ import annotations

from datetime import date

import pytest

from image_studio import conf
from image_studio.policy import Policy
from image_studio.workflow import Matrix, preview
from image_studio.workflow.lifecycle import uses
from image_studio.workflow.offers import offers
from image_studio.workflow.preview import route_cards
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()
OPENAI = {"BACKEND": "image_studio.providers.openai", "OPTIONS": {"api_key": "sk-test"}}
PREVIS = {"BACKEND": "image_studio.providers.previs"}
BEFORE, LAST, AFTER = date(2026, 11, 22), date(2026, 12, 1), date(2026, 12, 2)


@pytest.fixture
def on(monkeypatch):
    """Sets the site's clock to a day."""

    def on(day):
        monkeypatch.setattr(conf, "today", lambda: day)

    return on


@pytest.fixture
def site(settings):
    """A site that buys from OpenAI."""

    def site(**more):
        settings.IMAGE_STUDIO = {"DOORBELL": "poll", "PROVIDERS": {"previs": PREVIS, "openai": OPENAI}, **more}

    site()
    return site


def matrix(route, **changes):
    brand = factories.make_bare_brand()
    values = {
        "brand": brand,
        "route": route,
        "channels": tuple(factories.make_channels("square")),
        "locales": ("en",),
        "prompt_version": factories.make_prompt(brand),
    }
    return Matrix(**{**values, **changes})


def told(found):
    return [(one.spec.id, one.days, one.notice, [use.route.name for use in one.routes], one.jobs) for one in found]


# What stands on them -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "notice"),
    [(date(2026, 9, 1), None), (date(2026, 9, 2), 90), (date(2026, 11, 1), 30), (date(2026, 11, 24), 7), (LAST, None)],
)
def test_routes_are_told_of_ever_nearer_until_they_have_switched(site, on, day, notice):
    on(day)
    left = (LAST - day).days
    wanted = [("gpt-image-1-mini", left, notice, ["volume"], 0), ("gpt-image-1.5", left, notice, ["compat"], 0)]
    assert told(uses(OPERATOR)) == (wanted if notice else [])


def test_a_route_says_what_follows_it(site, on):
    on(BEFORE)
    (use,) = next(one for one in uses(OPERATOR) if one.spec.id == "gpt-image-1.5").routes
    assert use.switch is not None
    assert (use.switch.on, use.switch.new.quality) == (LAST, "high")
    assert use.follower is not None
    assert use.follower.title == "GPT Image 2.5 Sunburst"


def test_a_model_that_nothing_stands_on_is_not_told_of(site, on):
    on(AFTER)
    assert uses(OPERATOR) == ()


def test_a_route_without_a_follower_stays_on_what_ended(site, on):
    site(ROUTES={"old": {"title": "Old", "provider": "openai", "model": "gpt-image-1"}})
    on(AFTER)
    (one,) = uses(OPERATOR)
    assert (one.spec.id, one.days, one.close, one.routes[0].switch) == ("gpt-image-1", -40, True, None)


def test_only_work_that_was_not_sent_stands_on_a_model(site, on):
    on(AFTER)
    brand = factories.make_bare_brand()
    for state in ("queued", "leased", "sending", "spooled", "done", "failed", "blocked", "cancelled", "unknown"):
        factories.make_job(brand, provider="openai", model="gpt-image-1.5", state=state)
    factories.make_job(brand, provider="openai", model="gpt-image-2")
    factories.make_job(brand, provider="gone", model="gpt-image-1.5")
    assert told(uses(OPERATOR)) == [("gpt-image-1.5", -1, 0, [], 2)]
    assert told(uses(OPERATOR, most=1)) == [("gpt-image-1.5", -1, 0, [], 1)]
    assert uses(Policy(factories.make_user("manager", brand=factories.make_bare_brand()))) == ()


def test_each_alias_has_its_own_dates(settings, on):
    settings.IMAGE_STUDIO = {
        "PROVIDERS": {
            "openai": OPENAI,
            "azure": {**OPENAI, "MODELS": {"gpt-image-1.5": {"ends_on": "2027-03-01"}}},
        },
        "ROUTES": {"there": {"title": "There", "provider": "azure", "model": "gpt-image-1.5"}},
    }
    on(date(2027, 2, 20))
    (one,) = uses(OPERATOR)
    assert (one.spec.provider, one.days, [use.route.name for use in one.routes]) == ("azure", 9, ["there"])
    card = next(card for card in route_cards(OPERATOR, has_source=False) if card.spec.name == "there")
    assert (card.usable, card.publishable) == (True, True)


def test_a_site_without_models_that_end_asks_the_database_nothing(on, django_assert_num_queries):
    on(BEFORE)
    with django_assert_num_queries(0):
        assert uses(OPERATOR) == ()


# Past the last day ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("route", "before", "after"),
    [
        ("volume", ("gpt-image-1-mini", "medium"), ("gpt-image-2.5-flare", "medium")),
        ("compat", ("gpt-image-1.5", "medium"), ("gpt-image-2.5-sunburst", "high")),
        ("premium", ("gpt-image-2", "high"), ("gpt-image-2", "high")),
    ],
)
def test_a_set_is_ordered_of_the_model_that_is_right_on_its_day(site, on, route, before, after):
    order = matrix(route)
    for day, wanted in ((BEFORE, before), (AFTER, after)):
        on(day)
        found = preview(OPERATOR, order)
        assert (found.model.id, found.jobs[0].request.quality) == wanted
        assert {job.request.model for job in found.jobs} == {wanted[0]}
        assert "model.ended" not in {finding.code for finding in found.findings}


def test_a_switch_changes_what_was_agreed_to(site, on):
    order = matrix("volume")
    on(BEFORE)
    seen = preview(OPERATOR, order).digest
    on(AFTER)
    assert preview(OPERATOR, order).digest != seen


@pytest.mark.parametrize("look", ["preview", "offers"])
@pytest.mark.parametrize(
    ("provider", "row"),
    [
        ("openai", {"model": "gpt-image-1.5"}),
        # One that judges no dates itself.
        ("previs", {"model": "previs-placeholder"}),
    ],
)
def test_what_ended_is_refused_with_what_stands_in_its_place(site, on, look, provider, row):
    end = {"ends_on": "2026-12-01", "replaced_by": ["this-one", "or-that"]}
    site(
        MODELS={"gpt-image-1.5": end, "previs-placeholder": end},
        ROUTES={"old": {"title": "Old", "provider": provider, "quality": "medium", **row}},
    )
    order = matrix("old")

    def codes():
        found = preview(OPERATOR, order) if look == "preview" else offers(OPERATOR, [order], ["old"])["old"]
        return {finding.code: finding.params for finding in found.findings if finding.blocks}

    on(LAST)
    assert "model.ended" not in codes()
    on(AFTER)
    params = codes()["model.ended"]
    assert (params["ends_on"], params["replaced_by"]) == ("2026-12-01", "this-one, or-that")
