"""Which sizes a model makes, and which of them comes nearest to one that it does not. All in pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # specs gives its values these rules as methods
    from image_studio.catalog.specs import ModelSpec


class SizeFault(NamedTuple):
    """A rule that a size breaks; ``params`` name the rule and the nearest size that holds."""

    code: str
    params: Mapping[str, Any]


def parse(size: str) -> tuple[int, int]:
    """``1024x768`` as numbers.

    :raises ValueError: for anything else.
    """
    width, _x, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ValueError(f"{size!r} is no size")
    return int(width), int(height)


def words(size: tuple[int, int]) -> str:
    """``1024x768``."""
    return f"{size[0]}x{size[1]}"


def size_faults(spec: ModelSpec, width: int, height: int) -> tuple[SizeFault, ...]:
    """The rules of a model that a size breaks."""
    found = tuple(_broken(spec, width, height))
    if not found:
        return ()
    nearest = words(nearest_size(spec, width, height))
    facts = {"model": spec.title or spec.id, "size": words((width, height)), "nearest": nearest}
    return tuple(SizeFault(code, {**facts, **rule}) for code, rule in found)


def _broken(spec: ModelSpec, width: int, height: int) -> Iterator[tuple[str, dict[str, Any]]]:
    if spec.sizes:
        if words((width, height)) not in spec.sizes:
            yield "size.not_offered", {"known": ", ".join(spec.sizes)}
        return
    short, long = sorted((width, height))
    if short < max(1, spec.min_edge) or long > spec.max_edge:
        yield "size.edge", {"least": spec.min_edge, "most": spec.max_edge}
    if width % spec.edge_multiple or height % spec.edge_multiple:
        yield "size.multiple", {"multiple": spec.edge_multiple}
    if spec.max_ratio and long > short * spec.max_ratio:
        yield "size.ratio", {"most": f"{spec.max_ratio:g}"}
    if not spec.min_pixels <= width * height <= spec.max_pixels:
        yield "size.pixels", {"least": spec.min_pixels, "most": spec.max_pixels}


def nearest_size(spec: ModelSpec, width: int, height: int) -> tuple[int, int]:
    """The size of a model that comes nearest in shape and pixels, rather larger than smaller; its own sizes stay."""
    width, height = max(1, width), max(1, height)
    if spec.sizes:
        return min(map(parse, spec.sizes), key=lambda size: _unlike(size, (width, height)))
    if _holds(spec, (width, height)):
        return width, height
    aim = _within(spec, width, height)
    around = [size for size in _around(aim, spec.edge_multiple) if _holds(spec, size)]
    return min(around, key=lambda size: (not _covers(size, aim), _distance(size, aim)), default=_whole(aim))


def bounded(size: tuple[int, int], spec: ModelSpec) -> tuple[int, int]:
    """A size within a model's limits, the ratio kept."""
    width, height = size
    scale = min(1.0, spec.max_edge / max(size), math.sqrt(spec.max_pixels / (width * height)))
    return (width, height) if scale == 1.0 else (max(1, int(width * scale)), max(1, int(height * scale)))


def sized(size: tuple[int, int], spec: ModelSpec) -> tuple[int, int]:
    """The size to ask a model for: the nearest that it makes, or just within its limits where it has no rules."""
    ruled = spec.sizes or spec.edge_multiple > 1 or spec.min_pixels or spec.max_ratio
    return spec.nearest_size(*size) if ruled else bounded(size, spec)


def _holds(spec: ModelSpec, size: tuple[int, int]) -> bool:
    return next(_broken(spec, *size), None) is None


def _covers(size: tuple[int, int], aim: tuple[float, float]) -> bool:
    """Whether a picture of this size need not be enlarged."""
    return size[0] >= aim[0] - 1e-6 and size[1] >= aim[1] - 1e-6


def _whole(aim: tuple[float, float]) -> tuple[int, int]:
    return max(1, int(aim[0])), max(1, int(aim[1]))


def _distance(size: tuple[int, int], aim: tuple[float, float]) -> float:
    shape, pixels = _unlike(size, aim)
    # A crop loses more than a few pixels less.
    return 2 * shape + pixels


def _unlike(size: tuple[int, int], aim: tuple[float, float]) -> tuple[float, float]:
    """How far a size is off in shape and in pixels; shapes that nobody can tell apart are equal."""
    shape = abs(math.log(size[0] * aim[1] / (size[1] * aim[0])))
    return round(shape, 3), abs(math.log(size[0] * size[1] / (aim[0] * aim[1])))


def _within(spec: ModelSpec, width: int, height: int) -> tuple[float, float]:
    """The shape within the ratio, scaled into the model's edges and pixels; no multiples yet."""
    ratio = width / height
    most = spec.max_ratio or spec.max_edge / max(1, spec.min_edge)
    ratio = min(max(ratio, 1 / most), most)
    pixels = min(max(width * height, spec.min_pixels), spec.max_pixels)
    long = math.sqrt(pixels * max(ratio, 1 / ratio))
    long = min(max(long, spec.min_edge * max(ratio, 1 / ratio)), spec.max_edge)
    short = long / max(ratio, 1 / ratio)
    return (long, short) if ratio >= 1 else (short, long)


def _around(aim: tuple[float, float], multiple: int) -> Iterator[tuple[int, int]]:
    """Sizes in whole multiples around a place between them."""
    for across in range(-3, 4):
        for down in range(-3, 4):
            width = (round(aim[0] / multiple) + across) * multiple
            height = (round(aim[1] / multiple) + down) * multiple
            if width > 0 and height > 0:
                yield width, height
