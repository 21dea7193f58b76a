"""A published picture becomes an image of the site, once; and follows what the studio decides later."""

from __future__ import annotations

import io

import pytest
from django.core.exceptions import ValidationError
from PIL import Image as Pillow
from wagtail.images import get_image_model
from wagtail.models import Collection, ReferenceIndex

from image_studio import signals
from image_studio.contrib.wagtail.models import StudioImage
from image_studio.contrib.wagtail.promotion import promote
from image_studio.exceptions import InvalidRequest
from image_studio.imaging.metadata import source_type_of
from image_studio.models import Asset, Event
from image_studio.policy import Policy
from image_studio.workflow import describe, withdraw
from image_studio.workflow.replacing import replace_everywhere
from image_studio.workflow.usage import uses_of
from tests import factories
from tests.sites.pictures import make_candidate
from tests.sites.wagtail.conftest import bytes_of, make_article, make_live, publish

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
ME = Policy.operator()


def custom():
    return get_image_model()._meta.label == "wagtailsite.HousePhoto"


def colours(file):
    """The average colour, so that a picture is told from a fallback."""
    with Pillow.open(io.BytesIO(bytes_of(file))) as image:
        return image.convert("RGB").resize((1, 1)).getpixel((0, 0))


def test_words_focal_point_and_collection_come_along(home, brand):
    asset = make_live(brand, (1600, 1200), focal_x=0.25, focal_y=0.75, licence="CC BY", rights_owner="Acme Ltd")
    image = promote(ME, asset)
    assert (image.title, image.description) == ("Tea tin", "A red bottle on a table")
    assert (image.width, image.height) == (1600, 1200)
    assert (image.focal_point_x, image.focal_point_y) == (400, 900)
    assert image.collection.name == ("House pictures" if custom() else "Acme")
    assert source_type_of(bytes_of(image.file)) == "trainedAlgorithmicMedia"
    if custom():
        assert (image.credit, image.rights_owner, image.desk) == ("CC BY", "Acme Ltd", "studio acme")
    assert Event.objects.filter(verb="asset.promoted", object_id=str(asset.pk)).count() == 1


def test_twice_is_once(home, brand):
    asset = make_live(brand, licence="CC BY")
    first, second = promote(ME, asset), promote(ME, asset)
    assert first.pk == second.pk
    assert (get_image_model().objects.count(), StudioImage.objects.count()) == (1, 1)
    assert Collection.objects.filter(name__in=["Acme", "House pictures"]).count() == 1


def test_taken_again_it_keeps_what_an_editor_wrote(home, brand):
    """An alt text for blind readers, a better crop: who chooses the picture for a second page says nothing of them."""
    asset = make_live(brand, licence="CC BY", focal_x=0.25, focal_y=0.75)
    theirs = {"title": "Our title", "description": "Our alt text"}
    theirs |= {f"focal_point_{name}": 50 for name in ("x", "y", "width", "height")}
    rows = get_image_model().objects.filter(pk=promote(ME, asset).pk)
    rows.update(**theirs)
    promote(ME, asset)
    assert rows.values(*theirs).get() == theirs
    describe(ME, asset, alt={"en": "A caddy", "ar": "علبة"})
    assert rows.get().description == "A caddy"


@pytest.mark.skipif("not custom()", reason="Wagtail's own images have no fields for rights; the suite runs with both")
def test_taken_again_it_has_the_rights_that_the_picture_has(home, brand):
    """News of them may have been lost."""
    asset = make_live(brand, licence="CC BY")
    image = promote(ME, asset)
    Asset.objects.filter(pk=asset.pk).update(licence="Editorial", rights_owner="Getty")
    promote(ME, Asset.objects.get(pk=asset.pk))
    image.refresh_from_db()
    assert (image.credit, image.rights_owner) == ("Editorial", "Getty")


@pytest.mark.parametrize("state", ["candidate", "shortlisted", "approved", "rejected", "withdrawn"])
def test_what_is_not_out_becomes_no_image(home, brand, state):
    asset = make_candidate(brand)
    Asset.objects.filter(pk=asset.pk).update(state=state)
    asset.refresh_from_db()
    with pytest.raises(InvalidRequest):
        promote(ME, asset)
    assert not get_image_model().objects.exists()


def test_what_lost_its_approval_meanwhile_becomes_no_image(home, brand):
    asset = make_live(brand)
    withdraw(ME, Asset.objects.get(pk=asset.pk))
    with pytest.raises(InvalidRequest, match=r"usage\.withdrawn"):
        promote(ME, asset)  # as it was read before
    assert not get_image_model().objects.exists()


def test_who_may_not_add_images_in_wagtail_adds_none(home, brand):
    asset = make_live(brand)
    reviewer = factories.make_user("reviewer", brand=brand, is_staff=True)
    with pytest.raises(ValidationError, match="may not add images to the collection"):
        promote(Policy(reviewer), asset)
    assert not get_image_model().objects.exists()
    assert not Collection.objects.filter(name="Acme").exists()


@pytest.mark.skipif("not custom()")
def test_a_required_field_that_nobody_fills_is_named(home, brand, settings):
    settings.IMAGE_STUDIO_WAGTAIL = {}
    with pytest.raises(ValidationError, match="more than a picture has: credit, desk"):
        promote(ME, make_live(brand))
    assert not get_image_model().objects.exists()


def test_withdrawing_puts_the_fallback_in_every_file_of_the_image(home, brand):
    asset = make_live(brand, licence="CC BY", focal_x=0.5, focal_y=0.5)
    image = promote(ME, asset)
    before, old = image.get_rendition("width-200"), image.file.name
    withdraw(ME, Asset.objects.get(pk=asset.pk))
    image.refresh_from_db()
    store = image.file.storage
    assert not store.exists(old)
    assert not store.exists(before.file.name)
    assert colours(image.file) == pytest.approx((222, 229, 232), abs=6)  # the site's own withdrawn.png
    assert (image.width, image.height, image.description, image.has_focal_point()) == (600, 400, "", False)
    assert source_type_of(bytes_of(image.get_rendition("width-200").file)) == ""
    assert StudioImage.objects.get().withdrawn_at is not None


def test_published_again_it_shows_the_picture_again(home, brand):
    asset = make_live(brand, licence="CC BY")
    image = promote(ME, asset)
    shown = colours(image.file)
    asset = Asset.objects.get(pk=asset.pk)
    withdraw(ME, asset)
    publish(Asset.objects.get(pk=asset.pk))
    image.refresh_from_db()
    assert colours(image.file) == shown
    assert image.description == "A red bottle on a table"
    assert StudioImage.objects.get().withdrawn_at is None


def test_other_words_in_the_studio_are_the_images_words(home, brand):
    asset = make_live(brand, licence="CC BY")
    image = promote(ME, asset)
    name = image.file.name
    describe(ME, asset, title="Tea caddy", alt={"en": "A caddy", "ar": "علبة"}, focal=(0.5, 0.5))
    image.refresh_from_db()
    assert (image.title, image.description, image.focal_point_x) == ("Tea caddy", "A caddy", 320)
    assert image.file.name == name


def test_the_successor_takes_the_image_over(home, brand):
    asset, other = make_live(brand, licence="CC BY"), make_live(brand, (800, 600), title="Tea box", licence="CC BY")
    image = promote(ME, asset)
    replace_everywhere(ME, asset, other)
    image.refresh_from_db()
    assert (image.title, image.width) == ("Tea box", 800)
    withdraw(ME, Asset.objects.get(pk=asset.pk))
    image.refresh_from_db()
    assert image.width == 800
    assert promote(ME, other).pk == image.pk


def test_the_image_counts_as_a_use(home, brand):
    asset = make_live(brand, licence="CC BY")
    image = promote(ME, asset)
    assert [use.label for use in uses_of([asset])[asset.pk]] == ["Wagtail image: Tea tin"]
    assert uses_of([asset])[asset.pk][0].url == f"/cms/images/usage/{image.pk}/"
    make_article(home, ("image", {"image": image, "alt_text": "", "decorative": True}))
    assert ReferenceIndex.get_references_to(image).count() == 1
    image.delete()
    assert uses_of([asset]) == {}


def test_every_published_picture_becomes_an_image_where_the_site_says_so(home, brand, settings):
    settings.IMAGE_STUDIO_WAGTAIL = {**getattr(settings, "IMAGE_STUDIO_WAGTAIL", {}), "PROMOTE_ON_PUBLISH": True}
    make_live(brand, licence="CC BY")
    assert [image.title for image in get_image_model().objects.all()] == ["Tea tin"]


def test_a_receiver_that_fails_undoes_nothing(home, brand, settings):
    settings.IMAGE_STUDIO_WAGTAIL = {"COLLECTIONS": "Acme"}
    asset = make_live(brand)
    answers = signals.asset_published.send_robust(Asset, asset=asset)
    assert asset.state == "published"
    assert any("IMAGE_STUDIO_WAGTAIL" in str(answer) for _receiver, answer in answers)
