"""The table of states and verbs, held against what the verbs really do."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_studio.exceptions import StudioError
from image_studio.models import Attempt, Job, database_now, uuid7
from image_studio.policy import Policy
from image_studio.runner import holds
from image_studio.states import JOB
from image_studio.storage import Spool
from image_studio.workflow import cancel_job, retry_job
from image_studio.workflow.jobs import offered
from image_studio.workflow.unknowns import adopt, resend, write_off
from image_studio.workflow.verbs import ASKED_TO_STOP, TABLE, UNSAVED, VERBS, possible
from tests import factories
from tests.ledger.conftest import fake  # noqa: F401
from tests.ledger.money import assert_true

pytestmark = pytest.mark.django_db

SAY = {
    "cancel": cancel_job,
    "retry": retry_job,
    "adopt": adopt,
    "resend": lambda policy, job: resend(policy, job, key="key"),
    "write_off": write_off,
}


def job_in(state, **fields):
    """A paid job as it is in this state, with its money where it belongs."""
    values = {"provider": "fake", "model": "fake-1", "route": "fake", **fields}
    if state in ("leased", "sending", "spooled"):
        values |= {"lease_owner": uuid7(), "lease_until": database_now()}
    job = factories.make_job(factories.make_bare_brand(), **values)
    rows = Job.objects.filter(pk=job.pk)
    if state in ("sending", "unknown"):
        held = job.hold_micro_usd if state == "unknown" else 0
        call = Attempt.objects.create(
            job=job,
            number=1,
            provider="fake",
            model="fake-1",
            worker=uuid7(),
            started_at=database_now(),
            state="unknown" if held else "sending",
            hold_micro_usd=held,
        )
        if held:
            Spool().put(str(call.pk), "picture-0.part", factories.encoded(factories.draw_photo((64, 48))))
            rows.update(hold_micro_usd=0)
    elif state in ("spooled", "done", "failed", "blocked", "cancelled"):
        holds.let_go([job.pk])
    rows.update(state=state)
    return rows.get()


def test_the_table_is_whole():
    assert set(TABLE) == set(JOB.labels)
    assert all(tuple(row) == VERBS for row in TABLE.values())


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", JOB.labels)
def test_every_verb_in_every_state(fake, state, verb):  # noqa: F811
    fake()
    policy, job, wanted = Policy.operator(), job_in(state), TABLE[state][verb]
    assert (verb in offered(policy, job)) == possible(state, verb)
    if possible(state, verb):
        found = Job.objects.get(pk=SAY[verb](policy, job).pk)
        asked = "asked" if found.cancel_requested_at and found.state == state else found.state
        assert {"spooled": "adopted"}.get(asked, asked) == wanted
    else:
        with pytest.raises(StudioError) as refused:
            SAY[verb](policy, job)
        assert refused.value.code == wanted
        assert Job.objects.get().state == state
    assert_true()


@pytest.mark.parametrize("verb", ASKED_TO_STOP)
@pytest.mark.parametrize("state", ["sending", "spooled"])
def test_what_was_asked_to_stop_can_be_wanted_again(fake, state, verb):  # noqa: F811
    fake()
    job = job_in(state, cancel_requested_at=factories.long_ago())
    now = SAY[verb](Policy.operator(), job)
    assert ("asked" if now.cancel_requested_at else "wanted") == ASKED_TO_STOP[verb]
    assert now.state == state


@pytest.mark.parametrize("verb", UNSAVED)
@pytest.mark.parametrize("state", ["failed", "blocked", "cancelled"])
def test_what_is_paid_for_and_was_never_stored_is_taken_in_and_not_asked_for_again(fake, state, verb):  # noqa: F811
    fake()
    job = job_in(state)
    told = {"provider": "fake", "model": "fake-1", "worker": uuid7(), "started_at": database_now()}
    Attempt.objects.create(job=job, number=1, state="answered", error_code="storage.full", **told)
    now = SAY[verb](Policy.operator(), job)
    assert {"spooled": "adopted"}.get(now.state, now.state) == UNSAVED[verb]
    assert (now.hold_micro_usd, now.lease_owner, now.error_code) == (0, None, "")
    assert_true()


def test_the_docs_show_the_table():
    text = (Path(__file__).resolve().parents[2] / "docs" / "concepts.md").read_text("utf-8")
    for state, row in TABLE.items():
        cells = [f"`{row[verb]}`" if "." in row[verb] else row[verb] for verb in VERBS]
        assert f"| {state} | {' | '.join(cells)} |" in text
