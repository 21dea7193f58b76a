"""A picture that filer has, replaced by another: the site's own rows follow, by the file that they point at."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from filer.models import File, Image

from image_studio.imaging.metadata import source_type_of
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import withdraw
from image_studio.workflow.replacing import preview_replacement, replace_everywhere
from image_studio.workflow.usage import uses_of
from tests import factories
from tests.sites.djangocms.conftest import make_live, publish
from tests.sites.djangocms.teasers.models import Shelf, Teaser
from tests.sites.djangocms.test_filer import SIZES, fetched, filed

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
ME = Policy.operator()


@pytest.fixture
def old(brand):
    return make_live(brand, title="Tea tin")


@pytest.fixture
def new(brand):
    """Made otherwise, so that its files are told from the other's; of another shape too."""
    return make_live(
        brand, (800, 600), title="Tea box", source_type="digitalCapture", alt={"en": "A tea box", "ar": "صندوق"}
    )


def labels(asset):
    return [use.label for use in uses_of([asset]).get(asset.pk, [])]


def says(client, image):
    return source_type_of(fetched(client, Image.objects.get(pk=image.pk).url))


def test_what_the_site_uses_of_filer_is_told_with_the_image(old, new):
    teaser, shelf = Teaser.objects.create(image=filed(old)), Shelf.objects.create(title="Spring")
    shelf.images.add(filed(old), filed(new))
    assert labels(old) == ["Filed picture: Brands/Acme/Tea tin", "Shelf: Spring", f"Teaser: Teaser {teaser.pk}"]
    assert labels(new) == ["Filed picture: Brands/Acme/Tea box", "Shelf: Spring"]
    found = preview_replacement(ME, old, new)
    assert (found.places, [use.label for use in found.elsewhere]) == ((), labels(old))


def test_of_many_pictures_each_field_is_asked_once(old, new):
    Teaser.objects.create(image=filed(old))
    uses_of([old])  # Django asks for content types once
    with CaptureQueriesContext(connection) as one:
        uses_of([old])
    with CaptureQueriesContext(connection) as two:
        uses_of([old, new])
    assert len(two) == len(one)
    assert sum("teasers_teaser" in query["sql"] for query in two.captured_queries) == 2  # and its plugin


def test_the_successor_takes_the_file_over(old, new, public):
    image = filed(old)
    teaser = Teaser.objects.create(image=image)
    gone = [image.url, *(image.file.get_thumbnail(options).url for options in SIZES)]
    replace_everywhere(ME, old, new)
    teaser.refresh_from_db()
    assert teaser.image.pk == image.pk
    assert says(public, image) == "digitalCapture"
    thumbnail = teaser.image.file.get_thumbnail(SIZES[0])
    assert source_type_of(fetched(public, thumbnail.url)) == "digitalCapture"
    assert (teaser.image.width, teaser.image.height, teaser.image.default_alt_text) == (800, 600, "A tea box")
    assert [public.get(url).status_code for url in gone] == [404] * len(gone)
    assert labels(old) == []
    assert f"Teaser: Teaser {teaser.pk}" in labels(new)
    assert says(public, filed(new)) == "digitalCapture"
    assert File.objects.count() == 2


def test_from_then_on_it_is_the_successors(old, new, public):
    """Who withdraws the first takes nothing down that shows the second; who withdraws the second takes both down."""
    image = filed(old)
    replace_everywhere(ME, old, new)
    withdraw(ME, old)
    assert says(public, image) == "digitalCapture"
    withdraw(ME, new)
    assert [says(public, one) for one in (image, filed(new))] == ["", ""]
    publish(Asset.objects.get(pk=new.pk))
    assert [says(public, one) for one in (image, filed(new))] == ["digitalCapture"] * 2
    publish(Asset.objects.get(pk=old.pk))
    assert filed(old).pk != image.pk
    assert says(public, filed(old)) == "trainedAlgorithmicMedia"


def test_an_editors_copies_follow_with_their_own_words(old, new, public):
    data = fetched(public, filed(old).url)
    copied = Image(name="Mine", original_filename="mine.jpg", is_public=True)
    copied.file = ContentFile(data, name="mine.jpg")
    copied.save()
    replace_everywhere(ME, old, new)
    copied.refresh_from_db()
    assert (says(public, copied), copied.name) == ("digitalCapture", "Mine")
    withdraw(ME, new)
    assert says(public, copied) == ""


def test_what_shows_the_fallback_shows_the_successor(old, new, public):
    image = filed(old)
    withdraw(ME, old)
    assert says(public, image) == ""
    replace_everywhere(ME, old, new)
    assert says(public, image) == "digitalCapture"


def test_a_successor_whose_brand_is_not_filed_takes_over_all_the_same(old, public, settings):
    settings.IMAGE_STUDIO_FILER = {"FOLDERS": {"acme": "Acme"}}
    other = make_live(factories.make_brand("other"), source_type="digitalCapture")
    image = filed(old)
    replace_everywhere(ME, old, other)
    assert says(public, image) == "digitalCapture"
    withdraw(ME, other)
    publish(Asset.objects.get(pk=other.pk))
    assert says(public, image) == "digitalCapture"
    assert File.objects.count() == 1


def test_the_command_takes_down_what_was_taken_over(old, new, public):
    image = filed(old)
    replace_everywhere(ME, old, new)
    filed(new).delete()
    Asset.objects.filter(pk=new.pk).update(state="withdrawn")
    call_command("studio_filer")
    assert says(public, image) == ""
