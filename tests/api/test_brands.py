"""Brands and channels over the API: what a client must know to order, and nothing of other brands."""

from __future__ import annotations

import pytest

from image_studio.api import brands, channels
from image_studio.models import Brand, Channel
from tests import factories
from tests.api.conftest import API, is_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def full():
    return factories.make_brand()


def test_a_detail_says_what_an_order_needs(as_role, full):
    client = as_role("creator", of=full)
    row = client.read("brands/")["results"][0]
    assert set(row) == set(brands.BrandRow().fields)
    detail = client.read(row["url"])
    assert set(detail) == set(brands.BrandDetail().fields)
    assert detail == {**detail, **row}
    assert (detail["locales"], detail["default_locale"], detail["revision"]) == (["en", "ar"], "en", 1)
    assert detail["palette"][0] == {"name": "ink", "hex": "#12324a", "role": "primary"}
    lines = {line["key"]: line["words"] for line in detail["lines"]}
    assert lines["headline"] == {"en": "Fresh every day", "ar": "طازج كل يوم"}
    assert detail["channels"] == ["*"]
    assert (detail["roles"], detail["own_only"]) == (["creator"], False)
    assert {"generate", "view"} <= set(detail["verbs"])
    assert not {"review", "edit_kit"} & set(detail["verbs"])


def test_a_brand_without_a_kit_is_a_brand(full):
    bare = Brand.objects.create(slug="bare", name="Bare")
    detail = API(factories.make_user("viewer", brand=bare)).read("brands/bare/")
    assert (detail["revision"], detail["revision_id"], detail["palette"]) == (None, None, [])


def test_roles_come_from_groups_too(full):
    user = factories.make_user("viewer", brand=full, own_only=True)
    assert API(user).read(f"brands/{full.slug}/")["own_only"] is True
    group = factories.get_user_model().groups.field.related_model.objects.create(name="Reviewers")
    full.memberships.create(group=group, role="reviewer")
    user.groups.add(group)
    detail = API(user).read(f"brands/{full.slug}/")
    assert (detail["roles"], detail["own_only"]) == (["viewer", "reviewer"], False)


def test_a_superuser_is_in_every_brand(full, brand):
    boss = API(factories.make_user(is_superuser=True))
    assert len(boss.read("brands/")["results"]) == 2
    detail = boss.read(f"brands/{full.slug}/")
    assert (detail["roles"], "edit_members" in detail["verbs"]) == ([], True)


def test_brands_come_in_pages_by_slug(as_role):
    mine = [factories.make_bare_brand(f"b{number}") for number in range(3)]
    client = API(factories.make_user())
    for one in mine:
        one.memberships.create(user=client.user, role="viewer")
    first = client.read("brands/?limit=2")
    second = client.read(first["next"])
    assert [row["slug"] for page in (first, second) for row in page["results"]] == ["b0", "b1", "b2"]


def test_a_kit_keeps_its_history(as_role, full):
    kit, files = factories.kit_and_files(full.slug, voice="Warm")
    factories.add_revision(full, kit, files)
    rows = as_role("viewer", of=full).read(f"brands/{full.slug}/revisions/")["results"]
    assert [row["number"] for row in rows] == [2, 1]
    assert set(rows[0]) == set(brands.BrandRevisionRow().fields)
    assert rows[0]["digest"] == kit.digest


def test_another_brand_is_not_there(stranger, full, nobody):
    for path in (f"brands/{full.slug}/", f"brands/{full.slug}/revisions/", "brands/nowhere/"):
        is_problem(stranger.ask("GET", path), 404, "not_found")
        is_problem(nobody.ask("GET", path), 401, "auth.required")
    assert full.slug not in [row["slug"] for row in stranger.read("brands/")["results"]]


def test_nothing_is_written_here(as_role, full):
    client = as_role("manager", of=full)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in ("brands/", f"brands/{full.slug}/", "channels/", "channels/square/"):
            is_problem(client.ask(method, path, {}), 405, "method_not_allowed")


def test_the_location_of_files_stays_inside(as_role, full):
    client = as_role("viewer", of=full)
    text = client.ask("GET", f"brands/{full.slug}/", status=200).content.decode()
    text += client.ask("GET", f"brands/{full.slug}/revisions/", status=200).content.decode()
    for name in full.revision.files.values():
        assert name not in text


# Channels -----------------------------------------------------------------------------------------------------------


def test_channels_say_their_size_and_what_stays_visible(owner):
    factories.make_channels("square", "story", "newsletter")
    Channel.objects.filter(slug="newsletter").update(active=False)
    rows = owner.read("channels/")["results"]
    assert [row["slug"] for row in rows] == ["newsletter", "square", "story"]
    assert set(rows[0]) == set(channels.ChannelRow().fields)
    story = owner.read("channels/story/")
    assert story == rows[2]
    assert (story["width"], story["height"]) == (1080, 1920)
    assert set(story["safe"]) == {"top", "right", "bottom", "left"}
    assert [row["slug"] for row in owner.read("channels/?active=false")["results"]] == ["newsletter"]
    assert len(owner.read("channels/?active=true&limit=1")["results"]) == 1
    owner.ask("GET", "channels/?active=1", status=400)
    is_problem(owner.ask("GET", "channels/moon/"), 404, "not_found")


def test_channels_are_for_people_who_are_signed_in(nobody):
    is_problem(nobody.ask("GET", "channels/"), 401, "auth.required")
