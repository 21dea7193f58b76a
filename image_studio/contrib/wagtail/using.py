"""Pictures in StreamFields: found in what is saved, kept as rows that count as uses, refused where they are not out.

A StreamField is JSON: the database does not know what it points at. Wagtail's reference index is written by a task and
holds nothing back, so these rows are written with the object itself, and PROTECT holds the picture.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils.translation import gettext as _
from wagtail.blocks import Block, ChooserBlock
from wagtail.fields import StreamField

from image_studio.contrib.wagtail.models import StudioPageUse
from image_studio.exceptions import StudioError
from image_studio.models import Asset
from image_studio.wording import explain_error
from image_studio.workflow.showing import is_over
from image_studio.workflow.usage import judge_choice, took


def fields_of(model: Any) -> tuple[str, ...]:
    """The StreamFields of a model in which pictures can stand."""
    return _fields_of(model)


@cache
def _fields_of(model: Any) -> tuple[str, ...]:
    found = (field for field in model._meta.get_fields() if isinstance(field, StreamField))
    return tuple(field.name for field in found if _takes_pictures(field.stream_block))


def _takes_pictures(block: Block) -> bool:
    return next(_choosers(block), None) is not None


def _choosers(block: Block, seen: frozenset[int] = frozenset()) -> Iterator[Any]:
    """The blocks that hold a picture, at any depth; a block may hold itself."""
    if id(block) in seen:
        return
    if isinstance(block, ChooserBlock):
        if block.model_class is Asset:
            yield block
        return
    for one in (*getattr(block, "child_blocks", {}).values(), getattr(block, "child_block", None)):
        if one is not None:
            yield from _choosers(one, seen | {id(block)})


def pictures_in(instance: Any) -> set[UUID]:
    """The ids of the pictures in an object's StreamFields."""
    return {UUID(key) for name in fields_of(type(instance)) for key in _referenced(instance, name)}


def _referenced(instance: Any, name: str) -> Iterator[str]:
    field = instance._meta.get_field(name)
    value = getattr(instance, name)
    for model, key, _model_path, _content_path in field.extract_references(value) if value else ():
        if model is Asset:
            yield key


def judge_live(instance: Any) -> None:
    """Before an object goes live: every picture that it has not had before must be out.

    The last of the doors: forms have said so before, with the field; what publishes without a form (a bulk action, a
    schedule, a workflow, a script) ends here.

    :raises ValidationError: naming the first picture that is not.
    """
    if not getattr(instance, "live", True):
        return
    for asset in Asset.objects.filter(pk__in=pictures_in(instance) - held(instance)).select_related("brand"):
        try:
            judge_choice(asset)
        except StudioError as error:
            # What was out once shows the fallback: it harms nobody, and old drafts may still be published.
            if is_over(asset):
                continue
            words = _("“%(picture)s” can't be published: %(why)s")
            params = {"picture": str(asset), "why": explain_error(error)}
            raise ValidationError(words, code=error.code, params=params) from error


def held(instance: Any) -> set[UUID]:
    """What the live object has had before this save."""
    if instance.pk is None:
        return set()
    return set(_rows(instance).filter(side="live").values_list("asset_id", flat=True))


def sync(instance: Any) -> None:
    """Write the uses of an object as it was just saved."""
    live = getattr(instance, "live", True)
    _rows(instance).filter(side="hidden" if live else "live").delete()
    _write(instance, "live" if live else "hidden")


def sync_draft(instance: Any) -> None:
    """Write the uses of an object's newest draft."""
    _write(instance, "draft")


def _write(instance: Any, side: str) -> None:
    wanted = pictures_in(instance)
    kept = set(Asset.objects.filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()
    title = _title(instance)
    content_type = base_type(type(instance))
    with transaction.atomic():
        rows = _rows(instance).filter(side=side)
        rows.exclude(asset__in=kept).delete()
        rows.exclude(title=title).update(title=title)
        there = set(rows.values_list("asset_id", flat=True))
        for key in sorted(kept - there):
            StudioPageUse.objects.create(
                asset_id=key, content_type=content_type, object_id=str(instance.pk), title=title, side=side
            )
    took(kept - there)


def replace(asset: Asset, successor: Asset) -> int:
    """Put another picture in this one's place, in objects and their newest drafts. Returns in how many objects.

    A StreamField whose blocks would not take the successor from a person keeps what it has.
    """
    done = 0
    for use in StudioPageUse.objects.filter(asset=asset).select_related("content_type"):
        base: Any = use.content_type.model_class()
        row = base._base_manager.filter(pk=use.object_id).first() if base else None
        found = getattr(row, "specific", row)
        if found is None:
            continue
        names = [name for name in fields_of(type(found)) if _would_take(found, name, successor)]
        swapped = _swap_draft if use.side == "draft" else _swap
        done += swapped(found, names, str(asset.pk), str(successor.pk))
    return done


def _would_take(instance: Any, name: str, successor: Asset) -> bool:
    for block in _choosers(instance._meta.get_field(name).stream_block):
        try:
            judge_choice(successor, brand=getattr(block, "brand", ""), channel=getattr(block, "channel", ""))
        except StudioError:
            return False
    return True


def _swap(instance: Any, names: list[str], old: str, new: str) -> int:
    """An id stands nowhere in the JSON but where a block has it."""
    changed = []
    for name in names:
        field = instance._meta.get_field(name)
        before = json.dumps(field.get_prep_value(getattr(instance, name)), cls=DjangoJSONEncoder)
        if old in before:
            setattr(instance, name, field.to_python(before.replace(old, new)))
            changed.append(name)
    if changed:
        instance.save(update_fields=changed)
    return bool(changed)


def _swap_draft(instance: Any, names: list[str], old: str, new: str) -> int:
    revision = instance.get_latest_revision()
    if revision is None:
        return 0
    told = {name: words for name in names if isinstance(words := revision.content.get(name), str) and old in words}
    if told:
        revision.content.update({name: words.replace(old, new) for name, words in told.items()})
        revision.save(update_fields=["content"])
    return bool(told)


def forget(instance: Any) -> None:
    """The object is gone, and its drafts with it."""
    _rows(instance).delete()


def _rows(instance: Any) -> Any:
    return StudioPageUse.objects.filter(content_type=base_type(type(instance)), object_id=str(instance.pk))


def base_type(model: type[Any]) -> ContentType:
    """One type for a page and its specific model, as Wagtail's revisions and references have it."""
    parents = model._meta.all_parents if hasattr(model._meta, "all_parents") else model._meta.get_parent_list()
    found: ContentType = ContentType.objects.get_for_model(parents[-1] if parents else model, for_concrete_model=False)
    return found


def _title(instance: Any) -> str:
    named = getattr(instance, "get_admin_display_title", None)
    return str(named() if named else instance)[:255]
