"""The library of somebody in several brands: asked brand by brand, answered as one list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from image_studio.models import Asset, BrandMembership
from image_studio.policy import MOST_APART, Policy
from tests import factories
from tests.api.conftest import API

pytestmark = pytest.mark.django_db
USED = datetime(2026, 5, 1, tzinfo=UTC)
KEYS = {
    "new": lambda asset: (asset.pk.hex,),
    "used": lambda asset: (asset.used_at is not None, asset.used_at or USED, asset.pk.hex),
    "price": lambda asset: (asset.micro_usd, asset.pk.hex),
}


@pytest.fixture
def shelf():
    """Rows of four brands by turns, some never used and of few prices; a member of two, of their own in a third."""
    brands = [factories.make_bare_brand() for _ in range(4)]
    me, other = factories.make_user("viewer", brand=brands[0]), factories.make_user()
    BrandMembership.objects.create(brand=brands[1], user=me, role="creator")
    BrandMembership.objects.create(brand=brands[2], user=me, role="creator", own_only=True)
    row = {"kind": "raw", "origin": "upload", "weight": 1, "format": "png", "width": 9, "height": 9}
    Asset.objects.bulk_create(
        Asset(
            brand=brands[number % 4],
            created_by=me if number % 3 == 0 else other,
            file=f"raw/{number}",
            sha256=f"{number:064x}",
            micro_usd=number % 5,
            used_at=USED + timedelta(days=number % 7) if number % 3 else None,
            state="approved" if number % 2 else "candidate",
            **row,
        )
        for number in range(72)
    )
    return me


def walk(api, url, way="next"):
    """The ids of all pages from one on."""
    found = []
    while url:
        page = api.read(url)
        rows = [row["id"] for row in page["results"]]
        found += rows if way == "next" else rows[::-1]
        url = page[way]
    return found


def expected(user, sort, **narrowed):
    rows = Policy(user).visible(Asset.objects.filter(**narrowed))
    return [str(asset.pk) for asset in sorted(rows, key=KEYS[sort], reverse=True)]


@pytest.mark.parametrize("sort", KEYS)
def test_all_pages_are_the_whole_list_in_order(shelf, sort):
    assert walk(API(shelf), f"assets/?sort={sort}&limit=7") == expected(shelf, sort)
    assert len(expected(shelf, sort)) == 42


@pytest.mark.parametrize("sort", KEYS)
def test_the_way_back_is_the_way_there(shelf, sort):
    api = API(shelf)
    url, last = f"assets/?sort={sort}&limit=7", ""
    while url:
        last, url = url, api.read(url)["next"]
    assert walk(api, last, "previous")[::-1] == expected(shelf, sort)


def test_filters_narrow_every_brand(shelf):
    found = walk(API(shelf), "assets/?sort=price&limit=4&state=approved")
    assert found == expected(shelf, "price", state="approved")


def test_who_is_in_too_many_brands_sees_the_same(shelf):
    for _ in range(MOST_APART):
        BrandMembership.objects.create(brand=factories.make_bare_brand(), user=shelf, role="viewer")
    assert walk(API(shelf), "assets/?sort=used&limit=20") == expected(shelf, "used")


def test_three_queries_whatever_the_brands(shelf, django_assert_num_queries):
    api = API(shelf)
    with django_assert_num_queries(3) as seen:
        api.read("assets/?limit=5")
    assert not any("COUNT(" in query["sql"] for query in seen.captured_queries)
