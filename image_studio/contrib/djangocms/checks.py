"""System checks of the plugin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.core.checks import CheckMessage, Error, Info

LABEL = "image_studio_djangocms"


def register() -> None:
    """Called once the apps are loaded."""
    checks.register(check_versioning, LABEL)


def check_versioning(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001 pages can be published over unapproved pictures, I001 there are no drafts."""
    if not apps.is_installed("djangocms_versioning"):
        return [
            Info(
                "Without djangocms-versioning there are no drafts: pages take published pictures only.",
                hint="Install djangocms-versioning, or leave it so.",
                id=f"{LABEL}.I001",
            )
        ]
    from image_studio.contrib.djangocms import publishing  # noqa: PLC0415 - imports versioning, which may be missing

    if publishing.is_guarded():
        return []
    return [
        Error(
            "djangocms-versioning does not ask about pictures before it publishes: its hook is gone.",
            hint="Use djangocms-versioning 2.x as docs/djangocms.md has it, and tell the authors of image_studio.",
            id=f"{LABEL}.E001",
        )
    ]
