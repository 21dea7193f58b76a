"""The picture gate on files made for one property each."""

import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from image_studio.exceptions import ImageRefused
from image_studio.imaging.colour import ciede2000, lab
from image_studio.imaging.containers import MAX_SCANS
from image_studio.imaging.decode import Limits, decode, sniff
from tests.imaging.forge import chunk, encoded, exif, jpeg_segment, png, profile, with_chunk, with_segment


@pytest.fixture
def photo() -> Image.Image:
    """Smooth in both directions, so that a lost row or a swapped band shows."""
    y, x = np.mgrid[0:48, 0:64]
    return Image.fromarray(np.stack([x * 4, y * 5, 255 - x * 2 - y], axis=-1).astype(np.uint8))


def refused(data: bytes, limits: Limits = Limits()) -> ImageRefused:  # noqa: B008
    with pytest.raises(ImageRefused) as caught:
        decode(data, limits)
    return caught.value


def pixels(data: bytes) -> list[tuple[int, ...]]:
    image = decode(data).image
    return [image.getpixel((x, y)) for y in range(image.height) for x in range(image.width)]


# What is taken


def test_formats_by_content(photo):
    for kind, extension, mime in (
        ("png", "png", "image/png"),
        ("jpeg", "jpg", "image/jpeg"),
        ("webp", "webp", "image/webp"),
    ):
        data = encoded(photo, kind)
        picture = decode(data)
        assert (picture.format, picture.extension, picture.mime) == (kind, extension, mime)
        assert (picture.size, picture.stored_size, picture.weight) == ((64, 48), (64, 48), len(data))
        assert not picture.has_alpha
        assert type(picture.image) is Image.Image
        assert picture.image.info == {}


def test_png_pixels_are_exact(photo):
    assert decode(encoded(photo, "png")).image.tobytes() == photo.tobytes()


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"", "empty"),
        (b"GIF89a...", "gif"),
        (b"II*\0", "tiff"),
        (b"BM....", "bmp"),
        (b"%PDF-1.7", "pdf"),
        (b"PK\x03\x04", "zip"),
        (b"\0\0\0\x20ftypavif", "avif"),
        (b"\0\0\0\x20ftypheic", "heic"),
        (b"8BPS", "psd"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "svg"),
        (b"\xef\xbb\xbf  <SVG onload=alert(1)>", "svg"),
        ("<svg/>".encode("utf-16"), "svg"),
        (b"<!-- x --><svg><script>alert(1)</script></svg>", "svg"),
        (b"<!DOCTYPE html><script>", "html"),
        (b"RIFF\0\0\0\0WAVE", "unknown"),
        (b"just text", "unknown"),
    ],
)
def test_other_kinds_are_named_and_refused(start, kind):
    assert sniff(start) == kind
    error = refused(start)
    assert error.code == ("image.empty" if kind == "empty" else "image.not_accepted")
    assert error.params == ({} if kind == "empty" else {"kind": kind})


# Limits


def test_limits_come_before_any_decoder(photo, monkeypatch):
    def never(*_args, **_options):
        raise AssertionError("a decoder ran")

    monkeypatch.setattr(ImageFile.ImageFile, "__init__", never)
    data = encoded(photo, "png")
    assert refused(data, Limits(max_bytes=100)).params == {"weight": len(data), "limit": 100}
    assert refused(data, Limits(max_pixels=3071)).code == "image.too_large"
    assert refused(data, Limits(max_edge=63)).code == "image.too_long"
    assert refused(data, Limits(min_edge=49)).params == {"width": 64, "height": 48, "limit": 49}


def test_limits_are_inclusive(photo):
    limits = Limits(max_pixels=64 * 48, max_edge=64, min_edge=48, max_bytes=len(encoded(photo, "png")))
    assert decode(encoded(photo, "png"), limits).size == (64, 48)


def test_huge_one_bit_png():
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(3751 * 30_000), 1)) + chunk(b"IEND")
    start = time.process_time()
    assert refused(data).code == "image.too_long"
    assert refused(data, Limits(max_edge=40_000)).params == {"width": 30_000, "height": 30_000, "limit": 50_000_000}
    assert time.process_time() - start < 0.5


def test_huge_jpeg_header(photo):
    data = bytearray(encoded(photo, "jpeg"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65_500, 65_500)
    assert refused(bytes(data)).code == "image.too_long"
    assert refused(bytes(data), Limits(max_edge=70_000)).code == "image.too_large"


def test_zero_size_is_broken():
    assert refused(png((0, 1), 8, 0, b"")).code == "image.broken"


# Bombs and polyglots


def test_compressed_chunks_are_not_expanded(photo):
    bomb = zlib.compress(bytes(30_000_000), 1)
    texts = [chunk(b"zTXt", b"Comment%d\0\0" % number + bomb) for number in range(20)]
    data = with_chunk(
        encoded(photo, "png"),
        *texts,
        chunk(b"iCCP", b"profile\0\0" + bomb),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb),
    )
    start = time.process_time()
    picture = decode(data)
    assert time.process_time() - start < 0.5
    assert picture.image.tobytes() == photo.tobytes()
    assert not picture.had_profile


def test_endless_small_chunks_are_refused(photo):
    data = with_chunk(encoded(photo, "png"), chunk(b"tEXt", b"a\0b") * 70_000)
    assert refused(data).code == "image.broken"


def test_endless_jpeg_scans_are_refused(photo):
    data = encoded(photo, "jpeg", progressive=True)
    scans = data.rindex(b"\xff\xda")
    last = data[scans:-2]
    assert decode(data[:-2] + last * 10 + b"\xff\xd9").size == (64, 48)
    assert refused(data[:-2] + last * MAX_SCANS + b"\xff\xd9").code == "image.broken"


def test_many_scans_of_a_large_jpeg_are_refused_at_once():
    data = encoded(Image.new("L", (5000, 5000)), "jpeg", progressive=True)
    bomb = data[:-2] + data[data.rindex(b"\xff\xda") : -2] * 60 + b"\xff\xd9"
    start = time.process_time()
    assert refused(bomb).code == "image.broken"
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("tail", [b"PK\x03\x04" + bytes(200), b"<html><script>alert(1)</script></html>"])
def test_polyglots_are_read_as_the_picture_alone(photo, kind, tail):
    plain = encoded(photo, kind)
    picture = decode(plain + tail)
    assert picture.image.tobytes() == decode(plain).image.tobytes()
    assert tail not in encoded(picture.image, "png")


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_cut_files_are_refused_whatever_the_site_set(photo, kind, monkeypatch):
    data = encoded(photo.resize((256, 192)), kind)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for part in (0.4, 0.7, 0.95):
        assert refused(data[: int(len(data) * part)]).code == "image.broken"
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_site_setting_survives_decodes_in_threads(photo, monkeypatch):
    data = encoded(photo.resize((512, 384)), "png")
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    barrier = threading.Barrier(4)

    def one(_number: int) -> str:
        barrier.wait()
        return refused(data[: len(data) // 2]).code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(one, range(4))) == {"image.broken"}
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_png_with_a_wrong_sum_is_refused(photo):
    data = bytearray(encoded(photo, "png"))
    data[data.index(b"IDAT") + 40] ^= 1
    assert refused(bytes(data)).code == "image.broken"


def test_two_headers_are_refused(photo):
    data = encoded(photo, "png")
    assert refused(with_chunk(data, data[8:33])).code == "image.broken"
    jpeg = encoded(photo, "jpeg")
    start = jpeg.index(b"\xff\xc0")
    assert refused(with_segment(jpeg, jpeg[start : start + 19])).code == "image.broken"


# Animations


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_animation_is_policy(photo, kind):
    other = Image.new("RGB", photo.size, "red")
    data = encoded(photo, kind, save_all=True, append_images=[other], duration=100, lossless=True)
    assert refused(data).params == {"kind": kind, "frames": 2}
    assert decode(data, Limits(animated=True)).image.tobytes() == photo.tobytes()


# Depth and transparency


def test_sixteen_bit_grey_is_scaled_and_rounded():
    data = png((4, 1), 16, 0, struct.pack(">4H", 0x00FF, 0x8000, 0x8101, 0xFFFF))
    assert pixels(data) == [(value,) * 3 for value in (1, 128, 129, 255)]


def test_one_bit_and_two_bit_grey():
    assert pixels(png((2, 1), 1, 0, b"\x40")) == [(0,) * 3, (255,) * 3]
    assert pixels(png((4, 1), 2, 0, b"\x1b")) == [(value,) * 3 for value in (0, 85, 170, 255)]


@pytest.mark.parametrize(
    ("depth", "colour", "rows", "key", "alphas"),
    [
        (1, 0, b"\x40", (0,), [0, 255]),
        (2, 0, b"\x1b", (1,), [255, 0, 255, 255]),
        (8, 0, bytes((7, 8)), (8,), [255, 0]),
        (16, 0, struct.pack(">2H", 0x1234, 0x1235), (0x1234,), [0, 255]),
        (8, 2, bytes((1, 2, 3, 1, 2, 4)), (1, 2, 3), [0, 255]),
        (16, 2, struct.pack(">6H", 257, 2, 3, 256, 2, 3), (257, 2, 3), [0, 255]),
    ],
)
def test_colour_key_becomes_alpha_at_full_depth(depth, colour, rows, key, alphas):
    data = png((len(alphas), 1), depth, colour, rows, chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)))
    picture = decode(data)
    assert picture.has_alpha
    assert list(picture.image.getchannel("A").tobytes()) == alphas


def test_palette_with_alpha():
    palette = chunk(b"PLTE", bytes((255, 0, 0, 0, 255, 0))) + chunk(b"tRNS", b"\x80")
    assert pixels(png((2, 1), 8, 3, b"\0\1", palette)) == [(255, 0, 0, 128), (0, 255, 0, 255)]


def test_grey_with_alpha():
    assert pixels(png((2, 1), 8, 4, bytes((9, 255, 8, 7)))) == [(9, 9, 9, 255), (8, 8, 8, 7)]


def test_alpha_without_a_transparent_pixel_is_dropped(photo):
    opaque = photo.convert("RGBA")
    assert decode(encoded(opaque, "png")).image.mode == "RGB"
    opaque.putpixel((0, 0), (0, 0, 0, 254))
    assert decode(encoded(opaque, "png")).has_alpha


# Orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_upright(photo, orientation, kind):
    back = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    turns = [None, None, *(Image.Transpose(number) for number in (0, 3, 1, 5, 4, 6, 2))]
    stored = photo.transpose(turns[back]) if back > 1 else photo
    data = encoded(stored, kind, exif=b"Exif\0\0" + exif(orientation), quality=95)
    picture = decode(data)
    assert (picture.orientation, picture.size, picture.stored_size) == (orientation, photo.size, stored.size)
    assert np.abs(np.asarray(picture.image, dtype=int) - np.asarray(photo, dtype=int)).mean() < 4


# Colour


def p3_to_srgb(rgb: tuple[int, int, int]) -> list[float]:
    """Display P3 to sRGB by the matrix of the two in linear light (CSS Color 4), here with an exponent of 2.2."""
    matrix = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
    light = np.clip(matrix @ (np.array(rgb) / 255) ** 2.2, 0, 1)
    return list(np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255)


@pytest.mark.parametrize("colour", [(200, 60, 40), (30, 120, 60), (60, 70, 190), (128, 128, 128), (240, 200, 60)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
def test_display_p3_becomes_srgb(colour, mode, kind):
    if kind == "jpeg" and mode == "RGBA":
        mode = "RGB"
    flat = Image.new(mode, (16, 16), (*colour, 100)[: len(mode)])
    options = {"lossless": True} if kind == "webp" else {"quality": 100, "subsampling": 0} if kind == "jpeg" else {}
    picture = decode(encoded(flat, kind, icc_profile=profile(), **options))
    found = picture.image.getpixel((8, 8))
    assert picture.had_profile
    assert ciede2000(lab(np.array(found[:3], dtype=float)), lab(np.array(p3_to_srgb(colour)))) <= 2
    assert found[3:] == ((100,) if mode == "RGBA" else ())


def test_srgb_profile_moves_nothing(photo):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert decode(encoded(photo, "png", icc_profile=srgb)).image.tobytes() == photo.tobytes()


@pytest.mark.parametrize("broken", [b"not a profile", profile()[:150], profile()[:128] + bytes(400), b""])
def test_broken_profile_counts_as_srgb(photo, broken):
    data = with_chunk(encoded(photo, "png"), chunk(b"iCCP", b"p\0\0" + zlib.compress(broken)))
    assert decode(data).image.tobytes() == photo.tobytes()


def test_profile_of_another_space_is_passed_over(photo):
    grey = photo.convert("L")
    assert decode(encoded(grey, "png", icc_profile=profile(gamma=2.2))).size == grey.size
    cmyk = photo.convert("CMYK")
    picture = decode(encoded(cmyk, "jpeg", icc_profile=profile(), quality=95))
    assert np.abs(np.asarray(picture.image, dtype=int) - np.asarray(photo, dtype=int)).mean() < 4


def test_bare_gamma_leaves_colours_alone(photo):
    data = with_chunk(encoded(photo, "png"), chunk(b"gAMA", struct.pack(">I", 100_000)))
    assert decode(data).image.tobytes() == photo.tobytes()


# Metadata


def test_gps_is_seen_and_gone(photo):
    picture = decode(encoded(photo, "jpeg", exif=b"Exif\0\0" + exif(1, gps=True)))
    assert picture.has_gps
    assert not picture.image.getexif()
    assert not decode(encoded(photo, "jpeg", exif=b"Exif\0\0" + exif(6))).has_gps


def test_broken_exif_costs_nothing(photo):
    plain = decode(encoded(photo, "jpeg"))
    for bad in (b"II*\0\xff\xff\xff\xff", exif()[:12], b"MM\0*\0\0\0\x08\xff\xff", b"\0" * 30):
        data = with_segment(encoded(photo, "jpeg"), jpeg_segment(0xE1, b"Exif\0\0" + bad))
        assert decode(data).image.tobytes() == plain.image.tobytes()


# Nothing but a refusal


SEEDS = [
    encoded(Image.linear_gradient("L").resize((24, 16)), "png"),
    encoded(Image.linear_gradient("L").convert("RGBA").resize((24, 16)), "webp"),
    encoded(Image.linear_gradient("L").convert("CMYK").resize((24, 16)), "jpeg", icc_profile=profile()),
    encoded(Image.linear_gradient("L").resize((24, 16)), "jpeg", progressive=True, exif=b"Exif\0\0" + exif(6)),
    encoded(Image.linear_gradient("L").convert("RGB").resize((24, 16)), "png", icc_profile=profile()),
    png((2, 2), 16, 2, bytes(range(24)), chunk(b"tRNS", bytes(6))),
]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SEEDS), st.data())
def test_damaged_files_raise_only_refusals(seed, data):
    changed = bytearray(seed)
    for place in data.draw(st.lists(st.integers(0, len(seed) - 1), max_size=4)):
        changed[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        changed = mended(changed)
    try:
        size = decode(bytes(changed)).size
    except ImageRefused:
        return
    assert min(size) >= 1


def mended(data: bytearray) -> bytearray:
    """The sums of a PNG's chunks put right again, so that damage gets past them."""
    position = 8
    while data[:4] == b"\x89PNG" and position + 12 <= len(data):
        end = position + 8 + int.from_bytes(data[position : position + 4])
        if end + 4 > len(data):
            break
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[position + 4 : end]))
        position = end + 4
    return data


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x40\0\0\0WEBP"]), st.binary(max_size=200))
def test_random_bytes_raise_only_refusals(start, rest):
    with pytest.raises(ImageRefused):
        decode(start + rest)
