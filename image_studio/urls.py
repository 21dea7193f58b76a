"""The studio's own addresses: ``path("studio/", include("image_studio.urls"))``."""

from django.urls import include, path

from image_studio.admin.files import partial, picture

app_name = "image_studio"
urlpatterns = [
    path("picture/<uuid:asset_id>/<str:which>/", picture, name="picture"),
    path("partial/<uuid:job_id>/<int:index>/", partial, name="partial"),
    path("v1/", include("image_studio.api.urls")),
]
