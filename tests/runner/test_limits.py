"""One limit for all workers: what a minute holds, who is put back, and what a provider's "too many" does to others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from image_studio import conf as configuration
from image_studio import testing
from image_studio.catalog.pricing import count
from image_studio.models import Attempt, Event, Job, RateWindow, database_now, uuid7
from image_studio.providers.base import InputRef, PictureRequest
from image_studio.runner import leases, limits, marks, outcomes
from image_studio.runner.draining import drain, work
from image_studio.runner.limits import KEPT, Limit, admit
from image_studio.runner.outcomes import Decision
from image_studio.runner.worker import Worker
from tests import factories
from tests.services.test_races import HANDS, together

FAKE = {"provider": "fake", "model": "fake-1"}


# What a minute holds ------------------------------------------------------------------------------------------------


def test_a_minutes_worth_may_start_at_once_and_no_more():
    entered = admit([], Limit(images=5), [(1, 0)] * 8, 1000)
    assert (entered.jobs, entered.spent, entered.opens) == (5, ((1000, 5, 0),), 1000 + KEPT)


def test_jobs_of_one_second_share_a_slot_and_a_clock_set_back_makes_none():
    spent = [(990, 1, 0), (1000, 1, 5)]
    assert admit(spent, Limit(images=5), [(1, 2)], 1000).spent == ((990, 1, 0), (1000, 2, 7))
    assert admit(spent, Limit(images=5), [(1, 2)], 995).spent == ((990, 1, 0), (1000, 2, 7))


def test_room_comes_back_when_the_minute_is_surely_over():
    spent = [(1000, 2, 0), (1030, 3, 0)]
    for second, jobs in ((1060, 0), (1061, 2), (1090, 2), (1091, 5)):
        assert admit(spent, Limit(images=5), [(1, 0)] * 9, second).jobs == jobs


def test_the_first_that_has_no_room_is_not_overtaken_by_smaller_ones():
    entered = admit([(1000, 1, 0), (1007, 2, 0)], Limit(images=5), [(1, 0), (4, 0), (1, 0)], 1010)
    assert entered.jobs == 1
    # Of the four pictures of the minute, the three first must leave: the one of 1010 may stay.
    assert entered.opens == 1007 + KEPT


def test_tokens_are_limited_beside_pictures():
    limit = Limit(images=100, tokens=1000)
    assert admit([], limit, [(1, 400)] * 3, 1000).jobs == 2
    assert admit([(999, 1, 600)], limit, [(1, 400), (1, 1)], 1000).jobs == 1
    assert admit([], Limit(tokens=1000), [(8, 125)] * 9, 1000).jobs == 8


def test_what_is_larger_than_a_minute_has_room_in_an_empty_one():
    assert admit([], Limit(images=4), [(8, 0), (1, 0)], 1000).jobs == 1
    assert admit([(999, 1, 0)], Limit(images=4), [(8, 0)], 1000).opens == 999 + KEPT


@given(
    most=st.integers(1, 12),
    wanted=st.lists(st.tuples(st.floats(0, 30), st.lists(st.integers(1, 12), max_size=6)), max_size=40),
)
def test_no_sixty_seconds_hold_more_than_the_limit(most, wanted):
    now, spent, sent = 1000.0, (), []
    for pause, jobs in wanted:
        now += pause
        entered = admit(spent, Limit(images=most), [(min(n, most), 0) for n in jobs], int(now))
        spent = entered.spent
        sent += [(now, min(n, most)) for n in jobs[: entered.jobs]]
        assert entered.opens is None or entered.opens > int(now)
        assert admit(spent, Limit(images=most), [(1, 0)], entered.opens or int(now)).jobs or entered.opens is None
    for start, _n in sent:
        assert sum(n for at, n in sent if start <= at <= start + 60) <= most


# In the queue -------------------------------------------------------------------------------------------------------


@pytest.fixture
def brand(db):
    return factories.make_bare_brand()


def limited(fake, *script, images=5, name="fake", **more):
    return fake(*script, more={"RATE_LIMITS": {name: {"images_per_minute": images}}}, **more)


def minutes_later():
    """As if the time had passed: the clock is the database's, and stays."""
    for window in RateWindow.objects.all():
        window.spent = [[second - KEPT, images, tokens] for second, images, tokens in window.spent]
        window.open_at -= timedelta(seconds=KEPT)
        window.save()


def test_what_has_no_room_stays_in_the_queue_as_it_was(fake, brand):
    limited(fake)
    jobs = [factories.make_job(brand, turn=turn, **FAKE) for turn in range(8)]
    before = list(Job.objects.filter(turn__gte=5).order_by("turn").values("state", "available_at", "attempts_made"))
    taken = leases.claim(uuid7(), 8)
    assert [lease.job_id for lease in taken] == [job.pk for job in jobs[:5]]
    rows = Job.objects.filter(turn__gte=5).order_by("turn")
    assert list(rows.values("state", "available_at", "attempts_made")) == before
    assert not rows.exclude(lease_owner=None).exists()
    assert Event.objects.filter(verb="job.leased").count() == 5
    assert leases.claim(uuid7(), 8) == []
    minutes_later()
    assert [lease.job_id for lease in leases.claim(uuid7(), 8)] == [job.pk for job in jobs[5:]]


def test_a_full_window_holds_up_no_other_model(fake, brand):
    limited(fake, images=1)
    for turn in range(6):
        factories.make_job(brand, turn=turn, **FAKE)
    free = [factories.make_job(brand, turn=turn) for turn in (8, 9)]
    local = factories.make_job(brand, turn=10, kind="compose", provider="", model="")
    taken = leases.claim(uuid7(), 4)
    assert [lease.job_id for lease in taken][1:] == [free[0].pk, free[1].pk, local.pk]
    assert RateWindow.objects.count() == 1


def test_several_pictures_count_as_several(fake, brand):
    limited(fake)
    for turn in range(3):
        factories.make_job(brand, turn=turn, n=2, **FAKE)
    assert len(leases.claim(uuid7(), 3)) == 2


def test_a_models_own_row_stands_over_its_providers(fake, brand):
    rows = {"fake": {"images_per_minute": 9}, "fake/fake-1": {"images_per_minute": 1}}
    fake(more={"RATE_LIMITS": rows})
    assert limits.limit_of("fake", "fake-1") == Limit(images=1)
    assert limits.limit_of("fake", "fake-2") == Limit(images=9)
    assert limits.limit_of("previs", "previs-reframe") is None
    for turn in range(3):
        factories.make_job(brand, turn=turn, **FAKE)
        factories.make_job(brand, turn=turn, provider="fake", model="fake-2")
    assert len(leases.claim(uuid7(), 6)) == 4


def test_tokens_are_counted_from_the_jobs_row(fake, brand):
    fake(more={"RATE_LIMITS": {"fake": {"tokens_per_minute": 10_000}}})
    for turn in range(4):
        factories.make_job(brand, turn=turn, tokens=4000, **FAKE)
    assert len(leases.claim(uuid7(), 4)) == 2


def test_a_request_takes_what_its_model_counts(settings):
    settings.IMAGE_STUDIO = {
        "PROVIDERS": {
            "previs": {"BACKEND": "image_studio.providers.previs"},
            "openai": {"BACKEND": "image_studio.providers.openai"},
        }
    }
    sources = (InputRef(asset="a", sha256="b"), InputRef(asset="c", sha256="d", role="mask"))
    request = PictureRequest(model="gpt-image-2", prompt="A bottle", size=(1024, 1024), n=3, inputs=sources)
    spec = configuration.model("openai", "gpt-image-2")
    tokens = count(spec, n=3, size=(1024, 1024), quality="high", prompt="A bottle", inputs=[None])
    wanted = tokens.image_out.most + tokens.image_in.most + tokens.text_in.most
    assert limits.tokens_of("openai", request) == wanted > 3 * 1000
    assert limits.tokens_of("previs", PictureRequest(model="previs-reframe")) == 0
    assert limits.tokens_of("openai", PictureRequest(model="unknown")) == 0
    assert limits.tokens_of("openai", PictureRequest(model="gpt-image-2", quality="splendid")) == 0


def queries_of_a_claim(most=4):
    with CaptureQueriesContext(connection) as seen:
        assert len(leases.claim(uuid7(), most)) == most
    return [query["sql"] for query in seen]


def test_a_limit_costs_two_queries_a_batch_and_a_free_provider_none(fake, brand, settings):
    def make(**fields):
        for turn in range(4):
            factories.make_job(brand, turn=turn, **fields)

    settings.IMAGE_STUDIO = {"DOORBELL": "poll"}
    make()
    free = queries_of_a_claim()
    assert not [sql for sql in free if "ratewindow" in sql]
    fake()
    make(**FAKE)
    assert len(queries_of_a_claim()) == len(free)
    limited(fake, images=50)
    limits.begin([("fake", "fake-1"), ("fake", "fake-2")])
    make(**FAKE)
    assert len(queries_of_a_claim()) == len(free) + 2
    make(provider="fake", model="fake-2")
    make(**FAKE)
    assert len(queries_of_a_claim(8)) == len(free) + 2
    make()
    assert len(queries_of_a_claim()) == len(free)


def test_a_drain_that_does_not_wait_leaves_what_has_no_room(fake, db):
    ledger = limited(fake, images=2)
    brand, channel = factories.make_bare_brand(), factories.make_channels("square")
    for _set in range(4):
        factories.make_set(brand, channels=channel, shrink=8, **FAKE)
    assert drain(wait=False) == 2
    assert len(testing.calls(ledger)) == 2
    assert Job.objects.filter(state="queued", attempts_made=0).count() == 2
    minutes_later()
    assert drain(wait=False) == 2


def test_who_decided_by_an_older_state_takes_nothing(fake, brand, monkeypatch):
    limited(fake)
    limits.begin([("fake", "fake-1")])
    factories.make_job(brand, **FAKE)
    real, reads = limits._locked, []

    def locked(lanes):
        windows = real(lanes)
        if not reads:
            RateWindow.objects.update(version=7, spent=[[int(timezone.now().timestamp()), 4, 0]])
        reads.append(1)
        return windows

    monkeypatch.setattr(limits, "_locked", locked)
    assert len(leases.claim(uuid7(), 1)) == 1
    assert len(reads) == 2
    window = RateWindow.objects.get()
    assert (window.version, sum(row[1] for row in window.spent)) == (8, 5)


# A provider that has enough -----------------------------------------------------------------------------------------


def test_too_many_requests_keep_everybody_away_for_as_long_as_asked(fake, db):
    ledger = fake("rate_limited", "ok", retry_after=120.0)
    brand, channel = factories.make_bare_brand(), factories.make_channels("square")
    for _set in range(4):
        factories.make_set(brand, channels=channel, shrink=8, **FAKE)
    before = database_now()
    work(Worker(concurrency=1, once=True, wait=False))
    assert len(testing.calls(ledger)) == 1
    assert list(Job.objects.values_list("state", "attempts_made")) == [("queued", 0)] * 4
    window = RateWindow.objects.get(provider="fake", model="fake-1")
    assert timedelta(seconds=120) <= window.open_at - before < timedelta(seconds=125)
    assert leases.claim(uuid7(), 4) == []
    other = factories.make_job(brand, provider="fake", model="fake-2")
    assert [lease.job_id for lease in leases.claim(uuid7(), 4)] == [other.pk]
    RateWindow.objects.update(open_at=factories.long_ago())
    assert len(leases.claim(uuid7(), 4)) == 3


def test_a_window_that_is_shut_for_longer_stays_so(fake, brand):
    fake()
    limits.close("fake", "fake-1", 600)
    shut = RateWindow.objects.get().open_at
    limits.close("fake", "fake-1", 5)
    assert RateWindow.objects.get().open_at == shut
    limits.close("fake", "fake-1", 900)
    assert RateWindow.objects.get().open_at > shut


def test_a_free_provider_has_no_window(fake, brand):
    fake(backend="tests.fakes.repeatable")
    limits.close("fake", "fake-1", 600)
    limits.close("previs", "previs-reframe", 600)
    assert not RateWindow.objects.exists()
    assert limits.watched() == frozenset()


def test_a_provider_that_does_not_load_may_charge(settings):
    settings.IMAGE_STUDIO = {"PROVIDERS": {"gone": {"BACKEND": "no.such.module"}}}
    assert limits.watched() == {"gone"}


def test_a_window_that_was_shut_meanwhile_lets_nobody_in(fake, brand):
    limited(fake)
    job = factories.make_job(brand, **FAKE)
    limits.close("fake", "fake-1", 600)
    row = {"pk": job.pk, "provider": "fake", "model": "fake-1", "n": 1, "tokens": 0}
    assert limits.turned_away([row], limits.running_clock()) == {job.pk}


def test_being_turned_away_uses_up_no_try(fake, db):
    fake("rate_limited", "rate_limited", "rate_limited", "unavailable", "ok", retry_after=0.0)
    brand, channel = factories.make_bare_brand(), factories.make_channels("square")
    factories.make_set(brand, channels=channel, shrink=8, **FAKE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outcomes, "FIRST_WAIT", 0.05)
        assert drain() == 1
    job = Job.objects.get()
    assert (job.state, job.attempts_made, job.attempts.count()) == ("done", 2, 5)


def test_a_provider_that_names_no_time_is_left_alone_for_longer_each_time_but_no_minute(db):
    job = factories.make_job(factories.make_bare_brand())
    waits = []
    for number in (1, 4, 50):
        values = {"job": job, "number": number, "provider": "previs", "model": "m", "worker": uuid7()}
        call = Attempt.objects.create(**values, started_at=timezone.now())
        waits.append(marks._turned_away(call.pk, Decision(to="queued", code=outcomes.TOO_MANY)).wait)
    assert 0 < waits[0] <= 2 < waits[1] <= 16 < waits[2] <= 60


def test_being_turned_away_for_ever_ends_at_last(fake, db, monkeypatch):
    ledger = fake("rate_limited", retry_after=0.0)
    monkeypatch.setattr(marks, "MOST_TURNED_AWAY", 4)
    monkeypatch.setattr(outcomes, "FIRST_WAIT", 0.05)
    brand, channel = factories.make_bare_brand(), factories.make_channels("square")
    factories.make_set(brand, channels=channel, shrink=8, **FAKE)
    assert drain() == 1
    job = Job.objects.get()
    assert (job.state, job.error_code) == ("failed", "provider.rate_limited")
    assert len(testing.calls(ledger)) == 4


# Races --------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [False, True], ids=["a new window", "a known one"])
def test_as_many_as_fit_are_leased_whoever_asks(fake, known):
    limited(fake, images=10)
    if known:
        limits.begin([("fake", "fake-1")])
    brand = factories.make_bare_brand()
    for turn in range(HANDS * 4):
        factories.make_job(brand, turn=turn, **FAKE)

    def claim_all(_number):
        worker, mine = uuid7(), []
        while taken := leases.claim(worker, 3):
            mine += taken
        return mine

    taken = sum(map(len, together(claim_all)))
    assert taken <= 10
    # Who finds the rows locked finds nothing, and looks again at the next poll.
    assert taken + len(claim_all(None)) == 10
    assert sum(row[1] for row in RateWindow.objects.get().spent) == 10
    assert Job.objects.filter(state="leased").count() == 10
    assert Event.objects.filter(verb="job.leased").count() == 10
    assert RateWindow.objects.get().open_at > datetime.now(UTC)


@pytest.mark.django_db(transaction=True)
def test_closing_and_claiming_at_once_meet_no_error(fake):
    limited(fake, images=1000)
    brand = factories.make_bare_brand()
    for turn in range(HANDS * 4):
        factories.make_job(brand, turn=turn, **FAKE)

    def act(number):
        if number % 2:
            return limits.close("fake", "fake-1", 300 + number)
        return len(leases.claim(uuid7(), 4))

    together(act)
    left = RateWindow.objects.get().open_at - database_now()
    assert timedelta(seconds=290 + HANDS) < left <= timedelta(seconds=300 + HANDS)
    assert leases.claim(uuid7(), 9) == []
