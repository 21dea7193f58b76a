"""Health: liveness touches nothing, readiness says whether work can be done, and neither tells a stranger anything."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from image_studio.models import WorkerBeat
from image_studio.workflow import health
from tests import factories
from tests.api.conftest import API

READY = "health/ready/"


@pytest.fixture(autouse=True)
def fresh():
    health.forget()
    yield
    health.forget()


def test_liveness_touches_nothing(client):
    """No mark for the database: a query would be an error of its own."""
    answer = API().ask("GET", "health/live/", status=200)
    assert answer.json() == {"status": "live"}
    assert answer["Cache-Control"] == "no-store"
    assert not answer.cookies


@pytest.mark.django_db
def test_readiness_is_a_few_queries_and_one_look_for_many(django_assert_max_num_queries, django_assert_num_queries):
    with django_assert_max_num_queries(6):
        assert API().ask("GET", READY, status=200).json() == {"status": "ready"}
    with django_assert_num_queries(0):
        API().ask("GET", READY, status=200)


@pytest.mark.django_db
def test_a_queue_that_stands_is_not_ready(settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll", "QUEUE_AGE_SECONDS": 60}
    job = factories.make_job(factories.make_bare_brand(), available_at=timezone.now() - timedelta(seconds=50))
    API().ask("GET", READY, status=200)
    health.forget()
    job.available_at = timezone.now() - timedelta(seconds=70)
    job.save()
    assert API().ask("GET", READY, status=503).json() == {"status": "not_ready"}
    boss = API(factories.make_user(username="ada", is_staff=True))
    found = boss.read("health/", status=503)
    (queue,) = [check for check in found["checks"] if check["name"] == "queue"]
    assert (queue["state"], queue["code"]) == ("fail", "health.queue")
    assert found["oldest_job_seconds"] >= 70


@pytest.mark.django_db
def test_a_database_that_is_away_is_503_and_no_error_page(monkeypatch):
    def away(*args, **kwargs):
        raise DatabaseError("secret.host refused the password hunter2")

    monkeypatch.setattr(health, "_of_database", away)
    answer = API().ask("GET", READY, status=503)
    assert answer.json() == {"status": "not_ready"}
    assert b"hunter2" not in answer.content


@pytest.mark.django_db
def test_a_storage_that_does_not_answer_is_not_ready(monkeypatch):
    def gone():
        raise OSError("no route to bucket")

    monkeypatch.setattr(health.storage, "private", gone)
    API().ask("GET", READY, status=503)


@pytest.mark.django_db
def test_what_is_wrong_is_told_to_staff_alone(settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    brand = factories.make_bare_brand()
    API().ask("GET", "health/", status=401)
    API(factories.make_user("manager", brand=brand)).ask("GET", "health/", status=403)
    boss = API(factories.make_user(username="ada", is_staff=True))
    found = boss.read("health/")
    states = {check["name"]: check["state"] for check in found["checks"]}
    assert states == {
        "database": "ok",
        "private_storage": "ok",
        "public_storage": "ok",
        "queue": "ok",
        "workers": "warn",
        "triggers": "ok",
    }
    assert (found["workers"], found["oldest_job_seconds"]) == (0, None)
    health.forget()
    now = timezone.now()
    WorkerBeat.objects.create(host="h", pid=1, concurrency=1, started_at=now, seen_at=now)
    assert boss.read("health/")["workers"] == 1


@pytest.fixture
def hanging(monkeypatch):
    """A look that does not end before the test does, in a thread of its own."""
    begun, end = threading.Event(), threading.Event()

    def look():
        begun.set()
        end.wait(60)
        raise DatabaseError

    def asks():
        with contextlib.suppress(DatabaseError):
            health.readiness()

    asker = threading.Thread(target=asks)

    def hang():
        monkeypatch.setattr(health, "look", look)
        asker.start()
        assert begun.wait(60)

    yield hang
    end.set()
    asker.join()


def older(seconds):
    ((seen, found),) = health._kept
    health._kept[:] = [(seen - seconds, found)]


@pytest.mark.django_db
@pytest.mark.parametrize(("age", "status"), [(0, 200), (health.SLOW_SECONDS, 503)])
def test_a_look_that_hangs_is_not_ready_for_ever(hanging, age, status):
    """However old the last one is: beside a look that takes a moment it is told still."""
    API().ask("GET", READY, status=200)
    older(3600)
    hanging()
    health._begun[0] -= age
    API().ask("GET", READY, status=status)
    if status == 503:
        (check,) = health.readiness().checks
        assert (check.state, check.code) == ("fail", "health.slow")


def test_the_first_look_that_hangs_is_waited_for_and_not_for_ever(hanging, monkeypatch):
    monkeypatch.setattr(health, "SLOW_SECONDS", 0.05)
    hanging()
    assert not health.readiness().ready
