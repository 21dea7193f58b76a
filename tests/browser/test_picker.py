"""The picture picker in Chromium: dialog, keyboard, rows that an inline adds, and a session that ends under it."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from image_studio.models import Asset
from tests import factories
from tests.browser.chromium import axe, overflow
from tests.testapp.models import Article

pytestmark = pytest.mark.browser
SIZE = (64, 48)


@pytest.fixture
def tin(studio):
    return make_live(factories.make_bare_brand(), "Tea tin")


def make_live(brand, title, **fields):
    asset = factories.make_asset(brand, SIZE, state="published", title=title, **fields)
    Asset.objects.filter(pk=asset.pk).update(words=asset.search_words())
    return asset


@pytest.fixture
def page(open_page, boss, tin):
    """A signed-in page with an article's form."""
    studio = open_page(boss)
    studio.visit(reverse("admin:testapp_article_add"))
    return studio.page


def picker(page, name="picture"):
    return page.locator(".studio-picker").filter(has=page.locator(f"select[name={name}]"))


def value(page, name="picture"):
    return page.locator(f"select[name={name}]").input_value()


def opened(page, name="picture"):
    picker(page, name).locator("[data-do=open]").click()
    dialog = page.locator("dialog.studio-pick[open]")
    dialog.locator("li").first.wait_for()
    return dialog


def test_a_picture_is_found_chosen_saved_and_removed(page, tin):
    make_live(tin.brand, "Coffee cup")
    assert picker(page).locator("select").is_hidden()
    dialog = opened(page)
    assert dialog.locator("li strong").all_inner_texts() == ["Coffee cup", "Tea tin"]
    dialog.locator("[name=q]").fill("tin")
    dialog.get_by_text("1 picture", exact=True).wait_for()
    dialog.locator("li button").click()
    assert value(page) == str(tin.pk)
    assert "Tea tin" in picker(page).locator(".studio-picker-shown").inner_text()
    page.fill("#id_title", "Spring tea")
    page.click("[name=_continue]")
    page.wait_for_url(re.compile("/change/"))
    assert Article.objects.get().picture == tin
    picker(page).locator("[data-do=remove]").click()
    page.click("[name=_continue]")
    page.wait_for_load_state()
    assert Article.objects.get().picture is None


def test_the_keyboard_alone_is_enough(page, tin):
    other = make_live(tin.brand, "Coffee cup")
    picker(page).locator("[data-do=open]").focus()
    page.keyboard.press("Enter")
    page.locator("dialog[open] li").first.wait_for()
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.id") == str(other.pk)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert value(page) == str(tin.pk)
    assert page.evaluate("document.activeElement.dataset.do") == "open"
    assert picker(page).locator("[role=status]").inner_text() == "Chosen: Tea tin"
    page.keyboard.press("Enter")
    page.locator("dialog[open] [aria-current]").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert value(page) == str(tin.pk)


def test_rows_that_are_added_choose_for_themselves(page, tin):
    page.locator(".add-row a").click()
    dialog = opened(page, "slides-1-picture")
    dialog.locator("li button").first.click()
    assert value(page, "slides-1-picture") == str(tin.pk)
    assert value(page, "slides-0-picture") == value(page) == ""
    page.fill("#id_title", "Spring tea")
    page.click("[name=_save]")
    page.wait_for_url(re.compile("/article/$"))
    assert [slide.picture for slide in Article.objects.get().slides.all()] == [tin]


def test_what_was_published_meanwhile_is_offered(page, tin):
    dialog = opened(page)
    with page.context.expect_page() as other:
        dialog.locator("[data-do=generate]").click()
    assert "/variantset/generate/" in other.value.url
    make_live(tin.brand, "Just published")
    other.value.close()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    new = dialog.locator("li").filter(has_text="Just published")
    new.wait_for()
    assert new.locator(".studio-pick-new").inner_text() == "New"
    assert dialog.locator("li").filter(has_text="Tea tin").locator(".studio-pick-new").is_hidden()


def test_an_ended_session_is_said_in_place_and_nothing_is_lost(page, tin):
    page.fill("#id_title", "Spring tea")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    picker(page).locator("[data-do=open]").click()
    said = picker(page).locator("[role=status]")
    said.get_by_role("link", name="Sign in").wait_for()
    assert "Your session has ended." in said.inner_text()
    page.context.add_cookies(cookies)
    opened(page).locator("li button").click()
    assert value(page) == str(tin.pk)
    assert page.input_value("#id_title") == "Spring tea"


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_passes_axe_and_fits(page, tin, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    dialog = opened(page)
    assert axe(page, "dialog") == []
    dialog.locator("li button").click()
    assert overflow(page) <= 0
    assert axe(page, ".studio-picker") == []
