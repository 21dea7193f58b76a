"""The parts of a brand kit: frozen values.

Fractions are of the canvas; colours are ``#rrggbb`` in sRGB; tolerances are CIEDE2000 distances.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ROLES = ("primary", "secondary", "accent", "background", "text", "neutral")
ANCHORS = (
    "top-left",
    "top",
    "top-right",
    "left",
    "centre",
    "right",
    "bottom-left",
    "bottom",
    "bottom-right",
)
LABELS = ("label_ai", "label_composite", "label_placeholder")
HEX = re.compile(r"^#[0-9a-f]{6}\Z")
SLUG = re.compile(r"^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?\Z")
LOCALE = re.compile(r"^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z")


@dataclass(frozen=True, kw_only=True)
class Swatch:
    """One colour of the palette. ``tolerance`` is the largest CIEDE2000 distance that still counts as it."""

    name: str
    hex: str
    role: str = "primary"
    tolerance: float = 5.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hex", self.hex.lower())


@dataclass(frozen=True, kw_only=True)
class Logo:
    """One version of a logo, a PNG or WebP with transparency.

    :param on: the ground it is drawn for: ``light``, ``dark`` or ``any``.
    :param clear_space: kept free on every side, as a fraction of the placed logo's height.
    :param min_width: in pixels; never drawn smaller.
    """

    name: str
    file: str
    sha256: str = ""
    on: str = "any"
    clear_space: float = 0.5
    min_width: int = 70


@dataclass(frozen=True, kw_only=True)
class Font:
    """A TrueType or OpenType file. The first font of a kit that covers a line draws it."""

    name: str
    file: str
    sha256: str = ""
    locales: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Term:
    """A word or phrase that must not (``prohibited``) or must (``required``) stand in a text.

    :param locale: empty for every locale.
    :param allow: longer phrases in which the term is fine, for example ``apple juice`` for ``apple``.
    :param where: of ``prompt``, ``overlay``, ``alt``.
    """

    text: str
    kind: str = "prohibited"
    locale: str = ""
    allow: tuple[str, ...] = ()
    where: tuple[str, ...] = ("prompt", "overlay", "alt")


@dataclass(frozen=True, kw_only=True)
class Line:
    """An exact text in one locale: ``headline``, ``legal``, ``label_ai`` or any key that a layout names."""

    key: str
    locale: str
    text: str


@dataclass(frozen=True, kw_only=True)
class LogoPlacement:
    """Where the logo goes. ``width`` is a fraction of the canvas width; ``margin`` of its shorter edge."""

    anchor: str = "top-left"
    width: float = 0.14
    margin: float = 0.04
    logos: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TextPlacement:
    """Where one line goes and how it is set.

    :param line: the key of the kit's line.
    :param width: widest extent, a fraction of the canvas width.
    :param size: type size as a fraction of the canvas's shorter edge; shrinks to ``min_size`` to fit.
    :param colour: a swatch name or hex; ``auto`` takes the palette's (or black or white) best contrast.
    :param backdrop: ``none``, ``scrim`` (a soft gradient), or a swatch name or hex (a solid plate).
    """

    line: str
    anchor: str = "bottom-left"
    width: float = 0.8
    size: float = 0.07
    min_size: float = 0.035
    max_lines: int = 3
    margin: float = 0.05
    colour: str = "auto"
    backdrop: str = "none"
    optional: bool = True


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a channel is composed; ``channel`` is a slug, or ``*`` for every channel without its own."""

    channel: str = "*"
    logo: LogoPlacement | None = None
    texts: tuple[TextPlacement, ...] = ()
    label_anchor: str = "bottom-right"
    label_size: float = 0.022


@dataclass(frozen=True, kw_only=True)
class CheckSetting:
    """What a verdict of one check means for this brand.

    :param severity: ``fail`` as measured, ``warn`` (a fail counts as a warning) or ``off`` (does not run).
    :param blocks: whether a fail disables approval.
    """

    check: str
    severity: str = "fail"
    blocks: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
