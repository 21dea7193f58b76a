"""What no form sends and people's programs do: twice, stale, broken, huge, deep. Said in place, and nothing happens."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.urls import reverse

from image_studio.models import Asset, Event, Job, Variant, VariantSet
from tests.rights import bodies
from tests.rights.asking import address, ask, body_of, routes
from tests.rights.routes import API, ROWS
from tests.rights.world import content_of, difference, snapshot

pytestmark = pytest.mark.django_db
V1, ADMIN = "/studio/v1/", "admin:image_studio_"
SAID = [row for row in ROWS if row.method != "GET" and row.scope != "open" and row.verb != "never"]
#: What cannot be kept or asked for on one of the databases, whatever SQLite says.
UNKEEPABLE = ("\x00", *map(chr, range(0xD800, 0xE000)))


@pytest.fixture(autouse=True)
def strict(world):
    """A database that takes no NUL and no half of a pair, neither in rows nor in questions, as PostgreSQL does."""

    def judge(execute, sql, params, many, context):
        for value in flat(params or ()):
            if isinstance(value, str):
                assert "\x00" not in value, f"a NUL reached the database: {sql[:200]}"
                value.encode()  # raises for half of a pair
            if isinstance(value, int):
                assert -(2**63) <= value < 2**63, f"a number that no column holds: {sql[:200]}"
        return execute(sql, params, many, context)

    with connection.execute_wrapper(judge):
        yield


def flat(values):
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from flat(value)
        else:
            yield value


# Twice --------------------------------------------------------------------------------------------------------------

#: What may be said again and is taken again: it writes down that it was said, and makes nothing twice.
AGAIN = {
    "asset_upload": 200,  # the same bytes: the picture that is there
}


def made():
    """How much there is of what costs or counts."""
    return {model.__name__: model.objects.count() for model in (Asset, Job, VariantSet, Variant)} | {
        "states": sorted(Asset.objects.values_list("id", "state")),
        "jobs": sorted(Job.objects.values_list("id", "state")),
        "cells": sorted(Variant.objects.values_list("id", "state", "round", "asset")),
    }


@pytest.mark.parametrize("row", [row for row in SAID if row.writes], ids=str)
def test_a_form_posted_twice_does_its_work_once(world, row):
    body = body_of(world, row, "north")
    answers = []
    for _time in range(2):
        said = body.get("data")  # none where nothing is to be said
        for file in said.values() if isinstance(said, dict) else ():
            if hasattr(file, "seek"):
                file.seek(0)
        answers.append(ask(world, row, "superuser", "north", body))
        answers[-1].made = made()
    first, second = answers
    assert first.status_code == row.ok
    assert second.status_code < 500
    assert second.made == first.made
    if second.status_code >= 400:
        assert readable(second)
    # Adopting buys nothing, and asks for no key.
    unkeyed = "asset" in row.name or row.name.endswith("job-adopt")
    if row.ok == 202 and not unkeyed and "Idempotency-Key" in body["headers"]:
        assert (second.status_code, second["Idempotency-Replayed"]) == (202, "true")
        assert second.json() == first.json()


def readable(answer):
    """Whether a refusal is a sentence in its place: a problem, data for a script, or a page with its errors."""
    kind = answer["Content-Type"]
    if kind == "application/problem+json":
        return answer.json()["detail"].endswith((".", "?"))
    if kind == "application/json":
        return answer.json()["message"].endswith((".", "?"))
    return kind.startswith("text/html") and len(answer.content) > 100


# Stale --------------------------------------------------------------------------------------------------------------

STALE = ("asset_say", "asset_review_say", "variantset_cell", "variantset_inspect", "asset-reviews")


@pytest.mark.parametrize("seen", ["0" * 64, "x", "\x00", "🙂" * 50])
@pytest.mark.parametrize(
    "row", [row for row in SAID if row.name.endswith(STALE) and row.verb in ("review", "publish")], ids=str
)
def test_what_was_seen_is_what_is_judged(world, row, seen):
    body, before = body_of(world, row, "north"), snapshot()
    if row.name.startswith(API):
        body["data"] = json.dumps({**json.loads(body["data"]), "seen": seen})
    else:
        body["data"] = {**body["data"], "seen": seen}
    answer = ask(world, row, "manager", "north", body)
    assert answer.status_code in (400, 409), answer.content[:300]
    assert difference(before, snapshot()) == {}


def test_a_cell_that_finished_meanwhile_is_not_cancelled(world):
    """The page still shows a button: what it says comes too late, and the picture stays."""
    cell, before = world.north.ready, snapshot()
    url = reverse(f"{ADMIN}variantset_cell", args=[world.north.set.pk, cell.pk])
    scripted = world.browsers["creator"].post(url, {"do": "cancel"}, headers=bodies.SCRIPT)
    assert (scripted.status_code, scripted.json()["ok"]) == (409, False)
    plain = world.browsers["creator"].post(url, {"do": "cancel"}, follow=True)
    assert scripted.json()["message"] in plain.content.decode()
    path = f"{V1}variant-sets/{world.north.set.pk}/cells/{cell.pk}/cancel/"
    assert world.programs["creator"].post(path, **bodies.sent({})).status_code == 409
    assert difference(before, snapshot()) == {}


def test_a_cell_cancelled_while_its_picture_is_made_is_cancelled_once(world):
    """Sent is sent: the call goes on, what it brings is not wanted, and the job says so once."""
    cell, job = world.north.working, world.north.working_job
    url = reverse(f"{ADMIN}variantset_cell", args=[world.north.set.pk, cell.pk])
    first = world.browsers["creator"].post(url, {"do": "cancel"}, headers=bodies.SCRIPT)
    assert first.status_code == 200
    asked = Job.objects.get(pk=job.pk)
    assert (asked.state, bool(asked.cancel_requested_at)) == ("sending", True)
    events = Event.objects.count()
    second = world.browsers["creator"].post(url, {"do": "cancel"}, headers=bodies.SCRIPT)
    assert second.status_code in (200, 409)
    again = Job.objects.get(pk=job.pk)
    assert (again.state, again.cancel_requested_at) == ("sending", asked.cancel_requested_at)
    assert Event.objects.count() == events
    assert Variant.objects.get(pk=cell.pk).state == "cancelled"


# Broken text --------------------------------------------------------------------------------------------------------

#: As a browser or a program may send it: percent-encoded bytes.
BYTES = {
    "a NUL": "a%00b",
    "half a pair": "%ED%A0%BD",
    "no UTF-8": "%FF%FE",
    "too long": "x" * 9000,
    "a huge number": "9" * 30,
    "a number beyond words": "9" * 5000,
    "below zero": "-1",
    "a list": "[]",
    "backwards": "%E2%80%AE%F0%9F%99%82",
    "a uuid in braces": "%7B01890000-0000-7000-8000-000000000000%7D",
}
#: What the admin's addresses take; the API's lists say themselves what they take.
QUERY = (
    *(
        "q",
        "page",
        "p",
        "o",
        "show",
        "have",
        "cell",
        "source",
        "prompt",
        "brand",
        "cursor",
        "sort",
        "state",
        "e",
        "all",
    ),
    *("channel", "locale", "kind", "after", "part", "v", "live", "used", "rights", "_changelist_filters", "_to_field"),
    *("_popup", "dialog", "next", "id__exact", "brand__id__exact", "variant_set", "source_type", "asked"),
)


def asked_of(row):
    """Names that an address of the API takes."""
    view = getattr(routes()[row.name][1].callback, "cls", None)
    filters = getattr(view, "filters", None)
    return (*(filters.base_filters if filters else ()), "cursor", "limit", "which")


@pytest.mark.parametrize("junk", BYTES.values(), ids=BYTES)
def test_no_query_breaks_a_page(world, junk):
    before, broken = snapshot(), []
    for row in ROWS:
        if row.method != "GET" or row.file or row.ok != 200 or row.verb == "never" or row.name.endswith("docs"):
            continue
        url, _said = address(row, world.north)
        client = (world.programs if row.name.startswith(API) else world.browsers)["superuser"]
        groups = [QUERY] if row.name.startswith("admin") else [(name,) for name in asked_of(row)]
        for names in groups:
            query = "&".join(f"{name}={junk}" for name in names)
            broken += tried(row, lambda c=client, u=url, q=query: c.get(f"{u.partition('?')[0]}?{q}"), names)
    assert broken == []
    assert difference(before, snapshot()) == {}


def tried(row, go, what):
    """The row with what was wrong, where a request broke something."""
    try:
        with transaction.atomic():
            answer = go()
            content_of(answer)
    except Exception as error:  # noqa: BLE001 the test tells all of them
        return [f"{row} {what}: {type(error).__name__}: {str(error)[:200]}"]
    return [f"{row} {what}: {answer.status_code}"] if answer.status_code >= 500 else []


@pytest.mark.parametrize("kind", ["a NUL", "half a pair", "no UTF-8", "a number beyond words"])
def test_no_field_of_a_form_breaks_its_page(world, kind):
    broken, junk = [], BYTES[kind]
    for row in SAID:
        if row.name.startswith(API):
            continue
        body = body_of(world, row, "north")
        given = {name: value for name, value in body.get("data", {}).items() if not hasattr(value, "read")}
        url, _said = address(row, world.north)
        for name in list(given)[:MOST_FIELDS] or FORM:
            rest = {key: value for key, value in given.items() if key != name}
            data = f"{urlencode(rest, doseq=True)}&{name}={junk}"
            headers = body.get("headers", {})

            def go(url=url, data=data, headers=headers):
                with transaction.atomic():
                    answer = world.browsers["superuser"].post(url, data, FORM_TYPE, headers=headers)
                    content_of(answer)
                    transaction.set_rollback(True)
                    return answer

            broken += tried(row, go, name)
    assert broken == []


FORM_TYPE = "application/x-www-form-urlencoded"
#: Of a form; a brand's kit has two hundred, all of the same few kinds.
MOST_FIELDS = 8
FORM = ("do", "note", "region", "seen", "asset", "reason", "alt_en", "next", "title", "brand", "action", "index")


EXTRA = (
    *("cell", "show", "note", "region", "region_left", "seen", "asset", "alt_en", "alt_\x00", "reason", "declaration"),
    *("text_headline_en", "do", "brand", "next"),
)


@pytest.mark.parametrize("name", EXTRA)
def test_no_extra_field_breaks_a_verb(world, name):
    broken = []
    for row in SAID:
        if row.name.startswith(API) or ("say" not in row.name and "cell" not in row.name and "inspect" not in row.name):
            continue
        body = body_of(world, row, "north")
        for junk in ("a\x00b", "\ufffd", "nan", "1e999,0,0,0", "inf,inf,inf,inf", "9" * 400, "x" * 20_000):
            data = {**body["data"], name: junk}

            def go(row=row, body=body, data=data):
                with transaction.atomic():
                    answer = ask(world, row, "superuser", "north", {**body, "data": data})
                    content_of(answer)
                    transaction.set_rollback(True)
                    return answer

            broken += tried(row, go, (name, junk[:20]))
    assert broken == []


# Broken bodies ------------------------------------------------------------------------------------------------------


def part(name, header, data):
    """A form of one part, as bytes."""
    lines = (b"--b", f"Content-Disposition: form-data; {name}".encode(), header.encode(), b"", data, b"--b--", b"")
    return b"\r\n".join(lines)


BAD = {
    "a list": (b"[]", "application/json"),
    "a NUL": (b'{"title": "a\\u0000b", "note": "\\u0000"}', "application/json"),
    "half a pair": (b'{"title": "\\ud83d"}', "application/json"),
    "no UTF-8": (b'{"title": "\xff"}', "application/json"),
    "3,000 levels": (b'{"texts":' * 3000 + b"1" + b"}" * 3000, "application/json"),
    "3,000 lists": (b"[" * 3000 + b"]" * 3000, "application/json"),
    "two megabytes": (b'{"title": "' + b"x" * 2_000_000 + b'"}', "application/json"),
    "four megabytes of form": (b"title=" + b"x" * 4_000_000, "application/x-www-form-urlencoded"),
    "5,000 fields": (b"&".join(b"f%d=1" % n for n in range(5000)), "application/x-www-form-urlencoded"),
    "another type": (b"<xml/>", "application/xml"),
    "no type": (b"do=approve", ""),
    "a form of no parts": (b"nothing", "multipart/form-data"),
    "a form that is cut": (
        b'--b\r\nContent-Disposition: form-data; name="do"\r\n\r\nappr',
        "multipart/form-data; boundary=b",
    ),
    "a form without a boundary": (b"--b--", "multipart/form-data; boundary=" + "é"),
    "an unknown charset": (b"do=approve", "application/x-www-form-urlencoded; charset=nowhere"),
    "another charset": (b"do=approve", "application/x-www-form-urlencoded; charset=utf-16"),
    "a name in an unknown charset": (
        part('name="file"; filename="file"; filename*=nowhere\'\'%41.png', "Content-Type: image/png", b"x"),
        "multipart/form-data; boundary=b",
    ),
    "a part that is no base64": (
        part('name="file"; filename="a.png"', "Content-Transfer-Encoding: base64", b"!!!"),
        "multipart/form-data; boundary=b",
    ),
    "a part of an unknown charset": (
        part('name="title"', "Content-Type: text/plain; charset=nowhere", b"\xff\x00"),
        "multipart/form-data; boundary=b",
    ),
}


@pytest.mark.parametrize(("data", "kind"), BAD.values(), ids=BAD)
def test_no_body_breaks_a_view(world, data, kind):
    broken, before = [], snapshot()
    for row in SAID:
        url, _said = address(row, world.north)
        client = (world.programs if row.name.startswith(API) else world.browsers)["superuser"]
        headers = {"Idempotency-Key": "bad-body"} if row.name.startswith(API) else {}

        def go(client=client, method=row.method, url=url, headers=headers):
            return client.generic(method, url, data, kind, headers=headers)

        broken += tried(row, go, kind)
        if row.name.startswith(API):
            answer = go()
            assert answer["Content-Type"] in ("application/json", "application/problem+json")
            assert answer.status_code in (400, 413, 415), (str(row), answer.status_code, answer.content[:300])
            assert readable(answer)
    assert broken == []
    assert difference(before, snapshot()) == {}


@pytest.mark.parametrize("path", ["%00", "a%00b", "%FF", "%ED%A0%80", "9" * 5000, "..", "%2e%2e%2fbrand", "_5F", "-1",
                                  "{01890000-0000-7000-8000-000000000000}", "%E2%80%AE"])  # fmt: skip
def test_no_address_breaks_the_admin(world, path):
    broken = []
    for model in ("asset", "brand", "channel", "event", "job", "prompt", "variantset"):
        for page in ("change", "history", "delete"):
            url = f"/admin/image_studio/{model}/{path}/{page}/"
            try:
                answer = world.browsers["superuser"].get(url)
            except Exception as error:  # noqa: BLE001
                broken.append(f"{url[:80]}: {type(error).__name__}: {str(error)[:200]}")
            else:
                if answer.status_code not in (301, 302, 404):
                    broken.append(f"{url[:80]}: {answer.status_code}")
    assert broken == []
