"""Deeds on other applications' rows, one by one: where one fails it is said, and the others are done all the same."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from image_studio.exceptions import StudioError
from image_studio.models import Asset
from image_studio.wording import explain_error

logger = logging.getLogger("image_studio.contrib")
T = TypeVar("T")


def one_by_one(rows: Iterable[T], deed: Callable[[T], bool]) -> int:
    """Returns how many the deed was done to, as it says itself.

    :raises Exception: what the first of them raised, once all were tried.
    """
    done, failures = 0, []
    for row in rows:
        try:
            done += deed(row)
        except Exception as error:
            logger.exception("not done", extra={"action": "contrib.failed", "row": str(getattr(row, "pk", row))})
            failures.append(error)
    if failures:
        raise failures[0]
    return done


def line(asset: Asset, status: str, deed: Callable[[], Any]) -> dict[str, Any]:
    """Do it, and tell of it as a command's line: ``status``, or ``failed`` and why. ``done`` is what the deed said."""
    told = {"asset": str(asset.pk), "status": status, "message": "", "done": None}
    try:
        return {**told, "done": deed()}
    except StudioError as error:
        return {**told, "status": "failed", "message": explain_error(error)}
    except Exception as error:
        logger.exception("not repaired", extra={"action": "contrib.not_repaired", "asset": str(asset.pk)})
        return {**told, "status": "failed", "message": f"{type(error).__name__}: {error}"}
