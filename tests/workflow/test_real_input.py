"""The main job on files as cameras and designers' programs write them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from image_studio import storage
from image_studio.policy import Policy
from image_studio.workflow import Matrix, approve_and_publish, ingest, request, sheet
from tests import factories
from tests.corpus import corpus_bytes
from tests.imaging.forge import profile

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()
LANDSCAPE = "valid_odd/ori__Landscape_{}.jpg"


@pytest.fixture
def main_job(django_capture_on_commit_callbacks):
    """Runs a set of two channels on a picture's bytes and gives the source and the ready cells."""
    brand = factories.make_brand()
    channels = factories.make_channels("square", "story")
    for channel in channels:
        channel.width, channel.height = channel.width // 3, channel.height // 3
        channel.save()

    def run(data, name="photo.jpg"):
        source = ingest(OPERATOR, brand, data, name=name).asset
        matrix = Matrix(brand=brand, route="reframe", channels=tuple(channels), locales=("en",), source=source)
        with django_capture_on_commit_callbacks(execute=True):
            made = request(OPERATOR, matrix, key=str(source.pk))
        cells = sheet(OPERATOR, made).cells
        assert {cell.status for cell in cells} == {"ready"}, [cell.message for cell in cells]
        return source, cells

    return run


def opened(asset):
    return Image.open(io.BytesIO(storage.read(storage.private(), asset.file, asset.sha256)))


def raws(cells):
    return [np.asarray(opened(cell.asset.parent).convert("RGB"), dtype=float) for cell in cells]


def test_a_rotated_photo_gives_the_upright_ones_variants(main_job):
    _, upright = main_job(corpus_bytes(LANDSCAPE.format(1)))
    source, turned = main_job(corpus_bytes(LANDSCAPE.format(6)))
    assert source.size == (1800, 1200)
    for one, other in zip(raws(upright), raws(turned), strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).mean() <= 4


def test_a_display_p3_photo_comes_out_in_srgb(main_job):
    """The same picture written in Display P3 gives the same variants: its numbers differ by 10 levels and more."""
    photo = Image.open(io.BytesIO(corpus_bytes(LANDSCAPE.format(1)))).convert("RGB").resize((900, 600))
    wide_profile = ImageCms.ImageCmsProfile(io.BytesIO(profile()))
    in_p3 = ImageCms.profileToProfile(photo, ImageCms.createProfile("sRGB"), wide_profile)
    assert np.abs(np.asarray(in_p3, dtype=float) - np.asarray(photo, dtype=float)).max() > 10
    _, wide = main_job(factories.encoded(in_p3, "png", icc_profile=profile()))
    _, plain = main_job(factories.encoded(photo, "png"))
    for cell in wide:
        assert "icc_profile" not in opened(cell.asset).info
        assert "icc_profile" not in opened(cell.asset.parent).info
    for one, other in zip(raws(wide), raws(plain), strict=True):
        assert np.abs(one - other).mean() <= 2


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("valid_odd/pil__pil_sample_cmyk.jpg", (100, 100)),
        ("valid_odd/png__rgb-16-sRGB-tRNS.png", (256, 256)),
        ("valid_odd/png__gray-16-tRNS.png", (256, 256)),
        ("valid_odd/pil__hopper_orientation_8.webp", (128, 128)),
    ],
)
def test_odd_files_run_through_and_their_smallness_is_said(main_job, name, size):
    source, cells = main_job(corpus_bytes(name), name)
    assert source.size == size
    for cell in cells:
        verdicts = {(v.check_name, v.verdict) for v in cell.verdicts}
        assert ("file", "warn") in verdicts or ("file", "fail") in verdicts
        assert opened(cell.asset).mode == "RGB"


def test_what_is_published_of_a_photo_carries_nothing_of_its_owner(main_job, django_capture_on_commit_callbacks):
    photo = Image.open(io.BytesIO(corpus_bytes(LANDSCAPE.format(1)))).convert("RGB").resize((900, 600))
    exif = Image.Exif()
    exif[0x013B] = "Owner Canary"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 29.0)
    _, cells = main_job(factories.encoded(photo, "jpeg", exif=exif, comment=b"Owner Canary"))
    asset = cells[0].asset
    with django_capture_on_commit_callbacks(execute=True):
        words = {"declaration": factories.DECLARED, "alt": {asset.locale: "A photograph"}}
        approve_and_publish(OPERATOR, asset, override=True, note="for this test", **words)
    rows = asset.renditions.filter(public=True)
    assert rows
    for row in rows:
        data = storage.read(storage.public(), row.file)
        assert b"Owner Canary" not in data
        assert not Image.open(io.BytesIO(data)).getexif().get_ifd(0x8825)
