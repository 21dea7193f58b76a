"""The table of errors, and each of its rows lived through: state, message, money and what is kept."""

from __future__ import annotations

import errno

import pytest
from django.utils import timezone

from image_studio import storage, testing
from image_studio.conf import ConfigurationError
from image_studio.exceptions import OutcomeUnknown, ProviderRefused, ProviderUnavailable, StorageFailed
from image_studio.models import Asset, Attempt, Event, Job, JobOutput
from image_studio.runner import drain, outcomes
from image_studio.storage import Spool
from image_studio.wording import WORDS
from tests import factories

FAKE = {"provider": "fake", "model": "fake-1"}


def run_one(takes=1, **fields):
    """One set with one channel, bought of the fake provider, and its job after everything that could run ran."""
    brand = factories.make_bare_brand()
    made = factories.make_set(
        brand, channels=factories.make_channels("square"), takes=takes, shrink=6, **{**FAKE, **fields}
    )
    drain(wait=False)
    return made, made.jobs.get()


# The table itself ---------------------------------------------------------------------------------------------------

NOT_REPEATABLE = [
    (ProviderUnavailable("provider.unreachable"), 1, ("queued", "failed")),
    (ProviderUnavailable("provider.unreachable"), 3, ("failed", "failed")),
    (ProviderRefused("provider.refused"), 1, ("failed", "failed")),
    (ProviderRefused("provider.moderation_blocked"), 1, ("blocked", "failed")),
    (OutcomeUnknown("provider.connection_lost"), 1, ("unknown", "unknown")),
    (TimeoutError(), 1, ("unknown", "unknown")),
    (OSError(errno.ENOSPC, "No space left on device"), 1, ("unknown", "unknown")),
    (RuntimeError("boom"), 1, ("unknown", "unknown")),
]


@pytest.mark.parametrize(("error", "made", "wanted"), NOT_REPEATABLE)
def test_only_what_was_never_charged_is_sent_again_by_itself(error, made, wanted):
    decision = outcomes.while_sending(error, made=made, repeatable=False)
    assert (decision.to, decision.attempt) == wanted


REPEATABLE = [
    (OutcomeUnknown("provider.connection_lost"), 1, ("queued", "lost")),
    (TimeoutError(), 1, ("queued", "lost")),
    (TimeoutError(), 3, ("failed", "failed")),
    (StorageFailed("storage.full", name="x", detail="full"), 2, ("queued", "lost")),
    (RuntimeError("boom"), 1, ("failed", "failed")),
]


@pytest.mark.parametrize(("error", "made", "wanted"), REPEATABLE)
def test_a_repeatable_call_is_sent_again_until_its_tries_are_used_up(error, made, wanted):
    decision = outcomes.while_sending(error, made=made, repeatable=True)
    assert (decision.to, decision.attempt) == wanted


BEFORE = [
    (StorageFailed("storage.read_failed", name="x", detail="io"), 1, "queued"),
    (StorageFailed("storage.read_failed", name="x", detail="io"), 3, "failed"),
    (StorageFailed("storage.missing", name="x"), 1, "failed"),
    (ConfigurationError("OPTIONS hold a secret"), 1, "failed"),
    (ValueError("boom"), 1, "failed"),
]


@pytest.mark.parametrize(("error", "made", "wanted"), BEFORE)
def test_before_anything_is_sent_only_passing_trouble_is_tried_again(error, made, wanted):
    assert outcomes.before_sending(error, made=made).to == wanted


def test_a_spooled_answer_is_kept_while_storage_is_in_trouble():
    full = StorageFailed("storage.full", name="x", detail="full")
    assert outcomes.while_saving(full, made=1, repeatable=False).to == "spooled"
    assert outcomes.while_saving(full, made=3, repeatable=False).to == "failed"
    damaged = StorageFailed("job.answer_damaged", name="x")
    assert outcomes.while_saving(damaged, made=1, repeatable=False).to == "unknown"
    assert outcomes.while_saving(damaged, made=1, repeatable=True).to == "queued"


def test_the_back_off_doubles_with_jitter_up_to_a_limit():
    for made, most in [(1, 2.0), (2, 4.0), (5, 32.0), (30, outcomes.LONGEST_WAIT)]:
        waits = {outcomes.back_off(made) for _try in range(50)}
        assert len(waits) > 10
        assert all(most / 2 <= wait <= most for wait in waits)


def test_retry_after_is_waited_out_and_bounded():
    def wait(asked):
        error = ProviderUnavailable("provider.rate_limited", retry_after=asked)
        return outcomes.while_sending(error, made=1, repeatable=False).wait

    assert 20.0 <= wait(20) <= 23.0
    assert wait(10**9) <= outcomes.LONGEST_ASKED * 1.1
    assert wait(-5) >= 0
    assert 1.0 <= wait("soon") <= 2.0


def test_foreign_errors_are_named_by_class_only():
    assert outcomes.named(RuntimeError("sk-secret")) == ("job.crashed", {"error": "RuntimeError"})
    assert outcomes.named(ConnectionResetError("sk-secret")) == ("job.crashed", {"error": "ConnectionResetError"})
    assert outcomes.named(ConfigurationError("sk-secret")) == ("job.misconfigured", {})
    assert outcomes.named(OSError(errno.ENOSPC, "No space left on device"))[0] == "storage.full"


# Each row lived through --------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_good_answer_is_charged_once_and_booked(fake):
    ledger = fake("ok")
    _made, job = run_one(takes=2)
    assert (job.state, job.error_code) == ("done", "")
    assert job.cost_micro_usd == sum(call["micro_usd"] for call in testing.charges(ledger)) == 80_000
    attempt = job.attempts.get()
    assert (attempt.state, attempt.request_id, attempt.usage) == ("answered", "fake-0", {"pictures": 2})
    assert attempt.micro_usd == 80_000
    assert attempt.ended_at >= attempt.started_at
    assert list(Spool().waiting()) == []


@pytest.mark.django_db
def test_an_unavailable_provider_is_asked_again_later_and_not_charged(fake):
    ledger = fake("unavailable", "ok")
    _made, job = run_one()
    assert (job.state, job.error_code, job.attempts_made) == ("queued", "provider.unreachable", 1)
    assert job.available_at > timezone.now()
    assert job.ended_at is None
    assert testing.charges(ledger) == []

    Job.objects.update(available_at=factories.long_ago())
    assert drain(wait=False) == 1
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("done", "")
    assert [(a.number, a.state) for a in job.attempts.all()] == [(1, "failed"), (2, "answered")]
    assert len(testing.charges(ledger)) == 1


@pytest.mark.django_db
def test_an_unavailable_provider_ends_in_failed_after_the_last_try(fake):
    ledger = fake("unavailable", more={"MAX_ATTEMPTS": 2})
    _made, job = run_one()
    Job.objects.update(available_at=factories.long_ago())
    drain(wait=False)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "provider.unreachable")
    assert len(testing.calls(ledger)) == 2
    assert list(Spool().waiting()) == []


@pytest.mark.django_db
def test_a_rate_limit_is_waited_out_as_long_as_the_provider_says(fake):
    fake("rate_limited", retry_after=120.0)
    before = timezone.now()
    _made, job = run_one()
    assert job.state == "queued"
    assert job.error_params == {"retry_after": 120.0}
    assert (job.available_at - before).total_seconds() >= 120


ENDS = [
    ("refused", "failed", "provider.refused", 0),
    ("moderation", "blocked", "provider.moderation_blocked", 0),
    ("unknown", "unknown", "provider.connection_lost", 1),
    ("crash", "unknown", "job.crashed", 1),
    ("wrong_type", "unknown", "job.crashed", 1),
    ("disk_full", "unknown", "storage.full", 1),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("word", "state", "code", "charged"), ENDS)
def test_a_call_ends_in_a_named_state_and_is_not_repeated(fake, word, state, code, charged):
    ledger = fake(word, "ok")
    made, job = run_one()
    drain(wait=False)
    job.refresh_from_db()
    assert (job.state, job.error_code) == (state, code)
    assert code in WORDS
    assert len(testing.calls(ledger)) == 1
    assert len(testing.charges(ledger)) == charged
    assert "secret" not in str(job.error_params) + str(list(Event.objects.values_list("data", flat=True)))
    made.refresh_from_db()
    assert made.finished_at is not None


@pytest.mark.django_db
def test_a_call_over_its_deadline_is_unknown_within_two_seconds(fake):
    fake("hang", more={"DEADLINE_SECONDS": 0.2})
    before = timezone.now()
    _made, job = run_one()
    assert (job.state, job.error_code) == ("unknown", "job.deadline")
    assert (job.ended_at - before).total_seconds() < 0.2 + 2.0 + 1.0  # the factories' own time


@pytest.mark.django_db
def test_a_repeatable_provider_is_simply_asked_again(fake):
    fake("unknown", "ok", backend="tests.fakes.repeatable")
    _made, job = run_one()
    assert (job.state, job.attempts.get().state) == ("queued", "lost")
    Job.objects.update(available_at=factories.long_ago())
    drain(wait=False)
    job.refresh_from_db()
    assert job.state == "done"


BAD = [
    ("fewer", "job.output_missing", 2),
    ("garbage", "image.not_accepted", 2),
    ("html", "image.not_accepted", 2),
    ("truncated", "image.broken", 2),
    ("fault", "provider.refused", 2),
    ("escape", "job.output_missing", 2),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("word", "code", "good"), BAD)
def test_a_bad_output_is_a_named_fault_beside_the_good_ones(fake, word, code, good):
    fake(word)
    made, job = run_one(takes=3)
    assert (job.state, job.error_code) == ("done", "")
    outputs = list(job.outputs.all())
    assert [o.index for o in outputs] == [0, 1, 2]
    assert sum(o.asset is not None for o in outputs) == good
    fault = next(o for o in outputs if o.asset is None)
    assert fault.fault_code == code
    cell = made.variants.get(take=fault.index)
    assert (cell.state, cell.error_code) == ("compose_failed", code)
    assert made.variants.filter(state="ready").count() == good


@pytest.mark.django_db
def test_bytes_that_the_gate_refuses_are_kept_because_they_were_paid_for(fake):
    fake("garbage")
    _made, job = run_one()
    fault = job.outputs.get()
    assert storage.read(storage.private(), fault.fault_params["kept"]) == b"\x00\x01" * 400


@pytest.mark.django_db
@pytest.mark.parametrize("word", ["garbage", "none"])
def test_an_answer_without_one_picture_fails_and_can_be_asked_for_again(fake, word):
    ledger = fake(word, "ok")
    made, job = run_one()
    assert job.state == "failed"
    assert job.error_code == job.outputs.get().fault_code
    assert Asset.objects.filter(brand=made.brand).count() == 0
    assert list(Spool().waiting()) == []

    Job.objects.update(state="queued", attempts_made=0, error_code="", ended_at=None)
    made.variants.update(state="waiting", error_code="")
    drain(wait=False)
    job.refresh_from_db()
    assert job.state == "done"
    assert job.outputs.get().asset is not None
    assert [a.number for a in Attempt.objects.filter(job=job)] == [1, 2]
    assert job.cost_micro_usd == sum(call["micro_usd"] for call in testing.charges(ledger))


@pytest.mark.django_db
@pytest.mark.parametrize(("word", "kind"), [("wrong_size", "png"), ("jpeg", "jpeg")])
def test_another_size_or_format_than_asked_for_is_taken_as_what_it_is(fake, word, kind):
    fake(word)
    made, job = run_one()
    assert job.state == "done"
    raw = job.outputs.get().asset
    assert raw.format == kind
    cell = made.variants.get()
    assert cell.asset.size == (180, 180)


@pytest.mark.django_db
def test_an_unknown_provider_or_model_fails_before_anything_is_sent(fake):
    ledger = fake()
    _made, job = run_one(provider="gone")
    assert (job.state, job.error_code) == ("failed", "job.misconfigured")
    _made, job = run_one(model="fake-9")
    assert (job.state, job.error_code) == ("failed", "job.unknown_model")
    assert testing.calls(ledger) == []
    assert JobOutput.objects.count() == 0
