"""What a person was told binds what is held for it: a button that tries again holds no more than it said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from image_studio.exceptions import Conflict
from image_studio.wording.money import most_dollars

#: What was told, and what is left of it, in micro-USD.
_told: ContextVar[tuple[int, list[int]] | None] = ContextVar("image_studio_told", default=None)


@contextmanager
def at_most(micro_usd: int | None) -> Iterator[None]:
    """All that is held inside comes to this much together, or is refused; None says nothing.

    Put it inside the transaction that a refusal is to roll back: what runs on its commit may hold for other things.
    """
    if micro_usd is None:
        yield
        return
    token = _told.set((micro_usd, [micro_usd]))
    try:
        yield
    finally:
        _told.reset(token)


def judge(micro_usd: int, *, unknown: bool = False) -> None:
    """Take a hold from what is left.

    :param unknown: nobody knows what it comes to, so a sum that was told does not cover it.

    :raises Conflict: ``price.risen``.
    """
    told = _told.get()
    if told is None:
        return
    said, left = told
    if unknown or micro_usd > left[0]:
        raise Conflict("price.risen", said=most_dollars(said))
    left[0] -= micro_usd
