"""All routes x roles x two brands x methods: who gets what, who changes what, and who reads what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from tests.rights.asking import address, ask, body_of, decision, expected, rank_of, routes, uses
from tests.rights.routes import API, ROWS, Row
from tests.rights.world import World, content_of, difference, snapshot

pytestmark = pytest.mark.django_db
SANDBOX = "sandbox; default-src 'none'"


# The URL conf -------------------------------------------------------------------------------------------------------


def test_every_route_is_classified_and_no_row_is_about_a_route_that_is_gone():
    assert {row.name for row in ROWS} == set(routes())


def test_every_method_of_the_api_is_classified():
    said = {(row.name, row.method) for row in ROWS if row.name.startswith(API)}
    there = {
        (name, method)
        for name, (_address, one) in routes().items()
        if name.startswith(API) and hasattr(one.callback, "cls")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if hasattr(one.callback.cls, method.lower())
    }
    assert there <= said
    assert {name for name, _method in said - there} <= {API + "docs", API + "missing"}


def test_every_page_of_the_admin_says_what_a_post_does():
    """Pages take what they are sent, unless they refuse the method: those answer 405 to a superuser."""
    said = {(row.name, row.method) for row in ROWS}
    silent = {name for name in routes() if name.startswith("admin") and (name, "POST") not in said}
    assert silent == {row.name for row in ROWS if row.name in silent and row.method == "GET"}


# The matrix ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_route(world, row):
    before = snapshot()
    allowed, wrong = [], []
    for role, side in uses(row):
        if decision(row, role, side) == "ok" and row.method != "GET":
            allowed.append((role, side))
        else:
            wrong += judged(world, row, role, side)
    assert not wrong, "\n".join(wrong)
    assert difference(before, snapshot()) == {}, "somebody who may not has changed something, or a GET has"
    for role, side in allowed:
        with transaction.atomic():
            wrong += judged(world, row, role, side)
            written = bool(difference(before, snapshot()))
            transaction.set_rollback(True)
        if written != row.writes:
            wrong.append(f"{role} at {side}: {'something' if written else 'nothing'} was written")
    assert not wrong, "\n".join(wrong)


def judged(world: World, row: Row, role: str, side: str) -> list[str]:
    """What is wrong with one answer: its status, what it tells, how it is served."""
    body = body_of(world, row, side)
    response = ask(world, row, role, side, body)
    told, who = content_of(response), f"{role} at {side}"
    wrong = []
    if response.status_code != expected(row, role, side):
        location = response.get("Location", "")
        wrong.append(f"{who}: {response.status_code} {location}, not {expected(row, role, side)}: {told[:200]!r}")
    sent = f"{address(row, world.side(side))} {body}".encode()
    wrong += [f"{who}: reads the {what} of {other}" for other, what in leaks(world, row, role, told, sent)]
    wrong += [f"{who}: {words}" for words in served_badly(row, response)]
    # Without this the search for canaries might find nothing anywhere.
    if tells(row, role, side) and world.side(side).canary.encode() not in told.lower():
        wrong.append(f"{who}: the answer tells nothing of the brand")
    return wrong


def tells(row: Row, role: str, side: str) -> bool:
    may = role in ("manager", "superuser") and decision(row, role, side) == "ok"
    return may and row.shows and row.method == "GET" and row.scope != "site"


def leaks(world: World, row: Row, role: str, told: bytes, sent: bytes) -> Iterator[tuple[str, str]]:
    """(side, what) of everything in an answer that this person may not know of and has not said themselves."""
    for name in ("north", "south"):
        if rank_of(role, name) is not None and role != "other":
            continue
        side = world.side(name)
        for what, secret in (side.owned if role == "other" and name == "north" else side.secrets).items():
            if secret in told and secret not in sent:
                yield name, what


def served_badly(row: Row, response: Any) -> Iterator[str]:
    """How an answer could run in a browser that should only show it."""
    kind = response.get("Content-Type", "")
    api = row.name.startswith(API) and not row.name.endswith("docs")
    if row.file and response.status_code == 200:
        table = kind == "text/csv; charset=utf-8" and response["Content-Disposition"].startswith("attachment;")
        if (kind.startswith("text/") and not table) or "html" in kind:
            yield f"a file is served as {kind}"
        for name, wanted in (("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", SANDBOX)):
            if response.get(name) != wanted:
                yield f"{name} is {response.get(name)}"
        if not response.get("Content-Disposition"):
            yield "it has no name of ours"
        if "private" not in response.get("Cache-Control", "") or "public" in response["Cache-Control"]:
            yield f"caches in between may keep it: {response.get('Cache-Control')}"
    elif api:
        if response.status_code != 204 and kind not in ("application/json", "application/problem+json"):
            yield f"the API answers {kind}"
        if response.get("X-Content-Type-Options") != "nosniff":
            yield "a browser may sniff what it is"
    if kind.startswith("text/html") and response.get("X-Frame-Options") != "DENY":
        yield "it opted out of what the site says of frames"
