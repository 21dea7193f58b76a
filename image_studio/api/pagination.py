"""Pages by key: the last costs what the first does, and nothing is counted."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.utils.urls import remove_query_param, replace_query_param

from image_studio.api.parsers import malformed
from image_studio.api.rendering import dump

MOST = 100
USUAL = 50

Row = dict[str, Any]


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

    :raises Malformed: for anything that we did not make for this list and order.
    """
    broken = malformed(_("the cursor is not one of this list: take it from next or previous, unchanged"))
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
) -> dict[str, Any]:
    """One page: ``next``, ``previous``, ``results``. One query.

    :param url: the absolute address asked for, with its query.
    :param make: makes an answer's row of a row of ``values(*fields)``.
    :param order: field names, ``-`` for falling, the last one unique.
    """
    limit = limit_of(query.get("limit"))
    text = query.get("cursor")
    cursor = decode(text, rows.model, order) if text else None
    back = bool(cursor and cursor.back)
    if cursor:
        rows = rows.filter(_beyond(order, cursor.values, back))
    keys = [name.lstrip("-") for name in order]
    hidden = [name if name in fields else f"_{name}" for name in keys]
    named = {f"_{name}": F(name) for name in keys if name not in fields}
    found = list(rows.order_by(*(_term(name, back) for name in order)).values(*fields, **named)[: limit + 1])
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
        "results": [make({name: row[name] for name in fields} if named else row) for row in found],
    }


def _term(name: str, back: bool) -> Any:
    falls = name.startswith("-") != back
    field = name.lstrip("-")
    # Rows without a value come last, on every database, and first on the way back.
    nulls = {"nulls_first": True} if back else {"nulls_last": True}
    if field in NULLABLE:
        return F(field).desc(**nulls) if falls else F(field).asc(**nulls)
    return f"-{field}" if falls else field


#: Fields that lists are ordered by and that may be empty.
NULLABLE = frozenset({"used_at", "published_at"})


def _beyond(order: Sequence[str], values: Sequence[Any], back: bool) -> Q:
    """The rows after a place: field by field, so that an index on the first one narrows."""
    name, value = order[0].lstrip("-"), values[0]
    falls = order[0].startswith("-") != back
    side = "lt" if falls else "gt"
    if len(order) == 1:
        return Q(**{f"{name}__{side}": value})
    rest = _beyond(order[1:], values[1:], back)
    if value is None:
        same = Q(**{f"{name}__isnull": True}) & rest
        return (Q(**{f"{name}__isnull": False}) | same) if back else same
    after = Q(**{f"{name}__{side}e": value}) & (Q(**{f"{name}__{side}": value}) | rest)
    return after | Q(**{f"{name}__isnull": True}) if name in NULLABLE and not back else after
