"""The example's frontend in a browser, as somebody uses it who knows nothing of the admin."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.chromium import axe, is_fault, overflow
from tests.corpus import corpus
from tests.example import EXAMPLE, environment, manage, serving

pytestmark = pytest.mark.browser
SEED = """
from demo.seed import seed
_brand, people = seed()
people.owner.set_password("for-this-test-only")
people.owner.save()
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example with its brand and its people, and with a worker."""
    var = tmp_path_factory.mktemp("var")
    done = manage(var, "shell", "-c", SEED)
    assert done.returncode == 0, done.stderr
    with serving(var) as found, (var / "worker.log").open("wb") as log:
        command = [sys.executable, str(EXAMPLE / "manage.py"), "studio_worker"]
        worker = subprocess.Popen(command, env=environment(var), cwd=var, stdout=log, stderr=log)
        try:
            yield found
        finally:
            worker.terminate()
            worker.wait(timeout=30)


@pytest.fixture
def new_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages of one visitor each."""
    opened = []

    def opening(**window: Any) -> Any:
        opened.append(chromium.new_context(**window))
        return opened[-1].new_page()

    yield opening
    for context in opened:
        context.close()


def sign_in(tab: Any, address: str) -> None:
    tab.goto(f"{address}/frontend/")
    tab.fill("#username", "demo")
    tab.fill("#password", "for-this-test-only")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#order:not([hidden])")


@pytest.mark.parametrize("width", [360, 1280])
def test_the_whole_way_to_a_public_picture(new_page: Any, address: str, width: int) -> None:
    tab = new_page(viewport={"width": width, "height": 800})
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("response", lambda answer: faults.append(f"{answer.status} {answer.url}") if is_fault(answer) else None)
    sign_in(tab, address)
    tab.set_input_files("#file", corpus("valid_odd/ori__Landscape_1.jpg"))
    tab.wait_for_selector('#upload-said:has-text("chosen")')
    tab.wait_for_selector('#order-button[data-ready]:has-text("Order 4 cells, free")')
    assert "Buys 2 pictures (free), composes 4 cells" in tab.inner_text("#price")
    tab.click("#order-button")
    tab.wait_for_selector('#progress-said:has-text("4 of 4 cells ready")', timeout=90_000)
    assert tab.locator(".cell .note").all_inner_texts() == ["Layout checked, content not judged."] * 4
    tab.locator(".cell button").first.click()
    tab.wait_for_selector("#review[open]")
    for words in tab.locator("#alt-list textarea").all():
        words.fill("A waterfall over black rock")
    for box in tab.locator("#declaration input").all():
        box.check()
    assert axe(tab) == []
    tab.click("#approve")
    tab.wait_for_selector("#figures img", timeout=90_000)
    shown = tab.locator("#figures img")
    shown.scroll_into_view_if_needed()
    assert shown.evaluate("i => i.decode().then(() => [i.alt, i.naturalWidth > 300, i.currentSrc.slice(-5)])") == [
        *("A waterfall over black rock", True, ".avif")
    ]
    assert axe(tab) == []
    assert overflow(tab) <= 0
    assert faults == []


def test_what_goes_wrong_is_said_in_place_and_loses_nothing(new_page: Any, address: str) -> None:
    tab = new_page()
    sign_in(tab, address)
    tab.set_input_files("#file", {"name": "letter.jpg", "mimeType": "image/jpeg", "buffer": b"Dear all"})
    tab.wait_for_selector("#upload-said.bad:has-text('Save the picture as PNG, JPEG or WebP')")
    tab.set_input_files("#file", corpus("valid_odd/ori__Landscape_2.jpg"))
    tab.wait_for_selector("#upload-said.good")
    tab.wait_for_selector("#order-button[data-ready]")
    # An order whose answer is lost keeps its key: the second try is the same order.
    keys: list[str] = []

    def lose(route: Any) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.fetch()
        route.abort()

    tab.route("**/v1/variant-sets/", lose)
    tab.click("#order-button")
    tab.wait_for_selector("#order-said:has-text('There is no connection')")
    tab.unroute("**/v1/variant-sets/")
    with tab.expect_response("**/v1/variant-sets/") as told:
        tab.click("#order-button")
    assert told.value.status == 202
    assert told.value.headers["idempotency-replayed"] == "true"
    assert told.value.request.headers["idempotency-key"] == keys[0]
    tab.wait_for_selector(".cell")
    # A throttled poll says so and goes on; a dead token asks to sign in, and the order comes back.
    wait = {"Retry-After": "1", "Content-Type": "application/problem+json"}
    problem = json.dumps({"code": "throttled", "detail": "That was too often.", "errors": {}})
    tab.route("**/cells/*", lambda route: route.fulfill(status=429, headers=wait, body=problem), times=1)
    tab.evaluate("window.dispatchEvent(new Event('online'))")
    tab.wait_for_selector("#watch-said:has-text('That was too often. Looking again in')")
    tab.wait_for_selector("#watch-said", state="hidden")
    gone = json.dumps({"code": "auth.failed", "detail": "These credentials are not valid here.", "errors": {}})
    tab.route("**/cells/*", lambda route: route.fulfill(status=401, headers=wait, body=gone), times=1)
    tab.evaluate("window.dispatchEvent(new Event('online'))")
    tab.wait_for_selector("#notice:has-text('Your token is not valid any more')")
    assert tab.locator("#order").is_hidden()
    tab.fill("#password", "for-this-test-only")
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".cell")
    assert tab.locator(".cell").count() == 4


@pytest.mark.parametrize(
    ("mosts", "words"),
    [
        ((60_000, 60_000, 40_000), "Try again what failed (at most $0.10)"),
        ((60_000, 60_000, None), "Try again what failed (price unknown)"),
        ((), "Try again what failed"),
    ],
)
def test_trying_again_says_what_it_may_cost(new_page: Any, address: str, mosts: tuple[Any, ...], words: str) -> None:
    """The first two cells share a picture, which is paid for once."""
    tab = new_page()
    sign_in(tab, address)
    show_broken(tab, address, mosts)
    assert tab.inner_text("#retry") == words


def test_what_trying_again_was_said_to_cost_binds(new_page: Any, address: str) -> None:
    tab = new_page()
    sign_in(tab, address)
    show_broken(tab, address, (60_000, 60_000, 40_000))
    sent: list[tuple[Any, str]] = []

    def risen(route: Any) -> None:
        sent.append((route.request.post_data_json, route.request.headers["idempotency-key"]))
        serve_broken(tab, (60_000, 60_000, 90_000))
        route.fulfill(status=409, json={"code": "price.risen", "detail": "It may cost more."})

    tab.route("**/v1/variant-sets/made/retry/", risen)
    for _press in range(2):
        tab.click("#retry")
        tab.wait_for_selector("#watch-said:has-text('It may cost more.')")
        tab.wait_for_selector("#retry:has-text('Try again what failed (at most $0.15)'):not(:disabled)")
    assert [body for body, _key in sent] == [{"most_micro_usd": 100_000}, {"most_micro_usd": 150_000}]
    assert sent[0][1] != sent[1][1]


def show_broken(tab: Any, address: str, mosts: tuple[Any, ...]) -> None:
    """A set that brought nothing, one cell for each sum that buying it again may cost."""
    serve_broken(tab, mosts)
    tab.goto(f"{address}/frontend/#set=made")
    tab.reload()
    tab.wait_for_selector("#retry:not([hidden])")


def serve_broken(tab: Any, mosts: tuple[Any, ...]) -> None:
    told = {"verdicts": {}, "judged": False, "actions": ["retry"], "status": "failed", "asset": None, "message": "No."}
    place = {"channel": "square", "take": 1, "width": 90, "height": 90, "partial": None, "preview_url": None}
    bought = [{"picture": f"job:{max(0, number - 1)}", "most": most} for number, most in enumerate(mosts)] or [None]
    cells = [
        {**told, **place, "id": str(number), "locale": f"{number}", "again": again, "asset_state": None}
        for number, again in enumerate(bought)
    ]
    progress = {"cells": {"failed": len(cells)}, "cells_total": len(cells), "active": False}
    body = {"title": "Tins", "micro_usd": 0, "actions": ["retry"], "progress": progress}
    tab.route("**/v1/variant-sets/made/", lambda route: route.fulfill(json=body))
    tab.route("**/v1/variant-sets/made/cells/*", lambda route: route.fulfill(json={"next": None, "results": cells}))
