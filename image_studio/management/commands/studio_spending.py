"""``manage.py studio_spending``: stop all spending at once, let it go on, and see what is spent and held."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from image_studio import ledger
from image_studio.management.base import StudioCommand, brand_of
from image_studio.models import Budget, Switch
from image_studio.workflow.spending import resume_spending, stop_spending, switches


class Command(StudioCommand):
    """The kill switch at the shell, and every budget with its counters."""

    help = (
        "Shows budgets and whether spending is stopped. --stop stops it, of the site or of --brand: no order is taken "
        "and nothing that waits is sent; what the provider works on already comes, and is paid for."
    )
    keys = (
        "scope",
        "period",
        "spent_micro_usd",
        "held_micro_usd",
        "soft_micro_usd",
        "hard_micro_usd",
        "left_micro_usd",
        "stopped",
    )

    def arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--stop", default=None, metavar="REASON", help="stop all spending; people are shown the reason"
        )
        what.add_argument("--resume", action="store_true", help="let money be spent again")
        parser.add_argument("--brand", default=None, metavar="B", help="of this brand alone")

    def run(self, **options: Any) -> int:
        # Given and empty is a variable that was not set, and never means the whole site.
        brand = brand_of(options["brand"]) if options["brand"] is not None else None
        if options["stop"] is not None:
            stop_spending(self.policy, brand, reason=options["stop"])
        elif options["resume"]:
            resume_spending(self.policy, brand)
        self.lines(self._rows(), as_json=options["json"])
        return 0

    def _rows(self) -> Iterator[dict[str, Any]]:
        thrown = {switch.scope: switch for switch in switches(self.policy)}
        for switch in thrown.values():
            yield _switch_row(switch)
        for budget in ledger.current(Budget.objects.order_by("level", "scope", "period")):
            columns = ("scope", "period", "spent_micro_usd", "held_micro_usd", "soft_micro_usd", "hard_micro_usd")
            stop = thrown.get(budget.scope) or thrown.get(ledger.SITE)
            yield {
                **{name: getattr(budget, name) for name in columns},
                "left_micro_usd": budget.left_micro_usd,
                "stopped": stop.reason if stop else "",
            }


def _switch_row(switch: Switch) -> dict[str, Any]:
    """A thrown switch; the sums are those of no budget."""
    return {"scope": switch.scope, "stopped": f"{switch.reason} ({switch.actor_label})"}
