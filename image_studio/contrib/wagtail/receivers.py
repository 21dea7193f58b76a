"""What the app does when Wagtail saves and deletes, and when the studio publishes and withdraws."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models.signals import post_delete, post_save, pre_save
from wagtail.images import get_image_model
from wagtail.models import Revision
from wagtail.signals import published

from image_studio import signals
from image_studio.contrib.wagtail import editing, judging, listing, places, promotion, publishing, using
from image_studio.contrib.wagtail.conf import conf
from image_studio.contrib.wagtail.models import StudioImage
from image_studio.contrib.words import follow
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow.usage import Use

logger = logging.getLogger("image_studio.wagtail")


def connect() -> None:
    """Once the apps are loaded. Models are told apart when they are saved: a site has many, and few of ours."""
    pre_save.connect(_judge, dispatch_uid="image_studio_wagtail_judge")
    post_save.connect(_saved, dispatch_uid="image_studio_wagtail_saved")
    post_save.connect(_drafted, sender=Revision, dispatch_uid="image_studio_wagtail_drafted")
    published.connect(_live, dispatch_uid="image_studio_wagtail_live")
    post_delete.connect(_deleted, dispatch_uid="image_studio_wagtail_deleted")
    post_delete.connect(_image_deleted, sender=get_image_model(), dispatch_uid="image_studio_wagtail_image_deleted")
    signals.asset_published.connect(_published, dispatch_uid="image_studio_wagtail_published")
    signals.asset_withdrawn.connect(_withdrawn, dispatch_uid="image_studio_wagtail_withdrawn")
    signals.asset_replaced.connect(_taken_over, dispatch_uid="image_studio_wagtail_taken_over")
    signals.asset_replaced.connect(_replaced, dispatch_uid="image_studio_wagtail_replaced")
    signals.asset_uses_wanted.connect(_used, dispatch_uid="image_studio_wagtail_used")
    signals.asset_stays_wanted.connect(_stays, dispatch_uid="image_studio_wagtail_stays")
    signals.asset_kept_wanted.connect(_kept, dispatch_uid="image_studio_wagtail_kept")
    signals.asset_shown_wanted.connect(_shown, dispatch_uid="image_studio_wagtail_shown")
    publishing.connect()
    editing.connect()
    follow(promotion.rewrite, uid="image_studio_wagtail_described")


def _ours(sender: type[Any]) -> bool:
    """Whether rows are kept for a model; those of migrations never meet rows of ours."""
    return sender.__module__ != "__fake__" and places.takes_pictures(sender)


def _writes(sender: type[Any], raw: bool, update_fields: Collection[str] | None) -> bool:
    """Whether a save writes pictures. Saving a draft also saves the page, with the draft's content in memory and none
    of it among the fields."""
    if raw or not _ours(sender):
        return False
    return update_fields is None or not {"live", *places.columns_of(sender)}.isdisjoint(update_fields)


def _judge(
    sender: type[Any], instance: Any, raw: bool = False, update_fields: Collection[str] | None = None, **_more: Any
) -> None:
    if _writes(sender, raw, update_fields):
        judging.judge_live(instance)


def _saved(
    sender: type[Any], instance: Any, raw: bool = False, update_fields: Collection[str] | None = None, **_more: Any
) -> None:
    if _writes(sender, raw, update_fields) and places.fields_of(sender):
        using.sync(instance)


def _drafted(sender: type[Any], instance: Any, raw: bool = False, **_more: Any) -> None:
    model: Any = None if raw else instance.content_type.model_class()
    if model is not None and places.takes_pictures(model) and instance.content_object is not None:
        using.sync_drafts(instance.content_object)


def _live(sender: type[Any], instance: Any, **_more: Any) -> None:
    """Published, an object has no schedule any more; Wagtail clears it without saving the revisions."""
    if places.takes_pictures(sender):
        using.sync_drafts(instance)


def _kept(sender: type[Any], instance: Any, asset: Asset, **_more: Any) -> bool:
    return judging.may_keep(instance, asset)


def _deleted(sender: type[Any], instance: Any, **_more: Any) -> None:
    if _ours(sender):
        using.forget(instance)


def _image_deleted(sender: type[Any], instance: Any, **_more: Any) -> None:
    StudioImage.objects.filter(image_model=instance._meta.label_lower, image_id=str(instance.pk)).delete()


def _published(sender: type[Any], asset: Asset, **_more: Any) -> None:
    if conf().promote_on_publish:
        promotion.promote(Policy.operator(), asset)
    else:
        promotion.restore(asset)


def _withdrawn(sender: type[Any], asset: Asset, **_more: Any) -> None:
    count = promotion.take_down(asset)
    logger.info("taken down", extra={"action": "wagtail.taken_down", "asset": str(asset.pk), "images": count})


def _taken_over(sender: type[Any], asset: Asset, successor: Asset, **_more: Any) -> None:
    """Apart from what stands in pages: a file that cannot be written keeps no block from its successor."""
    count = promotion.take_over(asset, successor)
    logger.info("taken over", extra={"action": "wagtail.taken_over", "asset": str(asset.pk), "images": count})


def _replaced(sender: type[Any], asset: Asset, successor: Asset, **_more: Any) -> None:
    count = using.replace(asset, successor)
    logger.info("replaced", extra={"action": "wagtail.replaced", "asset": str(asset.pk), "places": count})


def _stays(sender: type[Any], asset: Asset, successor: Asset, **_more: Any) -> dict[Use, str]:
    return listing.stays(asset, successor)


def _used(sender: type[Any], assets: Collection[UUID], **_more: Any) -> dict[UUID, list[Use]]:
    return listing.uses(assets)


def _shown(sender: type[Any], model: Any, keys: Collection[Any], **_more: Any) -> dict[Any, UUID]:
    return promotion.shown_in(model, keys)
