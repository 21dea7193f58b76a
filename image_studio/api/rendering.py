"""Answers out: JSON by orjson, whatever the site renders elsewhere."""

from __future__ import annotations

from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.settings import DEFAULTS, IMPORT_STRINGS, APISettings

#: DRF's own defaults, never the site's. DRF takes an empty dict for none and would read the site's.
OWN: Any = APISettings({"URL_FORMAT_OVERRIDE": None, "FORMAT_SUFFIX_KWARG": None}, DEFAULTS, IMPORT_STRINGS)


class JSONRenderer(BaseRenderer):
    """``application/json``: moments in UTC as ``2026-05-01T12:00:00.123456Z``, no NaN, no escapes."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else dump(data)


def dump(data: Any) -> bytes:
    """Plain values as JSON; UUIDs, moments and lazily translated words are plain."""
    return orjson.dumps(data, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, Promise):
        return str(value)
    raise TypeError


class Negotiation(DefaultContentNegotiation):
    """Accept decides, or nothing: no ``?format=`` and no suffix."""

    settings = OWN

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """The parser of exactly this type: a body of ``*/*`` could be anything."""
        kind = str(request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)
