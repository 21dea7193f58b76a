"""The addresses of the site. Both serve pages at every address that is left, so one of them gets a prefix."""

from django.urls import include, path
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls

from tests.sites.djangocms.urls import urlpatterns as djangocms

urlpatterns = [
    path("cms/", include(wagtailadmin_urls)),
    path("news/", include(wagtail_urls)),
    *djangocms,
]
