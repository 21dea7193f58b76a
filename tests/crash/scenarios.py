"""What a worker has before it when it fails: by these ways every fail point is reached."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import transaction

from image_studio import tasks
from image_studio.models import Brand, Job, database_now
from image_studio.policy import Policy
from image_studio.storage import Spool
from image_studio.workflow.chains import start_chain
from image_studio.workflow.once import once
from image_studio.workflow.step_orders import request_step
from image_studio.workflow.steps import StepOrder
from tests import factories
from tests.crash.nest import Nest
from tests.crash.points import Point


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """:param make: rows that wait when the first worker starts.
    :param script: of the fake provider; ``delay`` is what its calls take, in seconds.
    :param before: point at which a worker was killed before the one that is to fail; empty for none.
    :param between: what happens then; given the nest.
    :param nudge: point -> action that lead the failing worker to its point.
    :param run: the process that fails: ``work``, or ``order``.
    :param studio: settings.
    :param consented: how often the one picture may be bought.
    """

    make: Callable[[Any], Any]
    script: tuple[str, ...] = ("ok",)
    delay: float = 0.0
    before: str = ""
    between: Callable[[Nest], Any] = lambda _nest: None
    nudge: Mapping[str, str] = field(default_factory=dict)
    run: str = "work"
    studio: Mapping[str, Any] = field(default_factory=dict)
    consented: int = 1


def a_set(brand: Any) -> Any:
    """A set of one purchase of two pictures, and two cells."""
    return factories.make_set(
        brand, channels=factories.make_channels("square"), takes=2, shrink=12, provider="fake", model="fake-1"
    )


def a_batch(brand: Any) -> Any:
    """So many purchases that a worker writes them down together."""
    for _set in range(8):
        a_set(brand)


def a_branded_set(_brand: Any) -> Any:
    return factories.make_set(
        factories.make_brand(), channels=factories.make_channels("square"), shrink=3, provider="fake", model="fake-1"
    )


def a_cancelled_job(brand: Any) -> None:
    a_set(brand)
    Job.objects.update(cancel_requested_at=database_now())


def an_edit(brand: Any) -> Any:
    """A step that sends a picture of the library along."""
    source = factories.make_asset(brand, (120, 90))
    chain = start_chain(Policy.operator(), brand, source)
    return request_step(Policy.operator(), chain, StepOrder(instruction="Make it green", route="fake"), key="edit")


def nothing(_brand: Any) -> None:
    """The failing process orders by itself."""


def order_here(brand: str) -> None:
    """In the process that fails: an order with a key, as a request makes it, and a ring once it is committed."""

    def act() -> dict[str, Any]:
        made = a_set(Brand.objects.get(pk=brand))
        ids = list(made.jobs.values_list("pk", flat=True))
        transaction.on_commit(partial(tasks.ring, ids))
        return {"set": str(made.pk)}

    once(Policy.operator(), "one", {"verb": "order"}, act)


def ask_to_adopt(nest: Nest) -> None:
    assert nest.run("work") == 0
    assert Job.objects.filter(state="unknown").update(adopt_asked_at=database_now())


def ask_in_vain(nest: Nest) -> None:
    for path in Spool().root.glob("*/output-*"):
        path.unlink()
    ask_to_adopt(nest)


BOUGHT, BATCH = "bought", "batch"
#: Ways on which nothing goes wrong but at the point itself.
PLAIN = (BOUGHT, BATCH)
CALLED, ANSWERED = "runner.flow._buy:call:after", "runner.answers.write:rename:after"
SCENARIOS: dict[str, Scenario] = {
    BOUGHT: Scenario(make=a_set),
    BATCH: Scenario(
        make=a_batch,
        nudge={"runner.marks.answered:commit:before": "nap", "runner.saving.finish:commit:before": "nap"},
    ),
    "branded": Scenario(make=a_branded_set),
    "edit": Scenario(make=an_edit),
    "refused": Scenario(make=a_set, script=("refused",)),
    "turned away": Scenario(make=a_set, script=("rate_limited", "ok")),
    "cancelled": Scenario(make=a_cancelled_job),
    "ordered": Scenario(make=nothing, run="order", studio={"DOORBELL": "notify"}),
    "slow": Scenario(make=a_set, delay=1.2),
    "stopped early": Scenario(make=a_set, nudge={"runner.answers.order:rename:after": "term"}),
    "stopped at once": Scenario(make=a_set, delay=5.0, nudge={"runner.flow._buy:call:before": "term twice"}),
    "stolen": Scenario(make=a_set, nudge={"runner.answers.order:rename:after": "steal"}),
    "lost call": Scenario(make=a_set, before=CALLED),
    "whole answer": Scenario(make=a_set, before=ANSWERED),
    "spooled": Scenario(make=a_set, before="runner.marks.answered:commit:after"),
    "resent": Scenario(make=a_set, before=CALLED, studio={"RESEND_UNKNOWN": True}, consented=2),
    "asked for": Scenario(make=a_set, before=CALLED, between=ask_to_adopt),
    "asked in vain": Scenario(make=a_set, before=CALLED, between=ask_in_vain),
    "not saved": Scenario(make=a_set, nudge={"runner.filing.Filing.write:save:before": "raise"}),
    "taken back": Scenario(make=a_set, nudge={"runner.answers.StoredAnswer.read:read:before": "steal"}),
}

#: Site or module where the plain purchase does not come -> which scenario does. It must reach whatever is not named.
REACHED_BY = {
    "runner.adopting._read_again:recover": "lost call",
    "runner.adopting._whole:read": "asked for",
    "runner.answers.find:read": "lost call",
    "runner.answers.ordered:read": "lost call",
    "runner.beats.expire_dead:commit": "lost call",
    "runner.flow._buy:drop": "stopped early",
    "runner.flow._sending:drop": "stolen",
    "runner.flow._unanswered:drop": "refused",
    "runner.leases._adopt:commit": "spooled",
    "runner.leases.release:commit": "stopped early",
    "runner.leases.renew:commit": "slow",
    "runner.limits.begin:commit": "turned away",
    "runner.limits.close:commit": "turned away",
    "runner.marks.decided:commit": "refused",
    "runner.marks.halted:commit": "cancelled",
    "runner.marks._still_spooled:commit": "not saved",
    "runner.filing.Filing.undo:delete": "taken back",
    "runner.resending.resend_by_policy:commit": "resent",
    "runner.sending.bytes_of:read": "edit",
    "runner.sweep._move:commit": "lost call",
    "runner.sweep._take:commit": "whole answer",
    "runner.sweep._adopt_asked:commit": "asked in vain",
    "runner.sweep.hand_back:commit": "stopped at once",
    "runner.work.style_of:read": "branded",
    "runner.together": BATCH,
    "tasks.ring:ring": "ordered",
    "workflow.once._act:commit": "ordered",
}


def scenario_of(point: Point) -> str:
    site = point.site
    return REACHED_BY.get(str(site)) or REACHED_BY.get(".".join(site.where.split(".")[:2])) or BOUGHT


def lead_to(nest: Nest, scenario: Scenario) -> Brand:
    """Everything that was before the failure; returns the brand."""
    brand = factories.make_bare_brand()
    scenario.make(brand)
    if scenario.before:
        assert nest.run("work", arm={scenario.before: "kill"}) == -signal.SIGKILL, nest.said()
        nest.reached.unlink()
        (nest.folder / "trace").unlink()
        scenario.between(nest)
    return brand
