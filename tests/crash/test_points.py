"""The list of fail points is complete: it is read from the code, and held against what a worker really does."""

from __future__ import annotations

import pytest

from tests.crash import points
from tests.crash.points import ASIDE, BOTH, MOMENTS, TO_DO, Point, Site
from tests.crash.scenarios import BOUGHT, REACHED_BY, SCENARIOS, lead_to


def test_the_list_is_long_enough_and_knows_what_matters():
    found = points.points()
    assert len(found) >= 28
    effects = {point.site.effect for point in found}
    assert effects >= {"commit", "flush", "rename", "drop", "save", "delete", "read", "call", "recover", "ring"}
    assert len([point for point in found if point.site.effect == "commit"]) >= 20


def test_what_is_named_by_hand_is_in_the_code():
    sites = {str(site) for site in points.sites()}
    assert {name for name in REACHED_BY if ":" in name} <= sites, "REACHED_BY names what is not there any more"
    assert {name for name in ASIDE if ":" in name} <= sites, "ASIDE names what is not there any more"
    assert set(points.ALONE) <= points.functions(), "ALONE names what is not there any more"
    assert set(REACHED_BY.values()) <= set(SCENARIOS)
    known = {str(Point(site, moment)) for site in points.sites() for moment in BOTH}
    named = {row.before for row in SCENARIOS.values()} | {point for row in SCENARIOS.values() for point in row.nudge}
    assert named - {""} <= known, "a scenario goes by a point that is not there any more"


@pytest.mark.crash
@pytest.mark.django_db(transaction=True)
def test_a_worker_does_nothing_that_the_list_does_not_know(nest, studio):
    """The other way round: what a run leaves in its trace is all in the list."""
    studio()
    lead_to(nest, SCENARIOS[BOUGHT])
    assert nest.run("work", arm={}) == 0
    traced = (nest.folder / "trace").read_text().split()
    known = {str(Site(*line.rsplit(":", 1)[0].split(":"))) for line in traced}
    missing = known - {str(site) for site in points.sites()}
    assert not missing, f"{sorted(missing)} is no fail point. {TO_DO}"
    assert {effect for effect in MOMENTS if effect != "recover"} <= {site.split(":")[1] for site in known}
