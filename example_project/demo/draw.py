"""The demo's own product picture: a tea tin and a cup in window light, traced on this machine.

A small sphere tracer over solids of revolution. It is deterministic, needs no file and no network, and takes some
seconds; ``python example_project/demo/draw.py picture.jpg`` writes it on its own. Lengths are in decimetres, light is
linear; arrays are ``float32`` of one value a ray.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import pi, tan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demo import surfaces
from demo.solids import FAR, SLACK, SOLIDS, Solid, Values, Vectors, distance, scene
from image_studio.imaging.metadata import xmp_packet

SIZE = (2640, 1760)
EYE = np.array([0.03, 1.80, 7.75], np.float32)
LOOK_AT = np.array([0.03, 0.80, 0.0], np.float32)
VIEW_ANGLE = 37.5  # degrees, from bottom to top
SUN = np.array([-0.50, 0.62, 0.55], np.float32)
SUN /= np.linalg.norm(SUN)
SUN_LIGHT = np.array([2.30, 1.95, 1.48], np.float32)
SKY_LIGHT = np.array([0.56, 0.62, 0.62], np.float32)
BOUNCE = np.array([0.40, 0.34, 0.25], np.float32)
WALL = -1.7
TABLE, WALL_ID = 1, 2


def by_solid(which: NDArray[np.int8]) -> Iterator[tuple[Solid, NDArray[np.int64]]]:
    """The solids that were met, each with the rays that met it."""
    for number, solid in enumerate(SOLIDS, start=3):
        mine = np.flatnonzero(which == number)
        if mine.size:
            yield solid, mine


def near_solids(start: Vectors, along: Vectors) -> NDArray[np.bool_]:
    """Which rays pass the bounding sphere of a solid at all: the others need no steps."""
    hit = np.zeros(start.shape[1], bool)
    for solid in SOLIDS:
        middle = np.array([solid.x, solid.reach[1] / 2, solid.z], np.float32)[:, None]
        to = middle - start
        t = np.maximum((to * along).sum(0), 0)
        hit |= ((to - along * t) ** 2).sum(0) < solid.reach[0] ** 2 + (solid.reach[1] / 2) ** 2
    return hit


def march(start: Vectors, along: Vectors, steps: int = 80) -> tuple[Values, NDArray[np.int8]]:
    """How far each ray goes until it meets a solid (``FAR`` for none), and which."""
    travelled = np.full(start.shape[1], np.float32(FAR))
    which = np.zeros(start.shape[1], np.int8)
    active = np.flatnonzero(near_solids(start, along))
    t = np.zeros(active.size, np.float32)
    for _ in range(steps):
        if not active.size:
            break
        step = distance(start[:, active] + along[:, active] * t)
        met = step < 0.002
        travelled[active[met]] = t[met]
        t = t + np.maximum(step, np.float32(0.001))
        on = ~met & (t < 14)
        active, t = active[on], t[on]
    met = np.flatnonzero(travelled < FAR)
    exact, which[met] = scene(start[:, met] + along[:, met] * travelled[met])
    travelled[met] += exact
    for solid, mine in by_solid(which):  # from the grid to the surface itself
        for _ in range(2):
            travelled[mine] += solid.distance(start[:, mine] + along[:, mine] * travelled[mine])
    return travelled, which


def shadow(start: Vectors, along: Vectors, softness: float) -> Values:
    """How much of a wide light is seen from each point, 0 to 1."""
    seen = np.ones(start.shape[1], np.float32)
    active = np.flatnonzero(near_solids(start, along))
    t = np.full(active.size, np.float32(0.03))
    for _ in range(34):
        if not active.size:
            break
        free = distance(start[:, active] + along[:, active] * t)
        seen[active] = np.minimum(seen[active], np.clip(0.5 + 0.5 * free / (softness * t), 0, 1))
        t = t + np.clip(free, 0.02, 0.3)
        on = (seen[active] > 0.005) & (t < 4.5)
        active, t = active[on], t[on]
    return seen * seen * (3 - 2 * seen)


def openness(at: Vectors, normal: Vectors) -> Values:
    """Ambient light that reaches a point: less in corners and under things."""
    closed = np.zeros(at.shape[1], np.float32)
    for out, weight in ((0.05, 1.0), (0.14, 0.75), (0.32, 0.5), (0.62, 0.32)):
        solid = distance(at + normal * np.float32(out)) + SLACK
        floor = at[1] + normal[1] * out
        closed += np.float32(weight) * np.clip(out - np.minimum(solid, floor), 0, None)
    return np.clip(1 - 0.92 * closed, 0.12, 1)


def normals(at: Vectors, which: NDArray[np.int8]) -> Vectors:
    """The direction in which each surface looks."""
    found = np.zeros_like(at)
    found[1, which == TABLE] = 1
    found[2, which == WALL_ID] = 1
    step = np.float32(0.002)
    for solid, mine in by_solid(which):
        points, rows = at[:, mine], []
        for axis in range(3):
            shift = np.zeros((3, 1), np.float32)
            shift[axis] = step
            rows.append(solid.distance(points + shift) - solid.distance(points - shift))
        gradient = np.stack(rows)
        found[:, mine] = gradient / np.maximum(np.linalg.norm(gradient, axis=0), 1e-9)
    return found


def room(along: Vectors) -> Vectors:
    """What a mirror would see in a direction: a bright tall window on the left, a soft ceiling, a dark room."""
    x, y, z = along
    light = np.float32(0.10) + np.float32(0.32) * np.clip(y, 0, 1) ** 2
    colour = light[None] * np.array([0.98, 1.0, 0.96], np.float32)[:, None]
    side = np.arctan2(z, -x)
    pane = _edge(side, 0.15, 0.05) * _edge(1.15 - side, 0, 0.05) * _edge(y, 0.06, 0.05) * _edge(0.86 - y, 0, 0.05)
    bars = (np.abs(side - 0.65) > 0.035) & (np.abs(y - 0.45) > 0.02)
    colour = colour + (pane * bars * 2.6)[None] * np.array([1.0, 0.93, 0.80], np.float32)[:, None]
    soft = _edge(x, 0.55, 0.25) * _edge(y, -0.1, 0.5) * 0.28
    return colour + soft[None] * np.array([0.85, 0.95, 1.0], np.float32)[:, None]


def _edge(value: Values, at: float, width: float) -> Values:
    t = np.clip((value - at) / width * 0.5 + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def window_light(at: Vectors) -> Values:
    """The sun through a window of six panes, and through leaves before it: what reaches wall, table and things."""
    t = (2.2 - at[2]) / SUN[2]
    x, y = at[0] + SUN[0] * t, at[1] + SUN[1] * t
    softness = 0.05 + 0.012 * t  # farther from the window the edges blur
    pane = _edge(x, -5.0, softness) * _edge(0.45 - x, 0, softness)
    pane *= _edge(y, -3.0, softness) * _edge(7.3 - y, 0, softness)
    bars = np.zeros_like(x)
    for upright in (-3.2, -1.4):
        bars = np.maximum(bars, _edge(0.075 - np.abs(x - upright), 0, softness))
    for level in (-1.15, 1.1, 3.35, 5.6):
        bars = np.maximum(bars, _edge(0.07 - np.abs(y - level), 0, softness))
    return pane * (1 - 0.9 * bars) * (1 - 0.6 * surfaces.foliage(x, y))


def shade(at: Vectors, along: Vectors, which: NDArray[np.int8], *, mirrors: bool) -> Vectors:
    """The light that comes from each point against the ray."""
    normal = normals(at, which)
    look = surfaces.look(at, normal, which, SOLIDS)
    facing = np.clip(SUN @ normal, 0, None)
    lit = np.zeros(at.shape[1], np.float32)
    bright = np.flatnonzero(facing > 0)
    start = at[:, bright] + normal[:, bright] * np.float32(0.012)
    direction = np.broadcast_to(SUN[:, None], start.shape)
    lit[bright] = shadow(start, direction, 0.085) * window_light(at[:, bright])
    dim = openness(at, normal)
    up = 0.5 + 0.5 * normal[1]
    ambient = SKY_LIGHT[:, None] * up + BOUNCE[:, None] * (1 - up)
    ambient = ambient * (0.78 + 0.42 * np.clip(-normal[0], -0.4, 1))
    colour = look.colour * (ambient * dim + SUN_LIGHT[:, None] * (facing * lit) + look.glow)
    half = SUN[:, None] - along
    half = half / np.linalg.norm(half, axis=0)
    shine = np.clip((half * normal).sum(0), 0, 1) ** look.hardness * look.gloss * (look.hardness * 0.08 + 0.6)
    colour = colour + SUN_LIGHT[:, None] * (shine * lit * facing) * look.tint
    if mirrors:
        colour = colour + mirrored(at, along, normal, which, look, dim)
    return colour


def mirrored(
    at: Vectors, along: Vectors, normal: Vectors, which: NDArray[np.int8], look: "surfaces.Look", dim: Values
) -> Vectors:
    """What glossy surfaces show of the room and of each other."""
    back = np.clip(-(along * normal).sum(0), 0, 1)
    strength = look.gloss * (look.base + (1 - look.base) * (1 - back) ** 5)
    colour = np.zeros_like(at)
    shown = np.flatnonzero((strength > 0.012) & (which != WALL_ID))
    if not shown.size:
        return colour
    n, d, start = normal[:, shown], along[:, shown], at[:, shown]
    bounced = d - 2 * (d * n).sum(0) * n
    seen = room(bounced)
    start = start + n * np.float32(0.01)
    far, hit = march(start, bounced, steps=48)
    met = np.flatnonzero(hit)
    if met.size:
        seen[:, met] = shade(start[:, met] + bounced[:, met] * far[met], bounced[:, met], hit[met], mirrors=False)
    floor = np.flatnonzero((hit == 0) & (bounced[1] < -0.02) & (start[1] > 0.02))
    if floor.size:
        to = start[:, floor] + bounced[:, floor] * (start[1, floor] / -bounced[1, floor])
        seen[:, floor] = shade(to, bounced[:, floor], np.full(floor.size, TABLE, np.int8), mirrors=False)
    seen = np.minimum(seen, np.float32(1.4))  # a mirrored sparkle would draw a line on the table
    colour[:, shown] = seen * (strength[shown] * (0.35 + 0.65 * dim[shown])) * look.tint[:, shown]
    return colour


def trace(px: Values, py: Values, size: tuple[int, int]) -> tuple[Vectors, NDArray[np.int8]]:
    """Linear light and the surface at pixel positions."""
    forward = LOOK_AT - EYE
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, np.array([0, 1, 0], np.float32))
    right = (right / np.linalg.norm(right)).astype(np.float32)
    up = np.cross(right, forward).astype(np.float32)
    scale = np.float32(tan(VIEW_ANGLE / 360 * pi) * 2 / size[1])
    x, y = (px - size[0] / 2) * scale, (size[1] / 2 - py) * scale
    along = forward[:, None] + right[:, None] * x + up[:, None] * y
    along = (along / np.linalg.norm(along, axis=0)).astype(np.float32)
    start = np.broadcast_to(EYE[:, None], along.shape)
    far, which = march(start, along)
    with np.errstate(divide="ignore"):
        floor = np.where(along[1] < 0, -EYE[1] / along[1], FAR)
        wall = np.where(along[2] < 0, (WALL - EYE[2]) / along[2], FAR)
    behind = np.minimum(floor, wall).astype(np.float32)
    which = np.where(far < behind, which, np.where(floor < wall, TABLE, WALL_ID)).astype(np.int8)
    at = start + along * np.minimum(far, behind)
    return shade(at.astype(np.float32), along, which, mirrors=True), which


def picture(size: tuple[int, int] = SIZE) -> Image.Image:
    """The finished picture, sRGB.

    Light is traced on every second pixel, where it is smooth, and four times in each pixel at edges and patterns.

    :param size: width and height in pixels; the view is composed for 3:2.
    """
    coarse = (size[0] // 2, size[1] // 2)
    with ThreadPoolExecutor(2) as pool:
        bands = _parts(np.arange(coarse[0] * coarse[1]))
        done = list(pool.map(partial(_trace_at, size=coarse, offsets=((0.5, 0.5),)), bands))
        rough = np.concatenate([light for light, _which in done], axis=1).reshape(3, coarse[1], coarse[0])
        which = np.concatenate([number for _light, number in done]).reshape(coarse[1], coarse[0])
        light = np.stack([_enlarged(plane, size) for plane in rough]).reshape(3, -1)
        for edges, offsets in ((_jumps(rough), ((0.5, 0.5),)), (_borders(which), FOUR)):
            fine = np.flatnonzero(_enlarged(edges.astype(np.float32), size) > 0.05)
            parts = _parts(fine)
            again = partial(_trace_at, size=size, offsets=offsets)
            for places, (colour, _which) in zip(parts, pool.map(again, parts), strict=True):
                light[:, places] = colour
    return surfaces.develop(light.reshape(3, size[1], size[0]))


def _parts(places: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Pieces for two threads: large enough that numpy works and not Python, small enough for the memory."""
    return np.array_split(places, max(2, places.size // 160_000))


def _enlarged(plane: Values, size: tuple[int, int]) -> Values:
    return np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize(size, Image.Resampling.BICUBIC))


def _borders(which: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Pixels at which surfaces meet: they are traced four times."""
    return _beside(np.diff(which, axis=0) != 0, np.diff(which, axis=1) != 0)


def _jumps(light: Vectors) -> NDArray[np.bool_]:
    """Pixels at which the light jumps, in a pattern or a highlight: they are traced at full size."""
    tone = np.sqrt(np.clip(light.mean(0), 0, 1))
    return _beside(np.abs(np.diff(tone, axis=0)) > 0.05, np.abs(np.diff(tone, axis=1)) > 0.05)


def _beside(rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found = np.zeros((columns.shape[0], rows.shape[1]), bool)
    found[:-1] |= rows
    found[1:] |= rows
    found[:, :-1] |= columns
    found[:, 1:] |= columns
    return found


FOUR = ((0.125, 0.375), (0.375, 0.875), (0.625, 0.125), (0.875, 0.625))


def _trace_at(
    places: NDArray[np.int64], size: tuple[int, int], offsets: tuple[tuple[float, float], ...]
) -> tuple[Vectors, NDArray[np.int8]]:
    """The mean light of some pixels, by their running number, over places within each pixel."""
    py, px = np.divmod(places, size[0])
    total = np.zeros((3, places.size), np.float32)
    which = np.zeros(places.size, np.int8)
    for dx, dy in offsets:
        light, which = trace((px + dx).astype(np.float32), (py + dy).astype(np.float32), size)
        total += np.minimum(light, 3.0)
    return total / len(offsets), which


def save(path: Path, size: tuple[int, int] = SIZE) -> None:
    """Write the picture as JPEG that says what it is: made by a program, with no camera and no AI."""
    picture(size).save(path, quality=92, xmp=xmp_packet("algorithmicMedia"))


if __name__ == "__main__":
    save(Path(sys.argv[1] if len(sys.argv) > 1 else "picture.jpg"))
