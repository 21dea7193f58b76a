"""The app's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from image_studio.contrib.needs import needs


class FilerConfig(AppConfig):
    """``"image_studio.contrib.filer"`` in INSTALLED_APPS, behind ``"filer"`` and ``"image_studio"``."""

    name = "image_studio.contrib.filer"
    label = "image_studio_filer"
    verbose_name = _("Image studio for filer")
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        needs(self.name, "filer", "easy_thumbnails", extra="filer")
        super().import_models()

    def ready(self) -> None:
        # These need the models, and filer's.
        from image_studio.contrib.filer import checks, receivers, thumbnails  # noqa: PLC0415

        checks.register()
        receivers.connect()
        thumbnails.connect()
