"""The page that edits, in a browser: choose, paint, price, edit, compare, pick, all over the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.chromium import axe, is_fault, overflow
from tests.browser.test_frontend import address, new_page  # noqa: F401 fixtures
from tests.corpus import corpus

# ruff: noqa: F811 fixtures and the arguments that are given them have one name
pytestmark = pytest.mark.browser


def sign_in(tab: Any, address: str) -> None:
    tab.goto(f"{address}/frontend/edit/")
    tab.fill("#username", "demo")
    tab.fill("#password", "for-this-test-only")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#choose:not([hidden])")


def choose(tab: Any, name: str) -> None:
    tab.set_input_files("#file", corpus(f"valid_odd/{name}"))
    tab.wait_for_selector("#edit:not([hidden])")
    tab.wait_for_selector("#edit-button[data-ready]")


@pytest.mark.parametrize("width", [400, 1280])
def test_extend_compare_pick_and_go_on(new_page: Any, address: str, width: int) -> None:
    tab = new_page(viewport={"width": width, "height": 800})
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("response", lambda answer: faults.append(f"{answer.status} {answer.url}") if is_fault(answer) else None)
    sign_in(tab, address)
    choose(tab, "ori__Landscape_1.jpg")
    assert "free" in tab.inner_text("#price")
    assert axe(tab) == []
    tab.click("#edit-button")
    tab.wait_for_selector("#compare:not([hidden])", timeout=60_000)
    tab.wait_for_selector("#facts:has-text('×')")
    before, after = (tab.locator(one).evaluate("i => i.naturalWidth / i.naturalHeight") for one in ("#old", "#new"))
    assert before < after == pytest.approx(16 / 9, rel=0.01)
    assert axe(tab) == []
    tab.fill("#cut", "20")
    assert tab.evaluate("document.querySelector('.slider').style.getPropertyValue('--cut')") == "20%"
    tab.click("#pick")
    tab.wait_for_selector("#result", state="hidden")
    tab.wait_for_selector('#steps li[aria-current]:has-text("2.")')
    # What was picked is what is edited next, and is there again after a reload.
    tab.check("[name=kind][value=extend]")
    tab.select_option("#ratio", "1:1")
    tab.wait_for_selector("#edit-button[data-ready]")
    tab.reload()
    tab.wait_for_selector('#steps li[aria-current]:has-text("2.")')
    assert overflow(tab) <= 0
    assert faults == []


def test_a_step_is_rejected_and_the_way_goes_on_from_the_start(new_page: Any, address: str) -> None:
    tab = new_page()
    sign_in(tab, address)
    choose(tab, "ori__Landscape_3.jpg")
    tab.click("#edit-button")
    tab.wait_for_selector("#compare:not([hidden])", timeout=60_000)
    tab.select_option("#reason", "too_much")
    tab.click("#reject")
    tab.wait_for_selector("#steps .rejected")
    assert "1. The picture" in tab.locator("#steps li[aria-current]").inner_text()


def test_what_is_painted_is_sent_as_a_mask_and_said(new_page: Any, address: str) -> None:
    tab = new_page()
    sign_in(tab, address)
    choose(tab, "ori__Landscape_2.jpg")
    tab.fill("#instruction", "A red door")
    tab.locator("#paint").scroll_into_view_if_needed()
    box = tab.locator("#paint").bounding_box()
    with tab.expect_response("**/masks/") as told:
        tab.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 3)
        tab.mouse.down()
        tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=6)
        tab.mouse.up()
    row = told.value.json()
    assert (told.value.status, row["role"]) == (201, "mask")
    assert 0.001 < row["share"] < 0.2
    assert "Only what is painted" in tab.inner_text("#painted-said")
    # No paid route here: the page says why, and what is free.
    tab.wait_for_selector("#findings .blocks")
    assert not tab.locator("#edit-button[data-ready]").count()
    # The same by keyboard.
    tab.click("#clear")
    tab.focus("#paint")
    with tab.expect_response("**/masks/") as told:
        tab.keyboard.press("ArrowRight")
        tab.keyboard.press("Space")
    assert told.value.json()["share"] > 0.001


def test_an_order_whose_answer_is_lost_is_the_same_order_again(new_page: Any, address: str) -> None:
    tab = new_page()
    sign_in(tab, address)
    choose(tab, "ori__Landscape_4.jpg")
    keys: list[str] = []

    def lose(route: Any) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.fetch()
        route.abort()

    tab.route("**/steps/", lose)
    tab.click("#edit-button")
    tab.wait_for_selector("#edit-said:has-text('There is no connection')")
    tab.unroute("**/steps/")
    with tab.expect_response("**/steps/") as told:
        tab.click("#edit-button")
    assert told.value.headers["idempotency-replayed"] == "true"
    assert told.value.request.headers["idempotency-key"] == keys[0]
    assert json.loads(told.value.text())["step"] == 2
