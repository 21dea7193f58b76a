"""The addresses of work: what it is made from, what is ordered, what becomes of it."""

from __future__ import annotations

from django.urls import path

from image_studio.api import (
    brands,
    cells,
    chain_archive,
    chain_steps,
    chains,
    channels,
    edit_files,
    estimates,
    finishing,
    jobs,
    models,
    prompts,
    recipes,
    replays,
    variant_sets,
)

SET, CELL = "variant-sets/<uuid:set_id>/", "variant-sets/<uuid:set_id>/cells/<uuid:cell_id>/"
JOB, PROMPT = "jobs/<uuid:job_id>/", "prompts/<uuid:prompt_id>/"
CHAIN, STEP = "chains/<uuid:chain_id>/", "chains/<uuid:chain_id>/steps/<int:number>/"
RECIPE = "recipes/<uuid:recipe_id>/"

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
    path("chains/", chains.ChainList.as_view(), name="chain-list"),
    path("chains/import/", chain_archive.ChainImport.as_view(), name="chain-import"),
    path(CHAIN, chains.ChainDetails.as_view(), name="chain-detail"),
    path(f"{CHAIN}head/", chains.ChainHead.as_view(), name="chain-head"),
    path(f"{CHAIN}fork/", chains.ChainFork.as_view(), name="chain-fork"),
    path(f"{CHAIN}events/", chains.ChainEventList.as_view(), name="chain-events"),
    path(f"{CHAIN}archive/", chain_archive.ChainArchive.as_view(), name="chain-archive"),
    path(f"{CHAIN}replay/", recipes.ChainReplay.as_view(), name="chain-replay"),
    path(f"{CHAIN}masks/", edit_files.MaskList.as_view(), name="chain-masks"),
    path(f"{CHAIN}files/<uuid:file_id>/", edit_files.ChainFile.as_view(), name="chain-file"),
    path(f"{CHAIN}steps/", chain_steps.StepList.as_view(), name="chain-steps"),
    path(f"{CHAIN}steps/preview/", chain_steps.StepPreview.as_view(), name="chain-steps-preview"),
    path(STEP, chain_steps.StepDetails.as_view(), name="chain-step"),
    path(f"{STEP}choose/", chain_steps.StepChoose.as_view(), name="chain-step-choose"),
    path(f"{STEP}reject/", chain_steps.StepReject.as_view(), name="chain-step-reject"),
    path(f"{STEP}undecide/", chain_steps.StepUndecide.as_view(), name="chain-step-undecide"),
    path(f"{STEP}cancel/", chain_steps.StepCancel.as_view(), name="chain-step-cancel"),
    path(f"{STEP}retry/", chain_steps.StepRetry.as_view(), name="chain-step-retry"),
    path(f"{STEP}take/", chain_steps.StepTake.as_view(), name="chain-step-take"),
    path(f"{STEP}recipe/", chain_steps.StepRecipe.as_view(), name="chain-step-recipe"),
    path("recipes/", recipes.RecipeList.as_view(), name="recipe-list"),
    path(RECIPE, recipes.RecipeDetails.as_view(), name="recipe-detail"),
    path(f"{RECIPE}preview/", recipes.RecipePreview.as_view(), name="recipe-preview"),
    path(f"{RECIPE}replay/", recipes.RecipeReplay.as_view(), name="recipe-replay"),
    path("replays/<uuid:replay_id>/", replays.ReplayDetails.as_view(), name="replay-detail"),
    path("jobs/", jobs.JobList.as_view(), name="job-list"),
    path(JOB, jobs.JobDetails.as_view(), name="job-detail"),
    path(f"{JOB}cancel/", jobs.JobCancel.as_view(), name="job-cancel"),
    path(f"{JOB}retry/", jobs.JobRetry.as_view(), name="job-retry"),
    path(f"{JOB}events/", jobs.JobEvents.as_view(), name="job-events"),
    path(f"{JOB}partials/<int:index>/", jobs.JobPartial.as_view(), name="job-partial"),
    path("models/", models.Models.as_view(), name="model-list"),
    path("estimate/", estimates.Estimates.as_view(), name="estimate"),
]
