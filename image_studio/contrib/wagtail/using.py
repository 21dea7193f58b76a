"""Pictures in what Wagtail edits: kept as rows that count as uses, and moved.

A StreamField and a draft are JSON: the database does not know what they point at. Wagtail's reference index is written
by a task and holds nothing back, so these rows are written with the object itself, and PROTECT holds the picture.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q
from wagtail.models import AbstractPage, Revision

from image_studio.contrib.repairs import one_by_one
from image_studio.contrib.wagtail.models import StudioPageUse
from image_studio.contrib.wagtail.places import (
    anywhere_kept,
    drafted_in,
    exchange,
    fields_of,
    streamed_in,
    why_drafted,
    why_kept,
)
from image_studio.exceptions import StudioError
from image_studio.models import Asset
from image_studio.workflow.usage import took


def sync(instance: Any) -> None:
    """Write the uses of an object as it was just saved; what its fields point at counts by itself."""
    live = getattr(instance, "live", True)
    rows_about(instance).filter(side="hidden" if live else "live").delete()
    _write(instance, "live" if live else "hidden", streamed_in(instance))


def sync_drafts(instance: Any) -> None:
    """Write the uses of an object's drafts: all that a person would find in them, and that Wagtail would publish."""
    drafts = drafts_of(instance)
    wanted: set[UUID] = set().union(*(drafted_in(type(instance), draft.content) for draft in drafts))
    _write(instance, "draft", wanted, title=drafts[0].object_str if drafts else "")


def drafts_of(instance: Any) -> list[Revision]:
    """The newest revision, then those that are scheduled: an older one may still go live."""
    rows = Revision.objects.for_instance(instance).order_by("-created_at", "-id")
    newest = rows.values_list("pk", flat=True).first()
    return list(rows.filter(Q(pk=newest) | Q(approved_go_live_at__isnull=False))) if newest else []


def _write(instance: Any, side: str, wanted: Collection[UUID], *, title: str = "") -> None:
    kept = set(Asset.objects.filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()
    title = (title or _title(instance))[:255]
    content_type = base_type(type(instance))
    with transaction.atomic():
        rows = rows_about(instance).filter(side=side)
        rows.exclude(asset__in=kept).delete()
        rows.exclude(title=title).update(title=title)
        there = set(rows.values_list("asset_id", flat=True))
        for key in sorted(kept - there):
            StudioPageUse.objects.create(
                asset_id=key, content_type=content_type, object_id=str(instance.pk), title=title, side=side
            )
    took(kept - there)


def forget(instance: Any) -> None:
    """The object is gone, and its drafts with it."""
    rows_about(instance).delete()


def replace(asset: Asset, successor: Asset) -> int:
    """Put another picture in this one's place, in StreamFields and in drafts. Returns in how many objects.

    A field that would not take the successor from a person keeps what it has.

    :raises Exception: what the first object that could not be saved raised, once all were tried.
    """
    uses = StudioPageUse.objects.filter(asset=asset).select_related("content_type")
    return one_by_one(uses, partial(_swapped, asset=asset, successor=successor))


def keeping(asset: Asset, successor: Asset) -> Iterator[tuple[StudioPageUse, StudioError]]:
    """The uses that another picture would not get from this one, and why."""
    if not anywhere_kept(successor):
        return
    for use in StudioPageUse.objects.filter(asset=asset).select_related("content_type").order_by("pk"):
        found = _object_of(use)
        if found is not None:
            whys = _whys_drafts(found, asset, successor) if use.side == "draft" else _whys(found, asset, successor)
            yield from ((use, why) for why in islice(whys, 1))


def _object_of(use: StudioPageUse) -> Any:
    base: Any = use.content_type.model_class()
    row = base._base_manager.filter(pk=use.object_id).first() if base else None
    return getattr(row, "specific", row)


def _whys(instance: Any, asset: Asset, successor: Asset) -> Iterator[StudioError]:
    for name, _words in _streams(instance, asset):
        why = why_kept(type(instance), name, getattr(instance, name), asset, successor)
        if why is not None:
            yield why


def _whys_drafts(instance: Any, asset: Asset, successor: Asset) -> Iterator[StudioError]:
    for one in drafts_of(instance):
        yield from why_drafted(type(instance), one.content, asset, successor)


def _swapped(use: StudioPageUse, *, asset: Asset, successor: Asset) -> bool:
    found = _object_of(use)
    if found is None:
        return False
    swap = _swap_drafts if use.side == "draft" else _swap
    with transaction.atomic():
        return swap(found, asset, successor)


def _streams(instance: Any, asset: Asset) -> Iterator[tuple[str, str]]:
    """The StreamFields of an object that have a picture, with their JSON."""
    for name in fields_of(type(instance)):
        value = instance._meta.get_field(name).get_prep_value(getattr(instance, name))
        words = json.dumps(value, cls=DjangoJSONEncoder)
        if str(asset.pk) in words:
            yield name, words


def _swap(instance: Any, asset: Asset, successor: Asset) -> bool:
    """An id stands nowhere in the JSON but where a block has it."""
    changed = []
    for name, words in _streams(instance, asset):
        if why_kept(type(instance), name, getattr(instance, name), asset, successor) is None:
            swapped = words.replace(str(asset.pk), str(successor.pk))
            setattr(instance, name, instance._meta.get_field(name).to_python(swapped))
            changed.append(name)
    if changed:
        # What else a page has, nobody has touched: a title that is missing by now keeps no picture in its place.
        more = {"clean": False} if isinstance(instance, AbstractPage) else {}
        instance.save(update_fields=changed, **more)
    return bool(changed)


def _swap_drafts(instance: Any, asset: Asset, successor: Asset) -> bool:
    changed = [one for one in drafts_of(instance) if exchange(type(instance), one.content, asset, successor)]
    for revision in changed:
        revision.save(update_fields=["content"])
    return bool(changed)


def rows_about(instance: Any) -> Any:
    """All uses of an object, of whichever side."""
    return StudioPageUse.objects.filter(is_of(instance))


def is_of(instance: Any) -> Q:
    return Q(content_type=base_type(type(instance)), object_id=str(instance.pk))


def base_type(model: type[Any]) -> ContentType:
    """One type for a page and its specific model, as Wagtail's revisions and references have it."""
    parents = model._meta.all_parents if hasattr(model._meta, "all_parents") else model._meta.get_parent_list()
    found: ContentType = ContentType.objects.get_for_model(parents[-1] if parents else model, for_concrete_model=False)
    return found


def _title(instance: Any) -> str:
    named = getattr(instance, "get_admin_display_title", None)
    return str(named() if named else instance)
