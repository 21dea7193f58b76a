"""Answers that clients ask for again and again while work goes on: an ETag for what changed, a wait for the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api.base import SOON
from image_studio.api.rendering import dump


def polled(request: Request, body: Any, *, active: bool, facts: Mapping[str, Any] | None = None) -> Response:
    """200 with an ETag, or 304 for a client that has this already; ``Retry-After`` while there is more to come.

    :param facts: what the ETag is made of, where the body has parts that change by themselves, such as the time left.
    """
    etag = f'W/"{hashlib.sha256(dump(body if facts is None else facts)).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    if active:
        headers["Retry-After"] = SOON
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return Response(status=304, headers=headers)
    return Response(body, headers=headers)
