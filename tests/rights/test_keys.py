"""Every POST that can spend, found by walking the URL conf and the document: a key for each order, one answer for each
key. The bodies are those of the table of routes, so that a new address cannot be left out.
"""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from django.conf import settings as site
from django.test import override_settings

from image_studio.api.document import document
from image_studio.models import IdempotencyKey
from tests.rights.asking import address, body_of, routes
from tests.rights.routes import API, POST, ROWS
from tests.rights.world import difference, snapshot
from tests.workflow.paid import paid_settings

pytestmark = pytest.mark.django_db
KEY = "one-order"
#: Refusals of a verb that was said already.
STATES = {"job.wrong_state", "job.not_unknown", "variant.wrong_state"}


def views():
    """Name -> view class, of the API."""
    return {name: one.callback.cls for name, (_at, one) in routes().items() if hasattr(one.callback, "cls")}


def keyed(view):
    said = getattr(getattr(view, "post", None), "operation", None)
    return bool(said and said.keyed)


SPENDING = sorted(name for name, view in views().items() if view.scopes.get(POST) == "spend")
KEYED = sorted(name for name, view in views().items() if keyed(view))
ASKED = [row for row in ROWS if row.method == POST and row.name in KEYED]


@contextmanager
def shop():
    """A site that sells pictures, so that there is a route to finish a draft on. Nothing is sent: nobody works."""
    paid = paid_settings()
    rows = {name: paid[name] for name in ("PROVIDERS", "ROUTES")}
    with override_settings(IMAGE_STUDIO={**site.IMAGE_STUDIO, **rows}):
        yield


def post(world, row, who, body, key=KEY):
    url, _said = address(row, world.north)
    headers = {name: value for name, value in body["headers"].items() if name != "Idempotency-Key"}
    sent = {**body, "headers": {**headers, **({"Idempotency-Key": key} if key else {})}}
    return world.programs[who].post(url, **sent)


def code(answer):
    return answer.json().get("code", "")


def test_whatever_spends_is_keyed_in_the_document_and_in_the_table():
    assert len(SPENDING) >= 12
    assert set(SPENDING) <= set(KEYED) == {row.name for row in ASKED}
    by_id = {said["operationId"]: said for item in document()["paths"].values() for said in item.values()}
    for name in KEYED:
        said = by_id[views()[name].post.operation.id]
        (key,) = [one for one in said["parameters"] if one["name"] == "Idempotency-Key"]
        assert key["required"], name
        assert {"400", "409", "422"} <= set(said["responses"]), name


@pytest.mark.parametrize("row", ASKED, ids=str)
def test_an_order_has_one_answer(world, row):
    mine, other = ("superuser", "manager") if row.verb == "super" else ("manager", "superuser")
    with shop():
        body = body_of(world, row, "north")
        before = snapshot()
        answer = post(world, row, mine, body, key="")
        assert (answer.status_code, code(answer)) == (400, "idempotency.key_missing")
        assert difference(before, snapshot()) == {}
        first = post(world, row, mine, body)
        ok = 201 if row.ok == 201 else 202
        assert first.status_code == ok, first.content
        after = snapshot()
        again = post(world, row, mine, body)
        assert (again.status_code, again.content, again["Location"]) == (ok, first.content, first["Location"])
        assert again["Idempotency-Replayed"] == "true"
        assert difference(after, snapshot()) == {}
        _other_body(world, row, mine)
        _in_flight(world, row, mine, body)
        assert difference(after, snapshot()) == {}
        # Somebody else's same key is another order: it is judged by itself, and never answered by the first.
        theirs = post(world, row, other, body)
        assert "Idempotency-Replayed" not in theirs
        assert not code(theirs).startswith("idempotency.")
        # Twice the same verb at one thing may be refused by its state; whatever is new is bought a second time.
        refused = {"policy.not_allowed"} if row.verb == "super" else STATES
        assert theirs.status_code == ok or code(theirs) in refused, theirs.content


def _other_body(world, row, mine):
    """The same key at another address is another order."""
    at = (API + "recipe-replay", API + "asset-change")
    other = next(one for one in ASKED if one.name in at and one.name != row.name)
    answer = post(world, other, mine, body_of(world, other, "north"))
    assert (answer.status_code, code(answer)) == (422, "idempotency.other_body")


def _in_flight(world, row, mine, body):
    """As long as the first has no answer."""
    (kept,) = IdempotencyKey.objects.all()
    IdempotencyKey.objects.update(answer=None)
    answer = post(world, row, mine, body)
    assert (answer.status_code, code(answer)) == (409, "idempotency.in_flight")
    kept.save()
