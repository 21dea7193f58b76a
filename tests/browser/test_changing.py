"""*Change this* from a contact sheet and back onto it, and a recipe replayed on another picture."""

from __future__ import annotations

import io
import re
from itertools import pairwise

import pytest
from PIL import Image

from image_studio.models import EditStep, Replay
from image_studio.policy import Policy
from image_studio.workflow import change_this, request
from image_studio.workflow.chains import start_chain
from image_studio.workflow.plan import Matrix
from image_studio.workflow.recipes import save_recipe
from tests import factories
from tests.browser.chromium import axe, overflow
from tests.browser.test_paid import server as server  # noqa: PLC0414 - a fixture

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser
OPERATOR = Policy.operator()
PATIENCE = 60_000


@pytest.fixture
def bottle(brand, photo):
    return factories.make_asset(brand, image=Image.open(io.BytesIO(photo)), data=photo, title="Bottle")


@pytest.fixture
def sheet(bottle, workers, server):
    """A set of one channel in two languages; both cells share their picture."""
    channels = tuple(factories.make_channels("square"))
    matrix = Matrix(brand=bottle.brand, route="reframe", channels=channels, locales=("en", "ar"), source=bottle)
    made = request(OPERATOR, matrix, key="sheet")
    workers.start()
    return made


def drag(page, box, start, end):
    """Draw from one place to another, told in fractions of a box."""
    x, y = (box["x"], box["y"])
    page.mouse.move(x + box["width"] * start[0], y + box["height"] * start[1])
    page.mouse.down()
    for part in (0.3, 0.6, 1.0):
        where = [a + (b - a) * part for a, b in zip(start, end, strict=True)]
        page.mouse.move(x + box["width"] * where[0], y + box["height"] * where[1])
    page.mouse.up()


def ask_button(page):
    return page.locator('#change button[value="ask"]:not([aria-disabled="true"])')


def test_from_the_sheet_a_part_is_changed_and_taken_back_into_it(open_page, boss, sheet, server):
    studio = open_page(boss)
    page = studio.page
    studio.sheet(sheet.pk)
    expect(studio.cells("candidate")).to_have_count(2, timeout=PATIENCE)
    panel = studio.inspect(studio.cells("candidate").first)
    panel.locator("summary", has_text="Change this").click()
    panel.get_by_label("What should be different?").fill("The bottle green")
    panel.get_by_role("button", name="Change it now").click()

    page.wait_for_url("**/change-this/**")
    expect(page.locator("#chg-note")).to_have_value("The bottle green")
    expect(page.get_by_text("Logo and words stay exact")).to_be_visible()
    assert not server.charged()
    drag(page, page.locator("[data-canvas] img").last.bounding_box(), (0.5, 0.3), (0.8, 0.9))
    expect(page.get_by_text("Only the marked part may change")).to_be_visible()
    expect(page.locator("[name=region_left]")).to_have_value(re.compile(r"^(49|50)\."))
    page.locator('[data-route="quick"] input').check()
    expect(ask_button(page)).to_have_text(re.compile(r"^Change it for about \$0\.\d+$"))
    assert axe(page) == []
    ask_button(page).click()

    page.wait_for_url(re.compile(r"change-this/[0-9a-f-]{36}/$"))
    take = page.get_by_role("button", name="Take into the sheet, 2 cells")
    expect(take).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("is as it was before")).to_be_visible()
    left, right = (one.bounding_box() for one in page.locator(".chg-shot img").all())
    assert left["x"] + left["width"] <= right["x"]
    assert abs(left["height"] - right["height"]) <= 2
    assert axe(page) == []
    before = [cell.asset_id for cell in sheet.variants.all()]
    take.click()

    page.wait_for_url("**/variantset/**")
    expect(page.get_by_text("takes its place in the contact sheet")).to_be_visible()
    expect(studio.cells("candidate")).to_have_count(2, timeout=PATIENCE)
    picture = EditStep.objects.get(parent_number=1).candidates.get().asset_id
    for old in before:
        expect(page.locator(f'.studio-cell img[src*="{old}"]')).to_have_count(0, timeout=PATIENCE)
    assert {cell.asset.parent_id for cell in sheet.variants.select_related("asset")} == {picture}
    assert len(server.charged()) == 1


def test_a_reviewers_wish_is_changed_with_several_versions_and_one_is_used(open_page, boss, bottle, workers, server):
    change_this(Policy(boss), bottle, note="Warmer light", region=None)
    workers.start()
    studio = open_page(boss)
    page = studio.page
    studio.home()
    page.get_by_role("link", name="Change it now").click()
    expect(page.locator("#chg-note")).to_have_value("Warmer light")
    page.locator('[data-route="quick"] input').check()
    page.locator('[name=candidates][value="2"]').check()
    expect(ask_button(page)).to_have_text(re.compile(r"^Make 2 versions for about \$0\.\d+$"))
    ask_button(page).click()
    expect(page.get_by_text("Version B")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Use this one").nth(1).click()
    expect(page.locator(".chg-chosen")).to_contain_text("Version B")
    page.get_by_text("Try again with other words").click()
    expect(page.locator("#chg-note")).to_have_value("Warmer light")
    page.locator("#chg-note").fill("Warmer light, and a lemon")
    expect(ask_button(page)).to_be_visible()
    expect(page.get_by_role("link", name="Edit history")).to_be_visible()


def test_a_recipe_is_replayed_on_another_picture_and_compared(open_page, boss, bottle, workers, server):
    other = factories.make_asset(bottle.brand, (800, 600), title="Jug")
    workers.start()
    studio = open_page(boss)
    page = studio.page
    studio.visit(f"asset/{bottle.pk}/change-this/")
    page.locator("#chg-note").fill("A lemon beside it")
    page.locator('[data-route="quick"] input').check()
    ask_button(page).click()
    page.get_by_text("Keep as a recipe").click(timeout=PATIENCE)
    page.get_by_label("Name of the recipe").fill("With a lemon")
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("link", name="Replay it on other pictures").click()

    page.locator(f'[name=picture][value="{other.pk}"]').check()
    go = page.locator('#replay button[value="replay"]:not([aria-disabled="true"])')
    expect(go).to_have_text(re.compile(r"^Replay on 1 picture for about \$0\.\d+$"))
    expect(page.get_by_text("the model takes no seed")).to_be_visible()
    page.locator('[data-route="standard"] input').check()
    expect(page.locator("[data-line]")).to_contain_text("Buys 2 pictures")
    assert axe(page) == []
    go.click()
    page.wait_for_url("**/replay/**/change/")
    expect(page.locator(".rep-said")).to_contain_text("2 of 2 are ready", timeout=PATIENCE)
    places = [one.bounding_box() for one in page.locator(".rep-table tbody img").all()]
    assert len(places) == 3
    assert all(a["x"] + a["width"] <= b["x"] for a, b in pairwise(places))
    assert axe(page) == []
    assert Replay.objects.get().chains.count() == 2
    assert len(server.charged()) == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_everybody_can_use_it(open_page, boss, bottle, server, workers, width, scheme):
    workers.start()
    studio = open_page(boss, width=width, scheme=scheme)
    page = studio.page
    studio.visit(f"asset/{bottle.pk}/change-this/")
    page.locator("#chg-note").fill("A lemon beside it")
    page.locator('[data-route="quick"] input').check()
    expect(ask_button(page)).to_be_visible()
    assert (axe(page), overflow(page)) == ([], 0)
    ask_button(page).click()
    expect(page.get_by_role("button", name="Use this one")).to_be_visible(timeout=PATIENCE)
    page.get_by_text("Try again with other words").click()
    assert (axe(page), overflow(page)) == ([], 0)
    recipe = save_recipe(OPERATOR, EditStep.objects.get(parent_number=1), "With a lemon")
    for path in (f"editrecipe/{recipe.pk}/change/", f"editrecipe/{recipe.pk}/replay/?picture={bottle.pk}"):
        studio.visit(path)
        expect(page.locator(".rec-parts").first).to_be_visible()
        assert (axe(page), overflow(page)) == ([], 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_price_that_is_asked_for_anew_can_still_be_read(open_page, boss, bottle, server, scheme):
    """Held where a fast server leaves it for a moment only: the words from before, and no answer yet."""
    chain = start_chain(OPERATOR, bottle.brand, bottle, title="Bottle")
    factories.make_channels("square")
    prompt = factories.make_prompt(bottle.brand, "A jug on a table", variables=[]).prompt
    studio = open_page(boss, scheme=scheme)
    page = studio.page
    for path, box, words, before in (
        (f"asset/{bottle.pk}/change-this/", "[data-line]", "#chg-note", "A lemon beside it"),
        (f"variantset/generate/?prompt={prompt.pk}", "#live", "[name=title]", "A lemon beside it"),
        (f"editchain/{chain.pk}/change/", "#wb-line", "#ask [name=instruction]", " "),  # the line says what is missing
    ):
        studio.visit(path)
        page.locator('[data-route="quick"] input').check()
        page.locator(words).fill(before)
        line = page.locator(f'{box}[aria-busy="false"]')
        expect(line).not_to_be_empty()
        page.evaluate("() => { window.fetch = () => new Promise(() => {}) }")
        page.locator(words).fill("Two lemons beside it")
        expect(page.locator(f'{box}[aria-busy="true"]')).not_to_be_empty()
        page.wait_for_timeout(300)  # the change of colour
        assert axe(page) == []


def test_without_scripts_it_works_too(open_page, boss, bottle, server, workers):
    workers.start()
    studio = open_page(boss, scripts=False)
    page = studio.page
    studio.visit(f"asset/{bottle.pk}/change-this/")
    page.locator("#chg-note").fill("A lemon beside it")
    page.locator('[data-route="quick"] input').check()
    page.get_by_role("button", name="Price it").click()
    page.get_by_role("button", name="Change it for about").click()
    expect(page.get_by_role("button", name="Use this one")).to_be_visible(timeout=PATIENCE)
