"""The studio's pages as a person uses them: tests and the documentation's pictures share these hands.

Nothing here knows the database or waits for a time: every step waits for what a person would see.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

#: A drop of files from the desktop: no driver has one, so the page's own events are made by hand.
DROP = """
(files) => {
  const data = new DataTransfer();
  for (const [name, type, text] of files) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    data.items.add(new File([bytes], name, { type }));
  }
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}
"""
#: What a person sees of the element that has the keyboard.
FOCUS = """
() => {
  const one = document.activeElement, style = getComputedStyle(one);
  return style.outlineStyle !== "none" || style.boxShadow !== "none" || style.textDecorationLine !== "none"
    || one.matches("input, select, textarea, [tabindex='-1']");
}
"""
TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "txt": "", "gif": "image/gif"}
MOST_TABS = 250


class Studio:
    """One window of one person."""

    def __init__(self, page: Any, address: str, watch: Any = None) -> None:
        self.page, self.address, self.watch = page, address, watch

    # Where ----------------------------------------------------------------------------------------------------------

    def visit(self, path: str) -> Any:
        """Open an address of the admin's studio, or one that begins with a slash."""
        url = path if path.startswith("/") else f"/admin/image_studio/{path}"
        return self.page.goto(self.address + url)

    def home(self) -> None:
        self.visit("")

    def library(self) -> None:
        self.visit("asset/")

    def sheet(self, set_id: Any) -> None:
        self.visit(f"variantset/{set_id}/change/")

    def board(self) -> None:
        self.visit("asset/review/")

    # Library --------------------------------------------------------------------------------------------------------

    def drop(self, files: Mapping[str, bytes]) -> None:
        """Drag files from the desktop onto the page."""
        rows = [[name, TYPES[name.rpartition(".")[2]], base64.b64encode(data).decode()] for name, data in files.items()]
        self.page.evaluate(DROP, rows)

    def uploads(self, state: str) -> Any:
        return self.page.locator(f'.lib-file[data-state="{state}"]')

    # Generate -------------------------------------------------------------------------------------------------------

    def channel(self, slug: str) -> Any:
        return self.page.locator(f'input[name="channels"][value="{slug}"]')

    @property
    def order(self) -> Any:
        """The button that buys; it can be pressed once the price stands for what is chosen."""
        return self.page.locator('#generate button[value="order"]:not([aria-disabled="true"])')

    # Contact sheet --------------------------------------------------------------------------------------------------

    def cells(self, state: str = "") -> Any:
        return self.page.locator(f".studio-cell-{state}" if state else ".studio-cell")

    @property
    def panel(self) -> Any:
        return self.page.locator("#panel .studio-inspect")

    def inspect(self, cell: Any) -> Any:
        """Open a cell at the side."""
        cell.locator("a.studio-shot").click()
        self.panel.wait_for()
        return self.panel

    def declare(self, form: Any) -> None:
        for box in form.locator("[name=declaration]").all():
            box.check()

    # Keyboard -------------------------------------------------------------------------------------------------------

    def tab_to(self, wanted: Any, *, back: bool = False) -> None:
        """Press Tab until ``wanted`` has the keyboard.

        :raises AssertionError: when it never gets it, or when the way there cannot be seen.
        """
        wanted.first.wait_for(state="attached")
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            if wanted.first.evaluate("(one) => one === document.activeElement"):
                assert self.page.evaluate(FOCUS), f"focus cannot be seen on {wanted}"
                return
        raise AssertionError(f"Tab never comes to {wanted}")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    # Public ---------------------------------------------------------------------------------------------------------

    def pictures(self) -> list[dict[str, Any]]:
        """Every picture of the page, after it was scrolled into view and decoded."""
        for image in self.page.locator("img").all():
            image.scroll_into_view_if_needed()
            image.evaluate("image => image.decode()")
        found: list[dict[str, Any]] = self.page.evaluate(
            "[...document.images].map(i => ({src: i.currentSrc, width: i.naturalWidth, alt: i.alt}))"
        )
        return found

    @property
    def here(self) -> str:
        """The last part of the address that is an id."""
        return re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", self.page.url)[-1]
