"""The magazine, the admin, and the studio's own addresses (previews of pictures, behind their rights)."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("studio/", include("image_studio.urls")),
    path("", include("magazine.urls")),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
