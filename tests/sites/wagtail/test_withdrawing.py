"""What a withdrawal leaves in Wagtail's images: nothing of the picture, and everything of anybody else."""

from __future__ import annotations

import errno
import io
import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from PIL import Image as Pillow
from wagtail.images import get_image_model

from image_studio import signals
from image_studio.contrib.files import picture_bytes
from image_studio.contrib.wagtail import promotion
from image_studio.contrib.wagtail.models import StudioImage
from image_studio.contrib.wagtail.promotion import promote
from image_studio.contrib.wagtail.variants import adopt
from image_studio.imaging.metadata import source_type_of
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import describe, withdraw
from image_studio.workflow.replacing import replace_everywhere
from tests import factories
from tests.sites.wagtail.conftest import bytes_of, make_live, publish

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
ME = Policy.operator()
GROUND = (0xE4, 0xE4, 0xE4)


def fresh(asset):
    return Asset.objects.get(pk=asset.pk)


def bytes_now(image):
    return bytes_of(get_image_model().objects.get(pk=image.pk).file)


def is_plain(data):
    return Pillow.open(io.BytesIO(data)).convert("RGB").getpixel((10, 10)) == GROUND


def exchange(image, data):
    """Another file in the image; scripts do it without telling Wagtail's own sum."""
    image = get_image_model().objects.get(pk=image.pk)
    image.file = ContentFile(data, name="own.jpg")
    image.save()
    return image


def with_fallback(settings, fallback):
    pictures = {**settings.IMAGE_STUDIO["PICTURES"], "default": {"widths": [320, 640], "fallback": str(fallback)}}
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "PICTURES": pictures}


def refuse(*args):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def live(home, brand):
    def made(size=(640, 480), **fields):
        return make_live(brand, size, **{"licence": "CC BY", **fields})

    return made


@pytest.fixture
def logo():
    return factories.encoded(factories.draw_photo((300, 200)), "jpeg")


# An editor's own file ---------------------------------------------------------------------------------------------


def test_a_file_that_an_editor_put_into_the_image_stays(live, logo):
    asset = live()
    image = exchange(promote(ME, asset), logo)
    withdraw(ME, fresh(asset))
    image.refresh_from_db()
    assert (bytes_now(image), image.title) == (logo, "Tea tin")
    # From now on it may be chosen: it is none of ours.
    assert promotion.withdrawn_images() == []
    publish(fresh(asset))
    assert promote(ME, fresh(asset)).pk != image.pk
    assert bytes_now(image) == logo


def test_a_file_that_an_editor_put_into_a_stand_in_stays(live, logo):
    asset = live()
    image = promote(ME, asset)
    withdraw(ME, fresh(asset))
    exchange(image, logo)
    publish(fresh(asset))
    assert bytes_now(image) == logo
    assert not StudioImage.objects.exists()


def test_an_editors_file_is_not_the_pictures_any_more(live, brand, logo):
    asset = live()
    image = exchange(promote(ME, asset), logo)
    (found,), refused = adopt(ME, brand, [image])
    assert (found != asset, refused) == (True, [])
    describe(ME, fresh(asset), title="Tea caddy")
    image.refresh_from_db()
    assert image.title == "Tea tin"
    assert bytes_now(image) == logo


def test_images_of_the_studio_are_not_adopted_anew(live, brand, logo, capsys):
    shown, gone, other = live(), live(title="Gone"), live(title="Other")
    images = [promote(ME, asset) for asset in (shown, gone, other)]
    withdraw(ME, fresh(gone))
    exchange(images[2], logo)
    label = f"{get_image_model()._meta.label}.file"
    call_command("studio_adopt", label, "--brand", brand.slug, "--json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["row"] for line in lines] == [str(image.pk) for image in images]
    assert [line["status"] for line in lines] == ["duplicate", "duplicate", "adopted"]
    assert [line["asset"] for line in lines[:2]] == [str(shown.pk), str(gone.pk)]


# The fallback -----------------------------------------------------------------------------------------------------


def test_a_withdrawn_fallback_is_nowhere_and_comes_back(live, settings):
    shelf = live(title="Shelf", source_type="digitalCapture")
    with_fallback(settings, shelf.pk)
    asset = live()
    image = promote(ME, asset)
    withdraw(ME, fresh(asset))
    assert source_type_of(bytes_now(image)) == "digitalCapture"
    withdraw(ME, fresh(shelf))
    assert is_plain(bytes_now(image))
    publish(fresh(shelf))
    assert source_type_of(bytes_now(image)) == "digitalCapture"


@pytest.mark.parametrize("fallback", ["site/nowhere.png", "/static/site/withdrawn.png", "broken.png"])
def test_a_fallback_that_cannot_be_had_keeps_nothing_up(live, settings, tmp_path, fallback):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, str(tmp_path)]
    with_fallback(settings, fallback)
    asset = live()
    image = promote(ME, asset)
    withdraw(ME, fresh(asset))
    assert not image.file.storage.exists(image.file.name)
    assert is_plain(bytes_now(image))


def test_the_words_of_a_withdrawn_image_do_not_name_the_picture(live):
    asset = live(title="Tea tin")
    image = promote(ME, asset)
    withdraw(ME, fresh(asset))
    image.refresh_from_db()
    assert (image.title, image.get_rendition("width-200").alt) == ("Picture not available",) * 2
    assert str(StudioImage.objects.get()) == "Tea tin"
    publish(fresh(asset))
    image.refresh_from_db()
    assert (image.title, image.get_rendition("width-200").alt) == ("Tea tin", "A red bottle on a table")


# Between two ------------------------------------------------------------------------------------------------------


def test_a_late_word_of_its_publication_brings_no_withdrawn_picture_back(live):
    asset = live()
    image = promote(ME, asset)
    good = picture_bytes(asset)[0]
    withdraw(ME, fresh(asset))
    signals.asset_published.send_robust(Asset, asset=fresh(asset))
    assert bytes_now(image) != good


def test_what_is_withdrawn_while_it_comes_back_stays_away(live, monkeypatch):
    asset = live()
    image = promote(ME, asset)
    good = picture_bytes(asset)[0]
    withdraw(ME, fresh(asset))

    def slow(given):
        withdraw(ME, fresh(given))
        return picture_bytes(given)

    monkeypatch.setattr(promotion, "picture_bytes", slow)
    publish(fresh(asset))
    assert fresh(asset).state == "withdrawn"
    assert bytes_now(image) != good


def test_a_successor_that_is_withdrawn_meanwhile_takes_nothing_over(live, monkeypatch):
    asset, successor = live(), live((800, 600))
    image = promote(ME, asset)
    good = picture_bytes(asset)[0]

    def slow(given):
        withdraw(ME, fresh(given))
        return picture_bytes(given)

    monkeypatch.setattr(promotion, "picture_bytes", slow)
    replace_everywhere(ME, asset, successor)
    assert (bytes_now(image), StudioImage.objects.get().asset) == (good, asset)


def test_other_words_are_written_into_the_image_as_it_is_then(live, monkeypatch):
    """Its file is exchanged while the words wait for the picture."""
    asset = live()
    promote(ME, asset)
    hold = promotion.hold

    def waits(*held):
        hold(*held)
        get_image_model().objects.update(file="original_images/newer.png")

    monkeypatch.setattr(promotion, "hold", waits)
    describe(ME, fresh(asset), title="Tea caddy")
    words = get_image_model().objects.values_list("title", "file").get()
    assert words == ("Tea caddy", "original_images/newer.png")


# Repair -----------------------------------------------------------------------------------------------------------


def test_what_could_not_be_written_is_marked_and_mended_by_the_command(live, capsys):
    asset, other = live(), live((800, 600))
    images = [promote(ME, one) for one in (asset, other)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileSystemStorage, "_save", refuse)
        withdraw(ME, fresh(asset))
        Asset.objects.filter(pk=other.pk).update(state="withdrawn")
        assert promotion.withdrawn_images() == [str(images[0].pk)]
        with pytest.raises(SystemExit, match="1"):
            call_command("studio_wagtail", "--json")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["asset"] for row in told if row["status"] == "failed"} == {str(asset.pk), str(other.pk)}
    assert all("No space left on device" in row["message"] for row in told)
    call_command("studio_wagtail")
    assert [image.file.storage.exists(image.file.name) for image in images] == [False, False]
    capsys.readouterr()
    call_command("studio_wagtail")
    assert capsys.readouterr().out == ""


def test_the_command_brings_back_what_is_out_again(live, brand, capsys):
    asset = live()
    image = promote(ME, asset)
    good = bytes_now(image)
    withdraw(ME, fresh(asset))
    Asset.objects.filter(pk=asset.pk).update(state="published")
    call_command("studio_wagtail", "--json", "--brand", brand.slug)
    assert json.loads(capsys.readouterr().out) == {"asset": str(asset.pk), "status": "shown again", "message": ""}
    assert bytes_now(image) == good
