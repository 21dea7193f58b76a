"""Where the site uses filer's images: its models point at filer's rows, behind which the studio's pictures stand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from filer.settings import FILER_IMAGE_MODEL
from filer.utils.loader import load_model

from image_studio.contrib.filer.models import FiledPicture
from image_studio.workflow.usage import MOST_PLACES, Use, use_of


def fields_of(model: Any) -> list[Any]:
    """The fields of the site that point at filer's images, by model and name: not filer's own, and not our links."""
    return sorted(_fields_of(model), key=lambda field: (field.model._meta.label, field.name))


def _fields_of(model: Any) -> Iterator[Any]:
    for relation in model._meta.get_fields(include_hidden=True):
        other = getattr(relation, "related_model", None)
        if not relation.auto_created or relation.concrete or other is None or other is FiledPicture:
            continue
        # A table between two models says nothing that the field beside it does not say.
        if other._meta.app_label != "filer" and not other._meta.auto_created:
            yield relation.field


def rows_of(field: Any, files: Collection[Any]) -> QuerySet[Any]:
    """The rows whose field has one of these images, once for each. ``studio_file`` is its key."""
    rows: QuerySet[Any] = field.model._base_manager.annotate(studio_file=F(field.name))
    return rows.filter(studio_file__in=list(files))


def is_used(image: Any) -> bool:
    """Whether anything of the site points at a filer image."""
    return any(rows_of(field, [image.pk]).exists() for field in fields_of(type(image)))


def uses_of(assets: Collection[UUID]) -> dict[UUID, list[Use]]:
    """The filer images of these pictures, each followed by the site's rows that have it: a query for each field."""
    links = FiledPicture.objects.filter(asset__in=assets, file__isnull=False).prefetch_related("file__folder")
    filed: dict[Any, Any] = {link.file.pk: link for link in links[:MOST_PLACES] if link.file is not None}
    used: dict[Any, list[Use]] = {}
    for field in fields_of(load_model(FILER_IMAGE_MODEL)) if filed else ():
        for row in rows_of(field, filed).order_by("pk")[:MOST_PLACES]:
            used.setdefault(row.studio_file, []).append(use_of(row))
    found: dict[UUID, list[Use]] = {}
    for key, link in filed.items():
        found.setdefault(link.asset_id, []).extend([use_of(link), *used.get(key, ())])
    return found
