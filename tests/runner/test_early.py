"""Early versions of a picture: what is stored, who may overwrite it, and that nothing of it is left or does harm."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import time
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from PIL import Image

from image_studio import storage, testing
from image_studio.models import Event, Job, database_now, uuid7
from image_studio.providers.base import PictureRequest
from image_studio.runner import doctor, drain, early, leases, marks, sweep
from image_studio.runner.leases import WORKER
from tests import factories
from tests.runner.test_sweep import lost

pytestmark = pytest.mark.django_db

FAKE = {"provider": "fake", "model": "fake-1"}
REPEATABLE = {"backend": "tests.fakes.repeatable"}


def bought(takes=1, **fields):
    brand = fields.pop("brand", None) or factories.make_bare_brand()
    channels = factories.make_channels("square")
    return factories.make_set(brand, channels=channels, takes=takes, shrink=6, **{**FAKE, **fields})


def drawn(size=(900, 600), colour="#336699", kind="png", **options):
    return factories.encoded(Image.new("RGB", size, colour), kind, **options)


def playing(monkeypatch, act):
    """Let the provider do ``await act(on_partial)`` after the call was written down and before it answers."""
    real = testing.Provider.run
    seen = []

    async def run(self, request, inputs, *, spool, deadline, on_partial=None):
        seen.append(request)
        await act(on_partial)
        return await real(self, request, inputs, spool=spool, deadline=deadline, on_partial=on_partial)

    monkeypatch.setattr(testing.Provider, "run", run)
    return seen


async def until(true, seconds=5.0):
    """Wait for something in the database; the last answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := await sync_to_async(true)():
            return found
        await asyncio.sleep(0.01)
    return None


def partials_of(made):
    return made.jobs.get().partials


def files():
    root = Path(storage.private_root()) / "image_studio" / "partials"
    return sorted(str(path.relative_to(storage.private_root())) for path in root.rglob("*") if path.is_file())


def test_an_early_version_is_stored_small_clean_and_private_while_the_call_runs(fake, monkeypatch):
    fake()
    made = bought()
    seen = {}

    async def act(on_partial):
        exif = Image.Exif()
        exif[0x010E] = "secret-client-words"
        await on_partial(0, 0, drawn(kind="jpeg", exif=exif) + b"<script>")
        seen["row"] = await until(lambda: partials_of(made).get("0"))
        seen["data"] = await sync_to_async(storage.read)(storage.private(), seen["row"]["file"])
        seen["events"] = await sync_to_async(Event.objects.filter(object_type="job").count)()

    playing(monkeypatch, act)
    drain()
    row, data = seen["row"], seen["data"]
    assert row["file"].startswith("image_studio/partials/")
    assert (row["number"], row["format"]) == (0, "webp")
    assert Image.open(io.BytesIO(data)).size == (640, 427)
    assert b"secret" not in data
    assert b"<script>" not in data
    assert seen["events"] == 2  # leased and sending: an early version is no change of state
    job = made.jobs.get()
    assert (job.state, job.partials, files()) == ("done", {}, [])


def test_a_newer_version_takes_the_place_of_the_older_and_outputs_keep_apart(fake, monkeypatch):
    fake()
    monkeypatch.setattr(early, "EVERY", 0.0)
    made = bought(takes=2)
    seen = []

    async def act(on_partial):
        await asyncio.gather(on_partial(0, 0, drawn()), on_partial(1, 0, drawn(colour="#663399")))
        await until(lambda: len(partials_of(made)) == 2)
        await on_partial(0, 1, drawn(colour="#112233"))
        await until(lambda: partials_of(made)["0"]["number"] == 1 and len(files()) == 2)
        seen.append((await sync_to_async(partials_of)(made), files()))

    playing(monkeypatch, act)
    drain()
    ((told, stored),) = seen
    assert {index: row["number"] for index, row in told.items()} == {"0": 1, "1": 0}
    assert stored == sorted(row["file"] for row in told.values())
    assert files() == []


def test_no_more_than_one_a_second_is_stored_of_each_output(fake, monkeypatch):
    fake()
    made = bought()
    seen = []
    real = marks.early
    monkeypatch.setattr(marks, "early", lambda lease, told: seen.append(told["0"]["number"]) or real(lease, told))
    # A second may be over before a slow machine has offered twenty.
    assert early.EVERY == 1.0
    monkeypatch.setattr(early, "EVERY", 60.0)
    data = drawn()

    async def act(on_partial):
        for number in range(20):
            await on_partial(0, number, data)
            await asyncio.sleep(0.005)
        await until(lambda: partials_of(made))

    playing(monkeypatch, act)
    drain()
    assert seen == [0]


@pytest.mark.parametrize(
    ("index", "data"),
    [
        (0, b"not a picture"),
        (0, b""),
        (0, None),
        (0, drawn()[:300]),
        (7, drawn()),
        (-1, drawn()),
        ("x", drawn()),
    ],
)
def test_a_broken_one_is_ignored_and_the_picture_comes(fake, monkeypatch, index, data):
    fake()
    made = bought()

    async def act(on_partial):
        await on_partial(index, 0, data)
        await asyncio.sleep(0.05)

    playing(monkeypatch, act)
    assert drain() == 1
    assert (made.jobs.get().state, made.variants.get().state, files()) == ("done", "ready", [])


def test_what_is_ignored_is_logged_without_its_bytes(fake, monkeypatch, caplog):
    fake()
    bought()

    async def act(on_partial):
        await on_partial(0, 0, b"secret-bytes")
        await asyncio.sleep(0.05)

    playing(monkeypatch, act)
    with caplog.at_level(logging.WARNING):
        drain()
    (record,) = [record for record in caplog.records if record.action == "job.partial_ignored"]
    assert record.code == "image.not_accepted"
    assert "secret" not in caplog.text


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), OperationalError("gone")])
def test_trouble_with_disk_or_database_costs_no_picture(fake, monkeypatch, trouble):
    fake()
    made = bought()

    def broken(*_args):
        raise trouble

    if isinstance(trouble, OperationalError):
        monkeypatch.setattr(marks, "early", broken)
    else:
        monkeypatch.setattr(early.Early, "_file", broken)

    async def act(on_partial):
        await on_partial(0, 0, drawn())
        await asyncio.sleep(0.1)

    playing(monkeypatch, act)
    assert drain() == 1
    assert (made.jobs.get().state, files()) == ("done", [])


def test_slow_storage_delays_neither_the_call_nor_its_deadline(fake, monkeypatch):
    fake(more={"DEADLINE_SECONDS": 1, "PIXEL_THREADS": 2})
    made = bought()
    real, filed, waited = early.Early._file, [], []

    def slow(self, data):
        time.sleep(2.0)
        filed.append(1)
        return real(self, data)

    monkeypatch.setattr(early.Early, "_file", slow)

    async def act(on_partial):
        await on_partial(0, 0, drawn())
        waited.extend(filed)

    playing(monkeypatch, act)
    drain()
    assert (filed, waited) == ([1], [])
    assert (made.jobs.get().state, files()) == ("done", [])


def test_a_zombies_early_version_changes_nothing_and_leaves_no_file(fake, monkeypatch):
    fake(**REPEATABLE)
    made = bought()
    calls = []

    async def act(on_partial):
        calls.append(1)
        if len(calls) > 1:
            return

        def rob():
            made.jobs.update(lease_until=factories.long_ago())
            sweep.sweep()
            # Somebody else has it now, with an early version of theirs.
            made.jobs.update(state="sending", lease_owner=uuid7(), partials={"0": {"file": "theirs", "number": 4}})

        await sync_to_async(rob)()
        await on_partial(0, 5, drawn())
        await asyncio.sleep(0.2)
        assert (await sync_to_async(partials_of)(made))["0"] == {"file": "theirs", "number": 4}

    playing(monkeypatch, act)
    assert drain(wait=False) == 0
    assert partials_of(made) == {"0": {"file": "theirs", "number": 4}}
    assert files() == []


def shown_by(job):
    """An early version as a worker leaves it."""
    name = storage.write(storage.private(), storage.fresh_name("partials", "webp"), b"early")
    Job.objects.filter(pk=job.pk).update(partials={"0": {"file": name, "number": 0, "format": "webp"}})
    return name


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("ok", "done"),
        ("unavailable", "queued"),
        ("refused", "failed"),
        ("moderation", "blocked"),
        ("unknown", "unknown"),
    ],
)
def test_every_end_of_a_call_takes_its_early_versions_along(fake, monkeypatch, word, state):
    fake(word)
    made = bought()

    async def act(on_partial):
        await on_partial(0, 0, drawn())
        assert await until(lambda: partials_of(made))

    playing(monkeypatch, act)
    drain(wait=False)
    job = made.jobs.get()
    assert (job.state, job.partials, files()) == (state, {}, [])


@pytest.mark.parametrize("repeatable", [True, False])
def test_the_sweep_takes_along_what_a_dead_worker_showed(fake, repeatable):
    fake(**(REPEATABLE if repeatable else {}))
    job, _call = lost("sending", **FAKE)
    shown_by(job)
    sweep.sweep()
    job.refresh_from_db()
    assert (job.state, job.partials, files()) == ("queued" if repeatable else "unknown", {}, [])


def test_a_stopping_worker_takes_along_what_it_showed(fake):
    fake()
    worker = uuid7()
    jobs = [lost(state, **FAKE)[0] for state in ("sending", "spooled")]
    for job in jobs:
        shown_by(job)
    Job.objects.update(lease_owner=worker)
    sweep.hand_back(worker, [job.pk for job in jobs])
    assert list(Job.objects.values_list("partials", flat=True)) == [{}, {}]
    assert files() == []


def test_whoever_adopts_an_answer_clears_what_its_first_worker_showed(fake, monkeypatch):
    fake()
    made = bought()

    async def act(on_partial):
        await on_partial(0, 0, drawn())
        await until(lambda: partials_of(made))

    playing(monkeypatch, act)
    with monkeypatch.context() as patch:
        # The worker dies after the answer was spooled: nothing of it runs any more.
        patch.setattr(early.Early, "clear", lambda _self: asyncio.sleep(0))
        patch.setattr("image_studio.runner.saving.finish", lambda *_args: (_ for _ in ()).throw(leases.Fenced("dead")))
        drain(wait=False)
    assert (made.jobs.get().state, len(files())) == ("spooled", 1)
    Job.objects.update(lease_until=factories.long_ago())
    drain()
    job = made.jobs.get()
    assert (job.state, job.partials, files()) == ("done", {}, [])


def test_the_doctor_knows_them_while_the_job_runs_and_names_what_is_left(fake):
    fake()
    job = factories.make_job(factories.make_bare_brand(), state="sending", lease_owner=uuid7(), lease_until=later())
    name = shown_by(job)
    os.utime(storage.private().path(name), (1, 1))
    assert list(doctor.examine(WORKER)) == []
    Job.objects.update(state="failed", lease_owner=None, lease_until=None)
    (found,) = doctor.examine(WORKER)
    assert (found.kind, found.object, found.fixed) == ("orphan", name, False)
    (found,) = doctor.examine(WORKER, fix=True)
    assert (found.object, found.fixed, files()) == (name, True, [])


def later():
    return leases._until(database_now())


# What is asked for ---------------------------------------------------------------------------------------------------


def test_a_free_model_is_asked_for_two_and_the_order_stays_what_it_was(fake, monkeypatch):
    fake(more={"MODELS": {"fake-1": {"provider": "fake", "max_partials": 3, "max_n": 8}}}, **REPEATABLE)
    made = bought()
    ordered = made.jobs.get()
    seen = playing(monkeypatch, lambda _on_partial: asyncio.sleep(0))
    drain()
    job = made.jobs.get()
    assert seen[0].partial_images == 2
    assert PictureRequest.from_dict(job.request).partial_images == 0
    assert (job.digest, job.request) == (ordered.digest, ordered.request)
    raw = job.outputs.get().asset
    assert PictureRequest.from_dict(raw.recipe["request"]).digest == ordered.digest


@pytest.mark.parametrize(("ordered", "repeatable", "asked"), [(0, False, 0), (1, False, 1), (1, True, 1)])
def test_where_it_may_cost_and_where_it_was_said_the_orders_own_number_stands(
    fake, monkeypatch, ordered, repeatable, asked
):
    more = {"MODELS": {"fake-1": {"provider": "fake", "max_partials": 3, "max_n": 8}}}
    fake(more=more, **(REPEATABLE if repeatable else {}))
    made = bought()
    made.jobs.update(request={**made.jobs.get().request, "partial_images": ordered})
    seen = playing(monkeypatch, lambda _on_partial: asyncio.sleep(0))
    drain()
    assert [request.partial_images for request in seen] == [asked]


def test_previs_shows_early_versions_of_its_own_pictures(settings, monkeypatch):
    row = {"BACKEND": "image_studio.providers.previs", "OPTIONS": {"delay": 0.3}}
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "PROVIDERS": {"previs": row}}
    told = []
    real = marks.early
    monkeypatch.setattr(marks, "early", lambda lease, partials: told.append(partials) or real(lease, partials))
    made = factories.make_set(factories.make_bare_brand(), channels=factories.make_channels("square"), shrink=6)
    drain()
    assert told
    assert (made.jobs.get().state, files()) == ("done", [])
