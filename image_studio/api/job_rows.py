"""Jobs as JSON. Money is integer micro-USD (1 USD = 1,000,000)."""

from __future__ import annotations

from typing import Any

from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from rest_framework import serializers

from image_studio.api.cost_rows import CostRow
from image_studio.api.set_rows import AgainRow
from image_studio.models import Attempt, Job
from image_studio.models.job import JOB_KINDS
from image_studio.states import ATTEMPT, JOB
from image_studio.wording import explain


class Fault(serializers.Serializer):
    """What went wrong."""

    code = serializers.CharField()
    message = serializers.CharField(help_text="A sentence for people: whose move it is and what to do next.")


class JobRow(serializers.Serializer):
    """A job in a list."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    kind = serializers.ChoiceField(choices=list(JOB_KINDS.items()))
    state = serializers.ChoiceField(choices=JOB.choices)
    brand = serializers.CharField(help_text="The brand's slug.")
    variant_set = serializers.UUIDField(allow_null=True)
    asset = serializers.UUIDField(allow_null=True, help_text="The picture whose public files are made.")
    provider = serializers.CharField()
    route = serializers.CharField()
    model = serializers.CharField()
    pictures = serializers.IntegerField(help_text="That are bought; 0 for local work.")
    estimate_micro_usd = serializers.IntegerField(help_text="The most it may cost.")
    cost_micro_usd = serializers.IntegerField(help_text="What it cost so far.")
    held_micro_usd = serializers.IntegerField(
        help_text="What is held for it, its calls in doubt too: it may cost as much more."
    )
    resends = serializers.IntegerField(
        help_text="How often it was sent again although a call before may have been charged."
    )
    error = Fault(allow_null=True)
    by = serializers.CharField()
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    cancel_requested_at = serializers.DateTimeField(
        allow_null=True, help_text="It was asked to stop; what comes of it is kept, marked unwanted."
    )
    adopt_asked_at = serializers.DateTimeField(
        allow_null=True, help_text="The worker of another host was asked to take in what lies there."
    )


class OutputRow(serializers.Serializer):
    """One picture of a job, or a fault in its place."""

    index = serializers.IntegerField()
    asset = serializers.UUIDField(allow_null=True)
    fault = Fault(allow_null=True)


class AttemptRow(serializers.Serializer):
    """One call of a provider."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ATTEMPT.choices)
    micro_usd = serializers.IntegerField()
    held_micro_usd = serializers.IntegerField(help_text="While nobody knows whether it was charged.")
    error = Fault(allow_null=True)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class JobPartial(serializers.Serializer):
    """An early version that can be seen now."""

    index = serializers.IntegerField()
    number = serializers.IntegerField(help_text="Grows with each version.")
    url = serializers.URLField()


class JobDetail(JobRow):
    """A job on its own."""

    outputs = OutputRow(many=True)
    attempts = AttemptRow(many=True)
    partials = JobPartial(many=True)
    cost = CostRow()
    again = AgainRow(allow_null=True, help_text="What `retry` or `resend` buys; null where that is free, or cannot be.")
    actions = serializers.ListField(child=serializers.CharField(), help_text="What you may do now.")


class EventRow(serializers.Serializer):
    """Something that happened."""

    at = serializers.DateTimeField()
    verb = serializers.CharField(help_text="`job.leased`, `job.done`.")
    by = serializers.CharField()
    data = serializers.DictField(help_text="What belongs to the verb.")


PLAIN = (
    *("id", "kind", "state", "provider", "route", "model", "estimate_micro_usd", "cost_micro_usd", "resends"),
    *("created_at", "ended_at", "cancel_requested_at", "adopt_asked_at"),
)
FIELDS = (*PLAIN, "brand__slug", "variant_set_id", "asset_id", "n", "error_code", "error_params", "actor_label")
_IN_DOUBT = Attempt.objects.filter(job=OuterRef("pk"), hold_micro_usd__gt=0).order_by().values("job")
#: What a row of jobs says beside :data:`FIELDS`: what is held for its call to come, and for those in doubt.
MADE = {
    "held_micro_usd": F("hold_micro_usd")
    + Coalesce(Subquery(_IN_DOUBT.annotate(held=Sum("hold_micro_usd")).values("held")), 0)
}
ATTEMPT_FIELDS = (
    *("id", "number", "state", "micro_usd", "hold_micro_usd", "error_code", "error_params"),
    *("started_at", "ended_at"),
)
OUTPUT_FIELDS = ("index", "asset_id", "fault_code", "fault_params")
EVENT_FIELDS = ("at", "verb", "actor_label", "data")


def fault(code: str, params: dict[str, Any]) -> dict[str, str] | None:
    """:class:`Fault` of a code, or None where there is none."""
    return {"code": code, "message": explain(code, params)} if code else None


def job_row(row: dict[str, Any], url: str) -> dict[str, Any]:
    """:class:`JobRow` of ``values(*FIELDS, **MADE)``."""
    return {
        **{name: row[name] for name in (*PLAIN, "held_micro_usd")},
        "url": url,
        "brand": row["brand__slug"],
        "variant_set": row["variant_set_id"],
        "asset": row["asset_id"],
        "pictures": row["n"],
        "error": fault(row["error_code"], row["error_params"]),
        "by": row["actor_label"],
    }


def columns_of(job: Job) -> dict[str, Any]:
    """:data:`FIELDS` and :data:`MADE` of a row with its brand."""
    known = {name: getattr(job, name) for name in FIELDS if "__" not in name}
    doubted = job.attempts.filter(hold_micro_usd__gt=0).aggregate(held=Coalesce(Sum("hold_micro_usd"), 0))["held"]
    return {**known, "brand__slug": job.brand.slug, "held_micro_usd": job.hold_micro_usd + doubted}


def attempt_row(row: dict[str, Any]) -> dict[str, Any]:
    """:class:`AttemptRow` of ``values(*ATTEMPT_FIELDS)``."""
    error = fault(row.pop("error_code"), row.pop("error_params"))
    held = row.pop("hold_micro_usd")
    return {**row, "held_micro_usd": held, "error": error}


def output_row(row: dict[str, Any]) -> dict[str, Any]:
    """:class:`OutputRow` of ``values(*OUTPUT_FIELDS)``."""
    found = fault(row["fault_code"], row["fault_params"])
    return {"index": row["index"], "asset": row["asset_id"], "fault": found}


def event_row(row: dict[str, Any]) -> dict[str, Any]:
    """:class:`EventRow` of ``values(*EVENT_FIELDS)``."""
    who = row.pop("actor_label")
    return {**row, "by": who}
