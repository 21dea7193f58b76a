"""Font files: which characters they cover, and loaded faces per thread.

Font bytes come from uploads and may be broken or hostile: only sfnt containers (TrueType, OpenType and their
collections) are looked at, and a character table that claims more characters than Unicode has is refused
before it is expanded.
"""

from __future__ import annotations

import hashlib
import struct
import threading
from collections import OrderedDict
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

from fontTools.ttLib import TTFont
from PIL import ImageFont

from image_studio.exceptions import InvalidKit
from image_studio.imaging.layers import FontFile

#: TrueType, OpenType with CFF outlines, Apple's TrueType, and collections (the first face is taken).
MAGIC = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf")
MAX_BYTES = 64 * 1024 * 1024
#: Unicode's code points. A font may list each in two tables; one that claims more is an attack.
MAX_CHARACTERS = 0x110000
FACES_PER_THREAD = 48
COVERAGES = 64

_loading = threading.Lock()
_coverages: OrderedDict[str, frozenset[int]] = OrderedDict()
_local = threading.local()


@cache
def bundled(*, bold: bool = False) -> FontFile:
    """DejaVu Sans, shipped with the package: Latin, Greek, Cyrillic, Arabic and many symbols."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    data = files("image_studio").joinpath("fonts", name).read_bytes()
    return FontFile(name=name.removesuffix(".ttf"), data=data, sha256=hashlib.sha256(data).hexdigest())


def key_of(font: FontFile) -> str:
    """The SHA-256 that the caches know a font by; computed where the value carries none."""
    return font.sha256 or hashlib.sha256(font.data).hexdigest()


def coverage(font: FontFile) -> frozenset[int]:
    """The code points that a font has a glyph for, cached by SHA-256.

    :raises InvalidKit: ``kit.bad_font`` for bytes that are no usable TrueType or OpenType font.
    """
    key = key_of(font)
    with _loading:
        if key in _coverages:
            _coverages.move_to_end(key)
            return _coverages[key]
    found = _read_coverage(font)
    with _loading:
        _coverages[key] = found
        while len(_coverages) > COVERAGES:
            _coverages.popitem(last=False)
    return found


def face(font: FontFile, size: int, *, raqm: bool) -> ImageFont.FreeTypeFont:
    """A loaded face of ``size`` pixels. FreeType's faces must not be shared, so each thread has its own.

    :raises InvalidKit: ``kit.bad_font``.
    """
    held: OrderedDict[Any, ImageFont.FreeTypeFont] | None = getattr(_local, "faces", None)
    if held is None:
        held = _local.faces = OrderedDict()
    key = (key_of(font), size, raqm)
    if key not in held:
        held[key] = _load(font, size, raqm=raqm)
        while len(held) > FACES_PER_THREAD:
            held.popitem(last=False)
    held.move_to_end(key)
    return held[key]


def check_font(font: FontFile) -> None:
    """Refuse what could not be drawn with later.

    :raises InvalidKit: ``kit.bad_font``.
    """
    coverage(font)
    face(font, 24, raqm=False).getbbox("A")


def _load(font: FontFile, size: int, *, raqm: bool) -> ImageFont.FreeTypeFont:
    _container(font)
    engine = ImageFont.Layout.RAQM if raqm else ImageFont.Layout.BASIC
    try:
        with _loading:
            return ImageFont.truetype(BytesIO(font.data), size, layout_engine=engine)
    except (OSError, ValueError, MemoryError) as error:
        raise InvalidKit("kit.bad_font", name=font.name) from error


def _container(font: FontFile) -> None:
    if font.data[:4] not in MAGIC or len(font.data) > MAX_BYTES:
        raise InvalidKit("kit.bad_font", name=font.name)


def _read_coverage(font: FontFile) -> frozenset[int]:
    _container(font)
    try:
        with TTFont(BytesIO(font.data), lazy=True, fontNumber=0) as opened:
            _refuse_bomb(opened.reader["cmap"])
            found = frozenset(_best_table(opened["cmap"]).cmap)
    # fontTools parses with assertions, struct, array and table code of its own: a broken file raises
    # nearly anything, and every one of these means the same to the brand manager.
    except Exception as error:
        raise InvalidKit("kit.bad_font", name=font.name) from error
    if not found:
        raise InvalidKit("kit.bad_font", name=font.name)
    return found


def _best_table(cmap: Any) -> Any:
    for platform, encoding in ((3, 10), (0, 6), (0, 4), (3, 1), (0, 3), (0, 2), (0, 1), (0, 0), (3, 0)):
        table = cmap.getcmap(platform, encoding)
        if table is not None:
            return table
    raise ValueError("no Unicode character table")


def _refuse_bomb(raw: bytes) -> None:
    """Sum up what the packed ``cmap`` table claims, before fontTools expands it into lists and dictionaries."""
    (count,) = struct.unpack(">H", raw[2:4])
    entries = struct.iter_unpack(">HHL", raw[4 : 4 + 8 * count])
    claimed = sum(_claimed(raw[offset:]) for offset in {offset for _, _, offset in entries})
    if claimed > MAX_CHARACTERS * 2:
        raise ValueError("character table claims too much")


def _claimed(data: bytes) -> int:
    (kind,) = struct.unpack(">H", data[:2])
    if kind == 4:
        return _claimed_by_segments(data)
    if kind in (12, 13):
        (groups,) = struct.unpack(">L", data[12:16])
        packed = data[16 : 16 + 12 * groups]
        rows = struct.iter_unpack(">LLL", packed[: len(packed) // 12 * 12])
        return sum(max(0, last - first + 1) for first, last, _ in rows)
    return 0


def _claimed_by_segments(data: bytes) -> int:
    segments = struct.unpack(">H", data[6:8])[0] // 2
    ends = struct.unpack(f">{segments}H", data[14 : 14 + 2 * segments])
    starts = struct.unpack(f">{segments}H", data[16 + 2 * segments : 16 + 4 * segments])
    return sum(max(0, end - start + 1) for start, end in zip(starts, ends, strict=True))
