"""Replace over the API: the places first, then the order, and what is refused."""

from __future__ import annotations

import pytest

from image_studio.models import Asset, Event
from tests import factories
from tests.api.conftest import is_problem
from tests.testapp.models import Article

pytestmark = pytest.mark.django_db
SIZE = (64, 48)


@pytest.fixture
def old(brand):
    return factories.make_asset(brand, SIZE, state="published", title="Old tin")


@pytest.fixture
def new(old):
    return factories.make_asset(old.brand, SIZE, state="published", title="New tin")


@pytest.fixture
def article(old):
    factories.make_channels("square")
    return Article.objects.create(title="Spring tea", picture=old, card=old)


def body(new, **more):
    return {"successor": str(new.pk), **more}


def test_the_places_are_listed_and_nothing_is_written(owner, old, new, article):
    before = Event.objects.count()
    found = owner.say(f"assets/{old.pk}/replace/preview/", body(new), status=200)
    card, picture = found["places"]
    assert card == {
        "field": "testapp.Article.card",
        "title": "Article: card",
        "count": 1,
        "takes": False,
        "code": "usage.other_brand",
        "message": "This picture belongs to another brand. Choose one of the brand acme.",
        "uses": [{"label": "Article: Spring tea", "url": f"/articles/{article.pk}/", "words": ""}],
    }
    assert (picture["takes"], picture["code"], picture["message"]) == (True, "", "")
    assert (found["moving"], found["staying"], found["elsewhere"]) == (1, 1, [])
    assert Event.objects.count() == before
    article.refresh_from_db()
    assert article.picture == old


def test_it_is_done_as_it_was_seen(owner, old, new, article):
    seen = owner.say(f"assets/{old.pk}/replace/preview/", body(new), status=200)
    done = owner.say(f"assets/{old.pk}/replace/", body(new, seen=seen["digest"], note="nicer"), status=200)
    assert (done["moving"], done["staying"], done["successor"]) == (1, 1, str(new.pk))
    article.refresh_from_db()
    assert (article.picture, article.card) == (new, old)
    event = Event.objects.get(verb="asset.replaced")
    assert (event.actor_label, event.data["note"]) == (owner.user.get_username(), "nicer")


def test_whole_and_changed_places_are_refused(owner, old, new, article):
    answer = owner.ask("POST", f"assets/{old.pk}/replace/", body(new, whole=True), status=409)
    assert is_problem(answer, 409, "replace.not_all")
    answer = owner.ask("POST", f"assets/{old.pk}/replace/", body(new, seen="0" * 32), status=409)
    assert is_problem(answer, 409, "replace.changed")
    article.refresh_from_db()
    assert article.picture == old


@pytest.mark.parametrize("path", ["replace/", "replace/preview/"])
def test_refusals_have_a_code(owner, as_role, old, new, article, path):
    for given, code, status in (
        (str(old.pk), "replace.same", 422),
        ("00000000-0000-7000-8000-000000000000", "usage.unknown", 422),
        (str(factories.make_asset(old.brand, SIZE).pk), "usage.not_published", 422),
    ):
        assert is_problem(owner.ask("POST", f"assets/{old.pk}/{path}", {"successor": given}), status, code)
    owner.ask("POST", f"assets/{old.pk}/{path}", {"successor": "nonsense"}, status=400)
    owner.ask("POST", f"assets/{old.pk}/{path}", {}, status=400)
    owner.ask("POST", f"assets/{old.pk}/{path}", {"successor": str(new.pk), "more": 1}, status=400)
    assert is_problem(as_role("creator").ask("POST", f"assets/{old.pk}/{path}", body(new)), 403, "policy.not_allowed")
    assert is_problem(owner.ask("POST", f"assets/{new.pk}/{path}", body(old)), 409, "replace.nowhere")
    assert Asset.objects.get(pk=old.pk).state == "published"
