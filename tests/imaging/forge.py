"""Files made byte by byte, for what no encoder writes."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

#: CIE xyz of the primaries of Display P3 (SMPTE EG 432-1) as XYZ relative to D50, as Apple's profile carries them.
P3_COLORANTS = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
D50 = (0.9642, 1.0, 0.8249)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:  # noqa: A002
    target = io.BytesIO()
    image.save(target, format, **options)
    return target.getvalue()


def chunk(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(size: tuple[int, int], depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG of these sample rows (without filter bytes); ``extra`` chunks stand before the pixels."""
    width, height = size
    stride = len(rows) // height
    filtered = b"".join(b"\0" + rows[y * stride : (y + 1) * stride] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + b"".join(extra) + chunk(b"IDAT", zlib.compress(filtered)) + chunk(b"IEND")
    return b"\x89PNG\r\n\x1a\n" + body


def with_chunk(data: bytes, *chunks: bytes) -> bytes:
    """A PNG with chunks put in behind its header."""
    return data[:33] + b"".join(chunks) + data[33:]


def profile(colorants: tuple[tuple[float, float, float], ...] = P3_COLORANTS, gamma: float = 2.2) -> bytes:
    """A version 2 matrix profile with one exponent (ICC.1:2001-04), Display P3's primaries unless told."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = [
        (name, b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in point)))
        for name, point in zip((b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ"), (D50, *colorants), strict=True)
    ]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    offset, table, blob = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, body in tags:
        table += name + struct.pack(">II", offset + len(blob), len(body))
        blob += body
    header = b"\x02\x40\0\0mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    header += struct.pack(">3i", *(round(value * 65536) for value in D50))
    return (struct.pack(">I", offset + len(blob)) + bytes(4) + header).ljust(128, b"\0") + table + blob


def exif(orientation: int = 1, *, gps: bool = False, order: str = ">") -> bytes:
    """A TIFF block with an orientation and, if wanted, a pointer to a GPS directory."""
    entries = [struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)]
    if gps:
        entries.append(struct.pack(order + "HHII", 0x8825, 4, 1, 200))
    start = {">": b"MM\0*", "<": b"II*\0"}[order] + struct.pack(order + "I", 8)
    return start + struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)


def jpeg_segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def with_segment(data: bytes, *segments: bytes) -> bytes:
    """A JPEG with segments put in at its start."""
    return data[:2] + b"".join(segments) + data[2:]
