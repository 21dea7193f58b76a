"""The review queue: what waits for whom, in which order, at what cost; and what a picture is judged beside."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from image_studio.exceptions import NotAllowed
from image_studio.models import Asset, BrandMembership, CheckResult, Variant
from image_studio.policy import Policy
from image_studio.workflow import approve, change_this, reject, shortlist
from image_studio.workflow.queue import board, hindrance, look, review_queue
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()
SMALL = (120, 90)


@pytest.fixture
def brand():
    return factories.make_bare_brand()


@pytest.fixture
def cells(brand):
    return make_cells(brand)


def make_cells(brand, n=4, **fields):
    """Composed pictures on a contact sheet, oldest first."""
    channels = factories.make_channels()
    made = factories.make_set(brand, channels=channels[: (n + 1) // 2], locales=("en", "ar"))
    found = []
    for cell in made.variants.order_by("position")[:n]:
        asset = factories.make_asset(
            brand, SMALL, kind="composed", origin="compose", channel=cell.channel, locale=cell.locale, **fields
        )
        Variant.objects.filter(pk=cell.pk).update(asset=asset, state="ready")
        found.append(asset)
    return found


def queued(policy=OPERATOR, **options):
    return list(review_queue(policy, **options).assets)


def test_the_oldest_comes_first(cells):
    assert queued() == cells


def test_decided_pictures_leave(cells):
    approve(OPERATOR, cells[0], declaration=factories.DECLARED)
    reject(OPERATOR, cells[1], reason="quality")
    change_this(OPERATOR, cells[2], note="warmer")
    shortlist(OPERATOR, cells[3])
    assert queued() == [cells[3]]


def test_what_can_never_go_out_does_not_wait(cells):
    Asset.objects.filter(pk=cells[0].pk).update(publishable=False)
    Asset.objects.filter(pk=cells[1].pk).update(expires_at=factories.long_ago())
    assert queued() == cells[2:]


def test_sources_and_replaced_compositions_do_not_wait(brand, cells):
    factories.make_asset(brand, SMALL)
    factories.make_asset(brand, SMALL, origin="provider")
    newer = factories.make_asset(brand, SMALL, kind="composed")
    Variant.objects.filter(asset=cells[0]).update(asset=newer)
    assert queued() == [*cells[1:], newer]


@pytest.mark.parametrize(("role", "sees"), [("viewer", 0), ("creator", 0), ("reviewer", 4), ("manager", 4)])
def test_only_reviewers_have_a_queue(brand, cells, role, sees):
    make_cells(factories.make_bare_brand(), 2)
    policy = Policy(factories.make_user(role, brand=brand))
    assert queued(policy) == cells[:sees]


def test_members_with_own_pictures_only_review_those(brand, cells):
    user = factories.make_user("reviewer", brand=brand, own_only=True)
    (own,) = make_cells(brand, 1, created_by=user)
    assert queued(Policy(user)) == [own]
    # A second membership lets them look at everything, and review no more than before.
    group = user.groups.create(name="lookers")
    BrandMembership.objects.create(brand=brand, group=group, role="viewer")
    assert queued(Policy(user)) == [own]


def test_own_pictures_are_found_behind_those_that_one_may_only_look_at(brand):
    user = factories.make_user("viewer", brand=brand)
    group = Group.objects.create(name="Authors")
    group.user_set.add(user)
    BrandMembership.objects.create(brand=brand, group=group, role="reviewer", own_only=True)
    make_cells(brand, 3)
    (mine,) = make_cells(brand, 1, created_by=user)
    found = review_queue(Policy(user), limit=1)
    assert (list(found.assets), found.more) == ([mine], False)


def test_a_brand_narrows_it(brand, cells):
    other = factories.make_bare_brand()
    theirs = make_cells(other, 1)
    assert queued(brand=other) == theirs
    assert queued(brand=brand) == cells
    assert queued(Policy(factories.make_user("viewer", brand=brand)), brand=brand) == []


def test_pages_follow_each_other_without_counting(cells):
    first = review_queue(OPERATOR, limit=3)
    assert (list(first.assets), first.more, first.said) == (cells[:3], True, "3+")
    with CaptureQueriesContext(connection) as queries:
        rest = review_queue(OPERATOR, limit=3, after=cells[2].pk)
    assert (list(rest.assets), rest.more, rest.said) == (cells[3:], False, "1")
    assert len(queries) == 2  # the person's brands, and the page
    assert not [query for query in queries if "COUNT(" in query["sql"].upper()]


def test_a_picture_is_judged_beside_its_source_and_what_went_before(brand, cells):
    source = factories.make_asset(brand, SMALL)
    made = cells[0].variants.get().variant_set
    made.source = source
    made.save()
    older = factories.make_asset(
        brand, SMALL, kind="composed", channel=cells[0].channel, locale=cells[0].locale, state="approved"
    )
    elsewhere = {"kind": "composed", "channel": cells[0].channel, "locale": "en", "state": "published"}
    factories.make_asset(factories.make_bare_brand(), SMALL, **elsewhere)
    found = board(OPERATOR, look(OPERATOR, cells[0].pk))
    assert (found.source, found.previous) == (source, older)
    assert (found.earlier, found.later) == (None, cells[1])
    assert list(found.strip.assets) == cells


def test_the_raw_parent_stands_in_where_there_was_no_source(brand):
    parent = factories.make_asset(brand, SMALL, origin="provider")
    (asset,) = make_cells(brand, 1, parent=parent)
    assert board(OPERATOR, look(OPERATOR, asset.pk)).source == parent


def test_a_source_that_one_may_not_see_is_not_shown(brand):
    user = factories.make_user("reviewer", brand=brand, own_only=True)
    parent = factories.make_asset(brand, SMALL)
    (own,) = make_cells(brand, 1, parent=parent, created_by=user)
    assert board(Policy(user), look(Policy(user), own.pk)).source is None


def test_a_strip_shows_a_window_of_the_queue(brand, monkeypatch):
    monkeypatch.setattr("image_studio.workflow.queue.BEFORE", 1)
    monkeypatch.setattr("image_studio.workflow.queue.LIMIT", 3)
    cells = make_cells(brand, 6)
    found = board(OPERATOR, look(OPERATOR, cells[2].pk))
    assert list(found.strip.assets) == cells[1:5]
    assert found.strip.more
    assert (found.earlier, found.later) == (cells[1], cells[3])


def test_a_board_costs_the_same_whatever_waits(brand, cells):
    policy = Policy(factories.make_user("reviewer", brand=brand))
    policy.brands("review")  # memberships are read once a request

    def cost():
        with CaptureQueriesContext(connection) as queries:
            board(policy, look(policy, cells[1].pk))
        assert not [query for query in queries if "COUNT(" in query["sql"].upper()]
        return len(queries)

    before = cost()
    make_cells(brand, 6)
    assert cost() == before <= 8


def test_other_brands_pictures_do_not_exist(cells):
    stranger = Policy(factories.make_user("manager", brand=factories.make_bare_brand()))
    assert look(stranger, cells[0].pk) is None
    with pytest.raises(NotAllowed):
        board(stranger, cells[0])


def test_hindrances_are_told_before_anybody_tries(brand, cells):
    asset = cells[0]
    reviewer = Policy(factories.make_user("reviewer", brand=brand))
    assert hindrance(reviewer, asset, []) is None
    creator = Policy(factories.make_user("creator", brand=brand))
    assert hindrance(creator, asset, [])[0] == "policy.not_allowed"
    failed = CheckResult(asset=asset, check_name="logo", verdict="fail", blocks=True)
    assert hindrance(reviewer, asset, [failed]) == ("asset.blocked", {"checks": "logo"})
    asset.publishable = False
    assert hindrance(reviewer, asset, [failed])[0] == "asset.never_published"
    asset.publishable, asset.expires_at = True, factories.long_ago()
    assert hindrance(reviewer, asset, [])[0] == "asset.expired"
    asset.state = "published"
    assert hindrance(reviewer, asset, []) is None


def test_who_asked_is_told_that_a_second_person_decides():
    brand = factories.make_brand(second_person=True)
    user = factories.make_user("reviewer", brand=brand)
    (asset,) = make_cells(brand, 1, created_by=user)
    assert hindrance(Policy(user), asset, [])[0] == "review.same_person"
    assert hindrance(Policy(factories.make_user("reviewer", brand=brand)), asset, []) is None
