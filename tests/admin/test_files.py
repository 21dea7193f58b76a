"""The checked file view: who gets which bytes, and that nothing in them can run."""

from __future__ import annotations

import io

import pytest
from django.urls import reverse
from PIL import Image

from image_studio import storage
from image_studio.admin.files import download
from image_studio.models import uuid7
from image_studio.policy import Policy
from image_studio.workflow import archive, ingest
from tests import factories
from tests.admin.conftest import make_staff, signed_in
from tests.corpus import corpus

pytestmark = pytest.mark.django_db
WHICH = ("preview", "full", "original")


@pytest.fixture
def asset(brand):
    return factories.make_asset(brand, (400, 300))


def url_of(asset, which="preview", name="image_studio:picture"):
    return reverse(name, args=[asset.pk, which])


def test_a_member_sees_the_picture_with_every_lock_on(as_role, asset):
    response = as_role("viewer").get(url_of(asset))
    assert response.status_code == 200
    assert response["Content-Type"] == "image/webp"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["Cache-Control"] == "private, no-cache"
    assert response["Content-Disposition"].startswith("inline")
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert int(response["Content-Length"]) == len(response.content)


@pytest.mark.parametrize("which", WHICH)
def test_everybody_else_finds_nothing(client, brand, asset, which):
    stranger = signed_in(make_staff("manager", brand=factories.make_brand()))
    own_only = signed_in(make_staff("manager", brand=brand, own_only=True))
    for visitor in (client, stranger, own_only):
        assert visitor.get(url_of(asset, which)).status_code == 404


@pytest.mark.parametrize(("role", "status"), [("viewer", 404), ("creator", 404), ("reviewer", 404), ("manager", 200)])
def test_the_original_is_the_managers_and_an_attachment(as_role, asset, role, status):
    response = as_role(role).get(url_of(asset, "original"))
    assert response.status_code == status
    if status == 200:
        assert response["Content-Disposition"].startswith("attachment")
        assert response.content == storage.read(storage.private(), asset.file)


def test_the_full_picture_is_written_anew(as_role, brand):
    data = corpus("valid_odd/ori__Landscape_6.jpg").read_bytes()
    image = Image.open(io.BytesIO(data))
    asset = factories.make_asset(brand, image=image, data=data + b"<script>alert(1)</script>")
    response = as_role("viewer").get(url_of(asset, "full"))
    assert b"<script>" not in response.content
    served = Image.open(io.BytesIO(response.content))
    assert served.width > served.height
    assert not served.getexif()


def test_an_unchanged_picture_is_not_sent_again_but_the_right_is_asked_again(as_role, brand, asset):
    viewer = as_role("viewer")
    etag = viewer.get(url_of(asset))["ETag"]
    again = viewer.get(url_of(asset), headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    brand.memberships.all().delete()
    assert viewer.get(url_of(asset), headers={"If-None-Match": etag}).status_code == 404


def test_a_missing_file_is_an_answer_and_no_traceback(as_role, asset):
    storage.remove(storage.private(), asset.renditions.get(spec="preview").file)
    response = as_role("viewer").get(url_of(asset))
    assert response.status_code == 503
    assert response["Content-Type"].startswith("text/plain")


def test_only_three_kinds_and_only_reading(as_role, asset):
    viewer = as_role("viewer")
    assert viewer.get(url_of(asset, "passwd")).status_code == 404
    assert viewer.post(url_of(asset)).status_code == 405
    assert viewer.head(url_of(asset)).status_code == 200


def test_the_admins_own_address_serves_the_same(as_role, asset):
    viewer = as_role("viewer")
    response = viewer.get(url_of(asset, name="admin:image_studio_asset_picture"))
    assert response.content == viewer.get(url_of(asset)).content
    assert response["Cache-Control"] == "private, no-cache"


# Originals -----------------------------------------------------------------------------------------------------------

SECRET = b"secret-client-words"


def uploaded(brand, kind):
    """A picture as it comes from a client, with words in it that are nobody's business."""
    image = factories.draw_photo((240, 180), hue=7)
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x8825] = {1: "N", 2: (52.0, 30.0, 0.0)}
    data = factories.encoded(image, kind, exif=exif) + SECRET
    return ingest(Policy.operator(), brand, data, name=f"photo.{kind}").asset, data


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_the_original_leaves_for_nobody_but_a_manager(as_role, brand, kind):
    asset, data = uploaded(brand, kind)
    for role in ("viewer", "creator", "reviewer"):
        member = as_role(role)
        for name in ("image_studio:picture", "admin:image_studio_asset_picture"):
            address = url_of(asset, "original", name)
            # A tag that somebody guessed must not say "unchanged" either.
            tag = {"If-None-Match": f'W/"{asset.pk.hex}-original", *'}
            assert [member.get(address).status_code, member.head(address).status_code] == [404, 404]
            assert member.get(address, headers=tag).status_code == 404
            for which in ("preview", "full"):
                served = member.get(url_of(asset, which, name)).content
                assert SECRET not in served
                assert served != data
                assert not Image.open(io.BytesIO(served)).getexif()
    assert as_role("manager").get(url_of(asset, "original")).content == data


def test_no_role_in_another_brand_opens_an_original(brand, as_role):
    asset, _data = uploaded(brand, "jpeg")
    assert as_role("manager", of=factories.make_brand()).get(url_of(asset, "original")).status_code == 404


# Early versions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def working(brand, settings):
    """A job that is under way and has something to show."""
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    made = factories.make_set(brand, channels=factories.make_channels("square"))
    name = storage.write(storage.private(), storage.fresh_name("partials", "webp"), b"early")
    made.jobs.update(state="sending", partials={"0": {"file": name, "number": 0, "format": "webp"}})
    return made.jobs.get()


ADDRESSES = ("image_studio:partial", "admin:image_studio_job_partial")


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_member_sees_an_early_version_that_nobody_keeps(as_role, working, name):
    response = as_role("viewer").get(reverse(name, args=[working.pk, 0]))
    assert (response.status_code, response.content) == (200, b"early")
    assert response["Content-Type"] == "image/webp"
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert not response.has_header("ETag")


@pytest.mark.parametrize("name", ADDRESSES)
def test_nobody_else_sees_it_and_neither_does_anybody_afterwards(client, as_role, brand, working, name):
    address = reverse(name, args=[working.pk, 0])
    for visitor in (as_role("manager", of=factories.make_brand()), as_role("creator", own_only=True)):
        assert visitor.get(address).status_code == 404
    assert client.get(address).status_code in (302, 404)
    viewer = as_role("viewer")
    assert viewer.get(reverse(name, args=[working.pk, 1])).status_code == 404
    assert viewer.get(reverse(name, args=[uuid7(), 0])).status_code == 404
    assert viewer.post(address).status_code == 405
    working.state = "done"
    working.save()
    assert viewer.get(address).status_code == 404


def test_an_early_version_on_a_broken_disk_is_an_answer_and_no_traceback(as_role, working, monkeypatch):
    def broken(*_args):
        raise OSError(5, "Input/output error")

    viewer = as_role("viewer")
    monkeypatch.setattr(type(storage.private()), "open", broken)
    response = viewer.get(reverse("image_studio:partial", args=[working.pk, 0]))
    assert (response.status_code, response["Content-Type"]) == (503, "text/plain; charset=utf-8")


def test_a_sets_archive_is_an_attachment_that_nobody_keeps(brand):
    made = factories.make_set(brand, channels=factories.make_channels("square"))
    response = download(archive(Policy.operator(), made))
    content = b"".join(response)
    response.close()
    assert content.startswith(b"PK")
    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"] == 'attachment; filename="a-set.zip"'
    assert int(response["Content-Length"]) == len(content)
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
