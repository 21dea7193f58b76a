"""The loop: what it takes, in which order, when it waits and when it ends; doorbells and the two commands' surface."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from image_studio import tasks, testing
from image_studio.models import Event, Job, WorkerBeat, uuid7
from image_studio.runner import beats, drain, leases, listening, sweep, worker
from image_studio.runner.draining import work
from image_studio.runner.leases import Fenced
from image_studio.runner.worker import Worker
from tests import factories

pytestmark = pytest.mark.django_db

FAKE = {"provider": "fake", "model": "fake-1"}


def make(brand=None, count=1, **fields):
    """Sets of one picture each."""
    brand = brand or factories.make_bare_brand()
    channel = factories.make_channels("square")
    return [factories.make_set(brand, channels=channel, shrink=8, **{**FAKE, **fields}) for _set in range(count)]


def test_calls_are_in_flight_at_once_up_to_the_concurrency(fake):
    fake(delay=0.3)
    make(count=6)
    seen = []
    real = testing.Provider.run

    async def run(self, *args, **kwargs):
        seen.append(len(seen) - sum(ended))
        try:
            return await real(self, *args, **kwargs)
        finally:
            ended.append(1)

    ended: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing.Provider, "run", run)
        assert work(Worker(concurrency=3, once=True)).ended == 6
    assert max(seen) + 1 == 3


def test_a_long_queue_of_one_brand_starves_no_other(fake):
    ledger = fake(delay=0.02)
    crowd, guest = factories.make_bare_brand(), factories.make_bare_brand()
    make(crowd, count=12)
    (last,) = make(guest)
    Job.objects.filter(brand=guest).update(available_at=timezone.now() - timedelta(seconds=1))
    work(Worker(concurrency=2, once=True))
    order = [call["digest"] for call in testing.calls(ledger)]
    assert len(order) == 13
    done = list(Event.objects.filter(verb="job.done").order_by("id").values_list("brand_id", flat=True))
    assert done.index(str(guest.pk)) < 8
    assert last.variants.get().state == "ready"


def test_drain_ends_with_the_named_jobs_and_takes_no_other(fake):
    fake()
    wanted, other = make(count=2)
    assert drain(job_ids=[wanted.jobs.get().pk]) == 1
    assert (wanted.jobs.get().state, other.jobs.get().state) == ("done", "queued")
    assert drain(job_ids=[]) == 0


def test_drain_waits_for_a_job_that_is_tried_again_later(fake, monkeypatch):
    fake("unavailable", "ok")
    monkeypatch.setattr("image_studio.runner.outcomes.FIRST_WAIT", 0.2)
    (made,) = make()
    assert drain() == 1
    assert made.jobs.get().state == "done"


def test_drain_without_waiting_leaves_it(fake):
    fake("unavailable")
    (made,) = make()
    assert drain(wait=False) == 0
    assert made.jobs.get().state == "queued"


def test_a_worker_leaves_no_row_of_itself_behind(fake):
    fake()
    make()
    seen = []
    real = beats.beat

    def beat(*args, **kwargs):
        real(*args, **kwargs)
        seen.append(beats.alive())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beats, "beat", beat)
        drain()
    assert seen[0] == 1
    assert not WorkerBeat.objects.exists()


def test_leases_are_renewed_while_a_call_runs_longer_than_its_lease(fake):
    fake(delay=1.2, more={"LEASE_SECONDS": 0.6, "BEAT_SECONDS": 0.2, "SWEEP_SECONDS": 0.2})
    (made,) = make()
    assert drain() == 1
    job = made.jobs.get()
    assert (job.state, job.lease_token, job.attempts.count()) == ("done", 1, 1)


@pytest.fixture
def stop_in_flight(monkeypatch):
    """Stops a worker, once or more often, at the moment when its first call is in flight."""
    real = testing.Provider.run

    def arm(running, times=1):
        async def run(self, *args, **kwargs):
            for _time in range(times - running.stops):
                running.stop()
            return await real(self, *args, **kwargs)

        monkeypatch.setattr(testing.Provider, "run", run)

    return arm


def test_a_stop_finishes_what_is_in_flight_and_takes_nothing_new(fake, stop_in_flight):
    ledger = fake(delay=0.4)
    make(count=3)
    running = Worker(concurrency=1)
    stop_in_flight(running)
    tally = work(running)
    assert tally.ended == len(testing.charges(ledger)) == 1
    assert sorted(Job.objects.values_list("state", flat=True)) == ["done", "queued", "queued"]


def test_a_second_stop_cuts_the_call_and_says_that_nobody_knows(fake, stop_in_flight):
    fake(delay=30)
    (made,) = make()
    running = Worker(concurrency=1)
    stop_in_flight(running, times=2)
    before = time.monotonic()
    work(running)
    assert time.monotonic() - before < 10
    job = made.jobs.get()
    assert (job.state, job.error_code, job.lease_owner) == ("unknown", "job.worker_lost", None)


def test_a_grace_that_ends_gives_repeatable_calls_back(fake, stop_in_flight):
    fake(delay=30, backend="tests.fakes.repeatable")
    (made,) = make()
    running = Worker(concurrency=1, grace=0.1)
    stop_in_flight(running)
    work(running)
    assert made.jobs.get().state == "queued"


def test_a_database_that_goes_away_does_not_end_the_worker(fake, monkeypatch, caplog):
    fake()
    (made,) = make()
    monkeypatch.setattr(worker, "AWAY", 0.01)
    real, times = leases.claim, []

    def claim(*args, **kwargs):
        times.append(1)
        if len(times) < 3:
            raise OperationalError("gone")
        return real(*args, **kwargs)

    monkeypatch.setattr(leases, "claim", claim)
    with caplog.at_level(logging.WARNING):
        assert drain() == 1
    assert made.jobs.get().state == "done"
    assert [record.action for record in caplog.records].count("worker.database_away") == 2


def test_a_failed_beat_does_not_end_the_worker(fake, monkeypatch):
    fake(delay=0.5, more={"BEAT_SECONDS": 0.1})
    monkeypatch.setattr(worker, "AWAY", 0.01)
    (made,) = make()
    real, times = leases.renew, []

    def renew(*args):
        times.append(1)
        if len(times) == 2:
            raise OperationalError("gone")
        return real(*args)

    monkeypatch.setattr(leases, "renew", renew)
    assert drain() == 1
    assert len(times) > 2
    assert made.jobs.get().state == "done"


def test_a_defect_in_the_upkeep_is_logged_each_time_and_ends_neither_it_nor_the_worker(fake, monkeypatch, caplog):
    fake(delay=0.6, more={"BEAT_SECONDS": 0.1, "SWEEP_SECONDS": 0.1})
    (made,) = make()
    beaten, swept = [], []

    def broken(times, error):
        def upkeep(*_args, **_kwargs):
            times.append(1)
            raise error

        return upkeep

    monkeypatch.setattr(beats, "beat", broken(beaten, KeyError("beat")))
    monkeypatch.setattr(sweep, "sweep", broken(swept, Fenced("sweep")))
    with caplog.at_level(logging.ERROR):
        assert drain() == 1
    assert made.jobs.get().state == "done"
    assert min(len(beaten), len(swept)) > 2
    told = [record for record in caplog.records if record.action == "worker.upkeep_broken"]
    assert len(told) == len(beaten) + len(swept)
    assert {record.exc_info[0] for record in told} == {KeyError, Fenced}


# Doorbells -----------------------------------------------------------------------------------------------------------


def test_the_inline_doorbell_runs_the_jobs_here(fake, django_capture_on_commit_callbacks):
    fake(more={"DOORBELL": "inline"})
    wanted, other = make(count=2)
    tasks.ring([wanted.jobs.get().pk])
    assert (wanted.jobs.get().state, other.jobs.get().state) == ("done", "queued")
    tasks.ring([])
    assert other.jobs.get().state == "queued"


def test_the_inline_doorbell_does_not_wait_for_a_back_off(fake):
    fake("rate_limited", more={"DOORBELL": "inline"}, retry_after=600.0)
    (made,) = make()
    before = time.monotonic()
    tasks.ring([made.jobs.get().pk])
    assert time.monotonic() - before < 10
    assert made.jobs.get().state == "queued"


def test_the_other_doorbells_run_nothing_here(fake):
    for doorbell in ("poll", "notify"):
        ledger = fake(more={"DOORBELL": doorbell})
        (made,) = make()
        tasks.ring([made.jobs.get().pk])
        assert made.jobs.get().state == "queued"
        assert testing.calls(ledger) == []


def test_without_postgresql_a_notify_site_polls_and_says_so(fake, monkeypatch, caplog):
    fake(more={"DOORBELL": "notify"})
    monkeypatch.setattr(listening, "possible", lambda: False)
    (made,) = make()
    with caplog.at_level(logging.WARNING):
        drain()
    assert made.jobs.get().state == "done"
    assert "worker.polls" in [record.action for record in caplog.records]


def test_a_broken_bell_does_not_break_the_request(fake, monkeypatch, caplog):
    fake(more={"DOORBELL": "notify"})

    def broken():
        raise OperationalError("gone")

    monkeypatch.setattr(listening, "ring", broken)
    tasks.ring([uuid7()])
    assert [record.action for record in caplog.records] == ["doorbell.broken"]


def test_a_lost_listener_is_told_and_tried_again(monkeypatch):
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setattr(listening, "RETRY", 0.01)
    tries, told = [], []

    async def connect(**_kwargs):
        tries.append(1)
        raise psycopg.OperationalError("no server")

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", connect)

    async def listen():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(listening.listen(lambda: None, told.append, {}), 0.2)

    async_to_sync(listen)()
    assert len(tries) > 2
    assert set(told) == {False}


# The command ---------------------------------------------------------------------------------------------------------


def test_the_command_drains_and_says_what_it_did_in_json(fake, capsys):
    fake()
    make(count=2)
    call_command("studio_worker", "--once", "--json", "--concurrency", "2")
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (set(told), told["ended"], told["failed"]) == ({"worker", "ended", "failed"}, 2, 0)


def test_once_has_exit_status_1_when_a_job_failed(fake, capsys):
    fake("refused")
    make()
    with pytest.raises(SystemExit) as ended:
        call_command("studio_worker", "--once", "--json")
    assert ended.value.code == 1
    assert json.loads(capsys.readouterr().out)["failed"] == 1


@pytest.mark.parametrize("count", ["0", "-1", "many", "10001"])
def test_a_bad_concurrency_is_a_usage_error(count):
    with pytest.raises(CommandError, match="concurrency"):
        call_command("studio_worker", "--once", f"--concurrency={count}")
