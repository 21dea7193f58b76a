"""What filer does when the studio publishes, withdraws and replaces a picture, says other words, and asks for uses."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any
from uuid import UUID

from filer.models import File

from image_studio import signals
from image_studio.contrib import fallbacks
from image_studio.contrib.filer import filing, sources, using
from image_studio.contrib.filer.conf import conf
from image_studio.contrib.words import follow
from image_studio.models import Asset
from image_studio.workflow.usage import Use

logger = logging.getLogger("image_studio.filer")


def connect() -> None:
    """Called once the apps are loaded."""
    signals.asset_published.connect(_published, dispatch_uid="image_studio.contrib.filer")
    signals.asset_withdrawn.connect(_withdrawn, dispatch_uid="image_studio.contrib.filer")
    signals.asset_replaced.connect(_replaced, dispatch_uid="image_studio.contrib.filer")
    signals.asset_uses_wanted.connect(_used, dispatch_uid="image_studio.contrib.filer")
    signals.asset_shown_wanted.connect(_shown, dispatch_uid="image_studio.contrib.filer")
    follow(filing.rewrite, uid="image_studio.contrib.filer")
    fallbacks.follow(filing.renew, uses=lambda: [conf().picture], uid="image_studio.contrib.filer")


def _published(sender: Any, asset: Asset, **kwargs: Any) -> None:
    image = filing.file_picture(asset)
    if image is not None:
        logger.info("filed", extra={"action": "filer.filed", "asset": str(asset.pk), "file": image.pk})


def _withdrawn(sender: Any, asset: Asset, **kwargs: Any) -> None:
    count = filing.take_down(asset)
    logger.info("taken down", extra={"action": "filer.taken_down", "asset": str(asset.pk), "files": count})


def _replaced(sender: Any, asset: Asset, successor: Asset, **kwargs: Any) -> None:
    count = filing.take_over(asset, successor)
    logger.info("replaced", extra={"action": "filer.replaced", "asset": str(asset.pk), "files": count})


def _used(sender: Any, assets: Collection[UUID], **kwargs: Any) -> dict[UUID, list[Use]]:
    return using.uses_of(assets)


def _shown(sender: Any, model: Any, keys: Collection[Any], **kwargs: Any) -> dict[Any, UUID]:
    links = sources.links_of(keys) if issubclass(model, File) else {}
    return {key: link.asset.pk for key, link in links.items()}
