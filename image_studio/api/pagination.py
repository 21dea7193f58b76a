"""Pages by key: the last costs what the first does, and nothing is counted."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson
from django.core.exceptions import EmptyResultSet, ValidationError
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _
from rest_framework.utils.urls import remove_query_param, replace_query_param

from image_studio.api.parsers import malformed
from image_studio.api.rendering import dump
from image_studio.exceptions import InvalidRequest

MOST = 100
USUAL = 50
#: Rows are asked for at least by this many: told that two are enough, SQLite thinks it cheap to sort a whole library.
LEAST = 10
#: Fields that lists are ordered by first and that may be empty; rows where one is come last, on every database.
NULLABLE = frozenset({"used_at", "published_at"})
NOTHING: Mapping[str, Any] = MappingProxyType({})

Row = dict[str, Any]
Apart = Callable[[QuerySet[Any]], Sequence[QuerySet[Any]]]


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A place in a list.

    :param back: whether the page before it is wanted.
    :param order: the order it belongs to.
    :param values: of the order's fields, at the row beside which the page begins.
    """

    back: bool
    order: str
    values: tuple[Any, ...]

    def encode(self) -> str:
        """Opaque to clients; it carries nothing that they may not see, and each part is checked on its way back."""
        plain = dump([int(self.back), self.order, list(self.values)])
        return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()


def decode(text: str, model: Any, order: Sequence[str]) -> Cursor:
    """A cursor as a client sent it back.

    :raises InvalidRequest: ``request.bad_cursor``, for anything that we did not make for this list and order.
    """
    broken = InvalidRequest("request.bad_cursor")
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        back, name, values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if back not in (0, 1) or name != ",".join(order) or len(values) != len(order):
            raise broken
        typed = tuple(_typed(model, field, value) for field, value in zip(order, values, strict=True))
    except (ValueError, TypeError, ValidationError, binascii.Error, OverflowError):
        raise broken from None
    return Cursor(back=bool(back), order=name, values=typed)


def _typed(model: Any, name: str, value: Any) -> Any:
    field = model._meta.get_field(name.lstrip("-"))
    if value is None and field.null:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or "\x00" in str(value):
        raise ValueError(name)
    found = field.to_python(value)
    if found is None or (isinstance(found, int) and abs(found) >= 2**63):
        raise ValueError(name)
    if isinstance(found, datetime) and found.tzinfo is None:
        raise ValueError(name)
    return found


def limit_of(text: str | None) -> int:
    """:raises Malformed: unless it is a number from 1 to :data:`MOST`."""
    if text is None:
        return USUAL
    if text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= MOST:
        return int(text)
    raise malformed(_("limit goes from 1 to %(most)s") % {"most": MOST})


def page(
    url: str,
    query: Mapping[str, str],
    rows: QuerySet[Any],
    make: Callable[[Row], Any],
    fields: Sequence[str],
    order: Sequence[str] = ("-id",),
    made: Mapping[str, Any] = NOTHING,
    apart: Apart | None = None,
) -> dict[str, Any]:
    """One page: ``next``, ``previous``, ``results``. One query; a second one where rows without a value begin.

    :param url: the absolute address asked for, with its query.
    :param make: makes an answer's row of a row of ``values(*fields, **made)``.
    :param order: field names, ``-`` for falling, the last one unique.
    :param apart: narrows the rows to parts that are each read along an index; no row is in two of them.
    """
    limit = limit_of(query.get("limit"))
    text = query.get("cursor")
    cursor = decode(text, rows.model, order) if text else None
    back = bool(cursor and cursor.back)
    keys = [name.lstrip("-") for name in order]
    hidden = [name if name in fields else f"_{name}" for name in keys]
    named = {f"_{name}": F(name) for name in keys if name not in fields}
    found: list[Row] = []
    for where, names in _stretches(order, cursor):
        if len(found) <= limit:
            here = _first(rows.filter(where) if where else rows, names, back, max(limit + 1 - len(found), LEAST), apart)
            found += here.values(*fields, **made, **named)
    more = len(found) > limit
    found = found[:limit]
    if back:
        found.reverse()

    def link(here: bool, at: int, *, backwards: bool) -> str | None:
        if not here or not found:
            return None
        values = tuple(found[at][name] for name in hidden)
        place = Cursor(back=backwards, order=",".join(order), values=values)
        return str(replace_query_param(url, "cursor", place.encode()))

    first = remove_query_param(url, "cursor") if cursor and not found else None
    return {
        "next": link(more or back, -1, backwards=False),
        "previous": first or link((more if back else cursor is not None), 0, backwards=True),
        "results": [make({name: row[name] for name in (*fields, *made)} if named else row) for row in found],
    }


def _stretches(order: Sequence[str], cursor: Cursor | None) -> list[tuple[Q, Sequence[str]]]:
    """Which rows behind the cursor come in which order, stretch by stretch: no database sorts NULL as another does."""
    name = order[0].lstrip("-")
    if name not in NULLABLE:
        return [(_beyond(order, cursor.values, cursor.back) if cursor else Q(), order)]
    filled, empty = (Q(**{f"{name}__isnull": False}), order), (Q(**{f"{name}__isnull": True}), order[1:])
    if cursor is None:
        return [filled, empty]
    in_empty = cursor.values[0] is None
    where, names = empty if in_empty else filled
    here = where & _beyond(names, cursor.values[-len(names) :], cursor.back), names
    if in_empty:
        return [here, filled] if cursor.back else [here]
    return [here] if cursor.back else [here, empty]


def _first(rows: QuerySet[Any], order: Sequence[str], back: bool, wanted: int, apart: Apart | None) -> QuerySet[Any]:
    """The first rows of all parts together; their values are still to be named.

    Each part is read along an index of its own. All at once, few databases merge them: they sort everything, or walk
    through the rows of everybody else.
    """
    terms = [name.lstrip("-") if name.startswith("-") == back else f"-{name.lstrip('-')}" for name in order]
    keys = rows.order_by(*terms).values_list("pk")
    parts = apart(keys) if apart else [keys]
    if len(parts) == 1:
        return parts[0][:wanted]
    heads = [head for part in parts if (head := _head(part[:wanted]))]
    if not heads:
        return rows.none()
    # A derived table each: SQLite takes no LIMIT within UNION, and MariaDB none within IN.
    union = " UNION ALL ".join(
        f"SELECT * FROM ({sql}) AS part_{number}"  # noqa: S608 - as Django compiled it
        for number, (sql, _params) in enumerate(heads)
    )
    pks = RawSQL(union, [value for _sql, params in heads for value in params])  # noqa: S611 - the same
    first: QuerySet[Any] = rows.model._default_manager.filter(pk__in=pks).order_by(*terms)[:wanted]
    return first


def _head(part: QuerySet[Any]) -> tuple[str, tuple[Any, ...]] | None:
    """A part's SQL; None where Django knows without asking that it is empty, as beyond the end of a number's range."""
    try:
        return part.query.sql_with_params()
    except EmptyResultSet:
        return None


def _beyond(order: Sequence[str], values: Sequence[Any], back: bool) -> Q:
    """The rows after a place: field by field, so that an index on the first one narrows."""
    name, value = order[0].lstrip("-"), values[0]
    side = "lt" if order[0].startswith("-") != back else "gt"
    if len(order) == 1:
        return Q(**{f"{name}__{side}": value})
    rest = _beyond(order[1:], values[1:], back)
    return Q(**{f"{name}__{side}e": value}) & (Q(**{f"{name}__{side}": value}) | rest)
