"""The brand kit: one frozen value that jobs, compositions and verdicts point at.

A kit names its files (logos, fonts) by SHA-256; the bytes travel beside it in a :class:`KitFiles`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from image_studio.brand import reading, rules
from image_studio.brand.parts import (
    ANCHORS,
    HEX,
    LABELS,
    LOCALE,
    ROLES,
    SLUG,
    CheckSetting,
    Font,
    Layout,
    Line,
    Logo,
    LogoPlacement,
    Swatch,
    Term,
    TextPlacement,
)
from image_studio.exceptions import InvalidKit

__all__ = [
    "ANCHORS",
    "HEX",
    "LABELS",
    "LOCALE",
    "ROLES",
    "SLUG",
    "CheckSetting",
    "Font",
    "Kit",
    "KitFiles",
    "Layout",
    "Line",
    "Logo",
    "LogoPlacement",
    "Swatch",
    "Term",
    "TextPlacement",
]


@dataclass(frozen=True, kw_only=True)
class Kit:
    """Everything exact about a brand, at one moment."""

    name: str
    slug: str
    default_locale: str = "en"
    locales: tuple[str, ...] = ("en",)
    voice: str = ""
    guidance: str = ""
    #: Whether whoever asked for a picture may not be the one who approves it.
    second_person: bool = False
    palette: tuple[Swatch, ...] = ()
    logos: tuple[Logo, ...] = ()
    fonts: tuple[Font, ...] = ()
    terms: tuple[Term, ...] = ()
    lines: tuple[Line, ...] = ()
    layouts: tuple[Layout, ...] = ()
    checks: tuple[CheckSetting, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_dict` is the way back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Kit:
        """A kit from :meth:`to_dict` or a parsed ``brand.toml``.

        :raises InvalidKit: naming the place, for an unknown key, a wrong type or a value that does not hold.
        """
        kit: Kit = reading.read(cls, plain, "brand")
        problems = list(rules.problems(kit))
        if problems:
            code, params = problems[0]
            raise InvalidKit(code, **params, more=len(problems) - 1)
        return kit

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON: equal kits have equal digests."""
        text = json.dumps(_canonical(self.to_dict()), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def layout_for(self, channel: str) -> Layout:
        """The layout of a channel, else the ``*`` one, else an empty one."""
        named = {layout.channel: layout for layout in self.layouts}
        return named.get(channel) or named.get("*") or Layout()

    def line(self, key: str, locale: str) -> str:
        """The text of a line: this locale, its language, the default locale, else empty."""
        texts = {line.locale: line.text for line in self.lines if line.key == key}
        for wanted in (locale, locale.split("-", maxsplit=1)[0], self.default_locale):
            if wanted in texts:
                return texts[wanted]
        return ""

    def colour(self, name: str) -> str:
        """The hex of a swatch name; a hex stays itself. Empty where there is no such swatch."""
        if HEX.match(name.lower()):
            return name.lower()
        return next((swatch.hex for swatch in self.palette if swatch.name == name), "")

    def check(self, name: str) -> CheckSetting:
        """The setting of a check, or the default one: as measured, blocking."""
        return next((setting for setting in self.checks if setting.check == name), CheckSetting(check=name))

    @property
    def files(self) -> tuple[Logo | Font, ...]:
        """Every entry that has a file."""
        return (*self.logos, *self.fonts)

    @property
    def file_sums(self) -> frozenset[str]:
        """The SHA-256 of every file that the kit needs."""
        return frozenset(item.sha256 for item in self.files if item.sha256)


@dataclass(frozen=True, kw_only=True)
class KitFiles:
    """The bytes of a kit's logos and fonts by SHA-256."""

    by_sum: Mapping[str, bytes] = field(default_factory=dict)

    def get(self, sha256: str) -> bytes:
        """:raises InvalidKit: ``kit.file_missing`` when the bytes are not here."""
        try:
            return self.by_sum[sha256]
        except KeyError:
            raise InvalidKit("kit.file_missing", sha256=sha256[:12]) from None


def _canonical(plain: Any) -> Any:
    """8.0 as 8, as Python compares them: a kit built by hand and the same one read from a file have one digest."""
    if isinstance(plain, dict):
        return {key: _canonical(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_canonical(value) for value in plain]
    return int(plain) if isinstance(plain, float) and plain.is_integer() else plain
