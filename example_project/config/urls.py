"""The magazine, the admin, the studio's own addresses (its API, previews of pictures), and a frontend of that API."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path

from magazine.tokens import ObtainToken
from magazine.views import frontend

urlpatterns = [
    path("admin/", admin.site.urls),
    path("studio/", include("image_studio.urls")),
    path("api-token/", ObtainToken.as_view(), name="api-token"),
    path("frontend/", frontend, name="frontend"),
    path("frontend/edit/", frontend, {"page": "edit.html"}, name="frontend-edit"),
    path("", include("magazine.urls")),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
