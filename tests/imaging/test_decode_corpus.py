"""The gate against real files of other projects: each row of the manifest judged as it says."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from image_studio.exceptions import ImageRefused
from image_studio.imaging.colour import ciede2000, lab
from image_studio.imaging.decode import DEFAULT_LIMITS, Limits, Picture, decode
from image_studio.wording import explain_error
from tests.corpus import ROOT, bytes_of, corpus, corpus_bytes, rows

SECONDS = 1.0
MEGABYTES = 300


def timed(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[Picture | ImageRefused, float]:
    start = time.process_time()
    try:
        result: Picture | ImageRefused = decode(data, limits)
    except ImageRefused as refusal:
        result = refusal
    return result, time.process_time() - start


def clean(picture: Picture) -> None:
    assert type(picture.image) is Image.Image
    assert picture.image.mode in ("RGB", "RGBA")
    assert picture.image.info == {}
    assert not picture.image.getexif()


@pytest.mark.parametrize("row", rows("accept"))
def test_accepted(row):
    data = bytes_of(row)
    picture, seconds = timed(data)
    assert isinstance(picture, Picture), f"{row['why']}: {picture}"
    clean(picture)
    assert picture.format == {"MPO": "jpeg"}.get(row["sniffed_format"], row["sniffed_format"].lower())
    assert "x".join(map(str, picture.size)) == row["size_after_orientation"]
    assert "x".join(map(str, picture.stored_size)) == f"{row['width']}x{row['height']}"
    assert picture.orientation == int(row["exif_orientation"] or 1)
    assert picture.had_profile == (row["has_icc"] == "True")
    assert picture.has_gps == (row["has_gps"] == "True")
    assert (picture.sha256, picture.weight) == (row["sha256"], int(row["bytes"]))
    assert seconds <= SECONDS


@pytest.mark.parametrize("row", rows("reject"))
def test_refused(row):
    refusal, seconds = timed(bytes_of(row))
    assert isinstance(refusal, ImageRefused), f"{row['why']}: accepted"
    assert refusal.fault == "caller"
    json.dumps(refusal.params)
    words = explain_error(refusal)
    assert words != refusal.code
    assert "{" not in words
    assert seconds <= SECONDS


@pytest.mark.parametrize("row", rows("either"))
def test_either_way_in_bounds(row):
    result, seconds = timed(bytes_of(row))
    if isinstance(result, Picture):
        clean(result)
    else:
        assert result.code == "image.broken"
    assert seconds <= SECONDS


@pytest.mark.parametrize("row", rows("policy"))
def test_policy_other_formats_are_refused_and_stills_of_animations_taken_on_demand(row):
    data = bytes_of(row)
    result, _ = timed(data)
    if row["category"] != "animation":
        assert isinstance(result, ImageRefused)
        assert result.code == "image.not_accepted"
        return
    if int(row["frames"]) > 1:
        assert isinstance(result, ImageRefused)
        assert result.code == "image.animated"
    still, _ = timed(data, Limits(animated=True))
    assert isinstance(still, Picture)
    clean(still)
    with Image.open(corpus(row["file"])) as reference:
        assert still.size == reference.size
        expected = np.asarray(reference.convert("RGBA"), dtype=int)
    assert np.abs(np.asarray(still.image.convert("RGBA"), dtype=int) - expected).max() == 0


@pytest.mark.parametrize("number", range(9))
def test_orientation_files_show_one_picture(number):
    reference = decode(corpus_bytes("valid_odd/ori__Landscape_1.jpg")).image
    picture = decode(corpus_bytes(f"valid_odd/ori__Landscape_{number}.jpg"))
    assert picture.size == (1800, 1200)
    difference = np.asarray(picture.image, dtype=int) - np.asarray(reference, dtype=int)
    assert np.abs(difference).mean() <= 4


@pytest.mark.parametrize(
    "file", ["hopper_orientation_2.webp", "hopper_orientation_3.webp", "hopper_orientation_8.webp"]
)
def test_orientation_inside_webp(file):
    upright = decode(corpus_bytes("valid_odd/pil__hopper_orientation_6.jpg")).image
    picture = decode(corpus_bytes(f"valid_odd/pil__{file}")).image
    assert np.abs(np.asarray(picture, dtype=int) - np.asarray(upright, dtype=int)).mean() <= 8


@pytest.mark.parametrize("name", ["basn2c08", "basn2c16", "basn3p08"])
def test_interlaced_equals_plain(name):
    plain = decode(corpus_bytes(f"valid_odd/pngsuite__{name}.png")).image
    interlaced = decode(corpus_bytes(f"valid_odd/pngsuite__i{name}.png")).image
    assert plain.mode == interlaced.mode
    assert plain.tobytes() == interlaced.tobytes()


@pytest.mark.parametrize("depth", ["02", "04"])
def test_interlaced_palette_equals_plain(depth):
    plain = decode(corpus_bytes(f"valid_odd/pngsuite__basn3p{depth}.png")).image
    assert plain.tobytes() == decode(corpus_bytes(f"valid_odd/pngsuite__i_ibasn3p{depth}.png")).image.tobytes()


def test_interlaced_grey_equals_plain():
    plain = decode(corpus_bytes("valid_odd/pngsuite__ftp0n0g08.png")).image
    assert plain.tobytes() == decode(corpus_bytes("valid_odd/pngsuite__iftp0n0g08.png")).image.tobytes()


def test_cmyk_sample_is_the_rgb_sample():
    cmyk = decode(corpus_bytes("valid_odd/pil__pil_sample_cmyk.jpg")).image
    rgb = decode(corpus_bytes("valid_odd/pil__pil_sample_rgb.jpg")).image
    # the mean, because the two were compressed apart: single pixels differ by JPEG noise
    assert ciede2000(lab(np.asarray(cmyk)), lab(np.asarray(rgb))).mean() <= 2


HOSTILE = """
import json, resource, sys, threading, time
from image_studio.exceptions import ImageRefused
from image_studio.imaging.decode import decode
import PIL.ImageCms, numpy

def resident():
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[1]) * resource.getpagesize() / 1e6

def peak():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3

for path in map(str.strip, sys.stdin):
    with open(path, "rb") as file:
        data = file.read()
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")
    before = resident()
    start = time.process_time()
    try:
        decode(data)
        how = "accept"
    except ImageRefused as refusal:
        how = refusal.code
    print(json.dumps([path, how, time.process_time() - start, peak() - before]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_hostile_files_stay_in_bounds_of_memory_and_time():
    paths = sorted(str(path) for path in corpus("hostile").iterdir())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", HOSTILE],
        input="\n".join(paths),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result[0] for result in results] == paths
    assert [result for result in results if result[2] > SECONDS or result[3] > MEGABYTES] == []
