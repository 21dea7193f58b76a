"""One decoded picture -> files. Every file is written from pixels alone, with our source type as its only metadata."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from image_studio.exceptions import ImageRefused
from image_studio.imaging.decode import EXTENSIONS, MIMES, sharing
from image_studio.imaging.metadata import xmp_packet

#: Below this quality a picture is not one that a brand would publish; rather refuse than go further.
MIN_QUALITY = 30
#: From here JPEG keeps colour at full resolution: red lettering on a brand colour frays without.
_FULL_CHROMA = 90
# A photograph of 5 megapixels: level 3 takes 0.4x the time of zlib's own 6 and makes files an eighth larger.
_PNG_LEVEL = 3
#: WebP 0 (fast) to 6 (small). 4 is libwebp's default; 2 takes 0.4 of its time for 3 % more bytes (measured).
_WEBP_METHOD = 2
#: AVIF 0 (small) to 10 (fast). 9 takes 0.1 of the time of libavif's default 6 for 7 % more bytes (measured).
_AVIF_SPEED = 9
#: AVIF looks like a JPEG or WebP of 20 more on the same scale, so one quality can serve all three.
_AVIF_LOWER = 20
_REDUCING_GAP = 2.0
_PLACEHOLDER_EDGE = 4


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A derived file to make. ``width`` in pixels, ``quality`` 1 to 100 as for JPEG, without meaning for PNG."""

    width: int
    format: str
    quality: int = 80

    @property
    def name(self) -> str:
        """Unique among the specs of one picture, for example ``w640.webp``."""
        return f"w{self.width}.{EXTENSIONS[self.format]}"


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A written file. ``spec`` is the one asked for; its width may be more than the picture has."""

    spec: Spec | None = None
    data: bytes = field(repr=False)
    width: int
    height: int
    format: str
    sha256: str

    @property
    def mime(self) -> str:
        return MIMES[self.format]

    @property
    def extension(self) -> str:
        return EXTENSIONS[self.format]


def encode(
    image: Image.Image,
    format: str,  # noqa: A002
    *,
    quality: int = 80,
    source_type: str = "",
    lossless: bool = False,
    max_bytes: int = 0,
    ground: str = "#ffffff",
) -> Encoded:
    """Write a picture as ``png``, ``jpeg``, ``webp`` or ``avif``.

    :param image: mode ``RGB`` or ``RGBA``, sRGB, upright, as :func:`image_studio.imaging.decode.decode` gives it.
    :param source_type: IPTC digital source type to write as XMP; empty for none.
    :param quality: on JPEG's scale; the other formats are set to look alike.
    :param lossless: for WebP; PNG always is, AVIF and JPEG never.
    :param max_bytes: 0 for any; else the best quality is taken that stays within.
    :param ground: the colour under transparent pixels where the format (JPEG) has none.
    :raises ImageRefused: ``image.cannot_fit`` where no quality from :data:`MIN_QUALITY` up stays within.
    :raises ValueError: an unknown format or source type.
    """
    if format not in _SAVERS:
        raise ValueError(f"{format!r} is none of {', '.join(_SAVERS)}")
    # Pillow keeps the options of a save on the image: two threads that write one picture would mix their qualities.
    image = sharing(flattened(image, ground) if format == "jpeg" else image)
    write = partial(_SAVERS[format], image, xmp=xmp_packet(source_type), lossless=lossless)
    data = write(quality=quality)
    if max_bytes and len(data) > max_bytes:
        fixed = format == "png" or (lossless and format == "webp")
        lowest = quality if fixed else min(quality, MIN_QUALITY)
        data, fits = _fitting(write, max_bytes, lowest, quality)
        if not fits:
            facts = {"width": image.width, "height": image.height, "weight": len(data), "limit": max_bytes}
            raise ImageRefused("image.cannot_fit", format=format, quality=lowest, **facts)
    return Encoded(
        data=data,
        width=image.width,
        height=image.height,
        format=format,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def flattened(image: Image.Image, ground: str) -> Image.Image:
    """A picture without transparency, on a ground ``#rrggbb``."""
    if image.mode != "RGBA":
        return image
    solid = Image.new("RGB", image.size, ground)
    solid.paste(image, mask=image.getchannel("A"))
    return solid


def _fitting(write: Callable[..., bytes], max_bytes: int, lowest: int, too_high: int) -> tuple[bytes, bool]:
    """The file of the best quality in ``[lowest, too_high)`` that stays within, by halving, and whether one did."""
    best = write(quality=lowest)
    if len(best) > max_bytes:
        return best, False
    low, high = lowest, too_high
    while high - low > 1:
        middle = (low + high) // 2
        data = write(quality=middle)
        if len(data) <= max_bytes:
            best, low = data, middle
        else:
            high = middle
    return best, True


def _save(image: Image.Image, format: str, **options: Any) -> bytes:  # noqa: A002
    target = io.BytesIO()
    image.save(target, format, **options)
    return target.getvalue()


def _png(image: Image.Image, *, quality: int, xmp: bytes, lossless: bool) -> bytes:
    notes = PngInfo()
    if xmp:
        notes.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return _save(image, "PNG", pnginfo=notes, compress_level=_PNG_LEVEL)


def _jpeg(image: Image.Image, *, quality: int, xmp: bytes, lossless: bool) -> bytes:
    chroma = "4:4:4" if quality >= _FULL_CHROMA else "4:2:0"
    return _save(image, "JPEG", quality=quality, subsampling=chroma, optimize=True, progressive=True, **_packet(xmp))


def _webp(image: Image.Image, *, quality: int, xmp: bytes, lossless: bool) -> bytes:
    return _save(image, "WEBP", quality=quality, lossless=lossless, method=_WEBP_METHOD, **_packet(xmp))


def _avif(image: Image.Image, *, quality: int, xmp: bytes, lossless: bool) -> bytes:
    return _save(image, "AVIF", quality=max(1, quality - _AVIF_LOWER), speed=_AVIF_SPEED, **_packet(xmp))


def _packet(xmp: bytes) -> dict[str, bytes]:
    return {"xmp": xmp} if xmp else {}


_SAVERS: dict[str, Callable[..., bytes]] = {"png": _png, "jpeg": _jpeg, "webp": _webp, "avif": _avif}


def renditions(image: Image.Image, specs: Sequence[Spec], *, source_type: str = "") -> list[Encoded]:
    """The derived files of one decoded picture, in the order of ``specs``.

    Widths are never enlarged: a wider spec gives the picture's own width, and of specs that come to the same file the
    first is made. Encoders run in threads (they release the interpreter's lock).
    """
    wanted: dict[tuple[int, str, int], Spec] = {}
    for spec in specs:
        wanted.setdefault((min(spec.width, image.width), spec.format, spec.quality), spec)
    sized = _cascade(image, {width for width, _format, _quality in wanted})

    def write(key: tuple[int, str, int]) -> Encoded:
        width, name, quality = key
        made = encode(sized[width], name, quality=quality, source_type=source_type)
        return Encoded(**{**vars(made), "spec": wanted[key]})

    heaviest_first = sorted(wanted, reverse=True)
    with ThreadPoolExecutor(max_workers=max(1, min(len(wanted), os.cpu_count() or 1))) as pool:
        made = dict(zip(heaviest_first, pool.map(write, heaviest_first), strict=True))
    return [made[key] for key in wanted]


def _cascade(image: Image.Image, widths: set[int]) -> dict[int, Image.Image]:
    """The picture at each width, each reduced from the smallest larger one that still has twice its width."""
    sized: dict[int, Image.Image] = {image.width: image}
    for width in sorted(widths, reverse=True):
        parent = min((have for have in sized if have >= 2 * width), default=image.width)
        if width not in sized:
            sized[width] = _scaled(sized[parent], (width, _height(image, width)))
    return sized


def _height(image: Image.Image, width: int) -> int:
    return max(1, round(image.height * width / image.width))


def _scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP)


def preview(image: Image.Image, *, edge: int = 640) -> Encoded:
    """A small private WebP whose longer edge is at most ``edge`` pixels."""
    scale = min(1.0, edge / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return encode(_scaled(image, size), "webp", quality=75)


def blur_placeholder(image: Image.Image) -> str:
    """What to show until the picture is there: a grid of average colours, row by row.

    ``"4x3:"`` (columns x rows, the longer edge has 4) and six hexadecimal digits per cell: 4 + 96 characters at
    most. A grid and no data URI, because a strict Content-Security-Policy forbids those; drawn as SVG rectangles it
    needs no permission. Transparent pixels count as white.
    """
    scale = _PLACEHOLDER_EDGE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    grid = flattened(image, "#ffffff").resize(size, Image.Resampling.BOX, reducing_gap=_REDUCING_GAP)
    return f"{size[0]}x{size[1]}:{grid.tobytes().hex()}"
