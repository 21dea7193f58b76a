"""The source type in files that others encoded: said by two other readers, over pixels that did not change."""

from __future__ import annotations

import io
import shutil
import subprocess

import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from image_studio.exceptions import ImageRefused
from image_studio.imaging.metadata import source_type_of, xmp_packet
from image_studio.imaging.stamping import stamped

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TERM, OTHER = "trainedAlgorithmicMedia", "digitalCapture"


def picture(mode="RGB"):
    image = Image.linear_gradient("L").resize((60, 40)).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize((60, 40)))
    return image


def encoded(kind, mode="RGB", **options):
    target = io.BytesIO()
    picture(mode).save(target, kind, **options)
    return target.getvalue()


FILES = {
    "jpeg": encoded("JPEG"),
    "jpeg progressive": encoded("JPEG", progressive=True),
    "jpeg with a profile and EXIF": encoded("JPEG", icc_profile=PROFILE, exif=Image.Exif().tobytes()),
    "jpeg with another packet": encoded("JPEG", xmp=xmp_packet(OTHER)),
    "png": encoded("PNG"),
    "png with alpha": encoded("PNG", "RGBA"),
    "webp": encoded("WEBP"),
    "webp lossless": encoded("WEBP", lossless=True),
    "webp lossless with alpha": encoded("WEBP", "RGBA", lossless=True),
    "webp with alpha": encoded("WEBP", "RGBA"),
    "webp with another packet": encoded("WEBP", xmp=xmp_packet(OTHER)),
}


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("name", FILES)
def test_it_is_written_and_nothing_else_changes(name):
    before, after = opened(FILES[name]), opened(stamped(FILES[name], TERM))
    assert (after.mode, after.size) == (before.mode, before.size)
    assert after.tobytes() == before.tobytes()
    assert after.info.get("icc_profile") == before.info.get("icc_profile")
    assert source_type_of(after) == TERM


@pytest.mark.parametrize("name", FILES)
@pytest.mark.skipif(not shutil.which("exiftool"), reason="no exiftool")
def test_a_second_reader_says_the_same(name, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(stamped(FILES[name], TERM))
    command = ["exiftool", "-s3", "-warning", "-a", "-n", "-XMP-iptcExt:DigitalSourceType", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [f"http://cv.iptc.org/newscodes/digitalsourcetype/{TERM}"]


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_twice_is_once(kind):
    once = stamped(FILES[kind], TERM)
    assert stamped(once, TERM) is once
    assert len(stamped(once, OTHER)) == len(stamped(FILES[kind], OTHER))


def test_a_packet_of_a_png_is_replaced_however_it_was_written():
    notes = PngInfo()
    notes.add_text("XML:com.adobe.xmp", xmp_packet(OTHER).decode(), zip=True)
    notes.add_text("Comment", "kept")
    found = opened(stamped(encoded("PNG", pnginfo=notes), TERM))
    assert source_type_of(found) == TERM
    assert found.info["Comment"] == "kept"


def test_nothing_to_say_or_nowhere_to_say_it_leaves_the_file():
    assert stamped(FILES["png"], "") is FILES["png"]
    gif = encoded("GIF", "L")
    assert stamped(gif, TERM) is gif
    assert stamped(b"no picture", TERM) == b"no picture"


def test_a_made_up_term_is_refused():
    with pytest.raises(ValueError, match="realPhoto"):
        stamped(FILES["jpeg"], "realPhoto")


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_a_broken_file_is_refused(kind):
    with pytest.raises(ImageRefused):
        stamped(FILES[kind][:40], TERM)
