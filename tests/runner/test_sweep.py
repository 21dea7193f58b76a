"""Lost workers, lost calls, lost answers, sets that nobody closed."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from image_studio import signals, states, storage
from image_studio.exceptions import StorageFailed
from image_studio.models import Attempt, Event, Job, Rendition, WorkerBeat, uuid7
from image_studio.providers.base import Answer, Output, PictureRequest
from image_studio.runner import answers, beats, drain, leases, sets, sweep
from image_studio.storage import Spool
from image_studio.testing import picture
from tests import factories

pytestmark = pytest.mark.django_db

FAKE = {"provider": "fake", "model": "fake-1"}


def lost(state, *, provider="previs", model="previs-placeholder", brand=None):
    """A job whose worker died while it was in ``state``, and its call."""
    brand = brand or factories.make_bare_brand()
    made = factories.make_set(
        brand, channels=factories.make_channels("square"), shrink=6, provider=provider, model=model
    )
    past = factories.long_ago()
    made.jobs.update(state=state, lease_owner=uuid7(), lease_token=1, lease_until=past, attempts_made=1)
    job = made.jobs.get()
    call = None
    if state != "leased":
        call = Attempt.objects.create(
            job=job, number=1, provider=provider, model=model, worker=job.lease_owner, started_at=past
        )
    return job, call


def answer_for(job, call):
    """A complete answer in the spool."""
    folder = answers.order(call.pk, job.pk, job.brand_id, job.request)
    path = folder / "output-0.png"
    path.write_bytes(picture(PictureRequest.from_dict(job.request)))
    output = Output(index=0, path=path, source_type="trainedAlgorithmicMedia")
    return answers.keep(call.pk, job.pk, 1, Answer(outputs=(output,), request_id="r-1", micro_usd=40_000))


def test_a_leased_job_goes_back_to_the_queue():
    job, _call = lost("leased")
    assert sweep.sweep().requeued == 1
    job.refresh_from_db()
    assert (job.state, job.lease_owner, job.lease_token) == ("queued", None, 1)
    assert Event.objects.get(verb="job.requeued").data["code"] == "job.worker_lost"


def test_a_call_that_may_have_been_charged_is_unknown_and_never_sent_again(fake):
    ledger = fake()
    job, call = lost("sending", **FAKE)
    assert sweep.sweep().unknown == 1
    job.refresh_from_db()
    call.refresh_from_db()
    assert (job.state, job.error_code, call.state) == ("unknown", "job.worker_lost", "unknown")
    assert job.ended_at is not None
    drain(wait=False)
    assert not ledger.exists()


def test_a_repeatable_call_goes_back_to_the_queue_and_is_made_again():
    job, call = lost("sending")
    Spool().put(str(call.pk), "half-a-picture", b"x")
    assert sweep.sweep().requeued == 1
    call.refresh_from_db()
    assert call.state == "lost"
    assert list(Spool().waiting()) == []
    drain()
    job.refresh_from_db()
    assert (job.state, job.attempts.count()) == ("done", 2)


def test_a_complete_answer_is_taken_in_instead_of_a_new_call(fake):
    ledger = fake()
    job, call = lost("sending", **FAKE)
    answer_for(job, call)
    assert sweep.sweep().rescued == 1
    drain()
    job.refresh_from_db()
    call.refresh_from_db()
    assert (job.state, job.cost_micro_usd) == ("done", 40_000)
    assert (call.state, call.request_id) == ("answered", "r-1")
    assert job.variants.get().state == "ready"
    assert not ledger.exists()


def test_an_answer_that_turns_up_late_ends_the_unknown(fake):
    ledger = fake()
    job, call = lost("sending", **FAKE)
    sweep.sweep()
    answer_for(job, call)
    assert sweep.sweep().rescued == 1
    drain()
    job.refresh_from_db()
    assert (job.state, job.cost_micro_usd) == ("done", 40_000)
    assert not ledger.exists()


def test_a_late_answer_is_left_alone_once_a_person_asked_again(fake):
    fake()
    job, call = lost("sending", **FAKE)
    sweep.sweep()
    answer_for(job, call)
    again = Attempt.objects.create(
        job=job, number=2, provider="fake", model="m", worker=uuid7(), started_at=call.started_at
    )
    Attempt.objects.filter(pk=again.pk).update(state="unknown")
    assert sweep.sweep().rescued == 0
    job.refresh_from_db()
    assert job.state == "unknown"


@pytest.mark.parametrize("state", ["leased", "sending"])
def test_a_job_that_kills_its_workers_ends(state):
    job, _call = lost(state)
    Job.objects.update(attempts_made=sweep.MOST_LOSSES - 1)
    assert sweep.sweep().requeued == 1
    Job.objects.update(state="leased", lease_owner=uuid7(), lease_until=factories.long_ago())
    Job.objects.update(attempts_made=sweep.MOST_LOSSES)
    assert sweep.sweep().requeued == 0
    job.refresh_from_db()
    assert (job.state, job.error_code, job.lease_owner) == ("failed", "job.kills_workers", None)


def test_an_answer_that_kills_its_workers_ends_and_is_kept(fake):
    fake()
    job, call = lost("spooled", **FAKE)
    answer_for(job, call)
    Job.objects.update(saves_made=sweep.MOST_LOSSES)
    drain()
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "job.kills_workers")
    assert list(Spool().waiting()) == [str(call.pk)]
    states.JOB.move(Job.objects.all(), "queued")
    drain()
    job.refresh_from_db()
    assert job.state == "done"


def test_living_leases_are_left_alone():
    job, _call = lost("sending")
    Job.objects.update(lease_until=timezone.now() + timedelta(minutes=1))
    assert sweep.sweep() == sweep.Swept()
    job.refresh_from_db()
    assert job.state == "sending"


def test_two_sweepers_write_one_event():
    job, _call = lost("leased")
    seen = sweep.expired(Job.objects.all())[0]
    sweep.sweep()
    assert sweep._expire(seen) == ""
    assert Event.objects.filter(verb="job.requeued", object_id=str(job.pk)).count() == 1


def gone_pid():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def beat_row(pid, **fields):
    now = timezone.now()
    values = {"host": beats.this_host(), "pid": pid, "concurrency": 1, "started_at": now, "seen_at": now}
    return WorkerBeat.objects.create(**{**values, **fields})


def test_a_dead_worker_of_this_host_loses_its_leases_at_once():
    soon = timezone.now() + timedelta(minutes=5)
    dead, living, elsewhere = beat_row(gone_pid()), beat_row(os.getpid()), beat_row(gone_pid(), host="other")
    jobs = []
    for row in (dead, living, elsewhere):
        job, _call = lost("leased")
        Job.objects.filter(pk=job.pk).update(lease_owner=row.pk, lease_until=soon)
        jobs.append(job)
    assert sweep.sweep().requeued == 1
    assert [Job.objects.get(pk=job.pk).state for job in jobs] == ["queued", "leased", "leased"]
    assert set(WorkerBeat.objects.values_list("pk", flat=True)) == {living.pk, elsewhere.pk}


def test_a_killed_worker_that_nobody_buried_counts_as_dead():
    process = subprocess.Popen([sys.executable, "-c", ""])
    for _try in range(200):
        if beats._zombie(process.pid):
            break
        process_stat = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert process_stat is not None
    assert not beats._running(process.pid)
    process.wait()


def test_beats_say_who_is_alive_by_the_databases_clock(settings):
    worker, started = uuid7(), timezone.now()
    assert beats.alive() == 0
    beats.beat(worker, started_at=started, concurrency=4, running=1)
    beats.beat(worker, started_at=started, concurrency=4, running=3)
    assert beats.alive() == 1
    row = WorkerBeat.objects.get()
    assert (row.host, row.pid, row.running, row.concurrency) == (beats.this_host(), os.getpid(), 3, 4)
    WorkerBeat.objects.update(seen_at=timezone.now() - timedelta(seconds=60))
    assert beats.alive() == 0
    settings.IMAGE_STUDIO = {"DOORBELL": "inline"}
    assert beats.alive() == 1
    beats.leave(worker)
    assert not WorkerBeat.objects.exists()


def test_rows_of_the_long_dead_are_deleted():
    beat_row(1, host="other", seen_at=timezone.now() - timedelta(days=1))
    beats.beat(uuid7(), started_at=timezone.now(), concurrency=1, running=0)
    assert WorkerBeat.objects.count() == 1


def test_a_set_is_closed_once_when_its_last_job_ends(django_capture_on_commit_callbacks):
    made = factories.make_set(factories.make_bare_brand())
    heard = []

    def hear(sender, variant_set, **_kwargs):
        heard.append(variant_set)

    signals.set_finished.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            first, second = made.jobs.all()
            Job.objects.filter(pk=first.pk).update(state="failed")
            assert sets.finish_sets([made.pk]) == []
            Job.objects.filter(pk=second.pk).update(state="done")
            assert sets.open_sets() == [made.pk]
            assert sets.finish_sets([made.pk, None]) == [made.pk]
            assert sets.finish_sets([made.pk]) == []
    finally:
        signals.set_finished.disconnect(hear)
    assert heard == [made]
    assert Event.objects.filter(verb="set.finished").count() == 1


def test_the_sweep_closes_sets_that_a_dead_worker_left_open():
    made = factories.make_set(factories.make_bare_brand())
    made.jobs.update(state="done")
    assert sweep.sweep().closed == 1
    made.refresh_from_db()
    assert made.finished_at is not None


def test_a_stopping_worker_gives_back_what_it_holds(fake):
    fake()
    worker = uuid7()
    jobs = [lost("leased")[0], lost("sending")[0], lost("sending", **FAKE)[0], lost("spooled", **FAKE)[0]]
    Job.objects.update(lease_owner=worker, lease_until=timezone.now() + timedelta(minutes=1))
    sweep.hand_back(worker, [job.pk for job in jobs])
    rows = [Job.objects.get(pk=job.pk) for job in jobs]
    assert [row.state for row in rows] == ["queued", "queued", "unknown", "spooled"]
    assert {row.lease_owner for row in rows} == {None}
    assert leases.renew(worker, [job.pk for job in jobs]) == 0


# Parts ---------------------------------------------------------------------------------------------------------------


def failing(real, error, *, on=()):
    """``real``, but for some rows it raises; for all where none is named."""

    def act(*args):
        if not on or args[0].pk in on:
            raise error
        return real(*args)

    return act


def test_a_defect_over_one_lost_job_keeps_no_other_waiting_and_is_told(monkeypatch, caplog):
    (first, _call), (second, _none) = lost("leased"), lost("leased")
    monkeypatch.setattr(sweep, "_expire", failing(sweep._expire, KeyError("a defect"), on=[first.pk]))
    monkeypatch.setattr(sweep.beats, "expire_dead", failing(None, KeyError("another")))
    assert sweep.sweep() == sweep.Swept(requeued=1, broken=2)
    assert [Job.objects.get(pk=job.pk).state for job in (first, second)] == ["leased", "queued"]
    told = [record for record in caplog.records if record.action == "worker.sweep_broken"]
    assert [record.part for record in told] == ["dead workers", f"lost job {first.pk}"]
    assert {record.exc_info[0] for record in told} == {KeyError}


def test_a_database_that_is_away_for_one_part_is_told_after_the_others(monkeypatch):
    job, _call = lost("leased")
    monkeypatch.setattr(sweep.beats, "expire_dead", failing(None, OperationalError("gone")))
    with pytest.raises(OperationalError, match="gone"):
        sweep.sweep()
    job.refresh_from_db()
    assert job.state == "queued"


class ClientError(Exception):
    """As a remote storage's client raises it: no OSError."""


def test_a_public_storage_that_is_down_ends_no_sweep(monkeypatch, caplog, django_capture_on_commit_callbacks):
    past = factories.long_ago()
    asset = factories.make_asset(factories.make_bare_brand(), state="published", expires_at=past, published_at=past)
    Rendition.objects.filter(asset=asset).update(public=True)
    lost("leased")
    monkeypatch.setattr(type(storage.public()), "delete", failing(None, ClientError("SlowDown: secret")))
    with django_capture_on_commit_callbacks(execute=True):
        swept = sweep.sweep()
    assert (swept.requeued, swept.broken) == (1, 0)
    asset.refresh_from_db()
    assert asset.state == "withdrawn"
    (told,) = [record for record in caplog.records if record.action == "storage.not_removed"]
    assert (told.error, "secret" in told.getMessage()) == ("ClientError", False)


@pytest.mark.parametrize(("method", "code"), [("save", "storage.write_failed"), ("open", "storage.read_failed")])
def test_whatever_a_storage_raises_is_a_storage_that_failed(monkeypatch, method, code):
    store = storage.private()
    monkeypatch.setattr(type(store), method, failing(None, ClientError("SlowDown: secret")))
    with pytest.raises(StorageFailed, match=code) as failed:
        storage.write(store, "a", b"b") if method == "save" else storage.read(store, "a")
    assert failed.value.params == {"name": "a", "detail": "ClientError"}
    assert isinstance(failed.value.__cause__, ClientError)
