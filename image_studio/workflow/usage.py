"""Where pictures are used: asked of the fields that point at them, never kept in a second place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from image_studio.models import Asset


@dataclass(frozen=True, kw_only=True)
class Use:
    """A place that shows a picture.

    :param label: what a person calls it: "Article: Spring tea".
    :param url: of its page or of its change form; empty where it has neither.
    """

    label: str
    url: str = ""


def uses_of(assets: Iterable[Asset | UUID]) -> dict[UUID, list[Use]]:
    """The places of each picture that has any: one query per field that points at pictures."""
    return {}
