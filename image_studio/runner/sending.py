"""Inputs as a provider is given them: clean, upright, in sRGB, on the canvas that was asked for. In pixel threads."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from image_studio import storage
from image_studio.imaging import canvas
from image_studio.imaging.masks import Mask, from_image, to_png
from image_studio.imaging.renditions import encode
from image_studio.providers.base import Input
from image_studio.runner.produce import clean_copy
from image_studio.runner.work import Source

Size = tuple[int, int]


def inputs(sources: Sequence[Source]) -> tuple[Input, ...]:
    """What goes along with a request, in its order; never the client's own file.

    :raises StorageFailed: when a file is missing or its sum is wrong.
    :raises ImageRefused: for what the gate no longer takes.
    :raises InvalidRequest: ``mask.too_heavy``, ``mask.other_ratio``.
    """
    return tuple(_mask_input(one, sources) if is_drawn_mask(one) else _picture_input(one) for one in sources)


def is_drawn_mask(source: Source) -> bool:
    """Whether it is the mask of an edit history; those of a set are pictures of the library, sent as they are."""
    return source.ref.role == "mask" and source.asset is None


def _mask_input(source: Source, sources: Sequence[Source]) -> Input:
    return Input(ref=source.ref, data=to_png(mask_of(source, sources)), name="mask.png")


def _picture_input(source: Source) -> Input:
    data, told = clean_copy(bytes_of(source))
    if source.ref.canvas:
        data = encode(_framed(data, source.ref.role, source.ref.canvas), "png").data
    kind = (source.asset.source_type if source.asset else "") or told
    return Input(ref=source.ref, data=data, name=f"{source.ref.role}.png", source_type=kind)


def _framed(data: bytes, role: str, frame: canvas.Frame) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    return canvas.clear_canvas(image, frame) if role == "markup" else canvas.on_canvas(image, frame)


def bytes_of(source: Source) -> bytes:
    """Its stored bytes.

    :raises StorageFailed: when the file is missing or its sum is wrong.
    """
    return storage.read(storage.private(), source.file, source.ref.sha256)


def picture_of(source: Source) -> Image.Image:
    """A source's pixels, without its canvas: upright, in sRGB."""
    image = Image.open(io.BytesIO(clean_copy(bytes_of(source))[0]))
    image.load()
    return image


def mask_of(source: Source, sources: Sequence[Source]) -> Mask:
    """The map of a mask, of the size that is sent; one of the same shape at another size is scaled to its picture.

    One without a file says that all of the canvas may change but the picture on it.

    :raises InvalidRequest: ``mask.other_ratio``.
    """
    frame, size = source.ref.canvas, _size_below(sources)
    if source.file:
        edit = from_image(Image.open(io.BytesIO(bytes_of(source))), size, scale=True).edit
        return Mask(edit=canvas.mask_on_canvas(edit, frame, outside=0) if frame else edit)
    assert frame is not None  # a request with such a mask is always on a canvas
    return Mask(edit=canvas.mask_on_canvas(Image.new("L", size, 0), frame, outside=255))


def _size_below(sources: Sequence[Source]) -> Size:
    """The size of the picture that a mask is for, without its canvas."""
    return next(one.asset.size for one in sources if one.asset and one.ref.role == "source")
