"""Loading checks, and how a kit's settings count their verdicts."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image

import image_studio.brand
from image_studio import wording
from image_studio.brand.checks import (
    DEFAULT_CHECKS,
    Check,
    InvalidCheck,
    Subject,
    Verdict,
    load,
    run_checks,
    validate_settings,
)
from image_studio.brand.checks.palette import Palette
from image_studio.brand.kit import CheckSetting, Kit
from image_studio.exceptions import StudioError
from image_studio.imaging.geometry import Box
from image_studio.wording import explain, explain_error

from .conftest import CHANNEL, KIT, logo, noise, text

HERE = "tests.brand.checks.test_running"


@dataclass(frozen=True, kw_only=True)
class Grumpy(Check):
    """A site's own check: fails with what it was told."""

    name: ClassVar[str] = "grumpy"
    kind: ClassVar[str] = "judged"
    version: ClassVar[str] = "7"
    mood: str = "bad"
    limit: float = 1.0
    loud: bool = False
    broken: bool = False

    def run(self, subject: Subject) -> tuple[Verdict, ...]:
        if self.broken:
            raise ZeroDivisionError("on purpose")
        return (self.failed("grumpy.no", mood=self.mood, score=self.limit), self.warned("grumpy.hm"))


def kit_with(**setting: object) -> Kit:
    return replace(KIT, checks=(CheckSetting(check="grumpy", **setting),))


def test_the_default_checks_load_in_order() -> None:
    assert [check.name for check in load(DEFAULT_CHECKS)] == [
        "terms",
        "lines",
        "file",
        "contrast",
        "palette",
        "logo",
        "safe_area",
        "drift",
    ]


def test_an_entry_may_carry_options() -> None:
    path = "image_studio.brand.checks.palette.Palette"
    assert load([(path, {"warn": 0.5}), path]) == (Palette(warn=0.5), Palette())


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("image_studio.brand.checks.nowhere.Check", "check.not_found"),
        ("image_studio.brand.checks.palette.Nothing", "check.not_found"),
        ("image_studio.brand.checks.palette.is_photographic", "check.not_found"),
        ("image_studio.brand.kit.Kit", "check.not_found"),
        ("Palette", "check.not_found"),
        ("", "check.not_found"),
        (("image_studio.brand.checks.palette.Palette", {"worn": 0.5}), "check.unknown_option"),
        (("image_studio.brand.checks.palette.Palette", {"warn": "much"}), "check.bad_option"),
        (("image_studio.brand.checks.palette.Palette", {"warn": True}), "check.bad_option"),
        (("image_studio.brand.checks.contrast.Contrast", {"ink": 2.5}), "check.bad_option"),
    ],
)
def test_load_refuses_with_words(entry, code) -> None:
    with pytest.raises(InvalidCheck) as caught:
        load([entry])
    assert isinstance(caught.value, StudioError)
    assert isinstance(caught.value, ValueError)
    assert caught.value.code == code
    assert "{" not in explain_error(caught.value)


def test_a_whole_number_is_a_number() -> None:
    assert load([("image_studio.brand.checks.contrast.Contrast", {"text": 7})])[0].text == 7


def test_a_verdict_carries_the_checks_facts() -> None:
    failed, warned = run_checks([Grumpy()], Subject(kit=KIT))
    assert failed == Verdict(
        check="grumpy",
        kind="judged",
        verdict="fail",
        code="grumpy.no",
        params={"mood": "bad"},
        score=1.0,
        rule="7",
        blocks=True,
    )
    assert (warned.verdict, warned.blocks) == ("warn", False)


def test_severity_off_is_not_run() -> None:
    (verdict,) = run_checks([Grumpy(broken=True)], Subject(kit=kit_with(severity="off")))
    assert (verdict.verdict, verdict.code, verdict.check) == ("not_run", "check.off", "grumpy")


def test_severity_warn_downgrades_a_fail() -> None:
    first, second = run_checks([Grumpy()], Subject(kit=kit_with(severity="warn", blocks=True)))
    assert (first.verdict, first.code, first.blocks) == ("warn", "grumpy.no", False)
    assert second.verdict == "warn"


def test_a_fail_blocks_only_where_the_kit_says_so() -> None:
    assert run_checks([Grumpy()], Subject(kit=kit_with(blocks=False)))[0].blocks is False
    assert run_checks([Grumpy()], Subject(kit=kit_with(blocks=True)))[0].blocks is True


def test_the_kits_options_win_over_the_sites() -> None:
    first = run_checks([Grumpy(mood="dire", limit=3.0)], Subject(kit=kit_with(options={"mood": "mild"})))[0]
    assert (first.params["mood"], first.score) == ("mild", 3.0)


def test_a_check_that_breaks_is_not_run_logged_and_costs_nobody_else(caplog) -> None:
    with caplog.at_level(logging.ERROR, "image_studio.checks"):
        verdicts = run_checks([Grumpy(broken=True), Grumpy()], Subject(kit=KIT))
    assert [(v.verdict, v.code) for v in verdicts][:2] == [("not_run", "check.crashed"), ("fail", "grumpy.no")]
    (record,) = caplog.records
    assert (record.action, record.check) == ("check.crashed", "grumpy")
    assert record.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize("options", [{"mod": "x"}, {"limit": "high"}])
def test_a_kit_with_bad_options_does_not_run_the_check(options) -> None:
    (verdict,) = run_checks([Grumpy()], Subject(kit=kit_with(options=options)))
    assert verdict.verdict == "not_run"
    assert "{" not in explain(verdict.code, verdict.params)


def test_settings_can_be_validated_before_they_are_saved() -> None:
    validate_settings(kit_with(options={"mood": "fine"}), [Grumpy()])
    with pytest.raises(InvalidCheck) as caught:
        validate_settings(kit_with(), load(DEFAULT_CHECKS))
    assert caught.value.code == "check.unknown"
    assert "safe_area" in explain_error(caught.value)
    with pytest.raises(InvalidCheck) as caught:
        validate_settings(kit_with(options={"mod": 1}), [Grumpy()])
    assert caught.value.params["option"] == "mod"


def test_every_default_check_answers_on_nothing_without_a_pass() -> None:
    verdicts = run_checks(load(DEFAULT_CHECKS), Subject(kit=Kit(name="A", slug="a")))
    # Drift is a question about edits alone: of any other picture there is nothing that was not asked.
    assert {v.check for v in verdicts} == {check.name for check in load(DEFAULT_CHECKS)} - {"drift"}
    assert {v.verdict for v in verdicts if v.code != "file.not_enlarged"} == {"not_run"}


def test_all_checks_run_on_one_picture() -> None:
    placed = (text(Box(30, 40, 200, 60)), logo(Box(300, 40, 50, 20), clear=Box(290, 30, 70, 40)))
    subject = Subject(
        kit=KIT, image=noise(), under=noise(), channel=CHANNEL, format="jpeg", weight=1, placed=placed, locale="en"
    )
    verdicts = run_checks(load(DEFAULT_CHECKS), subject)
    assert not [v for v in verdicts if v.code == "check.crashed"]
    assert {v.check for v in verdicts if v.verdict != "not_run"} >= {"lines", "file", "contrast", "palette", "logo"}


@pytest.mark.parametrize("mode", ["RGBA", "L", "LA", "P"])
def test_no_mode_breaks_a_check(mode) -> None:
    image = Image.new("RGB", (400, 300), "#888888").convert(mode)
    placed = (text(Box(30, 40, 200, 60)), logo(Box(300, 40, 50, 20)))
    verdicts = run_checks(load(DEFAULT_CHECKS), Subject(kit=KIT, image=image, under=image, placed=placed))
    assert not [v for v in verdicts if v.code == "check.crashed"]


def test_every_code_has_words_and_every_word_a_code() -> None:
    folder = Path(image_studio.brand.__file__).parent
    source = "\n".join(path.read_text("utf-8") for path in folder.rglob("*.py"))
    raised = set(
        re.findall(r'"((?:kit|check|terms|line|label|file|contrast|palette|logo|safe_area)\.[a-z_]+)"', source)
    )
    assert raised <= set(wording.WORDS)
    assert set(wording.brand.WORDS) <= raised
