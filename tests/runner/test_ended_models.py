"""A model that ends while work waits for it: nothing is sent, and what was sent before is kept."""

from __future__ import annotations

from datetime import date

import pytest

from image_studio import conf
from image_studio.models import Asset, Attempt, Job
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.testing import calls
from image_studio.wording import explain
from image_studio.workflow import recompose, sheet
from image_studio.workflow.jobs import retry_job
from tests import factories
from tests.runner.test_sweep import answer_for, lost
from tests.runner.test_travel import FAKE, bought

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()
LAST, AFTER = date(2026, 12, 1), date(2026, 12, 2)


@pytest.fixture
def ending(fake):
    """The fake provider; its model ends on :data:`LAST`."""
    row = {"provider": "fake", "title": "Fake", "max_n": 8, "ends_on": "2026-12-01", "replaced_by": ["fake-2"]}
    return fake(more={"MODELS": {"fake-1": row}})


@pytest.fixture
def on(monkeypatch):
    def on(day):
        monkeypatch.setattr(conf, "today", lambda: day)

    return on


def test_on_its_last_day_a_model_is_still_asked(ending, on):
    made = bought()
    on(LAST)
    drain()
    assert made.jobs.get().state == "done"
    assert len(calls(ending)) == 1


def test_a_job_whose_model_ended_meanwhile_fails_before_anything_is_sent(ending, on):
    made = bought()
    on(AFTER)
    drain()
    job = made.jobs.get()
    assert (job.state, job.error_code, job.cost_micro_usd, job.attempts_made) == ("failed", "job.model_ended", 0, 0)
    assert calls(ending) == []
    assert not Attempt.objects.exists()
    words = explain(job.error_code, job.error_params)
    assert all(part in words for part in ("Fake ended on 2026-12-01", "Nothing was sent", "fake-2"))
    (cell,) = sheet(OPERATOR, made).cells
    assert cell.status == "failed"


def test_a_retry_ends_the_same_way_and_spends_nothing(ending, on):
    made = bought()
    on(AFTER)
    drain()
    retry_job(OPERATOR, made.jobs.get())
    drain()
    assert (made.jobs.get().error_code, calls(ending)) == ("job.model_ended", [])


def test_an_answer_that_was_paid_for_is_kept_after_the_end(ending, on):
    job, call = lost("spooled", **FAKE)
    answer_for(job, call)
    on(AFTER)
    Job.objects.update(state="spooled", lease_owner=None, lease_until=None)
    drain()
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("done", "")
    assert calls(ending) == []
    assert Asset.objects.filter(kind="raw", origin="provider").count() == 1


def test_what_is_done_keeps_its_record_and_can_be_composed_anew(ending, on):
    made = bought(factories.make_brand())
    drain()
    before = Job.objects.values().get(kind="picture")
    on(AFTER)
    recompose(OPERATOR, made, texts={"headline": {"en": "Other words"}})
    drain()
    assert Job.objects.values().get(kind="picture") == before
    assert Job.objects.get(kind="compose").state == "done"
    assert len(calls(ending)) == 1
