"""A worker fails at every fail point, in every way, and what comes after it makes it good.

Judged from outside: by the provider's own books and by the bytes. Runs on the database that IMAGE_STUDIO_TEST_DB names.
"""

from __future__ import annotations

import os
import signal
import time
from itertools import cycle

import pytest

from image_studio.models import Job, WorkerBeat
from image_studio.states import JOB_ENDED
from tests.crash import points
from tests.crash.judging import in_doubt, judge
from tests.crash.points import TO_DO
from tests.crash.scenarios import PLAIN, SCENARIOS, lead_to, scenario_of
from tests.settings import ENGINE

pytestmark = [pytest.mark.crash, pytest.mark.django_db(transaction=True)]

RECOVERIES = ("restart", "doctor", "beside")
#: Longer than a lease: whoever was stopped so long has lost it.
PAST_THE_LEASE = 2.6
POSTGRESQL = ENGINE == "postgresql"


def runs():
    """(point, action, recovery): each point of a purchase is killed under every recovery, the rest in turn."""
    turn, slow = cycle(RECOVERIES), cycle(("hang", "stop"))
    for point in points.points():
        if not POSTGRESQL and point.site.effect == "ring":
            continue  # only PostgreSQL rings
        plain = scenario_of(point) in PLAIN
        for recovery in RECOVERIES if plain else (next(turn),):
            yield point, "kill", recovery
        yield point, "raise", next(turn)
        if not plain or point.site.effect not in ("commit", "call"):
            continue
        # Past the lease takes seconds: one way here, the other at the next moment.
        way = next(slow)
        if way == "hang" or POSTGRESQL:
            yield point, way, next(turn)
        if POSTGRESQL and point.site.effect == "commit":
            # The network in between, and the server's own backend.
            yield point, "drop", next(turn)
            yield point, "terminate", next(turn)


@pytest.mark.parametrize(("point", "action", "recovery"), [*runs()], ids=str)
def test_a_failure_costs_no_picture_and_no_second_charge(point, action, recovery, nest, studio, record_property):
    told = {"point": str(point), "action": action, "engine": ENGINE, "recovery": recovery}
    for name, value in told.items():
        record_property(name, value)
    scenario = SCENARIOS[scenario_of(point)]
    books = studio(*scenario.script, more=scenario.studio, delay=scenario.delay)
    brand = lead_to(nest, scenario)
    second = _beside(nest) if recovery == "beside" else 0
    first = nest.start(scenario.run, arm={**scenario.nudge, str(point): action}, brand=str(brand.pk))
    _wait_for(nest, first, point)
    doubt = _over(nest, first, action, recovery)
    _recover(nest, recovery, second)
    if action in ("hang", "stop"):
        # It woke without its lease: fenced out. What it brought is taken in by whoever looks next.
        nest.ended(first)
    assert nest.run("work") == 0
    found = judge(books, consented=scenario.consented)
    for name, value in found.told().items():
        record_property(name, value)
    if scenario_of(point) in PLAIN and action in ("hang", "stop", "kill"):
        expected = doubt if action == "kill" else False
        assert expected is None or (found.unknown > 0) == expected, "in doubt without need, or not shown"
        assert found.stored == Job.objects.count() - found.unknown


def _wait_for(nest, first, point):
    deadline = time.monotonic() + 60
    while not nest.reached.exists():
        ended = nest.status(first)
        if nest.reached.exists():
            break
        assert ended is None, f"nothing comes to {point}. {TO_DO}\n{nest.said()}"
        assert time.monotonic() < deadline, f"nothing comes to {point}. {TO_DO}\n{nest.said()}"
        time.sleep(0.01)


def _over(nest, first, action, recovery):
    """Wait as long as the failure takes. For a killed one: whether its call is in doubt, None if not known."""
    if action == "stop":
        time.sleep(PAST_THE_LEASE)
        os.kill(first, signal.SIGCONT)
    if action in ("hang", "stop"):
        return False
    if first in nest.born:
        status = nest.ended(first)
        assert (status == -signal.SIGKILL) == (action == "kill"), nest.said()
    return in_doubt() if recovery != "beside" else None


def _beside(nest):
    """A worker that runs all along, and takes nothing before the other has failed."""
    second = nest.start("stay", gate=str(nest.reached))
    nest.until(WorkerBeat.objects.exists, "the second worker does not beat")
    return second


def _recover(nest, recovery, second):
    if recovery == "doctor":
        nest.run("doctor")
    if recovery != "beside":
        nest.run("work")
        return
    nest.until(lambda: not Job.objects.exclude(state__in=JOB_ENDED).exists(), "the second worker leaves jobs lying")
    os.kill(second, signal.SIGTERM)
    assert nest.ended(second) == 0, nest.said()
