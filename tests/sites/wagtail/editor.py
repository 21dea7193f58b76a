"""Wagtail's pages as a person uses them: tests and the documentation's pictures share these hands."""

from __future__ import annotations

from typing import Any


class Editor:
    """One window of one person who edits pages."""

    def __init__(self, page: Any, address: str, watch: Any) -> None:
        self.page, self.address, self.watch = page, address, watch

    def visit(self, path: str) -> None:
        self.page.goto(self.address + path)

    def edit(self, article: Any) -> None:
        self.visit(f"/cms/pages/{article.pk}/edit/")

    # A StreamField --------------------------------------------------------------------------------------------------

    def insert(self, label: str = "Studio picture") -> None:
        """A block of this name at the end of the body."""
        self.page.get_by_role("button", name="Insert a block").last.click()
        self.page.get_by_role("option", name=label).first.click()

    def open_pictures(self) -> None:
        self.page.get_by_role("button", name="Choose a studio picture").first.click()
        self._dialog()

    def open_images(self) -> None:
        self.page.locator("#panel-child-content-teaser-section").get_by_role("button", name="Choose an image").click()
        self._dialog()

    def _dialog(self) -> None:
        """Wait until it is there, and has faded in: half seen, its words have half their contrast."""
        self.page.locator(".modal-body #tab-search").wait_for()
        self.page.wait_for_function("getComputedStyle(document.querySelector('.modal')).opacity === '1'")

    def generate_tab(self) -> Any:
        self.page.get_by_role("tab", name="Generate").click()
        panel = self.page.locator("[data-studio]")
        panel.wait_for()
        return panel

    # The panel ------------------------------------------------------------------------------------------------------

    def ask(self, panel: Any, words: str, *, channel: str, route: str = "Drawn here", takes: int = 1) -> None:
        panel.get_by_label("What should the picture show?").fill(words)
        panel.get_by_label("Where it goes").select_option(label=channel)
        panel.get_by_label("How it is made").select_option(label=route)
        panel.get_by_label("How many to choose from").fill(str(takes))
        panel.get_by_role("button", name="Show the price").click()
        panel.get_by_role("button", name="Make ").wait_for()

    def order(self, panel: Any) -> None:
        panel.get_by_role("button", name="Make ").click()
        panel.get_by_role("heading", name="Your pictures").wait_for()

    def release(self, panel: Any, alt: str) -> None:
        panel.get_by_label("Alt text (en)").first.fill(alt)
        form = panel.locator("form.studio-release").first
        for box in form.locator("input[name=declared]").all():
            box.check()
        form.get_by_role("button", name="Approve and publish").click()

    def take(self, panel: Any) -> None:
        panel.get_by_role("button", name="Use this picture").first.click()
        self.page.locator(".modal-body").wait_for(state="detached")

    # The page -------------------------------------------------------------------------------------------------------

    def publish(self) -> None:
        self.page.get_by_role("button", name="More actions").click()
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Publish", exact=True).click()
