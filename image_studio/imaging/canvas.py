"""A picture on a larger canvas: to extend it, or to ask a model for a shape that it makes and cut that away again.

Frames are ``(width, height, left, top)``: the canvas in pixels, and where on it the picture stands.
"""

from __future__ import annotations

from PIL import Image, ImageFilter

from image_studio.exceptions import InvalidRequest
from image_studio.imaging.geometry import Box

Size = tuple[int, int]
Frame = tuple[int, int, int, int]

#: Ratios closer than this (as a share) are one.
SAME_RATIO = 0.01
#: Where the picture stands, as fractions of the room that is left across and down.
ANCHORS: dict[str, tuple[float, float]] = {
    "center": (0.5, 0.5),
    "top": (0.5, 0.0),
    "bottom": (0.5, 1.0),
    "left": (0.0, 0.5),
    "right": (1.0, 0.5),
}
#: Longest edge of the copy that the ground is made from: after its blur there is no more detail to lose.
_SMALL = 64


def around(size: Size, ratio: float, anchor: str = "center") -> Frame:
    """The smallest canvas of a ratio (width to height) that holds a picture whole.

    :raises InvalidRequest: ``canvas.bad_anchor``.
    """
    if anchor not in ANCHORS:
        raise InvalidRequest("canvas.bad_anchor", anchor=anchor, known=", ".join(ANCHORS))
    width, height = size
    across = max(width, round(height * ratio))
    down = max(height, round(width / ratio))
    if same_ratio(size, ratio):
        across, down = size
    x, y = ANCHORS[anchor]
    return across, down, round((across - width) * x), round((down - height) * y)


def same_ratio(size: Size, ratio: float) -> bool:
    """Whether nobody could tell the two shapes apart."""
    return abs(size[0] / (size[1] * ratio) - 1) <= SAME_RATIO


def on_canvas(image: Image.Image, frame: Frame) -> Image.Image:
    """The picture where its frame says, on a ground of its own blurred colours; transparency is kept."""
    ground = _ground(image, frame[:2])
    ground.paste(image, frame[2:])
    return ground


def mask_on_canvas(mask: Image.Image, frame: Frame, *, outside: int) -> Image.Image:
    """A mask's map (mode ``L``) on the canvas; ``outside`` is its value around the picture."""
    canvas = Image.new("L", frame[:2], outside)
    canvas.paste(mask, frame[2:])
    return canvas


def clear_canvas(image: Image.Image, frame: Frame) -> Image.Image:
    """A transparent drawing on a transparent canvas."""
    canvas = Image.new("RGBA", frame[:2])
    canvas.paste(image.convert("RGBA"), frame[2:])
    return canvas


def inner(frame: Frame, size: Size) -> Box:
    """Where on the canvas the picture of ``size`` stands."""
    return Box(frame[2], frame[3], *size)


def cut_out(answer: Image.Image, frame: Frame, size: Size) -> Image.Image:
    """The part of an answer that shows the picture: of the answer's own pixels, whatever size it came in."""
    return answer.crop(_cut(answer.size, frame, size))


def cut_size(answer: Size, frame: Frame, size: Size) -> Size:
    """How large :func:`cut_out` of an answer of this size is."""
    left, top, right, bottom = _cut(answer, frame, size)
    return right - left, bottom - top


def _cut(answer: Size, frame: Frame, size: Size) -> tuple[int, int, int, int]:
    across, down = answer[0] / frame[0], answer[1] / frame[1]
    box = inner(frame, size)
    left, top = round(box.left * across), round(box.top * down)
    right, bottom = round(box.right * across), round(box.bottom * down)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _ground(image: Image.Image, size: Size) -> Image.Image:
    """What a model should see around a picture: its colours, and no detail that it could take for content."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    small = image.convert(mode)
    small.thumbnail((_SMALL, _SMALL))
    soft = small.resize((_SMALL, _SMALL)).filter(ImageFilter.GaussianBlur(_SMALL / 8))
    return soft.resize(size, Image.Resampling.BICUBIC)
