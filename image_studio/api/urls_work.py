"""The addresses of work: what it is made from, what is ordered, what becomes of it."""

from __future__ import annotations

from django.urls import path

from image_studio.api import brands, cells, channels, estimates, finishing, jobs, models, prompts, variant_sets

SET, CELL = "variant-sets/<uuid:set_id>/", "variant-sets/<uuid:set_id>/cells/<uuid:cell_id>/"
JOB, PROMPT = "jobs/<uuid:job_id>/", "prompts/<uuid:prompt_id>/"

urlpatterns = [
    path("brands/", brands.BrandList.as_view(), name="brand-list"),
    path("brands/<slug:slug>/", brands.BrandDetails.as_view(), name="brand-detail"),
    path("brands/<slug:slug>/revisions/", brands.BrandRevisions.as_view(), name="brand-revisions"),
    path("channels/", channels.ChannelList.as_view(), name="channel-list"),
    path("channels/<slug:slug>/", channels.ChannelDetail.as_view(), name="channel-detail"),
    path("prompts/", prompts.PromptList.as_view(), name="prompt-list"),
    path(PROMPT, prompts.PromptDetails.as_view(), name="prompt-detail"),
    path(f"{PROMPT}versions/", prompts.PromptVersions.as_view(), name="prompt-versions"),
    path(f"{PROMPT}preview/", prompts.PromptPreview.as_view(), name="prompt-preview"),
    path("variant-sets/", variant_sets.SetList.as_view(), name="variant-set-list"),
    path("variant-sets/preview/", variant_sets.SetPreview.as_view(), name="variant-set-preview"),
    path(SET, variant_sets.SetDetail.as_view(), name="variant-set-detail"),
    path(f"{SET}cancel/", variant_sets.SetCancel.as_view(), name="variant-set-cancel"),
    path(f"{SET}retry/", variant_sets.SetRetry.as_view(), name="variant-set-retry"),
    path(f"{SET}recompose/", variant_sets.SetRecompose.as_view(), name="variant-set-recompose"),
    path(f"{SET}archive/", variant_sets.SetArchive.as_view(), name="variant-set-archive"),
    path(f"{SET}cells/", cells.CellList.as_view(), name="variant-set-cells"),
    path(f"{CELL}cancel/", cells.CellCancel.as_view(), name="cell-cancel"),
    path(f"{CELL}retry/", cells.CellRetry.as_view(), name="cell-retry"),
    path(f"{CELL}finish/", finishing.CellFinish.as_view(), name="cell-finish"),
    path("jobs/", jobs.JobList.as_view(), name="job-list"),
    path(JOB, jobs.JobDetails.as_view(), name="job-detail"),
    path(f"{JOB}cancel/", jobs.JobCancel.as_view(), name="job-cancel"),
    path(f"{JOB}retry/", jobs.JobRetry.as_view(), name="job-retry"),
    path(f"{JOB}events/", jobs.JobEvents.as_view(), name="job-events"),
    path(f"{JOB}partials/<int:index>/", jobs.JobPartial.as_view(), name="job-partial"),
    path("models/", models.Models.as_view(), name="model-list"),
    path("estimate/", estimates.Estimates.as_view(), name="estimate"),
]
