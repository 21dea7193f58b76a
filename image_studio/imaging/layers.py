"""What the composer is given and what it says it placed: frozen values between brand, composer and checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from image_studio.imaging.geometry import Box


@dataclass(frozen=True, kw_only=True)
class LogoVersion:
    """One drawing of the logo: the file's bytes and the ground it is for (``light``, ``dark``, ``any``)."""

    name: str
    data: bytes
    sha256: str
    on: str = "any"
    clear_space: float = 0.5
    min_width: int = 70


@dataclass(frozen=True, kw_only=True)
class LogoLayer:
    """A logo to place; the version whose ground fits the picture under it is taken.

    ``width`` is a fraction of the canvas width, ``margin`` of its shorter edge.
    """

    name: str
    versions: tuple[LogoVersion, ...]
    anchor: str
    width: float
    margin: float


@dataclass(frozen=True, kw_only=True)
class FontFile:
    """A font by name, with its bytes."""

    name: str
    data: bytes = field(repr=False)
    sha256: str = ""
    locales: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TextLayer:
    """A line to draw exactly. Sizes are fractions as in :class:`image_studio.brand.kit.TextPlacement`.

    :param name: the line's key: ``headline``, ``legal``, ``label_ai`` ...
    :param colours: candidates ``#rrggbb``; the one with the best contrast against what lies under it is
        taken, so one entry is a fixed colour.
    :param backdrop: ``none``, ``scrim`` or ``#rrggbb`` (a solid plate).
    """

    name: str
    text: str
    locale: str
    fonts: tuple[FontFile, ...]
    anchor: str
    width: float
    size: float
    min_size: float
    max_lines: int
    margin: float
    colours: tuple[str, ...]
    backdrop: str = "none"


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One layer as it was drawn; pixels on the composed canvas.

    :param kind: ``logo`` or ``text``.
    :param box: the ink, what a reader sees.
    :param clear: the logo's clear space (equal to ``box`` for text).
    :param colour: of the text, ``#rrggbb``.
    :param size: type size in pixels, or the logo's width.
    :param minimum: the smallest that the kit allows for ``size``.
    """

    kind: str
    name: str
    box: Box
    clear: Box
    size: int
    minimum: int
    text: str = ""
    locale: str = ""
    font: str = ""
    colour: str = ""
    backdrop: str = "none"
    version: str = ""
    sha256: str = ""
    lines: tuple[str, ...] = ()
    direction: str = "ltr"

    def to_dict(self) -> dict[str, Any]:
        plain = asdict(self)
        return {**plain, "box": list(self.box), "clear": list(self.clear), "lines": list(self.lines)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Placed:
        return cls(
            **{
                **plain,
                "box": Box(*plain["box"]),
                "clear": Box(*plain["clear"]),
                "lines": tuple(plain.get("lines", ())),
            }
        )
