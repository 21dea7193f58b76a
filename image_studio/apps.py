"""The app's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ImageStudioConfig(AppConfig):
    """The one line in INSTALLED_APPS: ``"image_studio"``."""

    name = "image_studio"
    verbose_name = _("Image studio")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from image_studio import checks  # registers on import, and needs the apps to be loaded

        checks.register()
