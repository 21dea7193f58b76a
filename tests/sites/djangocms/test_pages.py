"""Pictures on pages: only published ones reach the public, and what a page has stays with it."""

from __future__ import annotations

import contextlib
import re
from datetime import timedelta

import pytest
from cms.api import add_plugin
from cms.models import CMSPlugin, Placeholder, UserSettings
from django.urls import reverse
from django.utils import timezone
from djangocms_alias.models import Alias, AliasContent, Category
from djangocms_versioning.constants import PUBLISHED
from djangocms_versioning.exceptions import ConditionFailed
from djangocms_versioning.models import Version

from image_studio.contrib.djangocms.models import StudioPicture
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import approve, reject, withdraw
from image_studio.workflow.replacing import places_of, replace_everywhere
from image_studio.workflow.usage import uses_of
from tests import factories
from tests.sites.djangocms import pages
from tests.sites.djangocms.conftest import make_editor, make_live, publish
from tests.sites.pictures import make_candidate
from tests.test_tag import Tags

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
FALLBACK = "/static/site/withdrawn.svg"


@pytest.fixture
def content(boss):
    return pages.make_page(boss)


def shown(client, content):
    """The page as this person gets it."""
    answer = client.get(pages.address(content))
    assert answer.status_code == 200
    return answer.content.decode()


def images(html):
    return [attrs["src"] for attrs in Tags(html).all("img") if "studio-structure" not in attrs.get("class", "")]


def places(asset):
    """The pages that use a picture, as the studio tells them."""
    return [use.label for use in uses_of([asset])[asset.pk] if use.label.startswith("Studio picture")]


def fetched(client, url):
    """A file's bytes, as the public gets them."""
    answer = client.get(url)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def publish_by_admin(client, version):
    """The toolbar's button, and every other one: all post to this address. Returns what the next page says."""
    proxy = version.versionable.version_model_proxy._meta
    url = f"/en/admin/{proxy.app_label}/{proxy.model_name}/{version.pk}/publish/"
    answer = client.post(url.removeprefix("/en"), follow=True)
    return " ".join(str(message) for message in answer.context["messages"])


# On the page ------------------------------------------------------------------------------------------------------


def test_a_published_picture_is_shown_with_every_format(content, boss, brand, public):
    asset = make_live(brand)
    pages.put(content, asset, alignment="left", link_url="https://example.com/tea")
    pages.publish(content, boss)
    html = shown(public, content)
    assert re.search(
        r'<span class="studio-picture studio-picture-left"><a href="https://example.com/tea"><picture>', html
    )
    tags = Tags(html)
    assert {attrs["type"] for attrs in tags.all("source")} == {"image/avif", "image/webp"}
    (img,) = tags.all("img")
    assert (img["alt"], img["width"], img["loading"]) == ("A red bottle on a table", "640", "lazy")
    assert len(fetched(public, img["src"])) > 1000
    assert "image_studio_djangocms/picture.css" in html


@pytest.mark.parametrize(("fields", "alt"), [({"alt": "Our tin"}, "Our tin"), ({"decorative": True}, "")])
def test_a_page_has_words_of_its_own(content, boss, brand, public, fields, alt):
    pages.put(content, make_live(brand), **fields)
    pages.publish(content, boss)
    assert Tags(shown(public, content)).all("img")[0]["alt"] == alt


def test_a_link_to_a_page(content, boss, brand, public):
    other = pages.make_page(boss, "Offers")
    pages.publish(other, boss)
    pages.put(content, make_live(brand), link_page=other.page)
    pages.publish(content, boss)
    assert f'<a href="{pages.address(other)}"><picture>' in shown(public, content)


def test_a_width_that_the_site_no_longer_has_breaks_no_page(content, boss, brand, public):
    pages.put(content, make_live(brand), use="gone")
    pages.publish(content, boss)
    assert len(images(shown(public, content))) == 1


def test_inside_a_text(content, boss, brand, public):
    asset = make_live(brand)
    text = add_plugin(pages.place(content), "TextPlugin", "en", body="")
    child = add_plugin(pages.place(content), "StudioPicturePlugin", "en", target=text, picture=asset)
    text.body = f'<p>Before <cms-plugin id="{child.pk}"></cms-plugin> after</p>'
    text.save()
    pages.publish(content, boss)
    html = shown(public, content)
    assert re.search(
        r"<p>Before\s+<span class=\"studio-picture\"><picture>.*</picture></span>\s+after</p>", html, re.DOTALL
    )
    # A new draft has its own copy, and the text points at that one.
    draft = pages.version_of(content).copy(boss)
    copied = StudioPicture.objects.exclude(pk=child.pk).get()
    assert copied.placeholder.source == draft.content
    assert f'id="{copied.pk}"' in copied.parent.get_bound_plugin().body


# Versions ---------------------------------------------------------------------------------------------------------


def test_every_version_keeps_its_picture_and_counts_as_a_use(content, boss, brand, public):
    first, second = make_live(brand, title="First"), make_live(brand, title="Second")
    pages.put(content, first)
    version = pages.publish(content, boss)
    draft = version.copy(boss)
    placed = StudioPicture.objects.get(placeholder__in=draft.content.get_placeholders())
    assert placed.picture == first
    placed.picture = second
    placed.save()
    assert places(first) == ["Studio picture: Spring tea (en), Version #1 (Published)"]
    assert places(second) == ["Studio picture: Spring tea (en), Version #2 (Draft)"]
    before = images(shown(public, content))
    draft.publish(boss)
    after = images(shown(public, draft.content))
    assert before
    assert after
    assert before != after
    # Unpublished by the second one: its picture is still in it, and comes back when it is reverted to.
    reverted = Version.objects.get(pk=version.pk).copy(boss)
    assert StudioPicture.objects.get(placeholder__in=reverted.content.get_placeholders()).picture == first
    reverted.publish(boss)
    assert images(shown(public, reverted.content)) == before
    reverted.unpublish(boss)
    assert public.get(pages.address(content)).status_code == 404
    assert len(places(first)) == 2


# Not published ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["candidate", "shortlisted", "approved", "rejected"])
def test_no_door_publishes_a_page_with_a_picture_that_is_not_out(content, boss, brand, client, public, state):
    asset = make_candidate(brand)
    Asset.objects.filter(pk=asset.pk).update(state=state)
    pages.put(content, asset)
    version = pages.version_of(content)
    client.force_login(boss)
    said = publish_by_admin(client, version)
    assert "Tea tin" in said
    assert "not published" in said
    with pytest.raises(ConditionFailed, match="Tea tin"):
        Version.objects.get(pk=version.pk).publish(boss)
    assert Version.objects.get(pk=version.pk).state == "draft"
    assert public.get(pages.address(content)).status_code == 404
    # The button of the list of versions is not to be pressed.
    listing = client.get(f"/admin/djangocms_versioning/pagecontentversion/?page={content.page.pk}&language=en")
    assert listing.status_code == 200
    assert not re.search(rf'href="[^"]*/{version.pk}/publish/"(?![^>]*inactive)', listing.content.decode())


def test_once_the_picture_is_out_the_page_can_be(content, boss, brand, client, public):
    asset = make_candidate(brand)
    pages.put(content, asset)
    publish(asset)
    client.force_login(boss)
    assert publish_by_admin(client, pages.version_of(content)) == "Version published"
    assert len(images(shown(public, content))) == 1


@pytest.mark.parametrize("then", ["withdrawn", "approved", "rejected"])
def test_a_picture_that_was_out_once_keeps_no_page_back(content, boss, brand, client, public, then):
    asset = make_live(brand)
    pages.put(content, asset)
    version = pages.publish(content, boss)
    withdraw(Policy.operator(), asset)
    if then == "approved":
        approve(Policy.operator(), asset, declaration=factories.DECLARED)
    elif then == "rejected":
        reject(Policy.operator(), asset, reason="quality")
    asset.refresh_from_db()
    assert asset.state == then
    draft = version.copy(boss)
    client.force_login(boss)
    assert publish_by_admin(client, draft) == "Version published"
    assert images(shown(public, draft.content)) == [FALLBACK]


def test_an_alias_is_a_door_too(boss, brand, content, public):
    """Shown on many pages, published on its own."""
    asset = make_candidate(brand)
    alias = Alias.objects.create(category=Category.objects.create(name="Teasers"), creation_method="code")
    inside = AliasContent.objects.with_user(boss).create(alias=alias, name="Teaser", language="en")
    add_plugin(alias.get_placeholder("en", show_draft_content=True), "StudioPicturePlugin", "en", picture=asset)
    version = Version.objects.get_for_content(inside)
    with pytest.raises(ConditionFailed, match="Tea tin"):
        version.publish(boss)
    publish(asset)
    version = Version.objects.get(pk=version.pk)
    version.publish(boss)
    assert version.state == PUBLISHED
    add_plugin(pages.place(content), "Alias", "en", alias=alias)
    pages.publish(content, boss)
    (before,) = images(shown(public, content))
    withdraw(Policy.operator(), asset)
    # The page had kept what it rendered.
    assert images(shown(public, content)) == [FALLBACK]
    assert public.get(before).status_code == 404


def test_a_page_that_got_one_anyway_shows_the_fallback_to_everybody(content, boss, brand, client, public):
    """Straight into the row: no door was asked, and still nobody sees it on the page that is out."""
    plugin = pages.put(content, make_live(brand))
    pages.publish(content, boss)
    asset = make_candidate(brand, title="Secret")
    StudioPicture.objects.filter(pk=plugin.pk).update(picture=asset)
    client.force_login(boss)
    for who in (public, client):
        html = shown(who, content)
        assert images(html) == [FALLBACK]
        assert str(asset.pk) not in html.replace(f"/image_studio/asset/{asset.pk}/change/", "")


def test_only_the_team_sees_it_and_only_in_the_draft(content, brand, client, boss):
    asset = make_candidate(brand)
    pages.put(content, asset)
    stranger = make_editor(factories.make_brand("other"))
    for user, sees in ((make_editor(brand), True), (stranger, False)):
        user.user_permissions.set([])
        user.is_superuser = False
        user.save()
        client.force_login(user)
        html = client.get(pages.preview_url(content)).content.decode()
        if sees:
            assert f"/studio/picture/{asset.pk}/preview/" in html
            assert "Not published: To review" in html
        else:
            assert f"/studio/picture/{asset.pk}/preview/" not in html


def test_withdrawing_shows_the_fallback_at_once_and_the_page_can_still_be_published(
    content, boss, brand, client, public
):
    asset = make_live(brand)
    pages.put(content, asset)
    version = pages.publish(content, boss)
    (before,) = images(shown(public, content))
    withdraw(Policy.operator(), asset)
    assert images(shown(public, content)) == [FALLBACK]
    assert public.get(before).status_code == 404
    draft = version.copy(boss)
    client.force_login(boss)
    editing = client.get(pages.edit_url(draft.content)).content.decode()
    assert "This picture is not shown any more: Withdrawn." in editing
    draft.publish(boss)
    html = shown(public, draft.content)
    assert images(html) == [FALLBACK]
    assert "not shown any more" not in html
    assert StudioPicture.objects.filter(picture=asset).count() == 2


def test_a_picture_that_comes_back_is_shown_at_once(content, boss, brand, public):
    asset = make_live(brand)
    pages.put(content, asset)
    pages.publish(content, boss)
    withdraw(Policy.operator(), asset)
    assert images(shown(public, content)) == [FALLBACK]
    publish(asset)
    assert "/media/image_studio/" in images(shown(public, content))[0]


def test_a_replaced_picture_is_another_at_once(content, boss, brand, public):
    """An UPDATE moves the plugins, and what django CMS kept of the page was of the picture before."""
    asset, other = make_live(brand), make_live(brand, title="Tea box")
    pages.put(content, asset)
    version = pages.publish(content, boss)
    version.copy(boss)
    (before,) = images(shown(public, content))
    replace_everywhere(Policy.operator(), asset, other)
    (after,) = images(shown(public, content))
    assert after != before
    assert len(places(other)) == 2
    withdraw(Policy.operator(), asset)
    assert images(shown(public, content)) == [after]
    assert public.get(before).status_code == 404
    assert len(fetched(public, after)) > 1000


def test_words_of_a_page_are_told_before_its_picture_is_replaced(content, boss, brand, public, client):
    asset, other = make_live(brand), make_live(brand, title="Tea box")
    pages.put(content, asset, alt="Our red tin, 2 litres")
    pages.put(content, asset, decorative=True)
    pages.publish(content, boss)
    told = [use.words for place in places_of(asset) if place.field.model is StudioPicture for use in place.uses]
    assert told == ["Our red tin, 2 litres", ""]
    client.force_login(boss)
    page = client.get(reverse("admin:image_studio_asset_replace", args=[asset.pk]), {"successor": other.pk})
    words = "It has an alt text of its own, written for the old picture, and keeps it: “Our red tin, 2 litres”"
    assert page.content.decode().count(words) == 1
    replace_everywhere(Policy.operator(), asset, other)
    assert 'alt="Our red tin, 2 litres"' in shown(public, content)


def test_no_page_is_kept_past_the_end_of_the_rights(content, boss, brand, public):
    asset = make_live(brand)
    Asset.objects.filter(pk=asset.pk).update(expires_at=timezone.now() + timedelta(seconds=20))
    pages.put(content, asset)
    pages.publish(content, boss)
    answer = public.get(pages.address(content))
    most = int(re.search(r"max-age=(\d+)", answer.headers["Cache-Control"])[1])
    assert most <= 20


# Structure, toolbar ------------------------------------------------------------------------------------------------


def test_structure_mode_shows_each_picture_small(content, boss, brand, client):
    live, waiting = make_live(brand, title="Live"), make_candidate(brand, title="<b>Waiting</b>")
    pages.put(content, live)
    pages.put(content, waiting)
    client.force_login(boss)
    html = client.get(pages.structure_url(content)).content.decode()
    found = {attrs["src"]: attrs for attrs in Tags(html).all("img") if attrs.get("class") == "studio-structure"}
    assert len(found) == 2
    assert f"/admin/image_studio/asset/{waiting.pk}/picture/preview/" in found
    assert all((attrs["width"], attrs["height"]) == ("28", "21") for attrs in found.values())
    for src in found:
        with contextlib.closing(client.get(src)) as answer:
            assert answer.status_code == 200
    assert "&lt;b&gt;Waiting&lt;/b&gt; (To review)" in html
    assert "<b>Waiting</b>" not in html


def test_the_toolbar_leads_to_the_studio_and_names_what_waits(content, boss, brand, client):
    waiting = make_candidate(brand)
    pages.put(content, waiting)
    client.force_login(boss)
    html = client.get(pages.edit_url(content)).content.decode()
    assert "Image studio (1 not published)" in html
    assert "To be published: Tea tin (To review)" in html
    for address in ("asset/", "asset/review/", "variantset/generate/", f"asset/{waiting.pk}/change/"):
        assert f'/admin/image_studio/{address}"' in html, address


def test_the_toolbar_says_nothing_to_who_may_not_look(content, brand, client):
    pages.put(content, make_candidate(brand))
    user = factories.make_user(is_staff=True)
    user.user_permissions.set(make_editor(brand).user_permissions.exclude(content_type__app_label="image_studio"))
    client.force_login(user)
    answer = client.get(pages.edit_url(content))
    assert answer.status_code == 200
    assert "Tea tin" not in answer.content.decode()
    assert "image_studio/asset" not in answer.content.decode()


def test_copies_count_on_the_clipboard_too(content, boss, brand, client):
    asset = make_live(brand)
    plugin = pages.put(content, asset)
    client.force_login(boss)
    clipboard = Placeholder.objects.create(slot="clipboard")
    UserSettings.objects.update_or_create(user=boss, defaults={"language": "en", "clipboard": clipboard})
    values = {"source_placeholder_id": plugin.placeholder_id, "source_plugin_id": plugin.pk, "source_language": "en"}
    answer = client.post(
        "/admin/cms/placeholder/copy-plugins/",
        {**values, "target_placeholder_id": clipboard.pk, "target_language": "en"},
    )
    assert answer.status_code == 200
    assert "Studio picture: Tea tin, on the clipboard" in places(asset)
    assert CMSPlugin.objects.filter(placeholder=clipboard).count() == 1
