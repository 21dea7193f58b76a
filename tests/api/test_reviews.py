"""Deciding over the API: the same verbs as the admin's, the same refusals."""

from __future__ import annotations

import pytest

from image_studio.api import reviews
from image_studio.models import Event, Review
from tests import factories
from tests.api.conftest import is_problem

pytestmark = pytest.mark.django_db(transaction=True)
DECLARED = list(factories.DECLARED)


@pytest.fixture
def asset(brand):
    return factories.make_asset(brand, (320, 240))


@pytest.fixture
def reviewer(as_role):
    return as_role("reviewer")


def test_an_approval_is_kept_as_it_was_said(reviewer, asset):
    said = {"decision": "approve", "declaration": DECLARED, "note": "Good", "seen": asset.sha256}
    answer = reviewer.ask("POST", f"assets/{asset.pk}/reviews/", said, status=201)
    row = answer.json()
    assert set(row) == set(reviews.ReviewRow().fields)
    assert (row["decision"], row["note"], row["declaration"]) == ("approve", "Good", DECLARED)
    assert (row["reviewer"], row["seen"]) == (reviewer.user.get_username(), asset.sha256)
    assert reviewer.read(answer["Location"])["results"] == [row]
    assert reviewer.read(f"assets/{asset.pk}/")["state"] == "approved"


def test_a_change_keeps_its_note_and_region(reviewer, asset):
    said = {"decision": "change", "note": "Less red", "region": [0.1, 0.2, 0.3, 0.4]}
    row = reviewer.say(f"assets/{asset.pk}/reviews/", said, status=201)
    assert (row["note"], row["region"]) == ("Less red", [0.1, 0.2, 0.3, 0.4])
    assert reviewer.read(f"assets/{asset.pk}/")["change_asked"] == row["id"]


def test_the_shortlist_keeps_no_review(as_role, asset):
    creator = as_role("creator")
    assert creator.say(f"assets/{asset.pk}/reviews/", {"decision": "shortlist"}, status=200)["state"] == "shortlisted"
    back = creator.say(f"assets/{asset.pk}/reviews/", {"decision": "unshortlist"}, status=200)
    assert back["state"] == "candidate"
    assert not Review.objects.exists()


def test_approve_and_publish_is_one_request(reviewer, asset):
    said = {"decision": "approve", "declaration": DECLARED, "publish": True, "alt": {"en": "Tea", "ar": "شاي"}}
    answer = reviewer.ask("POST", f"assets/{asset.pk}/reviews/", said, status=202)
    assert set(answer.json()) == set(reviews.WorkRow().fields)
    assert answer["Location"].endswith(f"/v1/jobs/{answer.json()['id']}/")
    assert int(answer["Retry-After"]) > 0
    shown = reviewer.read(f"assets/{asset.pk}/")
    assert (shown["state"], shown["alt"]) == ("published", {"en": "Tea", "ar": "شاي"})


def test_publish_withdraw_and_what_comes_between(reviewer, asset):
    is_problem(reviewer.ask("POST", f"assets/{asset.pk}/publish/"), 409, "asset.wrong_state")
    is_problem(reviewer.ask("POST", f"assets/{asset.pk}/withdraw/"), 409, "asset.wrong_state")
    reviewer.say(f"assets/{asset.pk}/reviews/", {"decision": "approve", "declaration": DECLARED}, status=201)
    reviewer.ask("POST", f"assets/{asset.pk}/publish/", status=202)
    assert reviewer.read(f"published/{asset.pk}/")["id"] == str(asset.pk)
    gone = reviewer.say(f"assets/{asset.pk}/withdraw/", {"note": "Season is over"}, status=200)
    assert gone["state"] == "withdrawn"
    assert Event.objects.get(verb="asset.withdrawn").data["note"] == "Season is over"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"decision": "approve"}, "review.declaration_missing"),
        ({"decision": "approve", "declaration": ["people"]}, "review.declaration_missing"),
        ({"decision": "change", "note": "x", "region": [0.9, 0, 0.5, 1]}, "review.bad_region"),
    ],
)
def test_a_decision_that_lacks_something(reviewer, asset, said, code):
    is_problem(reviewer.ask("POST", f"assets/{asset.pk}/reviews/", said), 422, code)
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({}, "decision"),
        ({"decision": "love"}, "decision"),
        ({"decision": ["approve"]}, "decision"),
        ({"decision": "approve", "reviewer": "boss"}, "reviewer"),
        ({"decision": "approve", "state": "published"}, "state"),
        ({"decision": "approve", "reason": "other"}, "reason"),
        ({"decision": "approve", "publish": "true"}, "publish"),
        ({"decision": "approve", "declaration": ["people", "everything"]}, "declaration.1"),
        ({"decision": "reject"}, "reason"),
        ({"decision": "reject", "reason": "ugly"}, "reason"),
        ({"decision": "change"}, "note"),
        ({"decision": "change", "note": " "}, "note"),
        ({"decision": "reject", "reason": "other", "publish": True}, "publish"),
        ({"decision": "change", "note": "x", "region": [0, 0, 1]}, "region"),
        ({"decision": "change", "note": "x", "region": "all"}, "region"),
        ({"decision": "shortlist", "note": "x"}, "note"),
    ],
)
def test_a_decision_that_does_not_hold(reviewer, asset, said, name):
    body = is_problem(reviewer.ask("POST", f"assets/{asset.pk}/reviews/", said), 400, "request.invalid")
    assert list(body["errors"]) == [name]
    assert not Review.objects.exists()


def test_alt_texts_are_taken_with_publishing_only(reviewer, asset):
    said = {"decision": "approve", "declaration": DECLARED, "alt": {"en": "x"}}
    body = is_problem(reviewer.ask("POST", f"assets/{asset.pk}/reviews/", said), 422, "request.invalid")
    assert list(body["errors"]) == ["alt"]
    reviewer.say(f"assets/{asset.pk}/reviews/", {**said, "alt": {}}, status=201)


def test_what_was_seen_must_be_what_is_there(reviewer, asset):
    said = {"decision": "approve", "declaration": DECLARED, "seen": "0" * 64}
    is_problem(reviewer.ask("POST", f"assets/{asset.pk}/reviews/", said), 409, "object.changed")


def test_said_twice_the_second_is_told(reviewer, asset):
    said = {"decision": "reject", "reason": "quality"}
    reviewer.say(f"assets/{asset.pk}/reviews/", said, status=201)
    is_problem(reviewer.ask("POST", f"assets/{asset.pk}/reviews/", said), 409, "asset.wrong_state")
    assert Review.objects.count() == 1


@pytest.mark.parametrize("path", ["reviews/", "publish/", "withdraw/"])
def test_rights(as_role, stranger, nobody, asset, path):
    said = {"decision": "approve", "declaration": DECLARED} if path == "reviews/" else {}
    is_problem(as_role("creator").ask("POST", f"assets/{asset.pk}/{path}", said), 403, "policy.not_allowed")
    is_problem(stranger.ask("POST", f"assets/{asset.pk}/{path}", said), 404, "not_found")
    is_problem(nobody.ask("POST", f"assets/{asset.pk}/{path}", said), 401, "auth.required")


def test_publishing_takes_no_words(reviewer, asset):
    is_problem(reviewer.ask("POST", f"assets/{asset.pk}/publish/", {"force": True}), 400, "request.invalid")
