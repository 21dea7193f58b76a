"""Pictures in and out: ingest keeps the original, serves only clean bytes, and stores nothing it refuses."""

from __future__ import annotations

import errno
from datetime import timedelta

import pytest
from django.utils import timezone
from PIL import Image

from image_studio import storage
from image_studio.exceptions import Conflict, ImageRefused, InvalidRequest, NotAllowed, StorageFailed
from image_studio.imaging import renditions
from image_studio.imaging.decode import decode
from image_studio.models import Asset, Event, Rendition
from image_studio.policy import Policy
from image_studio.workflow import describe, file_for, ingest, library
from image_studio.workflow.library import tag, words_digest
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()


@pytest.fixture
def brand():
    return factories.make_brand()


def photo(**options):
    return factories.encoded(factories.draw_photo((800, 600)), "jpeg", **options)


def with_gps():
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x010E] = "my kitchen"
    exif[0x0112] = 6
    return photo(exif=exif)


def test_the_original_is_kept_byte_for_byte(brand):
    data = with_gps()
    asset = ingest(OPERATOR, brand, data, name="my_kitchen-table.jpg").asset
    assert storage.read(storage.private(), asset.file, asset.sha256) == data
    assert (asset.kind, asset.origin, asset.format) == ("raw", "upload", "jpeg")
    assert (asset.width, asset.height) == (600, 800)
    assert asset.title == "my kitchen table"
    assert Event.objects.get(verb="asset.ingested").object_id == str(asset.pk)


@pytest.mark.parametrize("which", ["preview", "full"])
def test_what_is_served_carries_no_client_metadata(brand, which):
    asset = ingest(OPERATOR, brand, with_gps(), name="a.jpg").asset
    served = file_for(OPERATOR, asset, which)
    assert b"my kitchen" not in served.data
    assert decode(served.data).image.size[0] < decode(served.data).image.size[1]
    assert not served.attachment


def test_the_original_is_for_managers_and_an_attachment(brand):
    data = with_gps()
    asset = ingest(OPERATOR, brand, data, name="a.jpg").asset
    manager = Policy(factories.make_user("manager", brand=brand))
    served = file_for(manager, asset, "original")
    assert served.data == data
    assert served.attachment
    with pytest.raises(NotAllowed):
        file_for(Policy(factories.make_user("reviewer", brand=brand)), asset, "original")


def test_the_same_bytes_are_one_picture(brand):
    first = ingest(OPERATOR, brand, photo(), name="a.jpg")
    again = ingest(OPERATOR, brand, photo(), name="b.jpg")
    assert (first.duplicate, again.duplicate) == (False, True)
    assert again.asset == first.asset
    assert ingest(OPERATOR, factories.make_brand(), photo(), name="a.jpg").asset != first.asset


def test_own_only_members_never_learn_of_others_pictures(brand):
    ingest(OPERATOR, brand, photo(), name="a.jpg")
    member = Policy(factories.make_user("creator", brand=brand, own_only=True))
    mine = ingest(member, brand, photo(), name="a.jpg")
    assert not mine.duplicate
    assert ingest(member, brand, photo(), name="a.jpg").asset == mine.asset


@pytest.mark.parametrize(
    "data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a" + bytes(40), photo()[:900]]
)
def test_nothing_is_stored_on_refusal(brand, data, monkeypatch):
    written = []
    monkeypatch.setattr(storage, "write", lambda *args: written.append(args))
    with pytest.raises(ImageRefused):
        ingest(OPERATOR, brand, data, name="a.png")
    assert written == []
    assert not Asset.objects.exists()


def test_a_full_disk_says_so_and_leaves_nothing(brand, monkeypatch):
    real, written = storage.private().__class__.save, []

    def full_at_the_second(self, name, content, **kwargs):
        if "preview" in name:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(real(self, name, content, **kwargs))
        return written[-1]

    monkeypatch.setattr(storage.private().__class__, "save", full_at_the_second)
    with pytest.raises(StorageFailed, match=r"storage\.full"):
        ingest(OPERATOR, brand, photo(), name="a.jpg")
    assert written
    assert not storage.private().exists(written[0])
    assert not Asset.objects.exists()


def test_a_flipped_byte_is_noticed(brand):
    asset = ingest(OPERATOR, brand, photo(), name="a.jpg").asset
    path = storage.private_root() / asset.file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(StorageFailed, match=r"storage\.wrong_sum"):
        file_for(OPERATOR, asset, "full")


def test_words_change_and_the_picture_does_not(brand):
    asset = ingest(OPERATOR, brand, photo(), name="a.jpg").asset
    describe(OPERATOR, asset, title="A bottle", alt={"en": " A red bottle ", "ar": ""}, focal=(0.6, 0.4))
    fresh = Asset.objects.get(pk=asset.pk)
    assert (fresh.title, fresh.alt, fresh.focal) == ("A bottle", {"en": "A red bottle"}, (0.6, 0.4))
    with pytest.raises(InvalidRequest, match="focal_outside"):
        describe(OPERATOR, asset, focal=(1.2, 0.5))
    with pytest.raises(InvalidRequest, match="unknown_locale"):
        describe(OPERATOR, asset, alt={"<script>": "x"})
    assert describe(OPERATOR, asset, clear=frozenset({"focal"})).focal is None


def test_another_brands_picture_cannot_be_had(brand):
    asset = factories.make_asset(factories.make_brand())
    stranger = Policy(factories.make_user("manager", brand=brand))
    for which in ("preview", "full", "original"):
        with pytest.raises(NotAllowed):
            file_for(stranger, asset, which)


def test_a_preview_is_a_rendition(brand):
    asset = ingest(OPERATOR, brand, photo(), name="a.jpg").asset
    row = Rendition.objects.get(asset=asset)
    assert (row.spec, row.public, max(row.width, row.height)) == ("preview", False, 640)


# Words of several, and of two at once ------------------------------------------------------------------------------


def test_tags_are_added_to_what_is_there(brand):
    first, second = (factories.make_asset(brand, (40, 30), tags=tags) for tags in (["tea"], ["spring", "tea"]))
    changed = tag(OPERATOR, [first, second], [" Spring ", "TEA", ""])
    assert [asset.pk for asset in changed] == [first.pk]
    first.refresh_from_db()
    assert first.tags == ["tea", "spring"]
    assert "spring" in first.words
    assert Event.objects.filter(verb="asset.described").count() == 1


def test_tags_need_words_and_rights(brand):
    mine, theirs = factories.make_asset(brand, (40, 30)), factories.make_asset(factories.make_brand(), (40, 30))
    member = Policy(factories.make_user("creator", brand=brand))
    with pytest.raises(InvalidRequest, match=r"asset\.no_tag"):
        tag(member, [mine], [" , ", ""])
    with pytest.raises(NotAllowed):
        tag(member, [mine, theirs], ["tea"])
    assert not Asset.objects.exclude(tags=[]).exists()


def test_no_tag_is_dropped_without_a_word(brand):
    full = factories.make_asset(brand, (40, 30), tags=[f"tag {n}" for n in range(50)])
    free = factories.make_asset(brand, (41, 30))
    with pytest.raises(InvalidRequest, match=r"asset\.too_many_tags"):
        tag(OPERATOR, [free, full], ["spring"])
    full.refresh_from_db()
    free.refresh_from_db()
    assert (len(full.tags), free.tags) == (50, [])


def test_only_who_may_publish_puts_off_the_day_on_which_a_live_picture_comes_down(brand):
    end = timezone.now() + timedelta(days=9)
    live = factories.make_asset(brand, (40, 30), state="published", expires_at=end)
    creator, reviewer = (Policy(factories.make_user(role, brand=brand)) for role in ("creator", "reviewer"))
    for change in ({"expires_at": end + timedelta(days=1)}, {"clear": frozenset({"expires_at"})}):
        with pytest.raises(NotAllowed):
            describe(creator, live, **change)
    live.refresh_from_db()
    assert live.expires_at == end
    describe(creator, live, expires_at=end - timedelta(days=1))
    assert describe(reviewer, live, clear=frozenset({"expires_at"})).expires_at is None


def test_words_that_somebody_else_changed_are_not_written_over(brand):
    asset = factories.make_asset(brand, (40, 30))
    seen = words_digest(asset)
    describe(OPERATOR, Asset.objects.get(pk=asset.pk), tags=["theirs"])
    late = Asset.objects.get(pk=asset.pk)
    with pytest.raises(Conflict, match=r"asset\.words_changed"):
        describe(OPERATOR, late, title="Mine", seen=seen)
    late.refresh_from_db()
    assert (late.title, late.tags) == ("A bottle", ["theirs"])
    describe(OPERATOR, late, title="Mine", seen=words_digest(late))
    assert Asset.objects.get(pk=asset.pk).title == "Mine"


def test_words_saved_between_reading_and_writing_are_a_conflict(brand):
    asset = factories.make_asset(brand)
    mine, seen = Asset.objects.get(pk=asset.pk), words_digest(asset)
    describe(OPERATOR, asset, title="Theirs")
    with pytest.raises(Conflict, match="words_changed"):
        describe(OPERATOR, mine, title="Mine", seen=seen)
    assert Asset.objects.get(pk=asset.pk).title == "Theirs"


def test_a_stale_row_takes_no_words_from_what_is_live(brand):
    asset = factories.make_asset(brand, state="approved")
    stale = Asset.objects.get(pk=asset.pk)
    Asset.objects.filter(pk=asset.pk).update(state="published")
    with pytest.raises(InvalidRequest, match="alt_missing"):
        describe(OPERATOR, stale, alt={})
    assert Asset.objects.get(pk=asset.pk).alt


def test_the_same_file_twice_at_once_is_one_picture(brand, monkeypatch):
    data, others, written = photo(), [], []
    write = storage.write
    monkeypatch.setattr(storage, "write", lambda *args: written.append(write(*args)) or written[-1])

    def slowly(image):
        monkeypatch.setattr(library, "preview", renditions.preview)
        others.append(ingest(OPERATOR, brand, data, name="first.jpg"))
        return renditions.preview(image)

    monkeypatch.setattr(library, "preview", slowly)
    found = ingest(OPERATOR, brand, data, name="second.jpg")
    assert (found.duplicate, found.asset) == (True, others[0].asset)
    assert Asset.objects.count() == 1
    assert len(written) == 4
    assert [name for name in written if storage.private().exists(name)] == kept_by(found.asset)


def kept_by(asset):
    return [asset.file, asset.renditions.get().file]
