"""Rows that are written once, ids that are ordered by time, small questions that rows answer."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from django.db.models import ProtectedError
from django.utils import timezone

from image_studio import storage
from image_studio.exceptions import Conflict, InvalidRequest, StorageFailed
from image_studio.models import OPERATOR, Actor, Asset, Event, Rendition, read_template, uuid7
from tests import factories


def test_ids_are_version_7_unique_and_ordered_by_time():
    first = uuid7()
    time.sleep(0.002)
    later = [uuid7() for _id in range(200)]
    assert len({first, *later}) == 201
    for made in (first, *later):
        assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert all(first < made for made in later)
    assert abs((first.int >> 80) / 1000 - time.time()) < 5
    assert isinstance(first, UUID)


def test_ids_of_one_thread_rise_within_a_millisecond_and_over_one():
    made = [uuid7() for _id in range(20_000)]
    assert all(one < following for one, following in pairwise(made))
    assert len({one.int >> 80 for one in made}) < len(made)  # Some shared their millisecond.


def test_ids_of_a_clock_that_stands_still_rise_into_the_next_millisecond(monkeypatch):
    now = time.time_ns() + 10**10
    monkeypatch.setattr(time, "time_ns", lambda: now)
    made = [uuid7() for _id in range(9_000)]
    assert made == sorted(made)
    assert (made[-1].int >> 80) - (made[0].int >> 80) in (2, 3)  # 4,096 ids a millisecond.


@pytest.mark.parametrize(("back_ms", "rises"), [(1, True), (990, True), (1_010, False), (86_400_000, False)])
def test_a_clock_that_was_set_back_a_little_is_waited_out_and_by_more_it_is_followed(monkeypatch, back_ms, rises):
    now = time.time_ns() + 10**12
    monkeypatch.setattr(time, "time_ns", lambda: now)
    before = uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: now - back_ms * 1_000_000)
    made = [uuid7() for _id in range(3)]
    assert made == sorted(made)
    assert (made[0] > before) is rises


def test_threads_make_no_id_twice():
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _run: [uuid7() for _id in range(2_000)], range(4)))
    assert len({one for run in runs for one in run}) == 8_000
    assert all(run == sorted(run) for run in runs)


@pytest.mark.django_db
def test_an_asset_changes_its_words_and_never_its_bytes():
    asset = factories.make_asset(factories.make_bare_brand(), (64, 64))
    asset.title = "Another title"
    asset.save(update_fields=["title"])
    for change in ({"update_fields": ["sha256"]}, {"update_fields": ["title", "state"]}, {}):
        with pytest.raises(Conflict) as refused:
            asset.save(**change)
        assert refused.value.code == "object.frozen"
    assert Asset.objects.get(pk=asset.pk).title == "Another title"


@pytest.mark.django_db
def test_revisions_verdicts_and_events_are_written_once():
    brand = factories.make_bare_brand()
    event = Event.objects.record(OPERATOR, "brand.made", brand)
    for row in (brand.revision, event, factories.make_prompt(brand)):
        with pytest.raises(Conflict):
            row.save()
    with pytest.raises(Conflict):
        event.delete()


@pytest.mark.django_db
def test_an_event_names_who_what_and_which_without_keys():
    brand = factories.make_bare_brand()
    user = factories.make_user()
    asset = factories.make_asset(brand, (64, 64))
    event = Event.objects.record(Actor.of(user), "asset.approved", asset, note="fine")
    user.delete()
    event.refresh_from_db()
    assert (event.actor_label, event.object_type, event.object_id) == (event.actor_label, "asset", str(asset.pk))
    assert event.actor_label.startswith("user-")
    assert (event.brand_id, event.data) == (str(brand.pk), {"note": "fine"})


@pytest.mark.django_db
def test_events_of_many_targets_are_one_insert(django_assert_num_queries):
    brand = factories.make_bare_brand()
    jobs = [factories.make_job(brand) for _job in range(3)]
    with django_assert_num_queries(1):
        Event.objects.record_all(OPERATOR, "job.cancelled", jobs)
    assert {event.object_id for event in Event.objects.all()} == {str(job.pk) for job in jobs}


@pytest.mark.django_db
def test_what_a_cell_or_a_child_uses_cannot_be_deleted():
    brand = factories.make_bare_brand()
    source = factories.make_asset(brand, (64, 64))
    factories.make_set(brand, source=source)
    parent = factories.make_asset(brand, (64, 64))
    factories.make_asset(brand, (64, 64), parent=parent, kind="composed")
    for used in (source, parent, brand):
        with pytest.raises(ProtectedError):
            used.delete()


@pytest.mark.django_db
def test_expired_pictures_are_not_live():
    brand = factories.make_bare_brand()
    now = timezone.now()
    shown = factories.make_asset(brand, (64, 64), state="published", expires_at=now + timedelta(hours=1))
    gone = factories.make_asset(brand, (64, 64), state="published", expires_at=now - timedelta(seconds=1))
    factories.make_asset(brand, (64, 64), state="approved")
    assert list(Asset.objects.live()) == [shown]
    assert (shown.expired, gone.expired) == (False, True)


def test_alt_text_falls_back_from_locale_to_language_to_any():
    asset = Asset(alt={"en": "A bottle", "de-AT": "Eine Flasche"}, locale="de-AT")
    assert asset.alt_for("en-GB") == "A bottle"
    assert asset.alt_for("fr") == "Eine Flasche"
    assert Asset(alt={}).alt_for("en") == ""
    assert Asset(alt={"ar": "زجاجة"}).alt_for("en") == "زجاجة"


def test_a_focal_point_is_whole_or_none():
    assert Asset(focal_x=0.2, focal_y=0.4).focal == (0.2, 0.4)
    assert Asset(focal_x=0.2).focal is None


@pytest.mark.django_db
def test_a_revision_reads_its_kit_and_files_and_finds_a_changed_byte():
    kit, files = factories.kit_and_files("rows")
    brand = factories.make_brand(kit=kit, files=files)
    revision = type(brand.revision).objects.get()
    assert revision.kit == kit
    assert revision.load_files() == files
    name = next(iter(revision.files.values()))
    storage.remove(storage.private(), name)
    with pytest.raises(StorageFailed) as missing:
        revision.load_files()
    assert missing.value.code == "storage.missing"


@pytest.mark.django_db
def test_a_rendition_is_one_a_spec_and_written_once():
    row = Rendition.objects.get(asset=factories.make_asset(factories.make_bare_brand(), (64, 64)))
    with pytest.raises(Conflict):
        row.save(update_fields=["file"])


@pytest.mark.django_db
def test_a_prompt_renders_its_variables_and_refuses_the_rest():
    version = factories.make_prompt(
        factories.make_bare_brand(),
        "{count} bottles, {mood}",
        variables=[
            {"name": "count", "type": "number"},
            {"name": "mood", "type": "choice", "choices": ["warm", "cold"]},
        ],
    )
    assert version.render({"count": "3", "mood": "warm"}) == "3 bottles, warm"
    for values, code in [
        ({"mood": "warm"}, "prompt.missing_variable"),
        ({"count": "many", "mood": "warm"}, "prompt.not_a_number"),
        ({"count": "1", "mood": "blue"}, "prompt.bad_choice"),
        ({"count": "1", "mood": "warm", "size": "1"}, "prompt.unknown_variable"),
    ]:
        with pytest.raises(InvalidRequest) as refused:
            version.render(values)
        assert refused.value.code == code


@pytest.mark.parametrize("template", ["{", "{}", "{0.x}", "{a!r}", "{a:>9}", "{a.b}", "{a[0]}", "  "])
def test_a_template_reaches_into_nothing(template):
    with pytest.raises(InvalidRequest) as refused:
        read_template(template, [])
    assert refused.value.code == "prompt.broken_template"
