"""Boxes in whole pixels, origin at the top left."""

from __future__ import annotations

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle in pixels; ``right`` and ``bottom`` are exclusive."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    def grown(self, by: int) -> Box:
        """This box with ``by`` pixels more on every side (fewer where negative)."""
        return Box(self.left - by, self.top - by, self.width + 2 * by, self.height + 2 * by)

    def holds(self, other: Box) -> bool:
        """Whether ``other`` lies wholly inside."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )

    def meets(self, other: Box) -> bool:
        """Whether the two share at least one pixel."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def clipped(self, other: Box) -> Box:
        """The part inside ``other``; of zero size where they do not meet."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return Box(left, top, max(0, right - left), max(0, bottom - top))

    def region(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """As fractions ``(left, top, width, height)`` of a picture of ``size``, four decimals."""
        width, height = size
        return (
            round(self.left / width, 4),
            round(self.top / height, 4),
            round(self.width / width, 4),
            round(self.height / height, 4),
        )
