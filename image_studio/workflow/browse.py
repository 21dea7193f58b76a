"""Looking through the library: words, filters and pages that cost the same at any depth.

Nothing here counts or evaluates a whole library: every query has a LIMIT, and a page begins where the one before it
ended (a keyset), never at an offset.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, StrIndex, Substr
from django.utils import timezone

from image_studio.brand.kit import LOCALE
from image_studio.exceptions import InvalidRequest
from image_studio.imaging.metadata import SOURCE_TYPES
from image_studio.models import Asset
from image_studio.models.asset import KINDS, ORIGINS, PRIVATE
from image_studio.policy import Policy
from image_studio.states import ASSET

#: Words beyond this many narrow nothing further, and a word is no longer than this.
MOST_WORDS, LONGEST_WORD = 8, 100
#: Rights that end within this time end soon.
SOON = timedelta(days=30)
RIGHTS = ("soon", "over", "open")
YES_NO = ("yes", "no")
SORTS = ("new", "used", "price")
#: What is counted, up to this many: one range of one index each, and never more rows than this.
MOST_COUNTED = 100
#: As many brands are asked one by one; the pages of who has more are still right, and slower where little is left.
MOST_BRANDS = 12
SLUG = re.compile(r"[-a-zA-Z0-9_]{1,64}")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a person narrowed the library to; empty is everything.

    :param brand: and ``channel``: slugs.
    :param rights: ``soon`` to end, ``over``, or ``open`` for those that may still be used.
    :param used: ``yes`` for what a page has taken, ``no`` for what none ever has.
    :param asked: ``yes`` for pictures that wait for a change.
    """

    q: str = ""
    state: str = ""
    kind: str = ""
    origin: str = ""
    brand: str = ""
    channel: str = ""
    locale: str = ""
    source_type: str = ""
    rights: str = ""
    used: str = ""
    asked: str = ""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> tuple[Filters, list[str]]:
        """The filters of a query string, and the names of those that make no sense and are left out."""
        values = {name: clean(str(given.get(name) or "")) for name in FILTERS}
        wrong = [name for name, value in values.items() if value and not _known(name, value)]
        return cls(**{name: value for name, value in values.items() if name not in wrong}), wrong

    def without(self, name: str) -> Filters:
        return replace(self, **{name: ""})

    @property
    def few(self) -> bool:
        """Whether what is left is few, and found by an index of its own rather than along the ids."""
        return bool(self.asked) or self.rights in ("soon", "over")

    @property
    def active(self) -> dict[str, str]:
        """Name -> value, of those that narrow."""
        return {name: getattr(self, name) for name in FILTERS if getattr(self, name)}


FILTERS = tuple(field.name for field in fields(Filters))
CHOICES: dict[str, Any] = {
    "state": ASSET.labels,
    "kind": KINDS,
    "origin": ORIGINS,
    "source_type": SOURCE_TYPES,
    "rights": RIGHTS,
    "used": YES_NO,
    "asked": ("yes",),
}


def clean(text: str, *, most: int = 1000) -> str:
    """Words as a database takes them: no NUL, no half of a character, no endless length."""
    return text.replace("\x00", "").encode(errors="ignore").decode().strip()[:most]


def name_of(text: str, *, most: int = 200) -> str:
    """A name as it is kept: one line, every gap one space."""
    return " ".join(clean(text).split())[:most]


def _known(name: str, value: str) -> bool:
    if name in CHOICES:
        return value in CHOICES[name]
    if name in ("brand", "channel"):
        return SLUG.fullmatch(value) is not None
    return name != "locale" or LOCALE.match(value) is not None


def search(rows: QuerySet[Asset], text: str) -> QuerySet[Asset]:
    """The pictures whose title, alt texts, tags or prompt hold every word."""
    for word in clean(text).lower().split()[:MOST_WORDS]:
        rows = rows.filter(words__contains=word[:LONGEST_WORD])
    return rows


def search_told(rows: QuerySet[Asset], text: str) -> QuerySet[Asset]:
    """The same for everybody in the world: a prompt is private, and a search that looked in it would spell it out."""
    told = rows.alias(told=Substr("words", 1, StrIndex("words", Value(PRIVATE))))
    for word in clean(text).lower().split()[:MOST_WORDS]:
        told = told.filter(told__contains=word[:LONGEST_WORD])
    return told


def filtered(policy: Policy, filters: Filters) -> QuerySet[Asset]:
    """The pictures that this person may see and that the filters let through; unordered, unevaluated."""
    rows = policy.visible(Asset.objects.order_by())
    plain = ("state", "kind", "origin", "locale", "source_type")
    exact = {name: getattr(filters, name) for name in plain if getattr(filters, name)}
    if filters.brand:
        exact["brand__slug"] = filters.brand
    if filters.channel:
        exact["channel__slug"] = filters.channel
    if filters.used:
        exact["used_at__isnull"] = filters.used == "no"
    if filters.asked:
        exact["change_asked__gt"] = UUID(int=0)  # IS NOT NULL is nothing that SQLite finds by an index
    rows = _by_rights(rows.filter(**exact), filters.rights)
    return search(rows, filters.q)


def _by_rights(rows: QuerySet[Asset], rights: str) -> QuerySet[Asset]:
    now = timezone.now()
    if rights == "over":
        return rows.filter(expires_at__lte=now)
    if rights == "soon":
        return rows.filter(expires_at__gt=now, expires_at__lte=now + SOON)
    return rows.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now)) if rights == "open" else rows


def counted(policy: Policy) -> dict[str, int]:
    """How many ask for attention, up to :data:`MOST_COUNTED`: a short range of an index each, never a scan."""
    asked = filtered(policy, Filters(asked="yes")).values_list("pk", flat=True)
    soon = filtered(policy, Filters(rights="soon")).values_list("pk", flat=True)
    return {"asked": len(asked[:MOST_COUNTED]), "soon": len(soon[:MOST_COUNTED])}


def split(policy: Policy, filters: Filters) -> list[UUID]:
    """The brands to ask one by one, where that is what an index is made for; empty asks for all at once.

    Every index begins with the brand. Of several brands at once a database walks along the ids instead, through
    everybody's pictures, and reads a whole library to find what is rare or old.
    """
    if filters.brand or filters.few:
        return []
    brands = list(policy.brands().order_by().values_list("pk", flat=True)[: MOST_BRANDS + 1])
    return brands if 1 < len(brands) <= MOST_BRANDS else []


# Pages -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of pictures; ``next`` and ``previous`` are cursors, empty where there is nothing more."""

    rows: list[Asset]
    next: str = ""
    previous: str = ""


class _Part(NamedTuple):
    """A stretch of an order in which no column is NULL: databases disagree on where NULL belongs.

    :param column: sorted by before the id, or empty.
    :param narrow: the rows of this stretch.
    """

    column: str
    narrow: Q


_ORDERS = {
    "new": (_Part("", Q()),),
    "used": (_Part("used_at", Q(used_at__isnull=False)), _Part("", Q(used_at__isnull=True))),
    "price": (_Part("micro_usd", Q()),),
}


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A place between two pictures. It holds nothing that its reader may not know, so it needs no signature.

    :param back: whether the page lies before the place.
    :param part: the stretch of the order.
    :param value: of the sorted column, in its stretch.
    """

    sort: str
    back: bool
    part: int
    value: Any
    pk: UUID

    def __str__(self) -> str:
        value = ""
        if isinstance(self.value, datetime):
            value = str((self.value - EPOCH) // timedelta(microseconds=1))
        elif self.value is not None:
            value = str(self.value)
        return "~".join((self.sort, "b" if self.back else "f", str(self.part), value, self.pk.hex))

    @classmethod
    def read(cls, text: str, sort: str) -> Cursor:
        """:raises InvalidRequest: ``browse.bad_cursor`` for what no page of this order gave."""
        found = CURSOR.fullmatch(text)
        if found is None or found["sort"] != sort or int(found["part"]) >= len(_ORDERS[sort]):
            raise InvalidRequest("browse.bad_cursor")
        part = int(found["part"])
        try:
            value = _value(_ORDERS[sort][part].column, found["value"])
        except (ValueError, OverflowError):
            raise InvalidRequest("browse.bad_cursor") from None
        return cls(sort=sort, back=found["way"] == "b", part=part, value=value, pk=UUID(hex=found["pk"]))


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR = re.compile(r"(?P<sort>[a-z]+)~(?P<way>[fb])~(?P<part>[01])~(?P<value>\d{0,18})~(?P<pk>[0-9a-f]{32})", re.ASCII)


def _value(column: str, text: str) -> Any:
    if not column:
        if text:
            raise ValueError(text)
        return None
    return EPOCH + timedelta(microseconds=int(text)) if column == "used_at" else int(text)


def page(
    rows: QuerySet[Asset],
    *,
    sort: str = "new",
    cursor: str = "",
    limit: int = 60,
    brands: Collection[UUID] = (),
    few: bool = False,
) -> Page:
    """One page of the rows, by at most as many queries as the order has stretches (one; two for ``used``).

    :param sort: of :data:`SORTS`.
    :param cursor: ``next`` or ``previous`` of another page of the same rows and order.
    :param brands: asked one by one, as :func:`split` advises: a query more for each, and the same page.
    :param few: the rows are few (:attr:`Filters.few`): find them all by their index, then sort.
    :raises InvalidRequest: ``browse.bad_cursor``, ``browse.unknown_sort``.
    """
    if sort not in SORTS:
        raise InvalidRequest("browse.unknown_sort", sort=sort, known=", ".join(SORTS))
    at = Cursor.read(cursor, sort) if cursor else None
    back = at is not None and at.back
    found = _collect(_Source(rows, tuple(brands), few), sort, at, limit + 1)
    more, found = len(found) > limit, found[:limit]
    if back:
        found.reverse()
    if not found:
        return Page(rows=[])
    first, last = (_cursor(sort, *found[i], back=i == 0) for i in (0, -1))
    return Page(
        rows=[row for _part, row in found],
        next=str(last) if more or back else "",
        previous=str(first) if (more and back) or (at is not None and not back) else "",
    )


class _Source(NamedTuple):
    """Where a page's rows come from."""

    rows: QuerySet[Asset]
    brands: tuple[UUID, ...]
    few: bool

    def first(self, where: Q, column: str, *, back: bool, wanted: int) -> list[Asset]:
        """The first of them in the order of a column and the id."""
        rows = self.rows.filter(where)
        names = [name for name in (column, "pk") if name]
        if not self.brands:
            # As an expression that no index is ordered by, where walking along the ids would be a mistake.
            terms = [Coalesce(name, name) if self.few else F(name) for name in names]
            return list(rows.order_by(*(term.asc() if back else term.desc() for term in terms))[:wanted])
        order = [name if back else f"-{name}" for name in names]
        keys = rows.order_by(*order).values_list(*names)
        heads = [key for brand in self.brands for key in keys.filter(brand=brand)[:wanted]]
        pks = [key[-1] for key in sorted(heads, reverse=not back)[:wanted]]
        found = {row.pk: row for row in self.rows.filter(pk__in=pks)[: len(pks)]} if pks else {}
        return [found[pk] for pk in pks if pk in found]


def _collect(source: _Source, sort: str, at: Cursor | None, wanted: int) -> list[tuple[int, Asset]]:
    """The next rows from a place on, with their stretch; against the order where the cursor leads back."""
    back = at is not None and at.back
    parts = list(enumerate(_ORDERS[sort]))
    if at is not None:
        parts = parts[: at.part + 1][::-1] if back else parts[at.part :]
    found: list[tuple[int, Asset]] = []
    for number, part in parts:
        if len(found) < wanted:
            where = part.narrow
            if at is not None and number == at.part:
                where &= _beyond(part.column, at)
            rows = source.first(where, part.column, back=back, wanted=wanted - len(found))
            found += [(number, row) for row in rows]
    return found


def _beyond(column: str, at: Cursor) -> Q:
    """The rows behind a place. The outer comparison alone is what an index can begin at."""
    way = "gt" if at.back else "lt"
    if not column:
        return Q(**{f"pk__{way}": at.pk})
    outer, inner = Q(**{f"{column}__{way}e": at.value}), Q(**{f"{column}__{way}": at.value})
    return outer & (inner | Q(**{f"pk__{way}": at.pk}))


def _cursor(sort: str, part: int, row: Asset, *, back: bool) -> Cursor:
    column = _ORDERS[sort][part].column
    return Cursor(sort=sort, back=back, part=part, value=getattr(row, column) if column else None, pk=row.pk)
