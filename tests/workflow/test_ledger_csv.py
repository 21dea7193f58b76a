"""The ledger as CSV: it opens anywhere, adds up to what the page says, and runs nothing."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser

from image_studio.exceptions import InvalidRequest, NotAllowed
from image_studio.models import LedgerEntry
from image_studio.policy import Policy
from image_studio.workflow.costs import spend
from image_studio.workflow.ledger_csv import amount, defused, lines, rows, written
from image_studio.workflow.spending import correct
from tests import factories

pytestmark = pytest.mark.django_db
STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "−", " =", "\ufeff=", "\u200b+", "\u200f@")
TEXTS = ("note", "user_name", "actor_name", "user", "actor", "provider", "route", "model")


def enter(brand, **fields):
    """An entry as the runner writes one."""
    at = fields.pop("at", datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC))
    given = {"at": at, "day": at.date(), "kind": "settle", "brand_id": brand.pk, "pictures": 1, **fields}
    return LedgerEntry.objects.create(**given)


def opened(policy=None, **where):
    """As a program reads the file."""
    where = {"since": date(2026, 11, 1), "until": date(2026, 11, 30), **where}
    text = "".join(lines(policy or Policy.operator(), **where))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def starts_formula(cell):
    seen = cell.replace("\ufeff", "").replace("\u200b", "").replace("\u200f", "")
    return cell[:1] in ("\t", "\r", "\n") or seen.strip()[:1] in tuple("=+-@＝＋－＠−")


@pytest.mark.parametrize("starter", STARTERS)
def test_no_text_starts_a_formula_whoever_wrote_it(starter):
    brand = factories.make_brand()
    evil = f"{starter}HYPERLINK(1)"
    brand.name = evil
    brand.save()
    texts = {"note": evil, "user_label": evil, "actor_label": evil, "user_id": evil, "actor_id": evil}
    enter(brand, **texts, provider=evil, route=evil, model=evil, held_micro_usd=-40_000, spent_micro_usd=40_000)
    (row,) = opened()
    for name in (*TEXTS, "brand_name"):
        assert not starts_formula(row[name]), name
        assert row[name].endswith("HYPERLINK(1)"), name
        assert row[name].startswith("'")
    assert [row[name] for name in ("held_usd", "spent_usd", "pictures")] == ["-0.040000", "0.040000", "1"]


def test_a_semicolon_or_a_line_break_begins_no_cell_of_its_own():
    told = defused('fine; =1+1;@A1\r\n=2\u2028"quoted", -3')
    assert told == "fine;' =1+1;'@A1  =2 \"quoted\", -3"
    assert defused("plain; words") == "plain; words"


@pytest.mark.parametrize("evil", ['a;"=1+1;b', 'a; "=HYPERLINK(1);', '";=1', ';""=1', '"=1', '" "@A1'])
def test_a_quote_hides_no_formula_from_who_splits_at_semicolons(evil):
    text = "".join(written([["2026", defused(evil), "z"]]))
    (cells,) = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    assert not [cell for cell in cells if starts_formula(cell)]


@pytest.mark.parametrize("micro_usd", [0, 1, -1, 40_000, -40_000, 2**62, -(2**62)])
def test_numbers_stay_exact_numbers(micro_usd):
    assert Decimal(amount(micro_usd)) * 1_000_000 == micro_usd


def test_quotes_commas_and_other_scripts_come_through():
    note = 'A "quoted", note — 漢字 العربية'
    enter(factories.make_brand(), note=note, user_label="Zoë, of the team")
    (row,) = opened()
    assert (row["note"], row["user_name"]) == (note, "Zoë, of the team")


def test_it_holds_what_the_page_adds_up(db):
    mine, other = factories.make_brand(), factories.make_brand()
    manager = Policy(factories.make_user("manager", brand=mine))
    for brand, micro_usd in ((mine, 40_000), (mine, -1), (other, 500_000)):
        correct(Policy.operator(), brand, micro_usd, note="The bill says so")
    for policy, brand, n in ((manager, None, 2), (manager, mine, 2), (Policy.operator(), None, 3)):
        page = spend(policy, brand=brand)
        found = list(rows(policy, brand=brand))
        assert len(found) == n + 1
        spent = found[0].index("spent_usd")
        assert sum(Decimal(row[spent]) for row in found[1:]) * 1_000_000 == page.total.spent


def test_days_brands_and_rights_narrow_it():
    mine, other = factories.make_brand(), factories.make_brand()
    enter(mine, note="in")
    enter(mine, at=datetime(2026, 12, 1, tzinfo=UTC), note="after")
    enter(other, note="theirs")
    manager, creator = (Policy(factories.make_user(role, brand=mine)) for role in ("manager", "creator"))
    assert [row["note"] for row in opened(manager)] == ["in"]
    assert [row["note"] for row in opened(brand=other)] == ["theirs"]
    assert [row["note"] for row in opened()] == ["in", "theirs"]
    assert opened(creator) == opened(Policy(AnonymousUser())) == []
    for policy, brand in ((manager, other), (creator, mine)):
        with pytest.raises(NotAllowed):
            lines(policy, brand=brand)
    for since, until in ((date(2026, 11, 2), date(2026, 11, 1)), (date(2020, 1, 1), date(2026, 1, 1))):
        with pytest.raises(InvalidRequest) as refused:
            lines(manager, since=since, until=until)
        assert refused.value.code == "spend.bad_span"


def test_it_reads_in_parts_with_few_queries(django_assert_max_num_queries):
    brand = factories.make_brand()
    at = datetime(2026, 11, 20, tzinfo=UTC)
    LedgerEntry.objects.bulk_create(
        LedgerEntry(at=at, day=at.date(), kind="settle", brand_id=brand.pk, note=str(n)) for n in range(2500)
    )
    with django_assert_max_num_queries(4):
        found = opened()
    assert [row["note"] for row in found] == [str(n) for n in range(2500)]
