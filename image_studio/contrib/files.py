"""Files for other applications' media libraries: a published picture at full size, and what stands in for it."""

from __future__ import annotations

import hashlib
import io
import logging
from pathlib import PurePath

from django.contrib.staticfiles import finders
from django.core.files.storage import storages
from django.utils.text import slugify
from PIL import Image, ImageDraw

from image_studio import storage
from image_studio.conf import conf
from image_studio.imaging.decode import decode
from image_studio.imaging.renditions import encode
from image_studio.models import Asset
from image_studio.workflow.showing import instead, plain_of, public_of

logger = logging.getLogger("image_studio.contrib")

#: Other files are made from this one: better than what a page gets.
QUALITY = 92
GROUND, LINE = "#e4e4e4", "#c8c8c8"
#: The longest side of a plain stand-in, in pixels.
LONGEST = 1200
RASTER = ("png", "jpg", "jpeg", "webp")


def picture_bytes(asset: Asset) -> tuple[bytes, str]:
    """The picture at full size as any program opens it, saying what it is, and the extension of its format.

    Made anew from the approved pixels: what a client's camera wrote into an upload does not go out.

    :raises StorageFailed: when the file cannot be read, or is another.
    """
    picture = decode(storage.read(storage.private(), asset.file, asset.sha256))
    kind = "png" if picture.has_alpha else "jpeg"
    made = encode(picture.image, kind, quality=QUALITY, source_type=asset.source_type)
    return made.data, made.extension


def file_name(asset: Asset, extension: str) -> str:
    """For a file of this picture: tells people what it shows, and programs which picture it is."""
    return f"{slugify(asset.title)[:60] or 'picture'}-{asset.pk.hex[-8:]}.{extension}"


def sum_of(content: bytes) -> str:
    """SHA-1, which filer and Wagtail keep of their files too: it tells files apart, and protects nothing."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def fallback_bytes(size: tuple[int, int], use: str) -> tuple[bytes, str]:
    """What the site chose for places without a picture; a plain ground where it chose nothing, or no such file.

    Never raises for what the site chose: a stand-in that can't be had must not keep a withdrawn picture up.

    :param size: of the picture that is gone, in pixels.
    :param use: a key of ``IMAGE_STUDIO["PICTURES"]``.
    """
    try:
        found = _chosen(use)
    except Exception:  # a storage, a finder or a site's own code: each has errors of its own
        logger.exception("no fallback", extra={"action": "contrib.no_fallback", "use": use})
        found = None
    return found if found is not None else (plain(size), "png")


def _chosen(use: str) -> tuple[bytes, str] | None:
    fallback = conf().picture(use).fallback
    chosen = instead(fallback)
    if chosen is None:
        return None
    found = _static(fallback) if chosen.asset is None else _public(chosen.asset)
    if found is not None:
        # The whole of it: what is no picture would be refused only when a library saves it.
        with Image.open(io.BytesIO(found[0])) as image:
            image.load()
    return found


def _public(asset: Asset) -> tuple[bytes, str]:
    row = plain_of(public_of(asset))[-1]
    return storage.read(storage.public(), row.file, row.sha256), PurePath(row.file).suffix.lstrip(".")


def _static(path: str) -> tuple[bytes, str] | None:
    """A static file's bytes, where it is collected or in its app; None where it is neither, or no raster picture."""
    suffix = PurePath(path).suffix.lstrip(".").lower()
    if suffix not in RASTER:
        return None
    found = finders.find(path)
    try:
        if isinstance(found, str):
            with open(found, "rb") as file:
                return file.read(), suffix
        return storage.read(storages["staticfiles"], path), suffix
    except (OSError, NotImplementedError):
        return None


def plain(size: tuple[int, int]) -> bytes:
    """A light ground with a frame and a diagonal, of the picture's own shape, so that the page keeps its form."""
    scale = min(1.0, LONGEST / max(size))
    width, height = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    image = Image.new("RGB", (width, height), GROUND)
    pen, stroke = ImageDraw.Draw(image), max(1, width // 200)
    pen.rectangle((0, 0, width - 1, height - 1), outline=LINE, width=stroke)
    pen.line((0, height - 1, width - 1, 0), fill=LINE, width=stroke)
    target = io.BytesIO()
    image.save(target, "PNG", optimize=True)
    return target.getvalue()
