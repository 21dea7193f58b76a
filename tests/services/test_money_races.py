"""Budgets and keys under many hands: four processes of 64 threads each on a server, a few on SQLite.

Exactly k of k are granted, one order is made of a key, and nobody gets an error. Runs on the database that
IMAGE_STUDIO_TEST_DB names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection, connections

from image_studio import ledger
from image_studio.models import Budget, Event, IdempotencyKey, LedgerEntry
from tests import factories
from tests.settings import ENGINE

pytestmark = [
    pytest.mark.services,
    pytest.mark.crash,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("crowd"),
]

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, HANDS = (2, 4) if ENGINE == "sqlite" else (4, 64)
ALL = PROCESSES * HANDS
AMOUNT = 1000


def together(**told):
    """Let all hands do it at once, and add up what they were told."""
    command = [sys.executable, "-W", "error", "-m", "tests.services.money_hands", str(connection.settings_dict["NAME"])]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    connections.close_all()
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) for _process in range(PROCESSES)
    ]
    try:
        for process in processes:
            process.stdin.write(json.dumps({"hands": HANDS, "amount": AMOUNT, **told}) + "\n")
            process.stdin.flush()
        for process in processes:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        found = Counter()
        for process in processes:
            out, err = process.communicate(timeout=180)
            assert process.returncode == 0, err
            found.update(json.loads(out))
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return found


def open_budget(**fields):
    budget = Budget(period="ever", **fields)
    ledger.open_budget(budget)
    return budget


def held_in(budget):
    budget.refresh_from_db()
    return budget.held_micro_usd


@pytest.mark.parametrize("level", ["site", "brand", "user"])
def test_exactly_as_many_are_granted_as_fit(level):
    brands = [factories.make_bare_brand() for _n in range(2)]
    users = [factories.make_user("creator", brand=brand) for brand in brands]
    fits = ALL // 4
    # All levels count; one of them limits.
    limits = {"site": ALL, "brand": ALL, "user": ALL, level: fits}
    site = open_budget(hard_micro_usd=limits["site"] * AMOUNT)
    first = open_budget(brand=brands[0], hard_micro_usd=limits["brand"] * AMOUNT)
    person = open_budget(user=users[0], hard_micro_usd=limits["user"] * AMOUNT)
    found = together(what="hold", brands=[str(one.pk) for one in brands], users=[str(one.pk) for one in users])
    # Even hands spend the first brand's and the first person's money, odd ones the second's.
    granted = fits if level == "site" else ALL // 2 + fits
    assert found == {"granted": granted, "refused": ALL - granted}
    assert held_in(site) == granted * AMOUNT
    if level != "site":
        assert held_in(first) == held_in(person) == fits * AMOUNT
    assert LedgerEntry.objects.filter(kind="hold").count() == granted


def test_of_one_key_comes_one_order():
    brand = factories.make_bare_brand()
    budget = open_budget(brand=brand, hard_micro_usd=2 * AMOUNT)
    keys = ["one", "two"]
    found = together(what="once", brands=[str(brand.pk)], keys=keys)
    told = Counter()
    for words, number in found.items():
        key, made, how = words.split(" ")
        told[key, how] += number
        assert len(made) == 36, words
    assert told == {
        (key, how): ALL // 2 - 1 if how == "replayed" else 1 for key in keys for how in ("acted", "replayed")
    }
    assert len({words.rsplit(" ", 1)[0] for words in found}) == 2
    assert IdempotencyKey.objects.count() == Event.objects.filter(verb="test.acted").count() == 2
    assert held_in(budget) == 2 * AMOUNT
