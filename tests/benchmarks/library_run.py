"""In a process of its own, with a database of its own: the list of the API and the library's page, whole requests."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token
from rest_framework.pagination import Cursor as PeerCursor

from image_studio.api.pagination import Cursor
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import browse
from tests.benchmarks.library_rows import fill
from tests.benchmarks.library_site import SIZE, ByCursor
from tests.benchmarks.measure import Took, by_turns, goal

LIST, PAGE = "/studio/v1/assets/", "/admin/image_studio/asset/"
CEILING, FLAT, LIBRARY_FLAT, QUERIES = 0.35, 1.2, 1.3, 3
#: Where the database works in another process, only the clock on the wall sees it.
CLOCK = "cpu" if connection.vendor == "sqlite" else "wall"


#: Requests of one side before it is the other's turn.
TURN = 5


def each(turn: Took) -> Took:
    """What one request of a turn took."""
    return Took(turn.cpu / TURN, turn.wall / TURN)


class Site:
    """The WSGI application with one person's requests: what a server calls, without a server."""

    def __init__(self, user: Any) -> None:
        self.app = get_wsgi_application()
        token, _made = Token.objects.get_or_create(user=user)
        client = Client()
        client.force_login(user)
        self.api = {"Authorization": f"Token {token.key}"}
        self.admin = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"}

    def get(self, path: str, *, admin: bool = False) -> bytes:
        """The body of a GET.

        :raises ValueError: for any other answer than 200.
        """
        return self.asked(path, admin=admin)()

    def asked(self, path: str, *, admin: bool = False) -> Callable[[], bytes]:
        environ = RequestFactory().get(path, headers=self.admin if admin else self.api).environ

        def ask() -> bytes:
            said = []
            answer = self.app({**environ, "wsgi.input": io.BytesIO()}, lambda status, _headers: said.append(status))
            body = b"".join(answer)
            answer.close()
            if said != ["200 OK"]:
                raise ValueError(f"{path}: {said} {body[:500]!r}")
            return body

        return ask

    def often(self, path: str, *, admin: bool = False) -> Callable[[], None]:
        """A few requests in a row, as a server has them: alone, each would pay for the memory of the other side."""
        ask = self.asked(path, admin=admin)

        def turn() -> None:
            for _ in range(TURN):
                ask()

        return turn

    def queries(self, path: str, *, admin: bool = False) -> list[str]:
        ask = self.asked(path, admin=admin)
        ask()
        with CaptureQueriesContext(connection) as seen:
            ask()
        return [query["sql"] for query in seen.captured_queries]


def lists(who: str, user: Any, count: int, rounds: int) -> list[dict[str, Any]]:
    """The API's list, first and last page, against DRF's cursor."""
    site = Site(user)
    before = Policy(user).visible(Asset.objects.order_by("id")).values_list("pk", flat=True)[SIZE]
    mine = Cursor(back=False, order="-id", values=(before,)).encode()
    theirs = ByCursor()
    theirs.base_url = ""
    theirs_last = theirs.encode_cursor(PeerCursor(offset=0, reverse=False, position=str(before)))
    paths = [LIST, f"{LIST}?cursor={mine}", "/peer/cursor/", f"/peer/cursor/{theirs_last}"]
    _same(*(json.loads(site.get(path)) for path in paths))
    took = [each(turn) for turn in by_turns(*(site.often(path) for path in paths), rounds=rounds)]
    sent = {path: site.queries(path) for path in paths}
    name = f"list page of {SIZE} of {count:,} pictures, {who}"
    asked = [len(sent[path]) for path in paths]
    counted = any("COUNT(" in sql.upper() for path in paths[:2] for sql in sent[path])
    return [
        _against(f"{name}, first page, against DRF cursor", took[0], took[2], theirs_queries=asked[2]),
        _against(f"{name}, last page, against DRF cursor", took[1], took[3], theirs_queries=asked[3]),
        _flat(name, took[0], took[1], FLAT),
        {
            "name": f"{name}, queries",
            "ours": max(asked[:2]),
            "theirs": max(asked[2:]),
            "goal": f"<= {QUERIES}, no COUNT",
            "ok": max(asked[:2]) <= QUERIES and not counted,
            "unit": "queries",
        },
    ]


def _same(first: Any, last: Any, peer_first: Any, peer_last: Any) -> None:
    """:raises ValueError: unless both sides answer the same pictures with the same fields."""
    for ours, theirs in ((first["results"], peer_first["results"]), (last["results"], peer_last["results"])):
        if [row["id"] for row in ours] != [row["id"] for row in theirs] or set(ours[0]) != set(theirs[0]):
            raise ValueError("the two sides do not answer the same")
    if len(first["results"]) != SIZE or len(last["results"]) != SIZE:
        raise ValueError("a page is not full")


def _against(name: str, ours: Took, theirs: Took, **more: Any) -> dict[str, Any]:
    walls = {"ours_wall": round(ours.wall, 1), "theirs_wall": round(theirs.wall, 1)}
    return goal(name, ours.cpu, theirs.cpu, CEILING, **walls, **more)


def _flat(name: str, first: Took, last: Took, limit: float, **more: Any) -> dict[str, Any]:
    unit = f"ms {CLOCK}"
    return goal(
        f"{name}, last page against first", getattr(last, CLOCK), getattr(first, CLOCK), limit, unit=unit, **more
    )


def numbered(user: Any, count: int) -> dict[str, Any]:
    """The last page by its number: for information."""
    took = by_turns(Site(user).asked(f"/peer/number/?page={count // SIZE}"), rounds=3)[0]
    name = f"list page of {SIZE} of {count:,} pictures, superuser, last page by number (DRF), for information"
    return {"name": name, "theirs": round(took.cpu, 1), "theirs_wall": round(took.wall, 1), "unit": "ms cpu"}


def library(who: str, user: Any, count: int, rounds: int) -> list[dict[str, Any]]:
    """The admin's library, in each order."""
    site, lines = Site(user), []
    for sort in browse.SORTS:
        first = f"{PAGE}?sort={sort}"
        last = f"{first}&cursor={_deep(user, sort)}"
        turns = by_turns(*(site.often(path, admin=True) for path in (first, last)), rounds=rounds)
        took = [each(turn) for turn in turns]
        asked = [len(site.queries(path, admin=True)) for path in (first, last)]
        line = _flat(f"library page of {count:,} pictures, {who}, by {sort}", *took, LIBRARY_FLAT, queries=asked)
        lines.append({**line, "ok": line["ok"] and asked[0] == asked[1]})
    return lines


def _deep(user: Any, sort: str) -> str:
    """A cursor to the last page but one, read from the end."""
    rows = Policy(user).visible(Asset.objects.order_by())
    column = {"price": "micro_usd"}.get(sort, "")
    if sort == "used":  # ends with those never used
        rows = rows.filter(used_at=None)
    order = [column, "pk"] if column else ["pk"]
    row = rows.order_by(*order)[99]
    value = getattr(row, column) if column else None
    return str(browse.Cursor(sort=sort, back=False, part=int(sort == "used"), value=value, pk=row.pk))


def main(count: int, rounds: int) -> None:
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        people = fill(count)
        there = Asset.objects.count()
        for who, user in people.items():
            for line in (*lists(who, user, there, rounds), *library(who, user, there, max(3, rounds // 3))):
                print(json.dumps(line), flush=True)
        print(json.dumps(numbered(people["superuser"], there)), flush=True)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
