"""Budgets: what they grant, refuse and warn of, and that they never forget."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from image_studio import ledger, signals, testing
from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.ledger import Bill, BudgetSpent, Settlement
from image_studio.models import OPERATOR, Budget, Event, Job, LedgerEntry, VariantSet
from image_studio.policy import Policy
from image_studio.runner import drain, sweep
from image_studio.workflow import preview, retry_job
from image_studio.workflow.orders import Order
from image_studio.workflow.plan import Matrix
from image_studio.workflow.spending import change_budget, correct, make_budget, remove_budget
from image_studio.workflow.unknowns import resend
from tests import factories
from tests.ledger.money import PRICE, assert_true, held, order

pytestmark = pytest.mark.django_db


def budget(**fields):
    return make_budget(Policy.operator(), **fields)


def test_an_order_that_does_not_fit_is_refused_whole_and_nothing_is_written(fake):
    books = fake()
    brand = factories.make_brand()
    budget(brand=brand, hard_micro_usd=3 * PRICE - 1)
    order(brand, takes=2)
    with pytest.raises(Conflict) as refused:
        order(brand, takes=1, key="two")
    assert refused.value.code == "budget.spent"
    assert refused.value.params["left"] == "0.04"
    assert VariantSet.objects.count() == Job.objects.count() == 1
    assert held() == 2 * PRICE
    assert not testing.calls(books)
    assert_true()


def several(brand, n=2):
    """Pictures that are ordered together, a set each."""
    prompt, channels = factories.make_prompt(brand, "A bottle"), tuple(factories.make_channels("square"))
    sources = [factories.make_asset(brand, (640, 480)) for _ in range(n)]
    common = {"brand": brand, "prompt_version": prompt, "channels": channels, "locales": ("en",), "route": "fake"}
    return [Matrix(source=source, **common) for source in sources]


def test_several_that_fit_alone_and_not_together_are_refused_together(fake):
    fake()
    brand = factories.make_brand()
    row = budget(brand=brand, soft_micro_usd=PRICE + 1, hard_micro_usd=2 * PRICE - 10_000)
    asked = Order.of(Policy.operator(), several(brand))
    assert asked.blocked
    (finding,) = asked.findings
    assert (finding.code, finding.params["left"], finding.where) == ("budget.spent", "0.07", "price")
    with pytest.raises(Conflict, match=r"budget\.spent"):
        asked.place(Policy.operator(), "key", seen=asked.digest)
    assert not VariantSet.objects.exists()
    change_budget(Policy.operator(), row, soft_micro_usd=PRICE + 1, hard_micro_usd=2 * PRICE)
    asked = Order.of(Policy.operator(), [preview.matrix for preview in asked.previews])
    assert [(one.code, one.blocks) for one in asked.findings] == [("budget.soft", False)]
    made = asked.place(Policy.operator(), "key", seen=asked.digest)
    assert (len(made), held()) == (2, 2 * PRICE)
    # Sent once more when nothing is left: it is the order that was answered.
    asked = Order.of(Policy.operator(), [preview.matrix for preview in asked.previews])
    assert asked.blocked
    assert asked.place(Policy.operator(), "key", seen=asked.digest) == made
    assert_true()


def test_who_tries_again_pays_and_is_told_of_no_other_budget(fake):
    fake("refused", "unknown", "ok")
    brand = factories.make_brand()
    asker, helper = (factories.make_user("creator", brand=brand) for _ in range(2))
    theirs = budget(user=asker, hard_micro_usd=PRICE)
    own = budget(user=helper, hard_micro_usd=PRICE - 1)
    job = order(brand, user=asker).jobs.get()
    drain()
    for again in (lambda: retry_job(Policy(helper), job), lambda: resend(Policy(helper), job, key="x")):
        with pytest.raises(Conflict) as refused:
            again()
        assert refused.value.code == "budget.spent"
        assert refused.value.params["whose"] == helper.get_username()
        change_budget(Policy.operator(), own, soft_micro_usd=None, hard_micro_usd=2 * PRICE)
        again()
        theirs.refresh_from_db()
        own.refresh_from_db()
        assert (theirs.held_micro_usd, theirs.spent_micro_usd) == (0, 0)
        drain()
        assert_true()
        change_budget(Policy.operator(), own, soft_micro_usd=None, hard_micro_usd=PRICE + 1)
    entry = LedgerEntry.objects.filter(kind="settle").get()
    assert (entry.user_id, entry.user_label) == (str(helper.pk), helper.get_username())
    own.refresh_from_db()
    assert (own.held_micro_usd, own.spent_micro_usd) == (PRICE, PRICE)


def test_the_same_key_is_free_again_after_a_refusal(fake):
    fake()
    brand = factories.make_brand()
    row = budget(brand=brand, hard_micro_usd=PRICE)
    with pytest.raises(Conflict):
        order(brand, takes=2)
    change_budget(Policy.operator(), row, soft_micro_usd=None, hard_micro_usd=2 * PRICE)
    order(brand, takes=2)
    assert held() == 2 * PRICE


@pytest.mark.parametrize("level", ["site", "brand", "user", "user in brand"])
def test_every_level_limits(fake, level):
    fake()
    brand, other = factories.make_brand(), factories.make_brand()
    user = factories.make_user("creator", brand=brand)
    fields = {"brand": brand if "brand" in level else None, "user": user if "user" in level else None}
    budget(hard_micro_usd=PRICE, **fields)
    order(brand, user=user)
    with pytest.raises(Conflict, match=r"budget\.spent"):
        order(brand, user=user, key="two")
    if level == "site":
        with pytest.raises(Conflict, match=r"budget\.spent"):
            order(other)
    else:
        order(other)
    if "user" in level:
        order(brand, key="operators")
    assert_true()


def test_a_replay_of_the_period_begins_at_nothing_spent_and_keeps_what_is_held():
    brand = factories.make_bare_brand()
    row = budget(brand=brand, hard_micro_usd=1000, period="month")
    bill = Bill(brand_id=brand.pk)
    november, december = datetime(2026, 11, 30, 23, 59, tzinfo=UTC), datetime(2026, 12, 1, 0, 1, tzinfo=UTC)
    Budget.objects.filter(pk=row.pk).update(start=date(2026, 11, 1))
    ledger.hold([(bill, 600)], actor=OPERATOR, now=november)
    ledger.settle([Settlement(bill=bill, held=300, spent=300)], now=november)
    ledger.hold([(bill, 700)], actor=OPERATOR, now=december)
    row.refresh_from_db()
    assert (row.start, row.spent_micro_usd, row.held_micro_usd) == (date(2026, 12, 1), 0, 1000)
    with pytest.raises(BudgetSpent):
        ledger.hold([(bill, 1)], actor=OPERATOR, now=december)


@pytest.mark.parametrize(
    ("period", "first", "after"),
    [
        ("day", date(2026, 12, 31), date(2027, 1, 1)),
        ("week", date(2026, 12, 28), date(2027, 1, 4)),
        ("month", date(2026, 12, 1), date(2027, 1, 1)),
        ("year", date(2026, 1, 1), date(2027, 1, 1)),
        ("ever", date(1970, 1, 1), None),
    ],
)
def test_periods(period, first, after):
    day = date(2026, 12, 31)
    assert (ledger.starts(period, day), ledger.ends(period, day)) == (first, after)


def test_a_soft_limit_warns_once_a_period(django_capture_on_commit_callbacks):
    brand = factories.make_bare_brand()
    row = budget(brand=brand, soft_micro_usd=1000)
    heard = []
    signals.budget_warned.connect(lambda budget, **_: heard.append(budget.pk), weak=False, dispatch_uid="heard")
    try:
        with django_capture_on_commit_callbacks(execute=True):
            for amount in (600, 600, 600):
                ledger.hold([(Bill(brand_id=brand.pk), amount)], actor=OPERATOR)
    finally:
        signals.budget_warned.disconnect(dispatch_uid="heard")
    assert heard == [row.pk]
    assert Event.objects.filter(verb="budget.warned", object_id=str(row.pk)).count() == 1


def test_a_bill_over_its_hold_is_entered_and_grants_nothing_more():
    brand = factories.make_bare_brand()
    row = budget(brand=brand, hard_micro_usd=1000)
    bill = Bill(brand_id=brand.pk)
    ledger.hold([(bill, 900)], actor=OPERATOR)
    ledger.settle([Settlement(bill=bill, held=900, spent=1200)])
    row.refresh_from_db()
    assert (row.spent_micro_usd, row.held_micro_usd, row.over_micro_usd) == (1200, 0, 200)
    with pytest.raises(BudgetSpent):
        ledger.hold([(bill, 1)], actor=OPERATOR)


def test_a_limit_below_what_is_spent_stops_and_undoes_nothing():
    brand = factories.make_bare_brand()
    row = budget(brand=brand, hard_micro_usd=1000)
    bill = Bill(brand_id=brand.pk)
    ledger.hold([(bill, 800)], actor=OPERATOR)
    change_budget(Policy.operator(), row, soft_micro_usd=None, hard_micro_usd=500)
    assert (row.held_micro_usd, row.over_micro_usd, row.left_micro_usd) == (800, 300, 0)
    ledger.release([(bill, 800)])
    ledger.hold([(bill, 500)], actor=OPERATOR)
    row.refresh_from_db()
    assert (row.held_micro_usd, row.over_micro_usd) == (500, 0)


def test_the_database_holds_the_limit_too():
    row = budget(brand=factories.make_bare_brand(), hard_micro_usd=1000)
    with pytest.raises(IntegrityError), transaction.atomic():
        Budget.objects.filter(pk=row.pk).update(held_micro_usd=F("held_micro_usd") + 1001)
    with pytest.raises(IntegrityError), transaction.atomic():
        Budget.objects.filter(pk=row.pk).update(held_micro_usd=-1)


def test_a_budget_made_later_counts_what_was_spent_and_held_before(fake):
    fake("ok", "unknown")
    brand = factories.make_brand()
    order(brand)
    drain()
    order(brand, takes=2, key="two")
    drain()
    row = budget(brand=brand, hard_micro_usd=PRICE)
    assert (row.spent_micro_usd, row.held_micro_usd, row.over_micro_usd) == (PRICE, 2 * PRICE, 2 * PRICE)
    assert_true()


def test_a_new_budget_is_counted_anew_until_all_that_it_may_have_missed_is_over(fake):
    fake()
    brand = factories.make_brand()
    young, old = budget(brand=brand, soft_micro_usd=PRICE), budget(soft_micro_usd=PRICE)
    order(brand, takes=2)
    # What an order leaves that was not committed when they were opened.
    Budget.objects.update(held_micro_usd=0)
    Budget.objects.filter(pk=old.pk).update(created_at=factories.long_ago())
    assert sweep.sweep().recounted == 1
    assert sweep.sweep().recounted == 0
    assert Budget.objects.get(pk=young.pk).held_micro_usd == 2 * PRICE
    # An old one cannot have missed anything so: that is the doctor's.
    assert Budget.objects.get(pk=old.pk).held_micro_usd == 0


def test_a_refund_may_bring_a_period_below_nothing():
    brand = factories.make_bare_brand()
    row = budget(brand=brand, hard_micro_usd=1000)
    correct(Policy.operator(), brand, -300, note="last month's bill was wrong")
    row.refresh_from_db()
    assert row.spent_micro_usd == -300
    assert LedgerEntry.objects.get().reason == "corrected"
    ledger.hold([(Bill(brand_id=brand.pk), 1300)], actor=OPERATOR)
    assert_true_but_jobs(row)


def assert_true_but_jobs(row):
    row.refresh_from_db()
    assert row.spent_micro_usd + row.held_micro_usd <= row.hard_micro_usd


def test_a_price_that_nobody_knows_is_refused_under_a_limit():
    brand = factories.make_bare_brand()
    bill = Bill(brand_id=brand.pk, price_unknown=True)
    ledger.hold([(bill, 0)], actor=OPERATOR)
    budget(brand=brand, soft_micro_usd=10)
    ledger.hold([(bill, 0)], actor=OPERATOR)
    budget(brand=brand, hard_micro_usd=10**9, period="day")
    with pytest.raises(BudgetSpent, match=r"budget\.price_unknown"):
        ledger.hold([(bill, 0)], actor=OPERATOR)


def test_a_preview_says_what_the_budget_will(fake):
    fake()
    brand = factories.make_brand()
    row = budget(brand=brand, soft_micro_usd=PRICE, hard_micro_usd=2 * PRICE)

    prompt = factories.make_prompt(brand, "A bottle")

    def found(takes):
        matrix = Matrix(
            brand=brand,
            prompt_version=prompt,
            channels=tuple(factories.make_channels("square")),
            locales=("en",),
            takes=takes,
            route="fake",
        )
        seen = preview(Policy.operator(), matrix)
        return [(one.code, one.blocks) for one in seen.findings if one.where == "price"], seen.digest

    assert found(2)[0] == [("budget.soft", False)]
    assert found(3)[0] == [("budget.spent", True)]
    # What others spend meanwhile changes no price: nobody is asked again for that.
    before = found(1)[1]
    remove_budget(Policy.operator(), row)
    assert found(1) == ([], before)


def test_who_may_keep_budgets():
    brand, other = factories.make_bare_brand(), factories.make_bare_brand()
    manager, creator = factories.make_user("manager", brand=brand), factories.make_user("creator", brand=brand)
    kept = make_budget(Policy(manager), brand=brand, hard_micro_usd=10)
    for policy, fields in (
        (Policy(manager), {}),
        (Policy(manager), {"brand": other}),
        (Policy(manager), {"user": creator}),
        (Policy(creator), {"brand": brand, "period": "day"}),
    ):
        with pytest.raises(NotAllowed):
            make_budget(policy, hard_micro_usd=10, **fields)
    for verb in (
        lambda: change_budget(Policy(creator), kept, soft_micro_usd=None, hard_micro_usd=99),
        lambda: remove_budget(Policy(creator), kept),
    ):
        with pytest.raises(NotAllowed):
            verb()
    with pytest.raises(Conflict, match=r"budget\.exists"):
        make_budget(Policy(manager), brand=brand, hard_micro_usd=11)
    with pytest.raises(InvalidRequest, match=r"budget\.not_member"):
        make_budget(Policy(manager), brand=brand, user=factories.make_user(), hard_micro_usd=11)
    assert Budget.objects.get().hard_micro_usd == 10


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "budget.no_limit"),
        ({"soft_micro_usd": 5, "hard_micro_usd": 4}, "budget.limits_crossed"),
        ({"hard_micro_usd": -1}, "budget.out_of_range"),
        ({"hard_micro_usd": 10**16}, "budget.out_of_range"),
        ({"hard_micro_usd": 1, "period": "fortnight"}, "budget.unknown_period"),
    ],
)
def test_budgets_that_do_not_hold(fields, code):
    with pytest.raises(InvalidRequest) as refused:
        budget(**fields)
    assert refused.value.code == code
    assert not Budget.objects.exists()
