"""A job's whole way, judged from outside: rights, files, events, cancels, recomposing, full disks, zombies."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.files.storage import storages
from django.utils import timezone
from PIL import Image

from image_studio import states, storage, testing
from image_studio.brand.kit import Kit, KitFiles, Layout, LogoPlacement, TextPlacement
from image_studio.models import Asset, Attempt, BrandMembership, Event, Job, Rendition, Variant, uuid7
from image_studio.runner import drain, flow, leases, marks, produce, saving, sweep, work
from image_studio.runner.worker import Worker
from image_studio.storage import Spool
from tests import factories
from tests.fakes.storage import FullDisk

pytestmark = pytest.mark.django_db

FAKE = {"provider": "fake", "model": "fake-1"}


def bought(brand=None, *, channels=("square",), takes=1, **fields):
    """A set of the fake provider on a bare brand."""
    brand = brand or factories.make_bare_brand()
    shown = factories.make_channels(*channels)
    return factories.make_set(brand, channels=shown, takes=takes, shrink=6, **{**FAKE, **fields})


# What is left afterwards ---------------------------------------------------------------------------------------------


def test_the_providers_bytes_are_kept_exactly_and_the_composed_file_says_what_is_true(fake):
    fake()
    made = bought(factories.make_brand(), locales=("ar",))
    drain()
    cell = made.variants.select_related("asset__parent").get()
    raw, composed = cell.asset.parent, cell.asset
    request = work.PictureRequest.from_dict(made.jobs.get().request)
    data = storage.read(storage.private(), raw.file, raw.sha256)
    assert data == testing.picture(request)
    assert (raw.kind, raw.origin, raw.source_type) == ("raw", "provider", "trainedAlgorithmicMedia")
    assert raw.recipe["request"] == request.to_dict()
    assert raw.recipe["request_id"] == "fake-0"

    file = storage.read(storage.private(), composed.file, composed.sha256)
    assert Image.open(io.BytesIO(file)).size == composed.size == (180, 180)
    assert b"compositeWithTrainedAlgorithmicMedia" in file
    assert composed.source_type == "compositeWithTrainedAlgorithmicMedia"
    layers = {layer["name"]: layer for layer in composed.recipe["layers"]}
    assert layers["headline"]["text"] == "طازج كل يوم"
    assert composed.recipe["label"] == "label_ai"
    assert (composed.channel.slug, composed.locale, composed.revision_id) == ("square", "ar", made.revision_id)


def test_every_asset_gets_a_small_private_preview(fake):
    fake()
    bought(takes=2)
    drain()
    for asset in Asset.objects.all():
        row = asset.renditions.get()
        assert (row.spec, row.public, row.format) == ("preview", False, "webp")
        small = Image.open(io.BytesIO(storage.read(storage.private(), row.file, row.sha256)))
        assert small.size == (row.width, row.height)


def test_every_state_change_of_a_job_and_its_cells_has_one_event(fake):
    fake("unavailable", "ok")
    made = bought()
    drain(wait=False)
    Job.objects.update(available_at=factories.long_ago())
    drain()
    job, cell = made.jobs.get(), made.variants.get()
    verbs = list(Event.objects.filter(object_id=str(job.pk)).order_by("id").values_list("verb", flat=True))
    assert verbs == [
        *("job.leased", "job.sending", "job.requeued"),
        *("job.leased", "job.sending", "job.spooled", "job.done"),
    ]
    assert list(Event.objects.filter(object_id=str(cell.pk)).values_list("verb", flat=True)) == ["variant.ready"]
    assert Event.objects.filter(object_id=str(made.pk)).values_list("verb", flat=True).get() == "set.finished"


def test_a_stand_in_is_never_publishable_and_says_so():
    brand = factories.make_brand()
    made = factories.make_set(brand, channels=factories.make_channels("square"), shrink=3)
    drain()
    asset = made.variants.get().asset
    assert (asset.publishable, asset.parent.publishable) == (False, False)
    assert asset.recipe["label"] == "label_placeholder"


def test_a_reframed_photograph_is_publishable_has_no_label_and_keeps_words_and_rights():
    brand = factories.make_brand()
    until = timezone.now() + timedelta(days=30)
    source = factories.make_asset(brand, rights_owner="A photographer", licence="RM", expires_at=until, tags=["x"])
    made = factories.make_set(brand, channels=factories.make_channels("story"), source=source, shrink=3)
    drain()
    asset = made.variants.get().asset
    assert asset.publishable
    assert asset.recipe["label"] == ""
    assert asset.source_type not in ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "")
    for derived in (asset, asset.parent):
        assert (derived.alt, derived.title, derived.tags) == (source.alt, source.title, ["x"])
        assert (derived.rights_owner, derived.licence, derived.expires_at) == ("A photographer", "RM", until)


def test_a_provider_gets_a_clean_copy_and_never_the_clients_file(fake):
    ledger = fake()
    brand = factories.make_bare_brand()
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (52.0, 30.0, 0.0)}
    exif[0x010E] = "secret-client-words"
    picture = factories.draw_photo((400, 300))
    data = factories.encoded(picture, "jpeg", exif=exif)
    source = factories.make_asset(brand, image=picture, data=data)
    seen = []

    class Spy(testing.Provider):
        async def run(self, request, inputs, **kwargs):
            seen.extend(inputs)
            return await super().run(request, inputs, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "provider_of", lambda job: Spy("fake", ledger=str(ledger)))
        bought(brand, source=source)
        drain()
    (given,) = seen
    assert given.data != data
    assert b"secret-client-words" not in given.data
    clean = Image.open(io.BytesIO(given.data))
    assert (clean.format, clean.size, dict(clean.getexif())) == ("PNG", (400, 300), {})
    assert (given.mime, given.name, given.source_type) == ("image/png", "source.png", "digitalCapture")
    assert given.ref.asset == str(source.pk)


# Rights, asked for again ---------------------------------------------------------------------------------------------


def blocked(ledger, made):
    job = made.jobs.get()
    assert job.attempts.count() == 0
    assert testing.calls(ledger) == []
    assert made.variants.get().state == "waiting"
    return job.state, job.error_code


def test_a_membership_that_ended_means_no_charge(fake):
    ledger = fake()
    brand = factories.make_bare_brand()
    made = bought(brand, requested_by=factories.make_user("creator", brand=brand))
    BrandMembership.objects.all().delete()
    drain()
    assert blocked(ledger, made) == ("blocked", "job.rights_revoked")


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"is_active": False}])
def test_a_right_that_was_taken_away_means_no_charge(fake, change):
    ledger = fake()
    brand = factories.make_bare_brand()
    user = factories.make_user("creator", brand=brand)
    made = bought(brand, requested_by=user)
    if "role" in change:
        BrandMembership.objects.update(**change)
    else:
        user.is_active = False
        user.save()
    drain()
    assert blocked(ledger, made) == ("blocked", "job.rights_revoked")


def test_a_member_and_a_deleted_user_are_told_apart(fake):
    ledger = fake()
    brand = factories.make_bare_brand()
    user = factories.make_user("creator", brand=brand)
    made, orphaned = bought(brand, requested_by=user), bought(brand, requested_by=user)
    Job.objects.filter(variant_set=orphaned).update(requested_by=None)
    drain()
    assert made.jobs.get().state == "done"
    assert (orphaned.jobs.get().state, orphaned.jobs.get().error_code) == ("blocked", "job.rights_revoked")
    assert len(testing.charges(ledger)) == 1


SOURCES = [
    ({"expires_at": factories.long_ago()}, "blocked", "job.source_expired"),
    ({"state": "rejected"}, "blocked", "job.source_rejected"),
    ({"state": "withdrawn"}, "blocked", "job.source_rejected"),
    ({"sha256": "0" * 64}, "failed", "job.source_missing"),
]


@pytest.mark.parametrize(("change", "state", "code"), SOURCES)
def test_a_source_that_may_not_be_used_any_more_means_no_charge(fake, change, state, code):
    ledger = fake()
    brand = factories.make_bare_brand()
    source = factories.make_asset(brand, (300, 200))
    made = bought(brand, source=source)
    Asset.objects.filter(pk=source.pk).update(**change)
    drain()
    assert blocked(ledger, made) == (state, code)


def test_another_brands_picture_is_no_source(fake):
    ledger = fake()
    made = bought(source=factories.make_asset(factories.make_bare_brand(), (300, 200)))
    drain()
    assert blocked(ledger, made) == ("failed", "job.source_missing")


def test_someone_who_sees_only_own_pictures_uses_only_those(fake):
    ledger = fake()
    brand = factories.make_bare_brand()
    user = factories.make_user("creator", brand=brand, own_only=True)
    theirs = bought(brand, requested_by=user, source=factories.make_asset(brand, (300, 200)))
    own = bought(brand, requested_by=user, source=factories.make_asset(brand, (300, 200), created_by=user))
    drain()
    assert theirs.jobs.get().error_code == "job.rights_revoked"
    assert own.jobs.get().state == "done"
    assert len(testing.charges(ledger)) == 1


def test_an_altered_source_file_is_found_before_anything_is_sent(fake):
    ledger = fake()
    brand = factories.make_bare_brand()
    source = factories.make_asset(brand, (300, 200))
    path = Path(storage.private().path(source.file))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    made = bought(brand, source=source)
    drain()
    assert blocked(ledger, made) == ("failed", "storage.wrong_sum")


# Cancels -------------------------------------------------------------------------------------------------------------


def test_a_cancel_that_came_before_the_call_costs_nothing(fake):
    ledger = fake()
    made = bought()
    made.jobs.update(cancel_requested_at=timezone.now())
    drain()
    job = made.jobs.get()
    assert (job.state, job.error_code) == ("cancelled", "")
    assert job.ended_at is not None
    assert testing.calls(ledger) == []


def during_the_call(monkeypatch, act):
    """Do something in the database between the call and its answer."""
    real = marks.sending

    def sending(*args):
        lease = real(*args)
        act(lease)
        return lease

    monkeypatch.setattr(marks, "sending", sending)


def test_a_cancel_during_the_call_keeps_the_result_marked_unwanted(fake, monkeypatch):
    ledger = fake()
    made = bought(takes=2)
    asked = timezone.now()
    during_the_call(monkeypatch, lambda lease: lease.rows.update(cancel_requested_at=asked))
    drain()
    job = made.jobs.get()
    assert (job.state, job.cost_micro_usd) == ("done", 80_000)
    assert len(testing.charges(ledger)) == 1
    raws = [output.asset for output in job.outputs.all()]
    assert [asset.recipe["unwanted"] for asset in raws] == [True, True]
    assert {cell.state for cell in made.variants.all()} == {"cancelled"}
    assert Asset.objects.filter(kind="composed").count() == 0
    assert Event.objects.filter(verb="job.unwanted").count() == 1
    named = {row.file for row in Asset.objects.all()} | {row.file for row in Rendition.objects.all()}
    assert stored_names() == named


def stored_names():
    root = Path(storage.private_root()) / "image_studio"
    found = {str(path.relative_to(root.parent)) for path in root.rglob("*") if path.is_file()}
    return {name for name in found if "/kits/" not in name}


def test_a_cell_that_was_cancelled_meanwhile_leaves_no_file(fake, monkeypatch):
    fake()
    made = bought(takes=2)
    gone = made.variants.first()
    during_the_call(monkeypatch, lambda lease: states.VARIANT.move(Variant.objects.filter(pk=gone.pk), "cancelled"))
    drain()
    assert sorted(made.variants.values_list("state", flat=True)) == ["cancelled", "ready"]
    assert Asset.objects.filter(kind="composed").count() == 1
    named = {row.file for row in Asset.objects.all()} | {row.file for row in Rendition.objects.all()}
    assert stored_names() == named


# Composing -----------------------------------------------------------------------------------------------------------


def impossible_brand():
    """A kit whose headline can never be drawn: the layout demands a line that is not there."""
    kit, files = factories.kit_and_files(
        "tight",
        lines=(),
        layouts=(Layout(channel="story", texts=(TextPlacement(line="headline", optional=False),)), Layout()),
    )
    return factories.make_brand(kit=kit, files=files)


def test_a_cell_that_cannot_be_composed_costs_neither_the_picture_nor_the_others(fake):
    ledger = fake()
    made = bought(impossible_brand(), channels=("square", "story"))
    drain()
    by_channel = {cell.channel.slug: cell for cell in made.variants.select_related("channel")}
    assert by_channel["square"].state == "ready"
    failed = by_channel["story"]
    assert (failed.state, failed.error_code) == ("compose_failed", "layout.line_missing")
    assert failed.error_params["line"] == "headline"
    assert {job.state for job in made.jobs.all()} == {"done"}
    assert len(testing.charges(ledger)) == 2


def test_a_defect_in_one_cell_is_named_and_logged_and_costs_nothing_else(fake, monkeypatch, caplog):
    fake()
    real = produce.compose_cell

    def compose_cell(raw, plan, style):
        if plan.locale == "ar":
            raise ZeroDivisionError("secret")
        return real(raw, plan, style)

    monkeypatch.setattr(produce, "compose_cell", compose_cell)
    made = bought(locales=("en", "ar"))
    drain()
    cells = {cell.locale: cell for cell in made.variants.all()}
    assert cells["en"].state == "ready"
    assert (cells["ar"].state, cells["ar"].error_code) == ("compose_failed", "variant.crashed")
    assert cells["ar"].error_params == {"error": "ZeroDivisionError"}
    assert any(record.action == "cell.crashed" and record.exc_info for record in caplog.records)


def recompose(made, **fields):
    """A compose job for all cells of a set, as the workflow writes it."""
    made.variants.update(state="waiting", round=2)
    rows = [{"id": str(cell.pk), "round": cell.round} for cell in made.variants.all()]
    job = factories.make_job(
        made.brand, kind="compose", variant_set=made, request={"variants": rows}, provider="", model="", n=0, **fields
    )
    made.finished_at = None
    made.save()
    return job


def test_new_words_make_new_composed_pictures_and_buy_nothing(fake):
    ledger = fake()
    made = bought(factories.make_brand(), locales=("en", "ar"), takes=2)
    drain()
    before = {cell.pk: cell.asset_id for cell in made.variants.all()}
    made.texts = {"headline": {"en": "Brand new words", "ar": " "}}
    made.save()
    job = recompose(made)
    drain()
    job.refresh_from_db()
    assert job.state == "done"
    assert len(testing.charges(ledger)) == 1
    assert Asset.objects.filter(kind="raw").count() == 2
    for cell in made.variants.select_related("asset"):
        assert (cell.state, cell.asset_id != before[cell.pk]) == ("ready", True)
        words = {layer["name"]: layer["text"] for layer in cell.asset.recipe["layers"]}
        assert words["headline"] == ("Brand new words" if cell.locale == "en" else "طازج كل يوم")
        assert cell.asset.parent_id == Asset.objects.get(pk=before[cell.pk]).parent_id
    made.refresh_from_db()
    assert made.finished_at is not None


def test_an_older_composition_is_not_taken(fake):
    fake()
    made = bought()
    drain()
    job = recompose(made)
    made.variants.update(round=3)
    assert Asset.objects.filter(kind="composed").count() == 1
    drain()
    job.refresh_from_db()
    assert job.state == "done"
    assert made.variants.get().state == "waiting"
    assert Asset.objects.filter(kind="composed").count() == 1


def test_a_composition_whose_picture_is_damaged_says_so_in_its_cells(fake):
    fake()
    made = bought(locales=("en", "ar"))
    drain()
    raw = Asset.objects.get(kind="raw")
    Path(storage.private().path(raw.file)).unlink()
    job = recompose(made)
    drain()
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "storage.missing")
    assert {(c.state, c.error_code) for c in made.variants.all()} == {("compose_failed", "storage.missing")}
    made.refresh_from_db()
    assert made.finished_at is not None


def test_a_composition_without_rights_says_so_in_its_cells(fake):
    fake()
    brand = factories.make_bare_brand()
    made = bought(brand)
    drain()
    recompose(made, requested_by=factories.make_user("viewer", brand=brand))
    drain()
    cell = made.variants.get()
    assert (cell.state, cell.error_code) == ("compose_failed", "job.rights_revoked")


def test_a_cell_whose_picture_never_came_says_so_when_it_is_composed(fake):
    fake("fewer")
    made = bought(takes=2)
    drain()
    recompose(made)
    drain()
    assert {cell.take: (cell.state, cell.error_code) for cell in made.variants.all()} == {
        0: ("ready", ""),
        1: ("compose_failed", "variant.no_picture"),
    }


def test_words_that_change_during_the_call_are_the_ones_composed(fake, monkeypatch):
    ledger = fake()
    made = bought(factories.make_brand())
    real, times = saving.finish, []

    def finish(*args):
        if not times:
            times.append(1)
            made.texts = {"headline": {"en": "Late words"}}
            made.save()
        return real(*args)

    monkeypatch.setattr(saving, "finish", finish)
    drain()
    asset = made.variants.get().asset
    assert "Late words" in [layer["text"] for layer in asset.recipe["layers"]]
    assert len(testing.charges(ledger)) == 1
    assert Asset.objects.filter(kind="composed").count() == 1


# Full disks, defects, zombies ---------------------------------------------------------------------------------------


@pytest.fixture
def full_disk(folder, settings):
    """Private files on a disk with room for as many files as the test says."""
    settings.STORAGES = {
        **settings.STORAGES,
        "private": {"BACKEND": "tests.fakes.storage.FullDisk", "OPTIONS": {"location": str(folder / "small")}},
    }
    storages._storages.clear()
    FullDisk.room = 10**6
    return FullDisk


def test_an_answer_outlives_a_full_disk_and_is_stored_when_there_is_room(fake, full_disk):
    ledger = fake(more={"PRIVATE_STORAGE": "private"})
    made = bought(takes=2)
    full_disk.room = 3
    drain(wait=False)
    job = made.jobs.get()
    assert (job.state, job.error_code, job.saves_made) == ("spooled", "storage.full", 1)
    assert (job.lease_owner, job.lease_until) == (None, None)
    assert job.available_at > timezone.now()
    assert Asset.objects.count() == 0
    assert not [path for path in Path(storage.private().location).rglob("*") if path.is_file()]
    assert Event.objects.filter(verb="job.save_failed").count() == 1

    full_disk.room = 100
    Job.objects.update(available_at=factories.long_ago())
    drain()
    job.refresh_from_db()
    assert (job.state, job.error_code, job.cost_micro_usd) == ("done", "", 80_000)
    assert made.variants.filter(state="ready").count() == 2
    assert len(testing.charges(ledger)) == 1
    assert list(Spool().waiting()) == []


def test_a_disk_that_stays_full_fails_the_job_keeps_the_answer_and_a_retry_takes_it(fake, full_disk):
    ledger = fake(more={"PRIVATE_STORAGE": "private", "MAX_ATTEMPTS": 2})
    made = bought()
    full_disk.room = 0
    for _try in range(3):
        drain(wait=False)
        Job.objects.update(available_at=factories.long_ago())
    job = made.jobs.get()
    assert (job.state, job.error_code) == ("failed", "storage.full")
    assert len(list(Spool().waiting())) == 1

    full_disk.room = 100
    states.JOB.move(made.jobs.all(), "queued", attempts_made=0, error_code="", ended_at=None)
    drain()
    job.refresh_from_db()
    assert (job.state, job.cost_micro_usd) == ("done", 40_000)
    assert len(testing.calls(ledger)) == 1
    assert [(a.number, a.state) for a in Attempt.objects.all()] == [(1, "answered")]


def test_a_full_disk_under_the_spool_is_found_before_anything_is_sent(fake, monkeypatch):
    ledger = fake(more={"MAX_ATTEMPTS": 2})
    made = bought()

    def full(*_args, **_kwargs):
        raise storage.failed(OSError(28, "No space left on device"), "x", "storage.write_failed")

    monkeypatch.setattr(Spool, "put", full)
    drain(wait=False)
    assert (made.jobs.get().state, made.jobs.get().error_code) == ("queued", "storage.full")
    Job.objects.update(available_at=factories.long_ago())
    drain(wait=False)
    assert made.jobs.get().state == "failed"
    assert testing.calls(ledger) == []


def test_a_defect_after_the_answer_fails_the_job_and_keeps_the_answer(fake, monkeypatch, caplog):
    ledger = fake()
    made = bought()

    def broken(*_args, **_kwargs):
        raise KeyError("secret")

    with monkeypatch.context() as patch:
        patch.setattr(saving, "raw_asset", broken)
        drain()
    job = made.jobs.get()
    assert (job.state, job.error_code, job.error_params) == ("failed", "job.crashed", {"error": "KeyError"})
    assert any(getattr(record, "action", "") == "job.failed" and record.exc_info for record in caplog.records)
    states.JOB.move(made.jobs.all(), "queued", attempts_made=0)
    drain()
    assert made.jobs.get().state == "done"
    assert len(testing.charges(ledger)) == 1


def test_a_defect_in_the_bookkeeping_does_not_come_back_with_every_sweep(fake, monkeypatch):
    ledger = fake()
    made = bought()

    def broken(*_args):
        raise ZeroDivisionError

    monkeypatch.setattr(marks, "answered", broken)
    assert drain() == 1
    job = made.jobs.get()
    assert (job.state, job.error_code) == ("unknown", "job.crashed")
    assert len(testing.charges(ledger)) == 1


def test_a_damaged_answer_is_never_taken_for_a_picture(fake, monkeypatch):
    fake()
    made = bought()
    with monkeypatch.context() as patch:
        patch.setattr(saving, "finish", lambda *_args: (_ for _ in ()).throw(KeyError("x")))
        drain()
    (folder,) = Spool().waiting()
    manifest = Spool().root / folder / "answer.json"
    manifest.write_bytes(manifest.read_bytes()[:-5])
    states.JOB.move(made.jobs.all(), "queued")
    drain()
    job = made.jobs.get()
    assert (job.state, job.error_code) == ("failed", "job.answer_damaged")


def test_a_zombie_is_fenced_out_and_its_bytes_are_kept_and_taken(fake, monkeypatch):
    ledger = fake()
    made = bought()

    def robbed(lease):
        lease.rows.update(lease_until=factories.long_ago())
        sweep.sweep()

    with monkeypatch.context() as patch:
        during_the_call(patch, robbed)
        assert drain(wait=False) == 0
    job = made.jobs.get()
    assert (job.state, job.error_code, job.cost_micro_usd) == ("unknown", "job.worker_lost", 0)
    assert made.jobs.get().outputs.count() == 0
    (folder,) = Spool().waiting()
    assert json.loads((Spool().root / folder / "answer.json").read_text())["request_id"] == "fake-0"

    drain()
    job.refresh_from_db()
    assert (job.state, job.cost_micro_usd) == ("done", 40_000)
    assert len(testing.charges(ledger)) == 1
    assert made.variants.get().state == "ready"


def test_a_worker_that_lost_its_lease_while_saving_leaves_no_file_behind(fake, monkeypatch):
    fake()
    made = bought()
    real = saving.finish

    def robbed(order, outputs):
        order.lease.rows.update(lease_owner=uuid7())
        return real(order, outputs)

    with monkeypatch.context() as patch:
        patch.setattr(saving, "finish", robbed)
        assert drain(wait=False) == 0
    assert Asset.objects.count() == 0
    assert stored_names() == set()
    Job.objects.update(lease_until=factories.long_ago())
    drain()
    assert made.variants.get().state == "ready"


def test_a_provider_that_is_asked_to_stop_gets_nothing_new(fake):
    ledger = fake()
    made = bought()
    worker = Worker(once=True)
    lease = leases.claim(worker.id, 1)[0]
    hands = flow.Hands(rows=_async, pixels=_async, stopping=lambda: True)
    assert async_to_sync(flow.travel)(hands, lease) is False
    assert made.jobs.get().state == "queued"
    assert testing.calls(ledger) == []
    assert list(Spool().waiting()) == []


async def _async(call, *args):
    return await sync_to_async(call, thread_sensitive=True)(*args)


def test_sums_of_the_manifest_are_those_of_the_bytes(fake, monkeypatch):
    fake()
    bought()
    with monkeypatch.context() as patch:
        patch.setattr(saving, "finish", lambda *_args: (_ for _ in ()).throw(KeyError("x")))
        drain()
    (folder,) = Spool().waiting()
    told = json.loads((Spool().root / folder / "answer.json").read_text())
    data = (Spool().root / folder / told["outputs"][0]["file"]).read_bytes()
    assert told["outputs"][0]["sha256"] == hashlib.sha256(data).hexdigest()
    assert told["outputs"][0]["weight"] == len(data)


def test_a_kit_that_lost_a_file_is_found_before_anything_is_sent(fake):
    ledger = fake()
    kit = Kit(name="X", slug="x", locales=("en", "ar"), layouts=(Layout(logo=LogoPlacement()),))
    made = bought(factories.make_brand(kit=kit, files=KitFiles(by_sum={"a" * 64: b"not these bytes"})))
    drain()
    assert blocked(ledger, made) == ("failed", "storage.wrong_sum")


def test_trouble_with_a_file_of_the_kit_does_not_go_round_for_ever(fake, monkeypatch):
    ledger = fake(more={"MAX_ATTEMPTS": 3})
    made = bought(factories.make_brand())

    def unreadable(*_args):
        raise storage.failed(OSError(5, "Input/output error"), "logo.png", "storage.read_failed")

    monkeypatch.setattr("image_studio.models.brand.read", unreadable)
    states_seen = []
    for _try in range(4):
        drain(wait=False)
        states_seen.append(made.jobs.get().state)
        Job.objects.update(available_at=factories.long_ago())
    assert states_seen == ["queued", "queued", "failed", "failed"]
    assert made.jobs.get().error_code == "storage.read_failed"
    assert testing.calls(ledger) == []
