"""Choosing a published picture for a field of the site: search, thumbnails, and generating in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import URLPattern

if TYPE_CHECKING:
    from image_studio.admin.base import StudioAdmin


def urls(page: StudioAdmin) -> list[URLPattern]:
    """The picker's addresses, below the library's."""
    return []
