"""Jobs: what was asked of whom, what came of it and what it cost."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio import workflow
from image_studio.api import job_rows as rows
from image_studio.api.base import StudioView, as_uuid
from image_studio.api.cost_rows import cost_row
from image_studio.api.fields import Nothing, TryAgain
from image_studio.api.files import served
from image_studio.api.filters import Filter, OneOf, Slug, StudioFilters
from image_studio.api.keyed import answered
from image_studio.api.operations import operation
from image_studio.api.polled import polled
from image_studio.api.set_rows import again_row
from image_studio.exceptions import InvalidRequest
from image_studio.models import Event, Job
from image_studio.models.job import JOB_KINDS
from image_studio.states import JOB, JOB_ENDED
from image_studio.workflow.costs import cost_of
from image_studio.workflow.jobs import again_of_job, offered
from image_studio.workflow.partials import partial_for, shown


class JobFilters(StudioFilters):
    """The list's filters."""

    brand = Slug("brand__slug", about="A brand's slug.")
    state = OneOf("state", words=JOB.labels, about="How far it is.")
    kind = OneOf("kind", words=JOB_KINDS, about="What is made.")
    variant_set = Filter(about="A set's id.", shape={"type": "string", "format": "uuid"}, method="by_set")

    def by_set(self, found: QuerySet[Job], name: str, value: str) -> QuerySet[Job]:
        pk = as_uuid(value)
        if pk is None:
            raise ValidationError({name: [_("It is no id.")]})
        return found.filter(variant_set=pk)


class JobView(StudioView):
    """What the addresses of jobs share."""

    tag = "jobs"

    def job(self, pk: UUID) -> Job:
        """:raises Http404: as :meth:`~image_studio.api.base.StudioView.found`."""
        found: Job = self.found(Job.objects.select_related("brand", "variant_set"), pk=pk)
        return found

    def detail(self, job: Job) -> dict[str, Any]:
        """The job as JSON, with what came of it and what this person may do."""
        url = self.address("job-detail", job.pk)
        early = [
            {"index": index, "number": int(row.get("number") or 0) + 1, "url": f"{url}partials/{index}/"}
            for index, row in sorted(shown(job).items())
        ]
        return {
            **rows.job_row(rows.columns_of(job), url),
            "outputs": [rows.output_row(row) for row in job.outputs.values(*rows.OUTPUT_FIELDS)],
            "attempts": [rows.attempt_row(row) for row in job.attempts.values(*rows.ATTEMPT_FIELDS)],
            "partials": early,
            "cost": cost_row(cost_of(self.policy, job=job.pk)),
            "again": again_row(again_of_job(job)),
            "actions": sorted(offered(self.policy, job)),
        }


class JobList(JobView):
    """The jobs of your brands."""

    filters: ClassVar[Any] = JobFilters

    @operation(
        "listJobs",
        "List jobs",
        description="Of all brands that you are in, newest first.",
        listed=rows.JobRow,
        parameters=JobFilters.parameters(),
    )
    def get(self, request: Request) -> Response:
        base = self.address("job-list")
        found = self.policy.visible(Job.objects.all())
        return self.listed(
            request, found, lambda row: rows.job_row(row, f"{base}{row['id']}/"), rows.FIELDS, made=rows.MADE
        )


class JobDetails(JobView):
    """One job: what a client polls after it was accepted."""

    @operation(
        "getJob",
        "Look at a job",
        description="`Retry-After` says when to ask again while it is under way; send `ETag` back as `If-None-Match`.",
        answers={200: rows.JobDetail, 304: None},
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        job = self.job(job_id)
        return polled(request, self.detail(job), active=job.state not in JOB_ENDED)


class JobCancel(JobView):
    """Stop a job."""

    @operation(
        "cancelJob",
        "Cancel a job",
        description=(
            "Before it started it ends, uncharged. While it runs it is asked to stop: what comes is kept, marked "
            "unwanted. After its end: 409."
        ),
        answers={200: rows.JobDetail},
        errors=(403, 409),
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        job = self.job(job_id)
        self.body(Nothing, optional=True)
        workflow.cancel_job(self.policy, job)
        return Response(self.detail(self.job(job_id)))


class JobRetry(JobView):
    """Try a job again."""

    scopes = {"POST": "spend"}

    @operation(
        "retryJob",
        "Try a job again that brought nothing",
        description=(
            "May spend as much as it was estimated at. A job of unknown outcome may have been charged and is not sent "
            "again by this (409): that is `resend/`. Local work is done by a new job: look at `Location`."
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
        return answered(self, lambda: self._again(job), most=most)

    def _again(self, job: Job) -> tuple[str, dict[str, Any]]:
        new = workflow.retry_job(self.policy, job)
        url = self.address("job-detail", new.pk)
        return url, rows.job_row(rows.columns_of(new), url)


class JobEvents(JobView):
    """A job's story."""

    @operation("listJobEvents", "List what happened to a job", description="Newest first.", listed=rows.EventRow)
    def get(self, request: Request, job_id: UUID) -> Response:
        found = Event.objects.filter(object_type="job", object_id=str(self.job(job_id).pk))
        return self.listed(request, found, rows.event_row, rows.EVENT_FIELDS)


class JobPartial(JobView):
    """The bytes of an early version."""

    @operation(
        "getJobPartial",
        "Look at an early version",
        description="Only while the job works; the next version has the same address.",
        answers={(200, "image/*"): OpenApiTypes.BINARY},
        errors=(503,),
    )
    def get(self, request: Request, job_id: UUID, index: int) -> HttpResponse:
        try:
            file = partial_for(self.policy, self.job(job_id), index)
        except InvalidRequest:
            raise Http404 from None
        response = served(file, f'"{file.etag}"')
        response["Cache-Control"] = "private, no-store"
        return response
