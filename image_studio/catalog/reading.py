"""From rows of TOML and of the settings to the catalog's values: lists, dates and prices as people write them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

T = TypeVar("T")

#: What a model may charge for, see ``ModelSpec.prices``.
PRICED = ("text_in", "text_cached_in", "image_in", "image_cached_in", "image_out", "text_out")
#: USD per 1,000,000 tokens to nano-USD per token.
NANO = 1000


@cache
def shipped(name: str) -> Mapping[str, Any]:
    """A TOML file of the package."""
    return tomllib.loads(files("image_studio.catalog").joinpath(name).read_text("utf-8"))


def build(cls: type[T], row: Mapping[str, Any], *, base: T | None = None) -> T:
    """A value of a row, or ``base`` with the row's fields over its own.

    :raises ValueError: for a key that ``cls`` does not have, and for a price or a date that is none.
    :raises TypeError: where a field is missing.
    """
    unknown = set(row) - {f.name for f in fields(cls)}  # type: ignore[arg-type]
    if unknown:
        raise ValueError(f"{cls.__name__}: unknown keys {', '.join(sorted(unknown))}")
    values = {key: _value(key, value) for key, value in row.items()}
    return cls(**values) if base is None else replace(base, **values)  # type: ignore[type-var]


def _value(key: str, value: Any) -> Any:
    if key == "prices":
        return nano_prices(value)
    if key == "limits":
        return {tier: tuple(pair) for tier, pair in value.items()}
    if key in _DATES and isinstance(value, str):
        return date.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value


_DATES = frozenset({"as_of", "price_checked_on", "checked_on", "released", "deprecated", "ends_on"})


def nano_prices(row: Mapping[str, Any]) -> dict[str, int]:
    """USD per 1,000,000 tokens, as text or numbers, to integer nano-USD per token.

    :raises ValueError: for an unknown name, and for what is no price or finer than a nano-USD.
    """
    unknown = set(row) - set(PRICED)
    if unknown:
        raise ValueError(f"unknown prices {', '.join(sorted(unknown))}; there are {', '.join(PRICED)}")
    return {key: _nano(key, value) for key, value in row.items()}


def _nano(key: str, value: Any) -> int:
    try:
        nano = Decimal(str(value)) * NANO
        whole = int(nano)
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(f"{key} = {value!r} is no price in USD per 1,000,000 tokens") from None
    if nano < 0 or nano != whole:
        raise ValueError(f"{key} = {value!r} is no price in USD per 1,000,000 tokens")
    return whole


def listed(items: Iterable[T], key: str) -> dict[str, T]:
    """Values by their name."""
    return {getattr(item, key): item for item in items}
