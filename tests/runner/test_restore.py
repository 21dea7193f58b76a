"""Yesterday's database beside today's files: every paid picture without a row is taken in, nothing is resent."""

from __future__ import annotations

import json
import sqlite3

import pytest
from django.core.management import call_command
from django.db import connection

from image_studio import storage, testing
from image_studio.models import Asset, Job, LedgerEntry
from image_studio.runner import drain, saving
from image_studio.storage import Spool
from tests import factories
from tests.ledger.money import PRICE, order, sums

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
