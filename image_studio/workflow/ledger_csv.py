"""The ledger as CSV: the lines behind the Spend page and the usage endpoint, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from image_studio.exceptions import InvalidRequest
from image_studio.models import Brand, LedgerEntry, database_now
from image_studio.policy import Policy
from image_studio.workflow.costs import MOST_DAYS

#: For programs: the same in every language. Money in US dollars, exact to a millionth; both columns are changes.
HEAD = (
    *("at", "day", "kind", "held_usd", "spent_usd", "pictures", "reason", "note", "brand", "brand_name"),
    *("user", "user_name", "actor", "actor_name", "job", "attempt", "variant_set", "edit_history"),
    *("provider", "route", "model"),
)
#: Rows that are read from the database at a time.
CHUNK = 1000
#: What would start a formula, also in the full-width forms that some spreadsheets take for the same, and also behind
#: blanks, marks that nobody sees, or quotes, which are no part of a cell; at the beginning of a cell, or of what a
#: semicolon would make another cell.
FORMULA = re.compile(r"(^|;)(?=[\s\"\u00ad\u200b-\u200f\u2060-\u2064\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20\u2212])")
#: What ends a cell or a line, or does not print: a blank is as good.
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def defused(text: str) -> str:
    """A text that stays one in every spreadsheet: an apostrophe stands before what would be a formula, and control
    characters become blanks.
    """
    # Tab and carriage return start formulas too: judged before they become blanks.
    mark = "'" if text[:1] in ("\t", "\r", "\n") else ""
    plain = FORMULA.sub(r"\1'", CONTROL.sub(" ", text))
    return plain if plain.startswith("'") else mark + plain


def amount(micro_usd: int) -> str:
    """Micro-USD in dollars, exact: ``-0.040000``. A number to every spreadsheet, and nothing else."""
    return f"{Decimal(micro_usd) / 1_000_000:.6f}"


def rows(
    policy: Policy, *, since: date | None = None, until: date | None = None, brand: Brand | None = None
) -> Iterator[list[str]]:
    """The head, then the entries behind :func:`~image_studio.workflow.costs.spend` of the same days and brand, the
    oldest first: their ``spent_usd`` add up to its total. This month unless said otherwise.

    Refuses at once; what it gives is read from the database in parts.

    :raises NotAllowed: for a brand whose spending the person may not see.
    :raises InvalidRequest: ``spend.bad_span``.
    """
    today = database_now().astimezone(UTC).date()
    since, until = since or today.replace(day=1), until or today
    if not 0 <= (until - since).days <= MOST_DAYS:
        raise InvalidRequest("spend.bad_span", most=MOST_DAYS)
    found = LedgerEntry.objects.filter(day__gte=since, day__lte=until)
    if brand is not None:
        policy.require("see_spend", brand)
        found = found.filter(brand_id=brand.pk)
    elif not policy.passes:
        found = found.filter(brand_id__in=policy.brands("see_spend").values_list("pk", flat=True))
    return _rows(found.order_by("pk"))


def lines(
    policy: Policy, *, since: date | None = None, until: date | None = None, brand: Brand | None = None
) -> Iterator[str]:
    """:func:`rows` as lines of CSV (RFC 4180, each ends with CRLF), to be streamed as UTF-8. Arguments and errors as
    there.
    """
    return written(rows(policy, since=since, until=until, brand=brand))


def written(cells: Iterable[list[str]]) -> Iterator[str]:
    """Lines of CSV. The cells are defused already."""
    writer = csv.writer(_Echo())
    return (writer.writerow(row) for row in cells)


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _rows(found: QuerySet[LedgerEntry]) -> Iterator[list[str]]:
    yield list(HEAD)
    names = {row["pk"]: (row["slug"], row["name"]) for row in Brand.objects.values("pk", "slug", "name")}
    for entry in found.iterator(chunk_size=CHUNK):
        yield _row(entry, *names.get(entry.brand_id, (str(entry.brand_id), "")))


def _row(entry: LedgerEntry, slug: str, name: str) -> list[str]:
    """An entry's cells: numbers as they are, everything else defused, whoever wrote it."""
    money = [amount(entry.held_micro_usd), amount(entry.spent_micro_usd), str(entry.pictures)]
    before: list[Any] = [entry.at.astimezone(UTC).isoformat(timespec="seconds"), entry.day.isoformat(), entry.kind]
    after: list[Any] = [
        *(entry.reason, entry.note, slug, name, entry.user_id, entry.user_label, entry.actor_id, entry.actor_label),
        *(entry.job or "", entry.attempt or "", entry.variant_set or "", entry.chain or ""),
        *(entry.provider, entry.route, entry.model),
    ]
    return [defused(str(value)) for value in before] + money + [defused(str(value)) for value in after]
