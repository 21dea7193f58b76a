"""The site's own app; its label is not Wagtail's."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "tests.sites.wagtail"
    label = "wagtailsite"
    default_auto_field = "django.db.models.BigAutoField"
