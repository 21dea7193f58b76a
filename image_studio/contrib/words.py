"""What a picture says of itself, where another application says it too."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save

from image_studio.models import Asset

TOLD = frozenset({"title", "alt", "focal_x", "focal_y", "rights_owner", "licence", "territory", "expires_at"})


def follow(rewrite: Callable[[Asset], Any], *, uid: str) -> None:
    """Have ``rewrite(asset)`` called after each commit that changed any of it.

    :param uid: tells the followers apart; connected twice, one is called once.
    """

    def described(
        sender: type[Any], instance: Asset, update_fields: Collection[str] | None = None, **_more: Any
    ) -> None:
        if update_fields and not TOLD.isdisjoint(update_fields):
            # A function, no partial: Django tells the failure by its name.
            transaction.on_commit(lambda: rewrite(instance), robust=True)

    post_save.connect(described, sender=Asset, weak=False, dispatch_uid=uid)
