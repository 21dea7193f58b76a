"""The checked file view: every private picture goes through here, and never as something that can run."""

from __future__ import annotations

import logging
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import content_disposition_header, parse_etags
from django.views.decorators.http import require_safe

from image_studio.exceptions import NotAllowed, StorageFailed
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow import library

log = logging.getLogger("image_studio.files")

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


def _answer(policy: Policy, asset: Asset, which: str) -> HttpResponse:
    try:
        served = library.file_for(policy, asset, which)
    except NotAllowed:
        raise Http404 from None
    except StorageFailed as error:
        log.exception("file missing", extra={"action": "file.missing", "asset": str(asset.pk), "which": which})
        return HttpResponse(explain_error(error), content_type="text/plain; charset=utf-8", status=503)
    return file_response(served.data, served.mime, served.filename, attachment=served.attachment)


def file_response(data: bytes, mime: str, filename: str, *, attachment: bool = False) -> HttpResponse:
    """Bytes with their type and a name that no client chose."""
    headers = {"Content-Length": str(len(data))}
    disposition = content_disposition_header(attachment, filename)
    if disposition:
        headers["Content-Disposition"] = disposition
    return HttpResponse(data, content_type=mime, headers=headers)


def secured(response: HttpResponse, etag: str = "") -> HttpResponse:
    """The headers of everything private: no sniffing, no scripts, no shared cache, asked again each time."""
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = SANDBOX
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-cache"
    if etag:
        response["ETag"] = etag
    return response
