"""The example's pages in Chromium: they load whole, right to left where they should, and pass axe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import Watch, axe, overflow
from tests.corpus import corpus
from tests.example import manage, serving

pytestmark = pytest.mark.browser
PASSWORD = "for-this-test-only"
SET_PASSWORD = f"""
from django.contrib.auth.models import User
user = User.objects.get(username="demo")
user.set_password("{PASSWORD}")
user.save()
"""


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run of the demo left, on a photograph."""
    folder = tmp_path_factory.mktemp("var")
    done = manage(folder, "demo", "--no-serve", "--photo", str(corpus("valid_odd/ori__Landscape_1.jpg")))
    assert done.returncode == 0, done.stderr
    done = manage(folder, "shell", "-c", SET_PASSWORD)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def address(var: Path) -> Iterator[str]:
    with serving(var) as found:
        yield found


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page that fails the test when anything on it did: an error in its console, or a file that is not there."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    watch = Watch(page)
    yield page
    page.close()
    assert watch.faults == []


def pictures(page: Any) -> list[dict[str, Any]]:
    """Every picture of the page, after it was scrolled into view and decoded."""
    for image in page.locator("img").all():
        image.scroll_into_view_if_needed()
        image.evaluate("image => image.decode()")
    found: list[dict[str, Any]] = page.evaluate(
        "[...document.images].map(i => ({src: i.currentSrc, width: i.naturalWidth, alt: i.alt, shown: i.clientWidth,"
        " declared: i.width / i.height, true: i.naturalWidth / i.naturalHeight}))"
    )
    return found


def log_in(page: Any, address: str) -> None:
    page.goto(f"{address}/admin/login/?next=/admin/")
    page.fill("#id_username", "demo")
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_url(f"{address}/admin/")


def test_the_home_page_shows_published_pictures(page: Any, address: str) -> None:
    page.goto(address)
    shown = pictures(page)
    assert len(shown) == 4
    for picture in shown:
        assert picture["src"].endswith(".avif")
        assert picture["width"] > 0
        assert picture["declared"] == pytest.approx(picture["true"], rel=0.02)
        assert picture["alt"]
    assert axe(page) == []


def test_the_home_page_fits_a_phone(page: Any, address: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert {picture["src"].endswith(".avif") for picture in pictures(page)} == {True}
    assert axe(page) == []


def test_an_arabic_story_runs_from_right_to_left(page: Any, address: str) -> None:
    page.goto(f"{address}/saat-hadia/")
    assert page.evaluate("document.documentElement.dir") == "rtl"
    assert page.evaluate("document.documentElement.lang") == "ar"
    # The words stand at the right: their line ends there, and the ragged side is the left one.
    right, ragged = page.evaluate(
        """() => {
            const range = document.createRange(), title = document.querySelector("h1");
            range.selectNodeContents(title);
            const words = range.getBoundingClientRect(), holder = title.getBoundingClientRect();
            return [holder.right - words.right, words.left - holder.left];
        }"""
    )
    assert right == pytest.approx(0, abs=2)
    assert ragged > 100
    (picture,) = pictures(page)
    assert picture["shown"] == 1280
    assert axe(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_frontend_of_the_api_fits_a_phone(page: Any, address: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{address}/frontend/")
    assert overflow(page) <= 0
    assert axe(page) == []


def test_the_contact_sheet_stands_alone(page: Any, var: Path) -> None:
    page.goto((var / "contact-sheet.html").as_uri())
    shown = pictures(page)
    assert len(shown) == 18
    assert all(picture["width"] > 0 for picture in shown)
    assert not re.search(r"https?://(?!www\.w3\.org)", page.content())  # nothing from elsewhere
    page.locator("summary").first.click()
    assert page.locator("details[open] li").count() >= 10
    assert axe(page) == []


def test_the_studio_shows_the_demo(page: Any, address: str) -> None:
    log_in(page, address)
    page.goto(f"{address}/admin/image_studio/asset/")
    shown = pictures(page)
    assert len(shown) >= 20
    assert all(picture["width"] > 0 for picture in shown)
