"""Plugins of other apps that show filer's images: they don't know when the studio puts another file into one.

Only where ``image_studio.contrib.filer`` is installed too.
"""

from __future__ import annotations

from typing import Any

from cms.models import CMSPlugin
from django.db import transaction
from django.db.models.signals import post_save
from filer.settings import FILER_IMAGE_MODEL
from filer.utils.loader import load_model

from image_studio.contrib.djangocms.freshness import forget
from image_studio.contrib.filer.models import FiledPicture
from image_studio.contrib.filer.using import fields_of, rows_of


def connect() -> None:
    """Called once the apps are loaded. A link is saved after its image, whatever became of that one."""
    post_save.connect(_saved, sender=FiledPicture, dispatch_uid="image_studio.contrib.djangocms")


def _saved(sender: Any, instance: FiledPicture, raw: bool = False, **kwargs: Any) -> None:
    if not raw and instance.file is not None:
        key = instance.file.pk
        # A function, no partial: Django tells the failure by its name.
        transaction.on_commit(lambda: _forget(key), robust=True)


def _forget(file: Any) -> None:
    for field in fields_of(load_model(FILER_IMAGE_MODEL)):
        if issubclass(field.model, CMSPlugin):
            forget(rows_of(field, [file]).select_related("placeholder"))
