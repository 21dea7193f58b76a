"""Pictures in filer's folders, from outside: by their files, as any browser fetches them."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db.models import ProtectedError
from django.utils import timezone
from filer.models import File, Folder, Image
from PIL import Image as Pillow

from image_studio.conf import ConfigurationError
from image_studio.contrib.filer.conf import conf
from image_studio.contrib.filer.filing import file_picture
from image_studio.contrib.filer.models import FiledPicture
from image_studio.contrib.filer.sources import take
from image_studio.exceptions import InvalidRequest
from image_studio.imaging.metadata import source_type_of
from image_studio.models import Asset, Event
from image_studio.policy import Policy
from image_studio.workflow import describe, withdraw
from image_studio.workflow.usage import uses_of
from tests import factories
from tests.exiftool import needs_exiftool, source_type
from tests.sites.djangocms.conftest import make_editor, make_live, publish
from tests.sites.djangocms.teasers.models import Teaser
from tests.sites.pictures import make_candidate

pytestmark = [
    pytest.mark.sites,
    pytest.mark.django_db(transaction=True),
]
URI = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SIZES = ({"size": (120, 120), "crop": True}, {"size": (300, 0)}, {"size": (200, 90), "crop": True, "upscale": True})


def fetched(client, url):
    answer = client.get(url)
    assert answer.status_code == 200, url
    return b"".join(answer.streaming_content)


def filed(asset):
    return Image.objects.get(pk=FiledPicture.objects.get(asset=asset, place=0).file_id)


def make_image(name="shelf.jpg", folder=None, **fields):
    """An image that somebody uploaded to filer."""
    data = factories.encoded(factories.draw_photo((400, 300)), "jpeg")
    image = Image(name="Shelf", original_filename=name, folder=folder, **fields)
    image.file = ContentFile(data, name=name)
    image.save()
    return image


# Publishing -------------------------------------------------------------------------------------------------------


def test_a_published_picture_lies_in_its_brands_folder_with_words_and_rights(brand, public, tmp_path):
    asset = make_live(
        brand,
        rights_owner="Atelier Lumen",
        licence="CC BY 4.0",
        territory="EU",
        expires_at=timezone.now() + timedelta(days=30),
        focal_x=0.25,
        focal_y=0.5,
    )
    image = filed(asset)
    assert [folder.name for folder in (*image.folder.logical_path, image.folder)] == ["Brands", "Acme"]
    assert (image.name, image.default_alt_text, image.author) == ("Tea tin", "A red bottle on a table", "Atelier Lumen")
    assert image.must_always_publish_author_credit
    assert image.must_always_publish_copyright
    assert image.subject_location == "160,240"
    assert (image.width, image.height) == (640, 480)
    assert image.is_public
    assert "Licence: CC BY 4.0" in image.description
    assert "Territory: EU" in image.description
    assert str(asset.expires_at.date()) in image.description
    assert source_type(fetched(public, image.url), tmp_path) == URI + "trainedAlgorithmicMedia"


def test_no_credit_is_demanded_where_nothing_is_said(brand):
    image = filed(make_live(brand))
    assert not image.must_always_publish_author_credit
    assert not image.must_always_publish_copyright


def test_twice_is_once(brand):
    asset = make_live(brand)
    before = filed(asset)
    name = before.file.name
    assert file_picture(asset) == before
    call_command("studio_filer")
    assert (File.objects.count(), filed(asset).file.name) == (1, name)
    assert Folder.objects.count() == 2


@pytest.mark.parametrize("state", ["candidate", "approved", "rejected"])
def test_what_is_not_out_is_not_filed(brand, state):
    asset = make_candidate(brand)
    Asset.objects.filter(pk=asset.pk).update(state=state)
    with pytest.raises(InvalidRequest):
        file_picture(Asset.objects.get(pk=asset.pk))
    call_command("studio_filer")
    assert File.objects.count() == 0


def test_a_brand_without_a_folder_is_not_filed(settings):
    settings.IMAGE_STUDIO_FILER = {"FOLDERS": {"acme": "Acme"}}
    make_live(factories.make_brand("other"))
    assert File.objects.count() == 0


def test_other_brands_have_a_folder_of_their_name_by_default(settings):
    settings.IMAGE_STUDIO_FILER = {}
    image = filed(make_live(factories.make_brand("other")))
    assert str(image.folder.pretty_logical_path).endswith("Image studio/Other")


def test_new_words_follow_and_an_editors_own_stay(brand):
    asset = make_live(brand)
    image = filed(asset)
    image.author = "Somebody else"
    image.save()
    describe(Policy.operator(), asset, alt={"en": "A blue tin", "ar": "علبة"}, rights_owner="Atelier Lumen")
    image = filed(asset)
    assert (image.default_alt_text, image.author) == ("A blue tin", "Somebody else")


def test_what_filer_has_counts_as_a_use(brand):
    asset = make_live(brand)
    (use,) = uses_of([asset])[asset.pk]
    assert (use.label, use.url) == (
        "Filed picture: Brands/Acme/Tea tin",
        f"/admin/filer/image/{filed(asset).pk}/change/",
    )
    with pytest.raises(ProtectedError):
        asset.delete()


# Withdrawing ------------------------------------------------------------------------------------------------------


def test_withdrawing_puts_the_fallback_into_its_place_and_its_copies(brand, public, tmp_path):
    asset = make_live(brand)
    image = filed(asset)
    copied = Image(name="Mine", folder=None, original_filename="mine.jpg", is_public=True)
    copied.file = ContentFile(fetched(public, image.url), name="mine.jpg")
    copied.save()
    old = [image.url, copied.url, *(image.file.get_thumbnail(options).url for options in SIZES)]
    assert all(fetched(public, url) for url in old)
    withdraw(Policy.operator(), asset)
    assert [public.get(url).status_code for url in old] == [404] * len(old)
    for row in (image, copied):
        now = Image.objects.get(pk=row.pk)
        data = fetched(public, now.url)
        assert (now.width, now.height) == (640, 480)
        assert Pillow.open(io.BytesIO(data)).getpixel((10, 10)) == (0xE4, 0xE4, 0xE4)
        assert source_type(data, tmp_path) == ""
        assert now.name == row.name
    assert filed(asset).default_alt_text == ""
    # Out again: both show it again, under their own names.
    publish(asset)
    for row in (image, copied):
        assert source_type_of(fetched(public, Image.objects.get(pk=row.pk).url)) == "trainedAlgorithmicMedia"
    assert filed(asset).default_alt_text == "A red bottle on a table"
    assert File.objects.count() == 2


def test_the_site_may_choose_a_picture_to_stand_in(brand, public, settings):
    shelf = make_live(brand, title="Shelf", source_type="digitalCapture")
    pictures = {"default": {"widths": [320, 640], "fallback": str(shelf.pk)}}
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "PICTURES": pictures}
    asset = make_live(brand)
    withdraw(Policy.operator(), asset)
    assert source_type_of(fetched(public, filed(asset).url)) == "digitalCapture"


def test_a_site_may_have_unused_images_deleted(brand, public, settings):
    settings.IMAGE_STUDIO_FILER = {"ON_WITHDRAW": "remove"}
    used, unused = make_live(brand, title="Used"), make_live(brand, title="Unused")
    url, kept = filed(unused).url, filed(used)
    Teaser.objects.create(image=kept)
    for asset in (used, unused):
        withdraw(Policy.operator(), asset)
    assert public.get(url).status_code == 404
    assert list(Image.objects.values_list("pk", flat=True)) == [kept.pk]
    assert FiledPicture.objects.get(asset=unused).file is None
    publish(unused)
    assert filed(unused).name == "Unused"


def test_an_image_that_an_editor_deleted_stays_away_until_the_picture_is_published_again(brand):
    asset = make_live(brand)
    filed(asset).delete()
    call_command("studio_filer")
    assert File.objects.count() == 0
    withdraw(Policy.operator(), asset)
    publish(asset)
    assert filed(asset).name == "Tea tin"


def test_ended_rights_are_found_by_the_command(brand, capsys):
    asset = make_live(brand)
    Asset.objects.filter(pk=asset.pk).update(expires_at=timezone.now() - timedelta(days=1))
    call_command("studio_filer", "--json")
    line = json.loads(capsys.readouterr().out)
    assert line == {"asset": str(asset.pk), "status": "taken down", "message": ""}
    assert FiledPicture.objects.get(asset=asset).withdrawn_at


def test_the_command_files_what_was_published_before(brand, settings, capsys):
    settings.IMAGE_STUDIO_FILER = {"FOLDERS": {}}
    asset = make_live(brand)
    settings.IMAGE_STUDIO_FILER = {}
    call_command("studio_filer", "--json", "--brand", "acme")
    assert json.loads(capsys.readouterr().out)["status"] == "filed"
    assert filed(asset).folder.name == "Acme"


# Thumbnails -------------------------------------------------------------------------------------------------------


@needs_exiftool
@pytest.mark.parametrize("alpha", [False, True])
def test_every_thumbnail_says_what_the_picture_is(brand, public, tmp_path, alpha):
    photo = factories.draw_photo((640, 480))
    if alpha:
        photo.putalpha(Pillow.linear_gradient("L").resize(photo.size))
    fields = (
        {"image": photo, "data": factories.encoded(photo, "png"), "format": "png", "has_alpha": True} if alpha else {}
    )
    image = filed(make_live(brand, **fields))
    for options in SIZES:
        thumbnail = image.file.get_thumbnail(options)
        assert source_type(fetched(public, thumbnail.url), tmp_path) == URI + "trainedAlgorithmicMedia", options
        # Made once: the next page takes the same file.
        assert image.file.get_thumbnail(options).name == thumbnail.name


def test_a_processor_that_paints_anew_loses_nothing(brand, public, settings):
    image = filed(make_live(brand))
    thumbnail = image.file.get_thumbnail({"size": (200, 200), "background": "#ffffff"})
    assert source_type_of(fetched(public, thumbnail.url)) == "trainedAlgorithmicMedia"


def test_an_image_that_says_nothing_gets_no_word(public):
    image = make_image(is_public=True)
    assert source_type_of(fetched(public, image.file.get_thumbnail(SIZES[0]).url)) == ""


# Variants ---------------------------------------------------------------------------------------------------------


def generate(client, *images, folder=None, status=302, **more):
    place = f"/admin/filer/folder/{folder.pk}/list/" if folder else "/admin/filer/folder/unfiled_images/"
    ticked = [f"file-{image.pk}" for image in images]
    data = {
        "action": "studio_generate_variants",
        "_selected_action": ticked,
        "index": "0",
        "select_across": "0",
        **more,
    }
    if "brand" in more:
        del data["index"]
    answer = client.post(place, data)
    assert answer.status_code == status, answer.content[:300]
    return answer


def test_images_become_sources_once_with_words_and_author(brand, boss, client):
    folder = Folder.objects.create(name="Photos")
    image = make_image(folder=folder, default_alt_text="A shelf", author="Atelier Lumen")
    client.force_login(boss)
    listing = client.get(f"/admin/filer/folder/{folder.pk}/list/").content.decode()
    assert '<option value="studio_generate_variants">Generate brand-safe variants</option>' in listing
    for _ in range(2):
        answer = generate(client, image, folder=folder)
        asset = Asset.objects.get()
        assert answer.url == f"/admin/image_studio/variantset/generate/?source={asset.pk}"
    assert (asset.title, asset.alt, asset.rights_owner, asset.origin) == (
        "Shelf",
        {"en": "A shelf"},
        "Atelier Lumen",
        "import",
    )
    assert client.get(answer.url).status_code == 200


def test_an_image_of_the_studio_is_its_picture(brand, boss, client):
    asset = make_live(brand)
    client.force_login(boss)
    image = filed(asset)
    assert generate(client, image, folder=image.folder).url.endswith(f"?source={asset.pk}")
    assert Asset.objects.count() == 1


def test_with_several_brands_the_folder_or_the_person_decides(brand, boss, client):
    other = factories.make_brand("other")
    outer = Folder.objects.create(name="Brands")
    acme = Folder.objects.create(name="Acme", parent=outer)
    client.force_login(boss)
    generate(client, make_image(folder=acme), folder=acme)
    assert Asset.objects.get().brand == brand
    loose = make_image("loose.jpg", folder=outer)
    page = generate(client, loose, folder=outer, status=200).content.decode()
    assert f'value="file-{loose.pk}"' in page
    assert 'value="other"' in page
    generate(client, loose, folder=outer, brand="other")
    assert Asset.objects.latest("created_at").brand == other


def test_who_may_not_generate_takes_nothing_in(brand, client):
    folder = Folder.objects.create(name="Photos")
    image = make_image(folder=folder)
    user = make_editor(brand, "viewer")
    client.force_login(user)
    generate(client, image, folder=folder)
    assert Asset.objects.count() == 0
    stranger = make_editor(factories.make_brand("other"), "creator")
    client.force_login(stranger)
    answer = generate(client, image, folder=folder, brand="acme", status=200)
    assert b'value="acme"' not in answer.content
    assert Asset.objects.count() == 0


def test_what_the_gate_refuses_is_said(brand, boss, client):
    folder = Folder.objects.create(name="Photos")
    image = Image(name="Broken", original_filename="broken.jpg", folder=folder)
    image.file = ContentFile(b"no picture", name="broken.jpg")
    image.save()
    client.force_login(boss)
    generate(client, image, folder=folder)
    page = client.get(f"/admin/filer/folder/{folder.pk}/list/").content.decode()
    assert "Broken:" in page


def copy_of(image, **fields):
    """The same bytes once more, as *Copy files* makes them or somebody who uploads them again."""
    copied = Image(name="Copy", original_filename="copy.jpg", **fields)
    with image.file.storage.open(image.file.name) as file:
        copied.file = ContentFile(file.read(), name="copy.jpg")
    copied.save()
    return copied


def test_a_copy_of_an_image_of_the_studio_is_its_picture(brand):
    asset = make_live(brand, rights_owner="Atelier Lumen", licence="30 days")
    taken = take(Policy.operator(), brand, [copy_of(filed(asset))])
    assert (taken.assets, taken.refused) == ([asset], [])
    assert Asset.objects.count() == 1


def test_a_copy_of_another_brands_picture_stays_that_brands(brand, settings):
    settings.IMAGE_STUDIO_FILER = {}
    other = factories.make_brand("other")
    photo = factories.draw_photo((640, 480))
    foreign = make_live(other, image=photo)
    copied = copy_of(filed(foreign))
    taken = take(Policy(make_editor(brand, "creator")), brand, [copied])
    assert (taken.assets, len(taken.refused)) == ([], 1)
    assert Asset.objects.count() == 1
    # The same picture of both: each brand has its own.
    own = make_live(brand, image=photo)
    assert FiledPicture.objects.values("sha1").distinct().count() == 1
    assert take(Policy.operator(), brand, [copied]).assets == [own]
    assert take(Policy.operator(), other, [copied]).assets == [foreign]


def test_what_stands_in_for_a_withdrawn_picture_is_no_source(brand):
    asset = make_live(brand)
    withdraw(Policy.operator(), asset)
    taken = take(Policy.operator(), brand, [filed(asset)])
    assert taken.assets == []
    assert taken.refused == [
        "Tea tin: This picture was withdrawn. Choose another, or have it published again.",
    ]
    assert Asset.objects.count() == 1


def test_a_file_that_is_missing_is_said_and_the_others_are_taken(brand, boss, client):
    folder = Folder.objects.create(name="Photos")
    lost, there = make_image("lost.jpg", folder=folder), make_image("there.jpg", folder=folder)
    lost.file.storage.delete(lost.file.name)
    client.force_login(boss)
    answer = generate(client, lost, there, folder=folder)
    assert answer.url.endswith(f"?source={Asset.objects.get().pk}")
    page = client.get(f"/admin/filer/folder/{folder.pk}/list/").content.decode()
    assert "Shelf: lost.jpg cannot be read: No such file or directory." in page


# What the site has already ----------------------------------------------------------------------------------------


def adopted(capsys, label="filer.Image.file"):
    """Exit status, and each line's row -> (status, asset)."""
    try:
        status = call_command("studio_adopt", label, "--brand", "acme", "--json") or 0
    except SystemExit as end:
        status = end.code
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return status, {line["row"]: (line["status"], line["asset"]) for line in lines}


def test_images_are_adopted_with_their_words_and_documents_are_not_asked(brand, capsys):
    image = make_image(default_alt_text="A shelf", is_public=False)
    leaflet = File(name="Leaflet", original_filename="leaflet.pdf", file=ContentFile(b"%PDF-1.4", name="leaflet.pdf"))
    leaflet.save()
    status, lines = adopted(capsys)
    asset = Asset.objects.get()
    assert (status, lines) == (0, {str(image.pk): ("adopted", str(asset.pk))})
    assert asset.alt == {"en": "A shelf"}
    assert Event.objects.get(verb="asset.ingested").data["model"] == "filer.Image"


def test_images_of_the_studio_are_not_adopted_anew(brand, capsys):
    live, gone = make_live(brand, title="Live"), make_live(brand, (640, 400), title="Gone")
    copied, mine = copy_of(filed(live)), make_image()
    withdraw(Policy.operator(), gone)
    status, lines = adopted(capsys)
    asset = Asset.objects.get(origin="import")
    assert (status, Asset.objects.count()) == (0, 3)
    assert lines == {
        str(filed(live).pk): ("duplicate", str(live.pk)),
        str(copied.pk): ("duplicate", str(live.pk)),
        str(filed(gone).pk): ("duplicate", str(gone.pk)),
        str(mine.pk): ("adopted", str(asset.pk)),
    }
    # Where somebody put a file of their own into one, it is theirs.
    theirs = filed(gone)
    theirs.file = ContentFile(factories.encoded(factories.draw_photo((200, 100)), "jpeg"), name="own.jpg")
    theirs.save()
    assert adopted(capsys)[1][str(theirs.pk)][0] == "adopted"


# Settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"FOLDER": {}}, "FOLDER"),
        ({"FOLDERS": {"acme": 3}}, "FOLDERS"),
        ({"ON_WITHDRAW": "keep"}, "ON_WITHDRAW"),
        ({"PICTURE": "her0"}, "her0"),
    ],
)
def test_a_wrong_setting_is_said(settings, given, words):
    settings.IMAGE_STUDIO_FILER = given
    with pytest.raises(ConfigurationError, match=words):
        conf()
