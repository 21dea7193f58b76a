"""Usage by day, model and brand, whose it is, what an approved picture cost, and how many queries lists take."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from django.utils import timezone

from image_studio import testing
from image_studio.models import Asset, Review
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow.spending import make_budget
from tests import factories
from tests.api.conftest import API, is_problem
from tests.api.work import fresh_key
from tests.ledger.money import PLAIN, PRICE, order

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop(settings):
    settings.IMAGE_STUDIO = {**PLAIN, **testing.fake_settings()}


@pytest.fixture
def brand():
    return factories.make_brand()


@pytest.fixture
def boss(brand):
    return API(factories.make_user("manager", brand=brand))


@pytest.fixture
def mara(brand):
    return API(factories.make_user("creator", brand=brand))


def bought(brand, user=None, *, takes=1, key="one"):
    made = order(brand, user=user, takes=takes, key=key)
    drain()
    return made


def approve(asset, user):
    """A reviewer's word, twice: a picture counts once."""
    for _time in range(2):
        Review.objects.create(
            asset=asset,
            decision="approve",
            reviewer=user,
            reviewer_label="x",
            sha256=asset.sha256,
            revision=asset.brand.revision,
        )


def today():
    return timezone.now().astimezone(UTC).date()


def test_what_approved_pictures_cost_is_told_everywhere(brand, boss):
    made = bought(brand, takes=3)
    cell = made.variants.exclude(asset=None).select_related("asset__brand__revision").first()
    approve(cell.asset, boss.user)
    seen = boss.read(f"variant-sets/{made.pk}/")["cost"]
    wanted = {"spent": 3 * PRICE, "held": 0, "pictures": 3, "calls": 1, "approved": 1}
    assert seen == {**wanted, "per_picture": PRICE, "per_approved": 3 * PRICE}
    assert boss.read(f"jobs/{made.jobs.get().pk}/")["cost"] == seen
    report = boss.read("usage/?group=brand")
    (row,) = report["rows"]
    assert (row["key"], row["approved"], row["per_approved"]) == (brand.slug, 1, 3 * PRICE)
    assert (report["whose"], report["total"]["per_approved"]) == ("brands", 3 * PRICE)


def test_an_edit_chain_says_its_cost(brand, mara):
    body = {"brand": brand.slug, "prompt": {"instruction": "A cup", "route": "fake"}}
    made = mara.ask("POST", "chains/", body, status=202, idempotency_key=fresh_key()).json()
    (url,) = [row["url"] for row in mara.read("chains/")["results"]]
    assert made["url"].startswith(url)
    assert mara.read(url)["cost"] == {
        **dict.fromkeys(("spent", "pictures", "calls", "approved"), 0),
        **dict.fromkeys(("per_picture", "per_approved")),
        "held": PRICE,
    }
    drain()
    assert (mara.read(url)["cost"]["spent"], mara.read(url)["cost"]["held"]) == (PRICE, 0)


def test_groups_add_up_to_the_total(brand, boss):
    bought(brand, takes=2)
    for group in ("day", "model", "brand"):
        found = boss.read(f"usage/?group={group}")
        assert sum(row["spent"] for row in found["rows"]) == found["total"]["spent"] == 2 * PRICE
    since = today() - timedelta(days=9)
    days = boss.read(f"usage/?since={since}")["rows"]
    assert [row["key"] for row in days] == [str(since + timedelta(days=n)) for n in range(10)]
    assert [row["spent"] for row in days][-1] == 2 * PRICE
    assert boss.read(f"usage/?since={since}&until={since}")["total"]["spent"] == 0


def test_members_see_their_own(brand, boss, mara):
    bought(brand, mara.user, key="hers")
    bought(brand, boss.user, takes=4, key="his")
    for query in ("", f"&brand={brand.slug}"):
        for group in ("day", "model", "brand"):
            found = mara.read(f"usage/?group={group}{query}")
            assert (found["whose"], found["total"]["spent"]) == ("own", PRICE)
            assert sum(row["spent"] for row in found["rows"]) == PRICE
    assert {row["spent_micro_usd"] for row in mara.read("ledger/?kind=settle")["results"]} == {PRICE}
    assert boss.read("usage/")["total"]["spent"] == 5 * PRICE
    is_problem(mara.ask("GET", f"ledger/csv/?brand={brand.slug}"), 403, "policy.not_allowed")


def test_own_pictures_that_were_approved_count(brand, boss, mara):
    made = bought(brand, mara.user)
    approve(Asset.objects.select_related("brand__revision").get(variants__variant_set=made), boss.user)
    (row,) = mara.read("usage/?group=brand")["rows"]
    assert (row["approved"], row["per_approved"]) == (1, PRICE)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("since=2027-05-02&until=2027-05-01", 422, "spend.bad_span"),
        ("since=1999-01-01", 422, "spend.bad_span"),
        ("since=2027-02-30", 400, "request.invalid"),
        ("until=tomorrow", 400, "request.invalid"),
        ("group=week", 400, "request.invalid"),
        ("brand=nobodys", 404, "not_found"),
        ("sinse=2027-05-01", 400, "request.invalid"),
    ],
)
def test_a_query_that_makes_no_sense(boss, query, status, code):
    is_problem(boss.ask("GET", f"usage/?{query}"), status, code)


def test_the_ledger_is_narrowed_and_paged(brand, boss):
    made = bought(brand)
    bought(factories.make_brand(), key="other")
    job = made.jobs.get().pk
    for query in (f"job={job}", f"variant_set={made.pk}", f"brand={brand.slug}", f"since={today()}&until={today()}"):
        assert [row["job"] for row in boss.read(f"ledger/?{query}")["results"]] == [str(job)] * 2, query
    first = boss.read("ledger/?limit=1")
    second = boss.read(first["next"])
    assert [page["results"][0]["kind"] for page in (first, second)] == ["settle", "hold"]
    assert second["next"] is None
    is_problem(boss.ask("GET", "ledger/?job=1"), 400, "request.invalid")


@pytest.mark.parametrize(("path", "most"), [("budgets/", 4), ("ledger/", 4), ("unknowns/", 4), ("usage/", 8)])
def test_more_rows_take_no_more_queries(brand, boss, path, most, settings, django_assert_max_num_queries):
    script = ("unknown",) if path == "unknowns/" else ("ok",)
    settings.IMAGE_STUDIO = {**PLAIN, **testing.fake_settings(script=script)}
    for period in ("day", "month", "ever"):
        make_budget(Policy.operator(), brand=brand, period=period, hard_micro_usd=10**9)
        bought(brand, key=period)
    with django_assert_max_num_queries(most):
        found = boss.read(path)
    assert len(found.get("results", found.get("rows"))) >= (1 if path == "usage/" else 3)
