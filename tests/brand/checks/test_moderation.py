"""What the check makes of a service's answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from image_studio.brand.checks import DEFAULT_CHECKS, MODERATION, Subject, load, run_checks, with_moderation
from image_studio.brand.checks.moderation import Moderation
from image_studio.brand.judged import Judged, Unjudged
from image_studio.brand.kit import CheckSetting, Kit
from image_studio.wording import explain

CLEAR = Judged(
    flagged=False,
    categories={"violence": 0.3, "hate": 0.6},
    applied={"violence": ("text", "image"), "hate": ("text",)},
    model="omni",
)
FLAGGED = replace(CLEAR, flagged=True, flags=("violence",), categories={"violence": 0.9, "hate": 0.1})


def judge(what, looked, **options):
    (verdict,) = Moderation(**options).run(Subject(kit=Kit(name="A", slug="a"), looked={what: looked}))
    assert (verdict.check, verdict.kind, verdict.params["what"]) == ("moderation", "judged", what)
    assert "{" not in explain(verdict.code, verdict.params)
    return verdict


@pytest.mark.parametrize(
    ("what", "looked", "options", "verdict", "code"),
    [
        ("picture", CLEAR, {}, "pass", "moderation.picture_clear"),
        ("prompt", CLEAR, {}, "pass", "moderation.prompt_clear"),
        ("picture", FLAGGED, {}, "fail", "moderation.picture_flagged"),
        ("prompt", FLAGGED, {}, "fail", "moderation.prompt_refused"),
        ("picture", CLEAR, {"fail": 0.3}, "fail", "moderation.picture_flagged"),
        ("picture", CLEAR, {"fail": 0.31}, "pass", "moderation.picture_clear"),
        ("picture", CLEAR, {"warn": 0.3, "fail": 0.5}, "warn", "moderation.picture_near"),
        ("prompt", CLEAR, {"warn": 0.5}, "warn", "moderation.prompt_near"),
        ("picture", FLAGGED, {"fail": 0.99}, "fail", "moderation.picture_flagged"),
        ("picture", replace(CLEAR, flagged=True), {}, "fail", "moderation.picture_flagged"),
        ("picture", replace(CLEAR, applied={"hate": ("text",)}), {}, "not_run", "moderation.not_looked"),
        ("picture", Unjudged(code="moderation.no_key", params={"alias": "openai"}), {}, "not_run", "moderation.no_key"),
    ],
)
def test_an_answer_counts(what, looked, options, verdict, code):
    found = judge(what, looked, **options)
    assert (found.verdict, found.code) == (verdict, code)


def test_a_score_is_only_of_what_was_looked_for():
    assert judge("picture", CLEAR).score == 0.3
    assert judge("prompt", CLEAR).score == 0.6
    assert judge("picture", CLEAR).params["looked_for"] == "violence"


def test_without_an_answer_it_did_not_run():
    (found,) = Moderation().run(Subject(kit=Kit(name="A", slug="a")))
    assert (found.verdict, found.code) == ("not_run", "moderation.off")


def test_a_kit_says_what_a_failure_counts():
    def counted(**setting):
        kit = Kit(name="A", slug="a", checks=(CheckSetting(check="moderation", **setting),))
        (found,) = run_checks(load([MODERATION]), Subject(kit=kit, looked={"picture": FLAGGED}))
        return found.verdict, found.blocks

    assert counted() == ("fail", True)
    assert counted(blocks=False) == ("fail", False)
    assert counted(severity="warn") == ("warn", False)
    assert counted(severity="off") == ("not_run", False)


def test_the_check_is_added_once():
    assert with_moderation(DEFAULT_CHECKS) == (*DEFAULT_CHECKS, MODERATION)
    listed = [(MODERATION, {"fail": 0.5})]
    assert with_moderation(listed) == tuple(listed)
