"""Pictures of an answer that have no place in a job any more: they come into their brand's library as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.db import transaction

from image_studio.exceptions import ImageRefused, StorageFailed
from image_studio.imaging.renditions import preview
from image_studio.models import Actor, Asset, Brand, Event, Rendition, uuid7
from image_studio.runner.answers import Kept, StoredAnswer, plain
from image_studio.runner.filing import Filing
from image_studio.runner.leases import Fenced
from image_studio.runner.produce import Raw, Told, open_raw
from image_studio.runner.rows import sizes
from image_studio.storage import Spool


def adopt(actor: Actor, brand: Brand, answer: StoredAnswer, told: dict[str, Any], charge: Callable[[], None]) -> bool:
    """Take the pictures of an answer into the library and its bill into the ledger. All or none; the folder goes
    after the commit.

    :param charge: enters the bill, within the transaction.
    """
    filing = Filing()
    try:
        rows = [_rows(brand, answer, kept, told, filing) for kept in answer.outputs if kept.file]
        with transaction.atomic():
            Asset.objects.bulk_create([asset for asset, _small in rows])
            Rendition.objects.bulk_create([small for _asset, small in rows])
            adopted = [asset for asset, _small in rows]
            Event.objects.record_all(actor, "asset.adopted", adopted, attempt=str(answer.attempt))
            charge()
    except (ImageRefused, StorageFailed, Fenced):
        filing.undo()
        return False
    except BaseException:
        filing.undo()
        raise
    Spool().drop(str(answer.attempt))
    return True


def _rows(
    brand: Brand, answer: StoredAnswer, kept: Kept, told: dict[str, Any], filing: Filing
) -> tuple[Asset, Rendition]:
    data = answer.read(kept)
    raw = open_raw(data, Told(source_type=kept.source_type))
    asset = _asset(brand, raw, filing.write("raw", raw.picture.extension, data), len(data))
    asset.sha256 = hashlib.sha256(data).hexdigest()
    asked = {name: value for name, value in told.items() if name != "user"}
    asset.recipe = plain({"adopted": str(answer.attempt), "index": kept.index, **asked})
    small = preview(raw.image)
    name = filing.write("preview", small.extension, small.data)
    return asset, Rendition(asset=asset, spec="preview", file=name, **sizes(small))


def _asset(brand: Brand, raw: Raw, name: str, weight: int) -> Asset:
    picture = raw.picture
    return Asset(
        id=uuid7(),
        brand=brand,
        kind="raw",
        origin="provider",
        file=name,
        weight=weight,
        format=picture.format,
        width=picture.size[0],
        height=picture.size[1],
        has_alpha=picture.has_alpha,
        fingerprint=raw.fingerprint,
        colours=raw.colours,
        source_type=raw.source_type,
    )
