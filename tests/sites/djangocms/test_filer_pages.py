"""Somebody else's plugin with an image of filer: every file of the public page, read by exiftool as served."""

from __future__ import annotations

import re

import pytest
from cms.api import add_plugin
from django.core.cache import cache
from PIL import Image as Pillow

from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import withdraw
from image_studio.workflow.replacing import replace_everywhere
from image_studio.workflow.usage import uses_of
from tests import factories
from tests.exiftool import needs_exiftool, source_type
from tests.sites.djangocms import pages
from tests.sites.djangocms.conftest import make_live
from tests.sites.djangocms.test_filer import URI, fetched, filed, make_image

pytestmark = [
    pytest.mark.sites,
    pytest.mark.django_db(transaction=True),
    needs_exiftool,
]


@pytest.fixture
def content(boss):
    return pages.make_page(boss)


def shown(public, content, boss, image):
    """The page with this image, published."""
    add_plugin(pages.place(content), "TeaserPicturePlugin", "en", image=image)
    pages.publish(content, boss)
    return files_of(public, content)


def files_of(public, content):
    """Every address of a picture on the public page, with what its server answers; the page is made anew."""
    cache.clear()
    html = public.get(pages.address(content)).content.decode()
    found = re.findall(r'(?:src|srcset|href)="([^"]*/filer_public[^"]+)"', html)
    urls = dict.fromkeys(part.split()[0] for value in found for part in value.split(", "))
    return {url: fetched(public, url) for url in urls}


def terms(files, tmp_path):
    return {source_type(data, tmp_path) for data in files.values()}


@pytest.mark.parametrize("alpha", [False, True])
def test_every_file_of_the_page_says_what_the_picture_is(content, boss, brand, public, tmp_path, alpha):
    photo = factories.draw_photo((900, 700))
    if alpha:
        photo.putalpha(Pillow.linear_gradient("L").resize(photo.size))
    kind = "png" if alpha else "jpeg"
    fields = {"image": photo, "data": factories.encoded(photo, kind), "format": kind, "has_alpha": alpha}
    files = shown(public, content, boss, filed(make_live(brand, **fields)))
    # The image itself, two sizes, a square one, and filer's icon.
    assert len(files) == 5
    assert {url.rpartition(".")[2] for url in files} == {"png" if alpha else "jpg"}
    assert terms(files, tmp_path) == {URI + "trainedAlgorithmicMedia"}


def test_a_page_whose_image_says_nothing_says_nothing(content, boss, public, tmp_path):
    files = shown(public, content, boss, make_image(is_public=True))
    assert terms(files, tmp_path) == {""}


def test_withdrawn_the_page_shows_the_stand_in(content, boss, brand, public, tmp_path):
    asset = make_live(brand, (900, 700))
    before = shown(public, content, boss, filed(asset))
    withdraw(Policy.operator(), asset)
    assert {public.get(url).status_code for url in before} == {404}
    after = files_of(public, content)
    assert len(after) == len(before)
    assert terms(after, tmp_path) == {""}


def test_a_page_that_is_kept_shows_the_stand_in_at_once(content, boss, brand, public):
    """Nobody cleared a cache: the plugin is not ours, and django CMS kept what it rendered."""
    asset = make_live(brand, (900, 700))
    before = shown(public, content, boss, filed(asset))
    address = pages.address(content)
    assert next(iter(before)) in public.get(address).content.decode()
    withdraw(Policy.operator(), asset)
    kept = public.get(address).content.decode()
    assert not [url for url in before if url in kept]
    assert filed(asset).url in kept


def test_replaced_the_page_shows_the_successor(content, boss, brand, public, tmp_path):
    asset = make_live(brand, (900, 700))
    other = make_live(brand, (1200, 800), title="Tea box", source_type="compositeWithTrainedAlgorithmicMedia")
    before = shown(public, content, boss, filed(asset))
    assert [use.label.partition(":")[0] for use in uses_of([asset])[asset.pk]] == ["Filed picture", "Teaser picture"]
    replace_everywhere(Policy.operator(), asset, other)
    assert {public.get(url).status_code for url in before} == {404}
    assert terms(files_of(public, content), tmp_path) == {URI + "compositeWithTrainedAlgorithmicMedia"}
    withdraw(Policy.operator(), Asset.objects.get(pk=asset.pk))
    assert terms(files_of(public, content), tmp_path) == {URI + "compositeWithTrainedAlgorithmicMedia"}
