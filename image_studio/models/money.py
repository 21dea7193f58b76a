"""Money: what was held and spent, what may be, and the switch that stops it. Integer micro-USD (1 USD = 1,000,000)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from image_studio.exceptions import Conflict
from image_studio.models.base import Frozen, uuid7
from image_studio.models.brand import Brand

ENTRY_KINDS = {
    "hold": _("Held"),
    "settle": _("Settled"),
    "release": _("Released"),
    "adjust": _("Adjusted"),
}
#: Why an entry is not what it would be by itself.
ENTRY_REASONS = {
    "": "",
    "usage_missing": _("The provider told no usage: settled at what was held"),
    "over_hold": _("The bill was higher than what was held"),
    "maybe_charged": _("Sent again: the call before may have been charged too"),
    "written_off": _("Written off by a person"),
    "not_charged": _("A person says that it was not charged"),
    "late_answer": _("The answer turned up later"),
    "restored": _("Found after a restore, without a row"),
    "unused": _("What was held was not needed"),
    "recounted": _("Released by the doctor"),
    "corrected": _("Corrected by a person"),
    "probe": _("A route was tried"),
}
LEVELS = {"site": _("Whole site"), "brand": _("Brand"), "user": _("Person")}
PERIODS = {
    "day": pgettext_lazy("budget period", "Day"),
    "week": pgettext_lazy("budget period", "Week"),
    "month": pgettext_lazy("budget period", "Month"),
    "year": pgettext_lazy("budget period", "Year"),
    "ever": pgettext_lazy("budget period", "All time"),
}


class LedgerEntry(Frozen):
    """One movement of money. Append-only, in the database itself (see ``models.guards``); no foreign keys: it outlives
    what it tells of.

    The sums of both columns over any rows are what is held and what is spent by them.
    """

    at = models.DateTimeField()
    #: Of ``at`` in UTC, as vendors bill.
    day = models.DateField()
    kind = models.CharField(max_length=8, choices=list(ENTRY_KINDS.items()))
    #: Change of what is held: hold > 0, settle and release <= 0.
    held_micro_usd = models.BigIntegerField(default=0)
    #: Change of what is spent: settle >= 0, adjust either.
    spent_micro_usd = models.BigIntegerField(default=0)
    #: Pictures that a settled call brought.
    pictures = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=20, blank=True, choices=list(ENTRY_REASONS.items()))
    note = models.CharField(max_length=500, blank=True)

    brand_id = models.UUIDField()
    #: Who asked, whose budget it is; empty for commands.
    user_id = models.CharField(max_length=64, blank=True)
    user_label = models.CharField(max_length=200, blank=True)
    #: Who moved it: the worker, or a person who wrote off or corrected.
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    job = models.UUIDField(null=True, blank=True)
    attempt = models.UUIDField(null=True, blank=True)
    variant_set = models.UUIDField(null=True, blank=True)
    chain = models.UUIDField(null=True, blank=True)
    provider = models.CharField(max_length=40, blank=True)
    route = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["brand_id", "day"], name="studio_ledger_brand"),
            models.Index(fields=["day"], name="studio_ledger_day"),
            models.Index(fields=["user_id", "day"], name="studio_ledger_user"),
            models.Index(fields=["job"], name="studio_ledger_job"),
            models.Index(fields=["variant_set"], name="studio_ledger_set"),
            models.Index(fields=["chain"], name="studio_ledger_chain"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="hold", held_micro_usd__gt=0, spent_micro_usd=0)
                | Q(kind="settle", held_micro_usd__lte=0, spent_micro_usd__gte=0)
                | Q(kind="release", held_micro_usd__lt=0, spent_micro_usd=0)
                | Q(kind="adjust", held_micro_usd=0),
                name="studio_ledger_signs",
            ),
        ]
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")

    def __str__(self) -> str:
        return f"{self.kind} {self.job or ''}"

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """:raises Conflict: always; a wrong entry is adjusted by another."""
        raise Conflict("object.frozen", object=str(self._meta.verbose_name))


class Budget(models.Model):
    """What may be spent in a period by the site, a brand, a person, or a person within a brand.

    What is held counts as spent. At the start of a period ``spent`` begins at 0 and what is still held goes along:
    a call is charged to the period in which its bill comes. Only :mod:`image_studio.ledger` writes the counters.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    #: ``site``, ``brand:<id>``, ``user:<id>`` or ``brand:<id> user:<id>``.
    scope = models.CharField(max_length=160, editable=False)
    level = models.CharField(max_length=5, choices=list(LEVELS.items()), editable=False)
    brand = models.ForeignKey(Brand, models.CASCADE, null=True, blank=True, related_name="budgets")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    period = models.CharField(max_length=5, choices=list(PERIODS.items()), default="month")
    #: From here on people are warned, once a period.
    soft_micro_usd = models.BigIntegerField(null=True, blank=True)
    #: Beyond this nothing is asked for.
    hard_micro_usd = models.BigIntegerField(null=True, blank=True)

    #: First day of the period that the counters are of.
    start = models.DateField()
    spent_micro_usd = models.BigIntegerField(default=0)
    held_micro_usd = models.BigIntegerField(default=0)
    #: How far the counters stand over the limit: a bill was higher than its hold, or the limit was lowered. No hold is
    #: ever granted into it.
    over_micro_usd = models.BigIntegerField(default=0)
    warned_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("level", "scope", "period")
        constraints = [
            models.UniqueConstraint(fields=["scope", "period"], name="studio_budget_scope"),
            models.CheckConstraint(
                condition=Q(hard_micro_usd__isnull=True)
                | Q(
                    LessThanOrEqual(
                        F("spent_micro_usd") + F("held_micro_usd"), F("hard_micro_usd") + F("over_micro_usd")
                    )
                ),
                name="studio_budget_limit",
            ),
            # Signed columns, for MariaDB counts unsigned ones without a minus; so the floor is said here.
            models.CheckConstraint(
                condition=Q(held_micro_usd__gte=0, over_micro_usd__gte=0)
                & (Q(hard_micro_usd__isnull=True) | Q(hard_micro_usd__gte=0))
                & (Q(soft_micro_usd__isnull=True) | Q(soft_micro_usd__gte=0)),
                name="studio_budget_floor",
            ),
            models.CheckConstraint(condition=Q(level__in=list(LEVELS)), name="studio_budget_level"),
            models.CheckConstraint(condition=Q(period__in=list(PERIODS)), name="studio_budget_period"),
        ]
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")

    def __str__(self) -> str:
        return f"{self.scope} {self.period}"

    @property
    def left_micro_usd(self) -> int | None:
        """What may still be held; None without a limit, never below 0. Of the counters as they were read."""
        if self.hard_micro_usd is None:
            return None
        return max(0, self.hard_micro_usd - self.spent_micro_usd - self.held_micro_usd)


class SpendRollup(models.Model):
    """What was spent on a day (UTC), by brand (``model`` is empty) and by brand and model: the ledger's sums."""

    day = models.DateField()
    brand_id = models.UUIDField()
    model = models.CharField(max_length=80, blank=True)
    spent_micro_usd = models.BigIntegerField(default=0)
    pictures = models.PositiveBigIntegerField(default=0)
    #: Settled calls.
    calls = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "brand_id", "model"], name="studio_rollup_key")]
        indexes = [models.Index(fields=["brand_id", "day"], name="studio_rollup_brand")]
        verbose_name = _("day's spending")
        verbose_name_plural = _("spending by day")

    def __str__(self) -> str:
        return f"{self.day} {self.brand_id} {self.model}"


class Switch(models.Model):
    """Stops all spending of the site, or of a brand, at once: nothing new is held, nothing that waits is sent."""

    #: ``site`` or ``brand:<id>``.
    scope = models.CharField(max_length=80, unique=True)
    brand = models.ForeignKey(Brand, models.CASCADE, null=True, blank=True, related_name="+")
    #: True: spending is stopped.
    stopped = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("spending switch")
        verbose_name_plural = _("spending switches")

    def __str__(self) -> str:
        return self.scope
