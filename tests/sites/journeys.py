"""What the journeys of both sites share: a paid model over HTTP, the reviewer's page, and what the public is served."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import factories
from tests.exiftool import needs_exiftool
from tests.fakes.openai_process import Process, serve_apart

#: What an editor asks for, and what the reviewer says of it to those who cannot see it.
WORDS, ALT = "A tea tin on a table in window light", "A green tea tin beside a cup"
#: What each journey is marked with.
MARKS = [
    pytest.mark.sites,
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    needs_exiftool,
]

#: Every address that a page gives its pictures, wherever a browser may take it from.
NAMED = """
() => [...document.querySelectorAll("main img, main source")].flatMap((one) =>
  [one.getAttribute("src"), ...(one.getAttribute("srcset") || "").split(", ").map((part) => part.split(" ")[0])]
    .filter(Boolean).map((address) => new URL(address, document.baseURI).href))
"""


@contextmanager
def buying(settings: Any, folder: Path) -> Iterator[Process]:
    """OpenAI's API in a process of its own, and a site whose pages and workers buy from it and nowhere else."""
    with serve_apart(folder / "ledger.jsonl") as fake:
        openai = {"BACKEND": "image_studio.providers.openai", "OPTIONS": {"api_key": "sk", "base_url": fake.base_url}}
        providers = {"previs": {"BACKEND": "image_studio.providers.previs"}, "openai": openai}
        rows = {"PROVIDERS": providers, "MODERATION": "openai", "MODELS": {}, "ROUTES": {}}
        settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, **rows}
        yield fake


@pytest.fixture
def server(settings, tmp_path):
    with buying(settings, tmp_path) as fake:
        yield fake


@pytest.fixture
def brand():
    """Its kit wants a second person, and puts nothing on a picture that a check could find wanting."""
    factories.make_channels("square", "web-hero")
    return factories.make_brand(kit=factories.Kit(name="Acme", slug="acme", locales=("en",), second_person=True))


def release(page: Any, alt: str) -> None:
    """On a picture's page in the studio: sign for it, say what it shows, approve and publish."""
    form = page.locator("#decide form").filter(has=page.get_by_role("button", name="Approve and publish"))
    for box in form.locator("[name=declaration]").all():
        box.check()
    for field in form.locator("[name^=alt_]").all():
        field.fill(alt)
    form.get_by_role("button", name="Approve and publish").click()
    page.get_by_text("Live since").wait_for()


def withdraw(page: Any, note: str) -> None:
    """On a picture's page in the studio: off the public side."""
    page.locator("#decide summary").get_by_text("Withdraw", exact=True).click()
    page.locator("#decide details[open]").get_by_label("Note").fill(note)
    page.get_by_role("button", name="Withdraw", exact=True).click()
    page.get_by_text("Withdrawn: nobody outside sees it").wait_for()


def files_of(page: Any) -> dict[str, bytes]:
    """The files that the page in the browser names, each fetched as the browser would."""
    found = {}
    for url in dict.fromkeys(page.evaluate(NAMED)):
        answer = page.request.get(url)
        assert answer.status == 200, url
        found[url] = answer.body()
    return found


def statuses(page: Any, urls: Iterable[str]) -> set[int]:
    return {page.request.get(url).status for url in urls}


def terms(files: dict[str, bytes], folder: Path) -> set[str]:
    """What exiftool reads as the digital source type of these files; an empty text is one that has none."""
    place = folder / "fetched"
    place.mkdir(parents=True)
    for number, (url, data) in enumerate(files.items()):
        (place / f"{number}.{url.rpartition('.')[2]}").write_bytes(data)
    command = ["exiftool", "-json", "-n", "-XMP-iptcExt:DigitalSourceType", str(place)]
    rows = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert len(rows) == len(files)
    return {row.get("DigitalSourceType", "") for row in rows}
