"""Publishing: which files, from which bytes, and only if the picture still may be released."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from PIL import Image

from image_studio import signals, storage
from image_studio.models import Asset, BrandMembership, Event, Rendition
from image_studio.runner import drain, rendering
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def brand():
    return factories.make_bare_brand()


def approved(brand, **fields):
    return factories.make_asset(brand, fields.pop("size", (700, 500)), **{"state": "approved", **fields})


def render(asset, **fields):
    job = factories.make_job(asset.brand, kind="render", asset=asset, provider="", model="", n=0, **fields)
    Asset.objects.filter(pk=asset.pk).update(publish_job=job)
    drain()
    job.refresh_from_db()
    asset.refresh_from_db()
    return job


def public_files():
    root = Path(storage.public().location)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_an_approved_picture_is_published_with_files_for_every_browser(brand, django_capture_on_commit_callbacks):
    heard = []

    def hear(sender, asset, **_kwargs):
        heard.append((asset.pk, asset.state))

    signals.asset_published.connect(hear)
    try:
        asset = approved(brand)
        with django_capture_on_commit_callbacks(execute=True):
            job = render(asset, actor_label="Ada", requested_by=factories.make_user("reviewer", brand=brand))
    finally:
        signals.asset_published.disconnect(hear)
    assert (job.state, asset.state) == ("done", "published")
    assert asset.published_at is not None
    assert heard == [(asset.pk, "published")]
    rows = {row.spec: row for row in asset.renditions.filter(public=True)}
    assert set(rows) == {f"w{w}.{e}" for w in (480, 700) for e in ("avif", "webp", "jpg")}
    assert sorted(row.file for row in rows.values()) == public_files()
    for row in rows.values():
        data = storage.read(storage.public(), row.file, row.sha256)
        shown = Image.open(io.BytesIO(data))
        assert shown.size == (row.width, row.height)
        assert b"digitalCapture" in data
    event = Event.objects.get(verb="asset.published")
    assert (event.actor_label, event.actor_id) == ("Ada", str(job.requested_by_id))


def test_transparency_falls_back_to_png():
    specs = rendering.specs(2000, alpha=True)
    assert {spec.format for spec in specs} == {"avif", "webp", "png"}
    assert {spec.width for spec in specs} == {480, 960, 1440}


def test_widths_follow_the_sites_picture_uses_and_never_exceed_the_picture(settings):
    settings.IMAGE_STUDIO = {
        "PICTURES": {"hero": {"widths": [320, 2400]}},
        "RENDITION_FORMATS": ["webp", "jpeg"],
    }
    assert [(spec.width, spec.format) for spec in rendering.specs(900, alpha=False)] == [
        (width, kind) for width in (320, 480, 900) for kind in ("webp", "jpeg")
    ]


def test_client_metadata_never_reaches_a_public_file(brand):
    exif = Image.Exif()
    exif[0x010E] = "secret-client-words"
    picture = factories.draw_photo((500, 400))
    asset = approved(brand, image=picture, data=factories.encoded(picture, "jpeg", exif=exif))
    render(asset)
    for name in public_files():
        assert b"secret-client-words" not in storage.read(storage.public(), name)


REFUSED = [
    ({"state": "candidate"}, "failed", "job.asset_changed"),
    ({"state": "rejected"}, "failed", "job.asset_changed"),
    ({"expires_at": factories.long_ago()}, "blocked", "asset.expired"),
    ({"publishable": False}, "blocked", "asset.never_published"),
]


@pytest.mark.parametrize(("change", "state", "code"), REFUSED)
def test_a_picture_that_may_not_be_released_gets_no_public_file(brand, change, state, code):
    asset = approved(brand, **change)
    job = render(asset)
    assert (job.state, job.error_code) == (state, code)
    assert asset.state == change.get("state", "approved")
    assert public_files() == []


def test_a_reviewer_who_lost_the_right_publishes_nothing(brand):
    user = factories.make_user("reviewer", brand=brand)
    BrandMembership.objects.update(role="creator")
    job = render(approved(brand), requested_by=user)
    assert (job.state, job.error_code) == ("blocked", "job.rights_revoked")
    assert public_files() == []


@pytest.mark.parametrize("change", [{"state": "rejected"}, {"expires_at": factories.long_ago()}])
def test_a_picture_that_changed_while_its_files_were_made_takes_them_back(brand, monkeypatch, change):
    asset = approved(brand)
    real = rendering.files

    def files(order, filing):
        made = real(order, filing)
        assert public_files()
        return made

    def publish(order, rows):
        Asset.objects.filter(pk=asset.pk).update(**change)
        return real_publish(order, rows)

    real_publish = rendering.publish
    monkeypatch.setattr(rendering, "files", files)
    monkeypatch.setattr(rendering, "publish", publish)
    job = render(asset)
    assert (job.state, job.error_code) == ("failed", "job.asset_changed")
    assert asset.state != "published"
    assert public_files() == []
    assert not Rendition.objects.filter(public=True).exists()


def test_an_altered_original_is_not_published(brand):
    asset = approved(brand)
    Path(storage.private().path(asset.file)).write_bytes(b"other bytes")
    job = render(asset)
    assert (job.state, job.error_code) == ("failed", "storage.wrong_sum")
    assert public_files() == []


def test_a_cancelled_publication_makes_nothing(brand):
    job = render(approved(brand), cancel_requested_at=timezone.now() - timedelta(seconds=1))
    assert job.state == "cancelled"
    assert public_files() == []
