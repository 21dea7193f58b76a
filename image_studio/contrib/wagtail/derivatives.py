"""The IPTC digital source type in the files that Wagtail derives from an image.

Willow writes pixels and drops XMP. What an image's own file says of itself is read before, and written into each
derived file after all encoders and optimizers are done. So it holds for every image of the site, whoever made it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.files import File
from wagtail.images import get_image_model

from image_studio.exceptions import ImageRefused
from image_studio.imaging.metadata import source_type_of
from image_studio.imaging.stamping import stamped

#: Marks a method that is wrapped already.
MARK = "studio_stamps"


def connect() -> None:
    """Wrap the one method through which every derived file of the site's image model comes."""
    model: Any = get_image_model()
    if not getattr(model.generate_rendition_file, MARK, False):
        model.generate_rendition_file = stamping(model.generate_rendition_file)


def stamping(generate: Callable[..., Any]) -> Callable[..., Any]:
    """``AbstractImage.generate_rendition_file`` that keeps the source type.

    Asks no database: Wagtail calls it in threads of its own.
    """

    @wraps(generate)
    def generate_rendition_file(image: Any, filter: Any, *, source: Any = None) -> Any:  # noqa: A002 - Wagtail's name
        if source is None:
            with image.open_file() as opened:
                source = File(io.BytesIO(opened.read()), name=image.file.name)
        term = source_type_of(source.read())
        source.seek(0)
        return _stamped(generate(image, filter, source=source), term)

    setattr(generate_rendition_file, MARK, True)
    return generate_rendition_file


def _stamped(made: Any, term: str) -> Any:
    """In memory, as the caller has it; the encoder's temporary file is closed."""
    made.seek(0)
    data = made.read()
    made.close()
    try:
        told = stamped(data, term)
    except ImageRefused:
        told = data  # an encoder's file that we cannot read is served as it is
    return File(io.BytesIO(told), name=made.name)
