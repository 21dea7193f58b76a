"""The CMS's pages as a person uses them: tests and the documentation's pictures share these hands."""

from __future__ import annotations

from typing import Any

PLUGIN = "StudioPicturePlugin"


class Editor:
    """One window of one person who edits pages."""

    def __init__(self, page: Any, address: str) -> None:
        self.page, self.address = page, address

    def visit(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.page.locator("html.cms-ready").wait_for(state="attached")

    def add_url(self, placeholder: Any, position: int = 1) -> str:
        """The address of the plugin's form for a new picture."""
        return (
            f"/admin/cms/placeholder/add-plugin/?placeholder_id={placeholder.pk}&plugin_type={PLUGIN}"
            f"&plugin_language=en&plugin_position={position}&cms_path=/"
        )

    # Structure mode -------------------------------------------------------------------------------------------------

    def add_picture(self) -> Any:
        """From structure mode: the place's menu, the plugin's name. Returns the frame of its form."""
        page = self.page
        page.locator(".cms-dragbar .cms-submenu-add").first.click()
        modal = page.locator(".cms-modal-open")
        modal.locator(f'a[href="{PLUGIN}"]').first.click()
        return self.form()

    def form(self) -> Any:
        """The frame of the plugin form that is open in the CMS's window."""
        frame = self.page.frame_locator(".cms-modal-open iframe")
        frame.locator(".studio-picker [data-do=open]").wait_for()
        return frame

    def choose(self, frame: Any, title: str) -> None:
        frame.locator(".studio-picker [data-do=open]").click()
        card = frame.locator("dialog.studio-pick[open] li").filter(has_text=title)
        card.first.wait_for()
        card.locator("button").first.click()

    def come_back(self) -> None:
        """From another window: the frame has the keyboard again."""
        self.page.evaluate(
            "() => document.querySelector('.cms-modal-open iframe').contentWindow.dispatchEvent(new Event('focus'))"
        )

    def save(self) -> None:
        """The button of the CMS's window; the form is in its frame."""
        self.page.locator(".cms-modal-open .cms-modal-buttons .cms-btn-action").click()
        self.page.locator(".cms-modal-open").wait_for(state="hidden")

    # Toolbar --------------------------------------------------------------------------------------------------------

    def publish(self) -> None:
        with self.page.expect_navigation():
            self.page.locator(".cms-versioning-js-publish-btn").click()
