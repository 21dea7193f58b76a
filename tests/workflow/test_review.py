"""A person releases, and nothing unapproved can be reached."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from image_studio import signals, storage
from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.imaging.metadata import source_type_of
from image_studio.models import Asset, CheckResult, Event, Job, Rendition
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import approve, approve_and_publish, publish, reject, withdraw
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()


@pytest.fixture
def asset():
    return factories.make_asset(factories.make_brand())


@pytest.fixture
def capture(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def heard():
    """Which signals were sent."""
    got = []

    def hear(signal, **kwargs):
        got.append(signal)

    every = (signals.asset_published, signals.asset_withdrawn, signals.asset_reviewed)
    for signal in every:
        signal.connect(hear)
    yield got
    for signal in every:
        signal.disconnect(hear)


def fail(asset, *, blocks):
    return CheckResult.objects.create(
        asset=asset, check_name="contrast", kind="measured", verdict="fail", blocks=blocks, code="contrast.low"
    )


def test_approval_binds_to_the_bytes(asset):
    reviewer = factories.make_user("reviewer", brand=asset.brand)
    review = approve(Policy(reviewer), asset, note="lovely")
    assert (review.decision, review.sha256, review.reviewer) == ("approve", asset.sha256, reviewer)
    assert Asset.objects.get(pk=asset.pk).state == "approved"
    assert Event.objects.get(verb="asset.approved").actor_label == reviewer.get_username()


def test_a_creator_may_not_release(asset):
    creator = Policy(factories.make_user("creator", brand=asset.brand))
    for verb in (approve, publish, withdraw):
        with pytest.raises(NotAllowed):
            verb(creator, asset)


def test_a_blocking_failure_disables_approval(asset):
    fail(asset, blocks=True)
    reviewer = Policy(factories.make_user("reviewer", brand=asset.brand))
    with pytest.raises(Conflict, match=r"asset\.blocked"):
        approve(reviewer, asset)
    with pytest.raises(NotAllowed):
        approve(reviewer, asset, override=True, note="please")
    manager = Policy(factories.make_user("manager", brand=asset.brand))
    with pytest.raises(InvalidRequest, match="note_missing"):
        approve(manager, asset, override=True)
    assert approve(manager, asset, override=True, note="Art director agreed").override


def test_an_advisory_failure_does_not(asset):
    fail(asset, blocks=False)
    assert not approve(OPERATOR, asset).override


def test_a_stand_in_is_never_released(asset):
    Asset.objects.filter(pk=asset.pk).update(publishable=False)
    asset.refresh_from_db()
    for verb in (approve, publish):
        with pytest.raises(Conflict, match="never_published"):
            verb(OPERATOR, asset)


def test_ended_rights_are_not_released(asset):
    Asset.objects.filter(pk=asset.pk).update(expires_at=factories.long_ago())
    asset.refresh_from_db()
    with pytest.raises(Conflict, match=r"asset\.expired"):
        approve(OPERATOR, asset)


def test_rejecting_takes_a_reason(asset):
    with pytest.raises(InvalidRequest, match="unknown_reason"):
        reject(OPERATOR, asset, reason="dunno")
    assert reject(OPERATOR, asset, reason="wrong_crop", note="her head").note == "her head"
    with pytest.raises(Conflict, match="wrong_state"):
        publish(OPERATOR, asset)


def test_nobody_publishes_what_nobody_approved(asset):
    with pytest.raises(Conflict, match="wrong_state"):
        publish(OPERATOR, asset)
    assert not Job.objects.exists()


def test_publishing_makes_public_files_that_carry_the_source_type(asset, capture, heard):
    with capture():
        approve(OPERATOR, asset)
        publish(OPERATOR, asset)
    fresh = Asset.objects.get(pk=asset.pk)
    rows = Rendition.objects.filter(asset=asset, public=True)
    assert fresh.state == "published"
    assert fresh.published_at
    assert {row.format for row in rows} == {"avif", "webp", "jpeg"}
    for row in rows:
        data = storage.read(storage.public(), row.file, row.sha256)
        assert source_type_of(Image.open(io.BytesIO(data))) == "digitalCapture", row.format
    assert signals.asset_published in heard


def test_asking_twice_is_one_job(asset, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    approve(OPERATOR, asset)
    assert publish(OPERATOR, asset) == publish(OPERATOR, asset)
    assert Job.objects.count() == 1


def test_a_rejection_overtakes_a_publication(asset, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    job = approve_and_publish(OPERATOR, asset)
    reject(OPERATOR, asset, reason="people")
    drain(job_ids=[job.pk])
    assert Asset.objects.get(pk=asset.pk).state == "rejected"
    assert not Rendition.objects.filter(asset=asset, public=True).exists()
    assert Job.objects.get(pk=job.pk).state in ("failed", "blocked", "cancelled")


def test_withdrawing_removes_the_public_files(asset, capture, heard):
    with capture():
        approve_and_publish(OPERATOR, asset)
    names = list(Rendition.objects.filter(asset=asset, public=True).values_list("file", flat=True))
    assert names
    assert all(storage.public().exists(name) for name in names)
    with capture():
        withdraw(OPERATOR, asset, note="season over")
    assert not any(storage.public().exists(name) for name in names)
    assert not Rendition.objects.filter(asset=asset, public=True).exists()
    assert not Asset.objects.live().exists()
    assert signals.asset_withdrawn in heard
    with pytest.raises(Conflict, match="wrong_state"):
        withdraw(OPERATOR, asset)


def test_an_expired_picture_is_not_live(asset, capture):
    with capture():
        approve_and_publish(OPERATOR, asset)
    assert Asset.objects.live().exists()
    Asset.objects.filter(pk=asset.pk).update(expires_at=factories.long_ago())
    assert not Asset.objects.live().exists()


def test_approve_and_publish_is_both_or_neither(asset):
    reviewer = factories.make_user("reviewer", brand=asset.brand)
    fail(asset, blocks=True)
    with pytest.raises(Conflict):
        approve_and_publish(Policy(reviewer), asset)
    assert Asset.objects.get(pk=asset.pk).state == "candidate"
    assert not Job.objects.exists()


def test_what_is_public_when_its_rights_end_is_taken_down_by_the_worker(asset, capture, heard):
    with capture():
        approve_and_publish(OPERATOR, asset)
    names = list(Rendition.objects.filter(asset=asset, public=True).values_list("file", flat=True))
    drain()
    assert all(storage.public().exists(name) for name in names)
    Asset.objects.filter(pk=asset.pk).update(expires_at=factories.long_ago())
    with capture():
        drain()
    assert Asset.objects.get(pk=asset.pk).state == "withdrawn"
    assert names
    assert not any(storage.public().exists(name) for name in names)
    assert signals.asset_withdrawn in heard
    assert Event.objects.get(verb="asset.withdrawn").actor_label == "worker"
