"""The source type in and out of a picture, and the little EXIF that is read."""

import io
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from image_studio.imaging.metadata import (
    SOURCE_TYPE_URI,
    SOURCE_TYPES,
    has_gps,
    orientation_of,
    source_type_in,
    source_type_of,
    xmp_packet,
)
from image_studio.imaging.renditions import encode
from tests.imaging.forge import encoded, exif

EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
DC = "{http://purl.org/dc/elements/1.1/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def parsed(packet: bytes) -> ET.Element:
    return ET.fromstring(packet.decode().split("?>", 1)[1].rsplit("<?xpacket", 1)[0])


@pytest.mark.parametrize("term", SOURCE_TYPES)
def test_packet_is_xml_that_says_the_term(term):
    found = parsed(xmp_packet(term)).find(f".//{EXT}DigitalSourceType")
    assert found is not None
    assert found.text == SOURCE_TYPE_URI + term
    assert source_type_in(xmp_packet(term)) == term


def test_description_is_escaped_and_exact():
    text = 'Tea & <b>"cake"</b> ]]> شاي 🍰'
    packet = xmp_packet("composite", description=text)
    found = parsed(packet).find(f".//{DC}description/{RDF}Alt/{RDF}li")
    assert found is not None
    assert found.text == text
    assert source_type_in(packet) == "composite"


def test_description_loses_what_xml_forbids():
    found = parsed(xmp_packet("", description="a\0b\x1bc\ud800d\ufffe\te")).find(f".//{RDF}li")
    assert found is not None
    assert found.text == "abcd\te"


@pytest.mark.parametrize("opening", ["<e:DigitalSourceType>", 'DigitalSourceType="', "DigitalSourceType resource='"])
def test_description_cannot_forge_a_source_type(opening):
    forged = opening + SOURCE_TYPE_URI + "digitalCapture"
    assert source_type_in(xmp_packet("trainedAlgorithmicMedia", description=forged)) == "trainedAlgorithmicMedia"
    assert source_type_in(xmp_packet("", description=forged)) == ""


def test_nothing_to_say_is_no_packet():
    assert xmp_packet("") == b""


def test_made_up_terms_are_refused():
    with pytest.raises(ValueError, match="madeUp"):
        xmp_packet("madeUp")


@pytest.mark.parametrize(
    "packet",
    [
        b'<rdf:Description Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/print"/>',
        b"<x:DigitalSourceType>\n  https://cv.iptc.org/newscodes/digitalsourcetype/print </x:DigitalSourceType>",
        b'<e:DigitalSourceType rdf:resource="http://cv.iptc.org/newscodes/digitalsourcetype/print"/>',
    ],
)
def test_every_way_to_write_the_property_is_read(packet):
    assert source_type_in(packet) == "print"


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_source_type_of_bytes_and_images(format):  # noqa: A002
    data = encode(Image.new("RGB", (8, 8)), format, source_type="trainedAlgorithmicMedia").data
    assert source_type_of(data) == "trainedAlgorithmicMedia"
    with Image.open(io.BytesIO(data)) as opened:
        assert source_type_of(opened) == "trainedAlgorithmicMedia"


def test_source_type_of_what_has_none():
    assert source_type_of(encoded(Image.new("RGB", (8, 8)), "png")) == ""
    assert source_type_of(b"") == ""
    assert source_type_of(b"\x89PNG\r\n\x1a\n broken") == ""
    assert source_type_of(Image.new("RGB", (8, 8))) == ""


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_in_both_byte_orders(order, orientation):
    assert orientation_of(exif(orientation, order=order), b"") == orientation


@pytest.mark.parametrize("block", [b"", b"MM", b"II*\0\xff\xff\xff\xff", exif()[:-6], exif(0), exif(9), exif(200)])
def test_orientation_of_damage_is_upright(block):
    assert orientation_of(block, b"") == 1


def test_xmp_orientation_counts_where_exif_is_silent():
    assert orientation_of(b"", b'<rdf:Description tiff:Orientation="6"/>') == 6
    assert orientation_of(exif(0), b"<tiff:Orientation>8</tiff:Orientation>") == 8
    assert orientation_of(exif(3), b'tiff:Orientation="6"') == 3


@pytest.mark.parametrize("order", ["<", ">"])
def test_gps_pointer(order):
    assert has_gps(exif(gps=True, order=order), b"")
    assert not has_gps(exif(order=order), b"")
    assert has_gps(b"", b'exif:GPSLatitude="38,42.5N"')


def test_a_made_up_source_type_says_nothing():
    made_up = xmp_packet("digitalCapture").replace(b"digitalCapture", b"handPainted")
    assert source_type_in(made_up) == ""
