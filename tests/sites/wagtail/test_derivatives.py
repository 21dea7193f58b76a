"""The source type in the files that the public page names, read by exiftool from what the page's server answers."""

from __future__ import annotations

import re

import pytest
from django.core.files.base import ContentFile
from PIL import Image as Pillow
from wagtail.images import get_image_model

from image_studio.contrib.wagtail.promotion import promote
from image_studio.policy import Policy
from tests import factories
from tests.exiftool import needs_exiftool, source_type
from tests.sites.wagtail.conftest import bytes_of, make_article, make_live, picture_block

pytestmark = [
    pytest.mark.sites,
    pytest.mark.django_db(transaction=True),
    needs_exiftool,
]
TERM = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def files_of(public, page):
    """Every address of a picture on a public page, with what its server answers."""
    html = public.get(page.url).content.decode()
    found = re.findall(r'(?:src|srcset)="([^"]+)"', html)
    urls = dict.fromkeys(part.split()[0] for value in found for part in value.split(", "))
    return {url: b"".join(public.get(url).streaming_content) for url in urls}


def test_a_block_and_an_image_keep_it_in_every_file(home, brand, public, folder):
    asset = make_live(brand, (1600, 1200), licence="CC BY")
    image = promote(Policy.operator(), asset)
    page = make_article(home, picture_block(asset), ("image", image_value(image)), title="Two ways")
    page.teaser = image
    page.save_revision().publish()
    files = files_of(public, page)
    kinds = {url.rpartition(".")[2] for url in files}
    assert {"avif", "webp", "jpg"} <= kinds
    assert len(files) >= 12
    silent = [url for url, data in files.items() if source_type(data, folder) != TERM]
    assert silent == []


@pytest.mark.parametrize("spec", ["width-100", "fill-80x60|format-png", "max-90x90|format-webp-lossless", "original"])
def test_other_operations_keep_it(home, brand, folder, spec):
    image = promote(Policy.operator(), make_live(brand, licence="CC BY"))
    rendition = image.get_rendition(spec)
    assert source_type(bytes_of(rendition.file), folder) == TERM


def test_transparent_pictures_keep_it(home, brand, folder):
    clear = Pillow.new("RGBA", (640, 480), (200, 30, 40, 128))
    data = factories.encoded(clear, "png")
    asset = make_live(brand, image=clear, data=data, format="png", has_alpha=True, licence="CC BY")
    image = promote(Policy.operator(), asset)
    assert image.file.name.endswith(".png")
    for spec in ("width-100", "width-100|format-webp", "width-100|format-avif"):
        rendition = image.get_rendition(spec)
        assert source_type(bytes_of(rendition.file), folder) == TERM


def test_an_upload_that_says_nothing_says_nothing_after(home, brand, folder):
    data = factories.encoded(factories.draw_photo((400, 300)), "jpeg")
    image = get_image_model()(title="Plain", file=ContentFile(data, name="plain.jpg"))
    image.save()
    assert source_type(bytes_of(image.get_rendition("width-100").file), folder) == ""


def image_value(image):
    image.decorative, image.contextual_alt_text = True, ""
    return image
