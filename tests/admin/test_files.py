"""The checked file view: who gets which bytes, and that nothing in them can run."""

from __future__ import annotations

import io

import pytest
from django.urls import reverse
from PIL import Image

from image_studio import storage
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
