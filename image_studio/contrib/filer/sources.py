"""Filer images as sources of variants: into the library of a brand, once, with what filer says of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F

from image_studio.contrib.filer.models import FiledPicture
from image_studio.exceptions import StudioError
from image_studio.models import Asset, Brand
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow.library import describe, ingest


@dataclass(kw_only=True)
class Taken:
    """What became of some filer images: pictures of the studio, and why others are none, in words."""

    assets: list[Asset] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def take(policy: Policy, brand: Brand, images: Iterable[Any]) -> Taken:
    """Filer images as pictures of a brand: the ones that came from the studio are its own, the others are taken in.

    The same file taken twice is one picture. A picture of another brand stays that brand's: it is refused.

    :raises NotAllowed: for who may not add pictures to the brand.
    """
    policy.require("ingest", brand)
    taken = Taken()
    known = _own(images)
    for image in images:
        asset = known.get(image.pk)
        try:
            found = asset if asset is not None else _ingested(policy, brand, image)
            policy.require("view", found)
        except StudioError as error:
            taken.refused.append(f"{image.label}: {explain_error(error)}")
            continue
        taken.assets.append(found)
    return taken


def _own(images: Iterable[Any]) -> dict[Any, Asset]:
    """Filer image -> the picture that it shows."""
    rows = FiledPicture.objects.filter(file__in=[image.pk for image in images], withdrawn_at=None)
    rows = rows.filter(file__sha1=F("sha1"))  # what an editor put into the image is no picture of ours
    return {row.file.pk: row.asset for row in rows.select_related("asset__brand", "file") if row.file is not None}


def _ingested(policy: Policy, brand: Brand, image: Any) -> Asset:
    alt = {brand.kit.default_locale: image.default_alt_text} if image.default_alt_text else {}
    with image.file.storage.open(image.file.name, "rb") as file:
        done = ingest(policy, brand, file.read(), name=image.label, origin="import", title=image.name or "", alt=alt)
    author = getattr(image, "author", "") or ""
    if author and not done.duplicate:
        describe(policy, done.asset, rights_owner=author[:200])
    return done.asset
