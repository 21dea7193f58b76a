"""Writing the IPTC digital source type into a file that somebody else encoded, without touching a pixel.

Sites make files of their own from a published picture: thumbnails, renditions, crops. Their libraries write pixels and
drop what the picture says of itself; here it is put back. Other metadata of the file stays as it is.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from image_studio.imaging.containers import PNG_SIGNATURE, broken, read
from image_studio.imaging.metadata import source_type_in, xmp_packet
from image_studio.imaging.sniffing import sniff
from image_studio.imaging.stamping_avif import with_xmp

#: What a source type can be written into, beside AVIF.
STAMPED = ("jpeg", "png", "webp")
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PNG_XMP = b"XML:com.adobe.xmp"
#: Of a WebP's VP8X chunk: says that there is XMP, that there is transparency.
_HAS_XMP, _HAS_ALPHA = 0x04, 0x10


def stamped(data: bytes, source_type: str) -> bytes:
    """The same file with this source type as its XMP packet; as it is where it says so already, or cannot be written.

    A packet that is there is replaced: a file has one, and a reader takes the first that it finds. Only an AVIF file's
    stays.

    :param source_type: a term of :data:`~image_studio.imaging.metadata.SOURCE_TYPES`; empty leaves the file as it is.
    :raises ValueError: the term is not in the vocabulary.
    :raises ImageRefused: ``image.broken`` where the file's structure does not hold.
    """
    kind = sniff(data)
    if source_type and kind == "avif":
        return _avif(data, xmp_packet(source_type))
    if not source_type or kind not in STAMPED or source_type_in(read(kind, data).xmp) == source_type:
        return data
    try:
        return _WRITERS[kind](data, xmp_packet(source_type))
    except (struct.error, IndexError) as error:
        raise broken(kind) from error


def _avif(data: bytes, packet: bytes) -> bytes:
    try:
        return with_xmp(data, packet)
    except (struct.error, IndexError) as error:
        raise broken("avif") from error


def _jpeg(data: bytes, packet: bytes) -> bytes:
    """Right behind the header segments: JFIF and EXIF readers want theirs first."""
    body = _JPEG_XMP + packet
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    heads: list[bytes] = []
    position = 2
    while data[position : position + 1] == b"\xff" and data[position + 1] in (0xE0, 0xE1):
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        if not data.startswith(_JPEG_XMP, position + 4):
            heads.append(data[position:end])
        position = end
    return b"".join((data[:2], *heads, segment, data[position:]))


def _png(data: bytes, packet: bytes) -> bytes:
    """Before the pixels: a reader that stops at them still sees it."""
    chunk = _png_chunk(b"iTXt", _PNG_XMP + b"\0\0\0\0\0" + packet)
    parts, position = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if name == b"IDAT" and chunk:
            parts.append(chunk)
            chunk = b""
        if not (name in (b"iTXt", b"tEXt", b"zTXt") and data.startswith(_PNG_XMP + b"\0", position + 8)):
            parts.append(data[position:end])
        position = end
    return b"".join(parts)


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _webp(data: bytes, packet: bytes) -> bytes:
    """The XMP chunk comes last, and the extended header announces it; a simple file gets one."""
    chunks = [(name, body) for name, body in _webp_chunks(data) if name != b"XMP "]
    if chunks[0][0] != b"VP8X":
        width, height = read("webp", data).size
        alpha = _HAS_ALPHA if chunks[0][0] == b"VP8L" and chunks[0][1][4] & 0x10 else 0
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        chunks.insert(0, (b"VP8X", bytes((alpha, 0, 0, 0)) + size))
    flags = chunks[0][1]
    chunks[0] = (b"VP8X", bytes((flags[0] | _HAS_XMP,)) + flags[1:])
    body = b"WEBP" + b"".join(_webp_chunk(name, part) for name, part in [*chunks, (b"XMP ", packet)])
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, position = [], 12
    while position + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        found.append((name, data[position + 8 : position + 8 + length]))
        position += 8 + length + length % 2
    return found


def _webp_chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


_WRITERS: dict[str, Callable[[bytes, bytes], bytes]] = {"jpeg": _jpeg, "png": _png, "webp": _webp}
