"""Hold, settle, release: what the ledger says of one paid call, however it ends."""

from __future__ import annotations

import pytest

from image_studio import ledger, testing
from image_studio.exceptions import Conflict
from image_studio.ledger import Bill, BudgetSpent, Settlement
from image_studio.models import OPERATOR, Budget, LedgerEntry, SpendRollup
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import cancel, retry, sheet
from image_studio.workflow.unknowns import resend
from tests import factories
from tests.ledger.money import PRICE, assert_true, held, order, sums

pytestmark = pytest.mark.django_db


def lines():
    return [
        (row.kind, row.held_micro_usd, row.spent_micro_usd, row.reason) for row in LedgerEntry.objects.order_by("pk")
    ]


def told(made):
    """What a sheet says that trying again may cost, a picture each."""
    cells = sheet(Policy.operator(), made, evidence=False).cells
    return list({cell.again.picture: cell.again.most for cell in cells if cell.again}.values())


def test_an_order_holds_its_most_and_settles_at_the_bill(fake):
    books = fake()
    user = factories.make_user("creator", brand=(brand := factories.make_brand()))
    made = order(brand, user=user, takes=2)
    assert lines() == [("hold", 2 * PRICE, 0, "")]
    assert held() == 2 * PRICE
    drain()
    assert lines()[1:] == [("settle", -2 * PRICE, 2 * PRICE, "")]
    entry = LedgerEntry.objects.first()
    job = made.jobs.get()
    assert (entry.pictures, entry.job, entry.variant_set, entry.brand_id) == (2, job.pk, made.pk, brand.pk)
    assert (entry.user_id, entry.user_label, entry.actor_label) == (str(user.pk), user.get_username(), "worker")
    assert (entry.provider, entry.model, entry.route) == ("fake", "fake-1", "fake")
    assert sum(charge["micro_usd"] for charge in testing.charges(books)) == sums()[1] == job.cost_micro_usd
    assert_true()


def test_a_free_order_leaves_no_trace(fake):
    fake()
    order(factories.make_brand(), route="placeholder")
    drain()
    assert not LedgerEntry.objects.exists()
    assert not SpendRollup.objects.exists()


@pytest.mark.parametrize("word", ["refused", "moderation"])
def test_what_was_not_charged_is_released(fake, word):
    fake(word)
    order(factories.make_brand())
    drain()
    assert lines() == [("hold", PRICE, 0, ""), ("release", -PRICE, 0, "")]
    assert_true()


def test_a_call_that_is_tried_again_keeps_its_hold(fake):
    fake("rate_limited", "ok", retry_after=0.01)
    order(factories.make_brand())
    drain(wait=False)
    drain()
    assert [kind for kind, *_rest in lines()] == ["hold", "settle"]
    assert_true()


@pytest.mark.parametrize("word", ["fewer", "none", "garbage", "html", "wrong_size"])
def test_a_bad_answer_is_paid_all_the_same(fake, word):
    books = fake(word)
    order(factories.make_brand(), takes=2)
    drain()
    assert sums() == (0, sum(charge["micro_usd"] for charge in testing.charges(books)))
    assert_true()


def test_a_cancelled_order_is_released_and_a_retry_holds_anew(fake):
    fake()
    operator = Policy.operator()
    made = order(factories.make_brand(), channels=("square", "story"))
    assert told(made) == []
    cancel(operator, made)
    assert held() == 0
    assert [kind for kind, *_rest in lines()] == ["hold", "hold", "release", "release"]
    assert told(made) == [PRICE, PRICE]
    retry(operator, made)
    assert held() == 2 * PRICE
    drain()
    assert sums() == (0, 2 * PRICE)
    assert_true()


def test_a_picture_that_came_back_broken_is_held_for_alone(fake):
    fake("fewer", "ok")
    made = order(factories.make_brand(), takes=2)
    drain()
    assert told(made) == [PRICE]
    retry(Policy.operator(), made)
    assert held() == PRICE
    drain()
    assert_true()


@pytest.mark.parametrize(("price", "most"), [(3 * PRICE, 6 * PRICE), (PRICE // 2, 2 * PRICE)])
def test_a_retry_is_told_and_held_at_what_it_costs_today_and_never_less(fake, price, most):
    fake("refused", "ok")
    made = order(factories.make_brand(), takes=2)
    drain()
    fake("refused", "ok", price=price)
    assert told(made) == [most]
    retry(Policy.operator(), made)
    assert held() == most
    assert sheet(Policy.operator(), made, evidence=False).estimate_micro_usd == most
    drain()
    assert sums() == (0, 2 * price)
    assert_true()


def test_one_picture_of_several_is_bought_again_at_todays_price(fake):
    fake("fewer", "ok")
    made = order(factories.make_brand(), takes=2)
    drain()
    fake("fewer", "ok", price=3 * PRICE)
    assert told(made) == [3 * PRICE]
    retry(Policy.operator(), made)
    assert held() == 3 * PRICE


def test_a_budget_that_has_no_room_for_todays_price_refuses_the_retry(fake):
    fake("refused", "ok")
    brand = factories.make_brand()
    budget = Budget(period="ever", brand=brand, hard_micro_usd=2 * PRICE)
    ledger.open_budget(budget)
    made = order(brand)
    drain()
    fake("refused", "ok", price=3 * PRICE)
    with pytest.raises(BudgetSpent):
        retry(Policy.operator(), made)
    assert (held(), made.jobs.get().state, made.jobs.get().estimate_micro_usd) == (0, "failed", PRICE)
    assert_true()


def test_a_call_in_doubt_is_sent_again_at_todays_price(fake):
    fake("unknown", "ok")
    job = order(factories.make_brand()).jobs.get()
    drain()
    fake("unknown", "ok", price=3 * PRICE)
    resend(Policy.operator(), job, key="again")
    assert held() == PRICE + 3 * PRICE
    drain()
    assert sums() == (PRICE, 3 * PRICE)
    assert_true()


def test_what_nobody_can_price_any_more_is_held_as_agreed(fake, settings):
    fake("refused", "ok")
    made = order(factories.make_brand())
    drain()
    rows = {name: row for name, row in settings.IMAGE_STUDIO["PROVIDERS"].items() if name != "fake"}
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "PROVIDERS": rows, "ROUTES": {}}
    assert told(made) == [PRICE]


def test_cells_that_share_a_picture_pay_for_it_once_and_free_ones_nothing(fake):
    fake()
    operator = Policy.operator()
    brand = factories.make_brand()
    made = order(brand, locales=("en", "ar"))
    cancel(operator, made)
    assert (made.variants.count(), told(made)) == (2, [PRICE])
    free = order(brand, route="placeholder", locales=("en", "ar"), key="two")
    cancel(operator, free)
    assert (free.variants.count(), told(free)) == (2, [])


def test_a_price_that_nobody_knows_is_not_told_as_free(fake, settings):
    fake()
    operator = Policy.operator()
    made = order(factories.make_brand())
    cancel(operator, made)
    providers = settings.IMAGE_STUDIO["PROVIDERS"]
    own = {**providers["fake"], "MODELS": {"ours": {"unpriced": True, "edge_multiple": 8}}}
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "PROVIDERS": {**providers, "fake": own}}
    made.jobs.update(model="ours", estimate_micro_usd=0)
    assert told(made) == [None]


def test_usage_that_is_missing_is_charged_at_the_hold_and_flagged():
    bill = Bill(brand_id=factories.make_bare_brand().pk, model="m")
    ledger.hold([(bill, 500)], actor=OPERATOR)
    assert ledger.settle([Settlement(bill=bill, held=500, spent=0, missing=True)]) == [500]
    assert lines() == [("hold", 500, 0, ""), ("settle", -500, 500, "usage_missing")]


def test_a_bill_above_its_hold_is_told_as_it_is():
    bill = Bill(brand_id=factories.make_bare_brand().pk, model="m")
    ledger.hold([(bill, 500)], actor=OPERATOR)
    ledger.settle([Settlement(bill=bill, held=500, spent=700, pictures=1)])
    assert lines()[-1] == ("settle", -500, 700, "over_hold")
    assert sums() == (0, 700)


def test_rollups_add_up_over_batches_and_models():
    brands = [factories.make_bare_brand() for _n in range(2)]
    for _round in range(3):
        ledger.settle(
            [
                Settlement(bill=Bill(brand_id=brand.pk, model=model), held=0, spent=10 * (i + 1), pictures=i)
                for i, brand in enumerate(brands)
                for model in ("a", "b")
            ]
        )
    found = {
        (row.brand_id, row.model): (row.spent_micro_usd, row.pictures, row.calls) for row in SpendRollup.objects.all()
    }
    assert found == {
        **{(brands[0].pk, model): (30, 0, 3) for model in ("a", "b")},
        (brands[0].pk, ""): (60, 0, 6),
        **{(brands[1].pk, model): (60, 3, 3) for model in ("a", "b")},
        (brands[1].pk, ""): (120, 6, 6),
    }
    assert_true()


def test_an_entry_stays():
    ledger.adjust(Bill(brand_id=factories.make_bare_brand().pk), 5, actor=OPERATOR, reason="corrected", note="x")
    entry = LedgerEntry.objects.get()
    entry.spent_micro_usd = 6
    with pytest.raises(Conflict):
        entry.save()
    with pytest.raises(Conflict):
        entry.delete()
