"""The setting of an app of ours: a dict, read at use; unknown keys raise."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings

from image_studio.catalog.specs import names
from image_studio.conf import ConfigurationError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)


def read(setting: str, shape: type[T]) -> T:
    """The site's values in this dataclass, whose fields are the setting's keys in lower case.

    :raises ConfigurationError: naming the keys that there are none of.
    """
    given = getattr(settings, setting, {})
    known = {one.name for one in fields(shape)}
    unknown = sorted(key for key in given if key != key.upper() or key.lower() not in known)
    if unknown:
        expected = names(one.name.upper() for one in fields(shape))
        raise ConfigurationError(f"{setting} has unknown keys {names(unknown)}; it has {expected}.")
    return shape(**{key.lower(): value for key, value in given.items()})
