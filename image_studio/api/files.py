"""Bytes of private pictures: never as something that can run, never kept by anybody in between."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseNotModified
from django.utils.http import content_disposition_header, parse_etags
from rest_framework.request import Request

from image_studio.workflow import ServedFile

#: The headers of the admin's checked view; a test holds the two together.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization, Cookie",
}


def unchanged(request: Request, etag: str) -> HttpResponse | None:
    """A 304 for a client that has these bytes, after its right to them was checked."""
    if etag not in parse_etags(request.headers.get("If-None-Match", "")):
        return None
    return HttpResponseNotModified(headers={**HEADERS, "ETag": etag})


def served(file: ServedFile, etag: str) -> HttpResponse:
    """A file with its type and a name that no client chose."""
    headers = {**HEADERS, "ETag": etag, "Content-Length": str(len(file.data))}
    disposition = content_disposition_header(file.attachment, file.filename)
    if disposition:
        headers["Content-Disposition"] = disposition
    return HttpResponse(file.data, content_type=file.mime, headers=headers)
