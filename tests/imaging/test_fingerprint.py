"""The perceptual hash against a straightforward one, and its integers."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from image_studio.imaging.decode import decode
from image_studio.imaging.fingerprint import bands, distance, fingerprint, signed, unsigned
from tests.corpus import corpus_bytes

SIXTY_FOUR = st.integers(0, 2**64 - 1)


def reference(grey: Image.Image) -> int:
    """``imagehash.phash`` written out: 32 x 32 by Lanczos, two plain DCT-II, 8 x 8 above the median."""
    pixels = np.asarray(grey.resize((32, 32), Image.Resampling.LANCZOS), dtype=float)

    def dct(line: list[float]) -> list[float]:
        return [2 * sum(v * np.cos(np.pi * k * (2 * n + 1) / 64) for n, v in enumerate(line)) for k in range(8)]

    down = [dct(list(column)) for column in pixels.T]
    across = [dct([down[x][k] for x in range(32)]) for k in range(8)]
    low = [round(value, 6) for row in across for value in row]
    median = statistics.median(low)
    return int("".join("1" if value > median else "0" for value in low), 2)


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return decode(corpus_bytes("valid_odd/ori__Landscape_1.jpg")).image


def scene(seed: int, side: int = 250) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 255, (6, 9, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((side * 3 // 2, side), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("seed", range(8))
def test_same_bits_as_the_plain_method(seed):
    image = scene(seed)
    assert fingerprint(image) == reference(image.convert("L"))


def test_known_value():
    """From imagehash 4.3.2: ``str(imagehash.phash(image))``."""
    image = Image.radial_gradient("L").convert("RGB").crop((0, 0, 200, 230))
    assert f"{fingerprint(image):016x}" == "ef90936cec92926c"


def test_flat_pictures_hash_alike():
    assert len({fingerprint(Image.new("RGB", (300, 200), (level,) * 3)) for level in (1, 77, 255)}) == 1


def test_large_pictures_are_reduced_to_the_same_bits(photo):
    assert distance(fingerprint(photo), reference(photo.convert("L"))) <= 2


def test_near_duplicates_are_near_and_others_far(photo):
    original = fingerprint(photo)
    assert distance(original, fingerprint(photo.resize((600, 400)))) <= 4
    assert distance(original, fingerprint(ImageEnhance.Brightness(photo).enhance(1.15))) <= 8
    assert distance(original, fingerprint(photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT))) > 16
    assert distance(original, fingerprint(scene(3))) > 16


def test_transparency_counts_as_white():
    image = scene(1).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    assert distance(fingerprint(image), fingerprint(white)) <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (5000, 2)])
def test_any_size(size):
    assert 0 <= fingerprint(Image.new("RGB", size, "red")) < 2**64


@given(SIXTY_FOUR)
def test_signed_fits_bigint_and_comes_back(value):
    assert -(2**63) <= signed(value) < 2**63
    assert unsigned(signed(value)) == value


@given(SIXTY_FOUR)
def test_bands_are_the_value(value):
    parts = bands(value)
    assert all(0 <= part < 2**16 for part in parts)
    assert int("".join(f"{part:016b}" for part in parts), 2) == value


@given(SIXTY_FOUR, st.sets(st.integers(0, 63), max_size=7))
def test_up_to_distance_seven_one_band_is_within_one_bit(value, flips):
    other = value ^ sum(1 << flip for flip in flips)
    assert distance(value, other) == len(flips)
    assert min(distance(a, b) for a, b in zip(bands(value), bands(other), strict=True)) <= 1
