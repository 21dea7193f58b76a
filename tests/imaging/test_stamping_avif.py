"""XMP in finished AVIF files: read by two others, over pixels that did not change."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess

import pytest
from PIL import Image

from image_studio.exceptions import ImageRefused
from image_studio.imaging.metadata import xmp_packet
from image_studio.imaging.stamping import stamped

TERM, OTHER = "trainedAlgorithmicMedia", "digitalCapture"


def picture(mode="RGB"):
    image = Image.linear_gradient("L").resize((60, 40)).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize((60, 40)))
    return image


def encoded(mode="RGB", **options):
    target = io.BytesIO()
    picture(mode).save(target, "AVIF", **options)
    return target.getvalue()


FILES = {"plain": encoded(), "alpha": encoded("RGBA"), "exif": encoded(exif=Image.Exif().tobytes())}


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("name", FILES)
def test_it_is_written_and_nothing_else_changes(name):
    before, after = opened(FILES[name]), opened(stamped(FILES[name], TERM))
    assert (after.mode, after.size, after.tobytes()) == (before.mode, before.size, before.tobytes())
    assert after.info["xmp"] == xmp_packet(TERM)


@pytest.mark.skipif(not shutil.which("exiftool"), reason="no exiftool")
@pytest.mark.parametrize("name", FILES)
def test_exiftool_reads_it_and_finds_nothing_wrong(name, tmp_path):
    path = tmp_path / "picture.avif"
    path.write_bytes(stamped(FILES[name], TERM))
    command = ["exiftool", "-validate", "-warning", "-XMP-iptcExt:DigitalSourceType", "-n", "-s3", str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert told == ["0 0 0", f"http://cv.iptc.org/newscodes/digitalsourcetype/{TERM}"]


def test_a_packet_that_is_there_stays():
    data = encoded(xmp=xmp_packet(OTHER))
    assert stamped(data, TERM) == data


def test_nothing_to_say_says_nothing():
    assert stamped(FILES["plain"], "") == FILES["plain"]


def judged(data):
    """What becomes of a damaged file: stamped, left, or refused with a code."""
    with contextlib.suppress(ImageRefused):
        return stamped(data, TERM)
    return None


def test_a_file_that_breaks_off_is_refused_or_stays():
    data = FILES["alpha"]
    found = [(data[:length], judged(data[:length])) for length in range(32, len(data), 7)]
    assert any(after is None for _cut, after in found)
    assert all(after is None or after.startswith(cut[:32]) for cut, after in found)


@pytest.mark.parametrize("damage", [b"\0\0\0\x04", b"\xff\xff\xff\xff", b"\0\0\0\0"])
def test_boxes_of_impossible_sizes_end(damage):
    data = FILES["plain"]
    place = data.index(b"iloc") - 4
    after = judged(data[:place] + damage + data[place + 4 :])
    assert after is None or TERM.encode() not in after
