"""The built wheel in a fresh site with the README's lines and nothing else, in an environment without this checkout."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.example import EXAMPLE

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).parents[1]
#: ``<!-- site: settings.py -->`` stands before the block that belongs there.
BLOCK = re.compile(r"<!-- site: (\S+) -->\n```\S+\n(.*?)```", re.DOTALL)
VIEW = """
from django.shortcuts import render
from image_studio.models import Asset


def page(request):
    return render(request, "page.html", {"picture": Asset.objects.filter(state="published").first()})


urlpatterns += [path("page/", page)]
"""
RELEASE = """
from image_studio.models import DECLARATION, Asset
from image_studio.policy import Policy
from image_studio.workflow import approve_and_publish

asset = Asset.objects.get(kind="composed")
approve_and_publish(Policy.operator(), asset, declaration=DECLARATION, alt={"en": "A picture of tea"})
"""
FETCH = """
import json
from django.test import Client
print(json.dumps({"status": (answer := Client().get("/page/")).status_code, "html": answer.content.decode()}))
"""


def blocks() -> dict[str, str]:
    """What the README says for each file, in its order."""
    found: dict[str, str] = {}
    for name, lines in BLOCK.findall((ROOT / "README.md").read_text("utf-8")):
        found[name] = f"{found.get(name, '')}\n{lines}"
    return found


class Site:
    """A fresh ``startproject`` and the interpreter that has the wheel."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder, self.python = folder, python

    def run(self, *command: str, stdin: str = "") -> str:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("DJANGO_", "PYTHON", "IMAGE_"))}
        done = subprocess.run(
            [str(self.python), *command],
            cwd=self.folder,
            env=kept,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def manage(self, *command: str, stdin: str = "") -> str:
        return self.run("manage.py", *command, stdin=stdin)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as ``make package`` does, but with the tools at hand: a test needs no network."""
    target = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = target.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with the wheel, and this environment's other packages behind it."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    # A plain path: .pth files that lie there, such as that of an editable install, are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return folder / "bin" / "python"


@pytest.fixture
def site(python: Path, tmp_path: Path) -> Site:
    """``startproject``, and the README's lines at the end of the files that they belong to."""
    fresh = Site(tmp_path, python)
    fresh.run("-m", "django", "startproject", "mysite", ".")
    for name in ("settings.py", "urls.py"):
        with (tmp_path / "mysite" / name).open("a", encoding="utf-8") as file:
            file.write(blocks()[name])
    return fresh


def test_the_wheel_holds_what_is_needed_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    inside = {name.split("/")[0] for name in names}
    assert {name for name in inside if not name.endswith(".dist-info")} == {"image_studio"}
    held = set(names)
    for name in (
        "image_studio/py.typed",
        "image_studio/fonts/DejaVuSans.ttf",
        "image_studio/fonts/LICENSE-DejaVu.txt",
        "image_studio/catalog/models.toml",
        "image_studio/catalog/channels.toml",
        "image_studio/migrations/0001_initial.py",
    ):
        assert name in held
    shipped = {
        path.relative_to(ROOT).as_posix()
        for folder in ("templates", "static", "locale")
        for path in (ROOT / "image_studio" / folder).rglob("*")
        if path.is_file()
    }
    assert shipped <= held
    assert not [name for name in names if name.endswith((".pyc", ".orig")) or "/tests/" in name]


def test_a_fresh_site_shows_a_published_variant(site: Site, draw_small: Path) -> None:
    where = site.run("-c", "import image_studio; print(image_studio.__file__)")
    assert str(ROOT) not in where  # the wheel, not the checkout
    for line in blocks()["manage.py"].strip().splitlines():
        told = line.replace("path/to/brand", str(EXAMPLE / "demo" / "brand")).replace("photo.jpg", str(draw_small))
        program, *command = shlex.split(told)
        assert program == "python"
        site.run(*command)
    assert "no issues" in site.manage("check")
    site.manage("shell", stdin=RELEASE)
    site.manage("studio_worker", "--once")
    html = page_of(site)
    picture = re.search(r"<picture>.*?</picture>", html, re.DOTALL)
    assert picture is not None, html
    assert re.findall(r'type="(image/\w+)"', picture[0]) == ["image/avif", "image/webp"]
    (image,) = re.findall(r"<img ([^>]*)>", picture[0])
    assert {"src", "srcset", "width", "height", "alt", "loading"} <= set(re.findall(r'(\w+)="', image))
    files = re.findall(r"/media/(\S+?)[\s\",]", picture[0])
    assert files
    assert all((site.folder / "media" / name).is_file() for name in files)


def page_of(site: Site) -> str:
    """The page of a site whose template has the README's lines."""
    folder = site.folder / "templates"
    folder.mkdir()
    (folder / "page.html").write_text(blocks()["template"])
    with (site.folder / "mysite" / "settings.py").open("a") as file:
        file.write('\nTEMPLATES[0]["DIRS"] = [BASE_DIR / "templates"]\nALLOWED_HOSTS = ["testserver"]\n')
    with (site.folder / "mysite" / "urls.py").open("a") as file:
        file.write(VIEW)
    answer = json.loads(site.manage("shell", "-v", "0", stdin=FETCH).strip().splitlines()[-1])
    assert answer["status"] == 200
    html: str = answer["html"]
    return html


@pytest.fixture
def draw_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A product picture, large enough for a page."""
    monkeypatch.syspath_prepend(EXAMPLE)
    from demo import draw  # noqa: PLC0415 - on the path only now

    path = tmp_path / "product.jpg"
    draw.save(path, (960, 640))
    return path
