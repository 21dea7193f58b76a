"""The OpenAPI document and a page made of it, where the site asks for them. The page needs no script."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import parse_etags
from django.utils.translation import override
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api.base import OpenView
from image_studio.api.document import document
from image_studio.api.rendering import dump
from image_studio.conf import conf

METHODS = ("get", "post", "patch", "delete")


def _document(request: Any) -> dict[str, Any]:
    """:raises Http404: unless the site serves its documentation."""
    if not conf().api_docs:
        raise Http404
    match = request.resolver_match
    here = reverse(f"{match.namespace}:schema")
    # A relative address works behind every proxy, and a forged Host header fills no cache.
    return document(here.removesuffix("/v1/schema/"))


class Schema(OpenView):
    """The OpenAPI document as JSON."""

    schema = None

    def get(self, request: Request) -> Response:
        data = _document(request)
        headers = {
            "ETag": f'"{hashlib.sha256(dump(data)).hexdigest()[:32]}"',
            "Cache-Control": "public, max-age=300",
        }
        if headers["ETag"] in parse_etags(request.headers.get("If-None-Match", "")):
            return Response(status=304, headers=headers)
        return Response(data, headers=headers)


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Every operation with its parameters, body and answers, in English."""
    data = _document(request)
    match = request.resolver_match
    context = {
        "info": data["info"],
        "paragraphs": [_words(part.replace("\n", " ")) for part in data["info"]["description"].strip().split("\n\n")],
        "server": data["servers"][0]["url"],
        "tags": list(_tags(data)),
        "schemas": [_schema(name, one) for name, one in sorted(data["components"]["schemas"].items())],
        "schema_url": reverse(f"{match.namespace}:schema") if match else "",
    }
    with override("en"):
        answer = render(request, "image_studio/reference.html", context)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "public, max-age=300"
    return answer


#: The two marks that the document's texts use.
_MARKS = re.compile(r"\*\*(?P<strong>.+?)\*\*|`(?P<code>[^`]+)`")


def _words(text: str) -> list[tuple[str, str]]:
    """Text as (``strong``, ``code`` or empty, words): the template makes elements of it."""
    found: list[tuple[str, str]] = []
    at = 0
    for mark in _MARKS.finditer(text):
        found.append(("", text[at : mark.start()]))
        kind = str(mark.lastgroup)
        found.append((kind, mark[kind]))
        at = mark.end()
    return [*found, ("", text[at:])]


def _tags(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for tag in data.get("tags", []):
        operations = [
            _operation(address, method, item[method])
            for address, item in data["paths"].items()
            for method in METHODS
            if method in item and tag["name"] in item[method].get("tags", [])
        ]
        if operations:
            yield {**tag, "operations": operations}


def _operation(address: str, method: str, said: Mapping[str, Any]) -> dict[str, Any]:
    body = said.get("requestBody", {}).get("content", {})
    return {
        "id": said["operationId"],
        "method": method.upper(),
        "path": address,
        "summary": said.get("summary", ""),
        "description": _words(said.get("description", "")),
        "anonymous": {} in said.get("security", [{}]) or "security" not in said,
        "parameters": [_parameter(one) for one in said.get("parameters", [])],
        "body": [{"media": media, "type": _kind(one.get("schema", {}))} for media, one in body.items()],
        "answers": [_answer(status, one) for status, one in said.get("responses", {}).items()],
    }


def _parameter(said: Mapping[str, Any]) -> dict[str, Any]:
    return {**said, "type": _kind(said.get("schema", {})), "description": _words(said.get("description", ""))}


def _answer(status: str, said: Mapping[str, Any]) -> dict[str, Any]:
    kinds = [_kind(one.get("schema", {})) for one in said.get("content", {}).values()]
    return {"status": status, "description": _words(said.get("description", "")), "type": kinds[0] if kinds else None}


def _schema(name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    required = said.get("required", [])
    fields = [
        {
            "name": field,
            "type": _kind(one),
            "required": field in required,
            "description": _words(one.get("description", "")),
        }
        for field, one in said.get("properties", {}).items()
    ]
    return {
        "name": name,
        "description": _words(said.get("description", "")),
        "fields": fields,
        "enum": said.get("enum", []),
    }


def _kind(said: Mapping[str, Any]) -> dict[str, str]:
    """A schema in a few words, and the component that it links to."""
    if "$ref" in said:
        name = said["$ref"].rsplit("/", 1)[-1]
        return {"words": name, "link": name}
    for union in ("allOf", "oneOf", "anyOf"):
        if union in said:
            parts = [_kind(one) for one in said[union]]
            return {"words": " or ".join(part["words"] for part in parts), "link": parts[0].get("link", "")}
    if said.get("type") == "array":
        inner = _kind(said.get("items", {}))
        return {"words": f"list of {inner['words']}", "link": inner.get("link", "")}
    return {"words": _plain(said), "link": ""}


def _plain(said: Mapping[str, Any]) -> str:
    if "enum" in said:
        return " | ".join(str(value) for value in said["enum"])
    kind = said.get("type", "anything")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{words} ({said['format']})" if "format" in said else words
