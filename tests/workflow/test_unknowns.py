"""Calls whose outcome nobody knows: what holds their money, and the three verbs that end the doubt."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import transaction

from image_studio import storage, testing
from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.models import Asset, Attempt, Event, Job, JobOutput, LedgerEntry, VariantSet
from image_studio.policy import Policy
from image_studio.runner import drain, holds, resending
from image_studio.runner.adopting import salvage
from image_studio.runner.sweep import sweep
from image_studio.storage import Spool
from image_studio.workflow import retry_job
from image_studio.workflow.costs import cost_of, spend
from image_studio.workflow.jobs import offered
from image_studio.workflow.spending import make_budget, stop_spending
from image_studio.workflow.unknowns import adopt, doubtful, doubts_of, resend, write_off
from tests import factories
from tests.ledger.conftest import fake  # noqa: F401
from tests.ledger.money import PRICE, assert_true, held, order, sums

pytestmark = pytest.mark.django_db


def unknown(fake, *script, takes=1, user=None, more=None):  # noqa: F811
    """An order whose first call may have been charged; its job and the fake's books."""
    books = fake(*(script or ("unknown", "ok")), more=more)
    made = order(factories.make_brand(), takes=takes, user=user)
    drain()
    job = made.jobs.get()
    assert job.state == "unknown"
    return job, books


def test_a_call_in_doubt_keeps_its_money_and_shows_itself(fake):  # noqa: F811
    job, books = unknown(fake, takes=2)
    call = job.attempts.get()
    assert (job.hold_micro_usd, call.hold_micro_usd, call.state) == (0, 2 * PRICE, "unknown")
    assert sums() == (2 * PRICE, 0)
    (doubt,) = doubts_of(job)
    assert (doubt.attempt, doubt.held_micro_usd) == (call, 2 * PRICE)
    assert list(doubtful(Policy.operator())) == [call]
    assert offered(Policy.operator(), job) == {"adopt", "resend", "write_off"}
    assert len(testing.charges(books)) == 1
    sweep()
    drain()
    assert len(testing.calls(books)) == 1
    assert_true()


# Resend ------------------------------------------------------------------------------------------------------------


def test_a_resend_has_a_hold_of_its_own_and_leaves_the_doubt(fake):  # noqa: F811
    job, books = unknown(fake)
    sent = resend(Policy.operator(), job, key="again")
    assert (sent.state, sent.hold_micro_usd, sent.resends) == ("queued", PRICE, 1)
    assert held() == 2 * PRICE
    assert LedgerEntry.objects.first().reason == "maybe_charged"
    drain()
    job.refresh_from_db()
    assert (job.state, job.cost_micro_usd) == ("done", PRICE)
    # The fake's books say two charges; one of them is still in doubt here, and holds its money.
    assert len(testing.charges(books)) == 2
    assert sums() == (PRICE, PRICE)
    assert [call.state for call in job.attempts.all()] == ["unknown", "answered"]
    assert VariantSet.objects.get().finished_at is not None
    write_off(Policy.operator(), job, charged_micro_usd=PRICE, note="on the bill")
    job.refresh_from_db()
    assert (job.state, job.cost_micro_usd) == ("done", 2 * PRICE)
    assert sums() == (0, 2 * PRICE)
    assert_true()


def test_the_same_key_sends_once(fake):  # noqa: F811
    job, books = unknown(fake, "unknown", "unknown", "ok")
    resend(Policy.operator(), job, key="again")
    drain()
    assert resend(Policy.operator(), job, key="again").state == "unknown"
    assert len(testing.calls(books)) == 2
    resend(Policy.operator(), job, key="third")
    drain()
    job.refresh_from_db()
    assert (job.state, job.resends, len(doubts_of(job))) == ("done", 2, 2)
    assert sums() == (2 * PRICE, PRICE)
    assert_true()


def test_a_resend_asks_the_budget(fake):  # noqa: F811
    job, books = unknown(fake)
    make_budget(Policy.operator(), brand=job.brand, hard_micro_usd=2 * PRICE - 1)
    with pytest.raises(Conflict, match=r"budget\.spent"):
        resend(Policy.operator(), job, key="again")
    job.refresh_from_db()
    assert (job.state, job.resends, len(testing.calls(books))) == ("unknown", 0, 1)
    assert_true()


def test_a_stopped_site_resends_nothing(fake):  # noqa: F811
    job, _books = unknown(fake)
    stop_spending(Policy.operator(), reason="the bill looks wrong")
    with pytest.raises(Conflict, match=r"spending\.stopped"):
        resend(Policy.operator(), job, key="again")


def test_nobody_resends_by_retry_and_nothing_by_itself(fake):  # noqa: F811
    job, books = unknown(fake)
    with pytest.raises(Conflict, match=r"job\.unknown_outcome"):
        retry_job(Policy.operator(), job)
    assert resending.resend_by_policy() == 0
    sweep()
    drain()
    assert len(testing.calls(books)) == 1


def test_a_written_policy_resends_once(fake):  # noqa: F811
    job, books = unknown(fake, "unknown", "unknown", "ok", more={"RESEND_UNKNOWN": True})
    for _time in range(3):
        sweep()
        drain()
    job.refresh_from_db()
    assert (job.state, job.resends, len(testing.calls(books))) == ("unknown", 1, 2)
    assert sums() == (2 * PRICE, 0)
    event = Event.objects.get(verb="job.resent")
    assert (event.actor_label, event.data["maybe_charged_micro_usd"]) == ("RESEND_UNKNOWN", PRICE)
    assert_true()


def test_the_policy_resends_nothing_that_nobody_wants_or_can_pay(fake):  # noqa: F811
    job, books = unknown(fake, more={"RESEND_UNKNOWN": False})
    fake("ok", more={"RESEND_UNKNOWN": True})
    make_budget(Policy.operator(), hard_micro_usd=PRICE)
    sweep()
    Job.objects.update(cancel_requested_at=factories.long_ago())
    sweep()
    job.refresh_from_db()
    assert (job.state, len(testing.calls(books))) == ("unknown", 1)


def between(monkeypatch, act):
    """Do something after the policy has chosen its jobs and before it sends one of them."""
    todo = [act]

    def atomic():
        while todo:
            todo.pop()()
        return transaction.atomic()

    monkeypatch.setattr(resending, "transaction", SimpleNamespace(atomic=atomic))


def test_two_workers_resend_by_the_policy_once(fake, monkeypatch):  # noqa: F811
    job, books = unknown(fake, "unknown", "unknown", "ok")
    fake("unknown", "unknown", "ok", more={"RESEND_UNKNOWN": True})

    def other():
        assert resending.resend_by_policy() == 1
        drain(wait=False)
        assert Job.objects.get().state == "unknown"

    between(monkeypatch, other)
    assert resending.resend_by_policy() == 0
    drain(wait=False)
    job.refresh_from_db()
    assert (job.state, job.resends, len(testing.calls(books))) == ("unknown", 1, 2)
    assert_true()


@pytest.mark.parametrize("wish", ["adopt_asked_at", "cancel_requested_at"])
def test_the_policy_overrides_no_wish_that_came_meanwhile(fake, monkeypatch, wish):  # noqa: F811
    job, _books = unknown(fake)
    fake("ok", more={"RESEND_UNKNOWN": True})
    between(monkeypatch, lambda: Job.objects.update(**{wish: job.created_at}))
    assert resending.resend_by_policy() == 0
    job.refresh_from_db()
    assert (job.state, job.resends, getattr(job, wish)) == ("unknown", 0, job.created_at)


# Write off ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charged", "spent", "reason"),
    [
        (None, PRICE, "written_off"),
        (0, 0, "not_charged"),
        (123, 123, "written_off"),
        (99_999, 99_999, "written_off"),
    ],
)
def test_a_write_off_says_what_it_cost(fake, charged, spent, reason):  # noqa: F811
    job, _books = unknown(fake)
    done = write_off(Policy.operator(), job, charged_micro_usd=charged, note="by the bill")
    assert (done.state, done.error_code, done.cost_micro_usd) == ("failed", "job.written_off", spent)
    call = job.attempts.get()
    assert (call.state, call.hold_micro_usd, call.micro_usd) == ("written_off", 0, spent)
    entry = LedgerEntry.objects.first()
    assert (entry.reason, entry.note, entry.actor_label) == (reason, "by the bill", "operator")
    assert sums() == (0, spent)
    assert_true()
    with pytest.raises(Conflict, match=r"job\.not_unknown"):
        write_off(Policy.operator(), job)


def test_what_was_written_off_may_be_asked_for_anew(fake):  # noqa: F811
    job, books = unknown(fake)
    write_off(Policy.operator(), job, charged_micro_usd=0)
    retry_job(Policy.operator(), job)
    drain()
    job.refresh_from_db()
    assert (job.state, len(testing.calls(books))) == ("done", 2)
    assert sums() == (0, PRICE)
    assert_true()


def test_each_call_in_doubt_is_settled_by_its_own_sum(fake):  # noqa: F811
    job, _books = unknown(fake, "unknown", "unknown")
    resend(Policy.operator(), job, key="again")
    drain()
    job.refresh_from_db()
    first, second = job.attempts.all()
    with pytest.raises(InvalidRequest, match=r"job\.name_the_call"):
        write_off(Policy.operator(), job, charged_micro_usd=0)
    assert write_off(Policy.operator(), job, attempt=first.pk, charged_micro_usd=0).state == "unknown"
    assert write_off(Policy.operator(), job, attempt=second.pk, charged_micro_usd=7).state == "failed"
    assert sums() == (0, 7)
    assert_true()


@pytest.mark.parametrize("charged", [-1, 10**9 + 1])
def test_a_bill_out_of_range_is_refused(fake, charged):  # noqa: F811
    job, _books = unknown(fake)
    with pytest.raises(InvalidRequest, match=r"job\.charge_out_of_range"):
        write_off(Policy.operator(), job, charged_micro_usd=charged)
    assert_true()


# Adopt -------------------------------------------------------------------------------------------------------------


def leave(job, name, data):
    """A file in the spool of the job's only call, as if its worker had died over it."""
    call = job.attempts.get()
    return Spool().put(str(call.pk), name, data)


def test_what_came_whole_of_a_cut_answer_is_adopted(fake):  # noqa: F811
    job, books = unknown(fake, takes=2)
    picture = factories.encoded(factories.draw_photo((320, 240)))
    leave(job, "picture-0.part", picture)
    leave(job, "picture-1.part", picture[: len(picture) // 2])
    taken = adopt(Policy.operator(), job)
    assert (taken.state, taken.cost_micro_usd) == ("spooled", 2 * PRICE)
    drain()
    job.refresh_from_db()
    assert job.state == "done"
    whole, lost = JobOutput.objects.order_by("index")
    assert storage.read(storage.private(), whole.asset.file) == picture
    assert whole.asset.source_type == "trainedAlgorithmicMedia"
    assert (lost.asset, lost.fault_code) == (None, "job.output_missing")
    entry = LedgerEntry.objects.first()
    assert (entry.kind, entry.spent_micro_usd, entry.reason) == ("settle", 2 * PRICE, "late_answer")
    assert len(testing.calls(books)) == 1
    assert_true()


def test_where_nothing_whole_lies_there_is_nothing_to_adopt(fake):  # noqa: F811
    job, _books = unknown(fake)
    leave(job, "picture-0.part", b"\x89PNG\r\n\x1a\nno more")
    with pytest.raises(Conflict, match=r"job\.nothing_to_adopt"):
        adopt(Policy.operator(), job)
    job.refresh_from_db()
    assert job.state == "unknown"
    assert_true()


def test_a_wish_waits_for_the_host_that_has_the_folder(fake, settings, tmp_path):  # noqa: F811
    job, _books = unknown(fake)
    leave(job, "picture-0.part", factories.encoded(factories.draw_photo((320, 240))))
    here = settings.IMAGE_STUDIO
    settings.IMAGE_STUDIO = {**here, "SPOOL_DIR": str(tmp_path / "another host")}
    asked = adopt(Policy.operator(), job)
    assert (asked.state, bool(asked.adopt_asked_at)) == ("unknown", True)
    sweep()
    assert Job.objects.get().state == "unknown"
    settings.IMAGE_STUDIO = here
    assert sweep().rescued == 1
    drain()
    assert Job.objects.get().state == "done"
    assert_true()


def test_a_wish_that_cannot_be_met_is_told(fake, settings, tmp_path):  # noqa: F811
    job, _books = unknown(fake)
    here = settings.IMAGE_STUDIO
    settings.IMAGE_STUDIO = {**here, "SPOOL_DIR": str(tmp_path / "another host")}
    adopt(Policy.operator(), job)
    settings.IMAGE_STUDIO = here
    sweep()
    job.refresh_from_db()
    assert (job.state, job.adopt_asked_at) == ("unknown", None)
    assert Event.objects.filter(verb="job.adopt_failed").count() == 1


@pytest.mark.parametrize("charged", [0, 1000, PRICE])
def test_an_answer_after_a_write_off_corrects_it(fake, charged):  # noqa: F811
    job, _books = unknown(fake)
    write_off(Policy.operator(), job, charged_micro_usd=charged)
    leave(job, "picture-0.part", factories.encoded(factories.draw_photo((320, 240))))
    call = Attempt.objects.get()
    call.hold_micro_usd = PRICE  # what its manifest would say that it cost
    assert salvage(call)
    retry_job(Policy.operator(), job)
    drain()
    job.refresh_from_db()
    assert (job.state, job.cost_micro_usd, Asset.objects.filter(kind="raw").count()) == ("done", PRICE, 1)
    assert sums() == (0, PRICE)
    assert (cost_of(Policy.operator(), job=job.pk).per_picture, spend(Policy.operator()).total.pictures) == (PRICE, 1)
    assert_true()


@pytest.fixture
def written_off_meanwhile(fake, monkeypatch):  # noqa: F811
    """A job with two calls in doubt; the later one's answer is here, and somebody writes it off as it is taken in."""
    job, _books = unknown(fake, "unknown", "unknown")
    resend(Policy.operator(), job, key="again")
    drain()
    job.refresh_from_db()
    later = job.attempts.get(number=2)
    Spool().put(str(later.pk), "picture-0.part", factories.encoded(factories.draw_photo((320, 240))))
    assert salvage(later)
    real = holds.charge_of

    def charge_of(row, answer):
        found = real(row, answer)
        write_off(Policy.operator(), job, attempt=later.pk, charged_micro_usd=0, note="not on the bill")
        return found

    monkeypatch.setattr(holds, "charge_of", charge_of)
    return job


def test_a_write_off_beside_the_rescue_is_faster_and_ends_no_sweep(written_off_meanwhile, caplog):
    swept = sweep()
    assert (swept.rescued, swept.broken, caplog.records) == (0, 0, [])
    written_off_meanwhile.refresh_from_db()
    assert written_off_meanwhile.state == "unknown"
    assert held() == PRICE
    assert_true()


def test_a_write_off_beside_an_adoption_is_a_conflict(written_off_meanwhile):
    with pytest.raises(Conflict, match=r"job\.nothing_to_adopt"):
        adopt(Policy.operator(), written_off_meanwhile)
    assert held() == PRICE
    assert_true()


def test_a_late_answer_spares_the_resend(fake):  # noqa: F811
    job, books = unknown(fake)
    resend(Policy.operator(), job, key="again")
    call = Attempt.objects.get()
    leave(job, "picture-0.part", factories.encoded(factories.draw_photo((320, 240))))
    assert salvage(call)
    drain()
    job.refresh_from_db()
    assert (job.state, len(testing.calls(books))) == ("done", 1)
    assert sums() == (0, PRICE)
    assert [row.kind for row in LedgerEntry.objects.order_by("pk")] == ["hold", "hold", "release", "settle"]
    assert_true()


# Rights ------------------------------------------------------------------------------------------------------------


def test_who_may_end_a_doubt(fake):  # noqa: F811
    job, _books = unknown(fake)
    viewer, creator = (factories.make_user(role, brand=job.brand) for role in ("viewer", "creator"))
    stranger = factories.make_user("manager", brand=factories.make_bare_brand())
    for user in (viewer, stranger):
        for verb in (adopt, write_off):
            with pytest.raises(NotAllowed):
                verb(Policy(user), job)
        with pytest.raises(NotAllowed):
            resend(Policy(user), job, key="x")
        assert offered(Policy(user), job) == frozenset()
    assert offered(Policy(creator), job) == {"adopt", "resend"}
    with pytest.raises(NotAllowed):
        write_off(Policy(creator), job)
    assert not doubtful(Policy(stranger)).exists()


def test_the_doctor_names_it(fake, capsys):  # noqa: F811
    job, _books = unknown(fake)
    with pytest.raises(SystemExit):
        call_command("studio_doctor")
    assert str(job.pk) in capsys.readouterr().out
