"""The same order posted many times at once: one set, one answer for all. The database's own locks are the judge."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import close_old_connections, connection, connections
from django.test import Client
from rest_framework.authtoken.models import Token

from image_studio.exceptions import Conflict
from image_studio.models import Event, IdempotencyKey, Job, Variant, VariantSet
from image_studio.policy import Policy
from image_studio.workflow import Matrix, once, request
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("crowd")]
#: SQLite has one lock, and a default suite that must stay short.
TWINS = 6 if connection.vendor == "sqlite" else 50


@pytest.fixture(autouse=True)
def studio(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {"DOORBELL": "poll", "BRAND_CHECKS": ()}
    cache.clear()


def together(act, hands=TWINS):
    """What each of many threads got that began at once: a value, or a refusal's code. Anything else is the test's."""
    gate = threading.Barrier(hands)

    def run(number):
        close_old_connections()
        try:
            gate.wait(30)
            return act(number)
        except Conflict as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(hands) as pool:
        return list(pool.map(run, range(hands)))


@pytest.fixture
def matrix():
    brand = factories.make_bare_brand()
    return Matrix(
        brand=brand,
        route="placeholder",
        channels=tuple(factories.make_channels("square", "story")),
        locales=("en",),
        prompt_version=factories.make_prompt(brand),
    )


def test_many_posts_at_once_make_one_set(matrix):
    operator = Policy.operator()
    made = together(lambda _number: request(operator, matrix, key="twin").pk)
    assert set(made) == {VariantSet.objects.get().pk}
    assert (Job.objects.count(), Variant.objects.count()) == (2, 2)
    assert Event.objects.filter(verb="set.requested").count() == 1
    assert IdempotencyKey.objects.count() == 1


def test_many_posts_over_the_api_are_all_given_the_first_ones_answer(matrix):
    user = factories.make_user("creator", brand=matrix.brand)
    body = {
        "brand": matrix.brand.slug,
        "route": "placeholder",
        "channels": ["square", "story"],
        "locales": ["en"],
        "prompt": str(matrix.prompt_version.prompt_id),
    }
    token = {"Authorization": f"Token {Token.objects.create(user=user).key}", "Idempotency-Key": "twin"}

    def post(_number):
        answer = Client().post(
            "/studio/v1/variant-sets/", json.dumps(body), content_type="application/json", headers=token
        )
        return answer.status_code, answer.content, answer.get("Idempotency-Replayed")

    got = Counter(together(post))
    assert {status for status, _content, _replayed in got} == {202}
    assert len({content for _status, content, _replayed in got}) == 1
    assert sorted(got.values()) == [1, TWINS - 1]
    assert (VariantSet.objects.count(), Job.objects.count()) == (1, 2)


def test_fifty_resends_of_a_doubt_send_it_once(matrix):
    """On SQLite too: a second call of a job in doubt is a second bill."""
    user = factories.make_user("creator", brand=matrix.brand)
    job = factories.make_job(matrix.brand, state="unknown", requested_by=user)
    token = {"Authorization": f"Token {Token.objects.create(user=user).key}", "Idempotency-Key": "twin"}

    def post(_number):
        answer = Client().post(f"/studio/v1/jobs/{job.pk}/resend/", "{}", "application/json", headers=token)
        return answer.status_code, answer.content, answer.get("Idempotency-Replayed")

    got = Counter(together(post, hands=50))
    assert {status for status, _content, _replayed in got} == {202}, got
    assert len({content for _status, content, _replayed in got}) == 1
    assert sorted(got.values()) == [1, 49]
    job.refresh_from_db()
    assert (job.state, job.resends, Job.objects.count()) == ("queued", 1, 1)
    assert Event.objects.filter(verb="job.resent").count() == 1


def test_when_the_first_is_refused_another_acts(matrix):
    """Each refused twin frees the key for the next; those that come after a success are given its answer."""
    operator, lock, calls = Policy.operator(), threading.Lock(), iter(range(TWINS))

    def act():
        with lock:
            number = next(calls)
        if number < 3:
            raise Conflict("preview.changed")
        Event.objects.record(operator.actor, "acted", matrix.brand)
        return {"number": number}

    got = Counter(str(found) for found in together(lambda _number: _answer(operator, act)))
    assert got.pop("preview.changed") == 3
    assert len(got) == 1
    assert got.total() == TWINS - 3
    assert Event.objects.filter(verb="acted").count() == 1


def _answer(policy, act):
    return once(policy, "twin", {}, act).answer["number"]
