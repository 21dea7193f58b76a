"""The demo: what it is made of, what it does with bad input, and (marked packaging) the whole run from outside."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import tomllib
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from image_studio.brand.toml import load_folder
from image_studio.catalog import specs
from image_studio.imaging.decode import decode
from image_studio.models import read_template
from tests.corpus import corpus
from tests.example import EXAMPLE, environment, free_port, manage, wait_for

CHANNELS = {"web-hero", "newsletter", "link-card", "square", "feed-portrait", "story"}
ROW = re.compile(r"^[0-9a-f]{8}  (\S+) +(en|ar) +(\d+) x (\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(.+)$", re.MULTILINE)


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(EXAMPLE)
    from demo import draw  # noqa: PLC0415 - on the path only now

    return draw


@pytest.mark.packaging
def test_the_drawn_picture_is_the_same_each_time_and_says_what_it_is(draw: Any, tmp_path: Path) -> None:
    draw.save(tmp_path / "one.jpg", (96, 64))
    draw.save(tmp_path / "two.jpg", (96, 64))
    assert (tmp_path / "one.jpg").read_bytes() == (tmp_path / "two.jpg").read_bytes()
    picture = decode((tmp_path / "one.jpg").read_bytes())
    assert (picture.size, picture.source_type) == ((96, 64), "algorithmicMedia")
    pixels = np.asarray(picture.image).reshape(-1, 3).astype(int)
    assert pixels.std() > 40  # light and shadow
    green = pixels[(pixels[:, 1] > pixels[:, 0]) & (pixels[:, 1] > pixels[:, 2])]
    assert len(green) > len(pixels) * 0.25  # the wall


def test_the_brand_has_two_locales_six_channels_and_a_logo_for_each_ground() -> None:
    kit, files = load_folder(EXAMPLE / "demo" / "brand")
    assert kit.locales == ("en", "ar")
    assert {layout.channel for layout in kit.layouts} == {*CHANNELS, "reel-cover", "*"}
    assert set(specs.channels()) > CHANNELS
    assert {logo.on for logo in kit.logos} == {"light", "dark"}
    for logo in kit.logos:
        assert decode(files.get(logo.sha256)).has_alpha
    for key in ("headline", "cta", "legal", "label_ai", "label_composite", "label_placeholder"):
        assert kit.line(key, "ar") != kit.line(key, "en")
    assert {term.kind for term in kit.terms} == {"prohibited", "required"}


def test_the_prompts_and_stories_are_whole() -> None:
    prompts = tomllib.loads((EXAMPLE / "demo" / "prompts.toml").read_text("utf-8"))["prompts"]
    assert len(prompts) == 3
    for prompt in prompts:
        declared = {row["name"] for row in prompt["variables"]}
        assert {row["name"] for row in read_template(prompt["template"], prompt["variables"])} == declared
    articles = tomllib.loads((EXAMPLE / "demo" / "articles.toml").read_text("utf-8"))["articles"]
    assert {article["locale"] for article in articles} == {"en", "ar"}
    assert {article[place] for article in articles for place in ("picture", "card")} <= CHANNELS


def test_a_photo_that_is_none_is_refused_before_anything_is_removed(tmp_path: Path) -> None:
    (tmp_path / "contact-sheet.html").write_text("of an earlier run")
    (tmp_path / "letter.jpg").write_text("Dear all, this is not a picture.")
    done = manage(tmp_path, "demo", "--no-serve", "--photo", "letter.jpg")
    assert (done.returncode, done.stdout) == (2, "")
    assert "letter.jpg: " in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "contact-sheet.html").read_text() == "of an earlier run"


@pytest.mark.packaging
def test_a_photo_that_is_missing_is_named(tmp_path: Path) -> None:
    done = manage(tmp_path, "demo", "--no-serve", "--photo", "nowhere.jpg")
    assert done.returncode == 2
    assert done.stderr == "CommandError: nowhere.jpg: No such file or directory\n"


@pytest.mark.packaging
def test_the_site_passes_its_checks_and_misses_no_migration(tmp_path: Path) -> None:
    checked = manage(tmp_path, "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    drifted = manage(tmp_path, "makemigrations", "--check", "--dry-run")
    assert drifted.returncode == 0, drifted.stdout


def rows(text: str) -> list[tuple[Any, ...]]:
    return [tuple(int(v) if v.isdigit() else v for v in row) for row in ROW.findall(text)]


def count(var: Path, query: str) -> int:
    # A connection's own "with" ends the transaction and leaves the connection open.
    with closing(sqlite3.connect(var / "db.sqlite3")) as connection:
        found: int = connection.execute(query).fetchone()[0]
        return found


@pytest.mark.packaging
def test_the_whole_run_twice_ends_with_a_table_and_a_sheet(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for _ in range(2):
        done = manage(tmp_path, "demo", "--no-serve")
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    made, stand_ins = rows(done.stdout)[:12], rows(done.stdout)[12:]
    assert {(row[0], row[1]) for row in made} == {(channel, locale) for channel in CHANNELS for locale in ("en", "ar")}
    assert all(row[8] == "published" and row[6] == 0 for row in made)
    assert len(stand_ins) == 6
    assert all(row[8] == "to review" for row in stand_ins)
    page = (tmp_path / "contact-sheet.html").read_text("utf-8")
    shown = re.findall(r'<img src="([^"]+)"[^>]* width="(\d+)" height="(\d+)"', page)
    assert len(shown) == 18
    for path, width, height in shown:
        with Image.open(tmp_path / path) as picture:
            assert picture.size == (int(width), int(height))
    assert str(tmp_path / "contact-sheet.html") in done.stdout
    # A second run starts clean, and touches nothing that is not its own.
    assert count(tmp_path, "SELECT COUNT(*) FROM image_studio_variantset") == 2
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.packaging
def test_six_pictures_make_twelve_cells_and_cost_nothing(tmp_path: Path) -> None:
    photo = corpus("valid_odd/ori__Landscape_6.jpg")
    done = manage(tmp_path, "demo", "--no-serve", "--photo", str(photo))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(rows(done.stdout)) == 18
    ratios = {row[2] / row[3] for row in rows(done.stdout)[:12]}
    picture_jobs = "FROM image_studio_job WHERE kind = 'picture' AND route = 'reframe'"
    assert count(tmp_path, f"SELECT SUM(n) {picture_jobs}") == len(ratios) == 6
    assert count(tmp_path, f"SELECT SUM(cost_micro_usd) {picture_jobs}") == 0


@pytest.mark.packaging
def test_served_it_prints_a_login_and_both_processes_end_together(tmp_path: Path) -> None:
    photo = corpus("valid_odd/ori__Landscape_1.jpg")
    port = free_port()
    command = [sys.executable, "-u", str(EXAMPLE / "manage.py"), "demo", "--port", str(port), "--photo", str(photo)]
    log = tmp_path / "told.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment(tmp_path), cwd=tmp_path, stdout=out, stderr=subprocess.STDOUT
        )
    wait_for(f"http://127.0.0.1:{port}/", process, timeout=240)
    # The server is up before the worker where the machine is busy; what is stopped in order has to run first.
    end = time.monotonic() + 120
    while "\nWorker " not in log.read_text("utf-8") and process.poll() is None and time.monotonic() < end:
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)
    told = log.read_text("utf-8")
    assert process.returncode == 0, told
    assert re.search(r"Password of both, for this run: \S{8,}", told)
    assert re.search(r"^Worker \S+ on ", told, re.MULTILINE)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    # A worker that is stopped in order says goodbye.
    assert count(tmp_path, "SELECT COUNT(*) FROM image_studio_workerbeat") == 0
