"""Yesterday's database beside today's files: every paid picture without a row is taken in, nothing is resent."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from image_studio import storage, testing
from image_studio.models import Asset, Job, LedgerEntry, database_now
from image_studio.policy import Policy
from image_studio.runner import drain, holds, saving
from image_studio.storage import Spool
from image_studio.workflow.spending import make_budget
from tests import factories
from tests.ledger.money import PRICE, assert_true, order, sums

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="a copy of a server's database is its operator's business"
    ),
]


@pytest.fixture
def backup(tmp_path):
    """Copy the database; the given function puts the copy back."""

    def take():
        kept = sqlite3.connect(tmp_path / "yesterday.sqlite3")
        connection.ensure_connection()
        connection.connection.backup(kept)

        def restore():
            kept.backup(connection.connection)
            kept.close()
            connection.close()

        return restore

    return take


def findings(capsys, *options):
    capsys.readouterr()
    with pytest.raises(SystemExit):
        call_command("studio_doctor", "--json", *options)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_answers_of_the_lost_day_are_adopted_with_their_bill(fake, backup, monkeypatch, capsys):
    books = fake()
    brand = factories.make_brand()
    factories.make_prompt(brand, "A bottle")
    restore = backup()
    made = order(brand, takes=2)
    # The worker died when the answer was on its disk.
    with monkeypatch.context() as patch:
        patch.setattr(saving, "output", _dies)
        patch.setattr(Spool, "drop", lambda *args: None)
        drain(wait=False)
    assert len(testing.charges(books)) == 1
    (folder,) = Spool().waiting()
    whole = {path.name: path.read_bytes() for path in (Spool().root / folder).glob("output-*")}
    assert len(whole) == 2
    restore()

    assert not Job.objects.filter(variant_set=made.pk).exists()
    assert not LedgerEntry.objects.exists()
    (found,) = [row for row in findings(capsys) if row["code"] == "doctor.answer_without_row"]
    assert (found["object"], found["fixed"]) == (folder, False)
    assert [row["fixed"] for row in findings(capsys, "--fix") if row["object"] == folder] == [True]

    raws = Asset.objects.filter(kind="raw", brand=brand)
    assert sorted(storage.read(storage.private(), raw.file, raw.sha256) for raw in raws) == sorted(whole.values())
    assert sums() == (0, 2 * PRICE) == (0, testing.charges(books)[0]["micro_usd"])
    assert LedgerEntry.objects.get().reason == "restored"
    drain(wait=False)
    assert len(testing.calls(books)) == 1
    assert not list(Spool().waiting())


def _dies(*args, **kwargs):
    raise OSError(28, "No space left on device")


def test_what_the_old_database_believes_to_be_under_way_is_a_doubt_and_is_not_sent(fake, backup, capsys):
    books = fake()
    order(factories.make_brand())
    Job.objects.update(
        state="sending", lease_owner="0" * 32, lease_token=1, lease_until=factories.long_ago(), attempts_made=1
    )
    job = Job.objects.get()
    job.attempts.create(number=1, provider="fake", model="fake-1", worker="0" * 32, started_at=factories.long_ago())
    restore = backup()
    Job.objects.update(state="done", hold_micro_usd=0)
    restore()
    findings(capsys, "--fix")
    job.refresh_from_db()
    assert job.state == "unknown"
    assert sums() == (PRICE, 0)
    drain(wait=False)
    assert not testing.calls(books)


def bought_and_not_stored(monkeypatch):
    """The worker died when the answer was on its disk."""
    with monkeypatch.context() as patch:
        patch.setattr(saving, "output", _dies)
        patch.setattr(Spool, "drop", lambda *args: None)
        drain(wait=False)


@pytest.mark.parametrize("state", ["queued", "leased", "failed", "cancelled", "blocked"])
def test_a_job_that_the_old_database_knows_goes_on_from_its_answer(fake, backup, monkeypatch, capsys, state):
    books = fake()
    brand = factories.make_brand()
    user = factories.make_user("creator", brand=brand)
    budget = make_budget(Policy.operator(), user=user, hard_micro_usd=5 * PRICE)
    job = order(brand, user=user).jobs.get()
    if state != "queued":
        holds.let_go([job.pk])
        Job.objects.update(state=state)
    if state == "leased":
        Job.objects.update(lease_owner=job.pk, lease_until=factories.long_ago())
    restore = backup()
    Job.objects.update(state="queued", lease_owner=None)
    bought_and_not_stored(monkeypatch)
    (folder,) = Spool().waiting()
    assert len(testing.charges(books)) == 1
    restore()

    (found,) = [row for row in findings(capsys, "--fix") if row["code"] == "doctor.answer_without_row"]
    assert (found["object"], found["fixed"]) == (folder, True)
    job.refresh_from_db()
    assert (job.state, job.cost_micro_usd, job.hold_micro_usd) == ("spooled", PRICE, 0)
    assert sums() == (0, PRICE)
    assert_true()
    drain(wait=False)
    job.refresh_from_db()
    assert (job.state, len(testing.calls(books)), list(Spool().waiting())) == ("done", 1, [])
    assert job.outputs.get().asset.sha256 == Asset.objects.get(kind="raw").sha256
    assert job.variants.get().state == "ready"
    budget.refresh_from_db()
    assert (budget.spent_micro_usd, budget.held_micro_usd) == (PRICE, 0)
    assert_true()


def test_what_a_worker_holds_is_left_alone(fake, backup, monkeypatch, capsys):
    fake()
    job = order(factories.make_brand()).jobs.get()
    restore = backup()
    bought_and_not_stored(monkeypatch)
    restore()
    Job.objects.update(state="leased", lease_owner=job.pk, lease_until=database_now() + timedelta(hours=1))
    rows = [row for row in findings(capsys, "--fix") if row["code"] == "doctor.answer_without_row"]
    assert [row["fixed"] for row in rows] == [False]
    assert (Job.objects.get().state, len(list(Spool().waiting()))) == ("leased", 1)
    assert not Job.objects.get().attempts.exists()


def test_an_answer_beside_a_job_that_is_done_is_billed_to_the_job_and_its_person(fake, backup, monkeypatch, capsys):
    fake()
    brand = factories.make_brand()
    user = factories.make_user("creator", brand=brand)
    budget = make_budget(Policy.operator(), user=user, hard_micro_usd=5 * PRICE)
    job = order(brand, user=user).jobs.get()
    holds.let_go([job.pk])
    Job.objects.update(state="done", ended_at=database_now())
    restore = backup()
    Job.objects.update(state="queued")
    bought_and_not_stored(monkeypatch)
    restore()
    codes = {row["code"]: row["fixed"] for row in findings(capsys, "--fix")}
    assert codes["doctor.answer_without_row"]
    assert "doctor.cost_differs" not in codes
    job.refresh_from_db()
    budget.refresh_from_db()
    assert (job.state, job.cost_micro_usd, budget.spent_micro_usd) == ("done", PRICE, PRICE)
    assert (sums(), Asset.objects.filter(kind="raw").count()) == ((0, PRICE), 1)
    assert_true()


def test_a_job_that_is_gone_is_still_billed_to_its_person(fake, backup, monkeypatch, capsys):
    fake()
    brand = factories.make_brand()
    user = factories.make_user("creator", brand=brand)
    budget = make_budget(Policy.operator(), user=user, hard_micro_usd=5 * PRICE)
    restore = backup()
    order(brand, user=user)
    bought_and_not_stored(monkeypatch)
    restore()
    findings(capsys, "--fix")
    budget.refresh_from_db()
    assert (budget.spent_micro_usd, LedgerEntry.objects.get().user_id) == (PRICE, str(user.pk))
    assert "user" not in Asset.objects.get(kind="raw").recipe
