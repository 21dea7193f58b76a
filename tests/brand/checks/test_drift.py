"""The drift of an edit as a verdict: from a share of the area to words, and silence about what is no edit."""

from __future__ import annotations

import pytest

from image_studio.brand.checks import Subject
from image_studio.brand.checks.drift import Drift
from image_studio.brand.kit import Kit

KIT = Kit(name="A", slug="a")


def verdicts(**drift):
    told = {"share": 0.0, "worst": [0.0, 0.0, 0.125, 0.125], "worst_mean": 1.0, "masked": True, **drift}
    return Drift().run(Subject(kit=KIT, drift=told))


@pytest.mark.parametrize(
    ("share", "verdict", "code"),
    [
        (0.0, "pass", "drift.little"),
        (0.02, "pass", "drift.little"),
        (0.021, "warn", "drift.some"),
        (0.1, "warn", "drift.some"),
        (0.101, "fail", "drift.much"),
    ],
)
def test_the_share_outside_the_mask_decides(share, verdict, code):
    (found,) = verdicts(share=share)
    assert (found.verdict, found.code, found.score, found.kind) == (verdict, code, share, "measured")
    assert (found.region is None) == (verdict == "pass")
    assert found.params["percent"] == pytest.approx(100 * share, abs=0.05)


def test_without_a_mask_there_is_no_outside_and_so_no_pass():
    (found,) = verdicts(share=0.3, masked=False)
    assert (found.verdict, found.code, found.params) == ("not_run", "drift.no_mask", {"percent": 30.0})


def test_what_cannot_be_compared_did_not_run():
    (found,) = Drift().run(Subject(kit=KIT, drift={}))
    assert (found.verdict, found.code) == ("not_run", "drift.not_comparable")


def test_it_says_nothing_of_what_is_no_edit():
    assert Drift().run(Subject(kit=KIT)) == ()


def test_a_kit_may_be_stricter():
    told = {"share": 0.03, "worst": [0, 0, 1, 1], "worst_mean": 1.0, "masked": True}
    (found,) = Drift(warn=0.001, fail=0.02).run(Subject(kit=KIT, drift=told))
    assert found.verdict == "fail"
