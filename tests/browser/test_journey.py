"""From a file on the desktop to a picture on a public page: by mouse, by keyboard, without scripts."""

from __future__ import annotations

import re

import pytest

from image_studio.models import Asset, Review, Variant
from tests import factories
from tests.browser.chromium import overflow
from tests.testapp.models import Article

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser
LINE = re.compile(r"\d of \d pictures")
ALT = "A yellow bottle on a table"


@pytest.fixture(autouse=True)
def place(brand):
    """A brand, and two places to show its pictures in."""
    factories.make_channels("square", "newsletter")


def watched(page):
    """Marks the page, so that one that was loaded again is noticed."""
    page.evaluate("window.theSamePage = true")


def assert_watched(page):
    assert page.evaluate("window.theSamePage") is True, "the sheet was loaded again instead of filling"


def assert_on_the_site(studio, asset):
    """A page of the site shows the picture as anybody sees it."""
    article = Article.objects.create(title="Spring", picture=asset)
    studio.visit(article.get_absolute_url())
    (shown,) = studio.pictures()
    assert shown["src"].endswith(".avif")
    assert shown["width"] > 0
    assert shown["alt"] == ALT


def published(page, cell):
    expect(cell.locator(".studio-chip").first).to_have_text("Published", timeout=60_000)


def only_asset(**fields):
    return Asset.objects.get(**fields)


def test_the_whole_way_by_mouse(open_page, boss, workers, photo):
    studio = open_page(boss, width=1280)
    page = studio.page
    workers.start()
    studio.home()
    page.locator(".home-head").get_by_role("link", name="Library").click()
    page.wait_for_url(re.compile("/asset/$"))
    studio.drop({"bottle.jpg": photo})
    studio.uploads("added").get_by_role("link", name="Open").click()
    page.get_by_role("link", name="Generate brand-safe variants").click()
    order_two_channels(studio)
    sheet_fills(studio)
    cell = studio.cells().first
    panel = studio.inspect(cell)
    form = panel.locator("[data-form=release]")
    expect(panel).to_contain_text("layout checked, content not judged")
    refused_without_a_declaration(studio, form)
    studio.declare(form)
    form.locator("[name=alt_en]").fill(ALT)
    form.get_by_role("button", name="Approve and publish").click()
    published(page, cell)
    assert_watched(page)
    asset = only_asset(state="published")
    assert asset.alt == {"en": ALT}
    assert len(Review.objects.get(asset=asset, decision="approve").declaration) == 4
    assert_on_the_site(studio, asset)


def order_two_channels(studio):
    page = studio.page
    for box in page.locator("input[name=channels]").all():
        box.check()
    for box in page.locator("input[name=locales]").all():
        box.set_checked(box.get_attribute("value") == "en")
    expect(studio.order).to_contain_text("2 cells", ignore_case=True)
    studio.order.click()
    page.wait_for_url(re.compile("/variantset/.*/change/"))


def sheet_fills(studio):
    """Two cells become ready while one looks."""
    watched(studio.page)
    expect(studio.cells("candidate")).to_have_count(2, timeout=60_000)
    assert_watched(studio.page)
    expect(studio.page.locator("#bar")).to_contain_text(LINE)


def refused_without_a_declaration(studio, form):
    studio.watch.expects(400)
    form.get_by_role("button", name="Approve", exact=True).click()
    expect(studio.panel.locator(".studio-inspect-told")).not_to_be_empty()
    assert not Review.objects.exists()


def test_the_whole_way_by_keyboard(open_page, boss, workers, photo):
    studio = open_page(boss, width=360, scheme="dark")
    page = studio.page
    workers.start()
    studio.home()
    follow(studio, page.locator(".home-head").get_by_role("link", name="Library"), "/asset/$")
    studio.tab_to(page.locator("[data-choose]:visible"))
    with page.expect_file_chooser() as chooser:
        studio.press("Enter")
    chooser.value.set_files({"name": "bottle.jpg", "mimeType": "image/jpeg", "buffer": photo})
    follow(studio, studio.uploads("added").get_by_role("link", name="Open"), "/asset/.*/change/")
    follow(studio, page.get_by_role("link", name="Generate brand-safe variants"), "/generate/")
    order_by_keyboard(studio)
    sheet_fills(studio)
    assert overflow(page) <= 0
    cell = decide_by_keyboard(studio)
    published(page, cell)
    assert_watched(page)
    asset = only_asset(state="published")
    assert asset.alt == {"en": ALT}
    assert_on_the_site(studio, asset)


def follow(studio, link, address):
    studio.tab_to(link)
    studio.press("Enter")
    studio.page.wait_for_url(re.compile(address))


def order_by_keyboard(studio):
    page = studio.page
    for name, wanted in (("channels", None), ("locales", "en")):
        for box in page.locator(f"input[name={name}]").all():
            if box.is_checked() != (wanted is None or box.get_attribute("value") == wanted):
                studio.tab_to(box)
                studio.press("Space")
    expect(studio.order).to_contain_text("2 cells", ignore_case=True)
    studio.tab_to(studio.order)
    studio.press("Enter")
    page.wait_for_url(re.compile("/variantset/.*/change/"))


def decide_by_keyboard(studio):
    """From cell to cell with the arrows, then P, the declaration, the alt texts, and the button."""
    page, (first, second) = studio.page, studio.cells().all()
    studio.tab_to(first.locator("a.studio-shot"))
    studio.press("ArrowDown")
    expect(second.locator("a.studio-shot")).to_be_focused()
    studio.press("Enter")
    expect(studio.panel.locator("h2")).to_be_focused()
    studio.press("p")
    form = studio.panel.locator("[data-form=release]")
    for box in form.locator("[name=declaration]").all():
        expect(box).to_be_focused()
        studio.press("Space", "Tab")
    expect(form.locator("[name=alt_en]")).to_be_focused()
    page.keyboard.type(ALT)
    studio.tab_to(form.get_by_role("button", name="Approve and publish"))
    studio.press("Enter")
    return second


def test_the_whole_way_without_scripts(open_page, boss, workers, photo):
    studio = open_page(boss, scripts=False)
    page = studio.page
    studio.visit("asset/add/")
    page.locator("input[type=file]").set_input_files({"name": "bottle.jpg", "mimeType": "image/jpeg", "buffer": photo})
    page.get_by_role("button", name="Upload").click()
    source = only_asset(kind="raw")
    studio.visit(f"variantset/generate/?source={source.pk}")
    order_without_scripts(page)
    expect(page.locator("#no-worker")).to_contain_text("studio_worker")
    workers.start()
    # The page loads itself again; nobody presses anything.
    expect(studio.cells("candidate")).to_have_count(2, timeout=60_000)
    page.locator("a.studio-shot").first.click()
    cell = Variant.objects.get(pk=studio.here)
    form = page.locator("form.studio-release")
    studio.declare(form)
    form.locator("[name=alt_en]").fill(ALT)
    form.get_by_role("button", name="Approve and publish").click()
    studio.sheet(cell.variant_set_id)
    cells = page.locator(f"#cell-{cell.pk}")
    expect_after_reloads(page, cells.get_by_text("Published", exact=True))
    assert_on_the_site(studio, only_asset(state="published"))


def order_without_scripts(page):
    for box in page.locator("input[name=channels]").all():
        box.check()
    for box in page.locator("input[name=locales]").all():
        box.set_checked(box.get_attribute("value") == "en")
    page.get_by_role("button", name="Price it").click()
    expect(page.locator("#confirm")).to_contain_text("cells composed")
    page.locator('button[value="order"]').click()
    page.wait_for_url(re.compile("/variantset/.*/change/"))


def expect_after_reloads(page, wanted):
    """A person without scripts presses reload."""
    for _ in range(120):
        if wanted.count():
            return
        page.wait_for_timeout(250)
        page.reload()
    raise AssertionError(f"{wanted} never came")
