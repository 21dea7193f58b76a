"""The catalog's frozen values and the reader of its TOML files."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ChannelSpec:
    """Where a picture goes.

    :param width: in pixels, as is ``height``.
    :param safe: how much of the top, right, bottom and left edge the channel's own furniture may cover,
        as fractions of the height (top, bottom) and of the width (right, left).
    :param max_bytes: weight limit of the delivered file; 0 is none.
    :param formats: of ``png``, ``jpeg``, ``webp``; the first is delivered.
    :param as_of: when the figures were last read; sources disagree, so they are editable data.
    """

    slug: str
    name: str
    width: int
    height: int
    safe: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    max_bytes: int = 0
    formats: tuple[str, ...] = ("jpeg",)
    as_of: date | None = None
    source: str = ""

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    def safe_box(self) -> tuple[int, int, int, int]:
        """The rectangle that stays visible: left, top, width, height in pixels."""
        top, right, bottom, left = self.safe
        x, y = round(self.width * left), round(self.height * top)
        return x, y, self.width - x - round(self.width * right), self.height - y - round(self.height * bottom)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as a cell keeps them; :meth:`from_dict` is the way back."""
        plain = asdict(self)
        as_of = self.as_of.isoformat() if self.as_of else None
        return {**plain, "safe": list(self.safe), "formats": list(self.formats), "as_of": as_of}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ChannelSpec:
        as_of = date.fromisoformat(plain["as_of"]) if plain.get("as_of") else None
        lists = {key: tuple(plain[key]) for key in ("safe", "formats") if key in plain}
        return cls(**{**plain, **lists, "as_of": as_of})


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What one model of one provider can do.

    :param needs_source: True must have an input picture, False must not, None may.
    :param publishable: whether its pictures may ever be released.
    :param max_n: pictures in one request.
    """

    id: str
    provider: str
    title: str = ""
    needs_source: bool | None = None
    publishable: bool = True
    min_edge: int = 16
    max_edge: int = 4096
    max_pixels: int = 8_294_400
    max_n: int = 10
    qualities: tuple[str, ...] = ("low", "medium", "high")
    formats: tuple[str, ...] = ("png", "jpeg", "webp")
    transparent: bool = False
    takes_instruction: bool = True
    takes_mask: bool = False
    max_partials: int = 0
    free: bool = False


@dataclass(frozen=True, kw_only=True)
class RouteSpec:
    """What people choose instead of a model id: a provider, a model and a quality under one name."""

    name: str
    title: str
    provider: str
    model: str
    quality: str = "high"
    summary: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def _build(cls: type[Any], row: Mapping[str, Any]) -> Any:
    known = {f.name: f for f in fields(cls)}
    unknown = sorted(set(row) - set(known))
    if unknown:
        raise ValueError(f"{cls.__name__}: unknown keys {', '.join(unknown)}")
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()})


def _rows(name: str, table: str, cls: type[Any], key: str) -> dict[str, Any]:
    text = files("image_studio.catalog").joinpath(name).read_text("utf-8")
    built = [_build(cls, row) for row in tomllib.loads(text)[table]]
    return {getattr(item, key): item for item in built}


@cache
def channels() -> Mapping[str, ChannelSpec]:
    """The shipped channels by slug."""
    return _rows("channels.toml", "channel", ChannelSpec, "slug")


@cache
def models() -> Mapping[str, ModelSpec]:
    """The shipped models by id."""
    return _rows("models.toml", "model", ModelSpec, "id")


@cache
def routes() -> Mapping[str, RouteSpec]:
    """The shipped routes by name."""
    return _rows("models.toml", "route", RouteSpec, "name")


def names(items: Iterable[str]) -> str:
    """A readable list for messages: ``a, b, c``."""
    return ", ".join(sorted(items))
