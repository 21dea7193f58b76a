"""Filer images as sources of variants: into the library of a brand, once, with what filer says of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from filer.models import File

from image_studio.contrib.filer.models import FiledPicture
from image_studio.exceptions import InvalidRequest, StudioError
from image_studio.models import Asset, Brand
from image_studio.policy import Policy
from image_studio.storage import cause_of
from image_studio.wording import explain_error
from image_studio.workflow.library import describe, ingest


@dataclass(kw_only=True)
class Taken:
    """What became of some filer images: pictures of the studio, and why others are none, in words."""

    assets: list[Asset] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def take(policy: Policy, brand: Brand, images: Collection[Any]) -> Taken:
    """Filer images as pictures of a brand: the ones that came from the studio are its own, the others are taken in.

    The same file taken twice is one picture, and a copy of a filed picture is that picture. A picture of another brand
    stays that brand's: it is refused. So is what stands in for a withdrawn one, and a file that cannot be read.

    :raises NotAllowed: for who may not add pictures to the brand.
    """
    policy.require("ingest", brand)
    taken = Taken()
    links = links_of([image.pk for image in images], brand)
    for image in images:
        try:
            found = _taken(policy, brand, image, links.get(image.pk))
            policy.require("view", found)
        except StudioError as error:
            taken.refused.append(f"{image.label}: {explain_error(error)}")
            continue
        taken.assets.append(found)
    return taken


def links_of(files: Collection[Any], brand: Brand | None = None) -> dict[Any, FiledPicture]:
    """Filer image -> the link of the picture that it shows, or stands in for. A copy has the link whose bytes it has.

    What an editor put into an image is no picture of ours.

    :param brand: whose pictures come first where several brands have the same bytes.
    """
    rows = FiledPicture.objects.select_related("asset__brand", "file")
    found = {link.file.pk: link for link in rows.filter(file__in=files) if link.file is not None and link.holds}
    others = File.objects.filter(pk__in=files).exclude(pk__in=found).exclude(sha1="")
    sums = dict(others.values_list("pk", "sha1"))
    filed = rows.filter(sha1__in=set(sums.values()), withdrawn_at=None)
    by_sum = {link.sha1: link for link in sorted(filed, key=lambda link: link.asset.brand == brand)}
    return found | {key: by_sum[one] for key, one in sums.items() if one in by_sum}


def _taken(policy: Policy, brand: Brand, image: Any, link: FiledPicture | None) -> Asset:
    if link is None:
        return _ingested(policy, brand, image)
    if link.withdrawn_at is not None:
        raise InvalidRequest("usage.withdrawn")
    asset: Asset = link.asset
    return asset


def _ingested(policy: Policy, brand: Brand, image: Any) -> Asset:
    alt = {brand.kit.default_locale: image.default_alt_text} if image.default_alt_text else {}
    data = _read(image)
    done = ingest(policy, brand, data, name=image.label, origin="import", title=image.name or "", alt=alt)
    author = getattr(image, "author", "") or ""
    if author and not done.duplicate:
        describe(policy, done.asset, rights_owner=author[:200])
    return done.asset


def _read(image: Any) -> bytes:
    """:raises InvalidRequest: ``file.unreadable``."""
    try:
        with image.file.storage.open(image.file.name, "rb") as file:
            data: bytes = file.read()
    except Exception as error:  # each storage has errors of its own
        name = image.original_filename or image.label
        raise InvalidRequest("file.unreadable", file=name, detail=cause_of(error)) from error
    return data
