"""``studio_adopt``: what a site has already comes in once, with its words, and its files stay as they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from image_studio import storage
from image_studio.imaging.renditions import encode
from image_studio.models import Asset, Event, Rendition
from tests import factories
from tests.commands.test_commands import run  # noqa: F401 - a fixture
from tests.testapp.models import Banner, Photo, Print

pytestmark = pytest.mark.django_db
KEYS = ["row", "file", "status", "code", "message", "asset"]
IMAGE = "testapp.Photo.image"


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {"DOORBELL": "poll", "PIXEL_THREADS": 1}
    return tmp_path


@pytest.fixture(autouse=True)
def brand():
    return factories.make_brand("aurum")


def photo(hue=0, *, kind="jpeg", data=None, name="spring_tea-tin.jpg", field="image", model=Photo, **fields):
    """A row of the site with a file of its own."""
    row = model(**fields)
    data = data or factories.encoded(factories.draw_photo((120, 90), hue=hue), kind)
    getattr(row, field).save(name, ContentFile(data), save=True)
    return row


def files(root):
    """Path -> (sum, time of change) of everything below."""
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(Path(root).rglob("*"))
        if path.is_file()
    }


def statuses(lines):
    return [line["status"] for line in lines]


def test_a_picture_comes_in_with_its_words_and_where_it_came_from(run, brand):  # noqa: F811
    row = photo(alt_text="A tin of tea")
    status, (line,), _ = run("studio_adopt", IMAGE, "--brand", "aurum")
    assert status == 0
    assert list(line) == KEYS
    assert (line["row"], line["file"], line["status"], line["code"], line["message"]) == (
        str(row.pk),
        row.image.name,
        "adopted",
        "",
        "",
    )
    asset = Asset.objects.get(pk=line["asset"])
    assert (asset.brand, asset.origin, asset.kind, asset.state) == (brand, "import", "raw", "candidate")
    assert (asset.title, asset.alt) == ("spring tea tin", {"en": "A tin of tea"})
    assert storage.read(storage.private(), asset.file) == Path(row.image.path).read_bytes()
    event = Event.objects.get(verb="asset.ingested")
    assert event.data == {
        "model": "testapp.Photo",
        "row": str(row.pk),
        "field": "image",
        "sha256": asset.sha256,
        "name": "spring_tea-tin.jpg",
    }


def test_the_source_type_is_the_files_own(run):  # noqa: F811
    image = factories.draw_photo((120, 90))
    photo(data=encode(image, "webp", quality=80, source_type="trainedAlgorithmicMedia").data, name="a.webp")
    photo(5)
    _status, lines, _ = run("studio_adopt", IMAGE, "--brand", "aurum")
    types = [Asset.objects.get(pk=line["asset"]).source_type for line in lines]
    assert types == ["trainedAlgorithmicMedia", ""]


def test_a_second_run_adopts_nothing(run):  # noqa: F811
    for hue in range(3):
        photo(hue, alt_text="Tea")
    photo(1, name="the same again.jpg")
    _status, first, _ = run("studio_adopt", IMAGE, "--brand", "aurum")
    assert statuses(first) == ["adopted", "adopted", "adopted", "duplicate"]
    assert first[3]["asset"] == first[1]["asset"]
    before = Asset.objects.count(), Event.objects.count(), Rendition.objects.count(), files(storage.private_root())
    status, second, _ = run("studio_adopt", IMAGE, "--brand", "aurum")
    assert (status, statuses(second)) == (0, ["duplicate"] * 4)
    assert [line["asset"] for line in second] == [line["asset"] for line in first]
    after = Asset.objects.count(), Event.objects.count(), Rendition.objects.count(), files(storage.private_root())
    assert before == after == (3, 3, 3, before[3])


def test_the_sites_own_files_and_rows_are_not_touched(run, settings):  # noqa: F811
    photo(1)
    photo(2, data=b"no picture", name="x.jpg")
    media, rows = files(settings.MEDIA_ROOT), list(Photo.objects.values())
    with CaptureQueriesContext(
        connection,
    ) as queries:
        run("studio_adopt", IMAGE, "--brand", "aurum")
    assert files(settings.MEDIA_ROOT) == media
    assert list(Photo.objects.values()) == rows
    written = [one["sql"] for one in queries if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert written
    assert not [sql for sql in written if '"testapp_' in sql]


def test_a_dry_run_judges_all_and_writes_nothing(run, brand):  # noqa: F811
    photo(1)
    run("studio_adopt", IMAGE, "--brand", "aurum")
    photo(2)
    photo(2, name="twice.jpg")
    photo(3, data=b"no picture", name="x.jpg")
    photo(4, alt_text="A miracle of tea")
    before = Asset.objects.count(), Event.objects.count(), files(storage.private_root())
    status, lines, _ = run("studio_adopt", IMAGE, "--brand", "aurum", "--dry-run")
    told = [(line["status"], line["code"]) for line in lines]
    assert told == [
        ("duplicate", ""),
        ("new", ""),
        ("duplicate", ""),
        ("refused", "image.not_accepted"),
        ("refused", "asset.alt_term"),
    ]
    assert (Asset.objects.count(), Event.objects.count(), files(storage.private_root())) == before
    real = run("studio_adopt", IMAGE, "--brand", "aurum")
    assert (status, real[0]) == (1, 1)
    assert [line["status"].replace("adopted", "new") for line in real[1]] == statuses(lines)


def test_one_refused_file_stops_no_other(run, settings):  # noqa: F811
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "MAX_UPLOAD_BYTES": 20_000}
    photo(1)
    lost = photo(2)
    Path(lost.image.path).unlink()
    photo(3, data=b"%PDF-1.7 not a picture", name="leaflet.pdf")
    photo(4, data=b"\xff\xd8\xff" + b"0" * 30_000, name="film.jpg")
    Photo.objects.filter(pk=photo(5).pk).update(image="../../outside.jpg")
    photo(6)
    status, lines, _ = run("studio_adopt", IMAGE, "--brand", "aurum")
    assert status == 1
    assert statuses(lines) == ["adopted", "refused", "refused", "refused", "refused", "adopted"]
    assert [line["code"] for line in lines[1:5]] == [
        "file.unreadable",
        "image.not_accepted",
        "image.too_heavy",
        "file.unreadable",
    ]
    assert all(line["message"].endswith((".", "?")) and line["asset"] is None for line in lines[1:5])
    assert "outside" in lines[4]["message"]


def test_a_missing_file_that_was_never_measured_stops_no_other(run):  # noqa: F811
    photo(1, model=Banner)
    lost = photo(2, model=Banner)
    Path(lost.image.path).unlink()
    Banner.objects.update(width=None, height=None)
    photo(3, model=Banner)
    status, lines, _ = run("studio_adopt", "testapp.Banner.image", "--brand", "aurum")
    assert (status, statuses(lines)) == (1, ["adopted", "refused", "adopted"])
    assert (lines[1]["row"], lines[1]["code"]) == (str(lost.pk), "file.unreadable")


def test_a_storage_with_errors_of_its_own_stops_no_other(run, monkeypatch):  # noqa: F811
    class ClientError(Exception):
        """What an object store's client raises."""

    def refusing(self, name, mode="rb"):
        if name == away.image.name:
            raise ClientError("AccessDenied")
        return opening(self, name, mode)

    away, there = photo(1), photo(2)
    opening = FileSystemStorage._open
    monkeypatch.setattr(FileSystemStorage, "_open", refusing)
    status, lines, _ = run("studio_adopt", IMAGE, "--brand", "aurum")
    assert (status, statuses(lines)) == (1, ["refused", "adopted"])
    assert lines[0]["message"] == f"{away.image.name} cannot be read: ClientError."
    assert lines[1]["row"] == str(there.pk)


def test_a_field_of_a_parent_is_read_for_the_model_that_is_named(run):  # noqa: F811
    photo(1)
    row = photo(2, model=Print, image_alt="A tin of tea, printed")
    status, (line,), _ = run("studio_adopt", "testapp.Print.image", "--brand", "aurum")
    assert (status, line["row"], line["status"]) == (0, str(row.pk), "adopted")
    assert Asset.objects.get(pk=line["asset"]).alt == {"en": "A tin of tea, printed"}
    assert Event.objects.get(verb="asset.ingested").data["model"] == "testapp.Print"


def test_rows_without_a_file_are_no_lines(run):  # noqa: F811
    Photo.objects.create()
    Photo.objects.create(image="", leaflet=None)
    assert run("studio_adopt", IMAGE, "--brand", "aurum")[:2] == (0, [])
    assert run("studio_adopt", "testapp.Photo.leaflet", "--brand", "aurum")[:2] == (0, [])


def test_more_rows_than_a_page(run, monkeypatch):  # noqa: F811
    monkeypatch.setattr("image_studio.workflow.adoption.PAGE", 2)
    for hue in range(5):
        photo(hue)
    assert statuses(run("studio_adopt", IMAGE, "--brand", "aurum")[1]) == ["adopted"] * 5


def test_the_alt_text_comes_from_the_field_that_is_named(run):  # noqa: F811
    photo(1, alt_text="not this", words={"en": "A tin", "ar": "علبة", "de": ""})
    photo(2, alt_text="Eine Dose")
    _status, lines, _ = run("studio_adopt", IMAGE, "--brand", "aurum", "--alt", "words")
    assert Asset.objects.get(pk=lines[0]["asset"]).alt == {"en": "A tin", "ar": "علبة"}
    assert Asset.objects.get(pk=lines[1]["asset"]).alt == {}
    photo(3, alt_text="Noch eine")
    _status, lines, _ = run("studio_adopt", IMAGE, "--brand", "aurum", "--locale", "de")
    assert Asset.objects.get(pk=lines[2]["asset"]).alt == {"de": "Noch eine"}


def test_a_plain_file_field_will_do(run):  # noqa: F811
    photo(1, field="leaflet", kind="png", name="a.png")
    assert statuses(run("studio_adopt", "testapp.Photo.leaflet", "--brand", "aurum")[1]) == ["adopted"]


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (("nonsense",), "app.Model.field"),
        (("testapp.Nobody.image",), "app.Model.field"),
        (("testapp.Photo",), "app.Model.field"),
        (("testapp.Photo.alt_text",), "It has: image, leaflet."),
        (("testapp.Article.title",), "It has: -."),
        ((IMAGE, "--alt", "caption"), "caption"),
        (("testapp.Print.image", "--alt", "photo_ptr"), "photo_ptr"),
        ((IMAGE, "--brand", "nobody"), "aurum"),
    ],
)
def test_what_is_not_there_is_a_usage_error(run, args, word):  # noqa: F811
    photo()
    given = args if "--brand" in args else (*args, "--brand", "aurum")
    status, lines, words = run("studio_adopt", *given)
    assert (status, lines) == (2, [])
    assert word in words
    assert not Asset.objects.exists()
