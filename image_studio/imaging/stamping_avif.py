"""Writing XMP into a finished AVIF file: an item more in its ``meta`` box, its bytes behind everything else.

The boxes are ISO/IEC 14496-12's (ISOBMFF) and 23008-12's (HEIF). Only what encoders in use write is touched: item
locations of version 0 with 32-bit offsets from the file's beginning. Anything else stays as it is.
"""

from __future__ import annotations

import struct

#: Content type of an XMP item.
_MIME = b"application/rdf+xml\0"
#: Of ``iloc``: offsets and lengths of 4 bytes, no base offset.
_SIZES = 0x4400


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """The same file with this packet as its XMP; as it is where it has an XMP item, or other boxes than we know.

    :raises struct.error: where the boxes do not hold together.
    """
    top = _boxes(data, 0, len(data))
    meta = next(((start, end) for name, start, end in top if name == b"meta"), None)
    if meta is None:
        return data
    start, end = meta
    inside = _boxes(data, start + 12, end)
    boxes = {name: data[a:b] for name, a, b in inside}
    primary = boxes.get(b"pitm", b"")
    locations, infos = boxes.get(b"iloc", b""), boxes.get(b"iinf", b"")
    if locations[8:14] != struct.pack(">IH", 0, _SIZES) or infos[8:9] != b"\0" or primary[8:9] != b"\0":
        return data
    if b"mime" in infos or any(a < start for name, a, _b in top if name == b"mdat"):
        return data
    item = struct.unpack_from(">H", locations, 14)[0] + 1
    while _has_item(infos, item):
        item += 1
    new = {
        b"iinf": _info(infos, item),
        b"iref": _reference(boxes.get(b"iref", b""), item, struct.unpack_from(">H", primary, 12)[0]),
    }
    grown = sum(len(box) - len(boxes.get(name, b"")) for name, box in new.items()) + 14
    body = struct.pack(">I4s", 8 + len(packet), b"mdat") + packet
    new[b"iloc"] = _location(locations, item, len(data) + grown + 8, len(packet), start, grown)
    names = [name for name, _a, _b in inside]
    if b"iref" not in names:
        names.insert(names.index(b"iinf") + 1, b"iref")
    content = b"".join(new.get(name, boxes.get(name, b"")) for name in names)
    box = struct.pack(">I4s", 12 + len(content), b"meta") + data[start + 8 : start + 12] + content
    return data[:start] + box + data[end:] + body


def _boxes(data: bytes, position: int, end: int) -> list[tuple[bytes, int, int]]:
    """Name, start and end of each box; of 64-bit sizes we know none in a picture."""
    found = []
    while position < end:
        size, name = struct.unpack_from(">I4s", data, position)
        size = size or end - position
        if size < 8:
            raise struct.error("a box that is smaller than its head")
        found.append((name, position, position + size))
        position += size
    return found


def _has_item(infos: bytes, item: int) -> bool:
    """Whether an ``infe`` of version 2 has this number."""
    rows = _boxes(infos, 14, len(infos))
    return any(struct.unpack_from(">H", infos, start + 12)[0] == item for _name, start, _end in rows)


def _info(infos: bytes, item: int) -> bytes:
    row = struct.pack(">IHH4s", 0x02000000, item, 0, b"mime") + b"XMP\0" + _MIME
    count = struct.unpack_from(">H", infos, 12)[0] + 1
    body = infos[8:12] + struct.pack(">H", count) + infos[14:] + struct.pack(">I4s", 8 + len(row), b"infe") + row
    return struct.pack(">I4s", 8 + len(body), b"iinf") + body


def _reference(references: bytes, item: int, primary: int) -> bytes:
    """``cdsc``: the packet describes the primary picture."""
    row = struct.pack(">I4sHHH", 14, b"cdsc", item, 1, primary)
    body = (references[8:] or b"\0\0\0\0") + row
    return struct.pack(">I4s", 8 + len(body), b"iref") + body


def _location(locations: bytes, item: int, offset: int, length: int, start: int, grown: int) -> bytes:
    """Where everything is now: what lay behind the ``meta`` box lies further back."""
    count = struct.unpack_from(">H", locations, 14)[0]
    rows, position = [], 16
    for _row in range(count):
        number, source, extents = struct.unpack_from(">HHH", locations, position)
        rows.append(struct.pack(">HHH", number, source, extents))
        position += 6
        for _extent in range(extents):
            place, size = struct.unpack_from(">II", locations, position)
            rows.append(struct.pack(">II", place + grown if place > start else place, size))
            position += 8
    rows.append(struct.pack(">HHHII", item, 0, 1, offset, length))
    body = locations[8:14] + struct.pack(">H", count + 1) + b"".join(rows)
    return struct.pack(">I4s", 8 + len(body), b"iloc") + body
