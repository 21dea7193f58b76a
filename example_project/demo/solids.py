"""The things on the demo's table as distance fields, and a quick look-up of all of them together."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import pi, sin

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
#: x, y, z of many points or directions.
Vectors = NDArray[np.float32]
Field = Callable[[Vectors], Values]

FAR = 30.0


@dataclass(frozen=True)
class Solid:
    """A solid of revolution about an upright axis at ``(x, z)``; ``profile`` is its distance field in (radius, y)."""

    name: str
    x: float
    z: float
    #: Its bounding cylinder: radius, top.
    reach: tuple[float, float]
    profile: Callable[[Values, Values], Values]
    addition: Field | None = None

    def distance(self, at: Vectors) -> Values:
        px, py, pz = at[0] - self.x, at[1], at[2] - self.z
        near = self.profile(np.hypot(px, pz), py)
        return near if self.addition is None else np.minimum(near, self.addition(np.stack([px, py, pz])))


def box(r: Values, y: Values, half_width: float, low: float, high: float, rounding: float) -> Values:
    """A cylinder with rounded rims."""
    dr = np.abs(r) - (half_width - rounding)
    dy = np.abs(y - (low + high) / 2) - ((high - low) / 2 - rounding)
    outside = np.hypot(np.maximum(dr, 0), np.maximum(dy, 0))
    return outside + np.minimum(np.maximum(dr, dy), 0) - np.float32(rounding)


def wall_of(r: Values, y: Values, line: list[tuple[float, float]], thickness: float) -> Values:
    """A turned shell along a line of (radius, y) points."""
    nearest = np.full_like(r, np.float32(1e9))
    for (ax, ay), (bx, by) in pairwise(line):
        dx, dy = bx - ax, by - ay
        t = np.clip(((r - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
        nearest = np.minimum(nearest, np.hypot(r - ax - t * dx, y - ay - t * dy))
    return nearest - np.float32(thickness)


#: A bowl that opens upwards and ends almost upright, with the foot's flat bottom.
CUP = [
    (0.0, 0.135),
    (0.2, 0.135),
    *((0.2 + 0.335 * sin(i / 56 * pi) ** 0.72, 0.135 + 0.585 * i / 28) for i in range(1, 29)),
]
SAUCER = [(0.0, 0.045), (0.36, 0.045), (0.58, 0.075), (0.83, 0.145)]


def handle(at: Vectors) -> Values:
    """The cup's handle: a flattened ring, cut off inside the cup; points are relative to the cup."""
    turn = 0.5
    along = at[0] * np.float32(np.cos(turn)) + at[2] * np.float32(np.sin(turn))
    across = -at[0] * np.float32(np.sin(turn)) + at[2] * np.float32(np.cos(turn))
    ring = np.hypot(np.hypot((along - 0.585) * 0.92, (at[1] - 0.47) * 0.98) - 0.165, across * 0.8) - np.float32(0.034)
    return np.maximum(ring, np.float32(0.47) - along)


SOLIDS = (
    Solid("tin", -0.52, -0.28, (0.68, 1.98), lambda r, y: box(r, y, 0.62, 0.0, 1.60, 0.03)),
    Solid("lid", -0.52, -0.28, (0.68, 1.98), lambda r, y: box(r, y, 0.643, 1.42, 1.80, 0.05)),
    Solid(
        "knob",
        -0.52,
        -0.28,
        (0.68, 2.02),
        lambda r, y: np.minimum(box(r, y, 0.05, 1.78, 1.87, 0.02), np.hypot(r, (y - 1.90) * 1.25) - np.float32(0.095)),
    ),
    Solid(
        "cup",
        0.66,
        0.62,
        (0.92, 0.80),
        lambda r, y: np.minimum(wall_of(r, y, CUP, 0.026), box(r, y, 0.25, 0.05, 0.13, 0.02)),
        handle,
    ),
    Solid("saucer", 0.66, 0.62, (0.92, 0.80), lambda r, y: wall_of(r, y, SAUCER, 0.024)),
    Solid("tea", 0.66, 0.62, (0.92, 0.80), lambda r, y: box(r, y, 0.505, 0.61, 0.655, 0.005)),
)


def scene(at: Vectors) -> tuple[Values, NDArray[np.int8]]:
    """The distance to the nearest solid, and which one it is."""
    nearest = np.full(at.shape[1], np.float32(FAR))
    which = np.zeros(at.shape[1], np.int8)
    for number, solid in enumerate(SOLIDS, start=3):
        distance = solid.distance(at)
        closer = distance < nearest
        nearest = np.where(closer, distance, nearest)
        which[closer] = number
    return nearest, which


CELL = 0.005
REACH = 2.4
SLACK = np.float32(0.0036)  # half a cell's diagonal


@cache
def turned_fields() -> tuple[tuple[float, float, Values, Field | None], ...]:
    """Distances of all solids that share an axis, on a grid of (radius, y): a look-up instead of a hundred steps."""
    radius, y = np.meshgrid(
        np.arange(0, REACH, CELL, np.float32), np.arange(-0.2, REACH, CELL, np.float32), indexing="ij"
    )
    made = []
    for x, z in dict.fromkeys((solid.x, solid.z) for solid in SOLIDS):
        here = [solid for solid in SOLIDS if (solid.x, solid.z) == (x, z)]
        grid = np.minimum.reduce([solid.profile(radius.ravel(), y.ravel()) for solid in here])
        extra = next((solid.addition for solid in here if solid.addition), None)
        made.append((x, z, grid.reshape(radius.shape), extra))
    return tuple(made)


def distance(at: Vectors) -> Values:
    """The distance to the nearest solid, never more than the true one; up to ``2 * SLACK`` less."""
    nearest = np.full(at.shape[1], np.float32(FAR))
    up = ((np.clip(at[1], -0.2, REACH - 2 * CELL) + 0.2) / CELL + 0.5).astype(np.int32)
    for x, z, grid, extra in turned_fields():
        px, pz = at[0] - np.float32(x), at[2] - np.float32(z)
        out = (np.minimum(np.hypot(px, pz), REACH - 2 * CELL) / CELL + 0.5).astype(np.int32)
        nearest = np.minimum(nearest, grid[out, up])
        if extra is not None:
            close = np.flatnonzero(nearest < 1.2)
            nearest[close] = np.minimum(nearest[close], extra(np.stack([px[close], at[1, close], pz[close]])))
    return nearest - SLACK
