"""An answer that is paid for and was never stored belongs to the host that has it: no other buys it again by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from image_studio import storage, testing
from image_studio.models import Actor, Asset, Attempt, Job
from image_studio.policy import Policy
from image_studio.runner import drain, leases, saving, unsaved
from image_studio.runner.doctor import examine
from image_studio.runner.sweep import sweep
from image_studio.storage import Spool
from image_studio.workflow import retry, retry_job
from image_studio.workflow.cells import bought_again, most_again
from image_studio.workflow.unknowns import adopt, doubtful, resend, write_off
from tests import factories
from tests.ledger.money import PRICE, assert_true, order, sums

pytestmark = pytest.mark.django_db

OPERATOR = Policy.operator()
FULL = OSError(28, "No space left on device")


@pytest.fixture
def on(settings, tmp_path):
    """Go to a host: its worker, its doctor and its pages know no spool but their own."""
    here = Spool().root

    def go(name):
        root = here if name == "a" else tmp_path / name
        settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "SPOOL_DIR": str(root)}

    return go


@pytest.fixture
def unstored(fake, monkeypatch):
    """A job whose answer is paid for and booked, and could not be stored on host a; and the provider's books."""

    def make(*script, error=FULL, more=None):
        books = fake(*script, more={"MAX_ATTEMPTS": 1, **(more or {})})
        made = order(factories.make_brand())
        with monkeypatch.context() as patch:
            patch.setattr(saving, "output", lambda *_args, **_kw: (_ for _ in ()).throw(error))
            drain(wait=False)
        job = made.jobs.get()
        assert (job.state, job.cost_micro_usd, len(testing.charges(books))) == ("failed", PRICE, 1)
        return job, books

    return make


def doctor(*, fix=True):
    return sorted((one.kind, one.code, one.fixed) for one in examine(Actor(label="operator"), fix=fix))


def raws():
    found = Asset.objects.filter(kind="raw")
    assert all(storage.read(storage.private(), one.file, one.sha256) for one in found)
    return found.count()


def later(**more):
    """Time goes by; nobody has come."""
    Job.objects.update(available_at=F("available_at") - unsaved.PATIENCE - timedelta(**(more or {"seconds": 1})))


def fresh(job):
    job.refresh_from_db()
    return job


@pytest.mark.parametrize("error", [FULL, KeyError("x")])
def test_the_doctor_hands_it_to_its_host_alone(unstored, on, error):
    job, books = unstored(error=error)
    assert doctor() == [("spool", "doctor.answer_unsaved", True)]
    on("b")
    drain()
    assert (fresh(job).state, len(testing.calls(books))) == ("spooled", 1)
    on("a")
    drain()
    assert (fresh(job).state, raws(), len(testing.calls(books))) == ("done", 1, 1)
    assert sums() == (0, PRICE)
    assert not Attempt.objects.exclude(error_code="").exists()
    assert doctor() == []
    assert_true()


@pytest.mark.parametrize("again", [lambda job: retry_job(OPERATOR, job), lambda job: retry(OPERATOR, job.variant_set)])
def test_a_persons_retry_hands_it_to_its_host_alone_and_holds_nothing(unstored, on, again):
    job, books = unstored()
    assert most_again(job) == 0
    assert not bought_again(job.variant_set.variants.select_related("job"), {})
    again(job)
    assert (fresh(job).state, sums()) == ("spooled", (0, PRICE))
    on("b")
    drain()
    assert len(testing.calls(books)) == 1
    on("a")
    drain()
    assert (fresh(job).state, job.variant_set.variants.get().state, raws()) == ("done", "ready", 1)
    assert len(testing.calls(books)) == 1
    assert_true()


def test_a_free_answer_is_simply_made_again(fake, monkeypatch, on):
    fake()
    made = order(factories.make_brand(), route="placeholder")
    with monkeypatch.context() as patch:
        patch.setattr(saving, "finish", lambda *_args: (_ for _ in ()).throw(KeyError("x")))
        drain()
    assert retry_job(OPERATOR, made.jobs.get()).state == "queued"
    on("b")
    drain()
    assert made.jobs.get().state == "done"


def test_where_its_host_never_comes_it_shows_itself_and_is_not_bought_by_itself(unstored, on):
    job, books = unstored(more={"RESEND_UNKNOWN": True})
    retry_job(OPERATOR, job)
    on("b")
    sweep()
    assert (fresh(job).state, doctor()) == ("spooled", [])
    Job.objects.update(available_at=F("available_at") - timedelta(minutes=1))
    assert doctor() == [("stuck", "doctor.answer_elsewhere", False)]
    later()
    assert sweep().unknown == 1
    assert (fresh(job).state, job.error_code, job.hold_micro_usd) == ("unknown", unsaved.ELSEWHERE, 0)
    assert doctor() == [("unknown", "doctor.answer_elsewhere", False)]
    assert [call.job_id for call in doubtful(OPERATOR)] == [job.pk]
    sweep()
    drain()
    assert (fresh(job).state, len(testing.calls(books))) == ("unknown", 1)
    assert most_again(job) == PRICE
    assert_true()


def lost(unstored, on, *script):
    job, books = unstored(*script)
    retry_job(OPERATOR, job)
    on("b")
    later()
    sweep()
    assert fresh(job).state == "unknown"
    return job, books


def test_a_host_that_comes_back_takes_it_in(unstored, on):
    job, books = lost(unstored, on)
    adopt(OPERATOR, job)
    assert fresh(job).adopt_asked_at
    on("a")
    drain()
    assert (fresh(job).state, raws(), len(testing.calls(books))) == ("done", 1, 1)
    assert (sums(), job.adopt_asked_at) == ((0, PRICE), None)
    assert_true()


def test_a_person_may_buy_it_again_and_both_pictures_are_kept(unstored, on):
    job, books = lost(unstored, on)
    resend(OPERATOR, job, key="again")
    assert sums() == (PRICE, PRICE)
    drain()
    assert (fresh(job).state, len(testing.charges(books)), raws()) == ("done", 2, 1)
    on("a")
    assert doctor(fix=False) == [("spool", "doctor.second_answer", False)]
    assert doctor() == [("spool", "doctor.second_answer", True)]
    assert (raws(), sums(), fresh(job).cost_micro_usd) == (2, (0, 2 * PRICE), 2 * PRICE)
    assert not list(Spool().waiting())
    assert doctor() == []
    assert_true()


def test_what_was_asked_for_again_and_is_claimed_by_its_host_is_taken_in(unstored, on):
    job, books = lost(unstored, on)
    resend(OPERATOR, job, key="again")
    on("a")
    drain()
    assert (fresh(job).state, len(testing.charges(books)), sums()) == ("done", 1, (0, PRICE))
    assert_true()


def test_a_person_may_give_it_up_and_the_picture_is_still_kept(unstored, on):
    job, books = lost(unstored, on)
    write_off(OPERATOR, job)
    assert (fresh(job).state, job.cost_micro_usd, doctor()) == ("failed", PRICE, [])
    on("a")
    assert ("spool", "doctor.answer_unsaved", True) in doctor()
    drain()
    assert (fresh(job).state, raws(), len(testing.calls(books))) == ("done", 1, 1)
    assert_true()


def test_a_folder_of_a_call_in_doubt_is_not_the_answer_that_a_job_waits_for(unstored, on):
    job, books = lost(unstored, on, "ok", "unknown")
    resend(OPERATOR, job, key="again")
    drain()
    assert (fresh(job).state, len(list(Spool().waiting()))) == ("unknown", 1)
    on("a")
    assert ("spool", "doctor.answer_found", True) in doctor()
    on("b")
    assert not leases.adopt(job.pk, 9)
    drain()
    assert fresh(job).state == "spooled"
    on("a")
    drain()
    assert (fresh(job).state, len(testing.calls(books)), raws()) == ("done", 2, 1)
    # The second call is as much in doubt as it was.
    assert sums() == (PRICE, PRICE)
    assert_true()


@pytest.mark.parametrize("state", ["done", "cancelled", "blocked"])
def test_a_booked_answer_whose_job_went_on_without_it_is_kept(unstored, state):
    unstored()
    Job.objects.update(state=state)
    Attempt.objects.update(error_code="")  # known by its bytes alone
    assert ("spool", "doctor.second_answer", True) in doctor()
    assert (raws(), sums()) == (1, (0, PRICE))
    assert_true()


def test_a_booked_answer_that_is_in_the_library_is_a_leftover(fake, monkeypatch):
    fake()
    made = order(factories.make_brand())
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "drop", lambda *_args: None)
        drain()
    assert (made.jobs.get().state, raws()) == ("done", 1)
    assert doctor() == [("spool", "doctor.leftover", True)]
    assert (raws(), list(Spool().waiting())) == (1, [])


def test_what_was_refused_and_kept_is_a_leftover_too(fake, monkeypatch):
    fake("garbage")
    made = order(factories.make_brand())
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "drop", lambda *_args: None)
        drain()
    assert made.jobs.get().state == "failed"
    assert doctor() == [("spool", "doctor.leftover", True)]
    # Nothing is to be taken in: a retry asks the provider again.
    assert retry_job(OPERATOR, made.jobs.get()).state == "queued"
