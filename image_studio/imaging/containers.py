"""What a PNG, JPEG or WebP file holds, read without decoding a pixel.

The walkers bound every length by the bytes that are there, never expand more than :data:`MAX_EXPANDED`, and hand
on a stream that holds pixels and nothing else: text bombs, broken EXIF and appended archives do not reach a decoder.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from image_studio.exceptions import ImageRefused

#: A profile or a metadata packet is read up to this size when unpacked; the largest press profiles are 3 MB.
MAX_EXPANDED = 4_000_000
#: A 50 MB file written in libpng's smallest usual pieces (8 kB) has 6,400 chunks; far more are there to waste time.
MAX_CHUNKS = 65_536
#: libjpeg passes over the whole picture once per scan. Encoders write about 10; more than 20 must stay within this
#: many pixels in all (1 s), and never be more than the second figure.
MAX_SCAN_PIXELS = 1_000_000_000
MAX_SCANS = 100

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The parts of a file. ``size`` is as stored, before orientation.

    :param pixels: the same picture with nothing but what its decoder needs.
    :param frames: 1 for a still.
    :param key: the transparent colour of a PNG without an alpha band, one value per band at ``depth`` bits.
    """

    format: str
    size: tuple[int, int]
    pixels: bytes = field(repr=False)
    frames: int = 1
    depth: int = 8
    key: tuple[int, ...] = ()
    icc: bytes = field(default=b"", repr=False)
    exif: bytes = field(default=b"", repr=False)
    xmp: bytes = field(default=b"", repr=False)


def read(kind: str, data: bytes) -> Contents:
    """Walk a file of a known kind: ``png``, ``jpeg`` or ``webp``.

    :raises ImageRefused: ``image.broken`` where the structure does not hold.
    """
    try:
        return _READERS[kind](data)
    except (struct.error, IndexError) as error:
        raise broken(kind) from error


def broken(kind: str) -> ImageRefused:
    """The refusal of a file that is cut off or damaged."""
    return ImageRefused("image.broken", kind=kind)


def _expand(packed: bytes) -> bytes:
    """Unpacked zlib data; empty where it is damaged or larger than any honest one."""
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(packed, MAX_EXPANDED)
    except zlib.error:
        return b""
    return b"" if unpacker.unconsumed_tail else plain


# PNG


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each chunk's body up to IEND. Sums are checked where a decoder would read the body."""
    position, view = len(PNG_SIGNATURE), memoryview(data)
    for _ in range(MAX_CHUNKS):
        length, name = struct.unpack_from(">I4s", data, position)
        start, end = position + 8, position + 8 + length
        if end + 4 > len(data) or not name.isalpha():
            raise broken("png")
        essential = not name[0] & 0x20 or name == b"tRNS"
        if essential and zlib.crc32(view[position + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise broken("png")
        yield name, start, end
        if name == b"IEND":
            return
        position = end + 4
    raise broken("png")


def _png(data: bytes) -> Contents:
    kept: list[memoryview] = [memoryview(PNG_SIGNATURE)]
    first: dict[bytes, bytes] = {}
    texts: list[tuple[bytes, bytes]] = []
    view = memoryview(data)
    for name, start, end in _png_chunks(data):
        if name in (b"IHDR", b"PLTE", b"IDAT", b"IEND"):
            if name in (b"IHDR", b"PLTE") and name in first:
                raise broken("png")
            kept.append(view[start - 8 : end + 4])
        elif name == b"tRNS" and data[25] == 3 and b"IDAT" not in first and name not in first:
            kept.append(view[start - 8 : end + 4])
        if name in (b"iTXt", b"zTXt", b"tEXt"):
            texts.append((name, data[start : min(end, start + MAX_EXPANDED)]))
        elif name not in first and name != b"fdAT":
            first[name] = data[start : start if name == b"IDAT" else min(end, start + MAX_EXPANDED)]
    return _png_contents(first, texts, b"".join(kept))


def _png_contents(first: dict[bytes, bytes], texts: list[tuple[bytes, bytes]], pixels: bytes) -> Contents:
    width, height, depth, colour = struct.unpack_from(">IIBB", first.get(b"IHDR", b""))
    if not pixels.startswith(b"IHDR", 12) or b"IDAT" not in first:
        raise broken("png")
    return Contents(
        format="png",
        size=(width, height),
        pixels=pixels,
        frames=struct.unpack_from(">I", first[b"acTL"])[0] if b"acTL" in first else 1,
        depth=depth,
        key=_png_key(first.get(b"tRNS", b""), depth, colour),
        icc=_png_profile(first.get(b"iCCP", b"")),
        exif=first.get(b"eXIf", b"").removeprefix(b"Exif\0\0") or _png_raw_exif(texts),
        xmp=_png_text(texts, b"XML:com.adobe.xmp"),
    )


def _png_key(body: bytes, depth: int, colour: int) -> tuple[int, ...]:
    """The transparent colour of a grey (type 0) or RGB (type 2) PNG; only ``depth`` low bits count."""
    bands = {0: 1, 2: 3}.get(colour, 0)
    if not bands or len(body) < 2 * bands:
        return ()
    return tuple(value & ((1 << depth) - 1) for value in struct.unpack_from(f">{bands}H", body))


def _png_profile(body: bytes) -> bytes:
    _name, _, packed = body.partition(b"\0")
    return _expand(packed[1:])


def _png_text(texts: list[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    """The body of the first text chunk of that keyword, unpacked; no other text is ever expanded."""
    for name, body in texts:
        keyword, _, rest = body.partition(b"\0")
        if keyword != wanted:
            continue
        if name == b"tEXt":
            return rest
        if name == b"zTXt":
            return _expand(rest[1:])
        parts = rest[2:].split(b"\0", 2)
        text = parts[2] if len(parts) == 3 else b""
        return _expand(text) if rest[:1] == b"\1" else text
    return b""


def _png_raw_exif(texts: list[tuple[bytes, bytes]]) -> bytes:
    """EXIF as ImageMagick writes it: a text of hexadecimal digits after name and length."""
    lines = _png_text(texts, b"Raw profile type exif").split(b"\n", 3)
    digits = b"".join(lines[3].split()) if len(lines) == 4 else b""
    try:
        return bytes.fromhex(digits.decode("ascii")).removeprefix(b"Exif\0\0")
    except ValueError:
        return b""


# JPEG


_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_SCAN_OR_END = re.compile(rb"\xff[\xda\xd9]")


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end (with marker) of each segment before the pixels; junk between them is skipped."""
    position = 2
    while True:
        position = data.find(b"\xff", position)
        if position < 0 or position + 1 >= len(data):
            raise broken("jpeg")
        marker = data[position + 1]
        if marker in (0x00, 0xFF) or marker in _STANDALONE:
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        if marker == 0xD9 or end < position + 4 or end > len(data):
            raise broken("jpeg")
        yield marker, position, end
        if marker == 0xDA:
            return
        position = end


def _jpeg(data: bytes) -> Contents:
    view = memoryview(data)
    kept: list[memoryview] = [view[:2]]
    parts: dict[int, list[bytes]] = {0xE1: [], 0xE2: []}
    frames: list[bytes] = []
    scans = 0
    for marker, start, end in _jpeg_segments(data):
        if marker in parts:
            parts[marker].append(data[start + 4 : end])
        elif marker in _FRAME_HEADERS:
            frames.append(data[start + 4 : end])
        if marker == 0xDA:
            scans = _count_scans(data, end)
            kept.append(view[start:])
        elif marker in (0xE0, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(view[start:end])
    if len(frames) != 1:
        raise broken("jpeg")
    height, width = struct.unpack_from(">HH", frames[0], 1)
    if scans > 20 and scans > min(MAX_SCANS, MAX_SCAN_PIXELS // max(1, width * height)):
        raise broken("jpeg")
    return Contents(
        format="jpeg",
        size=(width, height),
        pixels=b"".join(kept),
        icc=_jpeg_profile(parts[0xE2]),
        exif=b"".join(part[6:] for part in parts[0xE1] if part.startswith(b"Exif\0\0")),
        xmp=next((p[29:] for p in parts[0xE1] if p.startswith(b"http://ns.adobe.com/xap/1.0/\0")), b""),
    )


def _count_scans(data: bytes, position: int) -> int:
    """Scans up to the end of the picture, the first one counted already."""
    scans = 1
    for found in _SCAN_OR_END.finditer(data, position):
        if found.group() == b"\xff\xd9":
            break
        scans += 1
    return scans


def _jpeg_profile(parts: list[bytes]) -> bytes:
    """The profile from its numbered pieces; empty where one is missing."""
    pieces = sorted(part[12:] for part in parts if part.startswith(b"ICC_PROFILE\0") and len(part) > 14)
    if not pieces or [piece[0] for piece in pieces] != list(range(1, pieces[0][1] + 1)):
        return b""
    profile = b"".join(piece[2:] for piece in pieces)
    return profile if len(profile) <= MAX_EXPANDED else b""


# WebP


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    position, stop = 12, min(len(data), 8 + struct.unpack_from("<I", data, 4)[0])
    for _ in range(MAX_CHUNKS):
        if position + 8 > stop:
            return
        name, length = struct.unpack_from("<4sI", data, position)
        start, end = position + 8, position + 8 + length
        if end > len(data):
            raise broken("webp")
        yield name, start, end
        position = end + length % 2
    raise broken("webp")


def _webp(data: bytes) -> Contents:
    first: dict[bytes, bytes] = {}
    animated = 0
    for name, start, end in _webp_chunks(data):
        animated += name == b"ANMF"
        limit = MAX_EXPANDED if name in (b"ICCP", b"EXIF", b"XMP ") else 16
        first.setdefault(name, data[start : min(end, start + limit)])
    exif = first.get(b"EXIF", b"")
    return Contents(
        format="webp",
        size=_webp_size(first),
        pixels=data,
        frames=max(1, animated),
        icc=first.get(b"ICCP", b""),
        exif=exif.removeprefix(b"Exif\0\0"),
        xmp=first.get(b"XMP ", b""),
    )


def _webp_size(first: dict[bytes, bytes]) -> tuple[int, int]:
    """From the canvas where there is one, else from the header of the one bitstream."""
    if body := first.get(b"VP8X"):
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if body := first.get(b"VP8L"):
        bits = struct.unpack_from("<I", body, 1)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", first.get(b"VP8 ", b""), 6)
    return width & 0x3FFF, height & 0x3FFF


_READERS: dict[str, Callable[[bytes], Contents]] = {"png": _png, "jpeg": _jpeg, "webp": _webp}
