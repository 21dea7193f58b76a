"""A person releases, and nothing unapproved can be reached."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from image_studio import signals, storage
from image_studio.brand.kit import KitFiles
from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.imaging.metadata import source_type_of
from image_studio.models import Asset, CheckResult, Event, Job, Rendition
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.wording import explain_error
from image_studio.workflow import (
    approve,
    approve_and_publish,
    change_this,
    describe,
    publish,
    reject,
    shortlist,
    withdraw,
)
from image_studio.workflow.sheet import review_actions
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
    review = approve(Policy(reviewer), asset, declaration=factories.DECLARED, note="lovely")
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
        approve(reviewer, asset, declaration=factories.DECLARED)
    with pytest.raises(NotAllowed):
        approve(reviewer, asset, declaration=factories.DECLARED, override=True, note="please")
    manager = Policy(factories.make_user("manager", brand=asset.brand))
    with pytest.raises(InvalidRequest, match="note_missing"):
        approve(manager, asset, declaration=factories.DECLARED, override=True)
    assert approve(manager, asset, declaration=factories.DECLARED, override=True, note="Art director agreed").override


def test_an_advisory_failure_does_not(asset):
    fail(asset, blocks=False)
    assert not approve(OPERATOR, asset, declaration=factories.DECLARED).override


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
        approve(OPERATOR, asset, declaration=factories.DECLARED)


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
        approve(OPERATOR, asset, declaration=factories.DECLARED)
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
    approve(OPERATOR, asset, declaration=factories.DECLARED)
    assert publish(OPERATOR, asset) == publish(OPERATOR, asset)
    assert Job.objects.count() == 1


def test_a_rejection_overtakes_a_publication(asset, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    job = approve_and_publish(OPERATOR, asset, declaration=factories.DECLARED)
    reject(OPERATOR, asset, reason="people")
    drain(job_ids=[job.pk])
    assert Asset.objects.get(pk=asset.pk).state == "rejected"
    assert not Rendition.objects.filter(asset=asset, public=True).exists()
    assert Job.objects.get(pk=job.pk).state in ("failed", "blocked", "cancelled")


def test_an_approval_anew_does_not_wake_an_earlier_publication(asset, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    job = approve_and_publish(OPERATOR, asset, declaration=factories.DECLARED)
    reject(OPERATOR, asset, reason="people")
    approve(OPERATOR, asset, declaration=factories.DECLARED)
    drain(job_ids=[job.pk])
    assert Asset.objects.get(pk=asset.pk).state == "approved"
    assert Job.objects.get(pk=job.pk).error_code == "job.overtaken"
    assert publish(OPERATOR, asset).pk != job.pk


def test_words_taken_away_while_the_files_are_made_keep_it_from_going_live(asset, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    job = approve_and_publish(OPERATOR, asset, declaration=factories.DECLARED)
    describe(OPERATOR, asset, alt={})
    drain(job_ids=[job.pk])
    assert Asset.objects.get(pk=asset.pk).state == "approved"
    assert Job.objects.get(pk=job.pk).error_code == "asset.alt_missing"
    assert not Rendition.objects.filter(asset=asset, public=True).exists()


def test_words_written_beside_the_button_go_to_those_that_are_there_by_then(asset):
    approve(OPERATOR, asset, declaration=factories.DECLARED)
    describe(OPERATOR, asset, alt={})
    stale = Asset.objects.get(pk=asset.pk)
    describe(OPERATOR, asset, alt={"en": "A bottle"})
    assert publish(OPERATOR, stale, alt={"ar": "زجاجة"})
    assert Asset.objects.get(pk=asset.pk).alt == {"en": "A bottle", "ar": "زجاجة"}


def test_words_beside_the_button_are_not_kept_where_it_may_not_go_live(asset):
    with pytest.raises(Conflict, match="wrong_state"):
        publish(OPERATOR, asset, alt={"en": "Other words"})
    assert "Other words" not in Asset.objects.get(pk=asset.pk).alt.values()


def test_withdrawing_removes_the_public_files(asset, capture, heard):
    with capture():
        approve_and_publish(OPERATOR, asset, declaration=factories.DECLARED)
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
        approve_and_publish(OPERATOR, asset, declaration=factories.DECLARED)
    assert Asset.objects.live().exists()
    Asset.objects.filter(pk=asset.pk).update(expires_at=factories.long_ago())
    assert not Asset.objects.live().exists()


def test_approve_and_publish_is_both_or_neither(asset):
    reviewer = factories.make_user("reviewer", brand=asset.brand)
    fail(asset, blocks=True)
    with pytest.raises(Conflict):
        approve_and_publish(Policy(reviewer), asset, declaration=factories.DECLARED)
    assert Asset.objects.get(pk=asset.pk).state == "candidate"
    assert not Job.objects.exists()


def test_what_is_public_when_its_rights_end_is_taken_down_by_the_worker(asset, capture, heard):
    with capture():
        approve_and_publish(OPERATOR, asset, declaration=factories.DECLARED)
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


# Three outcomes, and who answers for what -----------------------------------------------------------------------------


def test_an_approval_without_a_judge_needs_every_point_signed(asset):
    with pytest.raises(InvalidRequest) as refused:
        approve(OPERATOR, asset, declaration=["people", "minors"])
    assert refused.value.code == "review.declaration_missing"
    assert refused.value.params["missing"] == "trademarks, invented_text"
    assert approve(OPERATOR, asset, declaration=factories.DECLARED).declaration == list(factories.DECLARED)


def test_a_point_that_does_not_exist_is_refused(asset):
    with pytest.raises(InvalidRequest, match="unknown_declaration"):
        approve(OPERATOR, asset, declaration=[*factories.DECLARED, "weather"])


@pytest.mark.parametrize(("verdict", "needed"), [("pass", False), ("warn", False), ("not_run", True)])
def test_a_judgement_that_did_not_run_replaces_no_signature(asset, verdict, needed):
    CheckResult.objects.create(asset=asset, check_name="content", kind="judged", verdict=verdict, code="terms.clear")
    if needed:
        with pytest.raises(InvalidRequest, match="declaration_missing"):
            approve(OPERATOR, asset)
    else:
        assert approve(OPERATOR, asset).declaration == []


def test_who_looked_at_other_bytes_decides_nothing(asset):
    for verb in (
        lambda: approve(OPERATOR, asset, declaration=factories.DECLARED, seen="0" * 64),
        lambda: reject(OPERATOR, asset, reason="other", seen="0" * 64),
        lambda: change_this(OPERATOR, asset, note="brighter", seen="0" * 64),
    ):
        with pytest.raises(Conflict, match=r"object\.changed"):
            verb()
    assert approve(OPERATOR, asset, declaration=factories.DECLARED, seen=asset.sha256)


def test_a_kit_may_want_a_second_person():
    brand = factories.make_bare_brand()
    factories.add_revision(brand, replace(brand.kit, second_person=True), KitFiles())
    asker = factories.make_user("reviewer", brand=brand)
    asset = factories.make_asset(brand, created_by=asker)
    with pytest.raises(Conflict, match="same_person"):
        approve(Policy(asker), asset, declaration=factories.DECLARED)
    assert "approve" not in review_actions(Policy(asker), asset, (), publishing=False)
    other = factories.make_user("reviewer", brand=brand)
    assert approve(Policy(other), asset, declaration=factories.DECLARED)


def test_change_this_is_kept_with_the_picture_until_a_decision(asset, heard, capture):
    reviewer = Policy(factories.make_user("reviewer", brand=asset.brand))
    with capture():
        review = change_this(reviewer, asset, note=" less glare ", region=[0.1, 0.2, 0.3, 0.4])
    assert (review.decision, review.note, review.region) == ("change", "less glare", [0.1, 0.2, 0.3, 0.4])
    asset.refresh_from_db()
    assert (asset.state, asset.change_asked) == ("candidate", review)
    assert Event.objects.get(verb="asset.change_asked").data["region"] == [0.1, 0.2, 0.3, 0.4]
    assert heard == [signals.asset_reviewed]
    approve(reviewer, asset, declaration=factories.DECLARED)
    asset.refresh_from_db()
    assert asset.change_asked is None
    assert [row.decision for row in asset.reviews.all()] == ["approve", "change"]


@pytest.mark.parametrize(
    "region",
    [
        [0, 0, 0, 1],
        [0.5, 0, 0.6, 1],
        [-0.1, 0, 0.5, 0.5],
        [0, 0, 1],
        ["a", 0, 1, 1],
        [float("nan"), 0, 0.5, 0.5],
        [0, 0, float("inf"), 1],
        7,
    ],
)
def test_a_region_outside_the_picture_is_refused(asset, region):
    with pytest.raises(InvalidRequest, match="bad_region"):
        change_this(OPERATOR, asset, note="brighter", region=region)
    assert not asset.reviews.exists()


def test_a_change_without_words_is_refused(asset):
    with pytest.raises(InvalidRequest, match="change_empty"):
        change_this(OPERATOR, asset, note="  ")


@pytest.mark.parametrize("state", ["approved", "published", "withdrawn"])
def test_a_change_is_not_asked_of_what_is_released(asset, state):
    Asset.objects.filter(pk=asset.pk).update(state=state)
    with pytest.raises(Conflict, match="no_change_now") as refused:
        change_this(OPERATOR, asset, note="brighter")
    assert "Reject it first" in explain_error(refused.value)
    assert not asset.reviews.exists()


def test_the_shortlist_is_the_creators(asset):
    creator = Policy(factories.make_user("creator", brand=asset.brand))
    shortlist(creator, asset)
    shortlist(creator, asset)
    asset.refresh_from_db()
    assert asset.state == "shortlisted"
    assert Event.objects.filter(verb="asset.shortlisted").count() == 1
    shortlist(creator, asset, on=False)
    asset.refresh_from_db()
    assert asset.state == "candidate"
    with pytest.raises(NotAllowed):
        shortlist(Policy(factories.make_user("viewer", brand=asset.brand)), asset)
    approve(OPERATOR, asset, declaration=factories.DECLARED)
    with pytest.raises(Conflict, match="wrong_state"):
        shortlist(creator, asset)


def test_nothing_goes_live_without_words_for_those_who_cannot_see_it(asset):
    describe(OPERATOR, asset, alt={"en": "A bottle"})
    approve(OPERATOR, asset, declaration=factories.DECLARED)
    with pytest.raises(InvalidRequest) as refused:
        publish(OPERATOR, asset)
    assert (refused.value.code, refused.value.params["locales"]) == ("asset.alt_missing", "ar")
    describe(OPERATOR, asset, alt={**asset.alt, "ar": "زجاجة"})
    assert publish(OPERATOR, asset)


def test_approve_and_publish_takes_the_missing_words_with_it_or_does_nothing(asset):
    describe(OPERATOR, asset, alt={"en": "A bottle"})
    with pytest.raises(InvalidRequest, match="alt_missing"):
        approve_and_publish(OPERATOR, Asset.objects.get(pk=asset.pk), declaration=factories.DECLARED)
    assert Asset.objects.get(pk=asset.pk).state == "candidate"
    both = Asset.objects.get(pk=asset.pk)
    assert approve_and_publish(OPERATOR, both, declaration=factories.DECLARED, alt={"ar": "زجاجة"})
    assert Asset.objects.get(pk=asset.pk).alt == {"en": "A bottle", "ar": "زجاجة"}


def test_a_published_picture_keeps_its_words(asset):
    Asset.objects.filter(pk=asset.pk).update(state="published")
    asset.refresh_from_db()
    with pytest.raises(InvalidRequest, match="alt_missing"):
        describe(OPERATOR, asset, alt={"en": "A bottle"})
    assert "ar" in asset.alt
    assert "ar" in Asset.objects.get(pk=asset.pk).alt


def test_an_approval_of_another_kit_publishes_nothing(asset):
    approve(OPERATOR, asset, declaration=factories.DECLARED)
    brand = asset.brand
    factories.add_revision(brand, replace(brand.kit, voice="Quieter"), brand.revision.load_files())
    with pytest.raises(Conflict, match="not_approved_like_this"):
        publish(OPERATOR, Asset.objects.get(pk=asset.pk))
