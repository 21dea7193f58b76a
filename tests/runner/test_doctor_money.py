"""What the doctor finds of money that does not add up, and how it is mended: never by forgetting."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db.models import F

from image_studio import ledger, testing
from image_studio.models import OPERATOR, Attempt, Budget, Job, LedgerEntry, SpendRollup, guards
from image_studio.policy import Policy
from image_studio.providers.base import Answer, Output
from image_studio.runner import answers, doctor_money, drain
from image_studio.storage import Spool
from image_studio.workflow import retry_job
from image_studio.workflow.spending import correct, make_budget
from image_studio.workflow.unknowns import resend
from tests import factories
from tests.ledger.money import PRICE, assert_true, held, order, sums

pytestmark = pytest.mark.django_db


@pytest.fixture
def doctor(capsys):
    def examine(*options):
        capsys.readouterr()
        status = 0
        try:
            call_command("studio_doctor", "--json", *options)
        except SystemExit as ended:
            status = ended.code
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert status == (1 if rows else 0)
        assert not [row for row in rows if "{" in row["message"]]
        return sorted((row["kind"], row["code"], row["fixed"]) for row in rows)

    return examine


def bought(fake, *script):
    books = fake(*script)
    made = order(factories.make_brand())
    drain()
    return made.jobs.get(), books


def test_money_that_adds_up_has_no_findings(fake, doctor):
    bought(fake)
    make_budget(Policy.operator(), hard_micro_usd=10**6)
    assert doctor() == []


def test_a_job_that_is_over_and_holds_is_released(fake, doctor):
    fake()
    order(factories.make_brand())
    Job.objects.update(state="failed")
    assert ("over_held", "doctor.over_held", False) in doctor()
    assert held() == PRICE
    assert ("over_held", "doctor.over_held", True) in doctor("--fix")
    entry = LedgerEntry.objects.first()
    assert (entry.kind, entry.reason, entry.actor_label) == ("release", "recounted", "operator")
    assert sums() == (0, 0)
    assert_true()


def test_a_job_that_is_tried_again_meanwhile_keeps_what_it_holds(fake, monkeypatch):
    fake()
    order(factories.make_brand())
    Job.objects.update(state="failed")
    real = doctor_money._let_job_go

    def meanwhile(actor, job):
        retry_job(Policy.operator(), job)
        return real(actor, job)

    monkeypatch.setattr(doctor_money, "_let_job_go", meanwhile)
    (found,) = doctor_money._ended(OPERATOR, fix=True)
    assert (found.code, found.fixed) == ("doctor.over_held", False)
    assert held() == sums()[0] == PRICE
    assert_true()


def test_a_cost_is_mended_by_what_the_ledger_says_then(fake, monkeypatch):
    job, _books = bought(fake)
    Job.objects.update(cost_micro_usd=1)
    real = doctor_money._set_cost

    def meanwhile(pk):
        correct(Policy.operator(), job.brand, 500, note="by the bill", job=pk)
        return real(pk)

    monkeypatch.setattr(doctor_money, "_set_cost", meanwhile)
    assert [found.fixed for found in doctor_money._costs(fix=True)] == [True]
    assert_true()


def test_a_call_that_is_in_doubt_no_more_and_holds_is_released(fake, doctor):
    _job, _books = bought(fake, "unknown")
    Attempt.objects.update(state="lost")
    Job.objects.update(state="failed")
    assert ("over_held", "doctor.over_held", True) in doctor("--fix")
    assert sums() == (0, 0)
    assert_true()


def test_what_the_ledger_does_not_know_of_is_entered(fake, doctor):
    fake()
    order(factories.make_brand())
    Job.objects.update(hold_micro_usd=PRICE + 5)
    assert ("ledger", "doctor.held_differs", False) in doctor()
    assert ("ledger", "doctor.held_differs", True) in doctor("--fix")
    assert sums() == (PRICE + 5, 0)
    Job.objects.update(hold_micro_usd=PRICE)
    doctor("--fix")
    assert sums() == (PRICE, 0)
    assert_true()


def test_rollups_costs_and_counters_are_counted_anew(fake, doctor):
    job, _books = bought(fake)
    row = make_budget(Policy.operator(), brand=job.brand, hard_micro_usd=10**6)
    SpendRollup.objects.filter(model="").update(spent_micro_usd=F("spent_micro_usd") + 1)
    SpendRollup.objects.exclude(model="").delete()
    Job.objects.update(cost_micro_usd=3)
    Budget.objects.update(held_micro_usd=77)
    wanted = [
        ("budget", "doctor.budget_differs"),
        ("ledger", "doctor.cost_differs"),
        *[("ledger", "doctor.rollup_differs")] * 2,
    ]
    assert doctor() == [(*one, False) for one in wanted]
    # A budget counts by the rollups, so it is looked at when those are right again.
    assert doctor("--fix") == [(*one, True) for one in wanted]
    assert doctor() == []
    row.refresh_from_db()
    assert (row.spent_micro_usd, row.held_micro_usd) == (PRICE, 0)
    assert_true()


def settled(brand):
    bill = ledger.Bill(brand_id=brand.pk, model="m")
    ledger.settle([ledger.Settlement(bill=bill, held=0, spent=5, pictures=1)])


def test_what_moves_while_it_is_read_is_no_finding(fake, doctor, monkeypatch):
    job, _books = bought(fake)
    make_budget(Policy.operator(), hard_micro_usd=10**6)
    summed, adds_up = doctor_money._summed, ledger.adds_up
    moved = []

    def meanwhile(key=None):
        found = summed(key)
        if not moved:
            moved.append("rollups")
            settled(job.brand)
        return found

    def counted(budget):
        settled(job.brand)
        moved.append("budgets")
        return adds_up(budget)

    monkeypatch.setattr(doctor_money, "_summed", meanwhile)
    monkeypatch.setattr(ledger, "adds_up", counted)
    assert doctor() == []
    assert moved == ["rollups", "budgets"]
    assert_true()


def test_a_cost_is_missed_in_no_ledger_however_long(fake, doctor, monkeypatch):
    job, _books = bought(fake)
    for number in range(7):
        ledger.adjust(
            ledger.Bill(brand_id=job.brand_id, job=UUID(int=number + 1)), 1, actor=OPERATOR, reason="restored"
        )
    monkeypatch.setattr(doctor_money, "PART", 3)
    Job.objects.update(cost_micro_usd=0)
    assert doctor() == [("ledger", "doctor.cost_differs", False)]
    assert doctor("--fix") == [("ledger", "doctor.cost_differs", True)]
    job.refresh_from_db()
    assert job.cost_micro_usd == PRICE


@pytest.mark.django_db(transaction=True)
def test_missing_triggers_are_made(fake, doctor):
    fake()
    guards.remove()
    assert doctor() == [("trigger", "doctor.no_trigger", False)] * 4
    assert doctor("--fix") == [("trigger", "doctor.no_trigger", True)] * 4
    assert doctor() == []


def test_a_doubt_is_named_after_its_job_went_on(fake, doctor):
    job, _books = bought(fake, "unknown", "ok")
    assert [code for _kind, code, _fixed in doctor() if code.startswith("doctor.unk")] == ["doctor.unknown"]
    resend(Policy.operator(), job, key="again")
    drain()
    incomplete = ("spool", "doctor.answer_incomplete", False)
    assert doctor("--fix") == [incomplete, ("unknown", "doctor.doubt", False)]
    assert sums() == (PRICE, PRICE)


def whole_answer(call, books):
    """What a worker that died would have left: the answer that the books say was charged."""
    picture = factories.encoded(factories.draw_photo((320, 240)))
    path = Spool().put(str(call.pk), "output-0.png", picture)
    charged = testing.charges(books)[0]["micro_usd"]
    answer = Answer(outputs=(Output(index=0, path=path, source_type="trainedAlgorithmicMedia"),), micro_usd=charged)
    answers.keep(call.pk, call.job_id, 1, answer)


def test_a_second_answer_is_adopted_and_its_doubt_settled(fake, doctor):
    job, books = bought(fake, "unknown", "ok")
    resend(Policy.operator(), job, key="again")
    drain()
    whole_answer(job.attempts.get(number=1), books)
    assert ("spool", "doctor.second_answer", True) in doctor("--fix")
    job.refresh_from_db()
    assert job.cost_micro_usd == 2 * PRICE == sum(one["micro_usd"] for one in testing.charges(books))
    assert sums() == (0, 2 * PRICE)
    assert [call.state for call in job.attempts.all()] == ["answered", "answered"]
    assert doctor() == []
    assert_true()


@pytest.mark.django_db(transaction=True)  # taking triggers away commits on MariaDB
def test_after_a_restore_the_bill_is_entered_with_the_pictures(fake, doctor):
    """Yesterday's database beside today's spool: the job, its call and its hold are not known any more."""
    job, books = bought(fake, "unknown")
    call = job.attempts.get()
    told = {"attempt": str(call.pk), "job": str(job.pk), "brand": str(job.brand_id), "provider": "fake"}
    Spool().put(str(call.pk), "order.json", json.dumps({**told, "request": job.request}).encode())
    whole_answer(call, books)
    brand = job.brand
    guards.remove()
    for rows in (LedgerEntry, SpendRollup, Attempt):
        rows.objects.all().delete()
    job.variants.all().delete()
    job.delete()
    guards.install()
    budget = make_budget(Policy.operator(), brand=brand, hard_micro_usd=PRICE)
    assert ("spool", "doctor.answer_without_row", True) in doctor("--fix")
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.reason, entry.spent_micro_usd, entry.attempt) == ("adjust", "restored", PRICE, call.pk)
    assert entry.pictures == 1
    budget.refresh_from_db()
    assert budget.spent_micro_usd == PRICE == ledger.spent_in(budget)
    assert len(testing.calls(books)) == 1
