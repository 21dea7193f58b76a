"""Brands and filer's folders."""

from __future__ import annotations

from typing import Any

from filer.models import Folder

from image_studio.contrib.filer.conf import conf
from image_studio.models import Brand


def folder_of(brand: Brand) -> Any:
    """The folder that a brand's pictures go into, made where it is missing; None where they do not go here."""
    folder = None
    for name in conf().path_of(brand.slug, brand.name):
        # Not get_or_create: below the root filer lets two folders have one name.
        found = Folder.objects.filter(parent=folder, name=name).order_by("pk").first()
        folder = found or Folder.objects.create(parent=folder, name=name)
    return folder


def is_filed(brand: Brand) -> bool:
    """Whether a brand's pictures go into filer."""
    return bool(conf().path_of(brand.slug, brand.name))


def brands_of(folder: Any) -> list[Brand]:
    """The brands whose pictures go into this folder, or into one around it."""
    names = [*(one.name for one in folder.logical_path), folder.name] if folder is not None else []
    paths = [(brand, conf().path_of(brand.slug, brand.name)) for brand in Brand.objects.order_by("slug")]
    return [brand for brand, path in paths if path and names[: len(path)] == path]
