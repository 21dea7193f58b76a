"""Many jobs in one transaction: each gets its own result, and none spoils another's."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from image_studio import testing
from image_studio.exceptions import Conflict
from image_studio.models import Attempt, Event, Job, LedgerEntry, Variant, database_now, uuid7
from image_studio.policy import Policy
from image_studio.runner import leases, marks, reading, together
from image_studio.runner.batching import LEAST, Batcher
from image_studio.runner.draining import work
from image_studio.runner.leases import Fenced
from image_studio.runner.together import ALONE
from image_studio.runner.worker import Worker
from image_studio.workflow import cancel_job
from image_studio.workflow.spending import stop_spending
from tests import factories
from tests.ledger.money import assert_true

pytestmark = pytest.mark.django_db
JOBS = 6


def ordered(jobs=JOBS, **fields):
    """One set with a job for each of many channels of the paid fake."""
    told = {"provider": "fake", "model": "fake-1", "takes": 1, "shrink": 16, **fields}
    channels = factories.make_channels("square", "story", "link-card", "web-hero", "newsletter", "feed-portrait")
    return factories.make_set(factories.make_bare_brand(), channels=channels[:jobs], **told)


def claimed():
    """Leases of everything that waits, with their work."""
    taken = leases.claim(uuid7(), 100)
    return list(zip(taken, reading.for_many([(lease,) for lease in taken]), strict=True))


def send(pairs):
    return together.sending([(lease, found, uuid7()) for lease, found in pairs])


def test_a_batch_reads_what_each_would_read_by_itself(fake, django_assert_max_num_queries):
    fake()
    ordered()
    taken = leases.claim(uuid7(), 100)
    with django_assert_max_num_queries(12):
        many = reading.for_many([(lease,) for lease in taken])
    for lease, found in zip(taken, many, strict=True):
        alone = reading.picture_work(lease)
        assert (found.job, found.request, found.words, found.calls) == (
            alone.job,
            alone.request,
            alone.words,
            alone.calls,
        )
        assert {key: [cell.pk for cell in cells] for key, cells in found.cells.items()} == {
            key: [cell.pk for cell in cells] for key, cells in alone.cells.items()
        }


def test_a_batch_of_calls_is_a_handful_of_statements(fake, django_assert_max_num_queries):
    fake()
    ordered()
    pairs = claimed()
    with django_assert_max_num_queries(10):
        moved = send(pairs)
    assert {lease.state for lease in moved} == {"sending"}
    assert set(Job.objects.values_list("state", "attempts_made")) == {("sending", 1)}
    assert Attempt.objects.count() == Event.objects.filter(verb="job.sending").count() == JOBS


def test_one_lost_lease_changes_nothing_and_the_others_go_on_alone(fake):
    fake()
    ordered()
    pairs = claimed()
    Job.objects.filter(pk=pairs[2][0].job_id).update(lease_token=99)
    with pytest.raises(Fenced):
        send(pairs)
    assert not Attempt.objects.exists()
    assert not Event.objects.filter(verb="job.sending").exists()
    assert set(Job.objects.values_list("state", flat=True)) == {"leased"}


def test_a_switch_in_the_last_moment_stops_all_of_a_batch(fake):
    fake()
    ordered()
    pairs = claimed()
    stop_spending(Policy.operator(), reason="x")
    with pytest.raises(Conflict, match=r"spending\.stopped"):
        send(pairs)
    assert not Attempt.objects.exists()


def test_what_has_no_hold_yet_asks_for_it_by_itself(fake):
    fake()
    ordered()
    pairs = claimed()
    pairs[0][1].job.hold_micro_usd = 0
    results = send(pairs)
    assert results[0] is ALONE
    assert len([one for one in results if one is not ALONE]) == JOBS - 1


@pytest.mark.parametrize("at_once", [1, 3, 16])
def test_whatever_goes_together_comes_to_the_same(fake, at_once):
    """One refused, one unknown, one bad answer among good ones: states, books and rows, at any concurrency."""
    books = fake("ok", "refused", "unknown", "none", "ok")
    made = ordered()
    tally = work(Worker(concurrency=at_once, once=True))
    states = sorted(made.jobs.values_list("state", flat=True))
    assert states == ["done", "done", "done", "failed", "failed", "unknown"]
    assert (tally.ended, tally.failed) == (JOBS, 3)
    charged = sum(one["micro_usd"] for one in testing.charges(books))
    unknown = Attempt.objects.get(state="unknown")
    assert sum(job.cost_micro_usd for job in Job.objects.all()) + unknown.hold_micro_usd == charged
    assert len(testing.calls(books)) == JOBS
    assert Variant.objects.filter(state="ready").count() == 3
    assert Event.objects.filter(verb="set.finished").count() == 1
    assert Event.objects.filter(verb="variant.ready").count() == 3
    assert_true()


def test_a_job_cancelled_while_it_works_keeps_its_picture_unwanted_among_others(fake, monkeypatch):
    fake(delay=0.05)
    made = ordered()
    real, alone = together.answered, marks.answered

    def cancel_first(job):
        if not Job.objects.filter(cancel_requested_at__isnull=False).exists():
            cancel_job(Policy.operator(), job)

    def answered(asks):
        cancel_first(asks[0][1])
        return real(asks)

    def answered_alone(lease, job, answer):
        cancel_first(job)
        return alone(lease, job, answer)

    # However many come at once: on a slow machine they come one by one.
    monkeypatch.setattr(together, "answered", answered)
    monkeypatch.setattr(marks, "answered", answered_alone)
    work(Worker(concurrency=16, once=True))
    assert set(made.jobs.values_list("state", flat=True)) == {"done"}
    assert Event.objects.filter(verb="job.unwanted").count() >= 1
    assert Variant.objects.filter(state="cancelled").exists()
    assert not Variant.objects.filter(state="waiting").exists()
    assert_true()


def test_settling_together_enters_each_bill_once(fake):
    books = fake()
    ordered()
    work(Worker(concurrency=16, once=True))
    entries = LedgerEntry.objects.filter(kind="settle")
    assert entries.count() == len(testing.charges(books)) == JOBS
    assert set(entries.values_list("job", flat=True)) == set(Job.objects.values_list("pk", flat=True))
    assert_true()


# The batcher itself ------------------------------------------------------------------------------------------------


async def straight(call, *args):
    await asyncio.sleep(0)
    return call(*args)


def asked(batcher, numbers):
    async def all_of_them():
        return await asyncio.gather(*(batcher(number) for number in numbers), return_exceptions=True)

    return asyncio.run(all_of_them())


def test_a_refused_batch_is_done_one_by_one():
    seen = []

    def single(number):
        seen.append(number)
        if number == 3:
            raise Fenced("3")
        return number * 2

    def many(_asks):
        raise Fenced("one of them")

    results = asked(Batcher(straight, single, many), range(6))
    assert [one for one in results if not isinstance(one, Fenced)] == [0, 2, 4, 8, 10]
    assert isinstance(results[3], Fenced)
    assert seen == [0, 1, 2, 3, 4, 5]


def test_few_are_done_by_themselves_and_many_together():
    batches = []

    def many(asks):
        batches.append(len(asks))
        return [number for (number,) in asks]

    assert asked(Batcher(straight, lambda number: number, many), range(LEAST - 1)) == list(range(LEAST - 1))
    assert batches == []
    assert asked(Batcher(straight, lambda number: number, many), range(200)) == list(range(200))
    assert sum(batches) <= 200
    assert max(batches) <= 64


def test_an_error_of_the_thread_reaches_everybody():
    async def broken(call, *args):
        raise RuntimeError("the thread is gone")

    results = asked(Batcher(broken, None, None), range(3))
    assert [str(one) for one in results] == ["the thread is gone"] * 3


def test_an_expired_lease_is_not_renewed_by_a_batch(fake):
    fake()
    ordered()
    pairs = claimed()
    Job.objects.update(lease_owner=uuid7(), lease_until=database_now() + timedelta(seconds=60))
    with pytest.raises(Fenced):
        send(pairs)
