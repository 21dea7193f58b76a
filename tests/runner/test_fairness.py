"""Turns: a long queue of one brand is no reason for another to wait."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from image_studio.models import Job, uuid7
from image_studio.policy import Policy
from image_studio.runner import leases, limits
from image_studio.runner.turns import in_turn, queue
from image_studio.workflow import request
from image_studio.workflow.cells import requeue
from image_studio.workflow.spending import resume_spending, stop_spending
from tests import factories
from tests.services.test_races import HANDS, together
from tests.workflow.test_preview import matrix_for

FAKE = {"provider": "fake", "model": "fake-1"}
PREVIS = {"provider": "previs", "model": "previs-placeholder"}


@pytest.fixture
def crowd(db):
    return factories.make_bare_brand()


@pytest.fixture
def guest(db):
    return factories.make_bare_brand()


def waiting(brand, count=1, **fields):
    """Jobs as an order writes them."""
    now = timezone.now()
    values = {"kind": "picture", "actor_label": "operator", "operator": True, "available_at": now, **PREVIS, **fields}
    return Job.objects.bulk_create(in_turn([Job(brand=brand, **values) for _job in range(count)]))


def brands(taken):
    return Counter(lease.brand_id for lease in taken)


def test_one_job_goes_beside_the_first_of_a_thousand(crowd, guest):
    waiting(crowd, 1000)
    (one,) = waiting(guest)
    assert one.pk in {lease.job_id for lease in leases.claim(uuid7(), 2)}


def test_one_job_goes_next_where_half_of_the_thousand_is_done(crowd, guest):
    rows = waiting(crowd, 1000)
    Job.objects.filter(pk__in=[row.pk for row in rows[:500]]).update(state="done")
    (one,) = waiting(guest)
    assert one.turn == rows[500].turn
    assert one.pk in {lease.job_id for lease in leases.claim(uuid7(), 2)}


def test_queues_of_several_brands_are_served_by_turns(crowd, guest):
    waiting(crowd, 1000)
    waiting(guest, 10)
    third = factories.make_bare_brand()
    waiting(third, 10)
    taken = leases.claim(uuid7(), 15)
    assert set(brands(taken).values()) == {5}
    assert brands(leases.claim(uuid7(), 30)) == {crowd.pk: 20, guest.pk: 5, third.pk: 5}


def test_many_small_orders_of_a_brand_are_one_long_one(crowd, guest):
    for _order in range(20):
        waiting(crowd, 5)
    waiting(guest, 3)
    assert brands(leases.claim(uuid7(), 6)) == {crowd.pk: 3, guest.pk: 3}


def test_an_absent_brand_saves_up_nothing(crowd, guest):
    rows = waiting(crowd, 20)
    Job.objects.filter(pk__in=[row.pk for row in rows[:10]]).update(state="done")
    assert [job.turn for job in waiting(guest, 3)] == [10, 11, 12]


def test_an_empty_queue_goes_on_from_what_is_under_way(crowd, guest):
    rows = waiting(crowd, 6)
    leases.claim(uuid7(), 6)
    (first, *_rest) = waiting(guest, 50)
    assert first.turn == rows[-1].turn
    # What comes back from a lost worker has its turn still, and waits for none of the fifty.
    Job.objects.filter(pk=rows[-1].pk).update(state="queued")
    assert rows[-1].pk in {lease.job_id for lease in leases.claim(uuid7(), 2)}


def test_a_job_that_backs_off_sets_no_clock(crowd, guest):
    (early, *rest) = waiting(crowd, 100)
    later = timezone.now() + timedelta(minutes=5)
    Job.objects.filter(pk=early.pk).update(available_at=later)
    Job.objects.filter(pk__in=[row.pk for row in rest[:60]]).update(state="done")
    assert waiting(guest)[0].turn == rest[60].turn


def test_what_is_stopped_sets_no_clock(fake, crowd, guest):
    fake()
    stopped = factories.make_bare_brand()
    waiting(stopped, **FAKE)
    stop_spending(Policy.operator(), stopped, reason="the bill")
    rows = waiting(crowd, 1000, **FAKE)
    Job.objects.filter(pk__in=[row.pk for row in rows[:500]]).update(state="done")
    late = waiting(guest, 400, **FAKE)
    assert [late[0].turn, late[-1].turn] == [500, 899]
    assert brands(leases.claim(uuid7(), 400)) == {crowd.pk: 200, guest.pk: 200}


def test_a_brand_that_was_stopped_makes_nothing_up(fake, crowd, guest):
    fake()
    late = waiting(crowd, 1000, **FAKE)
    free = waiting(crowd, 3)
    stop_spending(Policy.operator(), crowd, reason="the bill")
    rows = waiting(guest, 1000, **FAKE)
    Job.objects.filter(pk__in=[row.pk for row in rows[:500]]).update(state="done")
    third = factories.make_bare_brand()
    waiting(third, 10, **FAKE)
    resume_spending(Policy.operator(), crowd)
    assert brands(leases.claim(uuid7(), 30)) == {crowd.pk: 12, guest.pk: 9, third.pk: 9}
    turns = Job.objects.filter(pk__in=[row.pk for row in late]).order_by("pk").values_list("turn", flat=True)
    assert list(turns) == list(range(500, 1500))
    assert set(Job.objects.filter(pk__in=[row.pk for row in free]).values_list("turn", flat=True)) == {0, 1, 2}


def test_a_brand_that_goes_on_first_keeps_its_turns(fake, crowd, guest):
    fake()
    waiting(crowd, 5, **FAKE)
    rows = waiting(guest, 5, **FAKE)
    stop_spending(Policy.operator(), guest, reason="the bill")
    resume_spending(Policy.operator(), guest)
    resume_spending(Policy.operator())
    assert sorted(Job.objects.filter(pk__in=[row.pk for row in rows]).values_list("turn", flat=True)) == [0, 1, 2, 3, 4]


def test_each_model_has_a_queue_of_its_own(fake, crowd, guest):
    fake(more={"RATE_LIMITS": {"fake": {"images_per_minute": 1}}})
    waiting(crowd, 50, **FAKE)
    waiting(guest, 50)
    (free,) = waiting(crowd)
    # Fifty paid ones of its brand wait for their provider; the free one waits for none of them.
    assert free.turn == 0
    limits.close("fake", "fake-1", 600)
    assert free.pk in {lease.job_id for lease in leases.claim(uuid7(), 2)}


def test_a_model_that_nobody_waits_for_begins_where_the_others_are(fake, crowd, guest):
    fake()
    rows = waiting(crowd, 40)
    Job.objects.filter(pk__in=[row.pk for row in rows[:30]]).update(state="done")
    assert waiting(guest, **FAKE)[0].turn == rows[30].turn


def test_what_is_asked_for_again_queues_behind_its_brands_others(crowd, guest):
    rows = waiting(crowd, 10)
    Job.objects.filter(pk__in=[row.pk for row in rows[:4]]).update(state="failed")
    requeue(Policy.operator(), [row.pk for row in rows[:4]])
    again = Job.objects.filter(pk__in=[row.pk for row in rows[:4]])
    assert sorted(again.values_list("turn", flat=True)) == [10, 11, 12, 13]


def test_all_that_failed_and_is_asked_for_again_leaves_room_for_others(crowd, guest):
    rows = waiting(crowd, 10)
    Job.objects.update(state="failed")
    other = waiting(guest, 10)
    requeue(Policy.operator(), [row.pk for row in rows])
    assert brands(leases.claim(uuid7(), 10)) == {crowd.pk: 5, guest.pk: 5}
    assert other[0].turn == 0


def test_a_thousand_turns_cost_one_query(crowd, guest, django_assert_num_queries):
    waiting(crowd, 1000)
    jobs = [Job(brand=guest, available_at=timezone.now(), **PREVIS) for _job in range(1000)]
    with django_assert_num_queries(1):
        in_turn(jobs)
    assert [jobs[0].turn, jobs[-1].turn] == [0, 999]


def test_an_order_gives_its_jobs_their_turns(db):
    matrix = matrix_for(channels=tuple(factories.make_channels("square", "story")), locales=("en",))
    assert list(matrix.brand.jobs.values_list("turn", flat=True)) == []
    for key, turns in (("one", [0, 1]), ("two", [2, 3])):
        made = request(Policy.operator(), matrix, key=key)
        assert sorted(made.jobs.values_list("turn", flat=True)) == turns


def test_local_work_takes_its_turn_too(crowd, guest):
    local = {"kind": "compose", "provider": "", "model": ""}
    waiting(crowd, 10, **local)
    last = queue(Job(brand=crowd, kind="render", actor_label="operator", available_at=timezone.now()))
    assert (last.turn, last._state.adding) == (10, False)
    (one,) = waiting(guest, **local)
    assert one.pk in {lease.job_id for lease in leases.claim(uuid7(), 2)}


@pytest.mark.django_db(transaction=True)
def test_a_thousand_starve_no_other_under_many_workers(crowd, guest):
    waiting(crowd, 1000)
    (one,) = waiting(guest)
    taken = [lease for mine in together(lambda _number: leases.claim(uuid7(), 4)) for lease in mine]
    assert len(taken) == len({lease.job_id for lease in taken}) == HANDS * 4
    assert one.pk in {lease.job_id for lease in taken}
