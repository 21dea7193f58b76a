"""Take the pictures that a site has already into a brand's library, out of any file field of any model.

They come in through the same gate as an upload. The site's files are read and never written, moved or deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from django.apps import apps
from django.db import models
from django.db.models.fields.files import FieldFile, ImageFieldFile

from image_studio import signals
from image_studio.conf import conf
from image_studio.exceptions import InvalidRequest, StudioError
from image_studio.models import Asset, Brand
from image_studio.policy import Policy
from image_studio.storage import cause_of
from image_studio.workflow.library import ingest, judge_upload, known

Status = Literal["adopted", "new", "duplicate", "refused"]
#: Rows that are read at a time.
PAGE = 200
#: What a field with a picture's alt text is called beside the field ``{0}``, the likeliest first.
ALT_NAMES = ("{0}_alt", "{0}_alt_text", "alt_text", "alt", "default_alt_text")


@dataclass(frozen=True, kw_only=True)
class FileColumn:
    """The files of a model, in a field of its own or of a parent: rows that only the parent has are not among them."""

    model: type[models.Model]
    field: models.FileField


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """What became of one file.

    :param row: the primary key of its row.
    :param status: ``new`` is what a dry run would adopt; ``duplicate`` means that the library has these bytes, or that
        the row is the studio's own and shows ``asset``.
    """

    row: Any
    name: str
    status: Status
    asset: Asset | None = None
    error: StudioError | None = None


def file_field(label: str) -> FileColumn:
    """The files of ``app.Model.field``.

    :raises InvalidRequest: ``adopt.unknown_model``; ``adopt.no_file_field`` naming the model's file fields.
    """
    model_label, _dot, name = label.rpartition(".")
    try:
        model = apps.get_model(model_label)
    except (LookupError, ValueError):
        raise InvalidRequest("adopt.unknown_model", label=label) from None
    found = [field for field in model._meta.concrete_fields if isinstance(field, models.FileField)]
    for field in found:
        if field.name == name:
            return FileColumn(model=model, field=field)
    known_fields = ", ".join(field.name for field in found) or "-"
    raise InvalidRequest("adopt.no_file_field", model=model._meta.label, field=name, known=known_fields)


def alt_field(column: FileColumn, name: str = "") -> str:
    """The field of the same model that holds the alt text; empty where there is none.

    :param name: what it is called; empty looks for the usual names.
    :raises InvalidRequest: ``adopt.unknown_alt`` for a name that the model does not have.
    """
    meta = column.model._meta
    there = {one.name for one in meta.concrete_fields if not one.is_relation}
    if name and name not in there:
        raise InvalidRequest("adopt.unknown_alt", model=meta.label, field=name)
    return name or next((usual for one in ALT_NAMES if (usual := one.format(column.field.name)) in there), "")


def adopt(
    policy: Policy, brand: Brand, column: FileColumn, *, alt: str = "", locale: str = "", dry: bool = False
) -> Iterator[Adoption]:
    """Adopt every file of a model's field, in the order of the rows; one that is refused stops no other.

    The same bytes are one picture, so that a second run adopts nothing.

    :param alt: the field with the alt text; empty takes none.
    :param locale: the language that it is written in; empty is the brand's default. A field that holds a mapping tells
        the languages itself.
    :param dry: judge every file and write nothing.
    """
    policy.require("ingest", brand)
    seen: set[bytes] = set()
    for row, shown in _rows(policy, column, alt):
        file = row[column.field.name]
        place = {"model": column.model._meta.label, "row": str(row["pk"]), "field": column.field.name}
        told: dict[str, Any] = {"row": row["pk"], "name": file}
        words = _alt(row[alt], locale or brand.kit.default_locale) if alt else {}
        if row["pk"] in shown:
            yield Adoption(status="duplicate", asset=shown[row["pk"]], **told)
            continue
        try:
            data = _read(column, row["pk"], file)
            twin = known(policy, brand, data)
            if twin is not None or hashlib.sha256(data).digest() in seen:
                yield Adoption(status="duplicate", asset=twin, **told)
            elif dry:
                judge_upload(brand, data, alt=words)
                seen.add(hashlib.sha256(data).digest())
                yield Adoption(status="new", **told)
            else:
                name = PurePath(file).name
                done = ingest(policy, brand, data, name=name, origin="import", alt=words, place=place)
                yield Adoption(status="duplicate" if done.duplicate else "adopted", asset=done.asset, **told)
        except StudioError as error:
            yield Adoption(status="refused", error=error, **told)


def _rows(policy: Policy, column: FileColumn, alt: str) -> Iterator[tuple[dict[str, Any], Mapping[Any, Asset | None]]]:
    """The rows with a file, each with what its page shows of the studio: a cursor that stays open would meet the writes
    in between.

    As values: Django opens a picture to measure it while it makes an instance whose row has no measures yet, and one
    file that is missing would end the whole page.
    """
    names = {column.field.name, alt} - {""}
    rows = column.model._default_manager.order_by("pk").values("pk", *names)
    page = list(rows[:PAGE])
    while page:
        filled = [row for row in page if row[column.field.name]]
        shown = _shown(policy, column.model, {row["pk"] for row in filled})
        yield from ((row, shown) for row in filled)
        page = list(rows.filter(pk__gt=page[-1]["pk"])[:PAGE])


def _shown(policy: Policy, model: type[models.Model], keys: set[Any]) -> dict[Any, Asset | None]:
    """Of these rows, the studio's own, as apps tell -> their pictures, as far as the person may see them.

    Taken in, they would be candidates without the rights that their pictures have, and stand-ins would be pictures.
    """
    found: dict[Any, Any] = {}
    answers = signals.asset_shown_wanted.send_robust(model, model=model, keys=keys) if keys else ()
    for _receiver, answer in answers:
        found.update(answer if isinstance(answer, Mapping) else {})
    seen = {str(asset.pk): asset for asset in policy.visible(Asset.objects.filter(pk__in=set(found.values())))}
    return {key: seen.get(str(one)) for key, one in found.items()}


def _read(column: FileColumn, key: Any, name: str) -> bytes:
    """One byte more than is taken is enough to refuse it: a film must not fill the memory.

    :raises InvalidRequest: ``file.unreadable``.
    """
    try:
        with _opened(column, key, name) as opened:
            data: bytes = opened.read(conf().max_upload_bytes + 1)
    except Exception as error:  # each storage has errors of its own
        raise InvalidRequest("file.unreadable", file=name, detail=cause_of(error)) from error
    return data


def _opened(column: FileColumn, key: Any, name: str) -> Any:
    if column.field.attr_class in (FieldFile, ImageFieldFile):
        return column.field.storage.open(name, "rb")
    # A class of its own may choose the storage by the row: filer has one for private files.
    row = column.model._base_manager.get(pk=key)
    return getattr(row, column.field.attname).open("rb")


def _alt(value: Any, locale: str) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(key): str(words) for key, words in value.items() if words}
    return {locale: str(value)} if value else {}
