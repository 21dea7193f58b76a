"""Calls whose outcome nobody knows, over REST: list them, adopt what came, send again, write off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api import job_rows as rows
from image_studio.api.base import StudioView
from image_studio.api.fields import Body, Id, Integer, Nothing, Text, TryAgain
from image_studio.api.filters import Slug, StudioFilters
from image_studio.api.jobs import JobView
from image_studio.api.keyed import answered
from image_studio.api.operations import operation
from image_studio.models import Attempt, Brand, Job
from image_studio.workflow.unknowns import MOST_CHARGED, MOST_NOTE, adopt, doubtful, lies_here, resent, write_off


class Doubt(serializers.Serializer):
    """A call that may have been charged."""

    attempt = serializers.UUIDField(help_text="Name it to write it off alone.")
    number = serializers.IntegerField(help_text="The job's first call is 1.")
    job = serializers.UUIDField()
    job_url = serializers.URLField()
    brand = serializers.CharField(help_text="The brand's slug.")
    provider = serializers.CharField()
    model = serializers.CharField()
    held_micro_usd = serializers.IntegerField(help_text="Until it is settled; 0 where its price is not known.")
    host = serializers.CharField(help_text="Of the worker that sent it.")
    here = serializers.BooleanField(help_text="Whether what came of it lies where this answer was made.")
    why = rows.Fault(allow_null=True, help_text="What went wrong.")
    started_at = serializers.DateTimeField()


class DoubtFilters(StudioFilters):
    """The list's filters."""

    brand = Slug("job__brand__slug", about="A brand's slug.")

    def filter_queryset(self, queryset: QuerySet[Attempt]) -> QuerySet[Attempt]:
        """By the brand's id: a join would let a database begin at the wrong end."""
        slug = self.form.cleaned_data["brand"]
        return queryset.filter(job__brand__in=Brand.objects.filter(slug=slug).values("pk")) if slug else queryset


class WriteOff(Body):
    """What is known of a call by now."""

    attempt = Id(required=False, help_text="One of the job's calls in doubt; left out: all of them.")
    charged_micro_usd = Integer(
        min_value=0,
        max_value=MOST_CHARGED,
        required=False,
        help_text="By the provider's own bill, 0 for none; left out: what was held. Only of a single call.",
    )
    note = Text(max_length=MOST_NOTE, help_text="How that is known.")


PLAIN = ("number", "provider", "model", "host", "started_at")
FIELDS = (*PLAIN, "id", "job_id", "job__brand__slug", "hold_micro_usd", "error_code", "error_params")


class Unknowns(StudioView):
    """The calls in doubt of your brands."""

    tag = "jobs"
    filters: ClassVar[Any] = DoubtFilters

    @operation(
        "listUnknowns",
        "List calls whose outcome nobody knows",
        description=(
            "Each may have been charged and holds its money until somebody adopts what came, or writes it off; the "
            "oldest first."
        ),
        listed=Doubt,
        parameters=DoubtFilters.parameters(),
    )
    def get(self, request: Request) -> Response:
        base = self.address("job-list")
        return self.listed(request, doubtful(self.policy), lambda row: _doubt(row, base), FIELDS, order=("id",))


def _doubt(row: dict[str, Any], base: str) -> dict[str, Any]:
    return {
        **{name: row[name] for name in PLAIN},
        "attempt": row["id"],
        "job": row["job_id"],
        "job_url": f"{base}{row['job_id']}/",
        "brand": row["job__brand__slug"],
        "held_micro_usd": row["hold_micro_usd"],
        "here": lies_here(row["id"]),
        "why": rows.fault(row["error_code"], row["error_params"]),
    }


class JobAdopt(JobView):
    """Take in what came."""

    @operation(
        "adoptJob",
        "Take in what came of a job of unknown outcome",
        description=(
            "Whole pictures of an answer that was cut; nothing is sent, so nothing new is charged. On another host "
            "than the worker's the wish is noted (`adopt_asked_at`); that worker looks. 409: no whole picture lies."
        ),
        answers={202: rows.JobRow},
        errors=(403, 409),
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        job = self.job(job_id)
        self.body(Nothing, optional=True)
        adopt(self.policy, job)
        now = self.job(job_id)
        url = self.address("job-detail", now.pk)
        return self.accepted("job-detail", now.pk, rows.job_row(rows.columns_of(now), url))


class JobResend(JobView):
    """Send it again."""

    scopes = {"POST": "spend"}

    @operation(
        "resendJob",
        "Send a job of unknown outcome again",
        description=(
            "It may be charged twice: the call before keeps what is held for it, and this one gets a hold of its own. "
            "409 where the budget has no room for that, or spending is stopped."
        ),
        body=TryAgain,
        optional=True,
        answers={202: rows.JobRow},
        errors=(403,),
        keyed=True,
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        job = self.job(job_id)
        most = self.body(TryAgain, optional=True).get("most_micro_usd")
        self.policy.require("resend", job)
        return answered(self, self._again(job), most=most)

    def _again(self, job: Job) -> Callable[[], tuple[str, dict[str, Any]]]:
        def act() -> tuple[str, dict[str, Any]]:
            url = self.address("job-detail", job.pk)
            return url, rows.job_row(rows.columns_of(resent(self.policy, job)), url)

        return act


class JobWriteOff(JobView):
    """Give it up."""

    @operation(
        "writeOffJob",
        "Write off calls whose outcome stays unknown",
        description=(
            "They count as spent: by what was held, or by `charged_micro_usd` where the provider's bill says it. The "
            "job fails by it; one that goes on after a resend goes on. Of several calls say each by itself."
        ),
        body=WriteOff,
        answers={200: rows.JobDetail},
        errors=(403, 409),
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        job = self.job(job_id)
        write_off(self.policy, job, **self.body(WriteOff))
        return Response(self.detail(self.job(job_id)))
