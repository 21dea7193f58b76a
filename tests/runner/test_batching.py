"""Batches of several workers, and of jobs of which one is special: the others get what they would have got alone."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone

from image_studio.models import Attempt, Budget, Channel, Event, Job, uuid7
from image_studio.policy import Policy
from image_studio.runner import holds, leases, marks, reading, together
from image_studio.runner.batching import LEAST, MOST, Batcher
from image_studio.runner.leases import Fenced
from image_studio.runner.together import ALONE
from image_studio.runner.work import Halt, PictureWork
from image_studio.workflow.spending import make_budget, stop_spending
from tests import factories

pytestmark = pytest.mark.django_db


def ordered(count=6):
    """A set of small bought pictures, a job each."""
    told = {"width": 1080, "height": 1080}
    return factories.make_set(
        factories.make_bare_brand(),
        channels=[Channel.objects.create(slug=f"c-{n}", name=f"C {n}", **told) for n in range(count)],
        shrink=16,
        provider="fake",
        model="fake-1",
    )


def taken(count=6):
    """Jobs that one worker has leased, as it reads them."""
    ordered(count)
    return reading.picture_works(leases.claim(uuid7(), count))


def asks_of(works):
    return [(work.lease, work, uuid7()) for work in works]


async def _rows(call, *args):
    return await sync_to_async(call, thread_sensitive=True)(*args)


def asked_together(many, single, asks):
    """What each is told by a batcher, its rows in this very thread."""
    batcher = Batcher(_rows, single, many)

    async def all_of_them():
        return await asyncio.gather(*(batcher(*ask) for ask in asks), return_exceptions=True)

    return async_to_sync(all_of_them)()


@pytest.fixture
def works(fake):
    fake()
    return taken()


def test_a_fenced_one_in_a_batch_is_fenced_alone(works):
    lost = works[2].lease
    Job.objects.filter(pk=lost.job_id).update(lease_token=lost.token + 1)
    asks = asks_of(works)
    with pytest.raises(Fenced):
        together.sending(asks)
    assert Attempt.objects.count() == Event.objects.filter(verb="job.sending").count() == 0
    told = asked_together(together.sending, marks.sending, asks)
    assert [isinstance(one, Fenced) for one in told] == [False, False, True, False, False, False]
    assert Job.objects.filter(state="sending").count() == Attempt.objects.count() == 5
    assert Job.objects.get(pk=lost.job_id).state == "leased"


def test_one_that_a_budget_refuses_is_refused_alone(works):
    refused = works[0].job
    holds.let_go([refused.pk])
    refused.hold_micro_usd = 0
    make_budget(Policy.operator(), hard_micro_usd=5 * refused.estimate_micro_usd)
    told = asked_together(together.sending, marks.sending, asks_of(works))
    assert getattr(told[0], "code", "") == "budget.spent"
    assert [lease.state for lease in told[1:]] == ["sending"] * 5
    job = Job.objects.get(pk=refused.pk)
    assert (job.state, job.hold_micro_usd) == ("leased", 0)
    assert Budget.objects.get().held_micro_usd == 5 * refused.estimate_micro_usd


def test_a_switch_that_is_thrown_in_between_stops_all_of_its_brand(works):
    stop_spending(Policy.operator(), reason="Too dear")
    told = asked_together(together.sending, marks.sending, asks_of(works))
    assert [getattr(one, "code", "") for one in told] == ["spending.stopped"] * 6
    assert set(Job.objects.values_list("state", flat=True)) == {"leased"}
    assert not Attempt.objects.exists()


def test_a_cancelled_one_halts_by_itself_while_the_others_are_read(fake):
    fake()
    ordered(5)
    held = leases.claim(uuid7(), 5)
    Job.objects.filter(pk=held[1].job_id).update(cancel_requested_at=timezone.now())
    Job.objects.filter(pk=held[3].job_id).update(lease_owner=uuid7())
    found = reading.picture_works(held)
    assert [type(one) for one in found] == [PictureWork, Halt, PictureWork, Fenced, PictureWork]
    assert found[1].to == "cancelled"


def test_two_workers_never_write_each_others_jobs(fake):
    fake()
    ordered(8)
    first, second = leases.claim(uuid7(), 4), leases.claim(uuid7(), 4)
    ours = asks_of(reading.picture_works(first))
    together.sending(ours)
    theirs = asks_of(reading.picture_works(second))
    assert Job.objects.filter(state="sending").count() == 4
    stolen = [(leases.replace(lease, owner=second[0].owner), work, attempt) for lease, work, attempt in ours]
    with pytest.raises(Fenced):
        together.sending(stolen)
    together.sending(theirs)
    assert {row.worker for row in Attempt.objects.all()} == {first[0].owner, second[0].owner}
    assert Attempt.objects.count() == 8


def test_a_batch_takes_what_waits_and_gives_each_its_own():
    sizes = []

    def many(asks):
        sizes.append(len(asks))
        return [ALONE if n == 1 else ValueError("two") if n == 2 else n * 10 for (n,) in asks]

    told = asked_together(many, lambda n: ("alone", n), [(n,) for n in range(MOST + LEAST)])
    assert sizes == [MOST, LEAST]
    assert told[:2] == [0, ("alone", 1)]
    assert isinstance(told[2], ValueError)
    assert told[3:] == [n * 10 for n in range(3, MOST + LEAST)]
