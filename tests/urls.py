"""The test site: the admin, and the studio's own addresses."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("studio/", include("image_studio.urls")),
]
