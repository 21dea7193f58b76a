"""Looking through the library: what the filters mean, and pages that fit together and never count."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from image_studio.exceptions import InvalidRequest
from image_studio.models import Asset, BrandMembership, Review
from image_studio.policy import Policy
from image_studio.workflow.browse import MOST_BRANDS, MOST_COUNTED, Filters, counted, filtered, page, search, split
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()
NOW = timezone.now()


@pytest.fixture
def brand():
    return factories.make_bare_brand()


def rows_of(brand, count=1, **fields):
    """Rows without files: nothing here opens one."""
    values = {"kind": "raw", "origin": "upload", "file": "a.jpg", "sha256": "0" * 64, "weight": 1, "format": "jpeg"}
    values |= {"width": 40, "height": 30, **fields}
    return Asset.objects.bulk_create(Asset(brand=brand, **values) for _number in range(count))


def found(policy=OPERATOR, **filters):
    return set(filtered(policy, Filters(**filters)))


def walk(rows, sort, limit=3, **options):
    """Every page forward, and every page back again from the last."""
    forward, cursor = [], ""
    while True:
        one = page(rows, sort=sort, cursor=cursor, limit=limit, **options)
        forward.append(one)
        if not one.next:
            break
        cursor = one.next
    back = [forward[-1]]
    while back[-1].previous:
        back.append(page(rows, sort=sort, cursor=back[-1].previous, limit=limit, **options))
    return forward, back


# Filters -----------------------------------------------------------------------------------------------------------


def test_each_filter_keeps_what_it_names(brand):
    other = factories.make_bare_brand()
    (story,) = factories.make_channels("story")
    plain = rows_of(brand)[0]
    cases = {
        ("state", "rejected"): rows_of(brand, state="rejected")[0],
        ("kind", "composed"): rows_of(brand, kind="composed")[0],
        ("origin", "provider"): rows_of(brand, origin="provider")[0],
        ("locale", "ar"): rows_of(brand, locale="ar")[0],
        ("channel", "story"): rows_of(brand, channel=story)[0],
        ("source_type", "digitalCapture"): rows_of(brand, source_type="digitalCapture")[0],
        ("brand", other.slug): rows_of(other)[0],
        ("rights", "soon"): rows_of(brand, expires_at=NOW + timedelta(days=3))[0],
        ("rights", "over"): rows_of(brand, expires_at=NOW - timedelta(days=3))[0],
        ("used", "yes"): rows_of(brand, used_at=NOW)[0],
        ("q", "kettle"): rows_of(brand, words="a copper kettle")[0],
    }
    for (name, value), asset in cases.items():
        assert found(**{name: value}) == {asset}, name
        assert plain not in found(**{name: value})
    assert cases["used", "yes"] not in found(used="no")
    assert cases["rights", "over"] not in found(rights="open")
    assert len(found()) == len(cases) + 1


def test_a_wish_that_nobody_answered_is_found(brand):
    asset = rows_of(brand, 2)[0]
    wish = Review.objects.create(asset=asset, decision="change", note="warmer", sha256=asset.sha256)
    Asset.objects.filter(pk=asset.pk).update(change_asked=wish)
    assert found(asked="yes") == {asset}


def test_filters_hold_only_the_persons_pictures(brand):
    mine = rows_of(brand)[0]
    rows_of(factories.make_bare_brand())
    user = factories.make_user("viewer", brand=brand)
    assert found(Policy(user)) == {mine}
    own = factories.make_user("creator", brand=brand, own_only=True)
    theirs = rows_of(brand, created_by=own)[0]
    assert found(Policy(own)) == {theirs}


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("state=nonsense", ["state"]),
        ("brand='%20OR%201=1", ["brand"]),
        ("locale=../../etc", ["locale"]),
        ("rights=never&kind=raw", ["rights"]),
        ("state=%00candidate", []),
        ("q=%ED%A0%80%00x&page=2&whatever=1", []),
    ],
)
def test_what_makes_no_sense_is_left_out_and_named(query, wrong):
    filters, told = Filters.read(QueryDict(query))
    assert told == wrong
    assert not set(wrong) & set(filters.active)


def test_every_word_must_be_there_wherever_it_stands(brand):
    asset = rows_of(brand, words="spring tea\na tin beside a cup\nزجاجة حمراء")[0]
    rows_of(brand, words="spring water")
    rows = Asset.objects.all()
    assert list(search(rows, "TIN spring")) == [asset]
    assert list(search(rows, "حمراء")) == [asset]
    assert not search(rows, "spring bottle").exists()
    assert not search(rows, "100%").exists()
    assert search(rows, " \x00 ").count() == 2
    assert not search(rows, "\ud800 spring " * 500 + "x").filter(pk=asset.pk).count() > 1


def test_what_asks_for_attention_is_counted_up_to_a_limit(brand):
    rows_of(brand, MOST_COUNTED + 5, expires_at=NOW + timedelta(days=2))
    with CaptureQueriesContext(
        connection,
    ) as ran:
        assert counted(OPERATOR) == {"asked": 0, "soon": MOST_COUNTED}
    assert len(ran) == 2
    assert all("LIMIT 100" in query["sql"] and "COUNT(" not in query["sql"] for query in ran)
    assert all("ORDER BY" not in query["sql"] for query in ran)


# Pages -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["at once", "by brand", "few"])
@pytest.mark.parametrize("sort", ["new", "used", "price"])
def test_pages_hold_every_picture_once_in_order_both_ways(brand, sort, how):
    other = factories.make_bare_brand()
    made = [row for pair in zip(rows_of(brand, 6), rows_of(other, 6), strict=True) for row in pair][:11]
    Asset.objects.exclude(pk__in=[row.pk for row in made]).delete()
    for number, asset in enumerate(made[:7]):
        # Two of each: what is equal is parted by the id.
        values = {"used_at": NOW - timedelta(minutes=number // 2), "micro_usd": 1000 * (number // 2)}
        Asset.objects.filter(pk=asset.pk).update(**values)
    rank = {"new": _by_id, "used": _by_use, "price": _by_price}[sort]
    wanted = [asset.pk for asset in sorted(Asset.objects.all(), key=rank, reverse=True)]
    options = {"by brand": {"brands": split(OPERATOR, Filters())}, "few": {"few": True}}.get(how, {})
    forward, back = walk(filtered(OPERATOR, Filters()), sort, **options)
    assert [row.pk for one in forward for row in one.rows] == wanted
    assert [row.pk for one in reversed(back) for row in one.rows] == wanted
    assert (forward[0].previous, forward[-1].next, back[-1].previous) == ("", "", "")
    assert all(len(one.rows) == 3 for one in forward[:-1])


def _by_id(asset):
    return asset.pk


def _by_use(asset):
    """What no page ever took comes last."""
    return asset.used_at is not None, asset.used_at or NOW, asset.pk


def _by_price(asset):
    return asset.micro_usd, asset.pk


def test_a_page_stays_where_it_is_while_pictures_come_in(brand):
    rows_of(brand, 6)
    rows = filtered(OPERATOR, Filters())
    first = page(rows, limit=3)
    rows_of(brand, 4)
    second = page(rows, cursor=first.next, limit=3)
    assert not {row.pk for row in first.rows} & {row.pk for row in second.rows}
    assert len(second.rows) == 3


def test_exactly_one_page_has_no_next(brand):
    rows_of(brand, 3)
    only = page(filtered(OPERATOR, Filters()), limit=3)
    assert (len(only.rows), only.next, only.previous) == (3, "", "")
    assert page(filtered(OPERATOR, Filters(state="rejected"))).rows == []


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "new~f~0~~zz",
        "new~f~0~5~" + "0" * 32,
        "new~f~1~~" + "0" * 32,
        "used~f~0~~" + "0" * 32,
        "price~f~0~" + "9" * 19 + "~" + "0" * 32,
        "used~f~0~" + "9" * 18 + "~" + "0" * 32,
        "new~x~0~~" + "0" * 32,
        "new~f~0~~" + "0" * 32 + "\n",
        "new~f~0~٣~" + "0" * 32,
        "\x00",
    ],
)
@pytest.mark.parametrize("sort", ["new", "used", "price"])
def test_a_cursor_that_no_page_gave_is_refused(brand, sort, cursor):
    with pytest.raises(InvalidRequest, match=r"browse\.bad_cursor"):
        page(filtered(OPERATOR, Filters()), sort=sort, cursor=cursor)


def test_an_order_that_there_is_not_is_refused():
    with pytest.raises(InvalidRequest, match=r"browse\.unknown_sort"):
        page(Asset.objects.all(), sort="random()")


@pytest.mark.parametrize(("sort", "most"), [("new", 1), ("used", 2), ("price", 1)])
def test_a_page_costs_the_same_in_any_library_at_any_depth(brand, sort, most):
    rows = filtered(OPERATOR, Filters(state="candidate"))
    costs = []
    for count in (4, 40):
        rows_of(brand, count)
        cursor = ""
        for _step in range(3):
            with CaptureQueriesContext(connection) as ran:
                found = page(rows, sort=sort, cursor=cursor, limit=10)
            costs.append(len(ran))
            for query in ran:
                assert "COUNT(" not in query["sql"].upper()
                assert "LIMIT" in query["sql"]
                assert "OFFSET" not in query["sql"]
                assert "DISTINCT" not in query["sql"]
            cursor = found.next
    assert max(costs) <= most


def test_several_brands_are_asked_one_by_one_and_many_at_once(brand):
    user = factories.make_user("viewer", brand=brand)
    assert split(Policy(user), Filters()) == []
    second = factories.make_bare_brand()
    BrandMembership.objects.create(brand=second, user=user, role="viewer")
    factories.make_bare_brand()
    assert set(split(Policy(user), Filters())) == {brand.pk, second.pk}
    assert split(Policy(user), Filters(brand=brand.slug)) == split(Policy(user), Filters(asked="yes")) == []
    for _number in range(MOST_BRANDS):
        factories.make_bare_brand()
    assert split(OPERATOR, Filters()) == []


def test_a_page_by_brand_never_reads_more_than_it_shows(brand):
    other = factories.make_bare_brand()
    rows_of(brand, 30)
    rows_of(other, 30)
    with CaptureQueriesContext(connection) as ran:
        found = page(filtered(OPERATOR, Filters()), limit=5, brands=[brand.pk, other.pk])
    assert len(found.rows) == 5
    assert len(ran) == 3
    assert all("LIMIT 6" in query["sql"] and "COUNT(" not in query["sql"] for query in ran)
