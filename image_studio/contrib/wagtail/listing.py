"""Where pictures are used in Wagtail: images of the site, StreamFields and drafts, each place once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any
from uuid import UUID

from image_studio.contrib.wagtail.models import StudioImage, StudioPageUse
from image_studio.contrib.wagtail.places import has_drafts, parental_of
from image_studio.contrib.wagtail.using import base_type, keeping
from image_studio.models import Asset
from image_studio.wording import explain_error
from image_studio.workflow.replacing import why_not
from image_studio.workflow.usage import MOST_PLACES, Use, fields_in_use, rows_of, use_of


def uses(assets: Collection[UUID]) -> dict[UUID, list[Use]]:
    """Of each picture the places that are no fields of the site's rows."""
    found: dict[UUID, list[Use]] = {}
    rows: Iterator[Any] = chain(_images(assets), _pages(assets))
    for row in rows:
        found.setdefault(row.asset_id, []).append(use_of(row))
    return found


def _images(assets: Collection[UUID]) -> Iterator[StudioImage]:
    yield from StudioImage.objects.filter(asset__in=assets).order_by("pk")[:MOST_PLACES]


def _pages(assets: Collection[UUID]) -> Iterator[StudioPageUse]:
    """A draft that has the same picture as its object is no second place."""
    found = StudioPageUse.objects.filter(asset__in=assets).select_related("content_type").order_by("pk")
    rows: list[Any] = list(found[:MOST_PLACES])
    stored = [row for row in rows if row.side != "draft"]
    told = {_place(row) for row in stored}
    if len(stored) < len(rows):
        told |= _told_by_fields(assets, stored)
    yield from (row for row in rows if row.side != "draft" or _place(row) not in told)


def stays(asset: Asset, successor: Asset) -> dict[Use, str]:
    """The places that would keep a picture when a successor comes, as they are listed, and why.

    A draft beside a field or a row that stays anyway is no second place.
    """
    kept = list(keeping(asset, successor))
    told = {*_bound(asset, successor), *_listed_inside(row for row, _why in kept if row.side != "draft")}
    listed = {_place(row): use_of(row) for row in _pages([asset.pk])} if kept else {}
    found: dict[Use, str] = {}
    for row, why in kept:
        if row.side != "draft" or _place(row) not in told:
            found.setdefault(listed.get(_place(row)) or use_of(row), explain_error(why))
    return found


def _bound(asset: Asset, successor: Asset) -> Iterator[tuple[int, str, UUID]]:
    """Where a picture stands in a field that does not take its successor."""
    for field in fields_in_use():
        if why_not(field, successor) is not None:
            yield from _listed(field, [asset.pk])


def _place(row: Any) -> tuple[int, str, UUID]:
    return row.content_type_id, row.object_id, row.asset_id


def _told_by_fields(assets: Iterable[UUID], rows: Iterable[Any]) -> set[tuple[int, str, UUID]]:
    """Where a stored object has a picture in a field, or in a row that is edited inside it.

    :param rows: the stored uses of these pictures.
    """
    fields = (place for field in fields_in_use() for place in _listed(field, assets))
    return {*fields, *_listed_inside(rows)}


def _listed(field: Any, assets: Iterable[UUID]) -> Iterator[tuple[int, str, UUID]]:
    inside = parental_of(field.model)
    model = inside.related_model if inside else field.model
    if has_drafts(model):
        kind = base_type(model).pk
        for key, asset in rows_of(field, assets).values_list(inside.attname if inside else "pk", field.attname):
            yield kind, str(key), asset


def _listed_inside(rows: Iterable[Any]) -> Iterator[tuple[int, str, UUID]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.content_type_id, []).append(row)
    for same in found.values():
        model: Any = same[0].content_type.model_class()
        inside = parental_of(model) if model is not None else None
        if inside:
            keys = model._base_manager.filter(pk__in=[row.object_id for row in same])
            parents = {str(key): str(parent) for key, parent in keys.values_list("pk", inside.attname)}
            kind = base_type(inside.related_model).pk
            yield from ((kind, parents[row.object_id], row.asset_id) for row in same if row.object_id in parents)
