"""What was spent, on what, and for how many approved pictures."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from image_studio import ledger
from image_studio.exceptions import InvalidRequest, NotAllowed
from image_studio.ledger import Bill, Settlement
from image_studio.models import Asset, Review, database_now
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import approve
from image_studio.workflow.changing import take
from image_studio.workflow.costs import cost_of, entries, forecasts, month_of, spend
from image_studio.workflow.own_spending import own_spend
from image_studio.workflow.spending import make_budget
from tests import factories
from tests.ledger.conftest import fake  # noqa: F401
from tests.ledger.money import PRICE, order
from tests.workflow.chains import ask, chain_from, paid_site
from tests.workflow.test_changing import cells_of, changed, sheet_of

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()


def spent_on(day, brand, micro_usd, *, model="m", pictures=1, user_id=""):
    """A settled call of a day."""
    bill = Bill(brand_id=brand.pk, model=model, user_id=user_id)
    now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    ledger.settle([Settlement(bill=bill, held=0, spent=micro_usd, pictures=pictures)], now=now)


def test_what_a_set_cost_and_a_picture_that_was_good_enough(fake):  # noqa: F811
    fake()
    made = order(factories.make_brand(), takes=3)
    (job,) = made.jobs.all()
    before = cost_of(OPERATOR, variant_set=made.pk)
    assert (before.spent, before.held, before.pictures, before.per_approved) == (0, 3 * PRICE, 0, None)
    drain()
    for asset in Asset.objects.filter(kind="composed")[:2]:
        approve(OPERATOR, asset, declaration=factories.DECLARED)
    for cost in (cost_of(OPERATOR, variant_set=made.pk), cost_of(OPERATOR, job=job.pk)):
        assert (cost.spent, cost.held, cost.pictures, cost.calls, cost.approved) == (3 * PRICE, 0, 3, 1, 2)
        assert (cost.per_picture, cost.per_approved) == (PRICE, 3 * PRICE // 2)
    with pytest.raises(ValueError, match="name one"):
        cost_of(OPERATOR)


def test_what_a_history_cost(settings, tmp_path):
    with paid_site(settings, tmp_path) as server:
        chain = chain_from(factories.make_asset(factories.make_bare_brand(), (640, 480)))
        ask(chain, candidates=2)
        step = ask(chain, parent=2, candidate=0)
        cost = cost_of(OPERATOR, chain=chain.pk)
        assert cost.spent == sum(line["micro_usd"] for line in server.charged())
        assert (cost.pictures, cost.calls, cost.approved) == (3, 2, 0)
        approve(OPERATOR, step.candidates.get().asset, declaration=factories.DECLARED)
        assert cost_of(OPERATOR, chain=chain.pk).approved == 1


def test_a_report_by_day_model_and_brand(django_assert_max_num_queries):
    brands = [factories.make_bare_brand() for _n in range(2)]
    for day, brand, sum_, model in (
        (date(2026, 5, 1), brands[0], 100, "a"),
        (date(2026, 5, 1), brands[1], 10, "b"),
        (date(2026, 5, 3), brands[0], 50, "b"),
        (date(2026, 6, 1), brands[0], 999, "a"),
        (date(2026, 4, 30), brands[0], 999, "a"),
    ):
        spent_on(day, brand, sum_, model=model)
    with django_assert_max_num_queries(8):
        found = spend(OPERATOR, since=date(2026, 5, 1), until=date(2026, 5, 3))
    assert [(day.day, cost.spent) for day, cost in found.days] == [(1, 110), (2, 0), (3, 50)]
    assert [(one.key, one.cost.spent) for one in found.models] == [("a", 100), ("b", 60)]
    assert [(one.key, one.cost.spent) for one in found.brands] == [(brands[0].slug, 150), (brands[1].slug, 10)]
    assert (found.total.spent, found.total.pictures, found.total.calls) == (160, 3, 3)
    only = spend(OPERATOR, since=date(2026, 5, 1), until=date(2026, 5, 3), brand=brands[1])
    assert (only.total.spent, [one.key for one in only.models]) == (10, ["b"])


def test_approved_pictures_are_counted_in_their_days_and_once(fake):  # noqa: F811
    fake()
    brand = factories.make_brand()
    order(brand)
    drain()
    asset = Asset.objects.get(kind="composed")
    review = approve(OPERATOR, asset, declaration=factories.DECLARED)
    Review.objects.filter(pk=review.pk).update(created_at=datetime(2026, 5, 31, 23, 59, tzinfo=UTC))
    Review.objects.create(
        asset=asset, decision="approve", sha256=asset.sha256, revision=asset.revision, reviewer_label="again"
    )
    today = database_now().date()
    assert spend(OPERATOR, since=date(2026, 5, 1), until=date(2026, 5, 31)).total.approved == 1
    assert spend(OPERATOR, since=date(2026, 6, 1), until=date(2026, 6, 30)).total.approved == 0
    assert spend(OPERATOR, since=date(2026, 5, 1), until=today).brands[0].cost.per_approved == PRICE


def put_up(asset):
    approve(OPERATOR, asset, declaration=factories.DECLARED)
    return asset


def test_only_what_was_bought_counts_as_approved(fake):  # noqa: F811
    """Photographs that people upload would make every bought picture look cheaper."""
    fake()
    brand = factories.make_brand()
    order(brand)
    drain()
    bought = put_up(Asset.objects.get(kind="composed"))
    for _n in range(9):
        put_up(factories.make_asset(brand, (64, 48)))
    total = spend(OPERATOR).total
    assert (total.spent, total.approved, total.per_approved) == (PRICE, 1, PRICE)
    # A free crop of a bought picture shows it; one of an upload does not.
    for source in (Asset.objects.get(pk=bought.parent_id), factories.make_asset(brand, (640, 480))):
        made = factories.make_set(brand, channels=factories.make_channels("square"), source=source)
        drain()
        put_up(made.variants.get().asset)
    assert spend(OPERATOR).total.approved == 2


def test_what_was_approved_has_its_row_where_nothing_was_spent(fake):  # noqa: F811
    fake()
    brand = factories.make_brand()
    creator = factories.make_user("creator", brand=brand)
    put_up(factories.make_asset(brand, (64, 48), micro_usd=PRICE, created_by=creator))
    for found in (spend(OPERATOR), own_spend(Policy(creator))):
        (row,) = found.brands
        assert (row.key, row.cost.spent, row.cost.approved, row.cost.per_approved) == (brand.slug, 0, 1, 0)
        assert found.total.approved == 1


def test_a_cell_that_was_taken_from_a_history_counts_where_its_money_is(settings, tmp_path):
    with paid_site(settings, tmp_path) as server:
        made = sheet_of(factories.make_brand(), "square", locales=("en",))
        (cell,) = cells_of(made)
        step = changed(cell.asset, cell=cell)
        take(OPERATOR, step)
        drain()
        (cell,) = cells_of(made)
        put_up(cell.asset)
        of_set, of_chain = cost_of(OPERATOR, variant_set=made.pk), cost_of(OPERATOR, chain=step.chain_id)
        charged = sum(line["micro_usd"] for line in server.charged())
    assert (of_set.spent, of_set.approved, of_set.per_approved) == (0, 0, None)
    assert (of_chain.spent, of_chain.approved, of_chain.per_approved) == (charged, 1, charged)
    of_job = cost_of(OPERATOR, job=step.job_id)
    assert (of_job.spent, of_job.approved) == (charged, 1)


def test_an_approved_picture_is_of_the_history_that_bought_it(settings, tmp_path):
    with paid_site(settings, tmp_path):
        first = chain_from(factories.make_asset(factories.make_bare_brand(), (640, 480)))
        between = ask(first).candidates.get().asset
        second = chain_from(between)
        put_up(ask(second).candidates.get().asset)
        costs = [cost_of(OPERATOR, chain=chain.pk) for chain in (first, second)]
    assert [cost.approved for cost in costs] == [0, 1]
    assert [cost.per_approved for cost in costs] == [None, costs[1].spent]


def test_who_sees_what():
    brand, other = factories.make_bare_brand(), factories.make_bare_brand()
    manager, creator = factories.make_user("manager", brand=brand), factories.make_user("creator", brand=brand)
    day = date(2026, 5, 1)
    spent_on(day, brand, 100)
    spent_on(day, brand, 7, user_id=str(creator.pk))
    spent_on(day, other, 999)
    seen = spend(Policy(manager), since=day, until=day)
    assert (seen.total.spent, [one.key for one in seen.brands]) == (107, [brand.slug])
    assert [one.cost.spent for one in seen.models] == [107]
    assert spend(Policy(creator), since=day, until=day).total.spent == 0
    with pytest.raises(NotAllowed):
        spend(Policy(creator), brand=brand)
    assert [row.spent_micro_usd for row in entries(Policy(creator))] == [7]
    assert entries(Policy(manager)).count() == 2
    assert entries(OPERATOR).count() == 3


@pytest.mark.parametrize(
    ("since", "until"), [(date(2026, 5, 2), date(2026, 5, 1)), (date(2020, 1, 1), date(2026, 5, 1))]
)
def test_a_span_that_is_none(since, until):
    with pytest.raises(InvalidRequest, match=r"spend\.bad_span"):
        spend(OPERATOR, since=since, until=until)


def test_where_a_budget_is_heading():
    brand = factories.make_bare_brand()
    today = database_now().date()
    first, last = month_of(today)
    row = make_budget(OPERATOR, brand=brand, hard_micro_usd=10**6)
    spent_on(today, brand, 3000)
    (found,) = forecasts(OPERATOR, brand=brand, today=first + timedelta(days=2))
    assert (found.budget, found.until) == (row, last + timedelta(days=1))
    assert found.forecast == 1000 * last.day
    assert not found.exceeds
    (found,) = forecasts(OPERATOR, brand=brand, today=first)
    assert found.forecast is None
    ever = make_budget(OPERATOR, brand=brand, hard_micro_usd=10, period="ever")
    assert {one.budget: one.forecast for one in forecasts(OPERATOR, brand=brand)}[ever] is None
