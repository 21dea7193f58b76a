"""The example's frontend: pages of files that only talk to the API."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from image_studio.models import DECLARATION, STEP_REASONS
from tests.example import EXAMPLE, manage

FILES = EXAMPLE / "magazine" / "static" / "magazine"
CHROMIUM = "/usr/bin/chromium"
#: What the example site answers and knows, from inside: run by its own ``manage.py``.
PAGES = {"studio": "/frontend/", "edit": "/frontend/edit/"}
LOOK = """
import json, sys
from urllib.parse import parse_qsl
from django.contrib.staticfiles.finders import find
from django.test import Client
from django.urls import resolve
client = Client()
pages = {name: client.get(address) for name, address in PAGES.items()}
def said(address):
    path, _, query = address.partition("?")
    match = resolve("/studio/v1/" + path.replace("{id}", "01890000-0000-7000-8000-000000000000"))
    known = {"cursor", "limit", *getattr(getattr(match.func.view_class, "filters", None), "base_filters", {})}
    return [match.url_name, [name for name, _ in parse_qsl(query) if name not in known]]
tries = [client.post("/api-token/", {}) for _ in range(11)]
print("LOOK" + json.dumps({
    "pages": {name: {
        "status": page.status_code, "policy": page["Content-Security-Policy"], "html": page.content.decode(),
        "kind": page["Content-Type"], "post": client.post(PAGES[name]).status_code,
        "files": [find(f"magazine/{file}") for file in (f"{name}.js", "studio.css", f"{name}.css")],
        "addresses": {address: said(address) for address in json.loads(ADDRESSES)[name]},
    } for name, page in pages.items()},
    "tries": [one.status_code for one in tries], "wait": tries[-1]["Retry-After"],
}))
"""


def text(name: str) -> str:
    return (FILES / name).read_text("utf-8")


def addresses(name: str) -> list[str]:
    """The table of every address that a page's script calls."""
    table = re.search(r"^const ADDRESSES = \{\n(.*?)^\};", text(f"{name}.js"), re.DOTALL | re.MULTILINE)
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


@pytest.fixture(scope="module", params=PAGES)
def name(request: pytest.FixtureRequest) -> str:
    """Of a page and its files."""
    return str(request.param)


@pytest.fixture(scope="module")
def page(name: str) -> Page:
    return Page(text(f"{name}.html"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The example site's own answers, from one run of it."""
    called = json.dumps({name: addresses(name) for name in PAGES})
    script = f"PAGES = {PAGES!r}\nADDRESSES = {called!r}\n{LOOK}"
    done = manage(tmp_path_factory.mktemp("var"), "shell", "-c", script)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.rpartition("LOOK")[2])
    return found


@pytest.fixture(scope="module")
def look(name: str, site: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = site["pages"][name]
    return found


# The page -----------------------------------------------------------------------------------------------------------


def test_the_page_is_the_file_as_it_stands(name: str, look: dict[str, Any]) -> None:
    assert (look["status"], look["kind"], look["post"]) == (200, "text/html; charset=utf-8", 405)
    assert look["html"] == text(f"{name}.html")
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


def test_the_reasons_of_a_rejection_are_the_steps_own() -> None:
    tags = Page(text("edit.html")).tags
    said = [attrs["value"] for tag, attrs in tags if tag == "option" and attrs.get("value")]
    assert said == list(STEP_REASONS)


def test_the_declaration_is_the_one_that_approvers_sign() -> None:
    page = Page(text("studio.html"))
    signed = [attrs["value"] for _tag, attrs in page.tags if attrs.get("name") == "declaration"]
    assert signed == list(DECLARATION)
    for words in DECLARATION.values():
        assert str(words) in text("studio.html")


# The script ---------------------------------------------------------------------------------------------------------


def test_every_address_that_it_calls_exists(look: dict[str, Any]) -> None:
    assert len(look["addresses"]) >= 10
    for address, (name, unknown) in look["addresses"].items():
        assert name != "missing", address
        assert unknown == [], address


def test_it_calls_nothing_else(name: str) -> None:
    script = text(f"{name}.js")
    assert script.count("fetch(url") == 1
    assert set(re.findall(r'\bat\("(\w+)"', script)) <= set(re.findall(r'^  (\w+): "', script, re.MULTILINE))
    assert not re.search(r"https?://|[\"'`]/(studio|admin|api)", script)


def test_no_data_becomes_html(name: str) -> None:
    script = text(f"{name}.js")
    for way in ("innerHTML", "insertAdjacentHTML", "outerHTML =", "document.write", "eval(", "import ", "DOMParser"):
        assert way not in script, way


def test_every_element_that_it_names_is_on_the_page(name: str, page: Page) -> None:
    named = set(re.findall(r'(?:\$|stamp)\("([\w-]+)"\)', text(f"{name}.js")))
    assert len(named) > 30
    assert named <= page.ids


def test_tokens_are_not_to_be_guessed(site: dict[str, Any]) -> None:
    assert site["tries"] == [400] * 10 + [429]
    assert 0 < int(site["wait"]) <= 60
