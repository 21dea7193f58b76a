"""The Spend page: it says what the ledger holds, to whom it may, as plots that need no script and tables beside."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from image_studio import ledger
from image_studio.admin.money import exact, micro, usd
from image_studio.admin.spend_plots import Line, binned, days_plot, nice
from image_studio.ledger import Bill, Settlement
from image_studio.models import OPERATOR, LedgerEntry, SpendRollup
from image_studio.policy import Policy
from image_studio.workflow.costs import Cost
from image_studio.workflow.spending import correct, make_budget, stop_spending
from tests import factories
from tests.admin.browser import Page
from tests.admin.conftest import make_staff, signed_in

pytestmark = pytest.mark.django_db
SPEND, CSV = "admin:image_studio_ledgerentry_spend", "admin:image_studio_ledgerentry_csv"
OPERATOR_POLICY = Policy.operator()


def bought(brand, micro_usd=40_000, *, model="gpt-image-2", pictures=1, user=""):
    """What a settled call writes."""
    bill = Bill(brand_id=brand.pk, model=model, user_id=user)
    ledger.write([Settlement(bill=bill, held=0, spent=micro_usd, pictures=pictures).movement], actor=OPERATOR)


def on(day, brand, micro_usd):
    """Spending of a day that is over, as its rollups say it."""
    for model in ("", "gpt-image-2"):
        SpendRollup.objects.create(
            day=day, brand_id=brand.pk, model=model, spent_micro_usd=micro_usd, pictures=1, calls=1
        )


def open_spend(client, **query):
    response = client.get(reverse(SPEND), query)
    page = Page.of(response)
    assert page.inline == []
    return page


def test_it_says_what_was_spent_by_day_model_and_brand(boss, brand):
    other = factories.make_bare_brand()
    bought(brand, 1_250_000, pictures=5)
    bought(other, 250_000, model="gpt-image-1-mini")
    page = open_spend(boss)
    for words in ("$1.50", "$1.25", "$0.25", "gpt-image-2", "gpt-image-1-mini", brand.name, other.name):
        assert words in page.text
    assert "Pictures bought 6" in page.text
    assert page.html.count('role="img"') == 1
    assert 'aria-labelledby="spend-days-t spend-days-d"' in page.html
    assert "<title id=" in page.html
    assert page.html.count('class="spend-table"') == 3


def test_one_brand_is_shown_alone_with_its_lines(boss, brand):
    bought(brand, 2_000_000)
    bought(factories.make_bare_brand(), 7_000_000)
    make_budget(OPERATOR_POLICY, brand=brand, period="day", soft_micro_usd=1_500_000, hard_micro_usd=3_000_000)
    make_budget(OPERATOR_POLICY, hard_micro_usd=90_000_000)
    page = open_spend(boss, brand=brand.slug)
    assert "$2.00" in page.text
    assert "$7.00" not in page.text
    assert "Limit a day: $3.00" in page.text
    assert "Warns from $1.50 a day" in page.text
    assert page.html.count('class="spend-hard"') == page.html.count('class="spend-soft" x1="0"') == 1
    assert "$1.00 left of $3.00" in page.text
    assert "Warns" in page.text


def test_periods_are_picked(boss, brand):
    today = datetime.now(UTC).date()
    for days in (0, 8, 45, 100):
        on(today - timedelta(days=days), brand, 10_010_000 + days * 10_000)
    spent = {days: usd(10_010_000 + days * 10_000) for days in (0, 8, 45, 100)}
    for period, seen in (("7", {0}), ("30", {0, 8}), ("90", {0, 8, 45})):
        html = open_spend(boss, period=period).html
        assert {days for days, words in spent.items() if f'<td class="spend-n">{words}</td>' in html} == seen, period
    gone = today - timedelta(days=100)
    page = open_spend(boss, period="free", since=gone.isoformat(), until=gone.isoformat())
    assert spent[100] in page.text
    assert spent[0] not in page.text


@pytest.mark.parametrize(
    "query",
    [
        {"period": "free", "since": "2026-11-09", "until": "2026-11-01"},
        {"period": "free", "since": "2001-01-01", "until": "2026-11-01"},
        {"period": "free", "since": "yesterday", "until": ""},
        {"period": "nonsense", "since": "\x00", "until": "<b>"},
    ],
)
def test_days_that_are_none_are_said_and_this_month_is_shown(boss, brand, query):
    bought(brand, 1_230_000)
    page = open_spend(boss, **query)
    assert "$1.23" in page.text
    assert ('role="alert"' in page.html) is (query["period"] == "free")


def test_nothing_spent_is_said_and_drawn_nowhere(boss, brand):
    page = open_spend(boss)
    assert "Nothing was spent in these days." in page.text
    assert "<svg" not in page.html.split('id="spend-day"')[1].split("</section>")[0]


def test_who_may_look(brand):
    theirs = factories.make_bare_brand()
    bought(brand, 1_110_000)
    bought(theirs, 2_220_000)
    manager = open_spend(signed_in(make_staff("manager", brand=brand)))
    assert "$1.11" in manager.text
    assert theirs.name not in manager.text
    assert "$2.22" not in manager.html
    for role, own in (("viewer", False), ("creator", False), ("reviewer", False), ("manager", True)):
        client = signed_in(make_staff(role, brand=brand, own_only=own))
        assert client.get(reverse(SPEND)).status_code == client.get(reverse(CSV)).status_code == 403
    client = signed_in(make_staff("manager", brand=brand))
    assert client.get(reverse(SPEND), {"brand": theirs.slug}).status_code == 404
    assert client.get(reverse(CSV), {"brand": theirs.slug}).status_code == 404
    client.user.user_permissions.remove(Permission.objects.get(codename="view_ledgerentry"))
    assert client.get(reverse(SPEND)).status_code == 403


def test_its_cost_does_not_grow(as_role, brand):
    client = as_role("manager")

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(SPEND)).status_code == 200
        return [row["sql"] for row in queries]

    bought(brand)
    make_budget(OPERATOR_POLICY, brand=brand, hard_micro_usd=1_000_000)
    before = cost()
    today = datetime.now(UTC).date()
    for n in range(1, 25):
        SpendRollup.objects.create(day=today, brand_id=brand.pk, model=f"model-{n}", spent_micro_usd=n)
    for _ in range(5):
        bought(brand)
        factories.make_job(brand, state="unknown")
        make_budget(OPERATOR_POLICY, brand=brand, user=make_staff("creator", brand=brand), hard_micro_usd=5)
    after = cost()
    assert len(after) == len(before)
    # Session, person and their permissions are Django's own.
    assert len([sql for sql in after if "image_studio_" in sql or "_TIMESTAMP(" in sql.upper()]) <= 12


def test_many_models_are_added_up_in_one_row(boss, brand):
    for n in range(1, 31):
        bought(brand, n * 10_000, model=f"model-{n:02}")
    page = open_spend(boss)
    assert "10 others" in page.text
    assert page.html.count('class="spend-share"') == 21 + 1


def test_csv_is_the_page_as_lines_and_starts_no_formula(boss, brand):
    bought(brand, 40_000, model="=cmd()")
    correct(OPERATOR_POLICY, brand, -1, note="＝HYPERLINK(1)")
    bought(factories.make_bare_brand(), 1)
    response = boss.get(reverse(CSV), {"brand": brand.slug})
    assert response.streaming
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment;")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert (first["model"], second["note"]) == ("'=cmd()", "'＝HYPERLINK(1)")
    assert Decimal(first["spent_usd"]) + Decimal(second["spent_usd"]) == Decimal("0.039999")
    assert boss.get(reverse(CSV), {"period": "free", "since": "2026-02-02", "until": "2026-01-01"}).status_code == 400


def test_a_stop_stands_on_top(boss, brand):
    stop_spending(OPERATOR_POLICY, brand, reason="The bill looks <b>wrong</b>.")
    page = open_spend(boss)
    assert f"Spending of {brand.name} is stopped by" in page.text
    assert "The bill looks <b>wrong</b>." in page.text
    assert "<b>wrong" not in page.html


def test_the_ledger_is_read_and_never_written(boss, brand):
    bought(brand, 40_000)
    entry = LedgerEntry.objects.get()
    page = Page.of(boss.get(reverse("admin:image_studio_ledgerentry_changelist")))
    assert "+$0.04" in page.text
    url = reverse("admin:image_studio_ledgerentry_change", args=[entry.pk])
    assert "+$0.04" in Page.of(boss.get(url)).text
    assert boss.post(url, {"spent": "1"}).status_code == 403
    assert boss.get(reverse("admin:image_studio_ledgerentry_add")).status_code == 403
    assert (
        boss.post(reverse("admin:image_studio_ledgerentry_delete", args=[entry.pk]), {"post": "yes"}).status_code == 403
    )


def test_people_read_their_own_entries_of_the_ledger(brand):
    creator, manager = (make_staff(role, brand=brand) for role in ("creator", "manager"))
    bought(brand, 1_110_000, user=str(creator.pk))
    bought(brand, 2_220_000)
    bought(factories.make_bare_brand(), 3_330_000)
    seen = {}
    for name, user in (("creator", creator), ("manager", manager)):
        text = Page.of(signed_in(user).get(reverse("admin:image_studio_ledgerentry_changelist"))).text
        seen[name] = {sum_ for sum_ in ("$1.11", "$2.22", "$3.33") if sum_ in text}
    assert seen == {"creator": {"$1.11"}, "manager": {"$1.11", "$2.22"}}


# Corrections --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("way", "changed"), [("more", 1_250_000), ("less", -1_250_000)])
def test_a_correction_is_an_entry_of_its_own_however_often_it_is_sent(boss, brand, way, changed):
    url = reverse("admin:image_studio_ledgerentry_correct")
    bought(brand, 2_000_000)
    form = Page.of(boss.get(url)).data(brand=brand.slug, amount="1.25", way=way, note="Bill of May")
    for _ in range(2):
        assert boss.post(url, form).status_code == 302
    entry = LedgerEntry.objects.exclude(kind="settle").get()
    assert (entry.kind, entry.spent_micro_usd, entry.note) == ("adjust", changed, "Bill of May")
    assert entry.actor_label == boss.user.get_username()
    assert usd(2_000_000 + changed) in open_spend(boss).text


@pytest.mark.parametrize(
    "wrong", [{"amount": ""}, {"amount": "0"}, {"amount": "x"}, {"note": ""}, {"way": "up"}, {"key": ""}]
)
def test_a_correction_that_says_too_little_is_not_entered(boss, brand, wrong):
    url = reverse("admin:image_studio_ledgerentry_correct")
    form = Page.of(boss.get(url)).data(brand=brand.slug, amount="1", way="more", note="Bill")
    assert "errorlist" in Page.of(boss.post(url, {**form, **wrong})).html
    assert not LedgerEntry.objects.exists()


def test_a_correction_counts_for_the_site_and_is_no_managers(as_role, brand):
    manager, url = as_role("manager"), reverse("admin:image_studio_ledgerentry_correct")
    assert url not in open_spend(manager).html
    assert manager.get(url).status_code == 403


# The drawing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("most", "end"), [(0, 10_000), (10_000, 10_000), (10_001, 20_000), (3_400_000, 5_000_000)])
def test_a_scale_ends_at_a_round_sum(most, end):
    assert nice(most) == end


def days_of(*spent):
    return [(date(2026, 11, 1) + timedelta(days=n), Cost(spent=one)) for n, one in enumerate(spent)]


def test_bars_are_as_high_as_what_was_spent():
    svg = str(days_plot(binned(days_of(500_000, 0, -20_000, 1_000_000)), []))
    heights = [float(found) for found in re.findall(r'class="spend-bar"[^>]* height="([\d.]+)"', svg)]
    assert heights[1] == pytest.approx(2 * heights[0])
    assert len(heights) == 2
    assert "1 Nov: $0.50" in svg
    assert "$1.48 in all." in svg


def test_a_limit_far_above_is_told_and_not_drawn():
    near, far = (Line(name="hard", words="Limit", per_day=n) for n in (2_000_000, 40_000_000))
    for line, drawn in ((near, 1), (far, 0)):
        svg = str(days_plot(binned(days_of(1_000_000)), [line]))
        assert svg.count('class="spend-hard"') == drawn
        assert "Limit." in svg


@pytest.mark.parametrize(("days", "bars"), [(120, 120), (121, 18), (1100, 37)])
def test_many_days_are_drawn_together(days, bars):
    found = binned(days_of(*[1_000] * days))
    assert len(found) == bars
    assert sum(one.cost.spent for one in found) == days * 1_000


@pytest.mark.parametrize("text", ["12.5", "$12.50", " 12.500000 "])
def test_dollars_are_read_as_people_type_them(text):
    assert micro(text) == 12_500_000
    assert micro(exact(12_500_001)) == 12_500_001


@pytest.mark.parametrize("text", [" ", "twelve", "1e400", "nan", "0.0000001", "inf", "-1", "١٢"])
def test_what_is_no_sum_is_refused(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        micro(text)
