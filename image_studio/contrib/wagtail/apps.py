"""The app's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from image_studio.contrib.needs import needs


class ImageStudioWagtailConfig(AppConfig):
    """The label is explicit: the last part of the name is Wagtail's own."""

    name = "image_studio.contrib.wagtail"
    label = "image_studio_wagtail"
    verbose_name = _("Image studio in Wagtail")
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        needs(self.name, "wagtail", "wagtail.admin", "wagtail.images", extra="wagtail")
        super().import_models()

    def ready(self) -> None:
        # These need the models, and Wagtail's.
        from image_studio.contrib.wagtail import checks, choosing, derivatives, promotion, receivers  # noqa: PLC0415

        checks.register()
        receivers.connect()
        promotion.connect()
        derivatives.connect()
        choosing.connect()
