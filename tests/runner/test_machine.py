"""Whatever is said to jobs, in whatever order, and whoever dies meanwhile: money adds up, and no picture is lost.

A few examples in the default suite, many in ``make test-crash``.
"""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck
from hypothesis import settings as how
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from image_studio import ledger, states, testing
from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.models import Asset, Attempt, Budget, Event, Job, JobOutput, RateWindow
from image_studio.policy import Policy
from image_studio.providers.base import PictureRequest
from image_studio.runner import drain, outcomes, sweep
from image_studio.runner.draining import work
from image_studio.runner.worker import Worker
from image_studio.states import JOB, JOB_ENDED
from image_studio.workflow.jobs import cancel_job, offered, retry_job
from image_studio.workflow.once import once
from image_studio.workflow.review import approve
from image_studio.workflow.spending import correct, resume_spending, stop_spending
from image_studio.workflow.unknowns import adopt, resend, write_off
from tests import factories
from tests.fakes.mortal import LEAVES, Provider
from tests.ledger.money import PLAIN, PRICE, assert_true

pytestmark = pytest.mark.django_db

LIMIT = 12 * PRICE
#: What a provider may say, and how many pictures of two come of it.
WORDS = ("ok", "ok", "ok", "unknown", "crash", "refused", "unavailable", "rate_limited", "fewer", "garbage", "none")
#: An event of a job -> the state that it tells of. What is not here is no change of state.
TOLD = {f"job.{state}": state for state in JOB.labels} | {
    "job.requeued": "queued",
    "job.resent": "queued",
    "job.released": "queued",
}
OPERATOR = Policy.operator()
#: Only :meth:`Studio.tick` lets time pass: the same steps end alike on a machine that takes a minute for them.
PATIENT = {"LEASE_SECONDS": 900.0, "BEAT_SECONDS": 60.0, "SWEEP_SECONDS": 600.0}
#: Any of what there is; an index is taken around.
ANY = st.integers(0, 30)


class Studio(RuleBasedStateMachine):
    """One brand with a budget, and everything that happens to its jobs. Lives in a transaction that is rolled back."""

    books = None
    numbers = itertools.count(1)

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.brand = factories.make_bare_brand()
        self.asked_again = Counter()
        self.books.unlink(missing_ok=True)
        ledger.open_budget(Budget(period="ever", hard_micro_usd=LIMIT))
        ledger.open_budget(Budget(brand=self.brand, period="ever", hard_micro_usd=LIMIT))

    def teardown(self):
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    # What is asked for ----------------------------------------------------------------------------------------------

    @initialize()
    def begin(self):
        for key in "ab":
            self.submit(key=key, n=1)

    @rule(key=st.sampled_from("abcdef"), n=st.integers(1, 2))
    def submit(self, key, n):
        """A key twice is one order; another order with it is refused."""
        before, new = Job.objects.count(), key not in self._keys()
        with suppress(Conflict):
            once(OPERATOR, key, {"key": key, "n": n}, lambda: self._order(key, n))
        assert Job.objects.count() - before <= int(new)

    def _keys(self):
        return {job.actor_label for job in Job.objects.all()}

    def _order(self, key, n):
        request = PictureRequest(model="fake-1", prompt=f"{next(self.numbers)}", size=(64, 48), n=n)
        job = factories.make_job(
            self.brand,
            provider="fake",
            route="fake",
            model="fake-1",
            request=request.to_dict(),
            digest=request.digest,
            n=n,
            actor_label=key,
        )
        return {"job": str(job.pk)}

    @precondition(lambda self: Job.objects.exists())
    @rule(pick=ANY)
    def cancel(self, pick):
        with suppress(Conflict):
            cancel_job(OPERATOR, self._job(pick))

    @precondition(lambda self: Job.objects.filter(state__in=("failed", "blocked", "cancelled")).exists())
    @rule(pick=ANY)
    def ask_again(self, pick):
        job = self._job(pick, state__in=("failed", "blocked", "cancelled"))
        with suppress(Conflict):
            retry_job(OPERATOR, job)
            self.asked_again[job.pk] += 1

    @precondition(lambda self: Asset.objects.filter(state="candidate").exists())
    @rule()
    def approve(self):
        with suppress(Conflict, InvalidRequest):
            approve(OPERATOR, Asset.objects.filter(state="candidate").first(), declaration=factories.DECLARED)

    # Workers --------------------------------------------------------------------------------------------------------

    @rule(word=st.sampled_from(WORDS))
    def deliver(self, word):
        Provider.word, Provider.leaves = word, ""
        drain(wait=False)

    @precondition(lambda self: Job.objects.filter(state__in=JOB_ENDED).exists())
    @rule(pick=ANY)
    def deliver_twice(self, pick):
        """A ring for what is over changes nothing."""
        job, calls = self._job(pick, state__in=JOB_ENDED), len(testing.calls(self.books))
        drain(job_ids=[job.pk], wait=False)
        assert len(testing.calls(self.books)) == calls
        assert Job.objects.get(pk=job.pk).state in {job.state, *states.JOB.moves["unknown"]}

    @precondition(lambda self: Job.objects.filter(state="queued").exists())
    @rule(leaves=st.sampled_from(LEAVES), late=st.booleans())
    def kill(self, leaves, late):
        """The worker dies in its call; nobody hands anything back, and somebody looks sooner or later."""
        Provider.leaves, Provider.worker = leaves, Worker(concurrency=1, once=True, wait=False, grace=0.0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sweep, "hand_back", lambda *_args: None)
            work(Provider.worker)
        Provider.leaves = ""
        if not late:
            self.tick()
            self.rescue()
            self.deliver("ok")

    @rule()
    def rescue(self):
        sweep.sweep()

    @rule()
    def tick(self):
        """An hour goes by: leases run out, waits are over, windows open."""
        hour = timedelta(hours=1)
        Job.objects.exclude(lease_until=None).update(lease_until=F("lease_until") - hour)
        Job.objects.update(available_at=F("available_at") - hour)
        RateWindow.objects.update(open_at=F("open_at") - hour)

    # What is in doubt -----------------------------------------------------------------------------------------------

    @precondition(lambda self: Job.objects.filter(state="unknown").exists())
    @rule(pick=ANY, verb=st.sampled_from(("adopt", "resend", "write off", "not charged")))
    def settle(self, pick, verb):
        job = self._job(pick, state="unknown")
        assert {"adopt", "resend", "write_off"} <= offered(OPERATOR, job)
        with suppress(Conflict, InvalidRequest):
            if verb == "adopt":
                adopt(OPERATOR, job)
            elif verb == "resend":
                resend(OPERATOR, job, key=f"again {next(self.numbers)}".replace(" ", "-"))
            else:
                write_off(OPERATOR, job, charged_micro_usd=0 if verb == "not charged" else None)

    @rule(back=st.integers(1, PRICE))
    def correct(self, back):
        correct(OPERATOR, self.brand, -back, note="the bill was wrong")

    @rule(brand=st.booleans(), stay=st.sampled_from((False, False, True)))
    def switch(self, brand, stay):
        """Thrown, nothing is sent; it may stay so for a while."""
        of, calls = self.brand if brand else None, len(testing.calls(self.books))
        stop_spending(OPERATOR, of, reason="looks wrong")
        self.deliver("ok")
        assert len(testing.calls(self.books)) == calls
        if not stay:
            self.release()

    @rule()
    def release(self):
        for of in (None, self.brand):
            resume_spending(OPERATOR, of)

    def _job(self, pick, **fields):
        rows = list(Job.objects.filter(**fields).order_by("pk"))
        return rows[pick % len(rows)]

    # What is true all the time --------------------------------------------------------------------------------------

    @invariant()
    def money_adds_up(self):
        assert_true()
        budget = Budget.objects.get(brand=None)
        late = Attempt.objects.filter(error_code="", state="answered").exists()
        assert budget.spent_micro_usd + budget.held_micro_usd <= LIMIT + (budget.over_micro_usd if late else 0)

    @invariant()
    def every_charge_is_accounted_for(self):
        charged = Counter(line["digest"] for line in testing.charges(self.books))
        for job in Job.objects.all():
            calls = Counter(Attempt.objects.filter(job=job).values_list("state", flat=True))
            open_ = calls["unknown"] + calls["written_off"] + calls["sending"]
            assert calls["answered"] <= charged[job.digest] <= calls["answered"] + open_, (job.state, calls)
            assert charged[job.digest] <= 1 + job.resends + self.asked_again[job.pk], "a charge without consent"
            for call in Attempt.objects.filter(job=job, state="unknown"):
                assert call.hold_micro_usd == job.estimate_micro_usd
            if job.state == "done":
                assert JobOutput.objects.filter(job=job, asset__isnull=False).exists()

    @invariant()
    def events_tell_of_every_state(self):
        for job in Job.objects.all():
            now = {"queued"}
            for verb in Event.objects.filter(object_id=str(job.pk)).order_by("pk").values_list("verb", flat=True):
                if verb == "job.written_off":
                    # It fails, unless another call of it is in doubt, or it goes on.
                    now |= {"failed"} & states.JOB.moves["unknown"] if "unknown" in now else set()
                elif verb in TOLD:
                    to = TOLD[verb]
                    assert any(to in JOB.moves[one] for one in now), (verb, now)
                    now = {to}
            assert job.state in now


def run(folder, settings, **options):
    settings.MEDIA_ROOT = str(folder / "media")
    books = folder / "ledger.jsonl"
    rows = testing.fake_settings(ledger=books, backend="tests.fakes.mortal", retry_after=60.0)
    settings.IMAGE_STUDIO = {**PLAIN, **rows, **PATIENT}
    machine = type("Machine", (Studio,), {"books": books})
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outcomes, "FIRST_WAIT", 300.0)
        run_state_machine_as_test(machine, settings=how(deadline=None, suppress_health_check=quiet, **options))


def test_nothing_that_is_said_to_jobs_makes_money_lie(tmp_path, settings):
    run(tmp_path, settings, max_examples=6, stateful_step_count=20, derandomize=True, database=None)


@pytest.mark.crash
@pytest.mark.long
def test_nothing_that_is_said_to_jobs_in_any_order_makes_money_lie(tmp_path, settings):
    run(tmp_path, settings, max_examples=30, stateful_step_count=30)
