"""The picture picker in the admin: its control without a script, and what its dialog is told."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from django.utils.html import escape

from image_studio.admin.picking import PER_PAGE
from image_studio.models import Asset
from tests import factories
from tests.admin.browser import Page
from tests.admin.conftest import make_staff, signed_in
from tests.testapp.models import Article

pytestmark = pytest.mark.django_db
PICK = "/admin/image_studio/asset/pick/"
SIZE = (64, 48)


def make_live(brand, **fields):
    asset = factories.make_asset(brand, SIZE, **{"state": "published", **fields})
    Asset.objects.filter(pk=asset.pk).update(words=asset.search_words())
    return asset


def many(asset, count):
    """Copies of a row: pictures that need no file."""
    row = Asset.objects.filter(pk=asset.pk).values()[0]
    return Asset.objects.bulk_create([Asset(**{**row, "id": uuid.uuid4(), "title": f"Copy {n}"}) for n in range(count)])


def ask(client, status=200, **query):
    answer = client.get(PICK, query, headers={"accept": "application/json"})
    assert answer.status_code == status
    return answer.json()


def titles(answer):
    return [picture["title"] for picture in answer["pictures"]]


@pytest.fixture
def editor(brand):
    """Somebody who writes articles, and may look at pictures."""
    user = make_staff("viewer", brand=brand)
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="testapp"))
    return signed_in(user)


# What the dialog is told ------------------------------------------------------------------------------------------


def test_only_live_pictures_of_the_persons_brands_are_offered(editor, brand):
    square = factories.make_channels("square")[0]
    tin = make_live(brand, title="Tea tin", channel=square, locale="en")
    make_live(brand, title="Draft", state="candidate")
    make_live(brand, title="Over", expires_at=timezone.now() - timedelta(seconds=1))
    make_live(factories.make_bare_brand(), title="Of others")
    answer = ask(editor)
    assert titles(answer) == ["Tea tin"]
    assert answer["pictures"][0] == {
        "id": str(tin.pk),
        "title": "Tea tin",
        "facts": f"{brand.name}, {square.name}, en, 64\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}48",
        "alt": "A red bottle on a table",
        "state": "published",
        "label": "Published",
        "thumb": f"/admin/image_studio/asset/{tin.pk}/picture/preview/",
        "width": 64,
        "height": 48,
    }
    assert editor.get(answer["pictures"][0]["thumb"]).status_code == 200
    assert answer["said"] == "1 picture"


def test_words_brand_and_channel_narrow(editor, boss, brand):
    make_live(brand, title="Tea tin")
    make_live(brand, title="Coffee cup", channel=factories.make_channels("square")[0])
    foreign = make_live(factories.make_bare_brand(), title="Of others")
    assert titles(ask(editor, q="TEA tin")) == ["Tea tin"]
    assert titles(ask(editor, channel="square")) == ["Coffee cup"]
    assert titles(ask(boss, brand=foreign.brand.slug)) == ["Of others"]
    assert titles(ask(editor, brand=foreign.brand.slug)) == []
    nothing = ask(editor, q="zebra")
    assert nothing["pictures"] == []
    assert "zebra" in nothing["said"]


def test_pages_follow_each_other_to_the_end(editor, brand):
    rows = [make_live(brand), *many(make_live(brand), PER_PAGE)]
    seen, after = [], ""
    for _ in range(3):
        answer = ask(editor, after=after) if after else ask(editor)
        seen += [picture["id"] for picture in answer["pictures"]]
        after = answer["next"]
        if not after:
            break
    assert len(seen) == len(set(seen)) == len(rows) + 1
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(("count", "queries"), [(1, 6), (20, 6)])
def test_the_cost_is_the_same_for_any_number(editor, brand, django_assert_max_num_queries, count, queries):
    many(make_live(brand), count)
    with django_assert_max_num_queries(queries):
        ask(editor)


@pytest.mark.parametrize("after", ["nonsense", "\x00", "7", "%ED%A0%80"])
def test_a_place_that_is_none_is_a_sentence(editor, after):
    answer = ask(editor, 400, after=after)
    assert answer["code"] == "usage.bad_place"
    assert answer["message"].endswith(".")


@pytest.mark.parametrize("junk", ["%", "_" * 5000, "'", "\\", "zebra\x00"])
def test_any_words_are_only_words(editor, brand, junk):
    make_live(brand)
    assert ask(editor, q=junk)["pictures"] == []
    assert ask(editor, brand=junk, channel=junk)["pictures"] == []


def test_the_dialog_comes_once_and_offers_generating_to_who_may(editor, as_role, brand):
    assert "dialog" not in ask(editor)
    watching = Page(ask(editor, dialog="1")["dialog"])
    making = Page(ask(as_role("creator"), dialog="1")["dialog"])
    assert "/admin/image_studio/variantset/generate/" not in watching.links
    assert "/admin/image_studio/variantset/generate/" in making.links
    assert watching.inline == making.inline == []


def test_strangers_are_sent_to_sign_in(client, brand):
    make_live(brand)
    assert client.get(PICK).status_code == 302
    client.force_login(factories.make_user("manager", brand=brand))
    assert client.get(PICK).status_code == 302


def test_staff_without_the_permission_are_told(client, brand):
    client.force_login(factories.make_user("manager", brand=brand, is_staff=True))
    assert ask(client, 403)["code"] == "policy.not_allowed"


def test_nothing_can_be_posted_to_it(editor):
    assert editor.post(PICK).status_code == 405


def test_a_member_of_no_brand_is_offered_nothing(as_role, brand):
    make_live(brand)
    assert ask(as_role("manager", of=factories.make_bare_brand()))["pictures"] == []


# The control in the site's own forms --------------------------------------------------------------------------------


def test_an_article_takes_a_picture_without_a_script(editor, brand):
    tin = make_live(brand, title="Tea tin")
    page = Page.of(editor.get("/admin/testapp/article/add/"))
    assert page.inline == []
    sent = page.data(title="Spring tea", picture=str(tin.pk), **{"slides-0-picture": str(tin.pk)})
    answer = editor.post("/admin/testapp/article/add/", sent)
    assert answer.status_code == 302, Page(answer.content.decode()).text
    article = Article.objects.get()
    assert article.picture == tin
    assert [slide.picture for slide in article.slides.all()] == [tin]


def test_the_control_of_a_new_row_is_ready_to_be_copied(editor, brand):
    make_live(brand)
    html = editor.get("/admin/testapp/article/add/").content.decode()
    empty = re.search(r'id="slides-empty".*?</tr>', html, re.DOTALL)[0]
    assert 'name="slides-__prefix__-picture"' in empty
    assert "studio-picker" in empty
    ids = re.findall(r'\bid="([^"]+)"', empty)
    assert all("__prefix__" in one for one in ids if one != "slides-empty")


def test_a_chosen_picture_is_shown_with_title_and_state(editor, brand):
    tin = make_live(brand, title="Tea tin")
    article = Article.objects.create(title="Spring tea", picture=tin)
    page = Page.of(editor.get(f"/admin/testapp/article/{article.pk}/change/"))
    assert "Tea tin" in page.texts
    assert "Published" in page.texts
    assert f'data-pick="{PICK}"' in page.html
    assert f"/asset/{tin.pk}/picture/preview/" in page.html  # nothing is rendered for the public here: the team's view


def test_a_withdrawn_picture_is_kept_and_explained(editor, brand):
    tin = make_live(brand, title="Tea tin")
    article = Article.objects.create(title="Spring tea", picture=tin)
    Asset.objects.filter(pk=tin.pk).update(state="withdrawn")
    url = f"/admin/testapp/article/{article.pk}/change/"
    page = Page.of(editor.get(url))
    assert "The page shows nothing here." in page.text
    assert editor.post(url, page.data(title="Summer tea")).status_code == 302
    article.refresh_from_db()
    assert (article.title, article.picture_id) == ("Summer tea", tin.pk)


def test_a_picture_of_another_brand_is_refused_and_nothing_is_lost(editor, brand):
    make_live(brand)
    foreign = make_live(factories.make_bare_brand(), title="Of others")
    page = Page.of(editor.get("/admin/testapp/article/add/"))
    assert "Of others" not in page.html
    answer = editor.post("/admin/testapp/article/add/", page.data(title="Spring tea", picture=str(foreign.pk)))
    again = Page.of(answer)
    assert "There is no such picture here." in again.text
    assert "Of others" not in again.html
    assert again.data()["title"] == ["Spring tea"]
    assert not Article.objects.exists()


def test_titles_are_only_text(editor, brand):
    canary = '"><img src=x onerror=alert(1)>'
    tin = make_live(brand, title=canary, alt={"en": canary})
    article = Article.objects.create(title="Tea", picture=tin)
    page = Page.of(editor.get(f"/admin/testapp/article/{article.pk}/change/"))
    assert page.inline == []
    assert "<img src=x" not in page.html
    assert escape(canary) in page.html
    assert ask(editor)["pictures"][0]["title"] == canary


def test_an_admin_that_did_not_ask_for_rights_still_takes_only_live_pictures(boss, brand):
    draft = make_live(brand, state="candidate", title="Secret")
    page = Page.of(boss.get("/admin/testapp/event/add/"))
    answer = boss.post("/admin/testapp/event/add/", page.data(name="Tasting", poster=str(draft.pk)))
    again = Page.of(answer)
    assert "not published yet" in again.text
    assert "Secret" not in again.html
