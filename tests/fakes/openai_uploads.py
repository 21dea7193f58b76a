"""Which pictures may be given, and which overlays fit them."""

from __future__ import annotations

from tests.fakes.openai_errors import Problem
from tests.fakes.openai_models import Model
from tests.fakes.openai_wire import KINDS, Upload

MAX_IMAGES = 16
MAX_IMAGE_BYTES = 50 * 1024 * 1024
MAX_MASK_BYTES = 4 * 1024 * 1024


def check(images: tuple[Upload, ...], mask: Upload | None, markup: Upload | None, model: Model) -> None:
    """:raises Problem: for the first thing that is wrong. Mask and markup belong to the first picture."""
    if len(images) > MAX_IMAGES:
        raise Problem(f"Too many images: at most {MAX_IMAGES}.", code="array_above_max_length", param="image")
    for upload in images:
        _picture(upload, tuple(KINDS), MAX_IMAGE_BYTES)
    if mask is not None and markup is not None:
        raise Problem("'markup' cannot be combined with 'mask'.", param="markup")
    if mask is not None:
        _picture(mask, ("image/png",), MAX_MASK_BYTES)
        _overlay(mask, images[0].picture().size)
    if markup is not None:
        if not model.markup:
            raise Problem(f"The model '{model.id}' does not support markup.", param="markup")
        _picture(markup, ("image/png",), MAX_IMAGE_BYTES)
        _overlay(markup, images[0].upright().size)


def _picture(upload: Upload, kinds: tuple[str, ...], limit: int) -> None:
    if upload.mime not in kinds:
        names = " and ".join(f"'{kind}'" for kind in kinds)
        raise Problem(
            f"Invalid file '{upload.param}': unsupported mimetype ('{upload.mime}'). "
            f"Supported file formats are {names}.",
            code="unsupported_file_mimetype",
            param=upload.param,
        )
    if len(upload.data) >= limit:
        raise Problem(f"Invalid file '{upload.param}': too large.", code="file_too_large", param=upload.param)
    upload.picture()


def _overlay(upload: Upload, size: tuple[int, int]) -> None:
    """A mask needs an alpha channel; markup needs transparent pixels in it as well."""
    picture = upload.picture()
    wrong = ""
    if picture.size != size:
        wrong = f"{upload.param} size does not match image size"
    elif "A" not in picture.getbands():
        wrong = f"{upload.param} image must have an alpha channel"
    elif upload.param == "markup" and picture.getchannel("A").getextrema()[0] == 255:
        wrong = "markup image must have transparent pixels"
    if wrong:
        raise Problem(
            f"Invalid {upload.param} image format - {wrong}.", code="invalid_mask_image_format", param=upload.param
        )
