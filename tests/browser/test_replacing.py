"""A picture is replaced on its pages, in Chromium: looked at first, judged place by place, seen by the public."""

from __future__ import annotations

import re

import pytest

from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import approve_and_publish
from tests import factories
from tests.browser.chromium import axe, overflow
from tests.testapp.models import Article, Slide

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser


@pytest.fixture
def square(brand):
    return factories.make_channels("square")[0]


@pytest.fixture
def tin(brand, square, workers):
    return make_live(brand, "Tea tin", channel=square)


@pytest.fixture
def box(brand, square, workers):
    """Made for the same place."""
    return make_live(brand, "Tea box", channel=square)


def make_live(brand, title, **fields):
    return factories.make_asset(brand, (800, 600), title=title, **fields)


def come_out(studio, workers, *assets):
    """Released, and their public files made by a worker."""
    for asset in assets:
        approve_and_publish(Policy.operator(), asset, declaration=factories.DECLARED)
        Asset.objects.filter(pk=asset.pk).update(words=asset.search_words())
    workers.start()
    for asset in assets:
        studio.visit(f"asset/{asset.pk}/change/")
        expect(studio.page.get_by_text("Live since")).to_be_visible(timeout=60_000)


@pytest.fixture
def shown(tin):
    """Three places: a page, a row of it, and one that takes square pictures alone."""
    article = Article.objects.create(title="Spring tea", picture=tin, card=tin)
    Slide.objects.create(article=article, picture=tin)
    return article


def public(studio, article):
    studio.visit(article.get_absolute_url())
    (found,) = studio.pictures()
    return found


def test_it_is_replaced_and_withdrawn(open_page, boss, workers, tin, box, shown):
    studio = open_page(boss)
    come_out(studio, workers, tin, box)
    page = studio.page
    before = public(studio, shown)
    studio.visit(f"asset/{tin.pk}/change/")
    page.locator("#used").get_by_role("link", name="Replace on its pages").click()
    expect(page.get_by_role("heading", name="3 places show it")).to_be_visible()
    page.get_by_role("link", name="Tea box").click()
    expect(page.get_by_text("Nothing has been changed yet.")).to_be_visible()
    assert page.locator(".repl-field .studio-is-published").count() == 3
    assert Article.objects.get().picture == tin
    page.get_by_label("Note").fill("New tin since April")
    page.get_by_role("button", name="Replace in 3 places").click()
    page.wait_for_url(re.compile(f"/asset/{tin.pk}/change/"))
    expect(page.get_by_text("Replaced in 3 places.")).to_be_visible()
    after = public(studio, shown)
    assert after["src"] != before["src"]
    assert after["width"] > 0
    assert (Article.objects.get().card, Slide.objects.get().picture) == (box, box)
    studio.visit(f"asset/{tin.pk}/change/")
    page.locator("#decide summary").get_by_text("Withdraw", exact=True).click()
    expect(page.get_by_text("No page shows it now.")).to_be_visible()
    page.get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.get_by_text("Withdrawn: nobody outside sees it")).to_be_visible()
    assert public(studio, shown)["src"] == after["src"]


def test_what_does_not_take_it_says_why_and_stays(open_page, boss, workers, brand, tin, shown):
    """Found in the dialog, by its words: no picture was made for the same place."""
    story = make_live(brand, "Tea in bed", channel=factories.make_channels("story")[0])
    studio = open_page(boss)
    come_out(studio, workers, tin, story)
    page = studio.page
    studio.visit(f"asset/{tin.pk}/replace/")
    page.get_by_role("button", name="Choose a picture").click()
    dialog = page.locator("dialog.studio-pick[open]")
    dialog.locator("[name=q]").fill("bed")
    dialog.get_by_text("1 picture", exact=True).wait_for()
    dialog.locator("li button").click()
    page.get_by_role("button", name="Show what would happen").click()
    stays = page.locator(".repl-stays")
    expect(stays).to_have_count(1)
    expect(stays.locator(".repl-why")).to_contain_text("square")
    page.get_by_label("Only if every place can take it").check()
    page.get_by_role("button", name="Replace in 2 places").click()
    expect(page.locator(".messagelist .error")).to_be_visible()
    assert Article.objects.get().picture == tin
    page.get_by_role("button", name="Replace in 2 places").click()
    expect(page.get_by_text("Replaced in 2 places. 1 place stays as it was.")).to_be_visible()
    article = Article.objects.get()
    assert (article.picture, article.card, Slide.objects.get().picture) == (story, tin, story)


def test_places_that_came_since_are_not_replaced_unseen(open_page, boss, workers, tin, box, shown):
    studio = open_page(boss)
    come_out(studio, workers, tin, box)
    page = studio.page
    studio.visit(f"asset/{tin.pk}/replace/?successor={box.pk}")
    Article.objects.create(title="Autumn tea", picture=tin)
    page.get_by_role("button", name="Replace in 3 places").click()
    expect(page.locator(".messagelist .error")).to_be_visible()
    expect(page.get_by_role("button", name="Replace in 4 places")).to_be_visible()
    assert Article.objects.filter(picture=tin).count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_everybody_can_use_it(open_page, boss, workers, brand, tin, box, shown, width, scheme):
    studio = open_page(boss, width=width, scheme=scheme)
    story = make_live(brand, "Tea in bed", channel=factories.make_channels("story")[0])
    come_out(studio, workers, tin, box, story)
    for query in ("", f"?successor={box.pk}", f"?successor={story.pk}"):
        studio.visit(f"asset/{tin.pk}/replace/{query}")
        assert (axe(studio.page), overflow(studio.page)) == ([], 0)


def test_without_scripts_it_works_too(open_page, boss, workers, tin, box, shown):
    studio = open_page(boss)
    come_out(studio, workers, tin, box)
    studio = open_page(boss, scripts=False)
    page = studio.page
    studio.visit(f"asset/{tin.pk}/replace/")
    page.get_by_label("The picture that takes its places").select_option(value=str(box.pk))
    page.get_by_role("button", name="Show what would happen").click()
    page.get_by_role("button", name="Replace in 3 places").click()
    page.wait_for_url(re.compile(f"/asset/{tin.pk}/change/"))
    assert Article.objects.get().picture == box
