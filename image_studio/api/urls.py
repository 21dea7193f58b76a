"""The addresses of the API, below ``v1/``. ``missing`` stays last: it answers for everything else."""

from __future__ import annotations

from django.urls import path, re_path

from image_studio.api import (
    asset_parts,
    assets,
    changing,
    docs,
    published,
    replacing,
    reviews,
    showing,
    urls_money,
    urls_work,
)
from image_studio.api.base import Missing

app_name = "v1"
urlpatterns = [
    path("assets/", assets.AssetList.as_view(), name="asset-list"),
    path("assets/<uuid:asset_id>/", assets.AssetDetail.as_view(), name="asset-detail"),
    path("assets/<uuid:asset_id>/content/", asset_parts.AssetContent.as_view(), name="asset-content"),
    path("assets/<uuid:asset_id>/renditions/", asset_parts.Renditions.as_view(), name="asset-renditions"),
    path("assets/<uuid:asset_id>/lineage/", asset_parts.AssetLineage.as_view(), name="asset-lineage"),
    path("assets/<uuid:asset_id>/verdicts/", asset_parts.Verdicts.as_view(), name="asset-verdicts"),
    path("assets/<uuid:asset_id>/reviews/", reviews.Reviews.as_view(), name="asset-reviews"),
    path("assets/<uuid:asset_id>/publish/", reviews.Publish.as_view(), name="asset-publish"),
    path("assets/<uuid:asset_id>/withdraw/", reviews.Withdraw.as_view(), name="asset-withdraw"),
    path("assets/<uuid:asset_id>/replace/", replacing.Replace.as_view(), name="asset-replace"),
    path("assets/<uuid:asset_id>/replace/preview/", replacing.ReplacePreview.as_view(), name="asset-replace-preview"),
    path("assets/<uuid:asset_id>/change/", changing.Change.as_view(), name="asset-change"),
    path("assets/<uuid:asset_id>/change/preview/", changing.ChangePreview.as_view(), name="asset-change-preview"),
    path("published/", published.PublishedList.as_view(), name="published-list"),
    path("published/<uuid:asset_id>/", published.PublishedDetail.as_view(), name="published-detail"),
    path(
        "published/<uuid:asset_id>/pictures/<str:name>/", showing.PublishedPicture.as_view(), name="published-picture"
    ),
    *urls_work.urlpatterns,
    *urls_money.urlpatterns,
    path("schema/", docs.Schema.as_view(), name="schema"),
    path("docs/", docs.reference, name="docs"),
    re_path("", Missing.as_view(), name="missing"),
]
