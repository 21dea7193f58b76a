"""A picture that was bought, from an editor's words to the public page and off it again: three people in Chromium."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, Permission
from wagtail.models import Collection, GroupCollectionPermission, GroupPagePermission

from image_studio.imaging.metadata import SOURCE_TYPE_URI
from image_studio.models import Asset, Attempt, Channel, Review
from tests import factories
from tests.sites.journeys import ALT, MARKS, WORDS, brand, files_of, release, server, statuses, terms, withdraw
from tests.sites.wagtail.conftest import make_article

__all__ = ["brand", "server"]

pytestmark = MARKS


@pytest.fixture
def author(brand, home):
    """Edits and publishes pages in Wagtail, has pictures made, and releases none. Never sees Django's admin."""
    group = Group.objects.create(name="Page editors")
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    for right in ("add_page", "change_page", "publish_page"):
        permission = Permission.objects.get(codename=right, content_type__app_label="wagtailcore")
        GroupPagePermission.objects.create(group=group, page=home, permission=permission)
    for right in ("add_image", "choose_image"):
        permission = Permission.objects.get(codename=right, content_type__app_label="wagtailimages")
        collection = Collection.get_first_root_node()
        GroupCollectionPermission.objects.create(group=group, collection=collection, permission=permission)
    user = factories.make_user("creator", brand=brand)
    user.groups.add(group)
    return user


@pytest.fixture
def reviewer(brand):
    """Has nothing to do with pages."""
    user = factories.make_user("reviewer", brand=brand, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="image_studio"))
    return user


def ask(editor):
    """In the dialog over the page: words, a model that costs, its price, the order. Returns the panel."""
    panel = editor.generate_tab()
    editor.ask(panel, WORDS, channel=str(Channel.objects.get(slug="square")), route="Quick")
    panel.get_by_role("button", name=re.compile(r"^Make 1 picture: about \$0\.0\d")).wait_for()
    return panel


def test_a_bought_picture_is_approved_by_another_person_and_published(
    open_page, home, author, reviewer, server, tmp_path
):
    article = make_article(home)
    editor = open_page(author)
    editor.edit(article)
    editor.insert()
    editor.open_pictures()
    panel = ask(editor)
    assert not server.calls()
    editor.order(panel)
    panel.get_by_text("Waits for somebody who may release it.").wait_for()
    (bought,) = server.charged()
    assert (bought["path"], bought["params"]["quality"]) == ("/v1/images/generations", "low")
    assert WORDS in Attempt.objects.get().job.request["prompt"]
    # Who asked for it can't release it, nor take it as it is.
    for name in ("Approve and publish", "Use this picture"):
        assert panel.get_by_role("button", name=name).count() == 0
    made = Asset.objects.get(kind="composed")

    second = open_page(reviewer)
    second.visit(f"/django-admin/image_studio/asset/{made.pk}/change/")
    release(second.page, ALT)
    assert Review.objects.get(decision="approve").reviewer == reviewer

    panel.get_by_role("link", name="Look again").click()
    editor.take(panel)
    # The same picture once more, as an image of the site in Wagtail's own field.
    editor.open_images()
    editor.take(editor.generate_tab())
    editor.publish()

    reader = open_page()
    reader.visit(article.url)
    block = reader.page.locator("[data-block=picture] picture")
    assert block.locator("source[type='image/avif']").count() == 1
    assert block.locator("img").get_attribute("alt") == ALT
    for image in reader.page.locator("main img").all():
        assert image.evaluate("one => one.decode().then(() => one.naturalWidth > 0)")
    files = files_of(reader.page)
    assert {url.rpartition(".")[2] for url in files} == {"avif", "webp", "jpg"}
    assert any("/media/images/" in url for url in files)  # Wagtail's rendition
    # Generated, with the brand's own label set on it.
    assert Asset.objects.get(pk=made.pk).source_type == "compositeWithTrainedAlgorithmicMedia"
    assert terms(files, tmp_path) == {SOURCE_TYPE_URI + "compositeWithTrainedAlgorithmicMedia"}

    withdraw(second.page, "The tin is no longer sold")
    reader.visit(article.url)
    assert reader.page.locator("[data-block=picture] img").get_attribute("src") == "/static/site/withdrawn.png"
    assert statuses(reader.page, files) == {404}
    instead = {url: data for url, data in files_of(reader.page).items() if "/media/images/" in url}
    assert terms(instead, tmp_path / "after") == {""}
    assert len(server.charged()) == 1
