"""Kill -9 of a real worker at every point, restart, recover: every cell once, every charge a picture or a doubt.

Judged by the fake provider's own ledger and by the bytes. Runs on the database that IMAGE_STUDIO_TEST_DB names.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections

from image_studio import storage, testing
from image_studio.models import Asset, Attempt, Event, Job, JobOutput, Variant, WorkerBeat
from tests import factories

pytestmark = [pytest.mark.crash, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
POINTS = ("sending", "answered", "spooled", "filed", "writing", "committed")


@pytest.fixture
def studio(tmp_path, settings):
    """The same studio for this process and for the workers that it starts."""

    def configure(**options):
        ledger = tmp_path / "ledger.jsonl"
        settings.MEDIA_ROOT = str(tmp_path / "media")
        settings.IMAGE_STUDIO = {
            "DOORBELL": "poll",
            "LEASE_SECONDS": 3.0,
            "BEAT_SECONDS": 0.5,
            "SWEEP_SECONDS": 0.5,
            "POLL_SECONDS": 0.05,
            "PIXEL_THREADS": 1,
            "BRAND_CHECKS": (),
            **testing.fake_settings(ledger=ledger, **options),
        }
        (tmp_path / "studio.json").write_text(json.dumps(settings.IMAGE_STUDIO))
        return ledger

    return configure


def start(tmp_path, point="none"):
    """A worker process on this test's database and files."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.crash.settings",
        "STUDIO_CRASH_FOLDER": str(tmp_path),
        "STUDIO_CRASH_DATABASE": str(connection.settings_dict["NAME"]),
    }
    command = [sys.executable, "-W", "error", "-m", "tests.crash.kills", point]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(tmp_path):
    """A healthy worker until nothing is left."""
    process = start(tmp_path)
    out, err = process.communicate(timeout=120)
    assert process.returncode in (0, 1), err
    return json.loads(out)


def make_sets(*, provider, model, channels=("square", "story", "link-card")):
    brand = factories.make_bare_brand()
    return factories.make_set(
        brand,
        channels=factories.make_channels(*channels),
        locales=("en", "ar"),
        takes=2,
        shrink=8,
        provider=provider,
        model=model,
    )


def assert_every_cell_once(made):
    cells = list(Variant.objects.filter(variant_set=made).select_related("asset__parent"))
    assert {cell.state for cell in cells} == {"ready"}
    assert len({cell.asset_id for cell in cells}) == len(cells) == 12
    assert Asset.objects.filter(kind="composed").count() == 12
    assert Asset.objects.filter(kind="raw").count() == JobOutput.objects.count() == 6
    for asset in Asset.objects.all():
        storage.read(storage.private(), asset.file, asset.sha256)
    made.refresh_from_db()
    assert made.finished_at is not None
    assert Event.objects.filter(verb="set.finished").count() == 1
    assert not WorkerBeat.objects.exists()


def killed(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, (out, err)


@pytest.mark.parametrize("point", POINTS)
def test_a_free_set_killed_anywhere_finishes_with_every_cell_once(studio, tmp_path, point):
    studio()
    made = make_sets(provider="previs", model="previs-placeholder")
    killed(start(tmp_path, point))
    assert Job.objects.exclude(state="done").exists() or point == "committed"
    finish(tmp_path)
    assert_every_cell_once(made)


@pytest.mark.parametrize("point", POINTS)
def test_a_paid_set_killed_anywhere_is_charged_at_most_once_a_job(studio, tmp_path, point):
    ledger = studio()
    made = make_sets(provider="fake", model="fake-1")
    killed(start(tmp_path, point))
    finish(tmp_path)
    charges = testing.charges(ledger)
    unknown = Job.objects.filter(state="unknown")
    if point == "sending":
        # Committed as sending and killed before the socket: nobody can know, so nobody sends.
        assert 1 <= unknown.count() <= 2
        assert {job.error_code for job in unknown} == {"job.worker_lost"}
        assert len(charges) == 3 - unknown.count()
    else:
        # Another call may have been on its way when the process died, committed but perhaps not charged yet: that one
        # is a doubt, never a second charge. Every other job is charged exactly once.
        assert unknown.count() <= 1
        assert 3 - unknown.count() <= len(charges) <= 3
        done = set(Job.objects.filter(state="done").values_list("digest", flat=True))
        assert done <= {charge["digest"] for charge in charges}
    assert len({charge["digest"] for charge in charges}) == len(charges)
    pictures = JobOutput.objects.filter(asset__isnull=False).count()
    assert pictures + 2 * unknown.count() == 6
    assert Job.objects.filter(state="done").count() + unknown.count() == 3
    assert sum(job.cost_micro_usd for job in Job.objects.filter(state="done")) == 80_000 * (3 - unknown.count())
    if not unknown.exists():
        assert_every_cell_once(made)


def test_a_call_killed_in_flight_is_a_visible_doubt_and_is_not_repeated(studio, tmp_path):
    ledger = studio(script=["kill", "ok"])
    made = make_sets(provider="fake", model="fake-1", channels=("square",))
    killed(start(tmp_path))
    finish(tmp_path)
    job = made.jobs.get()
    assert (job.state, job.error_code) == ("unknown", "job.worker_lost")
    assert Attempt.objects.get().state == "unknown"
    assert len(testing.charges(ledger)) == 1


def shoot_when(process, true, seconds=60.0):
    """Kill -9 as soon as the database shows what `true` asks for; whether it was still there to be shot."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and not true():
        assert time.monotonic() < deadline, "the worker neither came that far nor ended"
        time.sleep(0.005)
    shot = process.poll() is None
    if shot:
        process.kill()
    out, err = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if shot else 0), (out, err)
    return shot


def test_a_worker_killed_from_outside_mid_run_loses_nothing(studio, tmp_path):
    """No chosen line of code: the process is shot at what the rows show, again and again, until the set is through."""
    studio()
    made = make_sets(provider="previs", model="previs-placeholder")
    began = made.jobs.exclude(state="queued")
    ended = made.jobs.filter(state="done")
    # The first shot cannot miss, however fast the machine: a picture was begun and none is made. The later ones may.
    assert shoot_when(start(tmp_path), began.exists)
    assert made.jobs.exclude(state="done").exists()
    shoot_when(start(tmp_path), ended.exists)
    shoot_when(start(tmp_path), lambda: ended.count() >= 2)
    finish(tmp_path)
    assert_every_cell_once(made)


def test_a_worker_told_to_stop_finishes_its_call_and_ends_well(studio, tmp_path):
    ledger = studio(delay=1.0)
    made = make_sets(provider="fake", model="fake-1")
    process = start(tmp_path)
    deadline = time.monotonic() + 30
    while not testing.calls(ledger) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    done = made.jobs.filter(state="done").count()
    assert json.loads(out)["ended"] == done == len(testing.charges(ledger)) >= 1
    assert made.jobs.exclude(state__in=("done", "queued")).count() == 0
    assert not WorkerBeat.objects.exists()


@pytest.fixture(autouse=True)
def _let_others_in():
    """SQLite in memory cannot be shared: the test database must be a file."""
    name = str(django_settings.DATABASES["default"].get("TEST", {}).get("NAME", ""))
    assert connection.vendor != "sqlite" or "memory" not in str(connection.settings_dict["NAME"]), name
    yield
    connections.close_all()
