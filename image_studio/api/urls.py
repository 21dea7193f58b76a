"""The addresses of the API, below ``v1/``."""

from __future__ import annotations

from django.urls import re_path

from image_studio.api.base import Missing

app_name = "v1"
urlpatterns = [
    # A noun's addresses stand here, one path a line: path("assets/", assets.AssetList.as_view(), name="asset-list").
    re_path(r"^.*$", Missing.as_view(), name="missing"),
]
