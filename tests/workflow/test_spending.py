"""Who may stop spending and correct it, what a stop reaches, and what people are told."""

from __future__ import annotations

import pytest

from image_studio import testing
from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.models import Event, Job, LedgerEntry, Switch, uuid7
from image_studio.policy import Policy
from image_studio.runner import drain, leases
from image_studio.runner.doctor import examine
from image_studio.workflow import retry
from image_studio.workflow.spending import (
    budgets,
    correct,
    make_budget,
    money_findings,
    resume_spending,
    stop_spending,
    switches,
)
from tests import factories
from tests.ledger.conftest import fake  # noqa: F401
from tests.ledger.money import PRICE, assert_true, held, order, sums

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()


def test_who_may_stop_what():
    brand, other = factories.make_bare_brand(), factories.make_bare_brand()
    manager = Policy(factories.make_user("manager", brand=brand))
    reviewer = Policy(factories.make_user("reviewer", brand=brand))
    own = Policy(factories.make_user("manager", brand=brand, own_only=True))
    stop_spending(manager, brand, reason="too dear")
    for policy, target in ((manager, None), (manager, other), (reviewer, brand), (own, brand)):
        with pytest.raises(NotAllowed):
            stop_spending(policy, target, reason="x")
        with pytest.raises(NotAllowed):
            resume_spending(policy, target)
    assert [row.scope for row in switches(reviewer)] == [f"brand:{brand.pk}"]
    assert not switches(Policy(factories.make_user("viewer", brand=other))).exists()
    resume_spending(manager, brand)
    assert not switches(OPERATOR).exists()
    told = Event.objects.filter(verb__startswith="spending.").order_by("pk").values_list("verb", flat=True)
    assert list(told) == ["spending.stopped", "spending.resumed"]
    assert Switch.objects.count() == 1


def test_a_stop_in_the_last_moment_sends_nothing_and_loses_no_place(fake, monkeypatch):  # noqa: F811
    """The job is leased when the switch is thrown: it goes back to the queue, and its try does not count."""
    books = fake()
    brand = factories.make_brand()
    order(brand)
    real = leases.claim

    def claim(*args, **kwargs):
        taken = real(*args, **kwargs)
        if taken and not Switch.objects.filter(stopped=True).exists():
            stop_spending(OPERATOR, reason="now")
        return taken

    monkeypatch.setattr(leases, "claim", claim)
    drain(wait=False)
    assert not testing.calls(books)
    job = Job.objects.get()
    assert (job.state, job.attempts_made, job.lease_owner, job.hold_micro_usd) == ("queued", 0, None, PRICE)
    assert not job.attempts.exists()
    monkeypatch.setattr(leases, "claim", real)
    resume_spending(OPERATOR)
    drain()
    assert len(testing.charges(books)) == 1
    assert_true()


def test_a_stopped_brand_cannot_retry_but_can_cancel(fake):  # noqa: F811
    fake("refused", "ok")
    brand = factories.make_brand()
    made = order(brand)
    drain()
    stop_spending(OPERATOR, brand, reason="x")
    with pytest.raises(Conflict, match=r"spending\.stopped"):
        retry(OPERATOR, made)
    assert (Job.objects.get().state, held()) == ("failed", 0)
    resume_spending(OPERATOR, brand)
    retry(OPERATOR, made)
    drain()
    assert sums() == (0, PRICE)


def test_what_waits_is_not_claimed_while_spending_is_stopped(fake):  # noqa: F811
    fake()
    order(factories.make_brand())
    stop_spending(OPERATOR, reason="x")
    assert leases.claim(uuid7(), 5) == []
    resume_spending(OPERATOR)
    assert len(leases.claim(uuid7(), 5)) == 1


def test_people_are_told_before_they_order():
    brand = factories.make_bare_brand()
    assert money_findings(OPERATOR, brand, 0) == []
    assert money_findings(OPERATOR, brand, 5) == []
    stop_spending(OPERATOR, brand, reason="the bill")
    (found,) = money_findings(OPERATOR, brand, 5)
    assert (found.code, found.blocks, found.params) == (
        "spending.stopped",
        True,
        {"reason": "the bill", "who": "operator"},
    )
    assert money_findings(OPERATOR, brand, 0) == []


def test_which_budgets_people_see():
    brand, other = factories.make_bare_brand(), factories.make_bare_brand()
    manager, creator = factories.make_user("manager", brand=brand), factories.make_user("creator", brand=brand)
    site = make_budget(OPERATOR, hard_micro_usd=1)
    of_brand = make_budget(OPERATOR, brand=brand, hard_micro_usd=1)
    make_budget(OPERATOR, brand=other, hard_micro_usd=1)
    own = make_budget(OPERATOR, user=creator, hard_micro_usd=1)
    within = make_budget(OPERATOR, brand=brand, user=creator, hard_micro_usd=1)
    assert set(budgets(Policy(manager))) == {of_brand, within}
    assert set(budgets(Policy(creator))) == {own, within}
    assert budgets(OPERATOR).count() == 5
    assert site in budgets(OPERATOR)


def test_a_correction_is_an_entry_of_its_own():
    brand = factories.make_bare_brand()
    boss = factories.make_user(is_superuser=True)
    correct(Policy(boss), brand, 5_000, note="the provider's bill of May")
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.spent_micro_usd, entry.reason) == ("adjust", 5_000, "corrected")
    assert (entry.actor_id, entry.note) == (str(boss.pk), "the provider's bill of May")
    for micro, note in ((0, "x"), (5, "  "), (10**16, "x")):
        with pytest.raises(InvalidRequest):
            correct(Policy(boss), brand, micro, note=note)
    assert_true()


@pytest.mark.parametrize("role", ["reviewer", "manager"])
def test_nobody_lifts_the_sites_limit_by_a_correction(role):
    brand = factories.make_bare_brand()
    site = make_budget(OPERATOR, hard_micro_usd=1_000)
    with pytest.raises(NotAllowed):
        correct(Policy(factories.make_user(role, brand=brand)), brand, -5_000, note="x")
    site.refresh_from_db()
    assert (site.spent_micro_usd, LedgerEntry.objects.count()) == (0, 0)


def test_a_correction_of_a_job_is_the_jobs_cost_too(fake):  # noqa: F811
    fake("ok")
    brand = factories.make_brand()
    person = factories.make_user("creator", brand=brand)
    job = order(brand, user=person).jobs.get()
    drain()
    own = make_budget(OPERATOR, user=person, hard_micro_usd=10 * PRICE)
    correct(OPERATOR, brand, 500, note="May's bill", job=job.pk)
    correct(OPERATOR, brand, -1_000, note="June's bill", job=job.pk)
    job.refresh_from_db()
    own.refresh_from_db()
    assert job.cost_micro_usd == own.spent_micro_usd == PRICE - 500
    entry = LedgerEntry.objects.order_by("pk").last()
    assert (entry.variant_set, entry.model, entry.user_id) == (job.variant_set_id, job.model, str(person.pk))
    assert not [row.code for row in examine(OPERATOR.actor)]
    with pytest.raises(InvalidRequest, match="below_nothing"):
        correct(OPERATOR, brand, -PRICE, note="x", job=job.pk)
    with pytest.raises(InvalidRequest, match="no_such_job"):
        correct(OPERATOR, factories.make_bare_brand(), 5, note="x", job=job.pk)
    assert_true()
