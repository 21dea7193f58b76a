"""The rules of the package's policy said once more, the addresses of the URL conf, and one request."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.urls import get_resolver

from image_studio.policy import RANK, VERBS
from tests.rights import bodies
from tests.rights.routes import API, Row
from tests.rights.world import OWN_ONLY, ROLES, Side, World

#: What is ours of the site's addresses.
OURS = ("admin:image_studio_", "image_studio:", "admin/image_studio/")


def walked(patterns: Any, spaces: tuple[str, ...] = (), prefix: str = "") -> Iterator[tuple[str, str, Any]]:
    """(name or address, address, view) of every route."""
    for one in patterns:
        address = prefix + str(one.pattern)
        if hasattr(one, "url_patterns"):
            inner = (*spaces, one.namespace) if one.namespace else spaces
            yield from walked(one.url_patterns, inner, address)
        else:
            yield (":".join((*spaces, one.name)) if one.name else address), address, one


@cache
def routes() -> dict[str, tuple[str, Any]]:
    """Name, or address where it has none -> address and pattern of the routes that are ours."""
    found = walked(get_resolver().url_patterns)
    return {name: (address, one) for name, address, one in found if name.startswith(OURS)}


# Who ----------------------------------------------------------------------------------------------------------------


def rank_of(role: str, side: str) -> int | None:
    """How far a role reaches in a brand; None for who is not in it."""
    if role == "superuser":
        return RANK["manager"] + 1
    if role == "rival":
        return RANK["manager"] if side == "south" else None
    membership = ROLES[role]
    return RANK[membership] if membership and side == "north" else None


def decision(row: Row, role: str, side: str) -> str:
    """``ok``, ``refused``, ``outside`` or ``anonymous``: the rules of the package's policy, said once more."""
    if row.scope == "open":
        return "ok"
    if role == "anonymous":
        return "anonymous"
    if row.verb == "super":
        return "ok" if role == "superuser" else "refused"
    if row.scope in ("list", "site"):
        return "refused" if row.verb == "never" else "ok"
    sides = ("north", "south") if row.scope == "any" else (side,)
    ranks = [rank for rank in (rank_of(role, one) for one in sides) if rank is not None]
    if not ranks:
        return "refused" if row.scope == "any" else "outside"
    if (row.scope == "own" and role == "other") or (row.scope == "unowned" and role in OWN_ONLY):
        return "outside"
    if row.verb == "never":
        return "refused"
    return "ok" if max(ranks) >= RANK[VERBS[row.verb]] else "refused"


def expected(row: Row, role: str, side: str) -> int:
    """The status that the table says."""
    for key in (f"{role}@{side}", role):
        if key in row.but:
            return row.but[key]
    which = decision(row, role, side)
    if which == "anonymous":
        return 302 if row.name.startswith("admin") else 401 if row.name.startswith(API) else 404
    return {"ok": row.ok, "refused": row.refused, "outside": row.outside}[which]


def uses(row: Row) -> list[tuple[str, str]]:
    """(role, side) of every request: the least, the most and the narrowest of the north knock at the south too."""
    roles = {"open": ("anonymous", "rival"), "site": ("anonymous", "stranger", "viewer", "superuser")}
    north = [(role, "north") for role in roles.get(row.scope, ROLES)]
    south = () if row.scope in ("list", "site", "any", "open") else ("viewer", "manager", "owner")
    return [*north, *((role, "south") for role in south)]


# Asking -------------------------------------------------------------------------------------------------------------


def value_of(side: Side, token: str) -> str:
    if token.startswith("="):
        return token[1:]
    thing = side.brand.slug if token == "slug" else getattr(side, token)
    return str(getattr(thing, "pk", thing))


def address(row: Row, side: Side) -> tuple[str, set[str]]:
    """The address and the values in it, which an answer may say back."""
    values = [value_of(side, token) for token in row.at.split()]
    url = "/" + routes()[row.name][0]
    for value in values:
        start, end = url.index("<"), url.index(">")
        url = url[:start] + value + url[end + 1 :]
    if row.query:
        name, _equals, token = row.query.partition("=")
        values.append(value_of(side, token))
        url += f"?{name}={values[-1]}"
    return url, set(values)


def ask(world: World, row: Row, role: str, side: str, body: dict[str, Any]) -> Any:
    clients = world.programs if row.name.startswith(API) else world.browsers
    url, _said = address(row, world.side(side))
    return getattr(clients[role], row.method.lower())(url, **body)


def body_of(world: World, row: Row, side: str) -> dict[str, Any]:
    return getattr(bodies, row.body)(world, world.side(side)) if row.body else {}
