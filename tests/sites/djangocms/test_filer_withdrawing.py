"""What a withdrawal leaves in filer: nothing of the picture, and everything of anybody else."""

from __future__ import annotations

import errno
import io
import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from filer.models import Image
from PIL import Image as Pillow

from image_studio.contrib.filer.models import FiledPicture
from image_studio.contrib.files import fallback_bytes, plain
from image_studio.imaging.metadata import source_type_of
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import describe, withdraw
from image_studio.workflow.replacing import replace_everywhere
from tests import factories
from tests.sites.djangocms import pages
from tests.sites.djangocms.conftest import make_live, publish
from tests.sites.djangocms.test_filer import SIZES, fetched, filed, generate
from tests.sites.djangocms.test_pages import images, shown

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
ME = Policy.operator()
GROUND = (0xE4, 0xE4, 0xE4)


def fresh(asset):
    return Asset.objects.get(pk=asset.pk)


def bytes_now(client, image):
    return fetched(client, Image.objects.get(pk=image.pk).url)


def is_plain(data):
    return Pillow.open(io.BytesIO(data)).convert("RGB").getpixel((10, 10)) == GROUND


def upload(data, name):
    image = Image(name=name, original_filename=f"{name}.jpg", is_public=True)
    image.file = ContentFile(data, name=f"{name}.jpg")
    image.save()
    return image


def exchange(image, data):
    """*Replace file* in filer's form."""
    image = Image.objects.get(pk=image.pk)
    image.file = ContentFile(data, name="own.jpg")
    image.save()
    return image


def with_fallback(settings, fallback):
    pictures = {"default": {"widths": [320, 640], "fallback": str(fallback)}}
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "PICTURES": pictures}


@pytest.fixture
def logo():
    return factories.encoded(factories.draw_photo((300, 200)), "jpeg")


def refuse(*args):
    raise OSError(errno.ENOSPC, "No space left on device")


# The same bytes ---------------------------------------------------------------------------------------------------


@pytest.fixture
def twins(brand, settings):
    """One photo, live in two brands."""
    settings.IMAGE_STUDIO_FILER = {}
    photo = factories.draw_photo((640, 480))
    fields = {"image": photo, "data": factories.encoded(photo, "jpeg"), "format": "jpeg"}
    found = [make_live(one, **fields) for one in (brand, factories.make_brand("other"))]
    assert len({filed(asset).sha1 for asset in found}) == 1
    return found


def test_another_brands_picture_with_the_same_bytes_stays(twins, public):
    mine, theirs = twins
    urls = [filed(asset).url for asset in twins]
    withdraw(ME, fresh(mine))
    assert [public.get(url).status_code for url in urls] == [404, 200]
    assert filed(theirs).url == urls[1]
    call_command("studio_filer")


def test_replacing_one_leaves_the_other(twins, brand, public):
    mine, theirs = twins
    before = filed(theirs).url
    new = make_live(brand, (800, 600), title="Tea box", source_type="digitalCapture")
    image = filed(mine)
    replace_everywhere(ME, fresh(mine), new)
    assert source_type_of(bytes_now(public, image)) == "digitalCapture"
    assert (filed(theirs).url, public.get(before).status_code) == (before, 200)


def test_a_picture_that_an_editor_put_into_anothers_image_goes_too(brand, public):
    mine, other = make_live(brand), make_live(brand, (800, 600), title="Tea box")
    stray = exchange(filed(other), fetched(public, filed(mine).url))
    withdraw(ME, fresh(mine))
    assert is_plain(bytes_now(public, stray))
    withdraw(ME, fresh(other))
    publish(fresh(other))
    assert filed(other).pk != stray.pk


# An editor's own file ---------------------------------------------------------------------------------------------


def test_a_file_that_an_editor_put_into_the_image_stays_and_so_does_the_sites_own(brand, public, logo):
    asset = make_live(brand)
    house, copied = upload(logo, "logo"), upload(fetched(public, filed(asset).url), "mine")
    image = exchange(filed(asset), logo)
    withdraw(ME, fresh(asset))
    assert [bytes_now(public, one) for one in (image, house)] == [logo, logo]
    assert is_plain(bytes_now(public, copied))
    assert not FiledPicture.objects.filter(file=image.pk).exists()
    # Out again: it gets an image of its own, and the copy shows it.
    publish(fresh(asset))
    assert filed(asset).pk != image.pk
    assert source_type_of(bytes_now(public, copied)) == "trainedAlgorithmicMedia"
    assert bytes_now(public, image) == logo


def test_a_file_that_an_editor_put_into_a_stand_in_stays(brand, public, logo):
    asset = make_live(brand)
    copied = upload(fetched(public, filed(asset).url), "mine")
    withdraw(ME, fresh(asset))
    exchange(copied, logo)
    publish(fresh(asset))
    assert bytes_now(public, copied) == logo
    withdraw(ME, fresh(asset))
    assert bytes_now(public, copied) == logo


def test_copies_are_found_though_the_image_was_deleted(brand, public):
    asset = make_live(brand)
    copied = upload(fetched(public, filed(asset).url), "mine")
    filed(asset).delete()
    withdraw(ME, fresh(asset))
    assert is_plain(bytes_now(public, copied))


def test_an_editors_file_is_not_the_pictures_any_more(brand, boss, public, client, logo):
    asset = make_live(brand)
    image = exchange(filed(asset), logo)
    assert source_type_of(fetched(public, image.file.get_thumbnail(SIZES[0]).url)) == ""
    assert source_type_of(fetched(public, image.file.get_thumbnail({"size": (99, 99), "background": "#fff"}).url)) == ""
    client.force_login(boss)
    assert str(asset.pk) not in generate(client, image, folder=image.folder).url
    describe(ME, fresh(asset), title="Tea caddy")
    assert Image.objects.get(pk=image.pk).name == "Tea tin"


# The fallback -----------------------------------------------------------------------------------------------------


def test_a_withdrawn_fallback_is_nowhere_and_comes_back(brand, public, settings):
    shelf = make_live(brand, title="Shelf", source_type="digitalCapture")
    with_fallback(settings, shelf.pk)
    asset = make_live(brand)
    withdraw(ME, fresh(asset))
    address = filed(asset).url
    assert source_type_of(fetched(public, address)) == "digitalCapture"
    withdraw(ME, fresh(shelf))
    assert public.get(address).status_code == 404
    assert is_plain(bytes_now(public, filed(asset)))
    publish(fresh(shelf))
    assert source_type_of(bytes_now(public, filed(asset))) == "digitalCapture"


def test_pages_that_are_kept_forget_a_withdrawn_fallback(brand, boss, public, settings):
    shelf = make_live(brand, title="Shelf")
    with_fallback(settings, shelf.pk)
    asset, content = make_live(brand), pages.make_page(boss)
    pages.put(content, asset)
    pages.publish(content, boss)
    withdraw(ME, fresh(asset))
    (src,) = images(shown(public, content))
    withdraw(ME, fresh(shelf))
    assert src not in images(shown(public, content))
    publish(fresh(shelf))
    assert images(shown(public, content))


@pytest.mark.parametrize("fallback", ["site/nowhere.png", "/static/site/withdrawn.png", "broken.png"])
def test_a_fallback_that_cannot_be_had_keeps_nothing_up(brand, public, settings, tmp_path, fallback):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, str(tmp_path)]
    with_fallback(settings, fallback)
    asset = make_live(brand)
    address = filed(asset).url
    withdraw(ME, fresh(asset))
    assert public.get(address).status_code == 404
    assert is_plain(bytes_now(public, filed(asset)))


def test_an_unreadable_fallback_picture_is_a_plain_ground(brand, settings):
    shelf = make_live(brand, title="Shelf")
    with_fallback(settings, shelf.pk)
    for row in shelf.renditions.filter(public=True):
        FileSystemStorage(settings.MEDIA_ROOT).delete(row.file)
    assert fallback_bytes((64, 48), "default") == (plain((64, 48)), "png")


# Repair -----------------------------------------------------------------------------------------------------------


def test_what_could_not_be_written_is_marked_and_mended_by_the_command(brand, public, capsys):
    asset, other = make_live(brand), make_live(brand, (800, 600))
    addresses = [filed(one).url for one in (asset, other)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileSystemStorage, "_save", refuse)
        withdraw(ME, fresh(asset))
        Asset.objects.filter(pk=other.pk).update(state="withdrawn")
        assert FiledPicture.objects.get(asset=asset).withdrawn_at is not None
        with pytest.raises(SystemExit, match="1"):
            call_command("studio_filer", "--json")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["asset"] for row in told if row["status"] == "failed"} == {str(asset.pk), str(other.pk)}
    assert all("No space left on device" in row["message"] for row in told)
    call_command("studio_filer")
    assert [public.get(url).status_code for url in addresses] == [404, 404]
    capsys.readouterr()
    call_command("studio_filer")
    assert capsys.readouterr().out == ""
