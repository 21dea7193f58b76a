"""System checks of the folders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from easy_thumbnails.conf import settings as thumbnails

from image_studio.conf import ConfigurationError
from image_studio.contrib.filer.conf import conf
from image_studio.imaging.stamping import STAMPED

#: File extensions that are no names of formats.
EXTENSIONS = {"jpg": "jpeg"}
LABEL = "image_studio_filer"


def register() -> None:
    """Called once the apps are loaded."""
    for check in (check_settings, check_thumbnails):
        checks.register(check, LABEL)


def check_settings(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001 a setting that does not hold."""
    try:
        conf()
    except ConfigurationError as error:
        return [Error(str(error), hint="Mend IMAGE_STUDIO_FILER in the settings.", id=f"{LABEL}.E001")]
    return []


def check_thumbnails(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """W001 thumbnails in a format that cannot carry the source type."""
    made = {str(thumbnails.THUMBNAIL_EXTENSION).lower(), str(thumbnails.THUMBNAIL_TRANSPARENCY_EXTENSION).lower()}
    lost = sorted(name for name in made if EXTENSIONS.get(name, name) not in STAMPED)
    if not lost:
        return []
    return [
        Warning(
            f"Thumbnails are made as {', '.join(lost)}: what a picture is (its IPTC source type) is lost in them.",
            hint="Set THUMBNAIL_EXTENSION and THUMBNAIL_TRANSPARENCY_EXTENSION to jpg, png, webp or avif.",
            id=f"{LABEL}.W001",
        )
    ]
