"""The plugin's form and its list: what may be chosen, by whom, and for which place."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from cms.models import Page
from django.apps import apps
from django.contrib.sites.models import Site
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from image_studio.brand.kit import Term
from image_studio.contrib.djangocms.models import StudioPicture
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import withdraw
from tests import factories
from tests.sites.djangocms import pages
from tests.sites.djangocms.conftest import make_editor, make_live
from tests.sites.pictures import make_candidate

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def content(boss):
    return pages.make_page(boss)


@pytest.fixture
def editor(brand, client):
    user = make_editor(brand)
    client.force_login(user)
    return user


def send(client, place, asset, **fields):
    """Add the plugin as the CMS's window does. Returns what the form finds wrong."""
    where = {"placeholder_id": place.pk, "plugin_language": "en", "plugin_position": 1, "cms_path": "/"}
    query = urlencode({"plugin_type": "StudioPicturePlugin", **where})
    data = {"picture": asset.pk, "use": "default", **fields}
    return wrong(client.post(f"/admin/cms/placeholder/add-plugin/?{query}", data))


def change(client, plugin, **fields):
    data = {"picture": plugin.picture.pk, "use": "default", **fields}
    return wrong(client.post(f"/admin/cms/placeholder/edit-plugin/{plugin.pk}/?cms_path=/", data))


def wrong(answer):
    assert answer.status_code == 200, answer.content[:300]
    form = (answer.context_data or {}).get("adminform")
    return {name: " ".join(errors) for name, errors in form.form.errors.items()} if form else {}


def offered(client, **query):
    answer = client.get(reverse("admin:image_studio_djangocms_pick"), query)
    return [picture["title"] for picture in answer.json()["pictures"]]


# What a draft takes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["candidate", "shortlisted", "approved"])
def test_a_draft_takes_a_picture_that_waits(content, editor, brand, client, state):
    asset = make_candidate(brand)
    Asset.objects.filter(pk=asset.pk).update(state=state)
    assert send(client, pages.place(content), asset) == {}
    assert StudioPicture.objects.get().picture == asset


@pytest.mark.parametrize("fields", [{"state": "rejected"}, {"publishable": False}])
def test_a_draft_takes_nothing_that_can_never_come(content, editor, brand, client, fields):
    asset = make_candidate(brand)
    Asset.objects.filter(pk=asset.pk).update(**fields)
    assert "not published" in send(client, pages.place(content), asset)["picture"]
    assert not StudioPicture.objects.exists()


def test_a_place_without_drafts_takes_published_pictures_only(content, editor, brand, client, monkeypatch):
    """Content that nobody registered with versioning is live the moment it is saved."""
    extension = apps.get_app_config("djangocms_versioning").cms_extension
    monkeypatch.setattr(extension, "is_content_model_versioned", lambda model: False)
    assert "not published" in send(client, pages.place(content), make_candidate(brand))["picture"]
    assert not StudioPicture.objects.exists()
    assert send(client, pages.place(content), make_live(brand)) == {}


def test_pictures_of_other_brands_are_not_there(content, editor, brand, client):
    other = factories.make_brand("other")
    for asset in (make_candidate(other), make_live(other)):
        assert "no such picture" in send(client, pages.place(content), asset)["picture"]


def test_the_channel_narrows(content, editor, brand, client):
    square, story = factories.make_channels("square", "story")
    asset = make_candidate(brand, channel=square)
    assert "channel story" in send(client, pages.place(content), asset, channel=story.pk)["picture"]
    assert send(client, pages.place(content), asset, channel=square.pk) == {}


def test_what_the_page_has_may_stay(content, editor, brand, client):
    asset = make_live(brand)
    assert send(client, pages.place(content), asset) == {}
    withdraw(Policy.operator(), asset)
    plugin = StudioPicture.objects.get()
    assert change(client, plugin, alignment="left") == {}
    assert StudioPicture.objects.get().alignment == "left"


# Words and links --------------------------------------------------------------------------------------------------


def test_the_brand_judges_the_words_of_the_page(content, brand, client, boss):
    kit, files = factories.kit_and_files("tea", terms=(Term(text="miracle", where=("alt",)),))
    asset = make_live(factories.make_brand("tea", kit=kit, files=files))
    client.force_login(boss)
    assert "miracle" in send(client, pages.place(content), asset, alt="A miracle tin")["alt"]
    assert send(client, pages.place(content), asset, alt="A tin") == {}


def test_decorative_and_words_exclude_each_other(content, editor, brand, client):
    assert "alt" in send(client, pages.place(content), make_live(brand), alt="A tin", decorative="on")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", "data:text/html,x", "nowhere"])
def test_a_link_runs_nothing(content, editor, brand, client, url):
    assert "link_url" in send(client, pages.place(content), make_live(brand), link_url=url)


def test_a_link_has_one_end(content, editor, brand, client):
    asset = make_live(brand)
    errors = send(client, pages.place(content), asset, link_url="/tea/", link_page=content.page.pk)
    assert "not to both" in errors["link_url"]


# The page that is linked ------------------------------------------------------------------------------------------


def linkable(client, **query):
    answer = client.get(reverse("admin:image_studio_djangocms_pages"), query)
    assert answer.status_code == 200
    return {page["text"] for page in answer.json()["results"]}


@pytest.fixture
def elsewhere(boss):
    """A page of another site."""
    page = pages.make_page(boss, "Far away").page
    Page.objects.filter(pk=page.pk).update(site=Site.objects.create(domain="far.example", name="Far"))
    return Page.objects.get(pk=page.pk)


def test_more_pages_make_no_longer_form(content, boss, brand, client):
    plugin = pages.put(content, make_live(brand), link_page=content.page)
    client.force_login(boss)
    url = f"/admin/cms/placeholder/edit-plugin/{plugin.pk}/?cms_path=/"
    counts = []
    for n in (0, 10):
        for i in range(n):
            pages.make_page(boss, f"Page {i}")
        client.get(url)
        with CaptureQueriesContext(connection) as found:
            html = client.get(url).content.decode()
        counts.append(len(found))
        assert f'<option value="{content.page.pk}" selected>Spring tea</option>' in html
        assert "Page 0" not in html
    assert counts[0] == counts[1]


def test_the_pages_of_this_site_are_searched(content, boss, editor, client, elsewhere):
    pages.make_page(boss, "Offers")
    assert linkable(client) == {"Spring tea", "Offers"}
    assert linkable(client, term="offer") == {"Offers"}
    assert linkable(client, term="far") == set()
    # The field is this one, whatever else Django's own address takes.
    assert linkable(client, app_label="auth", model_name="user", field_name="groups") == {"Spring tea", "Offers"}


def test_pages_are_told_to_who_may_place_pictures(content, brand, client):
    url = reverse("admin:image_studio_djangocms_pages")
    assert client.get(url).status_code == 302
    client.force_login(factories.make_user(is_staff=True))
    assert client.get(url).status_code == 403


def test_a_link_leads_to_this_site_or_stays(content, editor, brand, client, elsewhere):
    asset = make_live(brand)
    place = pages.place(content)
    assert "link_page" in send(client, place, asset, link_page=elsewhere.pk)
    assert send(client, place, asset, link_page=content.page.pk) == {}
    plugin = StudioPicture.objects.get()
    assert plugin.link_page == content.page
    StudioPicture.objects.filter(pk=plugin.pk).update(link_page=elsewhere)
    assert change(client, plugin, link_page=elsewhere.pk, alignment="left") == {}
    plugin.refresh_from_db()
    assert (plugin.link_page, plugin.alignment) == (elsewhere, "left")
    assert change(client, plugin) == {}
    plugin.refresh_from_db()
    assert plugin.link_page is None


# The list ---------------------------------------------------------------------------------------------------------


def test_the_list_offers_what_the_form_takes(editor, brand, client):
    make_live(brand, title="Live")
    make_candidate(brand, title="Waits")
    Asset.objects.filter(pk=make_candidate(brand, title="Never").pk).update(state="rejected")
    make_candidate(factories.make_brand("other"), title="Of others")
    assert offered(client) == ["Live"]
    assert offered(client, drafts=1) == ["Waits", "Live"]
    assert offered(client, drafts=1, q="live") == ["Live"]


def test_the_list_says_what_is_not_out(editor, brand, client):
    make_candidate(brand)
    (row,) = client.get(reverse("admin:image_studio_djangocms_pick"), {"drafts": 1}).json()["pictures"]
    assert row["facts"].startswith("Not published yet: To review. Acme")


def test_the_list_is_for_who_may_look(brand, client):
    make_candidate(brand)
    url = reverse("admin:image_studio_djangocms_pick")
    assert client.get(url).status_code == 302
    client.force_login(factories.make_user(is_staff=True))
    assert client.get(url, {"drafts": 1}).status_code == 403
    client.force_login(make_editor(factories.make_brand("other")))
    assert offered(client, drafts=1) == []
    assert client.post(url).status_code == 405
    assert client.get(url, {"after": "nonsense"}).status_code == 400
