"""Masks and drawings: from whatever a person painted to the private file that is sent."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from PIL import Image

from image_studio import storage
from image_studio.exceptions import ImageRefused, InvalidRequest
from image_studio.imaging.decode import decode
from image_studio.imaging.masks import Mask, Reads, from_file, from_polygons, from_region, to_png
from image_studio.models import Asset, EditChain, EditFile, Event
from image_studio.policy import Policy
from image_studio.runner.edit_requests import FileRef, Polygon, Region
from image_studio.workflow.library import ServedFile, limits

Size = tuple[int, int]

#: Points of all polygons together: a hand-drawn outline has some hundred.
MOST_POINTS = 20_000


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A mask or a drawing whose bytes are stored and whose row is still to be written.

    :param name: in private storage.
    """

    role: str
    name: str
    sha256: str
    weight: int
    size: Size
    told: dict[str, Any] = field(default_factory=dict)

    def row(self, chain: EditChain) -> EditFile:
        """Write the row. Call it in a transaction."""
        width, height = self.size
        return EditFile.objects.create(
            chain=chain,
            role=self.role,
            file=self.name,
            sha256=self.sha256,
            weight=self.weight,
            width=width,
            height=height,
            told=self.told,
        )


def add_mask(
    policy: Policy,
    chain: EditChain,
    source: Asset,
    *,
    data: bytes | None = None,
    region: Region | None = None,
    polygons: Sequence[Polygon] = (),
    reads: Reads = "clear",
    scale: bool = False,
) -> EditFile:
    """Keep a mask for a picture of a chain: painted, or told as one rectangle or as polygons in fractions.

    :param source: the picture that is to be edited: a painted mask must have its size, upright or as it is stored.
    :param reads: which part of a painted one may change, see :data:`image_studio.imaging.masks.Reads`.
    :param scale: take a painted mask of the same shape at another size.
    :raises InvalidRequest: ``mask.*``.
    :raises ImageRefused: for bytes that are no picture.
    :raises StorageFailed: when the disk refuses.
    """
    policy.require("generate", chain)
    policy.require("view", source)
    if data is None:
        drawn = keep_mask(told_mask(region, polygons, source.size), region=region, polygons=polygons)
    else:
        orientation = orientation_of(source)
        drawn = keep_mask(from_file(data, source.size, reads=reads, orientation=orientation, scale=scale))
    return _added(policy, chain, drawn)


def add_markup(policy: Policy, chain: EditChain, source: Asset, data: bytes) -> EditFile:
    """Keep a drawing over a picture of a chain: a PNG with transparency, of the picture's own size.

    :raises InvalidRequest: ``markup.no_alpha``, ``markup.other_size`` (size, nearest), ``markup.empty``.
    :raises ImageRefused: for bytes that are no picture.
    :raises StorageFailed: when the disk refuses.
    """
    policy.require("generate", chain)
    policy.require("view", source)
    return _added(policy, chain, keep_markup(data, source.size))


def edit_file_for(policy: Policy, file: EditFile) -> ServedFile:
    """The bytes of a mask or a drawing, for who may see its chain.

    :raises StorageFailed: when the file is missing or its sum is wrong.
    """
    policy.require("view", file.chain)
    data = storage.read(storage.private(), file.file, file.sha256)
    return ServedFile(data=data, mime="image/png", filename=f"{file.role}-{file.pk.hex[-8:]}.png", etag=file.sha256)


def ref_of(file: EditFile) -> FileRef:
    """As a request names it."""
    return FileRef(file=str(file.pk), sha256=file.sha256, size=(file.width, file.height))


def told_mask(region: Region | None, polygons: Sequence[Polygon], size: Size) -> Mask:
    """A mask from fractions.

    :raises InvalidRequest: ``mask.bad_points``, ``mask.outside``, ``mask.full``, ``mask.empty``.
    """
    if region is not None:
        return from_region(region, size)
    if sum(map(len, polygons)) > MOST_POINTS:
        raise InvalidRequest("mask.bad_points")
    return from_polygons(polygons, size)


def keep_mask(mask: Mask, *, region: Region | None = None, polygons: Sequence[Polygon] = ()) -> Drawn:
    """Store a mask's file. What was told in fractions is kept with it, and so fits another picture too.

    :raises InvalidRequest: ``mask.too_heavy``.
    :raises StorageFailed: when the disk refuses.
    """
    told: dict[str, Any] = {"share": round(mask.share, 4), "bounds": list(mask.bounds.region(mask.size))}
    if region is not None:
        told["region"] = list(region)
    elif polygons:
        told["polygons"] = [[list(point) for point in points] for points in polygons]
    return _kept("mask", to_png(mask), mask.size, told)


def keep_markup(data: bytes, size: Size) -> Drawn:
    """Store a drawing's file, written anew from its pixels.

    :raises InvalidRequest: as :func:`add_markup`.
    :raises ImageRefused: for bytes that are no picture.
    :raises StorageFailed: when the disk refuses.
    """
    picture = decode(data, limits())
    if picture.size != size:
        raise InvalidRequest("markup.other_size", size=_words(picture.size), nearest=_words(size))
    if not picture.has_alpha:
        raise InvalidRequest("markup.no_alpha")
    if picture.image.getchannel("A").getbbox() is None:
        raise InvalidRequest("markup.empty")
    return _kept("markup", _png(picture.image), picture.size, {})


def forget(drawn: Sequence[Drawn]) -> None:
    """Delete files whose rows were never written."""
    for one in drawn:
        storage.remove(storage.private(), one.name)


def orientation_of(asset: Asset) -> int:
    """The EXIF orientation of a picture's own file, 1 to 8: programs that pass it over paint on it as it is stored."""
    try:
        return decode(storage.read(storage.private(), asset.file, asset.sha256), limits()).orientation
    except ImageRefused:
        return 1


def _added(policy: Policy, chain: EditChain, drawn: Drawn) -> EditFile:
    try:
        with transaction.atomic():
            row = drawn.row(chain)
            Event.objects.record(policy.actor, f"chain.{drawn.role}_added", chain, file=str(row.pk))
    except BaseException:
        forget([drawn])
        raise
    return row


def _kept(role: str, data: bytes, size: Size, told: dict[str, Any]) -> Drawn:
    name = storage.write(storage.private(), storage.fresh_name("edits", "png"), data)
    sha256 = hashlib.sha256(data).hexdigest()
    return Drawn(role=role, name=name, sha256=sha256, weight=len(data), size=size, told=told)


def _png(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def _words(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
