"""The studio's own addresses: ``path("studio/", include("image_studio.urls"))``."""

from django.urls import include, path

from image_studio.admin.files import picture

app_name = "image_studio"
urlpatterns = [
    path("picture/<uuid:asset_id>/<str:which>/", picture, name="picture"),
    path("v1/", include("image_studio.api.urls")),
]
