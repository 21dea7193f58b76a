"""Taking pictures off the public side: by a person, or because their rights ended."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from image_studio import signals, storage
from image_studio.models import Actor, Asset, Event, Rendition
from image_studio.runner.leases import WORKER
from image_studio.states import ASSET


def take_down(asset: Asset, actor: Actor, *, note: str = "") -> bool:
    """Withdraw a published picture: rows now, files right after the commit. False where it is not published."""
    with transaction.atomic():
        if not ASSET.move(Asset.objects.filter(pk=asset.pk), "withdrawn", published_at=None, publish_job=None):
            return False
        rows = Rendition.objects.filter(asset=asset, public=True)
        names = list(rows.values_list("file", flat=True))
        rows.delete()
        Event.objects.record(actor, "asset.withdrawn", asset, note=note, files=len(names))
        transaction.on_commit(partial(_remove, names))
        transaction.on_commit(partial(signals.asset_withdrawn.send_robust, Asset, asset=asset))
    asset.state = "withdrawn"
    return True


def _remove(names: list[str]) -> None:
    store = storage.public()
    for name in names:
        storage.remove(store, name)


def expired() -> QuerySet[Asset]:
    """What is public past the end of its rights: its files have addresses that nobody asks us about."""
    return Asset.objects.filter(state="published", expires_at__lte=timezone.now())[:100]


def take_down_expired(asset: Asset) -> bool:
    """:func:`take_down` by nobody's word."""
    return take_down(asset, WORKER, note="rights ended")
