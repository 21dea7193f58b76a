"""The checked file view: every private picture goes through here, and never as something that can run."""

from __future__ import annotations

import logging
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    HttpResponseRedirect,
)
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import content_disposition_header, parse_etags
from django.views.decorators.http import require_safe

from image_studio.exceptions import InvalidRequest, NotAllowed, StorageFailed
from image_studio.models import Asset, Job
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow import library
from image_studio.workflow.archive import Archive
from image_studio.workflow.partials import partial_for

log = logging.getLogger("image_studio.files")
AnyResponse = TypeVar("AnyResponse", bound=HttpResponseBase)

#: A picture opened on its own runs nothing, embeds nothing and belongs to nobody's origin.
SANDBOX = "sandbox; default-src 'none'"


@require_safe
def picture(request: HttpRequest, asset_id: UUID, which: str) -> HttpResponse:
    """A picture's ``preview``, ``full`` or ``original`` for who may see it; 404 for everybody else."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or which not in library.FILES:
        raise Http404
    policy = Policy(user)
    asset = policy.visible(Asset.objects.all()).filter(pk=asset_id).first()
    if asset is None or not policy.can("original" if which == "original" else "view", asset):
        raise Http404
    # An asset never changes, so its id names its bytes; weak, because an encoder's next version may write others.
    etag = f'W/"{asset.pk.hex}-{which}"'
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return secured(HttpResponseNotModified(), etag)
    return secured(_answer(policy, asset, which), etag)


@require_safe
def partial(request: HttpRequest, job_id: UUID, index: int) -> HttpResponse:
    """The newest early version of a job's output for who may see its set; 404 for everybody else, and for none."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        raise Http404
    job = Job.objects.select_related("variant_set").filter(pk=job_id).first()
    if job is None:
        raise Http404
    try:
        served = partial_for(Policy(user), job, index)
    except (NotAllowed, InvalidRequest):
        raise Http404 from None
    except StorageFailed as error:
        return secured(_unread(error, job=str(job.pk), index=index))
    response = secured(file_response(served.data, served.mime, served.filename))
    # The next version has the same address, and soon there is none.
    response["Cache-Control"] = "private, no-store"
    return response


def partial_or(request: HttpRequest, job_id: UUID, index: int, made: QuerySet[Any]) -> HttpResponse:
    """:func:`partial`, or on to the picture that has taken its place: a page may ask for it a moment too late.

    :param made: rows with the ``asset`` that came of it.
    :raises Http404: where there is neither, or not for this person.
    """
    try:
        return partial(request, job_id, index)
    except Http404:
        assets = Policy(request.user).visible(Asset.objects.filter(pk__in=made.values("asset")))
        if found := assets.first():
            return HttpResponseRedirect(reverse("admin:image_studio_asset_picture", args=[found.pk, "preview"]))
    # A newer version took the place of the one that was looked up.
    return partial(request, job_id, index)


def download(packed: Archive) -> FileResponse:
    """A set's ZIP as an attachment that nobody keeps: what may be in it is asked each time. Closes the file."""
    response = FileResponse(packed.file, as_attachment=True, filename=packed.name, content_type="application/zip")
    secured(response)
    response["Cache-Control"] = "private, no-store"
    return response


def _answer(policy: Policy, asset: Asset, which: str) -> HttpResponse:
    try:
        served = library.file_for(policy, asset, which)
    except (NotAllowed, InvalidRequest):
        raise Http404 from None
    except StorageFailed as error:
        return _unread(error, asset=str(asset.pk), which=which)
    return file_response(served.data, served.mime, served.filename, attachment=served.attachment)


def _unread(error: StorageFailed, **facts: Any) -> HttpResponse:
    log.error("file missing", exc_info=error, extra={"action": "file.missing", **facts})
    return HttpResponse(explain_error(error), content_type="text/plain; charset=utf-8", status=503)


def file_response(data: bytes, mime: str, filename: str, *, attachment: bool = False) -> HttpResponse:
    """Bytes with their type and a name that no client chose."""
    headers = {"Content-Length": str(len(data))}
    disposition = content_disposition_header(attachment, filename)
    if disposition:
        headers["Content-Disposition"] = disposition
    return HttpResponse(data, content_type=mime, headers=headers)


def secured(response: AnyResponse, etag: str = "") -> AnyResponse:
    """The headers of everything private: no sniffing, no scripts, no shared cache, asked again each time."""
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = SANDBOX
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-cache"
    if etag:
        response["ETag"] = etag
    return response
