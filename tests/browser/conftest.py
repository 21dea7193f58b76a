"""A browser, a live site under a strict policy, and real workers on the same database file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections
from django.test.utils import override_settings
from PIL import Image, ImageDraw
from pytest_django.live_server_helper import LiveServer

from tests import factories
from tests.browser.chromium import SIZES, Watch, launched
from tests.browser.pages import Studio

ROOT = Path(__file__).resolve().parents[2]
#: A worker that dies is missed within seconds.
STUDIO = {
    "DOORBELL": "poll",
    "LEASE_SECONDS": 2.0,
    "BEAT_SECONDS": 0.5,
    "SWEEP_SECONDS": 0.5,
    "POLL_SECONDS": 0.05,
    "PIXEL_THREADS": 1,
}
WORKER_PATIENCE = 60


@pytest.fixture(scope="session")
def chromium():
    pytest.importorskip("playwright.sync_api")
    pytest.importorskip("axe_playwright_python.sync_playwright")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright holds a loop in this thread
        try:
            with launched() as browser:
                yield browser
        except FileNotFoundError as missing:
            pytest.skip(str(missing))


@pytest.fixture(scope="session")
def live_server(django_db_setup):
    """pytest-django's own, with this folder's addresses and policy."""
    with override_settings(MIDDLEWARE=["tests.browser.site.strictly", *django_settings.MIDDLEWARE]):
        server = LiveServer("localhost")  # the handler reads its middleware once
    with override_settings(ALLOWED_HOSTS=["*"]):
        yield server
    server.stop()


@pytest.fixture
def studio(transactional_db, tmp_path, settings):
    """The same studio for the server's threads and for the workers of this test."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {**STUDIO}
    (tmp_path / "studio.json").write_text(json.dumps(settings.IMAGE_STUDIO))
    yield tmp_path
    connections.close_all()


@pytest.fixture
def brand(studio):
    return factories.make_brand("acme")


@pytest.fixture
def boss(studio):
    return factories.make_user(username="ada", is_staff=True, is_superuser=True)


@pytest.fixture
def photo(brand):
    """A bottle in the brand's own colours: nothing that a check would block."""
    image = Image.new("RGB", (900, 700), "#fbf7ef")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 480, 900, 700), fill="#12324a")
    pen.rounded_rectangle((520, 150, 640, 590), 30, fill="#f2a541")
    return factories.encoded(image, "jpeg", quality=92)


class Workers:
    """``studio_worker`` as a site starts it, in a process of its own."""

    def __init__(self, folder):
        self.folder, self.running = folder, []

    def start(self):
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.crash.settings",
            "STUDIO_CRASH_FOLDER": str(self.folder),
            "STUDIO_CRASH_DATABASE": str(connection.settings_dict["NAME"]),
        }
        command = [sys.executable, "-W", "error", "-m", "django", "studio_worker", "--concurrency", "1"]
        log = (self.folder / "worker.log").open("ab")
        self.running.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
        log.close()

    def kill(self):
        """As if the power went."""
        while self.running:
            process = self.running.pop()
            process.kill()
            process.wait(WORKER_PATIENCE)


@pytest.fixture
def workers(studio):
    found = Workers(studio)
    yield found
    found.kill()


@pytest.fixture
def open_page(chromium, live_server, client, studio):
    """Opens pages of people; each fails its test when anything on it went wrong."""
    opened = []

    def opening(user=None, *, width=1280, scheme="light", scripts=True, **more):
        wide, high = SIZES[width]
        context = chromium.new_context(
            viewport={"width": wide, "height": high},
            color_scheme=scheme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
            **more,
        )
        if user is not None:
            client.force_login(user)
            cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
            context.add_cookies([cookie])
        page = context.new_page()
        page.set_default_timeout(30_000)  # a machine that does other work is slow now and then
        page.on("filechooser", lambda _chooser: None)  # from the start: a key is quicker than a listener's way there
        watch = Watch(page)
        opened.append((context, watch))
        return Studio(page, live_server.url, watch)

    yield opening
    for context, _watch in opened:
        context.close()
    assert [fault for _context, watch in opened for fault in watch.faults] == []
