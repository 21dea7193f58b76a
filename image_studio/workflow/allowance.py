"""What stands between a wish and its money, for the pages where it is said: stops, and what a budget has left."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from image_studio import ledger
from image_studio.ledger import Bill
from image_studio.models import Brand, Budget, Switch
from image_studio.policy import Policy
from image_studio.workflow.spending import may_stop, switches


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A switch that is thrown.

    :param may_end: whether this person may let spending go on.
    """

    switch: Switch
    may_end: bool


def stops(policy: Policy, brands: Collection[UUID] | None = None) -> tuple[Stop, ...]:
    """What stops the spending of the site or of these brands (None: of all that the person may see). One query."""
    rows = switches(policy)
    if brands is not None:
        rows = rows.filter(Q(brand=None) | Q(brand__in=brands))
    return tuple(Stop(switch=row, may_end=may_stop(policy, row.brand)) for row in rows)


@dataclass(frozen=True, kw_only=True)
class Room:
    """A limit and what is left within it after an order. Integer micro-USD; ``left`` is below 0 where it is refused."""

    budget: Budget
    left: int
    limit: int


def rooms(policy: Policy, brand: Brand, most: int) -> Sequence[Room]:
    """The limits that an order of this person counts against, the tightest first; none where it is free.

    :param most: the most that the order may cost, in micro-USD.
    """
    if not most:
        return ()
    bill = Bill(brand_id=brand.pk, user_id=policy.actor.user_id)
    found = [
        Room(
            budget=row.budget,
            left=row.budget.hard_micro_usd - row.budget.spent_micro_usd - row.budget.held_micro_usd - most,
            limit=row.budget.hard_micro_usd,
        )
        for row in ledger.outlook(bill, most)
        if row.budget.hard_micro_usd is not None
    ]
    return sorted(found, key=lambda room: room.left)
