"""Chromium as the tests and the documentation's pictures start it, and a page that tells on itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

CHROMIUM = "/usr/bin/chromium"
#: In a container it runs as root, without a graphics card, and has nothing to fetch from its maker.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SIZES = {360: (360, 740), 1280: (1280, 900)}


@contextmanager
def launched() -> Iterator[Any]:
    """A browser.

    :raises ImportError: without Playwright.
    :raises FileNotFoundError: without Debian's Chromium.
    """
    sync_playwright = import_module("playwright.sync_api").sync_playwright  # of a group that not everybody installs
    if not Path(CHROMIUM).exists():
        raise FileNotFoundError(f"no {CHROMIUM}; Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Watch:
    """What went wrong on a page: errors in its console (the policy's refusals too), exceptions, refused requests."""

    def __init__(self, page: Any) -> None:
        self.faults: list[str] = []
        self.expected: set[int] = set()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("response", self._answered)

    def expects(self, *statuses: int) -> None:
        """Answers that this test is about."""
        self.expected.update(statuses)

    def _said(self, message: Any) -> None:
        # A file that is missing is told by its answer.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    def _answered(self, response: Any) -> None:
        if is_fault(response) and response.status not in self.expected and "favicon" not in response.url:
            self.faults.append(f"{response.status} {response.url}")


def is_fault(response: Any) -> bool:
    """Whether a page got what it should not have. An early version is gone as soon as its picture is there."""
    gone: bool = response.status == 404 and "/partial" in response.url
    return response.status >= 400 and not gone


#: Until nothing has moved for three looks: what fades in or out has less contrast on its way. What moves for ever may.
STILL = """async () => {
  const end = Date.now() + 5000;
  for (let calm = 0; calm < 3 && Date.now() < end;) {
    const moving = document.getAnimations().filter((one) =>
      one.playState === "running" && one.effect?.getComputedTiming().endTime !== Infinity);
    calm = moving.length ? 0 : calm + 1;
    await new Promise((next) => setTimeout(next, 30));
  }
}"""


def axe(page: Any, context: str | None = None) -> list[str]:
    """What axe finds on a page that stands still, each with the first place."""
    page.evaluate(STILL)
    run = import_module("axe_playwright_python.sync_playwright").Axe().run
    # Preloading copies style sheets with an @import (Django 5.2's forms.css) into the page, where a strict policy
    # refuses them and the page is blamed. Only the experimental css-orientation-lock would look at the copies.
    found = run(page, context, {"preload": False}).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['any'][:1]}" for one in found]


def overflow(page: Any) -> int:
    """Pixels that the page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider
