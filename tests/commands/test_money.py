"""Money at the shell: calls in doubt and what becomes of them, the switch, and budgets."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from image_studio import testing
from image_studio.exceptions import Conflict
from image_studio.models import Job, Switch
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow.spending import make_budget, stop_spending
from tests import factories
from tests.ledger.conftest import fake  # noqa: F401
from tests.ledger.money import PRICE, assert_true, held, order, sums

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(capsys):
    """Run a command; its exit status and its JSON lines."""

    def run(name, *args):
        capsys.readouterr()
        status = 0
        try:
            call_command(name, *args, "--json")
        except SystemExit as ended:
            status = ended.code
        return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


@pytest.fixture
def job(fake):  # noqa: F811
    fake("unknown", "ok")
    made = order(factories.make_brand())
    drain()
    return made.jobs.get()


def test_calls_in_doubt_are_listed_with_what_they_hold(run, job):
    status, (row,) = run("studio_unknowns")
    call = job.attempts.get()
    assert status == 1
    assert (row["attempt"], row["job"], row["brand"]) == (str(call.pk), str(job.pk), job.brand.slug)
    assert (row["held_micro_usd"], row["state"], row["here"], row["host"]) == (PRICE, "unknown", True, call.host)
    assert "charged" in row["message"]


@pytest.mark.parametrize(
    ("options", "spent"),
    [((), PRICE), (("--charged", "0"), 0), (("--charged", "0.0123", "--note", "usage page"), 12_300)],
)
def test_a_write_off(run, job, options, spent):
    assert run("studio_unknowns", str(job.pk), "--write-off", *options) == (0, [])
    job.refresh_from_db()
    assert (job.state, job.cost_micro_usd) == ("failed", spent)
    assert sums() == (0, spent)
    assert_true()


def test_one_call_of_several(run, job):
    call = job.attempts.get()
    assert run("studio_unknowns", str(job.pk), "--write-off", "--attempt", str(call.pk))[0] == 0


def test_a_resend_with_the_same_key_sends_once(run, job):
    for _time in range(2):
        status, rows = run("studio_unknowns", str(job.pk), "--resend", "monday")
        assert (status, len(rows)) == (1, 1)  # the call before is as much in doubt as it was
        drain()
    job.refresh_from_db()
    assert (job.state, job.resends) == ("done", 1)
    assert held() == PRICE


def test_nothing_to_adopt_is_a_sentence_and_exit_status_2(run, job):
    with pytest.raises(CommandError, match="No whole picture") as ended:
        run("studio_unknowns", str(job.pk), "--adopt")
    assert ended.value.returncode == 2


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("nonsense", "--adopt"), "no job nonsense"),
        (("019a0000-0000-7000-8000-000000000000", "--adopt"), "no job 019a"),
        (("--write-off",), "Name the job"),
    ],
)
def test_a_job_that_there_is_not(run, args, words):
    with pytest.raises(CommandError, match=words) as ended:
        run("studio_unknowns", *args)
    assert ended.value.returncode == 2


@pytest.mark.parametrize("sum_", ["much", "nan", "-1", "1e99"])
def test_a_sum_that_is_none(run, job, sum_):
    with pytest.raises(CommandError):
        run("studio_unknowns", str(job.pk), "--write-off", f"--charged={sum_}")
    assert Job.objects.get().state == "unknown"
    assert_true()


def test_the_switch_stops_what_waits_and_what_comes_and_lets_it_go_on(run, fake):  # noqa: F811
    books = fake()
    brand = factories.make_brand()
    make_budget(Policy.operator(), brand=brand, hard_micro_usd=10 * PRICE)
    order(brand)
    status, rows = run("studio_spending", "--stop", "the bill looks wrong", "--brand", brand.slug)
    assert status == 0
    switch, budget = rows
    assert switch["stopped"] == "the bill looks wrong (operator)"
    assert (budget["held_micro_usd"], budget["left_micro_usd"]) == (PRICE, 9 * PRICE)
    assert budget["stopped"] == "the bill looks wrong"
    with pytest.raises(Conflict, match=r"spending\.stopped"):
        order(brand, key="two")
    drain(wait=False)
    assert not testing.calls(books)
    assert Job.objects.get().state == "queued"
    # Another brand, and what is free, go on.
    order(factories.make_brand(), key="three")
    order(brand, key="four", route="placeholder")
    drain(wait=False)
    assert len(testing.charges(books)) == 1
    run("studio_spending", "--resume", "--brand", brand.slug)
    drain()
    assert len(testing.charges(books)) == 2
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    assert_true()


def test_a_stop_says_why(run):
    with pytest.raises(CommandError, match="Say why"):
        run("studio_spending", "--stop", "  ")


@pytest.mark.parametrize(
    "args",
    [("--stop", ""), ("--stop", "x", "--brand", ""), ("--resume", "--brand", "")],
)
def test_a_variable_that_was_not_set_never_means_the_whole_site(run, args):
    brand = factories.make_brand()
    stop_spending(Policy.operator(), reason="the bill")
    Switch.objects.update(stopped="--resume" in args)
    with pytest.raises(CommandError) as ended:
        run("studio_spending", *args)
    assert ended.value.returncode == 2
    assert list(Switch.objects.values_list("scope", "stopped")) == [("site", "--resume" in args)]
    assert brand.slug


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--resend", ""), "Idempotency-Key|key"),
        (("--write-off", "--attempt", ""), "no call's id"),
        (("--charged", "0"), "--charged says how"),
        (("--adopt", "--note", "seen"), "--note says how"),
        (("--resend", "monday", "--attempt", "x"), "--attempt says how"),
    ],
)
def test_what_is_asked_for_by_halves_settles_nothing(run, job, args, words):
    with pytest.raises(CommandError, match=words) as ended:
        run("studio_unknowns", str(job.pk), *args)
    assert ended.value.returncode == 2
    assert Job.objects.get().state == "unknown"
    assert held() == PRICE


def test_an_empty_job_is_not_every_job(run, job):
    with pytest.raises(CommandError, match="no job") as ended:
        run("studio_unknowns", "")
    assert ended.value.returncode == 2


def test_a_sum_below_a_millionth_is_not_nothing(run, job):
    assert run("studio_unknowns", str(job.pk), "--write-off", "--charged", "0.0000004") == (0, [])
    assert sums() == (0, 1)
    assert_true()
