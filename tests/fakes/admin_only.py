"""A site that has the admin and has not included the studio's own addresses."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
