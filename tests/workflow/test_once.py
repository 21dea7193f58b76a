"""One key, one answer, one act: judged by the rows that the act leaves."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import transaction

from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.models import Event, IdempotencyKey
from image_studio.policy import Policy
from image_studio.workflow import once, replayed
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()
BODY = {"verb": "set.retry", "set": "1", "texts": {"headline": {"ar": "الآن"}}}


@pytest.fixture
def act():
    """Leaves one row a run, and a new answer each time."""
    brand = factories.make_bare_brand()

    def run():
        Event.objects.record(OPERATOR.actor, "acted", brand)
        return {"number": Event.objects.filter(verb="acted").count(), "list": [1, {"a": None}]}

    return run


def acted():
    return Event.objects.filter(verb="acted").count()


def test_a_second_time_gets_the_first_answer(act):
    first, second = (once(OPERATOR, "k", BODY, act) for _time in range(2))
    assert first.answer == second.answer == {"number": 1, "list": [1, {"a": None}]}
    assert (first.replayed, second.replayed) == (False, True)
    assert acted() == 1


def test_the_order_of_a_bodys_keys_does_not_count(act):
    once(OPERATOR, "k", BODY, act)
    assert once(OPERATOR, "k", dict(reversed(BODY.items())), act).replayed


def test_keys_are_told_apart_by_every_letter(act):
    answers = [once(OPERATOR, key, BODY, act) for key in ("key", "Key", "key", "KEY")]
    assert [one.replayed for one in answers] == [False, False, True, False]
    assert acted() == 3


@pytest.mark.parametrize("body", [{**BODY, "set": "2"}, {}, [BODY], None])
def test_another_body_is_refused_and_does_nothing(act, body):
    once(OPERATOR, "k", BODY, act)
    with pytest.raises(Conflict, match=r"idempotency\.other_body"):
        once(OPERATOR, "k", body, act)
    assert acted() == 1


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "key_missing"),
        ("x" * 101, "bad_key"),
        ("a b", "bad_key"),
        ("a\n", "bad_key"),
        ("a\x00", "bad_key"),
        ("ключ", "bad_key"),
        ("\ud800", "bad_key"),
    ],
)
def test_a_key_is_visible_ascii(act, key, code):
    with pytest.raises(InvalidRequest, match=rf"idempotency\.{code}"):
        once(OPERATOR, key, BODY, act)
    assert acted() == 0


@pytest.mark.parametrize("key", ["!", "~" * 100, "6f6b0f0e-5a52-4a0e-9d0b-1f7a1c2b3d4e"])
def test_any_visible_ascii_will_do(act, key):
    once(OPERATOR, key, BODY, act)
    assert replayed(OPERATOR, key, BODY).answer["number"] == 1


def test_peoples_keys_are_their_own(act):
    policies = [OPERATOR, *(Policy(factories.make_user()) for _user in range(2))]
    assert [once(policy, "k", BODY, act).answer["number"] for policy in policies] == [1, 2, 3]


def test_a_refused_act_leaves_its_key_free(act):
    def refuse():
        act()
        raise Conflict("preview.changed")

    with pytest.raises(Conflict, match=r"preview\.changed"):
        once(OPERATOR, "k", BODY, refuse)
    assert acted() == 0
    assert not IdempotencyKey.objects.exists()
    assert once(OPERATOR, "k", {**BODY, "set": "2"}, act).answer["number"] == 1


def test_an_answer_that_cannot_be_kept_undoes_the_act(act):
    with pytest.raises(TypeError):
        once(OPERATOR, "k", BODY, lambda: {"set": [act(), object()]})
    assert acted() == 0


def test_a_key_without_an_answer_is_in_flight(act):
    once(OPERATOR, "k", BODY, act)
    IdempotencyKey.objects.update(answer=None)
    with pytest.raises(Conflict, match=r"idempotency\.in_flight"):
        once(OPERATOR, "k", BODY, act)
    assert acted() == 1


def test_a_twin_that_came_first_is_answered_for_both(act, monkeypatch):
    """Both looked before either wrote: the second write is refused by the index."""
    first = once(OPERATOR, "k", BODY, act)
    module = import_module("image_studio.workflow.once")  # the package's name is the function's
    looks = iter([None])

    def look(*told):
        return next(looks, replayed(*told))

    monkeypatch.setattr(module, "replayed", look)
    second = once(OPERATOR, "k", BODY, act)
    assert second.replayed
    assert second.answer == first.answer
    assert acted() == 1


def test_it_stands_inside_a_transaction_of_the_site(act):
    with transaction.atomic():
        once(OPERATOR, "k", BODY, act)
        assert once(OPERATOR, "k", BODY, act).replayed
    assert acted() == 1


def test_the_key_is_the_first_write(act, django_assert_num_queries):
    with django_assert_num_queries(7) as queries:
        once(OPERATOR, "k", BODY, act)
    words = [query["sql"].split()[0] for query in queries.captured_queries]
    assert words == ["SELECT", "SAVEPOINT", "INSERT", "INSERT", "SELECT", "UPDATE", "RELEASE"]
    assert "idempotencykey" in queries.captured_queries[2]["sql"]
