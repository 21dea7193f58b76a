"""Where pictures are used: asked of the fields themselves, in few queries and always in the same order."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from image_studio.exceptions import InvalidRequest
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow.usage import Use, choosable, fields_in_use, judge_choice, took, uses_of
from tests import factories
from tests.testapp.models import Article, Concert, Event, Slide

pytestmark = pytest.mark.django_db
SIZE = (64, 48)


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {"DOORBELL": "poll", "PIXEL_THREADS": 1}


@pytest.fixture
def brand():
    return factories.make_bare_brand()


@pytest.fixture
def tin(brand):
    return factories.make_asset(brand, SIZE, state="published", title="Tea tin")


def test_fields_that_take_pictures_are_found_even_without_a_way_back():
    names = [f"{field.model.__name__}.{field.name}" for field in fields_in_use()]
    assert names == ["Article.card", "Article.picture", "Event.poster", "Slide.picture"]


def test_the_studios_own_rows_are_no_use(tin):
    factories.make_set(tin.brand, source=tin)
    assert uses_of([tin]) == {}


def test_a_use_has_a_name_and_an_address(tin):
    article = Article.objects.create(title="Spring tea", picture=tin)
    event = Event.objects.create(name="Tasting", poster=tin)
    slide = Slide.objects.create(article=article, picture=tin)
    assert uses_of([tin]) == {
        tin.pk: [
            Use(label="Article: Spring tea", url=f"/articles/{article.pk}/"),
            Use(label="Event: Tasting", url=f"/admin/testapp/event/{event.pk}/change/"),
            Use(label=f"Slide: slide {slide.pk}"),
        ]
    }


def test_a_page_with_two_of_it_is_one_place(tin):
    Article.objects.create(title="Spring tea", picture=tin, card=tin)
    assert [use.label for use in uses_of([tin.pk])[tin.pk]] == ["Article: Spring tea"]


def test_an_address_that_does_not_resolve_is_left_out(tin, settings):
    Event.objects.create(name="Tasting", poster=tin)
    settings.ROOT_URLCONF = "tests.testapp.urls"
    assert uses_of([tin])[tin.pk] == [Use(label="Event: Tasting")]


def test_rows_of_a_child_model_are_told_once(tin):
    Concert.objects.create(name="Song", hall="Large", poster=tin)
    assert [use.label for use in uses_of([tin])[tin.pk]] == ["Event: Song"]


def test_one_query_a_field_however_many_pictures(brand, django_assert_num_queries):
    assets = [factories.make_asset(brand, SIZE) for _ in range(3)]
    for asset in assets:
        for title in "ab":
            Article.objects.create(title=title, picture=asset)
    with django_assert_num_queries(len(fields_in_use())):
        found = uses_of(assets)
    assert [[use.label for use in found[asset.pk]] for asset in assets] == [["Article: a", "Article: b"]] * 3
    with django_assert_num_queries(0):
        assert uses_of([]) == {}


def test_taking_writes_the_time_of_these_only(brand, tin):
    other = factories.make_asset(brand, SIZE)
    assert took([tin, uuid.uuid4()]) == 1
    assert timezone.now() - Asset.objects.get(pk=tin.pk).used_at < timedelta(minutes=1)
    assert Asset.objects.get(pk=other.pk).used_at is None


def test_what_may_be_chosen_is_live_and_newest_first(brand, tin):
    square, _story = factories.make_channels("square", "story")
    newer = factories.make_asset(brand, SIZE, state="published", channel=square)
    foreign = factories.make_asset(factories.make_bare_brand(), SIZE, state="published")
    factories.make_asset(brand, SIZE, state="approved")
    factories.make_asset(brand, SIZE, state="published", expires_at=timezone.now() - timedelta(seconds=1))
    Asset.objects.filter(pk=tin.pk).update(words=tin.search_words())
    assert list(choosable()) == [foreign, newer, tin]
    assert list(choosable(policy=Policy(factories.make_user("viewer", brand=brand)))) == [newer, tin]
    assert list(choosable(policy=Policy(factories.make_user("viewer", brand=brand, own_only=True)))) == []
    assert list(choosable(brand=foreign.brand.slug)) == [foreign]
    assert list(choosable(channel="square")) == [newer]
    assert list(choosable(text="TEA tin")) == [tin]


def test_a_judgement_names_the_first_thing_that_is_wrong(brand, tin):
    member, outsider = (Policy(factories.make_user("viewer", brand=b)) for b in (brand, factories.make_bare_brand()))
    assert judge_choice(tin, policy=member, brand=brand.slug) == tin
    for asset, options, code in (
        (None, {}, "usage.unknown"),
        (tin, {"policy": outsider}, "usage.unknown"),
        (tin, {"brand": "other"}, "usage.other_brand"),
        (tin, {"channel": "square"}, "usage.other_channel"),
        (tin, {"offered": False}, "usage.not_offered"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            judge_choice(asset, **options)
        assert caught.value.code == code
