"""Unknown outcomes in the admin: the list, and one page where a person adopts, sends again or writes off."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from image_studio import testing
from image_studio.models import Job
from image_studio.policy import Policy
from image_studio.runner import drain, unsaved
from image_studio.workflow.spending import make_budget, stop_spending
from tests import factories
from tests.ledger.money import PLAIN, PRICE, assert_true, held, order, sums

pytestmark = pytest.mark.django_db
LIST = "admin:image_studio_job_unknown"


@pytest.fixture
def job(tmp_path, settings, brand):
    ledger = tmp_path / "ledger.jsonl"
    settings.IMAGE_STUDIO = {**PLAIN, **testing.fake_settings(ledger=ledger, script=("unknown", "ok"))}
    made = order(brand)
    drain()
    return made.jobs.get()


def page_of(job):
    return reverse("admin:image_studio_job_settle", args=[job.pk])


def key_on(client, job):
    return re.search(rb'name="key" value="([^"]+)"', client.get(page_of(job)).content)[1].decode()


def test_the_list_and_home_name_it_with_what_it_holds(boss, job):
    for url in (reverse(LIST), reverse("admin:image_studio_ledgerentry_spend")):
        content = boss.get(url).content.decode()
        assert page_of(job) in content
        assert "$0.04" in content
    assert reverse(LIST) in boss.get(reverse("admin:app_list", args=["image_studio"])).content.decode()


def test_sent_again_once_however_often_it_is_posted(boss, job):
    said = {"do": "resend", "key": key_on(boss, job)}
    for _time in range(2):
        assert boss.post(page_of(job), said).status_code == 302
    job.refresh_from_db()
    assert (job.state, job.resends, held()) == ("queued", 1, 2 * PRICE)
    drain()
    assert_true()


def test_what_is_said_of_sending_again_is_what_it_holds_today(boss, job, settings, tmp_path):
    rows = testing.fake_settings(ledger=tmp_path / "ledger.jsonl", script=("unknown", "ok"), price=3 * PRICE)
    settings.IMAGE_STUDIO = {**PLAIN, **rows}
    budget = make_budget(Policy.operator(), hard_micro_usd=3 * PRICE)
    assert "A second $0.12 at most is held" in boss.get(page_of(job)).content.decode()
    # The doubt's own hold is in the way of it.
    assert boss.get(page_of(job)).content.decode().count('value="resend" class="button" disabled') == 1
    budget.refresh_from_db()
    assert budget.held_micro_usd == PRICE


@pytest.mark.parametrize(
    ("said", "spent"),
    [({"charged": "held"}, PRICE), ({"charged": "none"}, 0), ({"charged": "bill", "amount": "0.0123"}, 12_300)],
)
def test_written_off_with_what_it_cost(boss, job, said, spent):
    call = job.attempts.get()
    answer = boss.post(page_of(job), {"do": "write_off", "attempt": call.pk, "note": "usage page", **said})
    assert answer.status_code == 302
    job.refresh_from_db()
    assert (job.state, job.cost_micro_usd, sums()) == ("failed", spent, (0, spent))
    assert_true()


@pytest.mark.parametrize(
    "said", [{}, {"charged": "bill"}, {"charged": "bill", "amount": "much"}, {"charged": "bill", "amount": "-1"}]
)
def test_a_sum_that_is_none_is_said_on_the_page(boss, job, said):
    answer = boss.post(page_of(job), {"do": "write_off", "note": "kept", **said})
    assert answer.status_code == 400
    assert b'value="kept"' in answer.content
    assert Job.objects.get().state == "unknown"


def test_nothing_to_adopt_is_a_message(boss, job):
    answer = boss.post(page_of(job), {"do": "adopt"}, follow=True)
    assert b"No whole picture" in answer.content


def test_a_get_changes_nothing_and_a_strange_verb_is_refused(boss, job):
    boss.get(page_of(job), {"do": "write_off", "charged": "held"})
    assert boss.post(page_of(job), {"do": "explode"}).status_code == 403
    assert Job.objects.get().state == "unknown"


def test_who_may(job, as_role):
    creator, viewer = as_role("creator"), as_role("viewer")
    stranger = as_role("manager", of=factories.make_bare_brand())
    shown = creator.get(page_of(job)).content
    assert b'value="resend"' in shown
    assert b'value="write_off"' not in shown
    assert creator.post(page_of(job), {"do": "write_off", "charged": "none"}).status_code == 403
    assert b'value="resend"' not in viewer.get(page_of(job)).content
    assert viewer.post(page_of(job), {"do": "resend", "key": "k"}).status_code == 403
    assert stranger.get(page_of(job)).status_code in (302, 403, 404)
    assert stranger.post(page_of(job), {"do": "adopt"}).status_code in (302, 403, 404)
    assert page_of(job).encode() not in stranger.get(reverse(LIST)).content
    assert Job.objects.get().state == "unknown"


def test_what_stands_in_the_way_is_said_before(boss, job, brand):
    make_budget(Policy.operator(), brand=brand, hard_micro_usd=PRICE)
    content = boss.get(page_of(job)).content.decode()
    assert re.search(r'value="resend" class="button" disabled', content)
    assert "has no room" in content
    stop_spending(Policy.operator(), reason="the bill looks wrong")
    assert "the bill looks wrong" in boss.get(page_of(job)).content.decode()


def test_an_answer_that_lies_on_a_lost_host_is_bought_again_knowingly_or_given_up(boss, job):
    """What it costs is settled, so there is nothing to write off."""
    job.attempts.update(state="answered", hold_micro_usd=0, micro_usd=PRICE, error_code=unsaved.ELSEWHERE, host="gone")
    Job.objects.update(error_code=unsaved.ELSEWHERE)
    page = boss.get(page_of(job)).content.decode()
    assert page_of(job) in boss.get(reverse(LIST)).content.decode()
    assert "both are paid for" in page
    assert "nothing is held for it" in page
    assert 'name="amount"' not in page
    assert boss.post(page_of(job), {"do": "write_off", "charged": "held"}).status_code == 302
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "job.written_off")
