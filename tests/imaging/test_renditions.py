"""Derived files: sizes, bytes, what they carry and what they do not."""

import io
import re
import threading

import numpy as np
import pytest
from PIL import Image

from image_studio.exceptions import ImageRefused
from image_studio.imaging import renditions as module
from image_studio.imaging.metadata import source_type_of
from image_studio.imaging.renditions import MIN_QUALITY, Spec, blur_placeholder, encode, flattened, preview, renditions

FORMATS = ("png", "jpeg", "webp", "avif")
MAGIC = {"png": b"\x89PNG", "jpeg": b"\xff\xd8\xff", "webp": b"RIFF", "avif": b"ftypavif"}


@pytest.fixture
def photo() -> Image.Image:
    """Structure at every scale, so that quality and width show in the weight."""
    layers = np.zeros((300, 400, 3))
    for seed, edge in enumerate((5, 20, 80)):
        noise = np.random.default_rng(seed).integers(0, 255, (edge, edge, 3), dtype=np.uint8)
        layers += np.asarray(Image.fromarray(noise).resize((400, 300), Image.Resampling.BICUBIC), dtype=float)
    return Image.fromarray((layers / 3).astype(np.uint8))


@pytest.fixture
def cutout(photo) -> Image.Image:
    """The photo in its middle, transparent around."""
    mask = Image.new("L", photo.size)
    mask.paste(255, (100, 75, 300, 225))
    image = photo.copy()
    image.putalpha(mask)
    return image


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).mean())


# One file


@pytest.mark.parametrize("format", FORMATS)
def test_encoded_is_what_it_says(photo, format):  # noqa: A002
    made = encode(photo, format)
    image = opened(made.data)
    assert MAGIC[format] in made.data[:12]
    assert image.format == format.upper()
    assert image.size == (made.width, made.height) == photo.size
    assert made.mime == f"image/{format}"
    assert made.extension == {"jpeg": "jpg"}.get(format, format)
    assert difference(image.convert("RGB"), photo) < 6


@pytest.mark.parametrize("format", FORMATS)
def test_source_type_is_the_only_metadata(photo, format):  # noqa: A002
    photo.info.update(exif=b"Exif\0\0secret", comment=b"secret", icc_profile=b"secret", dpi=(300, 300), Author="secret")
    data = encode(photo, format, source_type="trainedAlgorithmicMedia").data
    assert b"secret" not in data
    assert source_type_of(opened(data)) == "trainedAlgorithmicMedia"
    plain = encode(photo, format).data
    assert b"xmp" not in plain.lower()
    assert not set(opened(plain).info) & {"exif", "icc_profile", "xmp", "comment", "dpi"}


def test_png_and_lossless_webp_are_exact(cutout):
    assert opened(encode(cutout, "png").data).tobytes() == cutout.tobytes()
    exact = opened(encode(cutout, "webp", lossless=True).data)
    assert exact.getchannel("A").tobytes() == cutout.getchannel("A").tobytes()
    assert flattened(exact, "#123456").tobytes() == flattened(cutout, "#123456").tobytes()


@pytest.mark.parametrize("format", ["png", "webp", "avif"])
def test_transparency_is_kept_where_the_format_has_it(cutout, format):  # noqa: A002
    alpha = opened(encode(cutout, format).data).convert("RGBA").getchannel("A")
    assert difference(alpha, cutout.getchannel("A")) < 2


def test_jpeg_lies_on_the_ground(cutout):
    image = opened(encode(cutout, "jpeg", ground="#ff8000", quality=95).data)
    assert image.mode == "RGB"
    assert np.abs(np.array(image.getpixel((10, 10))) - (255, 128, 0)).max() <= 3
    assert cutout.mode == "RGBA"


def test_jpeg_colour_is_not_halved_at_high_quality(photo):
    assert b"\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01" in encode(photo, "jpeg", quality=92).data
    assert b"\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01" in encode(photo, "jpeg", quality=80).data


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_best_quality_within_the_weight_is_taken(photo, format):  # noqa: A002
    photo = photo.resize((120, 90))
    free = len(encode(photo, format, quality=80).data)
    low = len(encode(photo, format, quality=MIN_QUALITY).data)
    limit = (free + low) // 2
    made = encode(photo, format, quality=80, max_bytes=limit)
    assert low <= len(made.data) <= limit
    fitting = [q for q in range(MIN_QUALITY, 80) if len(encode(photo, format, quality=q).data) <= limit]
    assert made.data == encode(photo, format, quality=max(fitting)).data


def test_weight_that_fits_changes_nothing(photo):
    made = encode(photo, "webp")
    assert encode(photo, "webp", max_bytes=len(made.data)).data == made.data


@pytest.mark.parametrize(
    ("format", "lossless", "quality"), [("jpeg", False, MIN_QUALITY), ("png", False, 80), ("webp", True, 80)]
)
def test_impossible_weight_is_refused(photo, format, lossless, quality):  # noqa: A002
    with pytest.raises(ImageRefused) as caught:
        encode(photo, format, max_bytes=900, lossless=lossless)
    assert caught.value.code == "image.cannot_fit"
    assert caught.value.params["weight"] > caught.value.params["limit"] == 900
    assert caught.value.params["quality"] == quality


def test_quality_below_the_floor_is_a_wish_not_a_fault(photo):
    weight = len(encode(photo, "jpeg", quality=10).data)
    with pytest.raises(ImageRefused):
        encode(photo, "jpeg", quality=10, max_bytes=weight - 1)


def test_unknown_format():
    with pytest.raises(ValueError, match="gif"):
        encode(Image.new("RGB", (1, 1)), "gif")


# Many files


def test_renditions_in_order_with_names(photo):
    specs = [Spec(width=100, format="webp"), Spec(width=300, format="avif"), Spec(width=200, format="jpeg", quality=60)]
    made = renditions(photo, specs, source_type="composite")
    assert [one.spec for one in made] == specs
    assert [(one.width, one.height, one.format) for one in made] == [
        (100, 75, "webp"),
        (300, 225, "avif"),
        (200, 150, "jpeg"),
    ]
    assert [spec.name for spec in specs] == ["w100.webp", "w300.avif", "w200.jpg"]
    assert all(opened(one.data).size == (one.width, one.height) for one in made)
    assert {source_type_of(opened(one.data)) for one in made} == {"composite"}


def test_widths_are_never_enlarged_and_equal_files_made_once(photo):
    specs = [Spec(width=width, format="webp") for width in (200, 400, 800, 1600)]
    made = renditions(photo, specs)
    assert [(one.width, one.spec) for one in made] == [(200, specs[0]), (400, specs[1])]
    only = renditions(photo, [Spec(width=800, format="webp")])
    assert [(one.width, one.spec.width) for one in only] == [(400, 800)]


def test_no_specs_no_files(photo):
    assert renditions(photo, []) == []


@pytest.mark.parametrize("width", [50, 130, 199, 399])
def test_cascade_looks_like_one_reduction(photo, width):
    specs = [Spec(width=each, format="png") for each in (399, 199, 130, 50)]
    made = next(one for one in renditions(photo, specs) if one.width == width)
    direct = photo.resize((made.width, made.height), Image.Resampling.LANCZOS)
    assert difference(opened(made.data), direct) < 1


def test_thin_pictures_keep_a_row():
    made = renditions(Image.new("RGB", (1000, 2)), [Spec(width=100, format="png")])
    assert (made[0].width, made[0].height) == (100, 1)


def test_one_picture_written_from_many_threads_keeps_each_quality(photo, monkeypatch):
    """Pillow keeps a save's options on the image; they must not mix."""
    qualities = (30, 90, 31, 91)
    alone = {quality: encode(photo, "webp", quality=quality).data for quality in qualities}
    barrier = threading.Barrier(len(qualities), timeout=10)
    save = module._save

    def together(*args: object, **options: object) -> bytes:
        barrier.wait()
        return save(*args, **options)

    monkeypatch.setattr(module, "_save", together)
    monkeypatch.setattr(module.os, "cpu_count", lambda: len(qualities))
    made = renditions(photo, [Spec(width=400, format="webp", quality=quality) for quality in qualities])
    assert {one.spec.quality: one.data for one in made} == alone


def test_failure_in_a_thread_is_raised(photo):
    with pytest.raises(ValueError, match="gif"):
        renditions(photo, [Spec(width=100, format="gif")])


# Small ones


def test_preview_is_small_and_keeps_its_shape(photo, cutout):
    made = preview(photo, edge=100)
    assert (made.width, made.height, made.format) == (100, 75, "webp")
    assert (preview(photo).width, preview(photo).height) == photo.size
    assert opened(preview(cutout).data).mode == "RGBA"


@pytest.mark.parametrize(
    ("size", "grid"), [((800, 600), "4x3"), ((600, 800), "3x4"), ((500, 500), "4x4"), ((3000, 10), "4x1")]
)
def test_placeholder_is_a_small_grid(size, grid):
    text = blur_placeholder(Image.new("RGB", size, "#1a2b3c"))
    columns, rows = map(int, grid.split("x"))
    assert text == f"{grid}:" + "1a2b3c" * columns * rows
    assert len(text) <= 200
    assert re.fullmatch(r"\dx\d:[0-9a-f]+", text)


def test_placeholder_shows_where_colours_are():
    image = Image.new("RGBA", (400, 400), "red")
    image.paste((0, 0, 0, 0), (200, 0, 400, 400))
    assert blur_placeholder(image) == "4x4:" + ("ff0000" * 2 + "ffffff" * 2) * 4
