"""The first page as data: what it counts, how far, for whom, and that its cost is constant."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from image_studio import conf
from image_studio.ledger import recount
from image_studio.models import Asset, Budget, Job, LedgerEntry, SpendRollup, Variant, VariantSet
from image_studio.policy import Policy
from image_studio.workflow import change_this
from image_studio.workflow.home import PURSES, home
from image_studio.workflow.spending import make_budget, stop_spending
from tests import factories
from tests.workflow.test_queue import SMALL, make_cells

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()
#: The package has a verb of the same name.
module = sys.modules[home.__module__]


@pytest.fixture
def brand():
    return factories.make_bare_brand()


@pytest.fixture
def running(brand):
    """A set of four cells; the first is ready."""
    made = factories.make_set(brand, locales=("en", "ar"))
    asset = factories.make_asset(brand, SMALL, kind="composed")
    Variant.objects.filter(pk=made.variants.first().pk).update(asset=asset, state="ready")
    return made


def test_an_empty_studio_begins_with_a_brand(db):
    found = home(OPERATOR)
    assert (found.step, found.quiet, found.last) == ("brand", True, ())
    stranger = Policy(factories.make_user())
    factories.make_bare_brand()
    assert home(stranger).step == "brand"


def test_the_steps_follow_what_is_there(brand):
    assert home(OPERATOR).step == "upload"
    factories.make_asset(brand, SMALL)
    assert home(OPERATOR).step == "generate"
    factories.make_set(brand)
    assert home(OPERATOR).step == ""


def test_what_waits_for_review_is_the_queue(brand):
    cells = make_cells(brand, 3)
    assert list(home(OPERATOR).review.assets) == cells
    assert home(Policy(factories.make_user("viewer", brand=brand))).review.assets == ()


def test_running_sets_show_how_far_they_are(running):
    (one,) = home(OPERATOR).running
    assert (one.variant_set, one.ready, one.total) == (running, 1, 4)
    running.jobs.update(state="done")
    assert home(OPERATOR).running == ()


def test_a_missing_worker_matters_while_something_waits(running, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    assert home(OPERATOR).worker_missing
    running.jobs.update(state="done")
    assert not home(OPERATOR).worker_missing


def test_failures_are_told_with_their_sets(brand, running):
    running.jobs.update(state="failed", available_at=timezone.now())
    broken = factories.make_set(brand)
    broken.jobs.update(state="done")
    cell = broken.variants.first()
    Variant.objects.filter(pk=cell.pk).update(state="compose_failed")
    found = home(OPERATOR)
    assert str(found.failed) == "3"
    assert {one.variant_set for one in found.troubled} == {running, broken}


def test_old_failures_are_history_but_unknown_outcomes_never(running):
    long_since = timezone.now() - module.RECENT - timedelta(days=1)
    running.jobs.update(state="failed", available_at=long_since)
    assert not home(OPERATOR).failed
    running.jobs.update(state="unknown")
    assert str(home(OPERATOR).unknown) == "2"


def test_nobody_counts_further_than_people_read(brand, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    for _ in range(4):
        factories.make_job(brand, state="unknown")
    assert str(home(OPERATOR).unknown) == "2+"


def test_changes_that_are_asked_for_are_listed_newest_first(brand):
    cells = make_cells(brand, 3)
    change_this(OPERATOR, cells[0], note="warmer")
    change_this(OPERATOR, cells[1], note="closer")
    found = home(OPERATOR)
    assert [asset.change_asked.note for asset in found.changes] == ["closer", "warmer"]
    assert not found.changes_more


def spent_on(day, brand, micro_usd, **fields):
    """As the ledger and its rollups keep it."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    LedgerEntry.objects.create(
        at=at, day=day, kind="settle", brand_id=brand.pk, spent_micro_usd=micro_usd, pictures=1, **fields
    )
    for model in ("", "one"):
        row, _made = SpendRollup.objects.get_or_create(day=day, brand_id=brand.pk, model=model)
        SpendRollup.objects.filter(pk=row.pk).update(spent_micro_usd=row.spent_micro_usd + micro_usd)


def test_spending_is_summed_by_day_and_month(brand):
    assert (home(OPERATOR).spent_today, home(OPERATOR).spent_month) == (0, 0)
    today = datetime.now(UTC).date()
    month = today.replace(day=1)
    spent_on(today, brand, 40_000)
    for day in (month, month - timedelta(days=1)):
        spent_on(day, brand, 2_000_000)
    found = home(OPERATOR)
    assert (found.spent_today, found.spent_month) == (2_040_000 if today.day == 1 else 40_000, 2_040_000)
    assert not found.spent_own


@pytest.mark.parametrize("role", ["viewer", "creator", "reviewer"])
def test_who_may_not_see_a_brands_spending_sees_their_own(role, brand):
    user = factories.make_user(role, brand=brand)
    today = datetime.now(UTC).date()
    spent_on(today, brand, 2_000_000)
    spent_on(today, brand, 40_000, user_id=str(user.pk))
    found = home(Policy(user))
    assert (found.spent_today, found.spent_month, found.spent_own) == (40_000, 40_000, True)


def test_the_budgets_with_the_least_room_are_shown(brand):
    people = [factories.make_user("creator", brand=brand) for _ in range(PURSES + 1)]
    for n, user in enumerate(people):
        make_budget(OPERATOR, brand=brand, user=user, hard_micro_usd=(n + 1) * 1_000_000)
    make_budget(OPERATOR, brand=brand, soft_micro_usd=1, hard_micro_usd=40_000)
    make_budget(OPERATOR, brand=factories.make_bare_brand(), hard_micro_usd=1)
    spent_on(datetime.now(UTC).date(), brand, 40_000)
    for budget in Budget.objects.filter(brand=brand):
        recount(budget)
    found = home(Policy(factories.make_user("manager", brand=brand))).purses
    assert len(found) == PURSES
    assert (found[0].used, found[0].limit, found[0].warns) == (40_000, 40_000, True)
    assert found[0].words == "$0.00 left of $0.04"
    assert not any(purse.warns for purse in found[1:])
    # Somebody sees their own.
    assert [purse.limit for purse in home(Policy(people[0])).purses] == [1_000_000]


def test_a_stop_is_told_to_whom_it_concerns(brand):
    stop_spending(OPERATOR, brand, reason="too dear")
    (stop,) = home(Policy(factories.make_user("creator", brand=brand))).stops
    assert (stop.switch.reason, stop.may_end) == ("too dear", False)
    assert home(Policy(factories.make_user("manager", brand=brand))).stops[0].may_end
    assert home(Policy(factories.make_user("manager", brand=factories.make_bare_brand()))).stops == ()


def test_another_brands_money_and_work_are_not_told(brand, running):
    factories.make_job(brand, cost_micro_usd=40_000)
    factories.make_job(brand, state="unknown")
    other = factories.make_bare_brand()
    found = home(Policy(factories.make_user("manager", brand=other)))
    assert (found.spent_month, found.sets, found.last, found.working.n, found.unknown.n) == (0, (), (), 0, 0)


def test_own_only_members_see_their_own(brand, running):
    user = factories.make_user("creator", brand=brand, own_only=True)
    own = factories.make_asset(brand, SMALL, created_by=user)
    mine = factories.make_set(brand, requested_by=user)
    found = home(Policy(user))
    assert found.last == (own,)
    assert [one.variant_set for one in found.sets] == [mine]


def test_nouns_that_are_hidden_stay_empty(brand, running):
    factories.make_job(brand, state="unknown", cost_micro_usd=5)
    found = home(OPERATOR, nouns=())
    assert (found.spent_month, found.unknown.n, found.sets, found.last, found.step) == (None, 0, (), (), "")
    assert home(OPERATOR, nouns=["asset"]).sets == ()


def test_models_that_end_are_told_in_time_with_what_stands_on_them(brand, settings):
    end = {name: f"{conf.today() + timedelta(days=days)}" for name, days in (("far", 400), ("soon", 30), ("over", -3))}
    rows = {name: {"provider": "previs", "title": name.title(), "free": True, "ends_on": end[name]} for name in end}
    then = [{"model": "far", "quality": "low"}]
    settings.IMAGE_STUDIO = {
        **settings.IMAGE_STUDIO,
        "MODELS": {**rows, "unused": {**rows["soon"], "title": "Unused"}},
        "ROUTES": {
            name: {"title": f"To {name}", "provider": "previs", "model": name, "then": then if name == "soon" else []}
            for name in rows
        },
    }
    factories.make_job(brand, model="over")
    factories.make_job(brand, model="over", state="done")
    found = home(OPERATOR).ending
    assert [(one.title, one.days, one.routes, one.jobs.n) for one in found] == [
        ("Over", -3, (("To over", ""),), 1),
        ("Soon", 30, (("To soon", "Far"),), 0),
    ]
    stranger = Policy(factories.make_user("manager", brand=factories.make_bare_brand()))
    assert [one.jobs.n for one in home(stranger).ending] == [0, 0]
    assert [one.jobs.n for one in home(OPERATOR, nouns=()).ending] == [0, 0]


def test_no_size_changes_what_it_costs(brand, running):
    policy = Policy(factories.make_user("manager", brand=brand))
    policy.brands()  # memberships are read once a request

    def cost():
        with CaptureQueriesContext(connection) as queries:
            home(policy)
        counts = [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]
        assert len(counts) == 2, counts  # the cells of the few sets that are shown, and the workers
        return len(queries)

    before = cost()
    make_cells(brand, 6)
    for _ in range(3):
        factories.make_set(brand)
        factories.make_job(brand, state="unknown")
        factories.make_job(brand, state="failed", available_at=timezone.now())
    assert Asset.objects.count() + Job.objects.count() + VariantSet.objects.count() > 20
    assert cost() == before <= 15


def test_a_composition_that_failed_and_was_made_anew_is_no_trouble(brand, running):
    running.jobs.update(state="done")
    cell = running.variants.filter(state="ready").get()
    old = factories.make_job(brand, kind="compose", variant_set=running, state="failed", provider="", n=0)
    Variant.objects.filter(pk=cell.pk).update(state="compose_failed", asset=None)
    assert home(OPERATOR).failed.n == 1
    Variant.objects.filter(pk=cell.pk).update(state="ready", asset=cell.asset)
    assert Job.objects.get(pk=old.pk).state == "failed"
    assert home(OPERATOR).failed.n == 0


def test_a_publication_that_failed_is_trouble_until_another_takes_its_place(brand):
    asset = factories.make_asset(brand, SMALL, state="approved")
    old = factories.make_job(brand, kind="render", asset=asset, state="failed", provider="", n=0)
    Asset.objects.filter(pk=asset.pk).update(publish_job=old)
    assert home(OPERATOR).failed.n == 1
    new = factories.make_job(brand, kind="render", asset=asset, state="done", provider="", n=0)
    Asset.objects.filter(pk=asset.pk).update(publish_job=new, state="published")
    assert home(OPERATOR).failed.n == 0
