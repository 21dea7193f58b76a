"""Who pays for what, and what is entered of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from image_studio.exceptions import Conflict
from image_studio.models import Actor, Job

#: The scope of the site's own budgets and switch.
SITE = "site"
WORKER = Actor(label="worker")


@dataclass(frozen=True, kw_only=True)
class Bill:
    """Who pays for what, as the ledger keeps it.

    :param user_id: whose budget it is; empty for commands.
    :param price_unknown: nobody knows what it may cost, and the site allows the model nevertheless.
    """

    brand_id: UUID
    job: UUID | None = None
    user_id: str = ""
    user_label: str = ""
    attempt: UUID | None = None
    variant_set: UUID | None = None
    chain: UUID | None = None
    provider: str = ""
    route: str = ""
    model: str = ""
    price_unknown: bool = False

    @classmethod
    def of(cls, job: Job, **more: Any) -> Bill:
        """The bill of a job; its set or edit history goes along."""
        chain = job.edit.get("chain") if job.edit else None
        asked, pays = str(job.requested_by_id or ""), job.hold_user or str(job.requested_by_id or "")
        values = {
            "brand_id": job.brand_id,
            "job": job.pk,
            "user_id": pays,
            "user_label": job.actor_label if pays == asked else _name_of(pays),
            "variant_set": job.variant_set_id,
            "chain": UUID(chain) if chain else None,
            "provider": job.provider,
            "route": job.route,
            "model": job.model,
        }
        return cls(**{**values, **more})

    @property
    def scopes(self) -> tuple[str, ...]:
        """Of the budgets that it counts in."""
        brand = f"brand:{self.brand_id}"
        if not self.user_id:
            return (SITE, brand)
        return (SITE, brand, f"user:{self.user_id}", f"{brand} user:{self.user_id}")


def _name_of(user_id: str) -> str:
    """Of somebody who pays for what another asked for: a colleague tried it again."""
    user = get_user_model()._default_manager.filter(pk=user_id).first()
    return str(user.get_username()) if user else ""


@dataclass(frozen=True, kw_only=True)
class Movement:
    """One entry to be. ``held`` and ``spent`` are changes in micro-USD; ``kind`` follows from them and the caller."""

    bill: Bill
    kind: str
    held: int = 0
    spent: int = 0
    pictures: int = 0
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What a call did cost.

    :param held: what was held for it, all of which is let go.
    :param missing: the provider told no usage: then it is charged at what was held, never at nothing.
    """

    bill: Bill
    held: int
    spent: int
    pictures: int = 0
    missing: bool = False
    reason: str = ""

    @property
    def movement(self) -> Movement:
        spent = max(self.spent, self.held) if self.missing else self.spent
        over = "over_hold" if spent > self.held else ""
        reason = self.reason or ("usage_missing" if self.missing else over)
        return Movement(
            bill=self.bill, kind="settle", held=-self.held, spent=spent, pictures=self.pictures, reason=reason
        )


class BudgetSpent(Conflict):
    """A limit does not hold what was asked for. Nothing was held."""
