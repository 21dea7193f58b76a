"""Claims, tokens and fencing on rows alone. Races of real processes are in tests/services and tests/crash."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from image_studio.models import Attempt, Event, Job, uuid7
from image_studio.runner import leases
from image_studio.runner.leases import Fenced
from image_studio.storage import Spool
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def brand():
    return factories.make_bare_brand()


def test_a_claim_takes_the_longest_waiting_first_and_says_so(brand):
    now = timezone.now()
    jobs = [factories.make_job(brand, available_at=now - timedelta(minutes=i)) for i in (1, 3, 2)]
    worker = uuid7()
    taken = leases.claim(worker, 2)
    assert [lease.job_id for lease in taken] == [jobs[1].pk, jobs[2].pk]
    assert {lease.token for lease in taken} == {1}
    row = Job.objects.get(pk=jobs[1].pk)
    assert (row.state, row.lease_owner, row.lease_token) == ("leased", worker, 1)
    assert row.lease_until > timezone.now()
    events = Event.objects.filter(verb="job.leased")
    assert {(e.object_id, e.brand_id, e.data["worker"]) for e in events} == {
        (str(lease.job_id), str(brand.pk), str(worker)) for lease in taken
    }


def test_nothing_is_taken_twice_early_or_beyond_what_was_asked_for(brand):
    wanted = factories.make_job(brand)
    factories.make_job(brand, available_at=timezone.now() + timedelta(hours=1))
    factories.make_job(brand, state="done")
    other = factories.make_job(brand)
    assert [lease.job_id for lease in leases.claim(uuid7(), 9, only=[wanted.pk])] == [wanted.pk]
    assert [lease.job_id for lease in leases.claim(uuid7(), 9)] == [other.pk]
    assert leases.claim(uuid7(), 9) == []
    assert leases.claim(uuid7(), 0) == []


def test_a_lower_turn_goes_before_a_longer_wait(brand):
    late, early = factories.make_job(brand, turn=2), factories.make_job(brand, turn=1, available_at=timezone.now())
    assert [lease.job_id for lease in leases.claim(uuid7(), 2)] == [early.pk, late.pk]


def test_whoever_lost_the_lease_writes_nothing(brand):
    job = factories.make_job(brand)
    first = leases.claim(uuid7(), 1)[0]
    Job.objects.filter(pk=job.pk).update(state="queued", lease_owner=None)
    second = leases.claim(uuid7(), 1)[0]
    assert second.token == first.token + 1
    written = Event.objects.count()
    with pytest.raises(Fenced):
        first.move("failed")
    assert Event.objects.count() == written
    assert second.move("failed").state == "failed"


def test_an_old_token_of_the_same_worker_is_fenced_too(brand):
    worker = uuid7()
    factories.make_job(brand)
    first = leases.claim(worker, 1)[0]
    Job.objects.update(state="queued")
    leases.claim(worker, 1)
    with pytest.raises(Fenced):
        first.move("failed")


def test_renewing_lengthens_only_leases_that_are_still_ours(brand):
    factories.make_job(brand)
    factories.make_job(brand)
    worker = uuid7()
    mine, lost = leases.claim(worker, 2)
    Job.objects.filter(pk=lost.job_id).update(lease_owner=uuid7())
    Job.objects.update(lease_until=factories.long_ago())
    assert leases.renew(worker, [mine.job_id, lost.job_id]) == 1
    assert Job.objects.get(pk=mine.job_id).lease_until > timezone.now()
    assert Job.objects.get(pk=lost.job_id).lease_until < timezone.now()
    assert leases.renew(worker, []) == 0


def test_a_released_job_waits_again(brand):
    job = factories.make_job(brand)
    leases.release(leases.claim(uuid7(), 1)[0])
    job.refresh_from_db()
    assert (job.state, job.lease_owner, job.lease_until, job.attempts_made) == ("queued", None, None, 0)


def spooled(brand, **fields):
    job = factories.make_job(brand, state="spooled", **fields)
    now = timezone.now()
    call = Attempt.objects.create(job=job, number=1, provider="previs", model="x", worker=uuid7(), started_at=now)
    return job, call


def test_an_answer_in_the_spool_of_this_host_is_adopted_once(brand):
    job, call = spooled(brand)
    assert leases.adopt(uuid7(), 5) == []
    assert not leases.adoptable(job)
    Spool().put(str(call.pk), "answer.json", b"{}")
    assert leases.adoptable(job)
    assert leases.adopt(uuid7(), 0) == []
    assert leases.adopt(uuid7(), 5, only=[uuid7()]) == []
    adopted = leases.adopt(uuid7(), 5)
    assert [(lease.job_id, lease.state) for lease in adopted] == [(job.pk, "spooled")]
    assert leases.adopt(uuid7(), 5) == []


def test_an_answer_is_left_to_its_living_holder_and_to_its_back_off(brand):
    later = timezone.now() + timedelta(minutes=5)
    for fields in ({"lease_owner": uuid7(), "lease_until": later}, {"available_at": later}):
        _job, call = spooled(brand, **fields)
        Spool().put(str(call.pk), "answer.json", b"{}")
    Spool().put("no-uuid", "answer.json", b"{}")
    assert leases.adopt(uuid7(), 5) == []
