"""The review board: one picture at a time, its evidence, and the next one already loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import URLPattern

if TYPE_CHECKING:
    from image_studio.admin.base import StudioAdmin


def urls(page: StudioAdmin) -> list[URLPattern]:
    """The board's addresses, below the library's."""
    return []
