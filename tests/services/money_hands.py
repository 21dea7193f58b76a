"""Run in a process of its own: many threads that all want the same at once, and count what they were told.

``python -m tests.services.money_hands DATABASE``; told what by a line of JSON on stdin, begins at the second line.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import django
from django.db import close_old_connections, connections, transaction

django.setup()

from image_studio import ledger  # noqa: E402
from image_studio.ledger import Bill, BudgetSpent  # noqa: E402
from image_studio.models import OPERATOR, Brand, Event, uuid7  # noqa: E402
from image_studio.policy import Policy  # noqa: E402
from image_studio.workflow.once import once  # noqa: E402

#: Connections of one process at most: a server grants a hundred by default, and other tests run beside this one.
CONNECTIONS = 15


def main() -> None:
    connections["default"].settings_dict["NAME"] = connections.settings["default"]["NAME"] = sys.argv[1]
    told = json.loads(sys.stdin.readline())
    act = {"hold": _hold, "once": _once}[told["what"]]
    hands = int(told["hands"])
    gate, slots = threading.Barrier(hands + 1), threading.BoundedSemaphore(CONNECTIONS)

    def run(number: int) -> str:
        gate.wait(60)
        with slots:
            close_old_connections()
            try:
                return act(told, number)
            except Exception as error:  # noqa: BLE001 - counted: there must be none
                return f"{type(error).__name__}: {error}"
            finally:
                connections.close_all()

    with ThreadPoolExecutor(hands) as pool:
        found = [pool.submit(run, number) for number in range(hands)]
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        gate.wait(60)
        sys.stdout.write(json.dumps(Counter(one.result() for one in found)))


def _hold(told: dict[str, Any], number: int) -> str:
    """Hold for one call: half of the hands for one brand, half for the other, each for its own person."""
    brand = UUID(told["brands"][number % 2])
    bill = Bill(brand_id=brand, user_id=told["users"][number % len(told["users"])], job=uuid7())
    try:
        with transaction.atomic():
            ledger.hold([(bill, told["amount"])], actor=OPERATOR)
    except BudgetSpent:
        return "refused"
    return "granted"


def _once(told: dict[str, Any], number: int) -> str:
    """One order with one key; what it makes is an event and a hold."""
    brand = UUID(told["brands"][0])

    def act() -> dict[str, Any]:
        Event.objects.record(OPERATOR, "test.acted", Brand(pk=brand))
        ledger.hold([(Bill(brand_id=brand, job=uuid7()), told["amount"])], actor=OPERATOR)
        return {"made": str(uuid7())}

    key = told["keys"][number % len(told["keys"])]
    answer = once(Policy.operator(), key, {"verb": "test", "key": key}, act)
    return f"{key} {answer.answer['made']} {'replayed' if answer.replayed else 'acted'}"


if __name__ == "__main__":
    main()
