"""An editor in Chromium: takes a generated, approved picture onto a page, publishes it, and sees it withdrawn."""

from __future__ import annotations

import re

import pytest
from cms.api import add_plugin

from image_studio.contrib.djangocms.models import StudioPicture
from image_studio.contrib.filer.models import FiledPicture
from image_studio.models import Asset, Channel, VariantSet
from image_studio.policy import Policy
from image_studio.workflow import approve, withdraw
from image_studio.workflow import publish as publish_picture
from tests import factories
from tests.browser.chromium import Watch, axe, overflow
from tests.exiftool import needs_exiftool, source_type
from tests.sites.djangocms import pages
from tests.sites.djangocms.conftest import make_live, publish
from tests.sites.pictures import apart, make_candidate

pytestmark = [
    pytest.mark.sites,
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    needs_exiftool,
]


@pytest.fixture
def source(brand):
    factories.make_channels("square", "web-hero")
    return make_live(brand, (900, 700), title="Photo", source_type="digitalCapture")


def public_picture(open_page, content):
    """The page as anybody gets it. Returns the window and its pictures' addresses."""
    reader = open_page()
    reader.page.goto(reader.address + pages.address(content))
    found = reader.page.evaluate("[...document.images].map(image => image.src)")
    return reader.page, found


def fetched_type(page, url, tmp_path):
    """What exiftool reads in a file that the browser fetched."""
    answer = page.request.get(url)
    assert answer.status == 200
    return source_type(answer.body(), tmp_path).rpartition("/")[2]


def test_a_generated_picture_goes_onto_a_page_and_is_withdrawn(open_page, boss, brand, source, tmp_path):
    """The whole way: generate in place, put into the draft, refused, approved, published, withdrawn."""
    content = pages.make_page(boss)
    place = pages.place(content)
    editor = open_page(boss)
    editor.visit(pages.structure_url(content))
    frame = editor.add_picture()
    frame.locator("[name=channel]").select_option(label=Channel.objects.get(slug="web-hero").name)
    frame.locator(".studio-picker [data-do=open]").click()
    dialog = frame.locator("dialog.studio-pick[open]")
    dialog.get_by_text("There is no picture yet that fits here. Generate one, then come back.").wait_for()
    assert "once the picture is approved and published" in dialog.locator(".studio-pick-hint").inner_text()
    with editor.page.context.expect_page() as opened:
        dialog.locator("[data-do=generate]").click()
    studio = opened.value
    studio.locator(f'a[href*="source={source.pk}"]').click()
    studio.wait_for_url(re.compile("channel=web-hero"))
    assert studio.locator("[name=channels]:checked").count() == 1
    assert studio.locator("[name=channels]:checked").get_attribute("value") == "web-hero"
    studio.locator('#generate button[value="order"]:not([aria-disabled="true"])').click()
    studio.wait_for_url(re.compile("/variantset/[0-9a-f-]{36}/change/"))
    made = VariantSet.objects.get().variants.get(locale="en").asset
    Asset.objects.filter(pk=made.pk).update(title="Evening tea", alt={"en": "A bottle", "ar": "زجاجة"})
    studio.close()
    editor.come_back()
    card = dialog.locator("li").filter(has_text="Evening tea")
    card.wait_for()
    assert "Not published yet: To review" in card.inner_text()
    card.locator("button").first.click()
    editor.save()
    assert StudioPicture.objects.get().picture == made
    # In the draft the team sees it, with its state; the page stays a draft.
    editor.visit(pages.edit_url(content))
    note = editor.page.locator(".studio-picture-note")
    assert "Not published: To review" in note.inner_text()
    editor.publish()
    assert "Evening tea" in editor.page.locator(".cms-messages, .messagelist, body").first.inner_text()
    assert pages.version_of(type(content).admin_manager.get(pk=content.pk)).state == "draft"
    approve(Policy.operator(), made, declaration=factories.DECLARED)
    apart(publish_picture, Policy.operator(), made)
    editor.visit(pages.edit_url(content))
    assert editor.page.locator(".studio-picture-note").count() == 0
    editor.publish()
    page, (url,) = public_picture(open_page, content)
    assert page.locator("picture source[type='image/avif']").count() == 1
    assert made.source_type
    assert fetched_type(page, url, tmp_path) == made.source_type
    withdraw(Policy.operator(), Asset.objects.get(pk=made.pk))
    page, (instead,) = public_picture(open_page, content)
    assert instead.endswith("/static/site/withdrawn.svg")
    assert page.request.get(url).status == 404
    assert place


def test_the_form_is_for_everybody(open_page, boss, brand):
    """By axe, at two widths, in the light and in the dark."""
    content = pages.make_page(boss)
    make_live(brand)
    for width, scheme in ((1280, "light"), (360, "dark")):
        editor = open_page(boss, width=width, scheme=scheme)
        editor.page.goto(editor.address + editor.add_url(pages.place(content)))
        picker = ".studio-picker"
        editor.page.locator(f"{picker} [data-do=open]").click()
        editor.page.locator("dialog[open] li").first.wait_for()
        assert axe(editor.page, "dialog") == []
        editor.page.locator("dialog[open] li button").first.click()
        assert axe(editor.page, picker) == []
        assert overflow(editor.page) <= 0


def test_a_link_is_searched_and_kept(open_page, boss, brand):
    """In the CMS's window, with the keyboard alone; by axe, with the list open, in the light and in the dark."""
    content = pages.make_page(boss)
    offers = pages.make_page(boss, "Offers of May")
    make_live(brand, title="Tea box")
    for scheme in ("light", "dark"):
        editor = open_page(boss, scheme=scheme)
        watch = Watch(editor.page)
        editor.page.goto(editor.address + editor.add_url(pages.place(content)))
        editor.page.get_by_role("combobox", name="Link to a page").press("Enter")
        editor.page.get_by_role("searchbox", name="Link to a page").wait_for()
        editor.page.keyboard.type("may")
        editor.page.get_by_role("option", name="Offers of May").wait_for()
        assert axe(editor.page, ".field-link_page") == []
        assert axe(editor.page, ".select2-dropdown") == []
        editor.page.keyboard.press("Enter")
        assert editor.page.locator("[name=link_page]").input_value() == str(offers.page.pk)
        assert axe(editor.page, ".field-link_page") == []
        assert overflow(editor.page) <= 0
        assert watch.faults == []
    editor.visit(pages.structure_url(content))
    frame = editor.add_picture()
    editor.choose(frame, "Tea box")
    frame.get_by_role("combobox", name="Link to a page").press("Enter")
    frame.get_by_role("searchbox", name="Link to a page").press_sequentially("may")
    frame.get_by_role("option", name="Offers of May").click()
    editor.save()
    assert StudioPicture.objects.get().link_page == offers.page


def test_a_picture_in_a_text(open_page, boss, brand, tmp_path):
    """The text editor's own menu puts it there; the page shows it inside the paragraph."""
    asset = make_live(brand)
    content = pages.make_page(boss)
    text = add_plugin(pages.place(content), "TextPlugin", "en", body="<p>Before</p>")
    child = add_plugin(pages.place(content), "StudioPicturePlugin", "en", target=text, picture=asset)
    text.body = f'<p>Before <cms-plugin id="{child.pk}"></cms-plugin> after</p>'
    text.save()
    editor = open_page(boss)
    editor.page.goto(f"{editor.address}/admin/cms/placeholder/edit-plugin/{text.pk}/?cms_path=/")
    preview = editor.page.locator("cms-plugin img")
    preview.wait_for()
    assert "/media/image_studio/" in preview.get_attribute("src")
    pages.publish(content, boss)
    page, (url,) = public_picture(open_page, content)
    assert page.locator("p > span.studio-picture picture img").count() == 1
    assert fetched_type(page, url, tmp_path) == "trainedAlgorithmicMedia"


def test_a_waiting_picture_in_the_draft_of_a_text_is_not_published(open_page, boss, brand):
    asset = make_candidate(brand)
    content = pages.make_page(boss)
    pages.put(content, asset)
    editor = open_page(boss)
    editor.visit(pages.edit_url(content))
    editor.publish()
    reader = open_page()
    assert reader.page.goto(reader.address + pages.address(content)).status == 404
    publish(asset)
    editor.visit(pages.edit_url(content))
    editor.publish()
    assert reader.page.goto(reader.address + pages.address(content)).status == 200


def test_variants_from_filers_folder(open_page, boss, brand, source):
    """The folder view's menu of actions has it."""
    image = FiledPicture.objects.get(asset=source).image
    editor = open_page(boss)
    editor.page.goto(f"{editor.address}/admin/filer/folder/{image.folder_id}/list/")
    editor.page.locator(f"input.action-select[value='file-{image.pk}']").check(force=True)
    editor.page.locator(".js-actions-menu .nav-button-dots, .js-actions-menu a").first.click()
    with editor.page.expect_navigation(url=re.compile(rf"generate/\?source={source.pk}")):
        editor.page.locator(".js-actions-menu").get_by_text("Generate brand-safe variants").click()
    assert editor.page.locator("#generate").count() == 1
