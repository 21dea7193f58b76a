"""The composer: logo, lines and labels drawn exactly on a picture. No model draws a letter.

:func:`dry_run` and :func:`compose` arrange with the same code, so what the one lets pass the other can draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from PIL import Image

from image_studio.exceptions import StudioError
from image_studio.imaging import legibility, logos
from image_studio.imaging.arrange import Arrangement, LogoSpot, TextSpot, arrange, least_size
from image_studio.imaging.colour import parse_hex
from image_studio.imaging.geometry import Box
from image_studio.imaging.layers import LogoLayer, LogoVersion, Placed, TextLayer


@dataclass(frozen=True, kw_only=True)
class Composition:
    """A composed picture.

    :param image: mode and size of the base.
    :param placed: one entry per layer, in the order of the layers.
    :param under: the base with its scrims and plates, without ink and logo: what contrast is measured against.
    """

    image: Image.Image
    placed: tuple[Placed, ...]
    under: Image.Image


def compose(base: Image.Image, layers: Sequence[LogoLayer | TextLayer], *, safe: Box, shaper: str = "") -> Composition:
    """Draw the layers on a picture of final size.

    :param base: RGB or RGBA; not changed.
    :param safe: where ink may stand, in pixels.
    :param shaper: ``raqm`` or ``basic``; empty takes the best that is there.
    :raises LayoutImpossible: for the first layer that cannot be placed exactly.
    :raises InvalidKit: ``kit.bad_font``, ``kit.bad_logo``.
    :raises ValueError: for a base of another mode.
    """
    if base.mode not in ("RGB", "RGBA"):
        raise ValueError(f"compose() takes RGB or RGBA, not {base.mode}")
    laid = _arranged(base.size, layers, safe, partial(logos.by_ground, base), shaper)
    if laid.faults:
        raise laid.faults[0]
    under = legibility.with_backdrops(base, laid.texts)
    canvas = under.copy()
    by_layer: dict[int, Placed] = {}
    for logo in laid.logos:
        by_layer[id(logo.layer)] = _draw_logo(canvas, _again(logo, under))
    for text in laid.texts:
        by_layer[id(text.layer)] = _draw_text(canvas, under, text)
    return Composition(image=canvas, placed=tuple(by_layer[id(layer)] for layer in layers), under=under)


def dry_run(
    size: tuple[int, int], layers: Sequence[LogoLayer | TextLayer], *, safe: Box, shaper: str = ""
) -> tuple[StudioError, ...]:
    """Every error that :func:`compose` could raise on a canvas of ``size``, whatever the picture. Empty is fine.

    A logo's versions may differ in shape, and any of them may be chosen: the layout is tried with each shape.
    """
    found: dict[str, StudioError] = {}
    logo_layers = [layer for layer in layers if isinstance(layer, LogoLayer) and layer.versions]
    for versions in product(*map(_shapes, logo_layers)):
        laid = _arranged(size, layers, safe, partial(_chosen, versions), shaper)
        found.update({str(fault): fault for fault in laid.faults})
    return tuple(found.values())


def _arranged(
    size: tuple[int, int],
    layers: Sequence[LogoLayer | TextLayer],
    safe: Box,
    pick: Callable[[LogoLayer, Mapping[str, Box]], LogoVersion],
    shaper: str,
) -> Arrangement:
    return arrange(size, layers, safe=Box(*safe), masters=logos.ink_size, pick=pick, shaper=shaper)


def _shapes(layer: LogoLayer) -> list[LogoVersion]:
    """One version per shape; those that cannot be read first, because the error is the answer."""
    by_shape: dict[object, LogoVersion] = {}
    for version in layer.versions:
        try:
            size: object = logos.ink_size(version)
        except StudioError:
            size = version.name
        by_shape.setdefault((size, version.clear_space, version.min_width), version)
    return list(by_shape.values())


def _chosen(versions: Sequence[LogoVersion], layer: LogoLayer, spots: Mapping[str, Box]) -> LogoVersion:
    return next(version for version in layer.versions if version in versions)


def _again(spot: LogoSpot, under: Image.Image) -> LogoSpot:
    """A scrim may have changed the ground: choose again among the versions of the same shape."""
    same = [v for v in spot.layer.versions if _same_shape(v, spot)]
    layer = LogoLayer(
        name=spot.layer.name,
        versions=tuple(same),
        anchor=spot.layer.anchor,
        width=spot.layer.width,
        margin=spot.layer.margin,
    )
    version = logos.by_ground(under, layer, {v.name: spot.box for v in same})
    return LogoSpot(layer=spot.layer, version=version, box=spot.box, clear=spot.clear)


def _same_shape(version: LogoVersion, spot: LogoSpot) -> bool:
    width, height = logos.ink_size(version)
    as_tall = round(spot.box.width * height / width) == spot.box.height
    as_clear = version.clear_space == spot.version.clear_space
    return as_tall and as_clear and version.min_width <= spot.box.width <= width


def _draw_logo(canvas: Image.Image, spot: LogoSpot) -> Placed:
    drawn = logos.scaled(spot.version, (spot.box.width, spot.box.height))
    at = (spot.box.left, spot.box.top)
    if canvas.mode == "RGBA":
        canvas.alpha_composite(drawn, at)
    else:
        canvas.paste(drawn, at, drawn)
    return Placed(
        kind="logo",
        name=spot.layer.name,
        box=spot.box,
        clear=spot.clear,
        size=spot.box.width,
        minimum=spot.version.min_width,
        version=spot.version.name,
        sha256=spot.version.sha256,
    )


def _draw_text(canvas: Image.Image, under: Image.Image, spot: TextSpot) -> Placed:
    ink = spot.ink
    colour = legibility.best_colour(spot.layer.colours, legibility.pixels(under, ink))
    legibility.tint(canvas, spot.area, parse_hex(colour), spot.block.mask(spot.align))
    font = spot.block.face.font
    return Placed(
        kind="text",
        name=spot.layer.name,
        box=ink,
        clear=ink,
        size=spot.block.size,
        minimum=min(spot.block.size, least_size(spot.layer, min(canvas.size))),
        text=spot.layer.text,
        locale=spot.layer.locale,
        font=font.name,
        colour=colour,
        backdrop=spot.layer.backdrop,
        sha256=font.sha256,
        lines=spot.block.lines,
        direction=spot.block.face.direction,
    )
