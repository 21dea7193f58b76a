"""From plain JSON or TOML values to frozen dataclasses, strictly: every refusal names its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from image_studio.exceptions import InvalidKit

_WANTED = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


def read(cls: Any, plain: Any, place: str) -> Any:
    """A ``cls`` from a mapping; nested dataclasses and tuples are read by their annotations.

    :param place: where the mapping stands, for messages: ``brand.palette[2]``.
    :raises InvalidKit: for an unknown or missing key, or a value of a wrong type.
    """
    if not isinstance(plain, Mapping):
        raise InvalidKit("kit.not_a_table", place=place)
    kinds = _kinds(cls)
    unknown = sorted(str(key) for key in plain if key not in kinds)
    if unknown:
        raise InvalidKit("kit.unknown_key", place=place, key=unknown[0], known=", ".join(sorted(kinds)))
    missing = [key for key in _required(cls) if key not in plain]
    if missing:
        raise InvalidKit("kit.missing_key", place=place, key=missing[0])
    return cls(**{key: _value(kinds[key], value, f"{place}.{key}") for key, value in plain.items()})


@cache
def _kinds(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in fields(cls)}


@cache
def _required(cls: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING)


def _value(kind: Any, value: Any, place: str) -> Any:
    if get_origin(kind) is UnionType:
        inner = next(part for part in get_args(kind) if part is not NoneType)
        return None if value is None else _value(inner, value, place)
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind)[0], value, place)
    if get_origin(kind) is Mapping:
        return _options(value, place)
    return read(kind, value, place) if is_dataclass(kind) else _scalar(kind, value, place)


def _tuple(kind: Any, value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        wanted = "a list of tables" if is_dataclass(kind) else "a list of texts"
        raise InvalidKit("kit.wrong_type", place=place, wanted=wanted)
    return tuple(_value(kind, item, f"{place}[{i}]") for i, item in enumerate(value))


def _scalar(kind: type[Any], value: Any, place: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise InvalidKit("kit.wrong_type", place=place, wanted=_WANTED[kind])
    return value


def _options(value: Any, place: str) -> dict[str, Any]:
    """A check's options: text, numbers, true or false, so that they survive JSON and TOML alike."""
    if not isinstance(value, Mapping):
        raise InvalidKit("kit.not_a_table", place=place)
    for key, item in value.items():
        if not isinstance(key, str) or type(item) not in (str, bool, int, float):
            raise InvalidKit("kit.wrong_type", place=f"{place}.{key}", wanted="text, a number, or true or false")
    return dict(value)
