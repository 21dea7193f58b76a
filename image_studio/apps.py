"""The app's configuration."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ImageStudioConfig(AppConfig):
    """The one line in INSTALLED_APPS: ``"image_studio"``."""

    name = "image_studio"
    verbose_name = _("Image studio")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from image_studio import checks  # registers on import, and needs the apps to be loaded

        checks.register()
        post_migrate.connect(_guard, sender=self, dispatch_uid="image_studio.guards")


def _guard(*, using: str, **kwargs: Any) -> None:
    """SQLite drops a table's triggers when a migration alters it: they are made anew after each."""
    from image_studio.conf import conf
    from image_studio.models import guards

    if conf().append_only_triggers and guards.ready(using):
        guards.install(using)
