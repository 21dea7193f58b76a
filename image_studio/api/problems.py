"""Errors as ``application/problem+json`` (RFC 9457): a stable code, a sentence, and whose move is next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.signals import got_request_exception
from django.http import Http404, UnreadablePostError
from django.utils.log import log_response
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from image_studio.api.fields import MISFIT
from image_studio.exceptions import StudioError
from image_studio.wording import explain, explain_error

MEDIA_TYPE = "application/problem+json"
#: The key of what is wrong with the body as a whole, whatever the site calls it.
WHOLE = "body"
#: Statuses that say more than the class of the error does.
STATUS = {
    "request.malformed": 400,
    "request.too_large": 413,
    "image.too_heavy": 413,
    "idempotency.key_missing": 400,
    "idempotency.bad_key": 400,
    "idempotency.other_body": 422,
}


class Malformed(StudioError, ValueError):
    """The request cannot be read: no JSON object, a NUL, a broken cursor."""


class TooLarge(StudioError, ValueError):
    """The body is larger than this address takes."""

    http_status = 413


class Stale(StudioError, RuntimeError):
    """What the client read is no longer what is there."""

    http_status = 412


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    fault: str = "caller",
    errors: Mapping[str, list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error's answer. ``errors`` has the sentences of each field that is wrong."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "fault": fault,
        "errors": dict(errors or {}),
    }
    return Response(body, status=status, headers=dict(headers or {}), content_type=MEDIA_TYPE)


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Every exception of a view as a problem; None leaves it to Django, whose page shows it to developers."""
    answer = _known(error)
    if answer is None:
        answer = _unknown(error, context)
    if answer is not None:
        set_rollback()
    return answer


def _known(error: Exception) -> Response | None:
    if isinstance(error, StudioError):
        return problem(_status(error), error.code, explain_error(error), fault=error.fault)
    if isinstance(error, drf.ValidationError):
        status = 422 if _codes(error.get_codes()) == {MISFIT} else 400
        return problem(status, "request.invalid", explain("request.invalid"), errors=flat(error.detail))
    if isinstance(error, drf.APIException):
        return _of_drf(error)
    if isinstance(error, Http404):
        return problem(404, "not_found", explain("not_found"))
    if isinstance(error, PermissionDenied):
        return problem(403, "policy.not_allowed", str(error) or explain("auth.denied"))
    if isinstance(error, RequestDataTooBig):
        return problem(413, "request.too_large", explain("request.too_large", {"most": "1 MB"}))
    if isinstance(error, (SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent, UnreadablePostError)):
        return problem(400, "request.malformed", explain("request.malformed", {"detail": str(error)}))
    return None


def _status(error: StudioError) -> int:
    """400 is for what is not as the document says; what is as it says, and does not hold, answers 422."""
    said = STATUS.get(error.code)
    if said is not None:
        return said
    return 422 if error.http_status == 400 else error.http_status


def _codes(found: Any) -> set[str]:
    """Every code of DRF's nested errors."""
    if isinstance(found, str):
        return {found}
    inner = found.values() if isinstance(found, Mapping) else found
    return set().union(*map(_codes, inner))


#: DRF's code -> ours.
CODES = {
    "not_authenticated": "auth.required",
    "authentication_failed": "auth.failed",
    "permission_denied": "auth.denied",
    "parse_error": "request.malformed",
}


def _of_drf(error: drf.APIException) -> Response:
    codes = error.get_codes()
    found = codes if isinstance(codes, str) else error.default_code
    code = CODES.get(found, found)
    detail = str(error.detail)
    headers: dict[str, str] = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if isinstance(error, drf.Throttled):
        wait = max(1, math.ceil(error.wait or 1))
        headers["Retry-After"] = str(wait)
        detail = explain("throttled", {"seconds": wait})
    elif isinstance(error, drf.ParseError):
        detail = explain(code, {"detail": detail})
    elif isinstance(error, (drf.NotAuthenticated, drf.NotAcceptable, drf.NotFound, drf.MethodNotAllowed)):
        detail = explain(code)
    return problem(error.status_code, code, detail, headers=headers)


def _unknown(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """A defect of ours: told to whoever watches the site as Django would tell it, and as JSON to the client."""
    if settings.DEBUG:
        return None
    request = context["request"]._request  # noqa: SLF001 - what Django's own handlers know
    answer = problem(500, "server_error", explain("server_error"), fault="studio")
    got_request_exception.send(sender=None, request=request)
    log_response("Internal Server Error: %s", request.path, response=answer, request=request, exception=error)
    return answer


def flat(detail: Any) -> dict[str, list[str]]:
    """DRF's nested errors as one level: ``{"alt.en": ["..."]}``; the same for every setting of the site."""
    found: dict[str, list[str]] = {}
    for path, words in _walk(detail, ()):
        found.setdefault(".".join(path) or WHOLE, []).append(words)
    return found


def _walk(detail: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            whole = key in (api_settings.NON_FIELD_ERRORS_KEY, "non_field_errors")
            yield from _walk(inner, path if whole else (*path, str(key)))
    elif isinstance(detail, (list, tuple)):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, (Mapping, list, tuple))
            yield from _walk(inner, (*path, str(index)) if nested else path)
    else:
        yield path, str(detail)
