"""Bodies in: strict JSON objects, and forms with files where files come."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

import orjson
from django.utils.translation import gettext as _
from rest_framework.parsers import DataAndFiles
from rest_framework.parsers import MultiPartParser as DRFMultiPartParser

from image_studio.api.problems import Malformed, TooLarge
from image_studio.conf import conf

#: Bytes of a JSON body.
MOST_BYTES = 1_000_000
MOST_LEVELS = 32
#: Beyond this, JavaScript and databases do not agree on what a number is.
MOST_INTEGER = 2**53
#: What the words beside a file may weigh, in bytes.
FORM_BYTES = 1_000_000


def malformed(detail: str) -> Malformed:
    """What is wrong, in place of the half sentence of :mod:`image_studio.wording`."""
    return Malformed("request.malformed", detail=detail)


def read_object(data: bytes) -> dict[str, Any]:
    """A JSON object out of bytes.

    :raises Malformed: for anything that is no JSON object of at most :data:`MOST_LEVELS` levels in UTF-8, for a NUL,
        half of a surrogate pair, a key said twice, and numbers that cannot be kept.
    """
    if not data.strip():
        raise malformed(_("the body is empty, and a JSON object is needed"))
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise malformed(str(error)) from None
    if not isinstance(found, dict):
        raise malformed(_("the body must be a JSON object: {...}"))
    _judge(found)
    # Only now that it is known to be shallow: the reader that sees each key.
    plain: dict[str, Any] = json.loads(data, object_pairs_hook=_once)
    return plain


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise malformed(_("%(name)s is said twice") % {"name": twice[:60]})
    return found


def _judge(found: Any) -> None:
    for level, value in _values(found):
        if level > MOST_LEVELS and isinstance(value, (dict, list)):
            raise malformed(_("it is nested deeper than %(most)s levels") % {"most": MOST_LEVELS})
        if isinstance(value, str) and "\x00" in value:
            raise malformed(_("a text has a NUL character"))
        if isinstance(value, (int, float)) and abs(value) > MOST_INTEGER:
            raise malformed(_("a number is too large to be exact"))


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


class StrictJSONParser:
    """``application/json``: UTF-8 whatever the header says, at most :data:`MOST_BYTES`."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """:raises TooLarge: before more than the limit is read."""
        data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise TooLarge("request.too_large", most="1 MB")
        return read_object(data)


class MultiPartParser(DRFMultiPartParser):
    """``multipart/form-data`` that is refused by its announced size before anything is written to a disk."""

    @property
    def most(self) -> int:
        """Bytes of the file."""
        return conf().max_upload_bytes

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> DataAndFiles:
        """:raises TooLarge: for more than a file of the site's limit and its words."""
        most = self.most
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > most + FORM_BYTES:
            raise TooLarge("request.too_large", most=f"{most / 1_000_000:g} MB")
        # UTF-8 whatever the header says, as for JSON.
        found = super().parse(stream, media_type, {**parser_context, "encoding": "utf-8"})
        for name, texts in found.data.lists():
            if any(bad in text for text in (name, *texts) for bad in "\x00\ufffd"):
                raise malformed(_("a field is not UTF-8 text, or has a NUL character"))
        return found
