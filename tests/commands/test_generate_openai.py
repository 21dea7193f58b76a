"""The whole job as its users run it: a shell's command in a process of its own, a server in another, one POST."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection, connections

from image_studio import storage
from image_studio.models import Asset, Job
from tests import factories
from tests.fakes.openai_process import serve_apart

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-secret-0123456789"
STUDIO = {"PROVIDERS": {"openai": {"BACKEND": "image_studio.providers.openai"}}, "PIXEL_THREADS": 1}


@pytest.fixture
def site(tmp_path, settings):
    """What a site has in its settings: the provider, and nothing about it. A brand and a prompt."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = STUDIO
    (tmp_path / "studio.json").write_text(json.dumps(STUDIO))
    factories.make_channels("square")
    yield factories.make_prompt(factories.make_brand("aurum"), "A jug on a table", variables=[]).prompt.slug
    connections.close_all()


@pytest.fixture
def server(tmp_path):
    with serve_apart(tmp_path / "ledger.jsonl") as process:
        yield process


def generate(server, folder, *args, **environment):
    """``manage.py studio_generate`` with the address and the key in the environment: status, lines, and stderr."""
    told = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.crash.settings",
        "STUDIO_CRASH_FOLDER": str(folder),
        "STUDIO_CRASH_DATABASE": str(connection.settings_dict["NAME"]),
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_KEY": KEY,
        **environment,
    }
    asked = ["studio_generate", *args, "--brand", "aurum", "--channel", "square", "--json"]
    command = [sys.executable, "-W", "error", "-m", "django", *asked]
    done = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, timeout=120, check=False)
    assert KEY not in done.stdout + done.stderr
    assert done.returncode in (0, 1, 2), done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_one_command_is_one_post_and_one_picture(site, server, tmp_path):
    status, (row,), _ = generate(server, tmp_path, site, "--route", "premium")
    (line,) = server.charged()
    assert (status, row["state"], row["message"]) == (0, "ready", "")
    assert row["micro_usd"] == line["micro_usd"] > 0
    assert len(server.calls()) == 1
    assert {"model": "gpt-image-2", "quality": "high", "n": 1}.items() <= line["params"].items()
    composed = Asset.objects.select_related("parent").get(pk=row["asset"])
    for asset in (composed, composed.parent):
        storage.read(storage.private(), asset.file, asset.sha256)
    assert composed.parent.recipe["request_id"] == line["request_id"]


def test_a_picture_to_start_from_is_an_edit(site, server, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(factories.encoded(factories.draw_photo((900, 700)), "jpeg"))
    status, (row,), _ = generate(server, tmp_path, site, "--source", str(photo), "--route", "premium")
    (line,) = server.calls()
    assert (status, row["state"], line["path"]) == (0, "ready", "/v1/images/edits")


@pytest.mark.parametrize(
    ("fault", "state", "word"),
    [
        ("moderation_400_input", "blocked", "sexual"),
        ("quota_429", "failed", "no money left"),
        ("server_500", "unknown", "may have been charged"),
        ("truncated_png", "failed", "That is its fault"),
    ],
)
def test_what_goes_wrong_is_said_and_not_sent_again(fault, state, word, site, server, tmp_path):
    server.script(faults=[fault])
    status, (row,), _ = generate(server, tmp_path, site, "--route", "premium")
    assert status == 1
    assert word in row["message"]
    assert Job.objects.get().state == state
    assert len(server.calls()) == 1


def test_a_moment_of_too_many_requests_is_waited_out(site, server, tmp_path):
    server.script(faults=["rate_limited_429"], retry_after=0.05)
    status, (row,), _ = generate(server, tmp_path, site, "--route", "premium")
    assert (status, row["state"]) == (0, "ready")
    assert [line["fault"] for line in server.calls()] == ["rate_limited_429", ""]
    assert Job.objects.get().attempts.count() == 2


def test_without_a_key_nothing_is_sent(site, server, tmp_path):
    status, rows, words = generate(server, tmp_path, site, "--route", "premium", OPENAI_API_KEY="")
    assert status == 2
    assert not rows
    assert "OPENAI_API_KEY" in words
    assert not server.calls()
