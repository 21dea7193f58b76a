"""System checks of the studio in Wagtail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from wagtail.images import get_image_model
from wagtail.images.views import chooser

from image_studio.conf import ConfigurationError
from image_studio.contrib.wagtail.choosing import WAGTAILS
from image_studio.contrib.wagtail.conf import SETTING, conf
from image_studio.contrib.wagtail.derivatives import MARK

#: What a picture fills of an image without being told how.
FILLED = frozenset({"title", "file", "width", "height", "collection", "description"})


def register() -> None:
    checks.register(check_wagtail, "image_studio")


def check_wagtail(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001 a setting that does not hold; W001 no studio tab; W002 an image model that a picture does not fill;
    W003 derived files that lose their source type."""
    try:
        found = conf()
        _filler = found.filler
    except ConfigurationError as error:
        return [Error(str(error), hint=f"Mend {SETTING} in the settings.", id="image_studio_wagtail.E001")]
    return [*_tab(), *_model(found.fill_image, found.image_fields.values()), *_derivatives()]


def _tab() -> Iterator[CheckMessage]:
    viewset: Any = chooser.viewset
    theirs = viewset.choose_view_class.__mro__[2] if len(viewset.choose_view_class.__mro__) > 2 else None
    if getattr(theirs, "template_name", WAGTAILS) != WAGTAILS:
        yield Warning(
            "The image chooser has a template of the site's own, so the Studio tab is not in it.",
            hint="Editors find the studio in the menu; or include image_studio_wagtail/tab.html in that template.",
            id="image_studio_wagtail.W001",
        )


def _model(filler: str, targets: Any) -> Iterator[CheckMessage]:
    model: Any = get_image_model()
    empty = sorted(
        field.name
        for field in model._meta.concrete_fields
        if not (field.blank or field.null or field.has_default() or field.primary_key or not field.editable)
        and field.name not in FILLED | set(targets)
    )
    if empty and not filler:
        yield Warning(
            f"Pictures can't become images: {model._meta.label} requires {', '.join(empty)}.",
            hint=f"Set FILL_IMAGE in {SETTING} to a function fill(image, asset), or map them in IMAGE_FIELDS.",
            id="image_studio_wagtail.W002",
        )


def _derivatives() -> Iterator[CheckMessage]:
    model: Any = get_image_model()
    if not getattr(model.generate_rendition_file, MARK, False):
        yield Warning(
            f"{model._meta.label}.generate_rendition_file is replaced: derived files lose their source type.",
            hint="Override it in the class, before the apps are ready.",
            id="image_studio_wagtail.W003",
        )
