"""The example's frontend: a page of files that only talks to the API. In a browser too, where there is one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from image_studio.models import DECLARATION
from tests.corpus import corpus
from tests.example import EXAMPLE, environment, manage, serving

FILES = EXAMPLE / "magazine" / "static" / "magazine"
CHROMIUM = "/usr/bin/chromium"
#: What the example site answers and knows, from inside: run by its own ``manage.py``.
LOOK = """
import json, sys
from urllib.parse import parse_qsl
from django.contrib.staticfiles.finders import find
from django.test import Client
from django.urls import resolve
client = Client()
page = client.get("/frontend/")
def said(address):
    path, _, query = address.partition("?")
    match = resolve("/studio/v1/" + path.replace("{id}", "01890000-0000-7000-8000-000000000000"))
    known = {"cursor", "limit", *getattr(getattr(match.func.view_class, "filters", None), "base_filters", {})}
    return [match.url_name, [name for name, _ in parse_qsl(query) if name not in known]]
tries = [client.post("/api-token/", {}) for _ in range(11)]
print("LOOK" + json.dumps({
    "status": page.status_code, "policy": page["Content-Security-Policy"], "html": page.content.decode(),
    "kind": page["Content-Type"], "post": client.post("/frontend/").status_code,
    "files": [find(name) for name in ("magazine/studio.js", "magazine/studio.css")],
    "addresses": {address: said(address) for address in json.loads(ADDRESSES)},
    "tries": [one.status_code for one in tries], "wait": tries[-1]["Retry-After"],
}))
"""


def text(name: str) -> str:
    return (FILES / name).read_text("utf-8")


def addresses() -> list[str]:
    """The table of every address that the script calls."""
    table = re.search(r"^const ADDRESSES = \{\n(.*?)^\};", text("studio.js"), re.DOTALL | re.MULTILINE)
    assert table is not None
    return re.findall(r'^  \w+: "([^"]+)",$', table[1], re.MULTILINE)


class Page(HTMLParser):
    """Tags with their attributes, in order; which ids there are."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.wrapped: list[bool] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {**dict(attrs), "in label": "yes" if "label" in self._open else None}))
        if tag not in ("meta", "link", "input", "img"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("script", "style"):
            self.inline += data.strip()

    @property
    def ids(self) -> set[str]:
        return {attrs["id"] for _tag, attrs in self.tags if attrs.get("id")}  # type: ignore[misc]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(text("studio.html"))


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The example site's own answers, from one run of it."""
    script = f"ADDRESSES = {json.dumps(addresses())!r}\n{LOOK}"
    done = manage(tmp_path_factory.mktemp("var"), "shell", "-c", script)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.rpartition("LOOK")[2])
    return found


# The page -----------------------------------------------------------------------------------------------------------


def test_the_page_is_the_file_as_it_stands(look: dict[str, Any]) -> None:
    assert (look["status"], look["kind"], look["post"]) == (200, "text/html; charset=utf-8", 405)
    assert look["html"] == text("studio.html")
    assert all(look["files"])


def test_the_page_may_run_and_reach_nothing_but_its_own(look: dict[str, Any]) -> None:
    policy = dict(part.strip().split(" ", 1) for part in look["policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in look["policy"]


def test_nothing_stands_inline(page: Page) -> None:
    assert page.inline == ""
    for tag, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on") or name == "style"], tag


def test_every_control_has_a_name(page: Page) -> None:
    named = {attrs["for"] for tag, attrs in page.tags if tag == "label" and attrs.get("for")}
    for tag, attrs in page.tags:
        if tag in ("input", "select", "textarea"):
            assert attrs["in label"] or attrs["id"] in named, attrs
        if tag == "progress":
            assert attrs.get("aria-label") or attrs.get("aria-labelledby") in page.ids


def test_the_declaration_is_the_one_that_approvers_sign(page: Page) -> None:
    signed = [attrs["value"] for _tag, attrs in page.tags if attrs.get("name") == "declaration"]
    assert signed == list(DECLARATION)
    for words in DECLARATION.values():
        assert str(words) in text("studio.html")


# The script ---------------------------------------------------------------------------------------------------------


def test_every_address_that_it_calls_exists(look: dict[str, Any]) -> None:
    assert len(look["addresses"]) >= 15
    for address, (name, unknown) in look["addresses"].items():
        assert name != "missing", address
        assert unknown == [], address


def test_it_calls_nothing_else() -> None:
    script = text("studio.js")
    assert script.count("fetch(url") == 1
    assert set(re.findall(r'\bat\("(\w+)"', script)) <= set(re.findall(r'^  (\w+): "', script, re.MULTILINE))
    assert not re.search(r"https?://|[\"'`]/(studio|admin|api)", script)


def test_no_data_becomes_html() -> None:
    script = text("studio.js")
    for way in ("innerHTML", "insertAdjacentHTML", "outerHTML =", "document.write", "eval(", "import ", "DOMParser"):
        assert way not in script, way


def test_every_element_that_it_names_is_on_the_page(page: Page) -> None:
    named = set(re.findall(r'(?:\$|stamp)\("([\w-]+)"\)', text("studio.js")))
    assert len(named) > 30
    assert named <= page.ids


def test_tokens_are_not_to_be_guessed(look: dict[str, Any]) -> None:
    assert look["tries"] == [400] * 10 + [429]
    assert 0 < int(look["wait"]) <= 60


# In a browser -------------------------------------------------------------------------------------------------------

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
def chromium() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no {CHROMIUM}; Debian: apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


def sign_in(tab: Any, address: str) -> None:
    tab.goto(f"{address}/frontend/")
    tab.fill("#username", "demo")
    tab.fill("#password", "for-this-test-only")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#order:not([hidden])")


@pytest.mark.unready
@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_the_whole_way_to_a_public_picture(chromium: Any, address: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab = chromium.new_page(viewport={"width": width, "height": 800})
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("response", lambda answer: faults.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
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
    assert axe.run(tab).response["violations"] == []
    tab.click("#approve")
    tab.wait_for_selector("#figures img", timeout=90_000)
    shown = tab.locator("#figures img")
    shown.scroll_into_view_if_needed()
    assert shown.evaluate("i => i.decode().then(() => [i.alt, i.naturalWidth > 300, i.currentSrc.slice(-5)])") == [
        *("A waterfall over black rock", True, ".avif")
    ]
    assert axe.run(tab).response["violations"] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert faults == []


@pytest.mark.unready
@pytest.mark.browser
def test_what_goes_wrong_is_said_in_place_and_loses_nothing(chromium: Any, address: str) -> None:
    tab = chromium.new_page()
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
