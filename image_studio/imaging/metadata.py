"""What a picture says about itself, and the one thing that we say about it: its IPTC digital source type."""

from __future__ import annotations

import re
import struct
from xml.sax.saxutils import escape

from PIL import Image

from image_studio.exceptions import ImageRefused
from image_studio.imaging import containers
from image_studio.imaging.sniffing import ACCEPTED, sniff

#: Where the terms of :data:`SOURCE_TYPES` live; the URI of a term is this and its name.
SOURCE_TYPE_URI = "http://cv.iptc.org/newscodes/digitalsourcetype/"

#: IPTC NewsCodes, vocabulary "Digital Source Type", https://cv.iptc.org/newscodes/digitalsourcetype/
SOURCE_TYPES: tuple[str, ...] = (
    "algorithmicMedia",
    "algorithmicallyEnhanced",
    "composite",
    "compositeCapture",
    "compositeSynthetic",
    "compositeWithTrainedAlgorithmicMedia",
    "computationalCapture",
    "dataDrivenMedia",
    "digitalArt",
    "digitalCapture",
    "digitalCreation",
    "humanEdits",
    "minorHumanEdits",
    "multiFrameComputationalCapture",
    "negativeFilm",
    "positiveFilm",
    "print",
    "screenCapture",
    "softwareImage",
    "trainedAlgorithmicData",
    "trainedAlgorithmicMedia",
    "virtualRecording",
)

_TERM = re.compile(
    rb"DigitalSourceType(?:\s{0,9}=\s{0,9}[\"']|>|\s[^<>&]{0,200}[\"'])\s{0,99}"
    rb"https?://cv\.iptc\.org/newscodes/digitalsourcetype/([A-Za-z]{1,64})"
)
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])")
_ORIENTATION, _GPS = 0x0112, 0x8825


def source_type_of(picture: bytes | Image.Image) -> str:
    """The IPTC digital source type in a picture's XMP: the last part of its URI, or an empty string.

    Never raises for damaged metadata; bytes that are no picture have no source type.
    """
    if isinstance(picture, Image.Image):
        packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
        return source_type_in(packet.encode() if isinstance(packet, str) else packet)
    kind = sniff(picture)
    try:
        return source_type_in(containers.read(kind, picture).xmp) if kind in ACCEPTED else ""
    except ImageRefused:
        return ""


def source_type_in(packet: bytes) -> str:
    """The digital source type in an XMP packet, however the property is written; empty where there is none, and where
    its term is not in the vocabulary: a made-up one says nothing."""
    found = _TERM.search(packet)
    term = found.group(1).decode() if found else ""
    return term if term in SOURCE_TYPES else ""


def xmp_packet(source_type: str, *, description: str = "") -> bytes:
    """An XMP packet with the IPTC digital source type, UTF-8; empty where there is nothing to say.

    :param source_type: one of :data:`SOURCE_TYPES`, or empty.
    :param description: plain text, shown by viewers as the caption.
    :raises ValueError: the term is not in the vocabulary; a made-up one would be a false label.
    """
    if source_type and source_type not in SOURCE_TYPES:
        raise ValueError(f"{source_type!r} is not an IPTC digital source type")
    inside = ""
    if source_type:
        uri = SOURCE_TYPE_URI + source_type
        inside += f"<Iptc4xmpExt:DigitalSourceType>{uri}</Iptc4xmpExt:DigitalSourceType>"
    if description:
        text = escape(_printable(description), _QUOTES)
        inside += f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></dc:description>'
    return _PACKET.format(inside=inside).encode() if inside else b""


_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">{inside}</rdf:Description>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


#: Escaped in text too, or a caption that quotes the property would read as the property.
_QUOTES = {'"': "&quot;", "'": "&apos;"}
_UNPRINTABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _printable(text: str) -> str:
    """Without the characters that XML 1.0 forbids even when escaped."""
    return _UNPRINTABLE.sub("", text)


def orientation_of(exif: bytes, xmp: bytes) -> int:
    """The EXIF orientation, 1 to 8. XMP answers where EXIF does not, as some editors write only that."""
    value = _first_directory(exif).get(_ORIENTATION, 0)
    if 1 <= value <= 8:
        return value
    found = _XMP_ORIENTATION.search(xmp)
    return int(found.group(1)) if found else 1


def has_gps(exif: bytes, xmp: bytes) -> bool:
    """Whether the metadata points at a place on earth."""
    return _GPS in _first_directory(exif) or b"GPSLatitude" in xmp


def _first_directory(exif: bytes) -> dict[int, int]:
    """Tag -> value of the first EXIF directory's single integers; empty where it is damaged.

    Our own reader, because a library's parses every tag, warns, and raises a dozen kinds of error on bad ones.
    """
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return {}
    offset = struct.unpack_from(order + "I", exif, 4)[0]
    found: dict[int, int] = {}
    try:
        (count,) = struct.unpack_from(order + "H", exif, offset)
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            tag, kind, _number = struct.unpack_from(order + "HHI", exif, entry)
            letter = {1: "B", 3: "H", 4: "I"}.get(kind)
            if letter:
                found.setdefault(tag, struct.unpack_from(order + letter, exif, entry + 8)[0])
    except struct.error:
        pass  # the entries before the cut still count
    return found
