"""The API guide does what it says: its curl commands, in order, against a server, and each answer as it is printed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from string import Template
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import path
from rest_framework.authtoken.views import ObtainAuthToken

from image_studio import signals
from image_studio.conf import API_RATES
from image_studio.wording import api, explain
from image_studio.workflow import health
from tests import factories
from tests.testapp.models import Article
from tests.urls import urlpatterns as site_urls

GUIDE = (Path(__file__).parents[1] / "docs" / "api.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLE = "https://www.example.com"
#: The test's own urls, as the guide's recipe has them.
urlpatterns = [*site_urls, path("api-token/", ObtainAuthToken.as_view(authentication_classes=()))]


@dataclass
class Reader:
    """Somebody who copies one command after the other into a shell.

    :param values: the shell's variables.
    """

    site: str
    folder: Path
    values: dict[str, str] = field(default_factory=dict)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    ran: int = 0

    def read(self, block: str) -> None:
        """Do what a block of commands says."""
        lines = iter(block.splitlines())
        for line in lines:
            if here := re.fullmatch(r"cat > (\S+) <<END", line):
                words = "\n".join(iter(lambda: next(lines), "END"))
                (self.folder / here[1]).write_text(Template(words).substitute(self.values), "utf-8")
            elif line.startswith("export "):
                self.keep(line.removeprefix("export "))
            else:
                self.run(line)

    def keep(self, line: str) -> None:
        """``NAME=value  # "key" of the answer``: what stands there is an example, unless nothing says where from."""
        name, value = line.split("=", 1)
        if found := re.search(r'# "([\w.]+)" of the answer$', value):
            self.values[name] = str(self.said(found[1]))
        elif found := re.search(r"# header (\S+) of the answer$", value):
            self.values[name] = self.headers[found[1].lower()]
        else:
            (plain,) = shlex.split(value)
            self.values[name] = Template(plain.replace(EXAMPLE, self.site)).substitute(self.values)

    def said(self, way: str) -> Any:
        """``results.0.id`` of the last answer."""
        found = self.body
        for step in way.split("."):
            found = found[int(step) if step.isdigit() else step]
        return found

    def run(self, line: str) -> None:
        words = [Template(word).substitute(self.values) for word in shlex.split(line)]
        assert words[0] == "curl", line
        head, body = self.folder / "head", self.folder / "body"
        body.unlink(missing_ok=True)
        own = ["--silent", "--show-error", "--noproxy", "*", "--max-time", "60", "--dump-header", str(head)]
        output = [] if "-o" in words else ["--output", str(body)]
        done = subprocess.run(
            [*words, *own, *output], cwd=self.folder, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        first, *rest = head.read_text("latin-1").strip().splitlines()
        self.status, self.ran = int(first.split()[1]), self.ran + 1
        self.headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
        data = body.read_bytes() if body.exists() else b""
        self.body = json.loads(data) if "json" in self.headers.get("content-type", "") and data else None

    def compare(self, block: str) -> None:
        """The last answer has all of what the guide prints."""
        head, _, body = block.replace(EXAMPLE, self.site).partition("\n\n")
        first, *headers = head.strip().splitlines()
        said = HTTPStatus(self.status)
        assert first == f"HTTP/1.1 {said.value} {said.phrase}", self.body
        for name, _, value in (line.partition(": ") for line in headers):
            assert like(value, self.headers[name.lower()]), (name, value, self.headers)
        if body.strip():
            assert within(json.loads(body), self.body) == [], self.body


def like(printed: str, real: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, printed.split("..."))), real, re.DOTALL) is not None


def within(printed: Any, real: Any, at: str = "") -> list[str]:
    """Where an answer lacks what is printed: keys and rows may be left out, ``...`` is any text."""
    if isinstance(printed, dict) and isinstance(real, dict):
        return [
            fault
            for key, value in printed.items()
            for fault in (within(value, real[key], f"{at}.{key}") if key in real else [f"{at}.{key} is not there"])
        ]
    if isinstance(printed, list) and isinstance(real, list):
        if (not printed and real) or len(printed) > len(real):
            return [f"{at}: {printed} is not {real}"]
        return [fault for i, value in enumerate(printed) for fault in within(value, real[i], f"{at}.{i}")]
    if isinstance(printed, str) and isinstance(real, str):
        return [] if like(printed, real) else [f"{at}: {printed} is not {real}"]
    return [] if type(printed) is type(real) and printed == real else [f"{at}: {printed} is not {real}"]


@pytest.fixture
def curl() -> None:
    if shutil.which("curl"):
        return
    if os.environ.get("CI") == "true":
        pytest.fail("There is no curl, and CI runs the guide's commands: apt-get install curl.")
    pytest.skip("no curl; Debian: apt-get install curl")


def show_on_a_page(sender: Any, asset: Any, **kwargs: Any) -> None:
    """The site has one page, which takes the first picture that comes out."""
    if not Article.objects.exists():
        Article.objects.create(title="Spring tea", picture=asset)


@pytest.fixture
def reader(curl: None, live_server: Any, settings: Any, tmp_path: Path) -> Iterator[Reader]:
    """Mara and Nora, reviewer and manager of a brand with two languages, on a site that works in the request."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {"DOORBELL": "inline", "PIXEL_THREADS": 2}
    cache.clear()
    health.forget()
    brand = factories.make_bare_brand("aurelia")
    factories.make_channels("square", "link-card")
    for name, role, password in (("mara", "reviewer", "green leaf"), ("nora", "manager", "blue bowl")):
        user = factories.make_user(role, brand=brand, username=name)
        user.set_password(password)
        user.save()
    folder = tmp_path / "shell"
    folder.mkdir()
    (folder / "tea-tin.jpg").write_bytes(factories.encoded(factories.draw_photo(), "jpeg"))
    signals.asset_published.connect(show_on_a_page)
    yield Reader(site=live_server.url, folder=folder)
    signals.asset_published.disconnect(show_on_a_page)
    cache.clear()
    health.forget()


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_every_command_answers_as_it_is_printed(reader: Reader) -> None:
    for kind, block in BLOCK.findall(GUIDE):
        if kind == "sh":
            reader.read(block)
        elif kind == "http":
            reader.compare(block)
    assert reader.ran >= 29
    assert Article.objects.get().picture.channel.slug == "link-card"
    with (reader.folder / "square.webp").open("rb") as picture:
        assert picture.read(12)[8:] == b"WEBP"


def test_every_command_has_its_answer_printed() -> None:
    kinds = [kind for kind, block in BLOCK.findall(GUIDE) if kind in ("sh", "http")]
    assert kinds == ["sh", "http"] * (len(kinds) // 2)
    for kind, block in BLOCK.findall(GUIDE):
        assert kind != "sh" or len(re.findall(r"^curl ", block, re.MULTILINE)) == 1


def table(heading: str) -> dict[str, str]:
    """First column -> second or third, of every table below a heading."""
    part = GUIDE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([\w.]+)` \| (.*?) \|", part, re.MULTILINE))


def test_the_codes_of_the_api_are_all_in_the_table() -> None:
    codes = set(table("Errors"))
    ours = {*api.WORDS, "unsupported_media_type"}
    keys = {"idempotency.key_missing", "idempotency.bad_key", "idempotency.in_flight", "idempotency.other_body"}
    assert ours | keys <= codes
    for code in codes - {"unsupported_media_type"}:
        assert explain(code) != code


def test_the_rates_are_the_ones_that_count() -> None:
    part = GUIDE.split("\n## How often\n")[1].split("\n## ")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| .* \| (\S+) \|$", part, re.MULTILINE)) == API_RATES


def test_the_python_of_the_guide_is_python() -> None:
    blocks = [block for kind, block in BLOCK.findall(GUIDE) if kind == "python"]
    assert len(blocks) >= 6
    for block in blocks:
        compile(block, "docs/api.md", "exec")


@pytest.mark.parametrize("where", ["^/studio/v1/published/", "^/(studio/v1|api-token)/"])
def test_the_cors_recipes_reach_what_they_say(where: str) -> None:
    assert f'CORS_URLS_REGEX = r"{where}"' in GUIDE
    assert re.match(where, "/studio/v1/published/")
    assert bool(re.match(where, "/studio/v1/assets/")) == ("api-token" in where)
    assert not re.match(where, "/admin/")
