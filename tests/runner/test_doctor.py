"""Each thing the doctor finds, how it says so, and what --fix does and leaves alone."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone

from image_studio import storage, testing
from image_studio.models import (
    Asset,
    Attempt,
    BrandRevision,
    Event,
    Job,
    JobOutput,
    LedgerEntry,
    RateWindow,
    Rendition,
    VariantSet,
    WorkerBeat,
    guards,
)
from image_studio.policy import Policy
from image_studio.runner import drain, holds, limits, saving, sweep
from image_studio.storage import Spool
from image_studio.workflow.spending import stop_spending
from tests import factories
from tests.runner.test_sweep import answer_for, lost

pytestmark = pytest.mark.django_db

FAKE = {"provider": "fake", "model": "fake-1"}


@pytest.fixture
def doctor(capsys):
    """Run the command and return its lines; the exit status says whether there were any."""

    def examine(*options):
        status = 0
        try:
            call_command("studio_doctor", "--json", *options)
        except SystemExit as ended:
            status = ended.code
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert status == (1 if lines else 0)
        for line in lines:
            assert list(line) == ["kind", "object", "code", "message", "fixed"]
            assert line["message"] != line["code"]
            assert "{" not in line["message"]
        return [(line["kind"], line["code"], line["fixed"]) for line in lines]

    return examine


def one_set(brand=None, **fields):
    return factories.make_set(
        brand or factories.make_bare_brand(), channels=factories.make_channels("square"), shrink=8, **{**FAKE, **fields}
    )


def age():
    """Make every stored file older than the doctor's grace."""
    old = time.time() - 7200
    for root in (storage.private_root(), Path(storage.public().location)):
        for path in root.rglob("*"):
            os.utime(path, (old, old))


def test_a_healthy_studio_has_no_findings(fake, doctor):
    fake()
    one_set(factories.make_brand())
    drain()
    age()
    assert doctor() == []


def test_expired_leases_are_stuck_until_swept(fake, doctor):
    fake()
    lost("leased")
    lost("sending", **FAKE)
    assert [found for found in doctor() if found[0] == "stuck"] == [("stuck", "doctor.stuck", False)] * 2
    fixed = doctor("--fix")
    assert [found for found in fixed if found[0] == "stuck"] == [("stuck", "doctor.stuck", True)] * 2
    assert ("unknown", "doctor.unknown", False) in fixed
    assert not [found for found in doctor() if found[0] == "stuck"]
    assert sorted(Job.objects.values_list("state", flat=True)) == ["queued", "unknown"]


def test_a_lost_job_that_the_sweep_cannot_mend_is_not_told_as_mended(fake, doctor, monkeypatch):
    fake()
    lost("leased")
    monkeypatch.setattr(sweep, "_expire", lambda _row: {}["a defect"])
    assert [found for found in doctor("--fix") if found[0] == "stuck"] == [("stuck", "doctor.stuck", False)]


def test_waiting_jobs_without_a_worker_are_named(fake, doctor):
    fake()
    one_set()
    assert doctor() == [("worker", "doctor.no_worker", False)]


@pytest.fixture
def late(fake, settings):
    """A paid job that waits for a minute longer than it may, beside a worker that lives."""
    fake(more={"QUEUE_AGE_SECONDS": 60})
    one_set()
    now = timezone.now()
    WorkerBeat.objects.create(host="h", pid=1, concurrency=1, started_at=now, seen_at=now)
    Job.objects.update(available_at=now - timedelta(seconds=120))
    return Job.objects.get()


def test_a_queue_that_stands_beside_a_worker_is_named(late, doctor):
    assert doctor() == [("queue", "doctor.queue_stands", False)]
    Job.objects.update(available_at=timezone.now() - timedelta(seconds=30))
    assert doctor() == []


def test_a_stop_that_others_wait_behind_is_named(late, doctor):
    stop_spending(Policy.operator(), reason="the bill")
    assert doctor() == [("queue", "doctor.spending_stopped", False)]
    Job.objects.update(available_at=timezone.now())
    assert doctor() == []


def test_a_provider_that_is_not_asked_for_long_is_named(late, doctor):
    limits.close(late.provider, late.model, 3600)
    assert doctor() == [("queue", "doctor.window_shut", False)]
    RateWindow.objects.update(open_at=timezone.now() + timedelta(seconds=30))
    assert doctor() == []  # it opens soon, as one does that RATE_LIMITS shut


def test_a_set_that_nobody_closed_is_closed(doctor):
    made = one_set()
    made.jobs.update(state="done")
    assert doctor() == [("set", "doctor.set_open", False)]
    assert doctor("--fix") == [("set", "doctor.set_open", True)]
    assert VariantSet.objects.get().finished_at is not None


def test_missing_and_altered_files_of_every_kind_are_named(fake, doctor):
    fake()
    made = one_set(factories.make_brand())
    drain()
    cell = made.variants.get()
    assert BrandRevision.objects.get().files
    private = storage.private()
    Path(private.path(cell.asset.parent.file)).unlink()
    flipped = Path(private.path(cell.asset.file))
    data = bytearray(flipped.read_bytes())
    data[len(data) // 2] ^= 1
    flipped.write_bytes(data)
    Path(private.path(Rendition.objects.get(asset=cell.asset).file)).write_bytes(b"")
    Path(private.path(next(iter(BrandRevision.objects.get().files.values())))).unlink()
    assert sorted(doctor("--fix")) == [
        ("altered", "storage.wrong_sum", False),
        ("altered", "storage.wrong_sum", False),
        ("missing", "storage.missing", False),
        ("missing", "storage.missing", False),
    ]


def test_orphans_that_can_be_made_again_go_and_others_stay(fake, doctor):
    fake()
    asset = factories.make_asset(factories.make_bare_brand(), (300, 200))
    private, public = storage.private(), storage.public()
    again = [private.save(f"image_studio/{kind}/aa/x.png", ContentFile(b"x")) for kind in ("preview", "composed")]
    shown = public.save("image_studio/public/aa/x.webp", ContentFile(b"x"))
    twin = private.save("image_studio/raw/aa/twin.jpg", ContentFile(storage.read(private, asset.file)))
    unique = private.save("image_studio/raw/aa/only.png", ContentFile(b"perhaps paid for"))
    other = public.save("other/page.html", ContentFile(b"not ours"))
    assert doctor() == []  # they are young: a transaction may still be open
    age()
    assert doctor() == [("orphan", "doctor.orphan", False)] * 5
    assert sorted(doctor("--fix")) == [("orphan", "doctor.orphan", False)] + [("orphan", "doctor.orphan", True)] * 4
    assert not any(private.exists(name) for name in (*again, twin))
    assert not public.exists(shown)
    assert private.exists(unique)
    assert public.exists(other)


def test_bytes_that_were_refused_but_paid_for_are_no_orphans(fake, doctor):
    fake("garbage")
    one_set()
    drain()
    age()
    kept = JobOutput.objects.get().fault_params["kept"]
    assert doctor() == []
    path = Path(storage.private().path(kept))
    path.write_bytes(b"changed")
    assert doctor() == [("altered", "storage.wrong_sum", False)]
    path.unlink()
    assert doctor() == [("missing", "storage.missing", False)]


def test_an_answer_that_was_never_stored_is_taken_in(fake, doctor, monkeypatch):
    ledger = fake()
    made = one_set()
    with monkeypatch.context() as patch:
        patch.setattr(saving, "finish", lambda *_args: (_ for _ in ()).throw(KeyError("x")))
        drain()
    assert made.jobs.get().state == "failed"
    assert doctor() == [("spool", "doctor.answer_unsaved", False)]
    assert doctor("--fix") == [("spool", "doctor.answer_unsaved", True)]
    drain()
    assert made.jobs.get().state == "done"
    assert len(testing.calls(ledger)) == 1


def test_an_answer_to_an_unknown_call_ends_the_doubt(fake, doctor):
    fake()
    job, call = lost("sending", **FAKE)
    Job.objects.update(state="unknown", lease_owner=None, lease_until=None)
    Attempt.objects.update(state="unknown")
    answer_for(job, call)
    assert ("spool", "doctor.answer_found", False) in doctor()
    assert ("spool", "doctor.answer_found", True) in doctor("--fix")
    drain()
    job.refresh_from_db()
    assert job.state == "done"


def test_an_unknown_call_without_an_answer_keeps_its_folder(fake, doctor):
    fake()
    _job, call = lost("sending", **FAKE)
    Job.objects.update(state="unknown")
    Attempt.objects.update(state="unknown")
    Spool().put(str(call.pk), "order.json", b"{}")
    assert ("spool", "doctor.answer_incomplete", False) in doctor("--fix")
    assert list(Spool().waiting()) == [str(call.pk)]


def test_a_leftover_folder_goes(fake, doctor):
    fake()
    made = one_set()
    drain()
    call = Attempt.objects.get(job__variant_set=made)
    Spool().put(str(call.pk), "order.json", b"{}")
    assert doctor() == [("spool", "doctor.leftover", False)]
    assert doctor("--fix") == [("spool", "doctor.leftover", True)]
    assert doctor() == []


@pytest.mark.django_db(transaction=True)  # taking triggers away commits on MariaDB
def test_an_answer_older_than_the_database_is_adopted_into_its_brand(fake, doctor):
    fake()
    job, call = lost("sending", **FAKE)
    brand = job.brand
    answer_for(job, call)
    data = (Spool().root / str(call.pk) / "output-0.png").read_bytes()
    job.variants.all().delete()
    VariantSet.objects.all().update(finished_at=timezone.now())
    job.delete()
    guards.remove()
    LedgerEntry.objects.all().delete()
    guards.install()
    assert doctor() == [("spool", "doctor.answer_without_row", False)]
    assert doctor("--fix") == [("spool", "doctor.answer_without_row", True)]
    asset = Asset.objects.get(brand=brand)
    assert storage.read(storage.private(), asset.file, asset.sha256) == data
    assert (asset.kind, asset.origin, asset.state) == ("raw", "provider", "candidate")
    assert asset.source_type == "trainedAlgorithmicMedia"
    assert asset.recipe["request"] == job.request
    assert Event.objects.get(verb="asset.adopted").actor_label == "operator"
    assert list(Spool().waiting()) == []


def test_a_second_paid_answer_is_adopted_and_not_thrown_away(fake, doctor):
    fake()
    job, call = lost("sending", **FAKE)
    answer_for(job, call)
    Attempt.objects.update(state="unknown")
    holds.doubt(call.pk, job.pk)
    Job.objects.update(state="done", lease_owner=None, lease_until=None)
    VariantSet.objects.update(finished_at=timezone.now())
    assert doctor() == [("spool", "doctor.second_answer", False), ("unknown", "doctor.doubt", False)]
    assert doctor("--fix") == [("spool", "doctor.second_answer", True)]
    assert doctor() == []
    assert Asset.objects.filter(brand=job.brand).count() == 1


def test_folders_that_nobody_knows_are_named_and_left(doctor):
    Spool().put("holiday-pictures", "x.txt", b"x")
    assert doctor("--fix") == [("spool", "doctor.folder_without_row", False)]
    assert list(Spool().waiting()) == ["holiday-pictures"]


def test_an_answer_on_another_host_says_which(fake, doctor):
    fake()
    _job, _call = lost("spooled", **FAKE)
    Attempt.objects.update(host="elsewhere", state="answered")
    assert doctor("--fix") == [("stuck", "doctor.answer_elsewhere", False)]


def test_a_storage_that_cannot_list_is_named(doctor, monkeypatch):
    def listdir(self, path):
        raise NotImplementedError

    monkeypatch.setattr(type(storage.private()), "listdir", listdir)
    assert doctor() == [("storage", "doctor.cannot_list", False)] * 2


class Denied(Exception):
    """Of a foreign backend."""


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), Denied("key AKIA of bucket b")])
def test_a_storage_that_refuses_to_list_hides_no_other_finding(fake, capsys, doctor, monkeypatch, error):
    fake("unknown")
    one_set()
    drain()

    def listdir(self, path):
        raise error

    monkeypatch.setattr(type(storage.private()), "listdir", listdir)
    found = doctor()
    assert found.count(("storage", "storage.list_failed", False)) == 2
    assert ("unknown", "doctor.unknown", False) in found


def test_the_message_of_a_foreign_storage_is_not_told(fake, capsys, monkeypatch):
    fake()

    def listdir(self, path):
        raise Denied("key AKIA of bucket b")

    monkeypatch.setattr(type(storage.private()), "listdir", listdir)
    with pytest.raises(SystemExit):
        call_command("studio_doctor")
    told = capsys.readouterr().out
    assert "Denied" in told
    assert "AKIA" not in told


def test_a_file_whose_age_nobody_knows_is_left_alone(fake, doctor, monkeypatch):
    fake()
    storage.write(storage.private(), storage.fresh_name("preview", "webp"), b"left over")
    age()

    def unknown(self, name):
        raise Denied

    monkeypatch.setattr(type(storage.private()), "get_modified_time", unknown)
    assert doctor("--fix") == []
