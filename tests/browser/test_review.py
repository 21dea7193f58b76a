"""The review board by keyboard, and a region drawn by mouse."""

from __future__ import annotations

import pytest

from image_studio.models import Asset, Review
from tests import factories
from tests.workflow.test_queue import make_cells

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser


@pytest.fixture
def cells(studio):
    """Three pictures that wait."""
    return make_cells(factories.make_bare_brand(), 3)


@pytest.fixture
def board(open_page, boss, cells):
    window = open_page(boss)
    window.board()
    expect(window.page.locator(".review-one")).not_to_have_attribute("data-id", "")
    return window


def shown(window):
    return Asset.objects.get(pk=window.page.locator(".review-one").get_attribute("data-id"))


def gone(window, asset):
    """The next picture stands in its place."""
    expect(window.page.locator(".review-one")).not_to_have_attribute("data-id", str(asset.pk))


def test_three_outcomes_by_keyboard(board):
    page = board.page
    board.press("?")
    expect(page.locator(".review-help")).to_have_attribute("open", "")
    board.press("?")
    first = shown(board)
    board.press("p")
    expect(page.locator("#review-said")).to_contain_text("Answer for each point first")
    board.press("1", "2", "3", "4", "p")
    gone(board, first)
    second = shown(board)
    board.press("x")
    expect(page.locator("[data-form=reject] input[type=radio]").first).to_be_focused()
    board.press("2")
    gone(board, second)
    third = shown(board)
    board.press("c")
    page.keyboard.type("Less sky: pox")  # letters that are shortcuts elsewhere
    board.tab_to(page.get_by_role("button", name="Ask for the change"))
    board.press("Enter")
    gone(board, third)
    reviews = {review.asset_id: review for review in Review.objects.all()}
    assert {one: review.decision for one, review in reviews.items()} == {
        first.pk: "approve",
        second.pk: "reject",
        third.pk: "change",
    }
    assert len(reviews[first.pk].declaration) == 4
    assert reviews[second.pk].reason
    assert reviews[third.pk].note == "Less sky: pox"
    expect(page.locator(".studio-empty")).to_contain_text("Nothing waits for you.")


def test_a_change_with_a_region_dragged_by_mouse(board):
    page, asset = board.page, shown(board)
    page.locator("[data-fold=change] > summary").click()
    page.get_by_label("What should be different?").fill("Take the cup away")
    svg = page.locator(".review-svg")
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    left, top = box["x"], box["y"]
    page.mouse.move(left + box["width"] * 0.25, top + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(left + box["width"] * 0.5, top + box["height"] * 0.6, steps=4)
    page.mouse.move(left + box["width"] * 0.75, top + box["height"] * 0.9, steps=4)
    page.mouse.up()
    expect(page.locator(".review-drag")).to_have_attribute("visibility", "visible")
    page.get_by_role("button", name="Ask for the change").click()
    gone(board, asset)
    review = Review.objects.get(asset=asset)
    assert review.decision == "change"
    assert review.region == pytest.approx([0.25, 0.5, 0.5, 0.4], abs=0.02)


def test_arrows_space_and_a_note_that_is_not_lost(board):
    page, first = board.page, shown(board)
    board.press("c")
    page.keyboard.type("Warmer light")
    board.press("Escape", "Escape", "ArrowRight")
    gone(board, first)
    board.press("Space")
    expect(page.locator("#review-full")).to_have_attribute("open", "")
    board.press("Space")
    expect(page.locator("#review-full")).not_to_have_attribute("open", "")
    board.press("ArrowLeft")
    expect(page.locator(".review-one")).to_have_attribute("data-id", str(first.pk))
    expect(page.get_by_label("What should be different?")).to_have_value("Warmer light")
    assert not Review.objects.exists()


def test_a_session_that_ends_keeps_what_was_written(board, boss, client):
    page, first = board.page, shown(board)
    board.watch.expects(403)
    board.press("c")
    page.keyboard.type("Warmer light")
    page.context.clear_cookies()
    page.get_by_role("button", name="Ask for the change").click()
    expect(page.locator("#review-said")).to_contain_text("Your session has ended.")
    expect(page.get_by_label("What should be different?")).to_have_value("Warmer light")
    assert shown(board) == first
    assert not Review.objects.exists()
