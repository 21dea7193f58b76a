"""Races of many workers on a real server. Every job once, no error, whatever the interleaving.

Runs on the database that IMAGE_STUDIO_TEST_DB names; on SQLite with fewer hands, because there is one lock.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection, connections, transaction
from django.utils import timezone

from image_studio import ledger, states, tasks, testing
from image_studio.ledger import Bill
from image_studio.models import (
    OPERATOR,
    Asset,
    Attempt,
    EditStep,
    Event,
    Job,
    JobOutput,
    LedgerEntry,
    Variant,
    VariantSet,
    database_now,
    uuid7,
)
from image_studio.policy import Policy
from image_studio.runner import holds, leases, sets, sweep
from image_studio.runner.draining import work
from image_studio.runner.leases import Fenced
from image_studio.runner.worker import Worker
from image_studio.workflow.chains import start_chain
from image_studio.workflow.spending import make_budget
from tests import factories
from tests.runner.conftest import PLAIN

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("crowd")]
services = pytest.mark.services

HANDS = 4 if connection.vendor == "sqlite" else 16


@pytest.fixture(autouse=True)
def studio(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    ledger = tmp_path / "ledger.jsonl"
    settings.IMAGE_STUDIO = {"DOORBELL": "poll", **PLAIN, **testing.fake_settings(ledger=ledger)}
    return ledger


def together(act, hands=HANDS):
    """Run ``act(number)`` in many threads at once and return the results; an error in one is the test's error."""
    gate = threading.Barrier(hands)

    def run(number):
        close_old_connections()
        try:
            gate.wait(30)
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(hands) as pool:
        return list(pool.map(run, range(hands)))


def test_every_job_is_claimed_exactly_once():
    brand = factories.make_bare_brand()
    for _job in range(HANDS * 6):
        factories.make_job(brand)

    def claim_all(_number):
        worker, mine = uuid7(), []
        while True:
            taken = leases.claim(worker, 3)
            mine += [(lease.job_id, lease.token) for lease in taken]
            if not taken and not Job.objects.filter(state="queued").exists():
                return mine

    claimed = Counter(job for mine in together(claim_all) for job in mine)
    assert len(claimed) == HANDS * 6
    assert set(claimed.values()) == {1}
    assert Event.objects.filter(verb="job.leased").count() == HANDS * 6


def test_an_expired_lease_is_swept_once_by_many_sweepers():
    brand = factories.make_bare_brand()
    past = factories.long_ago()
    for _job in range(10):
        factories.make_job(brand, state="leased", lease_owner=uuid7(), lease_token=3, lease_until=past)
    swept = together(lambda _number: sweep.sweep().requeued)
    assert sum(swept) == 10
    assert Event.objects.filter(verb="job.requeued").count() == 10
    assert Job.objects.filter(state="queued").count() == 10


def test_an_answer_is_adopted_by_one():
    brand = factories.make_bare_brand()
    job = factories.make_job(brand, state="spooled")
    call = Attempt.objects.create(
        job=job, number=1, provider="fake", model="m", worker=uuid7(), started_at=factories.long_ago()
    )
    leases.Spool().put(str(call.pk), "answer.json", b"{}")
    adopted = [lease for taken in together(lambda _number: leases.adopt(uuid7(), 1)) for lease in taken]
    assert [lease.job_id for lease in adopted] == [job.pk]


def test_a_move_is_won_by_one():
    factories.make_job(factories.make_bare_brand())
    (lease,) = leases.claim(uuid7(), 1)

    def end(_number):
        try:
            with transaction.atomic():
                lease.move("failed")
        except Fenced:
            return 0
        return 1

    assert sum(together(end)) == 1
    assert Event.objects.filter(verb="job.failed").count() == 1


def test_a_set_is_closed_by_one_when_its_jobs_end_together():
    made = factories.make_set(
        factories.make_bare_brand(), channels=factories.make_channels("square", "story", "link-card", "web-hero")
    )
    jobs = list(made.jobs.values_list("pk", flat=True))

    def end(number):
        states.JOB.move(Job.objects.filter(pk=jobs[number]), "cancelled")
        return len(sets.finish_sets([made.pk]))

    assert sum(together(end, hands=4)) == 1
    assert Event.objects.filter(verb="set.finished").count() == 1


@services
def test_workers_beside_each_other_finish_a_run_with_every_cell_once(studio):
    """Four workers, forty jobs; every purchase once by the provider's own ledger."""
    brand = factories.make_bare_brand()
    channels = factories.make_channels("square", "story")
    for _set in range(10):
        factories.make_set(brand, channels=channels, locales=("en", "ar"), shrink=12, provider="fake", model="fake-1")
    ended = together(lambda _number: work(Worker(concurrency=3, once=True)).ended, hands=4)
    assert sum(ended) == 20
    charges = testing.charges(studio)
    assert len(charges) == Attempt.objects.count() == 20
    assert Variant.objects.filter(state="ready").count() == 40
    assert Asset.objects.filter(kind="composed").count() == 40
    assert JobOutput.objects.count() == 20
    assert VariantSet.objects.filter(finished_at=None).count() == 0
    assert Event.objects.filter(verb="set.finished").count() == 10


@services
def test_cancelling_while_workers_run_neither_locks_up_nor_loses_a_charge(studio):
    """The order of locks: a cancel writes the set, then its jobs, then its cells; so does the worker."""
    brand = factories.make_bare_brand()
    made = [
        factories.make_set(
            brand, channels=factories.make_channels("square", "story"), shrink=12, provider="fake", model="fake-1"
        )
        for _set in range(6)
    ]

    def act(number):
        if number:
            return work(Worker(concurrency=2, once=True)).ended
        for variant_set in made:
            cancel(variant_set)
        return 0

    together(act, hands=3)
    assert not Job.objects.exclude(state__in=("done", "cancelled")).exists()
    assert not Variant.objects.filter(state="waiting").exists()
    done = Job.objects.filter(state="done").count()
    assert len(testing.charges(studio)) == done == JobOutput.objects.filter(asset__isnull=False).count()


def cancel(variant_set):
    """What the workflow's cancel does to the rows."""
    now = timezone.now()
    with transaction.atomic():
        VariantSet.objects.filter(pk=variant_set.pk).update(cancelled_at=now)
        jobs = Job.objects.filter(variant_set=variant_set)
        jobs.filter(state__in=("leased", "sending", "spooled")).update(cancel_requested_at=now)
        states.JOB.move(jobs, "cancelled", lease_owner=None, lease_until=None, ended_at=now)
        states.VARIANT.move(variant_set.variants.all(), "cancelled", only_from=["waiting"])


def planned(brand, amount):
    """A planned step that holds."""
    chain = start_chain(Policy.operator(), brand, factories.make_asset(brand, (64, 48)))
    plan = {"job": str(uuid7())}
    return EditStep.objects.create(
        chain=chain, number=2, parent_number=1, kind="edit", outcome="planned", plan=plan, hold_micro_usd=amount
    )


@pytest.mark.parametrize("kind", ["step", "job"])
def test_what_many_let_go_is_released_once(kind):
    """All have read what it holds before one of them takes it."""
    brand = factories.make_bare_brand()
    budget = make_budget(Policy.operator(), brand=brand, hard_micro_usd=10**6)
    step, job = planned(brand, 700), factories.make_job(brand, state="failed", hold_micro_usd=700)
    other = Bill(brand_id=brand.pk)
    ledger.hold([(holds.step_bill(step), 700), (other, 10**5)], actor=OPERATOR)
    read = threading.Barrier(HANDS)

    def let_go(_number):
        stale = EditStep.objects.select_related("chain").get(pk=step.pk)
        read.wait(30)
        with transaction.atomic():
            if kind == "step":
                return holds.let_go_steps([stale], actor=OPERATOR)
            return holds.let_go([job.pk], actor=OPERATOR)

    together(let_go)
    budget.refresh_from_db()
    assert budget.held_micro_usd == 700 + 10**5
    assert LedgerEntry.objects.filter(kind="release").count() == 1


def test_a_budget_that_is_opened_beside_an_order_counts_it():
    """At once where the database can wait for it, with the next sweep everywhere."""
    brand = factories.make_bare_brand()
    begun, made = threading.Event(), []

    def open_one():
        begun.set()
        made.append(make_budget(Policy.operator(), brand=brand, hard_micro_usd=10**6))
        connections.close_all()

    thread = threading.Thread(target=open_one)
    with transaction.atomic():
        factories.make_job(brand, estimate_micro_usd=700)
        thread.start()
        begun.wait(10)
        thread.join(0.8)  # longer than the lock is waited for at once
    thread.join(30)
    (budget,) = made
    assert bool(budget.held_micro_usd == 700) is (connection.vendor != "mysql")
    assert sweep.sweep().recounted == int(connection.vendor == "mysql")
    budget.refresh_from_db()
    assert budget.held_micro_usd == 700


@services
def test_a_ring_wakes_an_idle_worker_at_once(settings):
    """The slow poll is two seconds: what starts sooner was heard."""
    if connection.vendor != "postgresql":
        pytest.skip("LISTEN is PostgreSQL's")
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "notify", "SWEEP_SECONDS": 60.0}
    running = Worker(concurrency=2)
    thread = threading.Thread(target=lambda: (work(running), connections.close_all()))
    thread.start()
    try:
        wait_for(lambda: running._hears)
        time.sleep(0.3)
        delays = [_ring_and_wait() for _round in range(3)]
    finally:
        running.stop()
        thread.join(30)
    assert min(delays) < 0.5, delays


def _ring_and_wait():
    made = factories.make_set(
        factories.make_bare_brand(),
        channels=factories.make_channels("square"),
        shrink=12,
        provider="fake",
        model="fake-1",
    )
    rung = time.monotonic()
    tasks.ring([made.jobs.get().pk])
    wait_for(lambda: Event.objects.filter(verb="job.leased", object_id=str(made.jobs.get().pk)).exists())
    took = time.monotonic() - rung
    wait_for(lambda: made.jobs.get().state == "done")
    return took


def wait_for(true, seconds=20.0):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come true")


@services
def test_the_databases_clock_is_the_one_that_counts():
    """Rows are judged by the server's time, aware and in UTC, to the microsecond where the server has them."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no clock of its own")
    now = database_now()
    assert now.utcoffset() == timedelta(0)
    assert abs(now - timezone.now()) < timedelta(seconds=5)
    assert database_now() >= now
