"""Money in a browser: every page of it for everybody, and a call in doubt from the first page to the ledger."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.urls import reverse

from image_studio import ledger, testing
from image_studio.models import Attempt, Budget, Job, LedgerEntry, SpendRollup
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow.spending import make_budget, stop_spending
from tests import factories
from tests.browser.chromium import axe, overflow
from tests.ledger.money import PRICE, order

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser
WINDOWS = [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")]
OPERATOR = Policy.operator()
BASE = "admin:image_studio_"
#: Micro-USD a day, the oldest first.
SPENT = (420_000, 0, 1_300_000, 2_450_000, 310_000, 0, 0, 1_720_000, 960_000, 3_100_000, 1_480_000, 700_000)
MODELS = {"gpt-image-2": 0.7, "gpt-image-1-mini": 0.3}


def spend_days(brand, share=1.0):
    """Spending of the last days, as the ledger and its rollups keep it."""
    today = datetime.now(UTC).date()
    for n, whole in enumerate(reversed(SPENT)):
        day, at = today - timedelta(days=n), datetime.now(UTC) - timedelta(days=n)
        for model, part in {"": 1.0, **MODELS}.items():
            spent = round(whole * share * part)
            SpendRollup.objects.create(
                day=day, brand_id=brand.pk, model=model, spent_micro_usd=spent, pictures=spent // 40_000, calls=3
            )
        LedgerEntry.objects.create(at=at, day=day, kind="settle", brand_id=brand.pk, spent_micro_usd=whole, model="one")


@pytest.fixture
def buying(studio, settings):
    """Set what the provider does next, here and in the workers."""

    def buying(*script, **options):
        rows = testing.fake_settings(ledger=studio / "books.jsonl", script=script, **options)
        settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, **rows, "BRAND_CHECKS": ()}
        (studio / "studio.json").write_text(json.dumps(settings.IMAGE_STUDIO))

    return buying


def work_apart():
    try:
        drain()
    finally:
        connections.close_all()


def ordered(brand, boss):
    """The only job of an order that was worked on."""
    made = order(brand, user=boss)
    # The browser's driver has a loop in this thread, and the work one of its own.
    with ThreadPoolExecutor(1) as apart:
        apart.submit(work_apart).result()
    return made.jobs.get()


@pytest.fixture
def doubtful(brand, boss, buying):
    """A job whose call may have been charged."""
    buying("unknown")
    job = ordered(brand, boss)
    assert job.state == "unknown"
    return job


@pytest.fixture
def addresses(brand, doubtful):
    """Every page of money, with something on each."""
    spend_days(brand)
    spend_days(factories.make_bare_brand("tea-house"), 0.4)
    make_budget(OPERATOR, brand=brand, soft_micro_usd=60_000_000, hard_micro_usd=75_000_000)
    make_budget(OPERATOR, hard_micro_usd=400_000_000)
    person = factories.make_user("creator", brand=brand, username="grace")
    own = make_budget(OPERATOR, brand=brand, user=person, period="day", soft_micro_usd=1_000, hard_micro_usd=2_000_000)
    Budget.objects.filter(pk=own.pk).update(spent_micro_usd=1_500_000)
    stop_spending(OPERATOR, brand, reason="The bill looks wrong; finance is asking.")
    spend = reverse(f"{BASE}ledgerentry_spend")
    return {
        "home": reverse("admin:app_list", args=["image_studio"]),
        "spend": f"{spend}?period=30",
        "spend of a brand": f"{spend}?period=30&brand={brand.slug}",
        "spend, nothing": f"{spend}?period=free&since=2020-01-01&until=2020-01-02",
        "ledger": reverse(f"{BASE}ledgerentry_changelist"),
        "entry": reverse(f"{BASE}ledgerentry_change", args=[LedgerEntry.objects.first().pk]),
        "unknown": reverse(f"{BASE}job_unknown"),
        "decide": reverse(f"{BASE}job_settle", args=[doubtful.pk]),
        "job": reverse(f"{BASE}job_change", args=[doubtful.pk]),
        "budgets": reverse(f"{BASE}budget_changelist"),
        "budget": reverse(f"{BASE}budget_change", args=[own.pk]),
        "new budget": reverse(f"{BASE}budget_add"),
        "correction": reverse(f"{BASE}ledgerentry_correct"),
        "switch": reverse(f"{BASE}ledgerentry_switch"),
        "sheet": reverse(f"{BASE}variantset_change", args=[doubtful.variant_set_id]),
        "generate": reverse(f"{BASE}variantset_generate") + f"?prompt={doubtful.variant_set.prompt_version.prompt_id}",
    }


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_every_page_of_money_can_be_used_by_everybody(open_page, boss, addresses, width, scheme):
    window = open_page(boss, width=width, scheme=scheme)
    found = {}
    for name, address in addresses.items():
        window.visit(address)
        window.page.wait_for_load_state("networkidle")
        window.page.evaluate("for (const fold of document.querySelectorAll('main details')) fold.open = true")
        found[name] = (axe(window.page), overflow(window.page))
    wrong = {name: judged for name, judged in found.items() if judged != ([], 0)}
    assert not wrong, json.dumps(wrong, indent=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_price_that_rose_is_told_where_one_looks_and_asked_again(open_page, boss, brand, buying, scheme):
    buying("refused")
    job = ordered(brand, boss)
    window = open_page(boss, scheme=scheme)
    window.watch.expects(409)
    window.visit(reverse(f"{BASE}variantset_change", args=[job.variant_set_id]))
    panel = window.inspect(window.page.locator(".studio-cell").first)
    buying("ok", price=3 * PRICE)
    panel.get_by_role("button", name="Retry (max $0.04)").click()
    told = panel.locator(".studio-inspect-told")
    expect(told).to_contain_text("You were told that this may cost $0.04 at most")
    assert axe(window.page) == []
    told.get_by_role("button", name="Show it as it is now").click()
    expect(panel.get_by_role("button", name="Retry (max $0.12)")).to_be_visible()
    # The bar's button still says the price of before, until it is pressed.
    window.page.locator("#bar-retry").click()
    expect(window.page.locator("#bar-retry")).to_have_text("Retry 1 cell (max $0.12)")
    job.refresh_from_db()
    assert (job.state, job.hold_micro_usd) == ("failed", 0)
    panel.get_by_role("button", name="Retry (max $0.12)").click()
    expect(window.page.locator(".studio-cell").first).to_contain_text("Waiting")
    job.refresh_from_db()
    assert (job.state, job.hold_micro_usd) == ("queued", 3 * PRICE)


def test_a_call_in_doubt_is_sent_again_and_the_one_before_written_off(
    open_page, boss, doubtful, buying, workers, studio
):
    buying("ok")
    window = open_page(boss)
    page = window.page
    window.home()
    page.get_by_role("link", name="Decide", exact=True).click()
    expect(page.get_by_text("$0.04 is held for it.")).to_be_visible()
    page.get_by_role("link", name="Decide").click()
    page.get_by_role("button", name="Send again: it may be charged twice").click()
    expect(page.get_by_text("Sent again, with a hold of its own.")).to_be_visible()
    workers.start()
    window.sheet(doubtful.variant_set_id)
    expect(window.cells("candidate").first).to_be_visible(timeout=60_000)
    assert len(testing.charges(studio / "books.jsonl")) == 2

    window.visit("job/unknown/")
    expect(page.get_by_text("It was sent again since")).to_be_visible()
    page.get_by_role("link", name="Decide").click()
    page.get_by_label("By the bill, in dollars:").check()
    page.get_by_label("Dollars on the bill").fill("0.03")
    page.get_by_label("How you know").fill("The bill of this month")
    page.get_by_role("button", name="Write off").click()
    expect(page.get_by_text("Written off. The ledger keeps what you said.")).to_be_visible()
    window.visit("job/unknown/")
    expect(page.get_by_text("No outcome is unknown.")).to_be_visible()
    window.visit("ledgerentry/spend/")
    expect(page.locator(".spend-figures")).to_contain_text("$0.07")
    assert Job.objects.get(pk=doubtful.pk).cost_micro_usd == PRICE + 30_000
    assert not Attempt.objects.filter(state="unknown").exists()
    assert ledger.outstanding() == 0
