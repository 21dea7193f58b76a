"""The IPTC digital source type in the files that easy-thumbnails derives.

Pillow drops XMP on every save, and easy-thumbnails hands it none. What the source says of itself is still in the
picture's memory when the thumbnail is made; it is written into the stored file right after. So it holds for every
picture of the site that says what it is, whoever made it.
"""

from __future__ import annotations

from typing import Any

from django.core.files.base import ContentFile
from django.db.models import F
from easy_thumbnails.signals import thumbnail_created
from filer.utils.filer_easy_thumbnails import thumbnail_to_original_filename
from PIL import Image

from image_studio.contrib.filer.models import FiledPicture
from image_studio.exceptions import ImageRefused
from image_studio.imaging.metadata import source_type_of
from image_studio.imaging.stamping import stamped


def connect() -> None:
    """Called once the apps are loaded."""
    thumbnail_created.connect(_created, dispatch_uid="image_studio.contrib.filer")


def _created(sender: Any, **kwargs: Any) -> None:
    """``sender`` is the thumbnail's file, stored already."""
    term = _term_of(sender)
    if not term:
        return
    with sender.storage.open(sender.name, "rb") as file:
        data = file.read()
    try:
        told = stamped(data, term)
    except ImageRefused:
        return  # an encoder's file that we cannot read is served as it is
    if told is not data:
        # Deleted first: storage never writes over a name, it takes another.
        sender.storage.delete(sender.name)
        sender.storage.save(sender.name, ContentFile(told))


def _term_of(thumbnail: Any) -> str:
    """From the picture that it was made of; where a processor painted a new one, our link knows it still."""
    image = getattr(thumbnail, "image", None)
    term = source_type_of(image) if isinstance(image, Image.Image) else ""
    if term:
        return term
    name = thumbnail_to_original_filename(thumbnail.name)
    rows = FiledPicture.objects.filter(file__sha1=F("sha1"), withdrawn_at=None)
    rows = rows.filter(file__file=name) if name else rows.none()
    return rows.values_list("asset__source_type", flat=True).first() or ""
