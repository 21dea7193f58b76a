"""A JSON document from outside, read value by value: each is judged where it stands, and a refusal names the place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from image_studio.exceptions import InvalidRequest

MOST_LEVELS = 32
#: Beyond this, JSON readers do not agree on what a number is.
MOST_INTEGER = 2**53
SUM = re.compile(r"[0-9a-f]{64}")
CODE = re.compile(r"([a-z0-9_]+(\.[a-z0-9_]+)*)?")


def parsed(data: bytes) -> Place:
    """The object that a document holds.

    :raises InvalidRequest: ``chain_archive.bad_json`` (detail) for bytes that are no JSON object in UTF-8, for a NUL,
        half of a surrogate pair, a key said twice, too deep a nesting and numbers that nobody can keep.
    """
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise _bad_json(_too_deep()) from None
    except ValueError as error:
        raise _bad_json(str(error)) from None
    if not isinstance(found, dict):
        raise _bad_json(_("it is no object: {...}"))
    _judge(found)
    return Place(value=found, name="")


def _bad_json(detail: str) -> InvalidRequest:
    return InvalidRequest("chain_archive.bad_json", detail=detail[:200])


def _too_deep() -> str:
    return _("it is nested deeper than %(most)s levels") % {"most": MOST_LEVELS}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(_("a key is said twice"))
    return found


def _no_number(text: str) -> float:
    raise ValueError(_("%(text)s is no number") % {"text": text})


def _judge(found: Any) -> None:
    for level, value in _values(found):
        if level > MOST_LEVELS:
            raise _bad_json(_too_deep())
        if isinstance(value, str) and ("\x00" in value or any("\ud800" <= char <= "\udfff" for char in value)):
            raise _bad_json(_("a text has a NUL, or half of a surrogate pair"))
        if isinstance(value, (int, float)) and not (math.isfinite(value) and abs(value) <= MOST_INTEGER):
            raise _bad_json(_("a number is too large to be exact"))


def _values(found: Any) -> Iterator[tuple[int, Any]]:
    """Every value and key with its depth, without recursion."""
    waiting: list[tuple[int, Any]] = [(1, found)]
    while waiting:
        level, value = waiting.pop()
        yield level, value
        if isinstance(value, Mapping):
            waiting.extend((level + 1, inner) for inner in (*value, *value.values()))
        elif isinstance(value, list):
            waiting.extend((level + 1, inner) for inner in value)


@dataclass(frozen=True, kw_only=True)
class Place:
    """An object of a document, and what it is called: ``steps[3].order``.

    Every method takes a key of it. A key that is not there gives an empty value, where the method takes one.
    """

    value: Mapping[str, Any]
    name: str

    def path(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def bad(self, key: str, wanted: str) -> InvalidRequest:
        """A refusal of what stands there."""
        return InvalidRequest("chain_archive.bad_value", place=self.path(key)[:120], wanted=wanted)

    def has(self, key: str) -> bool:
        return self.value.get(key) is not None

    def at(self, key: str) -> Place:
        """An object; empty where there is none."""
        found = self.value.get(key)
        if found is None:
            found = {}
        if not isinstance(found, dict):
            raise self.bad(key, _("an object: {...}"))
        return Place(value=found, name=self.path(key))

    def plain(self, key: str) -> dict[str, Any]:
        """An object whose inside nobody here reads."""
        return dict(self.at(key).value)

    def many(self, key: str, most: int) -> Sequence[Any]:
        """A list of any values.

        :raises InvalidRequest: ``chain_archive.too_many`` (what, count, most).
        """
        found = self.value.get(key)
        if found is None:
            return ()
        if not isinstance(found, list):
            raise self.bad(key, _("a list: [...]"))
        if len(found) > most:
            raise InvalidRequest("chain_archive.too_many", what=self.path(key), count=len(found), most=most)
        return found

    def rows(self, key: str, most: int) -> Iterator[Place]:
        """A list of objects."""
        for index, value in enumerate(self.many(key, most)):
            if not isinstance(value, dict):
                raise self.bad(f"{key}[{index}]", _("an object: {...}"))
            yield Place(value=value, name=self.path(f"{key}[{index}]"))

    def named(self, key: str, most: int) -> Iterator[tuple[str, Place]]:
        """The objects of an object, by their names."""
        inside = self.at(key)
        if len(inside.value) > most:
            raise InvalidRequest("chain_archive.too_many", what=inside.name, count=len(inside.value), most=most)
        for name in inside.value:
            yield name, inside.at(name)

    def text(self, key: str, most: int, *, like: re.Pattern[str] | None = None) -> str:
        found = self.value.get(key)
        if found is None:
            return ""
        if not isinstance(found, str) or len(found) > most:
            raise self.bad(key, _("a text of at most %(most)s characters") % {"most": most})
        if like is not None and not like.fullmatch(found):
            raise self.bad(key, _("written as an export writes it"))
        return found

    def one_of(self, key: str, known: Collection[str], *, empty: bool = False) -> str:
        """:raises InvalidRequest: ``chain_archive.unknown`` (place, value, known)."""
        found = self.value.get(key)
        if empty and found in (None, ""):
            return ""
        if not isinstance(found, str) or found not in known:
            said = str(found)[:40]
            raise InvalidRequest(
                "chain_archive.unknown", place=self.path(key), value=said, known=", ".join(map(str, known))
            )
        return found

    def flag(self, key: str, usual: bool = False) -> bool:
        found = self.value.get(key, usual)
        if not isinstance(found, bool):
            raise self.bad(key, _("true or false"))
        return found

    def whole(self, key: str, least: int, most: int) -> int:
        """A whole number that must be there."""
        found = self.value.get(key)
        if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
            raise self.bad(key, _("a whole number from %(least)s to %(most)s") % {"least": least, "most": most})
        return found

    def maybe(self, key: str, least: int, most: int) -> int | None:
        """A whole number, or nothing."""
        return self.whole(key, least, most) if self.has(key) else None

    def number(self, key: str) -> float:
        found = self.value.get(key, 0)
        if not _is_number(found):
            raise self.bad(key, _("a number"))
        return float(found)

    def numbers(self, key: str, count: int, least: float, most: float) -> list[float]:
        """So many numbers, or none at all."""
        found = self.many(key, count)
        if found and (len(found) != count or not all(_is_number(one) and least <= one <= most for one in found)):
            words = {"count": count, "least": f"{least:g}", "most": f"{most:g}"}
            raise self.bad(key, _("%(count)s numbers from %(least)s to %(most)s") % words)
        return list(found)

    def moment(self, key: str) -> datetime | None:
        """A moment with its time zone, or nothing."""
        text = self.text(key, 40)
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
            if found.utcoffset() is None:
                raise ValueError
        except (ValueError, OverflowError):
            raise self.bad(key, _("a moment like 2027-01-31T12:00:00+00:00")) from None
        return found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
