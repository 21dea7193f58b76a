"""Where every layer goes, without a pixel of the picture: the same answer for a dry run and for the real one.

Logos stand where the kit says. Texts are laid out around them: each goes to the free rectangle in which it can
be set largest and nearest to its anchor. For locales written from right to left the left and right of *text*
anchors are mirrored; a logo keeps its corner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import ceil

from image_studio.exceptions import LayoutImpossible, StudioError
from image_studio.imaging.geometry import Box
from image_studio.imaging.layers import LogoLayer, LogoVersion, TextLayer
from image_studio.imaging.shaping import face_for, is_rtl, shows
from image_studio.imaging.text import Block, Copy

#: Space between two texts and inside a plate, in type sizes.
GAP = 0.5
PLATE_ACROSS, PLATE_DOWN = 0.6, 0.38
#: Beyond its clear space a logo gets this much air from a text, in the text's type sizes.
AIR = 0.25
#: What a smaller type, a text away from its anchor, and one away from its edge cost against each other.
COST_SMALLER, COST_AWAY, COST_ASIDE = 1.6, 1.0, 3.0

Layers = Sequence[LogoLayer | TextLayer]
Item = tuple[TextLayer, Copy]
#: Chooses a version for a logo; called with the layer and, per version, where it would stand.
Pick = Callable[[LogoLayer, Mapping[str, Box]], LogoVersion]
#: Gives the ink size of a logo's master in pixels.
Masters = Callable[[LogoVersion], tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class LogoSpot:
    """A logo version and where it stands."""

    layer: LogoLayer
    version: LogoVersion
    box: Box
    clear: Box


@dataclass(frozen=True, kw_only=True)
class TextSpot:
    """A set text, the corner of its block, and the room that it takes with its plate.

    :param align: ``left``, ``centre`` or ``right``.
    :param edge: ``top``, ``middle`` or ``bottom``.
    """

    layer: TextLayer
    block: Block
    footprint: Box
    pad: tuple[int, int]
    align: str
    edge: str

    @property
    def at(self) -> tuple[int, int]:
        return self.footprint.left + self.pad[0], self.footprint.top + self.pad[1]

    @property
    def area(self) -> Box:
        """The block: the lines' widest extent and full line heights."""
        return Box(*self.at, self.block.width, self.block.height)

    @property
    def ink(self) -> Box:
        """What a reader sees: the union of the lines' ink."""
        x, y = self.at
        rows = list(zip(self.block.starts(self.align), self.block.inks, strict=True))
        top = min(start[1] + ink[1] for start, ink in rows)
        bottom = max(start[1] + ink[3] for start, ink in rows)
        return Box(x, y + top, self.block.width, bottom - top)


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """All spots, and what could not be placed."""

    logos: tuple[LogoSpot, ...]
    texts: tuple[TextSpot, ...]
    faults: tuple[StudioError, ...] = ()


def sides(anchor: str) -> tuple[str, str]:
    """Edge (``top``, ``middle``, ``bottom``) and alignment (``left``, ``centre``, ``right``) of an anchor."""
    words = anchor.split("-")
    edge = next((word for word in words if word in ("top", "bottom")), "middle")
    return edge, next((word for word in words if word in ("left", "right")), "centre")


def text_sides(layer: TextLayer) -> tuple[str, str]:
    """As :func:`sides`, left and right mirrored for a locale written from right to left."""
    edge, align = sides(layer.anchor)
    if is_rtl(layer.locale):
        align = {"left": "right", "right": "left"}.get(align, align)
    return edge, align


def arrange(
    size: tuple[int, int], layers: Layers, *, safe: Box, masters: Masters, pick: Pick, shaper: str = ""
) -> Arrangement:
    """Place every layer on a canvas of ``size``; faults are collected, not raised."""
    table = _Table(size, safe, shaper)
    logos = [layer for layer in layers if isinstance(layer, LogoLayer)]
    for logo in logos:
        table.try_(partial(table.add_logo, logo, masters, pick))
    copies = [copy for layer in layers if isinstance(layer, TextLayer) for copy in table.prepared(layer)]
    for group in _in_order(copies):
        table.try_(partial(table.add_group, group))
    order = {id(layer): index for index, layer in enumerate(layers)}
    table.texts.sort(key=lambda spot: order[id(spot.layer)])
    return Arrangement(logos=tuple(table.logos), texts=tuple(table.texts), faults=tuple(table.faults))


def _in_order(copies: Sequence[Item]) -> Iterable[list[Item]]:
    """Bottom texts from the lowest up, then top texts from the highest down, then each middle column as one."""
    by_edge: dict[str, list[Item]] = {"bottom": [], "top": [], "middle": []}
    for item in copies:
        by_edge[text_sides(item[0])[0]].append(item)
    yield from ([item] for item in reversed(by_edge["bottom"]))
    yield from ([item] for item in by_edge["top"])
    for align in ("left", "centre", "right"):
        column = [item for item in by_edge["middle"] if text_sides(item[0])[1] == align]
        if column:
            yield column


class _Table:
    """The canvas while it is being laid."""

    def __init__(self, size: tuple[int, int], safe: Box, shaper: str) -> None:
        self.canvas = Box(0, 0, *size)
        self.safe = safe.clipped(self.canvas)
        self.short = min(size)
        self.shaper = shaper
        self.logos: list[LogoSpot] = []
        self.texts: list[TextSpot] = []
        self.faults: list[StudioError] = []

    def try_(self, step: Callable[[], object]) -> None:
        try:
            step()
        except StudioError as fault:
            self.faults.append(fault)

    def prepared(self, layer: TextLayer) -> list[Item]:
        """The layer with its face; empty, with a fault noted, where no font can draw it."""
        made: list[Item] = []
        self.try_(lambda: made.append((layer, self._copy(layer))))
        return made

    def _copy(self, layer: TextLayer) -> Copy:
        if not shows(layer.text):
            raise LayoutImpossible("layout.line_missing", line=layer.name, locale=layer.locale)
        full = max(1, round(layer.size * self.short))
        return Copy(
            face=face_for(layer, shaper=self.shaper),
            text=layer.text,
            size=full,
            least=min(full, least_size(layer, self.short)),
            max_lines=layer.max_lines,
        )

    def add_logo(self, layer: LogoLayer, masters: Masters, pick: Pick) -> None:
        spots = {version.name: self._logo_spot(layer, version, masters(version)) for version in layer.versions}
        if not spots:
            raise LayoutImpossible("layout.logo_missing", layer=layer.name)
        version = pick(layer, {name: spot.box for name, spot in spots.items()})
        spot = spots[version.name]
        for other in self.logos:
            if other.clear.meets(spot.box) or spot.clear.meets(other.box):
                raise LayoutImpossible("layout.logos_meet", layer=layer.name, other=other.layer.name)
        self.logos.append(spot)

    def _logo_spot(self, layer: LogoLayer, version: LogoVersion, master: tuple[int, int]) -> LogoSpot:
        width = self._logo_width(layer, version, master)
        height = max(1, round(width * master[1] / master[0]))
        clear = ceil(version.clear_space * height)
        room = self._logo_room(layer, clear)
        edge, align = sides(layer.anchor)
        box = Box(
            _along(align, room.left, room.width, width), _along(edge, room.top, room.height, height), width, height
        )
        return LogoSpot(layer=layer, version=version, box=box, clear=box.grown(clear))

    def _logo_room(self, layer: LogoLayer, clear: int) -> Box:
        """The clear space counts against the canvas's edge as well."""
        return self.safe.clipped(self.canvas.grown(-max(round(layer.margin * self.short), clear)))

    def _logo_width(self, layer: LogoLayer, version: LogoVersion, master: tuple[int, int]) -> int:
        """The fraction of the canvas, at least the minimum, never above the master, shrunk to fit its room."""
        least = max(1, version.min_width)
        if master[0] < least:
            raise LayoutImpossible(
                "layout.logo_master_small", layer=layer.name, version=version.name, width=master[0], minimum=least
            )
        wanted = min(master[0], max(least, round(layer.width * self.canvas.width)))
        for width in range(wanted, least - 1, -1):
            height = max(1, round(width * master[1] / master[0]))
            room = self._logo_room(layer, ceil(version.clear_space * height))
            if width <= room.width and height <= room.height:
                return width
        raise LayoutImpossible(
            "layout.logo_does_not_fit",
            layer=layer.name,
            version=version.name,
            minimum=least,
            canvas=f"{self.canvas.width}x{self.canvas.height}",
        )

    def add_group(self, group: Sequence[Item]) -> None:
        """Place one text, or a column of texts as one block."""
        best: tuple[float, list[TextSpot]] | None = None
        for slot in self._slots(group):
            spots = _column(slot, group, self.canvas.width)
            if spots:
                cost = self._cost(group, spots)
                best = min(best or (cost, spots), (cost, spots), key=lambda pair: pair[0])
        if best is None:
            raise self._no_room(group)
        self.texts += best[1]

    def _widest(self, layer: TextLayer) -> int:
        return round(layer.width * self.canvas.width)

    def _slots(self, group: Sequence[Item]) -> list[Box]:
        margin = max(round(layer.margin * self.short) for layer, _ in group)
        room = self._beyond_siblings(group[0][0], self.safe.clipped(self.canvas.grown(-margin)))
        largest = max(copy.size for _, copy in group)
        taken = [logo.clear.grown(round(AIR * largest)) for logo in self.logos]
        taken += [spot.footprint.grown(gap(largest, spot.block.size)) for spot in self.texts]
        return free_boxes(room, taken)

    def _beyond_siblings(self, layer: TextLayer, room: Box) -> Box:
        """Texts of one anchor keep their order: each begins where the one before it ended."""
        edge, align = text_sides(layer)
        for spot in self.texts:
            if edge == "middle" or (spot.edge, spot.align) != (edge, align):
                continue
            box = spot.footprint
            if edge == "bottom":
                room = room.clipped(Box(room.left, room.top, room.width, max(0, box.top - room.top)))
            else:
                room = room.clipped(Box(room.left, box.bottom, room.width, max(0, room.bottom - box.bottom)))
        return room

    def _cost(self, group: Sequence[Item], spots: Sequence[TextSpot]) -> float:
        smaller = max(1 - spot.block.size / copy.size for spot, (_, copy) in zip(spots, group, strict=True))
        away, aside = 0.0, 0.0
        for spot in spots:
            home = self.safe.clipped(self.canvas.grown(-round(spot.layer.margin * self.short)))
            box = spot.footprint
            away = max(away, abs(box.top - _along(spot.edge, home.top, home.height, box.height)) / self.short)
            aside = max(aside, abs(box.left - _along(spot.align, home.left, home.width, box.width)) / self.short)
        return COST_SMALLER * smaller + COST_AWAY * away + COST_ASIDE * aside

    def _no_room(self, group: Sequence[Item]) -> LayoutImpossible:
        layer, copy = max(group, key=lambda item: item[1].size * len(item[1].text))
        return LayoutImpossible(
            "layout.text_does_not_fit",
            layer=layer.name,
            locale=layer.locale,
            text=layer.text,
            minimum=copy.least,
            max_lines=copy.max_lines,
            width=self._widest(layer),
            canvas=f"{self.canvas.width}x{self.canvas.height}",
        )


def least_size(layer: TextLayer, short: int) -> int:
    """The smallest type size in pixels: never rounded below the kit's fraction."""
    return max(1, ceil(layer.min_size * short - 1e-6))


def gap(one: int, other: int) -> int:
    """The space between two texts, from their type sizes."""
    return max(6, round(GAP * (one + other) / 2))


def plate_pad(layer: TextLayer, size: int) -> tuple[int, int]:
    """Padding of a solid plate, across and down; none without a plate."""
    if not layer.backdrop.startswith("#"):
        return 0, 0
    return round(PLATE_ACROSS * size), round(PLATE_DOWN * size)


def _fit(slot: Box, layer: TextLayer, copy: Copy, canvas_width: int, largest: int) -> Block | None:
    across, down = plate_pad(layer, copy.size)
    width = min(round(layer.width * canvas_width), slot.width - 2 * across)
    height = slot.height - 2 * down
    return copy.fit(width, height, largest=largest) if width > 0 and height > 0 else None


def _spot(slot: Box, layer: TextLayer, block: Block) -> TextSpot:
    edge, align = text_sides(layer)
    pad = plate_pad(layer, block.size)
    box = _anchored(slot, edge, align, (block.width + 2 * pad[0], block.height + 2 * pad[1]))
    return TextSpot(layer=layer, block=block, footprint=box, pad=pad, align=align, edge=edge)


def _column(slot: Box, group: Sequence[Item], canvas_width: int) -> list[TextSpot]:
    """Stack one or more texts, all shrinking together until they fit; empty where they never do."""
    steps = 20 if len(group) > 1 else 0
    for step in range(steps, -1, -1):
        largest = [round(c.least + (c.size - c.least) * step / steps) if steps else c.size for _, c in group]
        blocks = [_fit(slot, *item, canvas_width, size) for item, size in zip(group, largest, strict=True)]
        stacked = _stacked(slot, group, blocks)
        if stacked:
            return stacked
    return []


def _stacked(slot: Box, group: Sequence[Item], blocks: Sequence[Block | None]) -> list[TextSpot]:
    spots = [_spot(slot, layer, block) for (layer, _), block in zip(group, blocks, strict=True) if block]
    gaps = [gap(a.block.size, b.block.size) for a, b in pairwise(spots)]
    total = sum(spot.footprint.height for spot in spots) + sum(gaps)
    if len(spots) < len(group) or total > slot.height:
        return []
    top = _along(spots[0].edge, slot.top, slot.height, total)
    placed = []
    for spot, after in zip(spots, [*gaps, 0], strict=True):
        placed.append(_moved(spot, top))
        top += spot.footprint.height + after
    return placed


def _moved(spot: TextSpot, top: int) -> TextSpot:
    box = Box(spot.footprint.left, top, spot.footprint.width, spot.footprint.height)
    return TextSpot(layer=spot.layer, block=spot.block, footprint=box, pad=spot.pad, align=spot.align, edge=spot.edge)


def _anchored(room: Box, edge: str, align: str, size: tuple[int, int]) -> Box:
    width, height = size
    return Box(_along(align, room.left, room.width, width), _along(edge, room.top, room.height, height), width, height)


def _along(where: str, start: int, room: int, length: int) -> int:
    """Where something of ``length`` begins in a room, at its start, middle or end."""
    free = room - length
    if where in ("left", "top"):
        return start
    return start + free if where in ("right", "bottom") else start + free // 2


def free_boxes(room: Box, taken: Iterable[Box]) -> list[Box]:
    """The largest rectangles of ``room`` that meet none of ``taken``; they may overlap each other."""
    free = [room] if room.width > 0 and room.height > 0 else []
    for block in taken:
        free = _maximal([part for box in free for part in _without(box, block)])
    return free


def _without(box: Box, block: Box) -> list[Box]:
    if not box.meets(block):
        return [box]
    parts = [
        Box(box.left, box.top, block.left - box.left, box.height),
        Box(block.right, box.top, box.right - block.right, box.height),
        Box(box.left, box.top, box.width, block.top - box.top),
        Box(box.left, block.bottom, box.width, box.bottom - block.bottom),
    ]
    return [part for part in parts if part.width > 0 and part.height > 0]


def _maximal(boxes: list[Box]) -> list[Box]:
    unique = list(dict.fromkeys(boxes))
    return [box for box in unique if not any(other != box and other.holds(box) for other in unique)]
