"""One job cancelled or retried, in every state; nothing is charged twice and nothing that was paid for is lost."""

from __future__ import annotations

import pytest

from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.models import Asset, Event, Job, VariantSet
from image_studio.policy import Policy
from image_studio.runner import drain, leases, marks
from image_studio.runner.leases import Fenced
from image_studio.states import JOB
from image_studio.testing import charges, fake_settings
from image_studio.workflow import cancel_cell, cancel_job, publish, recompose, retry, retry_cell, retry_job
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()
ENDED = ("done", "failed", "blocked", "cancelled", "unknown")


@pytest.fixture(autouse=True)
def books(tmp_path, settings):
    """The provider's own ledger; nobody works until a test says so."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    ledger = tmp_path / "ledger.jsonl"
    settings.IMAGE_STUDIO = {"DOORBELL": "poll", "PIXEL_THREADS": 1, "BRAND_CHECKS": (), **fake_settings(ledger=ledger)}
    return ledger


@pytest.fixture
def brand():
    return factories.make_bare_brand()


@pytest.fixture
def made(brand):
    """One paid job, two cells that share its picture."""
    return factories.make_set(
        brand,
        channels=factories.make_channels("square"),
        locales=("en", "ar"),
        shrink=12,
        provider="fake",
        model="fake-1",
    )


def job_of(made, **changes):
    made.jobs.update(**changes)
    return made.jobs.get()


def cells(made):
    return sorted(made.variants.values_list("state", flat=True))


def events(verb):
    return Event.objects.filter(verb=verb).count()


# Cancel -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["queued", "leased"])
def test_cancel_before_the_start_ends_it_uncharged(made, state, books):
    if state == "leased":
        (lease,) = leases.claim(made.pk, 1)
    found = cancel_job(OPERATOR, made.jobs.get())
    assert (found.state, found.lease_owner) == ("cancelled", None)
    assert cells(made) == ["cancelled", "cancelled"]
    assert (events("job.cancelled"), events("variant.cancelled")) == (1, 2)
    if state == "leased":
        with pytest.raises(Fenced):
            lease.move("sending")
    drain()
    assert charges(books) == []


@pytest.mark.parametrize("state", ["sending", "spooled"])
def test_cancel_while_it_works_asks(made, state):
    found = cancel_job(OPERATOR, job_of(made, state=state))
    assert found.state == state
    assert found.cancel_requested_at is not None
    assert cells(made) == ["cancelled", "cancelled"]
    again = cancel_job(OPERATOR, found)
    assert again.cancel_requested_at == found.cancel_requested_at
    assert (events("job.cancel_asked"), events("job.cancelled")) == (1, 0)


def test_a_result_that_comes_after_the_cancel_is_kept_and_paid(made, books, monkeypatch):
    sending = marks.sending

    def cancelled_meanwhile(lease, *told):
        held = sending(lease, *told)
        cancel_job(OPERATOR, Job.objects.get(pk=lease.job_id))
        return held

    monkeypatch.setattr(marks, "sending", cancelled_meanwhile)
    drain()
    job = made.jobs.get()
    assert (job.state, job.cost_micro_usd) == ("done", 40_000)
    assert len(charges(books)) == 1
    assert Asset.objects.get(kind="raw").recipe["unwanted"] is True
    assert cells(made) == ["cancelled", "cancelled"]


def test_what_was_asked_to_stop_can_be_wanted_again(made, books, monkeypatch):
    """Cancelled and retried while the provider worked: one charge, and the cells have their picture."""
    sending = marks.sending

    def wavering(lease, *told):
        held = sending(lease, *told)
        cancel_job(OPERATOR, Job.objects.get(pk=lease.job_id))
        retry_job(OPERATOR, Job.objects.get(pk=lease.job_id))
        return held

    monkeypatch.setattr(marks, "sending", wavering)
    drain()
    assert cells(made) == ["ready", "ready"]
    assert len(charges(books)) == 1
    assert "unwanted" not in Asset.objects.get(kind="raw").recipe


def test_a_set_that_was_cancelled_and_retried_while_it_worked_gets_its_pictures(made, monkeypatch):
    sending = marks.sending

    def wavering(lease, *told):
        held = sending(lease, *told)
        for cell in made.variants.all():
            cancel_cell(OPERATOR, cell)
        retry(OPERATOR, made)
        return held

    monkeypatch.setattr(marks, "sending", wavering)
    drain()
    assert cells(made) == ["ready", "ready"]


@pytest.mark.parametrize("state", ENDED)
def test_an_ended_job_cannot_be_cancelled(made, state):
    code = r"job\.unknown_outcome" if state == "unknown" else r"job\.wrong_state"
    with pytest.raises(Conflict, match=code):
        cancel_job(OPERATOR, job_of(made, state=state))
    assert made.jobs.get().cancel_requested_at is None
    assert cells(made) == ["waiting", "waiting"]


def test_a_job_that_ended_since_it_was_read_says_what_it_is_now(made):
    stale = made.jobs.get()
    drain()
    with pytest.raises(Conflict) as refused:
        cancel_job(OPERATOR, stale)
    assert refused.value.params["state"] == "Done"
    assert cells(made) == ["ready", "ready"]


def test_a_cell_that_finished_since_it_was_read_says_what_it_is_now(made):
    stale = made.variants.first()
    drain()
    with pytest.raises(Conflict) as refused:
        cancel_cell(OPERATOR, stale)
    assert (refused.value.code, refused.value.params["state"]) == ("variant.wrong_state", "Ready")
    assert cells(made) == ["ready", "ready"]


# Retry --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["failed", "blocked", "cancelled"])
def test_retry_of_what_brought_nothing_queues_it_again(made, state, books):
    made.variants.update(state="cancelled")
    VariantSet.objects.update(finished_at=factories.long_ago(), cancelled_at=factories.long_ago())
    found = retry_job(OPERATOR, job_of(made, state=state, error_code="job.crashed", attempts_made=3))
    assert (found.pk, found.state, found.error_code, found.attempts_made) == (made.jobs.get().pk, "queued", "", 0)
    assert events("job.requeued") == 1
    made.refresh_from_db()
    assert (made.finished_at, made.cancelled_at) == (None, None)
    drain()
    assert cells(made) == ["ready", "ready"]
    assert len(charges(books)) == 1


@pytest.mark.parametrize("state", ["queued", "leased", "sending", "spooled", "done"])
def test_there_is_nothing_to_retry_in_what_runs_or_is_done(made, state):
    with pytest.raises(Conflict, match=r"job\.wrong_state"):
        retry_job(OPERATOR, job_of(made, state=state))
    assert made.jobs.get().state == state


def test_an_unknown_outcome_is_never_resent(made, books):
    job = job_of(made, state="unknown", error_code="provider.connection_lost")
    for act in (
        lambda: retry_job(OPERATOR, job),
        lambda: retry_cell(OPERATOR, made.variants.first()),
    ):
        with pytest.raises(Conflict, match=r"job\.unknown_outcome"):
            act()
    assert retry(OPERATOR, made) == 0
    drain()
    assert made.jobs.get().state == "unknown"
    assert charges(books) == []


def test_a_job_of_revoked_rights_becomes_the_job_of_who_retries(made, brand, books):
    gone, heir = (factories.make_user("creator", brand=brand) for _user in range(2))
    job_of(made, requested_by=gone, operator=False, state="blocked", error_code="job.rights_revoked")
    gone.studio_memberships.all().delete()
    assert retry_job(Policy(heir), made.jobs.get()).requested_by == heir
    drain()
    assert cells(made) == ["ready", "ready"]


def test_a_job_without_a_set_is_retried_too(brand):
    job = factories.make_job(brand, state="failed")
    assert retry_job(OPERATOR, job).state == "queued"
    assert cancel_job(OPERATOR, job).state == "cancelled"


def test_every_state_has_its_result(made):
    """A new state of the table must be classified here."""
    refused = {"cancel": set(), "retry": set()}
    for state in JOB.labels:
        for verb, act in (("cancel", cancel_job), ("retry", retry_job)):
            try:
                act(OPERATOR, job_of(made, state=state, cancel_requested_at=None))
            except Conflict:
                refused[verb].add(state)
    assert refused["cancel"] == set(ENDED)
    assert refused["retry"] == {"queued", "leased", "sending", "spooled", "done", "unknown"}


# Local jobs ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def composed(made):
    drain()
    return recompose(OPERATOR, made, texts={"headline": {"en": "New"}})


def test_a_composition_can_be_cancelled_and_asked_for_again(made, composed, books):
    assert cancel_job(OPERATOR, composed).state == "cancelled"
    assert cells(made) == ["cancelled", "cancelled"]
    new = retry_job(OPERATOR, composed)
    assert (new.kind, new.state, new.pk == composed.pk) == ("compose", "queued", False)
    drain()
    assert cells(made) == ["ready", "ready"]
    assert len(charges(books)) == 1


def test_an_overtaken_composition_is_not_retried(made, composed):
    cancel_job(OPERATOR, composed)
    recompose(OPERATOR, made)
    retry(OPERATOR, made)
    with pytest.raises(Conflict, match=r"job\.overtaken"):
        retry_job(OPERATOR, composed)


def test_public_files_are_asked_for_again_with_todays_checks(brand):
    asset = factories.make_asset(brand, (64, 48), state="approved")
    job = publish(OPERATOR, asset)
    assert cancel_job(OPERATOR, job).state == "cancelled"
    Asset.objects.filter(pk=asset.pk).update(alt={})
    with pytest.raises(InvalidRequest, match=r"asset\.alt_missing"):
        retry_job(OPERATOR, job)
    Asset.objects.filter(pk=asset.pk).update(alt={"en": "A", "ar": "B"})
    new = retry_job(OPERATOR, job)
    assert new.pk != job.pk
    with pytest.raises(Conflict, match=r"job\.overtaken"):
        retry_job(OPERATOR, job)
    with pytest.raises(Conflict, match=r"job\.wrong_state"):
        retry_job(OPERATOR, new)


# Rights -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [cancel_job, retry_job])
def test_rights_are_asked_for(made, brand, act):
    job = job_of(made, state="failed" if act is retry_job else "queued")
    strangers = (
        factories.make_user("viewer", brand=brand),
        factories.make_user("manager", brand=factories.make_bare_brand()),
        factories.make_user("creator", brand=brand, own_only=True),
    )
    for user in strangers:
        with pytest.raises(NotAllowed):
            act(Policy(user), job)
    own = factories.make_user("creator", brand=brand, own_only=True)
    made.jobs.update(requested_by=own)
    VariantSet.objects.update(requested_by=own)
    act(Policy(own), made.jobs.get())


def test_public_files_are_the_publishers(brand):
    job = publish(OPERATOR, factories.make_asset(brand, (64, 48), state="approved"))
    creator, reviewer = (Policy(factories.make_user(role, brand=brand)) for role in ("creator", "reviewer"))
    with pytest.raises(NotAllowed):
        cancel_job(creator, job)
    cancel_job(reviewer, job)
    with pytest.raises(NotAllowed):
        retry_job(creator, job)
    assert retry_job(reviewer, job).state == "queued"
