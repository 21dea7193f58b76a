"""A picture that was bought, from an editor's words to the public page and off it again: three people in Chromium."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission

from image_studio.contrib.djangocms.models import StudioPicture
from image_studio.imaging.metadata import SOURCE_TYPE_URI
from image_studio.models import Asset, Attempt, Channel, Review
from tests import factories
from tests.sites.djangocms import pages
from tests.sites.djangocms.conftest import make_editor
from tests.sites.journeys import ALT, MARKS, WORDS, brand, files_of, release, server, statuses, terms, withdraw

__all__ = ["brand", "server"]

pytestmark = MARKS


@pytest.fixture
def author(brand):
    """Edits pages and has pictures made, and releases none."""
    return make_editor(brand, "creator")


@pytest.fixture
def reviewer(brand):
    """Has nothing to do with pages."""
    user = factories.make_user("reviewer", brand=brand, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="image_studio"))
    return user


def write_prompt(studio):
    """In the studio's own window: words for a picture that nobody has yet."""
    studio.get_by_role("link", name="Write a prompt").click()
    studio.locator("#id_name").fill("Tea tin")
    studio.locator("#id_slug").fill("tea-tin")
    studio.locator("#id_template").fill(WORDS)
    studio.get_by_role("button", name="Save and continue editing").click()
    studio.get_by_role("link", name="Generate brand-safe variants").click()


def order(studio):
    """For one place, by a model that costs. Returns what the price was said to be."""
    for box in studio.locator("[name=channels]").all():
        box.set_checked(box.get_attribute("value") == "web-hero")
    studio.locator('[data-route="quick"] input').check()
    button = studio.locator('#generate button[value="order"]:not([aria-disabled="true"])')
    studio.locator("#live").filter(has_text=re.compile(r"Buys 1 picture for about \$0\.0\d")).wait_for()
    button.click()
    studio.wait_for_url(re.compile("/variantset/[0-9a-f-]{36}/change/"))


def test_a_bought_picture_is_approved_by_another_person_and_published(
    open_page, author, reviewer, server, tmp_path, brand
):
    content = pages.make_page(author)
    editor = open_page(author)
    editor.visit(pages.structure_url(content))
    frame = editor.add_picture()
    frame.locator("[name=channel]").select_option(label=Channel.objects.get(slug="web-hero").name)
    frame.locator(".studio-picker [data-do=open]").click()
    dialog = frame.locator("dialog.studio-pick[open]")
    dialog.get_by_text("There is no picture yet that fits here. Generate one, then come back.").wait_for()
    with editor.page.context.expect_page() as opened:
        dialog.locator("[data-do=generate]").click()
    studio = opened.value
    write_prompt(studio)
    assert not server.calls()
    order(studio)
    studio.locator(".studio-cell-candidate").wait_for()
    (bought,) = server.charged()
    assert (bought["path"], bought["params"]["quality"]) == ("/v1/images/generations", "low")
    assert WORDS in Attempt.objects.get().job.request["prompt"]
    # Who asked for it can't release it.
    assert studio.get_by_role("button", name="Approve and publish").count() == 0
    studio.close()

    editor.come_back()
    card = dialog.locator("li").filter(has_text="Not published yet: To review")
    card.locator("button").first.click()
    editor.save()
    made = StudioPicture.objects.get().picture
    editor.visit(pages.edit_url(content))
    assert "Not published: To review" in editor.page.locator(".studio-picture-note").inner_text()
    editor.publish()
    assert pages.version_of(type(content).admin_manager.get(pk=content.pk)).state == "draft"
    reader = open_page()
    assert reader.page.goto(reader.address + pages.address(content)).status == 404

    second = open_page(reviewer)
    second.page.goto(f"{second.address}/admin/image_studio/asset/{made.pk}/change/")
    release(second.page, ALT)
    assert Review.objects.get(decision="approve").reviewer == reviewer

    editor.visit(pages.edit_url(content))
    assert editor.page.locator(".studio-picture-note").count() == 0
    editor.publish()
    reader.page.goto(reader.address + pages.address(content))
    picture = reader.page.locator("main picture")
    assert picture.locator("source[type='image/avif']").count() == 1
    assert picture.locator("img").get_attribute("alt") == ALT
    assert picture.locator("img").evaluate("one => one.decode().then(() => one.naturalWidth > 0)")
    files = files_of(reader.page)
    assert {url.rpartition(".")[2] for url in files} == {"avif", "webp", "jpg"}
    # Generated, with the brand's own label set on it.
    assert Asset.objects.get(pk=made.pk).source_type == "compositeWithTrainedAlgorithmicMedia"
    assert terms(files, tmp_path) == {SOURCE_TYPE_URI + "compositeWithTrainedAlgorithmicMedia"}

    withdraw(second.page, "The tin is no longer sold")
    # Somebody else: a browser that was here a moment ago may keep its copy of the page for a minute.
    reader = open_page()
    reader.page.goto(reader.address + pages.address(content))
    assert reader.page.locator("main img").get_attribute("src").endswith("/static/site/withdrawn.svg")
    assert reader.page.locator("main source").count() == 0
    assert statuses(reader.page, files) == {404}
    assert len(server.charged()) == 1
