"""What somebody has typed or drawn stays: beside another decision, from cell to cell, over a new sign-in."""

from __future__ import annotations

import re

import pytest

from image_studio.models import Asset, Review
from tests import factories
from tests.admin.sheets import make_finished
from tests.browser.test_trouble import ENDED, sign_in_again, sign_out_everywhere

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser
NOTE = "Make the bottle larger"
#: A drag of the page's own picture, as the browser tells it: it counts as a file.
OWN_DRAG = """
() => {
  const data = new DataTransfer(), image = document.querySelector(".lib-mat img");
  data.items.add(new File(["x"], "preview.webp", { type: "image/webp" }));
  for (const kind of ["dragstart", "dragenter", "dragover", "drop", "dragend"]) {
    const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
    (kind.startsWith("dragst") ? image : document.body).dispatchEvent(event);
  }
}
"""


@pytest.fixture
def picture(brand):
    return factories.make_asset(brand, (800, 600))


def open_change(studio, asset):
    studio.visit(f"asset/{asset.pk}/change/")
    studio.page.locator("[data-change] > summary").click()
    return studio.page.locator("[data-change] textarea")


def end_session_and_sign_in(studio, boss, client):
    """A new session, and a new token with it, as another window's sign-in leaves them."""
    sign_in_again(studio, boss, client)
    studio.page.context.clear_cookies(name="csrftoken")


def test_a_note_stays_while_something_else_is_decided(open_page, boss, picture):
    studio = open_page(boss)
    note = open_change(studio, picture)
    note.fill(NOTE)
    studio.page.get_by_role("button", name="Shortlist", exact=True).click()
    expect(studio.page.get_by_role("button", name="Off the shortlist")).to_be_visible()
    expect(note).to_be_visible()
    expect(note).to_have_value(NOTE)


def test_a_drag_marks_the_place_and_opens_nothing(open_page, boss, picture):
    studio = open_page(boss)
    page, note = studio.page, open_change(studio, picture)
    page.get_by_role("button", name="Mark the place on the picture").click()
    box = page.locator("[data-shot] img").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.5, steps=4)
    page.mouse.up()
    expect(note).to_be_focused()
    assert page.url.endswith(f"/asset/{picture.pk}/change/")
    edges = [float(field.input_value()) for field in page.locator("[data-edge]").all()]
    assert edges == pytest.approx([25, 25, 50, 25], abs=0.5)


def test_a_change_is_asked_for_after_signing_in_again(open_page, boss, client, picture):
    studio = open_page(boss)
    studio.watch.expects(403)
    open_change(studio, picture).fill(NOTE)
    sign_out_everywhere()
    ask = studio.page.get_by_role("button", name="Ask for the change")
    ask.click()
    expect(studio.page.locator("[data-answer]")).to_contain_text(ENDED)
    expect(studio.page.locator("[data-answer] a")).to_have_attribute("target", "_blank")
    end_session_and_sign_in(studio, boss, client)
    ask.click()
    expect(studio.page.locator("#decide q")).to_have_text(NOTE)
    assert Review.objects.get().note == NOTE


def test_the_review_board_sends_after_signing_in_again(open_page, boss, client, picture):
    studio = open_page(boss)
    studio.watch.expects(403)
    page = studio.page
    studio.visit(f"asset/review/{picture.pk}/")
    page.keyboard.press("c")
    page.keyboard.type(NOTE)
    sign_out_everywhere()
    ask = page.get_by_role("button", name="Ask for the change")
    ask.click()
    expect(page.locator("#review-said")).to_contain_text(ENDED)
    expect(page.locator('[data-form="change"] textarea')).to_have_value(NOTE)
    end_session_and_sign_in(studio, boss, client)
    ask.click()
    expect(page.locator("#review-said")).to_have_text("Asked for. The note stays with the picture.")
    assert Review.objects.get().note == NOTE


@pytest.fixture
def finished(brand):
    return make_finished(brand, takes=1, locales=("en",))


def test_a_note_stays_with_its_cell(open_page, boss, finished):
    studio = open_page(boss)
    studio.watch.expects(503)  # these cells have no files
    page = studio.page
    studio.sheet(finished.pk)
    first, second = page.locator(".studio-cell").nth(0), page.locator(".studio-cell").nth(1)
    first.locator("a").first.focus()
    page.keyboard.press("c")
    note = page.locator('#panel [data-form="change"] textarea')
    expect(note).to_be_focused()
    page.keyboard.type(NOTE)
    second.locator("a").first.evaluate("link => link.click()")
    expect(second).to_have_class(re.compile("studio-open"))
    expect(note).to_have_value("")
    first.locator("a").first.evaluate("link => link.click()")
    expect(note).to_have_value(NOTE)
    expect(note).to_be_visible()


def test_the_inspector_shows_the_cell_that_was_asked_for_last(open_page, boss, finished):
    studio = open_page(boss)
    studio.watch.expects(503)  # these cells have no files
    page = studio.page
    studio.sheet(finished.pk)
    cells = page.locator(".studio-cell")
    ids = [cells.nth(at).get_attribute("id").removeprefix("cell-") for at in (0, 1)]
    held = []

    def hold(route):
        held.append(route)

    page.route(f"**/cell/{ids[0]}/inspect/**", hold)
    cells.nth(0).locator("a").first.click()
    cells.nth(1).locator("a").first.click()
    expect(page.locator("#panel .studio-inspect")).to_have_attribute("data-cell", ids[1])
    with page.expect_response(f"**/cell/{ids[0]}/inspect/**"):
        held[0].continue_()
    page.wait_for_timeout(200)  # what must not happen has no sign
    expect(page.locator("#panel .studio-inspect")).to_have_attribute("data-cell", ids[1])


def test_a_picture_dragged_about_is_no_upload(open_page, boss, picture):
    studio = open_page(boss)
    studio.library()
    studio.page.evaluate(OWN_DRAG)
    expect(studio.page.locator("[data-uploads]")).to_be_hidden()
    assert Asset.objects.count() == 1


@pytest.mark.parametrize("path", ["asset/", "asset/{pk}/change/", "variantset/{set}/cell/{cell}/inspect/"])
@pytest.mark.parametrize("width", [360, 1280])
def test_colours_stand_where_the_picture_will_be(open_page, boss, picture, path, width):
    made = factories.make_set(picture.brand, channels=factories.make_channels("square"), locales=("en",))
    cell = made.variants.get()
    type(cell).objects.filter(pk=cell.pk).update(asset=picture, state="ready")
    studio = open_page(boss, width=width)
    page = studio.page
    held = []

    def hold(route):
        held.append(route)

    page.route("**/picture/**", hold)
    # Not at its end, which waits for the pictures.
    page.goto(
        f"{studio.address}/admin/image_studio/{path.format(pk=picture.pk, set=made.pk, cell=cell.pk)}",
        wait_until="commit",
    )
    blur = page.locator(".studio-blur")
    blur.wait_for()
    page.wait_for_load_state("domcontentloaded")
    place = blur.bounding_box()
    assert place["width"] > 100
    assert place["width"] / place["height"] == pytest.approx(4 / 3, rel=0.02)
    for route in held:
        route.continue_()
    page.unroute("**/picture/**", hold)
    page.locator(".studio-blur + img").evaluate("image => image.decode()")
    assert blur.bounding_box() == pytest.approx(place, abs=1)
    assert page.locator(".studio-blur + img").bounding_box() == pytest.approx(place, abs=1)
