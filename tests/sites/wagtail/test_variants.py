"""*Make variants* of images of the site: the studio's own stay what they are, others are taken in, none is left out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone
from wagtail.images import get_image_model

from image_studio.contrib.wagtail.panel import MOST_SOURCES
from image_studio.contrib.wagtail.promotion import promote
from image_studio.contrib.wagtail.variants import adopt
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import withdraw
from tests import factories
from tests.sites.wagtail.conftest import make_live

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]
ME = Policy.operator()


@pytest.fixture
def other():
    return factories.make_brand("other")


@pytest.fixture
def bought(other):
    """A picture of another brand, whose rights end."""
    ends = timezone.now() + timedelta(days=3)
    return make_live(other, rights_owner="Agency", licence="Editorial", expires_at=ends)


def upload(number=0):
    data = factories.encoded(factories.draw_photo((120 + number, 90), hue=number), "jpeg")
    return get_image_model().objects.create(title=f"Upload {number}", file=ContentFile(data, name=f"{number}.jpg"))


def variants_url(*images):
    model = get_image_model()._meta
    url = reverse("wagtail_bulk_action", args=[model.app_label, model.model_name, "studio_variants"])
    return f"{url}?{''.join(f'id={image.pk}&' for image in images)}next={reverse('wagtailimages:index')}"


def test_an_upload_is_taken_in_once(home, brand):
    image = upload()
    (found,), refused = adopt(ME, brand, [image, image])
    assert (found.title, found.origin, refused) == ("Upload 0", "import", [])
    assert adopt(ME, brand, [image]) == ([found], [])


def test_an_image_of_the_studio_is_its_own_picture(home, brand):
    asset = make_live(brand, licence="CC BY")
    assert adopt(ME, brand, [promote(ME, asset)]) == ([asset], [])
    assert Asset.objects.count() == 1


def test_a_picture_of_another_brand_keeps_its_rights(home, brand, other, bought):
    """Taken in anew it would be a picture without an owner, a licence or an end."""
    image = promote(ME, bought)
    found, refused = adopt(ME, brand, [image])
    assert (found, Asset.objects.count()) == ([], 1)
    assert refused == ["Tea tin: It is a picture of the brand “Other”. Make its variants there."]
    assert adopt(ME, other, [image]) == ([bought], [])


def test_what_a_person_may_not_see_is_not_taken_in_either(home, brand, bought):
    creator = factories.make_user("creator", brand=brand)
    found, refused = adopt(Policy(creator), brand, [promote(ME, bought)])
    assert (found, Asset.objects.count()) == ([], 1)
    assert refused == ["Tea tin: You may not do this here (view). Ask somebody who is at least viewer of this brand."]


def test_what_stands_in_for_a_withdrawn_picture_is_no_source(home, brand):
    asset = make_live(brand, licence="CC BY")
    image = promote(ME, asset)
    withdraw(ME, Asset.objects.get(pk=asset.pk))
    image.refresh_from_db()
    found, refused = adopt(ME, brand, [image])
    assert (found, Asset.objects.count()) == ([], 1)
    assert refused == ["Picture not available: This picture was withdrawn. Choose another, or have it published again."]


def test_a_file_that_an_editor_put_into_the_image_is_an_upload(home, brand, other, bought):
    image = promote(ME, bought)
    image.file = ContentFile(factories.encoded(factories.draw_photo((90, 90)), "jpeg"), name="theirs.jpg")
    image.save()
    (found,), refused = adopt(ME, brand, [image])
    assert (found.brand, found.width, refused) == (brand, 90, [])


def test_one_that_is_refused_stops_no_other_and_is_told(editor, brand, bought):
    told = editor.post(variants_url(promote(ME, bought), upload()), {"brand": brand.pk}, follow=True)
    assert told.request["PATH_INFO"] == reverse("image_studio_wagtail:panel")
    assert "It is a picture of the brand" in told.content.decode()
    assert [asset.title for asset in Asset.objects.filter(brand=brand)] == ["Upload 0"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_more_than_the_panel_takes_are_refused_with_the_number(editor, brand, method):
    images = [upload(number) for number in range(MOST_SOURCES + 1)]
    told = getattr(editor, method)(variants_url(*images), {"brand": brand.pk} if method == "post" else {}, follow=True)
    assert told.request["PATH_INFO"] == reverse("wagtailimages:index")
    assert "Choose between one and 12 images." in told.content.decode()
    assert not Asset.objects.exists()


def test_as_many_as_the_panel_takes_all_go_in(editor, brand):
    images = [upload(number) for number in range(MOST_SOURCES)]
    editor.post(variants_url(*images), {"brand": brand.pk}, follow=True)
    assert Asset.objects.count() == MOST_SOURCES
