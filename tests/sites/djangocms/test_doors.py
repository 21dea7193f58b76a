"""Every other door by which a picture that nobody approved could reach a page: each is tried, from outside."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from cms.api import add_plugin
from cms.models import Placeholder, UserSettings
from djangocms_alias.models import Alias, AliasContent, Category
from djangocms_versioning.exceptions import ConditionFailed
from djangocms_versioning.models import Version

from image_studio.contrib.djangocms.models import StudioPicture
from image_studio.models import Asset
from tests.sites.djangocms import pages
from tests.sites.djangocms.conftest import make_live, publish
from tests.sites.djangocms.test_pages import FALLBACK, images, publish_by_admin, shown
from tests.sites.pictures import make_candidate

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
ADMIN = "/admin/cms/placeholder"


@pytest.fixture
def waiting(brand):
    return make_candidate(brand, title="Secret tin")


@pytest.fixture
def content(boss):
    return pages.make_page(boss)


@pytest.fixture
def out(content, boss, brand):
    """A page that is out, with a picture that is. Returns its plugin."""
    plugin = pages.put(content, make_live(brand))
    pages.publish(content, boss)
    return plugin


@pytest.fixture
def draft(boss, waiting):
    """Another page, a draft with the picture that waits. Returns its plugin."""
    return pages.put(pages.make_page(boss, "Autumn tea"), waiting)


@pytest.fixture
def editor(client, boss):
    client.force_login(boss)
    return client


def assert_unchanged(public, content, waiting):
    """The public page shows what it showed, and nothing of the other."""
    html = shown(public, content)
    assert len(images(html)) == 1
    assert FALLBACK not in html
    assert waiting.pk.hex not in html.replace("-", "")
    placed = StudioPicture.objects.filter(placeholder__in=content.get_placeholders())
    assert waiting.pk not in placed.values_list("picture", flat=True)


# A page that is out takes nothing more -----------------------------------------------------------------------------


def test_the_form_adds_nothing_to_a_page_that_is_out(content, out, waiting, editor, public):
    where = {"placeholder_id": out.placeholder_id, "plugin_language": "en", "plugin_position": 1, "cms_path": "/"}
    query = urlencode({"plugin_type": "StudioPicturePlugin", **where})
    answer = editor.post(f"{ADMIN}/add-plugin/?{query}", {"picture": waiting.pk, "use": "default"})
    assert answer.status_code == 403
    assert_unchanged(public, content, waiting)


def test_the_form_changes_nothing_on_a_page_that_is_out(content, out, waiting, editor, public):
    url = f"{ADMIN}/edit-plugin/{out.pk}/?cms_path=/"
    assert editor.post(url, {"picture": waiting.pk, "use": "default"}).status_code in (302, 403)
    assert_unchanged(public, content, waiting)


@pytest.mark.parametrize("from_clipboard", [False, True])
def test_nothing_is_pasted_into_a_page_that_is_out(content, out, draft, waiting, editor, boss, public, from_clipboard):
    source = draft
    if from_clipboard:
        clipboard = Placeholder.objects.create(slot="clipboard")
        UserSettings.objects.update_or_create(user=boss, defaults={"language": "en", "clipboard": clipboard})
        assert copy(editor, draft, clipboard).status_code == 200
        source = StudioPicture.objects.get(placeholder=clipboard)
    assert copy(editor, source, out.placeholder).status_code == 403
    assert_unchanged(public, content, waiting)


def copy(editor, plugin, target):
    ends = {"source_placeholder_id": plugin.placeholder_id, "target_placeholder_id": target.pk}
    values = {**ends, "source_plugin_id": plugin.pk, "source_language": "en", "target_language": "en"}
    return editor.post(f"{ADMIN}/copy-plugins/?cms_path=/", values)


def test_nothing_is_moved_into_a_page_that_is_out(content, out, draft, waiting, editor, public):
    values = {
        "plugin_id": draft.pk,
        "placeholder_id": out.placeholder_id,
        "target_language": "en",
        "target_position": 1,
    }
    assert editor.post(f"{ADMIN}/move-plugin/?cms_path=/", values).status_code in (400, 403)
    assert_unchanged(public, content, waiting)


# A draft takes it, and stays one -----------------------------------------------------------------------------------


def assert_stays_a_draft(version, boss, editor):
    assert "Secret tin" in publish_by_admin(editor, version)
    with pytest.raises(ConditionFailed, match="Secret tin"):
        Version.objects.get(pk=version.pk).publish(boss)
    assert Version.objects.get(pk=version.pk).state == "draft"


def test_a_copied_plugin_is_asked_about(content, out, draft, waiting, editor, boss, public):
    version = pages.version_of(content).copy(boss)
    place = version.content.get_placeholders().first()
    assert copy(editor, draft, place).status_code == 200
    assert_stays_a_draft(version, boss, editor)
    assert_unchanged(public, content, waiting)


def test_a_picture_inside_a_text_is_asked_about(content, waiting, editor, boss, public):
    text = add_plugin(pages.place(content), "TextPlugin", "en", body="")
    child = add_plugin(pages.place(content), "StudioPicturePlugin", "en", target=text, picture=waiting)
    text.body = f'<p>Before <cms-plugin id="{child.pk}"></cms-plugin> after</p>'
    text.save()
    assert_stays_a_draft(pages.version_of(content), boss, editor)
    assert public.get(pages.address(content)).status_code == 404


def test_a_text_that_borrows_another_pages_picture_shows_nothing(content, draft, waiting, boss, public):
    """Written by hand: the picture stands in a draft, the words on a page that is out."""
    body = f'<p>Before <cms-plugin id="{draft.pk}"></cms-plugin> after</p>'
    add_plugin(pages.place(content), "TextPlugin", "en", body=body)
    pages.publish(content, boss)
    html = shown(public, content)
    assert "/media/image_studio/" not in html
    assert "/preview/" not in html
    assert waiting.pk.hex not in html.replace("-", "")


def test_a_version_that_is_taken_back_up_is_asked_about(content, waiting, editor, boss, public):
    """Archived as a draft with the picture, reverted months later."""
    pages.put(content, waiting)
    version = pages.version_of(content)
    version.archive(boss)
    answer = editor.post(f"{of_version(version)}/revert/", {"discard": ""})
    assert answer.status_code == 302
    reverted = Version.objects.filter(state="draft").latest("pk")
    assert reverted.pk != version.pk
    assert_stays_a_draft(reverted, boss, editor)
    assert public.get(pages.address(content)).status_code == 404


def of_version(version):
    proxy = version.versionable.version_model_proxy._meta
    return f"/admin/{proxy.app_label}/{proxy.model_name}/{version.pk}"


@pytest.mark.filterwarnings("ignore:The `node` has been removed")  # djangocms-versioning 2.8 asks for it
def test_another_language_is_asked_about(content, waiting, editor, boss, public):
    """The pictures of one language copied into the other's draft."""
    pages.put(content, waiting)
    german = add_language(content, boss)
    values = {"source_language": "en", "target_language": "de"}
    answer = editor.post(f"/admin/cms/pagecontent/{content.pk}/copy-language/", values)
    assert answer.status_code in (200, 302)
    version = pages.version_of(german)
    placed = StudioPicture.objects.filter(placeholder__in=german.get_placeholders())
    assert [plugin.picture for plugin in placed] == [waiting]
    assert_stays_a_draft(version, boss, editor)


def add_language(content, boss):
    from cms.api import create_page_content  # noqa: PLC0415 - beside its only use

    german = create_page_content("de", "Frühlingstee", content.page, created_by=boss)
    Placeholder.objects.get_for_obj(german).get_or_create(slot="content", defaults={"source": german})
    return german


def test_an_alias_that_is_a_draft_shows_the_public_nothing(content, waiting, editor, boss, public):
    """The page is out and the alias on it is not."""
    alias = Alias.objects.create(category=Category.objects.create(name="Teasers"), creation_method="code")
    inside = AliasContent.objects.with_user(boss).create(alias=alias, name="Teaser", language="en")
    add_plugin(alias.get_placeholder("en", show_draft_content=True), "StudioPicturePlugin", "en", picture=waiting)
    add_plugin(pages.place(content), "Alias", "en", alias=alias)
    pages.publish(content, boss)
    for who in (public, editor):
        assert images(shown(who, content)) == []
    with pytest.raises(ConditionFailed, match="Secret tin"):
        Version.objects.get_for_content(inside).publish(boss)


# And then it is approved --------------------------------------------------------------------------------------------


def test_what_was_refused_goes_out_once_the_picture_is(content, waiting, editor, boss, public):
    pages.put(content, waiting)
    assert_stays_a_draft(pages.version_of(content), boss, editor)
    publish(Asset.objects.get(pk=waiting.pk))
    assert publish_by_admin(editor, pages.version_of(content)) == "Version published"
    assert "/media/image_studio/" in images(shown(public, content))[0]
