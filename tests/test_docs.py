"""The papers against the code: what is documented exists, and what exists is documented."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import fields
from functools import cache
from importlib import resources
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from image_studio.brand.checks import DEFAULT_CHECKS, MODERATION, load
from image_studio.conf import Settings

ROOT = Path(__file__).parents[1]
PAPERS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
# Words that give away where something was written; the papers speak of every machine.
LOCAL = re.compile(r"/(?:root|home|tmp|mnt|opt)/\w")


@cache
def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def anchors(paper: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", paper.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def commands() -> list[str]:
    return sorted(name for name, app in get_commands().items() if app == "image_studio")


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"^`([A-Z_]+)`$", text("docs/settings.md"), re.MULTILINE))
    assert documented == {field.name.upper() for field in fields(Settings)}


@pytest.mark.parametrize("setting", [f.name for f in fields(Settings) if type(f.default) in (int, float)])
def test_documented_defaults_are_true(setting: str) -> None:
    default = next(f.default for f in fields(Settings) if f.name == setting)
    entry = re.search(rf"^`{setting.upper()}`\n: (.+?)(?=\n\n|\Z)", text("docs/settings.md"), re.DOTALL | re.MULTILINE)
    assert entry is not None
    shown = re.search(r"Default ([\d,.]*\d)", entry[1])
    assert shown is not None
    assert float(shown[1].replace(",", "")) == default


def test_every_brand_check_is_documented_with_its_options() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \|.*\|([^|]*)\|$", text("docs/checks.md"), re.MULTILINE)}
    checks = load([*DEFAULT_CHECKS, MODERATION])
    assert set(rows) == {check.name for check in checks}
    for check in checks:
        assert dict(re.findall(r"`(\w+)` \(([\d.]+)\)", rows[check.name])).keys() == {f.name for f in fields(check)}
        for option, shown in re.findall(r"`(\w+)` \(([\d.]+)\)", rows[check.name]):
            assert float(shown) == getattr(check, option)


def test_every_system_check_is_documented() -> None:
    source = resources.files("image_studio").joinpath("checks.py").read_text("utf-8")
    ids = set(re.findall(r'id="image_studio\.([EWI]\d{3})"', source))
    assert set(re.findall(r"^\| `image_studio\.([EWI]\d{3})`", text("docs/operations.md"), re.MULTILINE)) == ids


def test_every_command_is_documented_and_exists() -> None:
    documented = set(re.findall(r"`(studio_\w+)", text("docs/commands.md")))
    assert documented == set(commands())


@pytest.mark.parametrize("name", commands())
def test_documented_keys_are_the_ones_that_are_printed(name: str) -> None:
    keys = getattr(load_command_class("image_studio", name), "keys", ())
    entry = re.search(rf"^`{name}.*?(?=^`studio_|\Z)", text("docs/commands.md"), re.DOTALL | re.MULTILINE)
    assert entry is not None
    shown = re.search(r"Keys: (.+?)\.\n", entry[0] + "\n", re.DOTALL)
    assert not keys or (shown is not None and tuple(re.findall(r"`(\w+)`", shown[1])) == keys)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_make_commands_in_the_papers_exist(paper: Path) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", paper.read_text("utf-8"), re.MULTILINE))
    assert named <= make_targets()


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_local_links_resolve(paper: Path) -> None:
    for path, anchor in LINK.findall(paper.read_text("utf-8")):
        target = (paper.parent / path).resolve() if path else paper
        assert target.exists(), f"{paper.name} links to {path}"
        if anchor:
            assert anchor in anchors(target), f"{paper.name} links to {path}#{anchor}"


def test_the_makefile_lists_itself() -> None:
    done = subprocess.run(["make", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True)
    for target in ("demo", "test", "check", "test-services", "test-crash", "test-browser", "bench", "tox", "clean"):
        assert re.search(rf"^  make {target} +\S", done.stdout, re.MULTILINE), target


def test_ci_calls_only_targets_that_exist() -> None:
    called = set(re.findall(r"^(?:step \w+ |  )make ([a-z-]+)", text(".ci/run"), re.MULTILINE))
    assert {"test", "check", "test-services", "test-crash", "test-browser", "bench", "tox"} <= called <= make_targets()


def test_pictures_of_the_papers_are_small() -> None:
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.stat().st_size < 300_000, picture.name


@pytest.mark.parametrize(
    "paper", [*PAPERS, ROOT / "Makefile", ROOT / "tox.ini", ROOT / ".ci" / "run"], ids=lambda p: p.name
)
def test_nothing_names_one_machine(paper: Path) -> None:
    assert not LOCAL.search(paper.read_text("utf-8"))


def test_the_wheel_says_what_the_papers_say() -> None:
    readme = text("README.md")
    supported = re.findall(r"Framework :: Django :: (\d\.\d)", text("pyproject.toml"))
    assert json.dumps(supported) == json.dumps(["5.2", "6.0", "6.1"])
    assert all(version in readme for version in supported)
