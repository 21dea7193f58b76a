"""Reframing: real variants of one picture at any size, by where it is cut and how its canvas is extended.

A *take* is a variant that an art director would tell from the others: the best crop, the whole picture on a
soft surround, a punch-in with the subject on a third, a mirrored extension, the crop with most detail, the
brand's colour beside it, a loose cut, a detail. Which comes first depends on the picture: where the asked ratio
would cut the subject, take 0 extends the canvas instead. Equal arguments give equal pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from image_studio.imaging import surround
from image_studio.imaging.fields import generator
from image_studio.imaging.geometry import Box
from image_studio.imaging.saliency import Map, crop_box, entropy, kept, saliency, subject
from image_studio.imaging.takes import CLEAR, CLEAR_WHOLE, CROP, EXTEND, PLACE, SAME, Focal, Treatment, choose

Size = tuple[int, int]

#: Ratios closer than this (as a share) are the same: such a picture is resized and trimmed, never extended.
SAME_RATIO = 0.01
#: A subject that fills less of the picture than this is one thing, not a scene: it must not be cut.
COMPACT = 0.55
#: A crop that keeps less than this of what stands out is replaced by an extended canvas, scene or not.
KEEP = 0.57
#: How much of a scene a mirror may repeat.
SCENE = 0.28
#: Enlargements beyond this lose visible sharpness; zooms stay below it where they can.
SHARP = 2.0
#: Alpha from here on (of 255) is no transparency but the edge of an encoder's precision.
OPAQUE = 250


@dataclass(frozen=True, kw_only=True)
class Reframed:
    """A take of a picture.

    :param image: RGB, or RGBA where transparency was kept or asked for; exactly the asked size.
    :param method: how it was made, for example ``crop:saliency`` or ``extend:mirror``.
    :param box: the part of the source that is shown, in source pixels.
    :param extended: whether parts of the canvas are not from the source one to one.
    :param upscaled: enlargement of the source; beyond 2 it is visibly soft.
    """

    image: Image.Image = field(repr=False)
    method: str
    box: Box
    extended: bool
    upscaled: float


@dataclass(frozen=True)
class _Look:
    """What is known about the source before a take is chosen."""

    image: Image.Image
    focal: Focal | None
    eye: Map
    subject: tuple[float, float, float, float]
    cutout: bool

    @property
    def compact(self) -> bool:
        """One thing on a ground, rather than a scene."""
        left, top, right, bottom = self.subject
        return (right - left) * (bottom - top) <= COMPACT


def reframe(
    image: Image.Image,
    size: Size,
    *,
    focal: Focal | None = None,
    take: int = 0,
    seed: int = 0,
    ground: str | None = None,
    transparent: bool = False,
    resample: Image.Resampling = Image.Resampling.LANCZOS,
) -> Reframed:
    """A take of ``image`` at exactly ``size``.

    :param focal: a point that stays visible, as fractions of the picture.
    :param take: 0, 1, 2 ...: the first :data:`TAKES` differ by treatment.
    :param seed: varies sides and amounts within a treatment, never the treatment.
    :param ground: the colour ``#rrggbb`` of colour extensions; without one the picture's own border decides.
    :param transparent: extend with transparency, and keep that of the source.
    :raises ValueError: for a size or take that is none.
    """
    if size[0] < 1 or size[1] < 1 or take < 0:
        raise ValueError(f"no such take: {take} at {size}")
    look = _look(image, focal)
    treatment = choose(_table(look, size, transparent), take, seed)
    if look.cutout:
        return _placed(look, size, treatment, _Paint(ground, transparent, seed, take, resample))
    if treatment.kind == "crop":
        return _cropped(look, size, treatment, resample)
    return _extended(look, size, treatment, _Paint(ground, transparent, seed, take, resample))


def fit(image: Image.Image, size: Size, *, focal: Focal | None = None) -> Image.Image:
    """``image`` filling ``size`` exactly, mode kept: resized where the ratio is the same, else cropped.

    The crop is the most salient one, with the focal point inside.
    """
    return _resized(image, fit_box(image, size, focal=focal), size)


def fit_box(image: Image.Image, size: Size, *, focal: Focal | None = None) -> Box:
    """The part of ``image`` that :func:`fit` shows, in its pixels."""
    ratio = size[0] / size[1]
    weights = None if _same(image.size, ratio) else saliency(image)
    return crop_box(image.size, ratio, weights=weights, focal=focal)


@dataclass(frozen=True)
class _Paint:
    ground: str | None
    transparent: bool
    seed: int
    take: int
    resample: Image.Resampling


def _look(image: Image.Image, focal: Focal | None) -> _Look:
    plain = image if image.mode in {"RGB", "RGBA"} else image.convert("RGBA" if _has_alpha(image) else "RGB")
    cutout = plain.mode == "RGBA" and bool(np.asarray(plain.getchannel("A")).min() < OPAQUE)
    if plain.mode == "RGBA" and not cutout:
        plain = plain.convert("RGB")
    eye = saliency(plain)
    return _Look(plain, focal, eye, _opaque_box(plain) if cutout else subject(eye), cutout)


def _has_alpha(image: Image.Image) -> bool:
    return "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info


def _opaque_box(image: Image.Image) -> tuple[float, float, float, float]:
    box = image.getchannel("A").point(lambda value: 255 if value > 8 else 0).getbbox()
    left, top, right, bottom = box or (0, 0, *image.size)
    return left / image.width, top / image.height, right / image.width, bottom / image.height


def _same(size: Size, ratio: float) -> bool:
    return abs(size[0] / size[1] / ratio - 1) <= SAME_RATIO


def _table(look: _Look, size: Size, transparent: bool) -> tuple[Treatment, ...]:
    ratio = size[0] / size[1]
    if look.cutout:
        return PLACE
    same = _same(look.image.size, ratio)
    cuts = not same and _cuts(look, crop_box(look.image.size, ratio, weights=look.eye, focal=look.focal))
    if transparent:
        return CLEAR_WHOLE if cuts else CLEAR
    return SAME if same else EXTEND if cuts else CROP


def _cuts(look: _Look, box: Box, slack: float = 0.02) -> bool:
    """Whether a crop takes away what the picture is about: part of a compact subject, or most of a scene.

    :param slack: how much of the source's extent the subject may lose; below 0 it must have that much air.
    """
    if kept(look.eye, look.image.size, box) < KEEP:
        return True
    width, height = look.image.size
    left, top, right, bottom = look.subject
    x, y = slack * width, slack * height
    near, far = (
        (round(left * width + x), round(top * height + y)),
        (round(right * width - x), round(bottom * height - y)),
    )
    core = Box(*near, far[0] - near[0], far[1] - near[1]).clipped(Box(0, 0, width, height))
    return look.compact and not box.holds(core)


def _cropped(look: _Look, size: Size, chosen: Treatment, resample: Image.Resampling) -> Reframed:
    ratio = size[0] / size[1]
    weights = entropy(look.image) if chosen.by == "entropy" else look.eye
    zoom = _zoom(look, size, chosen.zoom)
    box = crop_box(look.image.size, ratio, weights=weights, focal=look.focal, zoom=zoom, third=chosen.third)
    image = _resized(look.image, box, size, resample)
    name = "focal" if look.focal and chosen.by == "saliency" else chosen.by
    return Reframed(image=image, method=f"crop:{name}", box=box, extended=False, upscaled=_up(size, box))


def _zoom(look: _Look, size: Size, zoom: float) -> float:
    """Less zoom on small sources, but never so little that the take is no longer another picture.

    A moderate zoom stops where it would begin to cut a compact subject; a strong one is a detail, and may.
    """
    if zoom <= 1:
        return zoom
    width, height = look.image.size
    left, top, right, bottom = look.subject
    largest = max(size[0] / width, size[1] / height)
    window = size[0] / largest / width, size[1] / largest / height
    room = min(window[0] / (right - left), window[1] / (bottom - top)) * 0.97
    if zoom < 1.5 and look.compact and room > 1.1:
        zoom = min(zoom, room)
    return max(min(zoom, SHARP / largest), 1 + (zoom - 1) * 0.6)


def _extended(look: _Look, size: Size, chosen: Treatment, paint: _Paint) -> Reframed:
    box, where = _panel(look, size, chosen) if chosen.kind == "colour" else _spread(look, size, chosen)
    part = _resized(look.image, box, (where.width, where.height), paint.resample)
    image = _surrounded(look, part, (box, where), size, chosen=chosen, paint=paint)
    upscaled = _up((where.width, where.height), box)
    return Reframed(image=image, method=f"extend:{chosen.kind}", box=box, extended=True, upscaled=upscaled)


def _surrounded(
    look: _Look, part: Image.Image, boxes: tuple[Box, Box], size: Size, *, chosen: Treatment, paint: _Paint
) -> Image.Image:
    box, where = boxes
    rng = generator(paint.seed, paint.take)
    if chosen.kind == "clear":
        return surround.cleared(part, where, size)
    reach = _reach(look, box, where)
    if chosen.kind == "blur":
        return surround.blurred(part, where, size, rng, reach)
    canvas = surround.mirrored(part, where, size, rng, reach)
    if chosen.kind == "mirror":
        return canvas
    return surround.washed(canvas, _first(chosen), paint.ground or surround.edge_colour(part), rng)


def _first(chosen: Treatment) -> bool:
    """Whether the picture keeps the left (or top) of a panel."""
    return (chosen.lean or 0.0) < 0.5


def _reach(look: _Look, box: Box, where: Box) -> tuple[float, float, float, float]:
    """How far a mirror may look into the shown part from each edge, in pixels of the canvas: to the subject."""
    width, height = look.image.size
    if not look.compact:
        return SCENE * where.width, SCENE * where.height, SCENE * where.width, SCENE * where.height
    left, top, right, bottom = look.subject
    x, y = where.width / box.width, where.height / box.height
    air = 0.04 * width, 0.04 * height  # the subject's box is good to a few cells of the map
    return (
        x * max(0.0, left * width - air[0] - box.left),
        y * max(0.0, top * height - air[1] - box.top),
        x * max(0.0, box.right - right * width - air[0]),
        y * max(0.0, box.bottom - bottom * height - air[1]),
    )


def _panel(look: _Look, size: Size, chosen: Treatment) -> tuple[Box, Box]:
    """The picture at one end of the longer axis: cropped to fill it, or set into it whole where it would be cut."""
    wide = size[0] >= size[1]
    zone = (max(1, round(size[0] * 0.58)), size[1]) if wide else (size[0], max(1, round(size[1] * 0.58)))
    aside = (0.4 if _first(chosen) else 0.6, 0.5) if wide else (0.5, 0.4 if _first(chosen) else 0.6)
    box = crop_box(look.image.size, zone[0] / zone[1], weights=look.eye, focal=look.focal, third=aside)
    if not _cuts(look, box, slack=-0.04):
        where = Box(0, 0, *zone)
    else:
        box, where = _spread(look, zone, Treatment(loose=0.0, lean=0.5))
    shift = 0 if _first(chosen) else (size[0] - zone[0] if wide else size[1] - zone[1])
    return box, Box(where.left + shift * wide, where.top + shift * (not wide), where.width, where.height)


def _spread(look: _Look, size: Size, chosen: Treatment) -> tuple[Box, Box]:
    """The part of the source that is shown, and where it stands on the larger canvas."""
    box = _loose_box(look, size, chosen.loose)
    whole = _same((box.width, box.height), size[0] / size[1]) and chosen.kind != "colour"
    scale = min(size[0] / box.width, size[1] / box.height) * min(0.8 if whole else 1.0, chosen.air)
    width = min(size[0], max(1, round(box.width * scale)))
    height = min(size[1], max(1, round(box.height * scale)))
    across, down = _lean(look, box, chosen)
    return box, Box(round((size[0] - width) * across), round((size[1] - height) * down), width, height)


def _loose_box(look: _Look, size: Size, loose: float) -> Box:
    """Between the subject with some air (0) and the whole picture (1), trimmed on one axis only."""
    width, height = look.image.size
    left, top, right, bottom = _essence(look, size)
    if size[0] / size[1] > width / height:
        low, high = _trim((top, bottom), loose, width / (size[0] / size[1]) / height)
        return Box(0, round(low * height), width, max(1, round((high - low) * height)))
    low, high = _trim((left, right), loose, height * (size[0] / size[1]) / width)
    return Box(round(low * width), 0, max(1, round((high - low) * width)), height)


def _essence(look: _Look, size: Size) -> tuple[float, float, float, float]:
    """What a trimmed picture must still show: a compact subject, or of a scene its best crop; and the focal."""
    width, height = look.image.size
    left, top, right, bottom = look.subject
    box = crop_box(look.image.size, size[0] / size[1], weights=look.eye, focal=look.focal)
    if not look.compact and not _cuts(look, box):
        left, top, right, bottom = box.left / width, box.top / height, box.right / width, box.bottom / height
    x, y = look.focal or ((left + right) / 2, (top + bottom) / 2)
    return min(left, x), min(top, y), max(right, x), max(bottom, y)


def _trim(extent: tuple[float, float], loose: float, least: float) -> tuple[float, float]:
    """The subject's extent with air, opened towards the whole, never below what fills the canvas."""
    low, high = max(0.0, extent[0] - 0.06), min(1.0, extent[1] + 0.06)
    low, high = low * (1 - loose), high + (1 - high) * loose
    missing = max(0.0, min(1.0, least) - (high - low))
    low = max(0.0, low - missing / 2)
    high = min(1.0, max(high + missing / 2, low + least))
    return max(0.0, min(low, high - min(1.0, least))), high


def _lean(look: _Look, box: Box, chosen: Treatment) -> Focal:
    """Where the picture stands: as told, else against the edge that something runs out of, else the middle."""
    if chosen.lean is not None:
        return chosen.lean, 0.5 if chosen.lean in {0.0, 1.0} else chosen.lean
    width, height = look.image.size
    left, top, right, bottom = look.subject
    touching = left * width <= 0.02 * width, (1 - right) <= 0.02, top <= 0.02, (1 - bottom) <= 0.02
    if chosen.kind != "mirror" or chosen.air < 1:
        return 0.5, 0.5
    across = 0.5 if touching[0] == touching[1] else float(touching[1])
    down = 0.5 if touching[2] == touching[3] else float(touching[3])
    return across if box.width == width else 0.5, down if box.height == height else 0.5


def _placed(look: _Look, size: Size, chosen: Treatment, paint: _Paint) -> Reframed:
    """A cut-out on a larger ground: its own bounding box, scaled against the canvas."""
    width, height = look.image.size
    left, top, right, bottom = look.subject
    tight = Box(
        int(left * width),
        int(top * height),
        max(1, round((right - left) * width)),
        max(1, round((bottom - top) * height)),
    )
    scale = min(size[0] / tight.width, size[1] / tight.height) * chosen.air
    box, where = _window_on(look, size, tight, scale, chosen)
    part = _resized(look.image, box, (where.width, where.height), paint.resample)
    image = surround.cleared(part, where, size)
    if not paint.transparent:
        ground = paint.ground or "#eceae6"
        image = surround.staged(part, where, size, ground, generator(paint.seed, paint.take))
    method = "place:clear" if paint.transparent else "place:colour"
    upscaled = _up((where.width, where.height), box)
    return Reframed(image=image, method=method, box=box, extended=not paint.transparent, upscaled=upscaled)


def _window_on(look: _Look, size: Size, tight: Box, scale: float, chosen: Treatment) -> tuple[Box, Box]:
    """What of ``tight`` is visible when it is drawn at ``scale``, and where."""
    shown = min(tight.width, max(1, round(size[0] / scale))), min(tight.height, max(1, round(size[1] / scale)))
    focal = look.focal or ((tight.left + tight.width * chosen.third[0]) / look.image.width,
                           (tight.top + tight.height * chosen.third[1]) / look.image.height)  # fmt: skip
    box = Box(
        _clamp(focal[0] * look.image.width - shown[0] / 2, tight.left, tight.right - shown[0]),
        _clamp(focal[1] * look.image.height - shown[1] / 2, tight.top, tight.bottom - shown[1]),
        *shown,
    )
    width, height = min(size[0], max(1, round(shown[0] * scale))), min(size[1], max(1, round(shown[1] * scale)))
    lean = 0.5 if chosen.lean is None else chosen.lean
    across, down = (lean, 0.5) if size[0] - width >= size[1] - height else (0.5, lean)
    return box, Box(round((size[0] - width) * across), round((size[1] - height) * down), width, height)


def _clamp(value: float, low: int, high: int) -> int:
    return int(min(max(round(value), low), max(low, high)))


def _resized(
    image: Image.Image, box: Box, size: Size, resample: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    corners = (box.left, box.top, box.right, box.bottom)
    if (box.width, box.height) == size:
        return image.crop(corners)
    return image.resize(size, resample, box=corners, reducing_gap=3.0)


def _up(size: Size, box: Box) -> float:
    return round(max(size[0] / box.width, size[1] / box.height), 3)
