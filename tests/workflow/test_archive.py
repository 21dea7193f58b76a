"""A set's ZIP, judged by what unpacks: names, bytes, the table, who gets it, and that nothing in it bites."""

from __future__ import annotations

import csv
import hashlib
import io
import sys
import zipfile
from datetime import timedelta
from pathlib import PurePosixPath

import pytest
from django.utils import timezone

from image_studio import storage
from image_studio.exceptions import NotAllowed, StorageFailed
from image_studio.models import Asset, Channel, Variant
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import approve, describe
from image_studio.workflow.archive import COLUMNS
from image_studio.workflow.archive import archive as verb
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()


@pytest.fixture
def made():
    """Two channels, two languages, two takes of a photograph: eight finished pictures."""
    brand = factories.make_bare_brand()
    source = factories.make_asset(brand, (400, 300))
    channels = factories.make_channels("square", "story")
    made = factories.make_set(brand, channels=channels, locales=("en", "ar"), takes=2, source=source, shrink=12)
    drain()
    return made


def small(brand=None, **fields):
    """One finished picture."""
    brand = brand or factories.make_bare_brand()
    source = factories.make_asset(brand, (160, 120))
    fields.setdefault("channels", factories.make_channels("square"))
    made = factories.make_set(brand, source=source, shrink=12, **fields)
    drain()
    return made


def unpacked(policy, made, **options):
    packed = verb(policy, made, **options)
    with packed.file, zipfile.ZipFile(packed.file) as opened:
        assert opened.testzip() is None
        members = {entry.filename: opened.read(entry) for entry in opened.infolist()}
        stored = {e.filename for e in opened.infolist() if e.compress_type == zipfile.ZIP_STORED}
        assert len(members) == len(opened.infolist())
    assert stored == set(members) - {"manifest.csv", "README.txt"}
    assert packed.pictures == len(stored)
    return members


def table(members):
    rows = list(csv.DictReader(io.StringIO(members["manifest.csv"].decode("utf-8-sig"))))
    assert all(tuple(row) == COLUMNS for row in rows)
    return rows


def test_every_picture_lies_under_a_name_that_says_what_it_is(made):
    for cell in made.variants.filter(take=0).select_related("asset"):
        approve(OPERATOR, cell.asset, declaration=factories.DECLARED)
    members = unpacked(OPERATOR, made)
    pictures = set(members) - {"manifest.csv", "README.txt"}
    assert pictures == {
        f"{apart}{channel}/{locale}/a-set-{channel}-{locale}-take-{take}.jpg"
        for channel in ("square", "story")
        for locale in ("en", "ar")
        for take, apart in ((1, ""), (2, "not-approved/"))
    }
    cell = made.variants.select_related("asset").get(channel__slug="story", locale="ar", take=0)
    data = members["story/ar/a-set-story-ar-take-1.jpg"]
    assert data == storage.read(storage.private(), cell.asset.file, cell.asset.sha256)


def test_the_table_tells_of_every_picture(made):
    first = made.variants.select_related("asset").first().asset
    describe(OPERATOR, first, alt={"en": "A red bottle, again"})
    approve(OPERATOR, first, declaration=factories.DECLARED)
    members = unpacked(OPERATOR, made)
    rows = table(members)
    assert len(rows) == 8
    for row in rows:
        assert hashlib.sha256(members[row["file"]]).hexdigest() == row["sha256"]
        assert int(row["passed"]) + int(row["warned"]) + int(row["failed"]) + int(row["not_run"]) > 3
        assert row["note"] == ""
    assert (rows[0]["channel"], rows[0]["locale"], rows[0]["take"]) == ("square", "en", "1")
    assert (rows[0]["state"], rows[0]["alt"]) == ("approved", "A red bottle, again")
    counts = [first.verdicts.filter(verdict=v).count() for v in ("pass", "warn", "fail", "not_run")]
    assert [int(rows[0][name]) for name in ("passed", "warned", "failed", "not_run")] == counts
    assert {row["alt"] for row in rows if row["locale"] == "ar"} == {"زجاجة حمراء على طاولة"}


def test_what_is_not_approved_is_named_as_such(made):
    note = unpacked(OPERATOR, made)["README.txt"].decode()
    assert "8 of 8" in note
    assert "8 pictures in the folder not-approved are not approved: for judging only" in note


def test_only_approved_leaves_the_others_out(made):
    cell = made.variants.select_related("asset").first()
    approve(OPERATOR, cell.asset, declaration=factories.DECLARED)
    members = unpacked(OPERATOR, made, only_approved=True)
    assert set(members) == {"manifest.csv", "README.txt", "square/en/a-set-square-en-take-1.jpg"}
    assert len(table(members)) == 1


def test_a_picture_past_its_rights_is_none_to_use(made):
    asset = made.variants.select_related("asset").first().asset
    approve(OPERATOR, asset, declaration=factories.DECLARED)
    Asset.objects.filter(pk=asset.pk).update(expires_at=timezone.now() - timedelta(days=1))
    members = unpacked(OPERATOR, made)
    assert "not-approved/square/en/a-set-square-en-take-1.jpg" in members
    assert table(members)[0]["note"] == "Its rights have ended: don't use it."
    assert len(unpacked(OPERATOR, made, only_approved=True)) == 2


def test_a_missing_and_an_altered_file_are_told_and_the_rest_still_comes(made):
    missing, altered, *_rest = made.variants.select_related("asset").order_by("position")
    private = storage.private()
    storage.remove(private, missing.asset.file)
    storage.remove(private, altered.asset.file)
    storage.write(private, altered.asset.file, b"something else")
    members = unpacked(OPERATOR, made)
    assert len(members) == 8 - 2 + 2
    rows = table(members)
    assert [row["file"] for row in rows[:2]] == ["", ""]
    assert "missing" in rows[0]["note"]
    assert "bytes changed" in rows[1]["note"]


def test_cells_without_a_picture_say_why(made):
    cell = made.variants.first()
    Variant.objects.filter(pk=cell.pk).update(state="compose_failed", asset=None, error_code="variant.no_picture")
    waiting = made.variants.last()
    Variant.objects.filter(pk=waiting.pk).update(state="waiting")  # composed anew just now
    rows = table(unpacked(OPERATOR, made))
    assert (rows[0]["state"], rows[0]["file"]) == ("compose_failed", "")
    assert "never came" in rows[0]["note"]
    assert rows[-1]["file"] == ""


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "etcpasswd"),
        ("Spring / Summer: 50 % off", "spring-summer-50-off"),
        ("حملة الربيع", None),
        ("\\..\\C:\\x", "cx"),
        ("a" * 200, "a" * 60),
    ],
)
def test_no_title_reaches_a_path(title, name):
    made = small()
    made.title = title
    made.save()
    name = name or f"set-{made.pk.hex[-8:]}"
    packed = verb(OPERATOR, made)
    packed.file.close()
    assert packed.name == f"{name}.zip"
    (path,) = set(unpacked(OPERATOR, made)) - {"manifest.csv", "README.txt"}
    assert path == f"not-approved/square/en/{name}-square-en-take-1.jpg"


@pytest.mark.parametrize(
    ("slug", "folder"), [("../up", "up"), ("con", "con-"), ("..", "channel"), ("a/b\nc", "a-b-c"), ("LPT1", "LPT1-")]
)
def test_no_channel_reaches_a_path(slug, folder):
    made = small()
    Channel.objects.filter(slug="square").update(slug=slug)
    (path,) = set(unpacked(OPERATOR, made)) - {"manifest.csv", "README.txt"}
    assert path.split("/")[1] == folder
    assert ".." not in PurePosixPath(path).parts


def test_names_that_become_equal_are_kept_apart():
    made = small(channels=factories.make_channels("square", "story"))
    Channel.objects.filter(slug="square").update(slug="a b")
    Channel.objects.filter(slug="story").update(slug="A_B")
    paths = set(unpacked(OPERATOR, made)) - {"manifest.csv", "README.txt"}
    assert len({path.lower() for path in paths}) == 2


@pytest.mark.parametrize("words", ['=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(1)", "\t=1", " =1", "＝1", "|x"])
def test_no_word_becomes_a_formula(words):
    made = small()
    Asset.objects.filter(kind="composed").update(alt={"en": words})
    (row,) = table(unpacked(OPERATOR, made))
    assert row["alt"].startswith("'")
    assert row["alt"][1:] == words.strip()


def test_it_costs_the_same_queries_for_any_size(made, django_assert_num_queries):
    one = small(made.brand)
    for each in (one, made):
        with django_assert_num_queries(3):
            verb(OPERATOR, each).file.close()


def test_only_who_sees_the_set_gets_it(made):
    brand = made.brand
    viewer = Policy(factories.make_user("viewer", brand=brand))
    assert len(unpacked(viewer, made)) == 10
    stranger = factories.make_user("manager", brand=factories.make_bare_brand())
    own_only = factories.make_user("creator", brand=brand, own_only=True)
    for user in (stranger, own_only, factories.make_user()):
        with pytest.raises(NotAllowed):
            verb(Policy(user), made)


def test_pictures_that_somebody_may_not_see_are_told_without_their_bytes():
    brand = factories.make_bare_brand()
    user = factories.make_user("creator", brand=brand, own_only=True)
    made = small(brand)
    type(made).objects.filter(pk=made.pk).update(requested_by=user)
    made.refresh_from_db()
    members = unpacked(Policy(user), made)
    assert set(members) == {"manifest.csv", "README.txt"}
    assert table(members)[0]["sha256"] == ""


def test_an_original_is_never_in_it():
    """A cell shows composed files; should one ever show an original, it is written anew."""
    data = factories.encoded(factories.draw_photo((300, 200)), "jpeg", comment=b"secret-client-words")
    brand = factories.make_bare_brand()
    original = factories.make_asset(brand, (300, 200), data=data)
    made = small(brand)
    made.variants.update(asset=original)
    members = unpacked(OPERATOR, made)
    assert not any(b"secret" in content for content in members.values())
    assert any(name.endswith(".webp") for name in members)


def test_a_large_one_goes_to_disk_and_a_full_disk_is_an_error_with_a_name(made, monkeypatch):
    monkeypatch.setattr(sys.modules["image_studio.workflow.archive"], "IN_MEMORY", 1000)
    assert len(unpacked(OPERATOR, made)) == 10

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(StorageFailed, match=r"storage\.full"):
        verb(OPERATOR, made)


def test_an_empty_set_is_an_archive_too():
    made = factories.make_set(factories.make_bare_brand(), channels=factories.make_channels("square"))
    members = unpacked(OPERATOR, made)
    assert set(members) == {"manifest.csv", "README.txt"}
    (row,) = table(members)
    assert (row["state"], row["file"]) == ("waiting", "")
