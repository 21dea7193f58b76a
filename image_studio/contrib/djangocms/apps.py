"""The app's configuration."""

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _

from image_studio.contrib.needs import needs


class DjangoCMSConfig(AppConfig):
    """``"image_studio.contrib.djangocms"`` in INSTALLED_APPS, behind ``"cms"`` and ``"image_studio"``."""

    name = "image_studio.contrib.djangocms"
    label = "image_studio_djangocms"
    verbose_name = _("Image studio for django CMS")
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        needs(self.name, "cms", extra="djangocms")
        super().import_models()

    def ready(self) -> None:
        # These need the models, and django CMS's; versioning may be missing.
        from image_studio.contrib.djangocms import checks, freshness  # noqa: PLC0415

        checks.register()
        freshness.connect()
        if apps.is_installed("djangocms_versioning"):
            from image_studio.contrib.djangocms import publishing  # noqa: PLC0415

            publishing.guard()
        if apps.is_installed("image_studio.contrib.filer"):
            from image_studio.contrib.djangocms import filed  # noqa: PLC0415 - imports filer, which may be missing

            filed.connect()
