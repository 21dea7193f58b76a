"""What a check is given, what it answers, and its base class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from image_studio.brand.judged import Looked
from image_studio.brand.kit import Kit
from image_studio.catalog.specs import ChannelSpec
from image_studio.exceptions import StudioError
from image_studio.imaging.geometry import Box
from image_studio.imaging.layers import Placed

Region = tuple[float, float, float, float]


class InvalidCheck(StudioError, ValueError):
    """A check that cannot be loaded, or an option that it does not take."""

    fault = "operator"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One judgement on one picture. ``not_run`` is never a pass.

    :param kind: ``measured``, ``judged`` (by a model or a person) or ``composed`` (known, because we drew it).
    :param verdict: ``pass``, ``warn``, ``fail`` or ``not_run``.
    :param code: the reason, with words in :mod:`image_studio.wording`; ``params`` fill them.
    :param score: the figure that was measured; its unit is the check's.
    :param region: left, top, width, height as fractions of the picture.
    :param rule: version of the rule that judged.
    :param blocks: whether this verdict disables approval.
    """

    check: str
    kind: str
    verdict: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None
    region: Region | None = None
    rule: str = "1"
    blocks: bool = False


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What will be shown, all in memory; one decode is shared by all checks.

    :param image: the finished picture in sRGB; None before anything is bought.
    :param under: the canvas with backdrops, but without ink and logos.
    :param format: of the delivered file: ``jpeg``, ``png``, ``webp``; ``weight`` its bytes. Empty or 0: unknown.
    :param overlays: texts that will be drawn, as (locale, text), where nothing is placed yet.
    :param source_type: the IPTC digital source type, bare or as its URI.
    :param upscaled: how much the picture was enlarged to fill its canvas; 1.0 is not at all.
    :param drift: how far an edit is from its parent outside its mask, as a candidate keeps it; empty where it cannot
        be compared, None for what is no edit.
    :param looked: what a moderation service said, by what it looked at: ``prompt``, ``picture``.
    """

    kit: Kit
    image: Image.Image | None = None
    under: Image.Image | None = None
    format: str = ""
    weight: int = 0
    channel: ChannelSpec | None = None
    locale: str = ""
    prompt: str = ""
    alt: str = ""
    placed: tuple[Placed, ...] = ()
    overlays: tuple[tuple[str, str], ...] = ()
    source_type: str = ""
    placeholder: bool = False
    upscaled: float = 1.0
    looked: Mapping[str, Looked] = field(default_factory=dict)
    drift: Mapping[str, Any] | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """The canvas in pixels: of the picture, else of the channel."""
        if self.image is not None:
            return self.image.size
        return self.channel.size if self.channel else None

    @property
    def source(self) -> str:
        """The last word of the source type, for example ``digitalCapture``."""
        return self.source_type.rstrip("/").rsplit("/", 1)[-1]

    @cached_property
    def pixels(self) -> NDArray[np.uint8] | None:
        """The finished picture as ``(height, width, 3)`` sRGB bytes."""
        return None if self.image is None else rgb_pixels(self.image)

    @cached_property
    def ground(self) -> NDArray[np.uint8] | None:
        """What lies under ink and logos, as ``(height, width, 3)`` sRGB bytes."""
        return None if self.under is None else rgb_pixels(self.under)

    def region(self, box: Box) -> Region | None:
        """A box in pixels as fractions of the canvas, cut off at its edges."""
        if self.size is None:
            return None
        return box.clipped(Box(0, 0, *self.size)).region(self.size)


def rgb_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """``(height, width, 3)`` sRGB bytes; what is transparent is seen on white, as on most pages."""
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return np.asarray(image.convert("RGB") if image.mode != "RGB" else image)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One rule. A subclass sets the three names, declares its options as fields with defaults, and runs.

    :cvar before_spending: whether it has something to say about a prompt before a picture exists.
    :cvar bare: whether it judges a picture on which no logo and no words stand yet.
    """

    name: ClassVar[str]
    kind: ClassVar[str] = "measured"
    version: ClassVar[str] = "1"
    before_spending: ClassVar[bool] = False
    bare: ClassVar[bool] = False

    def run(self, subject: Subject) -> tuple[Verdict, ...]:
        """Judge; at least one verdict, ``not_run`` with the reason where an input is missing."""
        raise NotImplementedError

    def passed(self, code: str, **rest: Any) -> Verdict:
        return self._verdict("pass", code, rest)

    def warned(self, code: str, **rest: Any) -> Verdict:
        return self._verdict("warn", code, rest)

    def failed(self, code: str, **rest: Any) -> Verdict:
        return self._verdict("fail", code, rest)

    def not_run(self, code: str, **rest: Any) -> Verdict:
        return self._verdict("not_run", code, rest)

    def _verdict(self, verdict: str, code: str, rest: dict[str, Any]) -> Verdict:
        """``score``, ``region`` and ``kind`` are the verdict's own; what is left are its parameters."""
        own: dict[str, Any] = {"kind": self.kind}
        own |= {key: rest.pop(key) for key in ("score", "region", "kind") if key in rest}
        return Verdict(verdict=verdict, check=self.name, code=code, params=rest, rule=self.version, **own)
