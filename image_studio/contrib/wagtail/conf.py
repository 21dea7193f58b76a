"""The setting ``IMAGE_STUDIO_WAGTAIL``: a dict, read at use; unknown keys raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.module_loading import import_string

from image_studio.catalog.specs import names
from image_studio.conf import ConfigurationError
from image_studio.contrib.settings import read

SETTING = "IMAGE_STUDIO_WAGTAIL"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every key in lower case, with its default.

    :param collections: a brand's slug -> the name of the collection that its pictures go into; a brand that is not
        there has one of its own name.
    :param image_fields: a field of the picture -> the field of the site's image model that takes it.
    :param fill_image: dotted path of ``fill(image, asset)``, called before an image is first saved: for the required
        fields of a custom image model.
    :param promote_on_publish: whether every published picture becomes an image by itself.
    :param picture: a key of ``IMAGE_STUDIO["PICTURES"]``: its fallback takes the place of withdrawn images.
    """

    collections: Mapping[str, str] = field(default_factory=dict)
    image_fields: Mapping[str, str] = field(default_factory=dict)
    fill_image: str = ""
    promote_on_publish: bool = False
    picture: str = "default"

    @property
    def filler(self) -> Callable[[Any, Any], None] | None:
        """:raises ConfigurationError: where nothing of that name can be imported."""
        if not self.fill_image:
            return None
        try:
            found: Callable[[Any, Any], None] = import_string(self.fill_image)
        except ImportError as error:
            raise ConfigurationError(f"{SETTING}['FILL_IMAGE']: {error}") from error
        return found


#: What of a picture can go into a field of an image, beside what every image has.
SOURCES = ("rights_owner", "licence", "territory", "expires_at", "source_type")


def conf() -> Settings:
    """:raises ConfigurationError: naming the key that does not hold."""
    found = read(SETTING, Settings)
    for name in ("collections", "image_fields"):
        if not isinstance(getattr(found, name), Mapping):
            raise ConfigurationError(f"{SETTING}[{name.upper()!r}] must be a dict.")
    strange = sorted(set(found.image_fields) - set(SOURCES))
    if strange:
        raise ConfigurationError(f"{SETTING}['IMAGE_FIELDS'] has {names(strange)}; it takes {names(SOURCES)}.")
    return found
