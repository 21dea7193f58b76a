"""The pictures the server makes: cheap, and the same again for the same prompt."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import zlib
from functools import cache

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from tests.fakes.openai_requests import Order
from tests.fakes.openai_wire import Upload

#: A corner in one of these colours is what the moderation endpoint flags; ``[paint:NAME]`` in a prompt draws it.
CORNERS = {"violence": (255, 0, 66), "sexual": (66, 0, 255), "self-harm": (0, 255, 66)}
CORNER = 32


def make(order: Order, index: int, *, size: tuple[int, int] | None = None, kind: str = "") -> bytes:
    """Picture number ``index`` of an order; ``size`` and ``kind`` for one that is not as ordered."""
    picture = draw(order, index, size or order.size)
    return encode(picture, kind or order.output_format, order.compression)


def draw(order: Order, index: int, size: tuple[int, int]) -> Image.Image:
    seed = hashlib.sha256(f"{order.model.family} {index} {order.prompt}".encode()).digest()
    picture = _edited(order, size, seed) if order.images else _pattern(seed, size)
    _corner(picture, order.prompt)
    if order.background == "transparent":
        picture.putalpha(_cutout(size))
    return picture


def _pattern(seed: bytes, size: tuple[int, int]) -> Image.Image:
    """Eight by four patches of two colours out of the seed."""
    tile = Image.new("RGB", (8, 4), tuple(seed[:3]))
    for place in range(32):
        if seed[3 + place // 8] >> (place % 8) & 1:
            tile.putpixel((place % 8, place // 8), tuple(seed[8:11]))
    return tile.resize(size, Image.Resampling.NEAREST)


def _edited(order: Order, size: tuple[int, int], seed: bytes) -> Image.Image:
    """The first picture, a shade lighter as every real edit redraws it, and tinted where the mask lets it through."""
    picture = _flat(order.images[0]).resize(size, Image.Resampling.BILINEAR).point(lambda value: min(255, value + 3))
    tint = Image.blend(picture, _pattern(seed, size), 0.5)
    if order.mask is None:
        return Image.blend(picture, tint, 0.5)
    opaque = order.mask.picture().getchannel("A").resize(size, Image.Resampling.NEAREST)
    return Image.composite(picture, tint, opaque)


def _flat(upload: Upload) -> Image.Image:
    given = upload.upright().convert("RGBA")
    ground = Image.new("RGBA", given.size, "white")
    return Image.alpha_composite(ground, given).convert("RGB")


def _cutout(size: tuple[int, int]) -> Image.Image:
    """An ellipse. Real alpha peaks at 254, not 255."""
    alpha = Image.new("L", size, 0)
    ImageDraw.Draw(alpha).ellipse((size[0] // 8, size[1] // 8, size[0] * 7 // 8, size[1] * 7 // 8), fill=254)
    return alpha


def _corner(picture: Image.Image, prompt: str) -> None:
    for name in re.findall(r"\[paint:([a-z-]+)\]", prompt):
        if name in CORNERS:
            picture.paste(CORNERS[name], (0, 0, CORNER, CORNER))


def encode(picture: Image.Image, kind: str, compression: int = 100) -> bytes:
    """The file. A PNG carries a chunk where real ones carry their Content Credentials."""
    out = io.BytesIO()
    if kind == "png":
        info = PngInfo()
        info.add(b"caBX", b"content credentials of a fake")
        picture.save(out, "PNG", compress_level=1, pnginfo=info)
    else:
        picture.save(out, kind.upper(), quality=min(compression, 95), **({"method": 0} if kind == "webp" else {}))
    return out.getvalue()


@cache
def hundred_megapixels() -> bytes:
    """A sound PNG of 10000x10000 in black and white."""
    rows = zlib.compress((b"\0" + b"\0" * 1250) * 10_000, 1)
    header = struct.pack(">IIBBBBB", 10_000, 10_000, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
