"""Who edits what now. A block's ``clean`` and a control are told neither the object nor the person.

Wagtail's editors of pages and snippets tell both to a hook before they read a form. Elsewhere (a form of a site's own,
a script) nobody knows, and :func:`current` is None.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.core.signals import request_finished, request_started

from image_studio.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Editing:
    """:param instance: what is edited; None for what is not there yet."""

    policy: Policy
    instance: Any = None


_now: ContextVar[Editing | None] = ContextVar("image_studio_wagtail_editing", default=None)


def connect() -> None:
    for signal in (request_started, request_finished):
        signal.connect(_forget, dispatch_uid="image_studio_wagtail_editing")


def begin(user: Any, instance: Any = None) -> None:
    """Until the request is over."""
    _now.set(Editing(policy=Policy(user), instance=instance))


def current() -> Editing | None:
    return _now.get()


def _forget(**_more: Any) -> None:
    _now.set(None)
