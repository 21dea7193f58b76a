"""Paste-back: the parent's own pixels outside the mask, the answer's inside, on one another without a seam.

Image models redraw the whole picture, whatever the mask says. Here the answer is registered on its parent, moved
and scaled back under it, and laid in through the feathered mask. The grid is always the parent's, even where the
answer is larger: pixels that are to stay byte for byte cannot be resampled, so the answer is, and the caller keeps
its raw file. A shift of colour is reported and never mended: what is inside was asked for as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from image_studio.exceptions import InvalidRequest
from image_studio.imaging.colour import lab
from image_studio.imaging.geometry import Box
from image_studio.imaging.masks import Mask, feathered
from image_studio.imaging.registration import Registration, flat, register

Span = tuple[float, float, float, float]
Size = tuple[int, int]

#: Nearer than this to whole pixels, everywhere in the picture, the answer's pixels are taken as they are: resampling
#: would soften more than so small a step shows.
SNAP = 0.3
#: Answers whose ratio differs by more (as a share) show another canvas, padded or cut, not the parent's.
SAME_RATIO = 0.02
#: Longest edge at which the tint is measured.
_SMALL = 128


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How far an answer may have moved and still be laid in.

    :param shift: as a share of the parent's longest edge: beyond, borders are missing and the view is another one.
    :param scale: as a share of 1.
    :param confidence: the share of detailed tiles that must agree on the place.
    """

    shift: float = 0.02
    scale: float = 0.02
    confidence: float = 0.5


_BOUNDS = Bounds()


@dataclass(frozen=True, kw_only=True)
class Pasted:
    """What became of an answer.

    :param image: the parent's size, ``RGBA`` where either picture has transparency; the answer as it came where
        it was not pasted.
    :param code: why it was not pasted: ``paste.other_ratio`` (size, nearest), ``paste.not_alike`` (agree, limit: in
        percent), ``paste.moved`` (shift, limit: in pixels) or ``paste.scaled`` (change, limit: in percent); empty
        where it was. ``params`` fill its words.
    :param feather: width in pixels of the soft edge around the mask. Beyond it all pixels are the parent's.
    :param resampled: whether the answer's pixels were interpolated to lie right.
    :param tint: by how much the answer is lighter, redder and yellower outside the mask, as CIELAB (L, a, b)
        medians: the same is to be expected inside, and was left there.
    """

    image: Image.Image = field(repr=False)
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    registration: Registration = field(default_factory=Registration)
    feather: int = 0
    resampled: bool = False
    tint: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def pasted(self) -> bool:
        return not self.code


def paste_back(
    parent: Image.Image,
    answer: Image.Image,
    mask: Mask,
    *,
    feather: int | None = None,
    bounds: Bounds = _BOUNDS,
) -> Pasted:
    """Put the parent's pixels back outside the mask.

    Outside the mask and its soft edge the result is the parent byte for byte; inside the mask it is the answer's,
    byte for byte where it neither moved by parts of a pixel nor came at another size. Neither picture is changed.
    Equal arguments give equal pixels.

    :param mask: of the parent's size.
    :param feather: width of the soft edge around the mask in pixels; by default a 128th of the longest edge.
    :raises InvalidRequest: ``mask.other_size`` (size, nearest).
    """
    if mask.size != parent.size:
        raise InvalidRequest("mask.other_size", size=_words(mask.size), nearest=_words(parent.size))
    if not _alike(answer.size, parent.size):
        params = {"size": _words(answer.size), "nearest": _words(parent.size)}
        return Pasted(image=answer, code="paste.other_ratio", params=params)
    found = register(parent, answer, mask)
    code, params = _refusal(found, parent.size, bounds)
    if code:
        return Pasted(image=answer, code=code, params=params, registration=found)
    width = round(max(parent.size) / 128) if feather is None else feather
    view = _View(parent.size, answer.size, found)
    return Pasted(
        image=_laid(parent, answer, feathered(mask, width), view),
        registration=found,
        feather=width,
        resampled=not view.whole,
        tint=_tint(parent, answer, mask),
    )


def _words(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _alike(one: Size, other: Size) -> bool:
    return abs(one[0] * other[1] / (one[1] * other[0]) - 1) <= SAME_RATIO


def _refusal(found: Registration, size: Size, bounds: Bounds) -> tuple[str, dict[str, Any]]:
    """Why the answer must not be laid in, or ``""``. Without any detail outside there is nothing that could jar."""
    if found.tiles and found.confidence < bounds.confidence:
        agree = round(100 * found.confidence)
        return "paste.not_alike", {"agree": agree, "limit": round(100 * bounds.confidence)}
    limit = bounds.shift * max(size)
    if found.shift > limit:
        return "paste.moved", {"shift": round(found.shift, 1), "limit": round(limit, 1)}
    if abs(found.scale - 1) > bounds.scale:
        change = round(100 * (found.scale - 1), 1)
        return "paste.scaled", {"change": change, "limit": round(100 * bounds.scale, 1)}
    return "", {}


@dataclass(frozen=True)
class _View:
    """Where the parent's pixels lie in the answer."""

    parent: Size
    answer: Size
    found: Registration

    @property
    def whole(self) -> bool:
        """Whether whole pixels lie on whole pixels, as good as."""
        edge = abs(self.found.scale - 1) * max(self.parent) / 2
        rests = (abs(move - round(move)) for move in (self.found.dx, self.found.dy))
        return self.parent == self.answer and max(rests) + edge <= SNAP

    def span(self, box: Box) -> Span:
        """The part of the answer, in its own pixels, that belongs under a box of the parent."""
        if self.whole:
            x, y = round(self.found.dx), round(self.found.dy)
            return box.left + x, box.top + y, box.right + x, box.bottom + y
        left, right = (self._place(0, value, self.found.dx) for value in (box.left, box.right))
        top, bottom = (self._place(1, value, self.found.dy) for value in (box.top, box.bottom))
        return left, top, right, bottom

    def _place(self, axis: int, value: float, move: float) -> float:
        middle = self.parent[axis] / 2
        return (middle + self.found.scale * (value - middle) + move) * self.answer[axis] / self.parent[axis]

    def covered(self, box: Box) -> Box:
        """The part of a box of the parent that the answer has pixels for: what moved out of it is missing."""
        low, high = [], []
        for axis, move in ((0, self.found.dx), (1, self.found.dy)):
            middle = self.parent[axis] / 2
            ends = ((end - move - middle) / self.found.scale + middle for end in (0, self.parent[axis]))
            first, last = (round(end) if self.whole else end for end in ends)
            low.append(max(0, math.ceil(first - 1e-9)))
            high.append(min(self.parent[axis], math.floor(last + 1e-9)))
        return box.clipped(Box(low[0], low[1], max(0, high[0] - low[0]), max(0, high[1] - low[1])))


def _laid(parent: Image.Image, answer: Image.Image, soft: Mask, view: _View) -> Image.Image:
    """The answer over the parent, through the mask; only what lies under the mask is touched."""
    mode = "RGBA" if parent.has_transparency_data or answer.has_transparency_data else "RGB"
    result = parent.copy() if parent.mode == mode else parent.convert(mode)
    box = view.covered(soft.bounds)
    if not box.width or not box.height:
        return result
    corners = (box.left, box.top, box.right, box.bottom)
    patch = _patch(answer if answer.mode == mode else answer.convert(mode), view, box)
    weights = soft.edit.crop(corners)
    if mode == "RGBA":
        patch, weights = _blended(result.crop(corners), patch, weights)
    result.paste(patch, corners, weights)
    return result


def _patch(answer: Image.Image, view: _View, box: Box) -> Image.Image:
    span = view.span(box)
    if view.whole:
        left, top, right, bottom = (round(value) for value in span)
        return answer.crop((left, top, right, bottom))
    near, far = (min(max(0.0, value), answer.width) for value in (span[0], span[2]))
    high, low = (min(max(0.0, value), answer.height) for value in (span[1], span[3]))
    return answer.resize((box.width, box.height), Image.Resampling.LANCZOS, box=(near, high, far, low))


def _blended(under: Image.Image, patch: Image.Image, weights: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Transparent pictures mixed by what is seen of them, or the colours under what is clear would show as a rim.

    Only the soft edge is mixed so: going there and back costs bytes that must stay. Where the weight is 255 the
    patch is taken itself, and the returned weights are hard.
    """
    mixed = Image.composite(patch.convert("RGBa"), under.convert("RGBa"), weights).convert("RGBA")
    mixed.paste(patch, mask=weights.point([0] * 255 + [255]))
    return mixed, weights.point([0] + [255] * 255)


def _tint(parent: Image.Image, answer: Image.Image, mask: Mask) -> tuple[float, float, float]:
    """Median CIELAB steps from the parent to the answer outside the mask; medians do not see edges that moved."""
    by = max(1, -(-max(parent.size) // _SMALL))
    before = flat(parent).reduce(by)
    kept = np.asarray(mask.edit.point([0] + [255] * 255).reduce(by)) == 0
    if not kept.any():
        return 0.0, 0.0, 0.0
    fitted = flat(answer)
    after = fitted.reduce(by) if answer.size == parent.size else fitted.resize(before.size, Image.Resampling.BOX)
    light, red, yellow = np.median(lab(np.asarray(after)[kept]) - lab(np.asarray(before)[kept]), axis=0)
    return round(float(light), 2), round(float(red), 2), round(float(yellow), 2)
