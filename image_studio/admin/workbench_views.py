"""What the workbench's scripts ask for: prices, drafts, masks, pictures to take along, and what moved meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from image_studio import storage
from image_studio.admin import files
from image_studio.admin.base import StudioAdmin, policy_of, refusal
from image_studio.admin.workbench import looked_at, quoted, stage_html, stage_mark
from image_studio.admin.workbench_form import AskForm
from image_studio.admin.workbench_pick import pick
from image_studio.admin.workbench_stage import Stage
from image_studio.admin.workbench_tree import ETAG, drawn
from image_studio.conf import conf
from image_studio.exceptions import InvalidRequest, NotAllowed, StorageFailed, StudioError
from image_studio.models import Asset, EditChain, EditFile, Rendition
from image_studio.wording import explain_error
from image_studio.workflow.chains import save_draft
from image_studio.workflow.edit_files import add_markup, add_mask, edit_file_for
from image_studio.workflow.step_asking import parent_of, picture_of

#: Seconds until the next look while something is made, and while nothing is.
AGAIN, IDLE = 2, 12


def urls(page: StudioAdmin) -> list[URLPattern]:
    """The addresses below a history's own."""

    def route(where: str, view: Callable[..., Any], name: str, *methods: str, cacheable: bool = False) -> Any:
        checked = require_http_methods(methods or ["GET", "HEAD"])(partial(view, page))
        wrapped = page.admin_site.admin_view(checked, cacheable=cacheable)
        return path(f"<uuid:chain_id>/{where}", wrapped, name=f"image_studio_editchain_{name}")

    return [
        route("live/", live, "live"),
        route("offers/", offers, "offers", "POST"),
        route("draft/", draft, "draft", "POST"),
        route("files/", add_file, "files", "POST"),
        route("files/<uuid:file_id>/", one_file, "file", cacheable=True),
        route("pick/", pick, "pick"),
        route("heat/<uuid:asset_id>/", heat, "heat", cacheable=True),
        route("partial/<uuid:job_id>/<int:index>/", early_version, "partial", cacheable=True),
    ]


def changeable(page: StudioAdmin, request: HttpRequest, chain_id: Any) -> EditChain:
    """The history, for who may say something to it.

    :raises PermissionDenied: for who may only look.
    """
    chain: EditChain = page.found(request, str(chain_id))
    if not page.has_change_permission(request, chain):
        raise PermissionDenied
    return chain


def live(page: StudioAdmin, request: HttpRequest, chain_id: UUID) -> JsonResponse:
    """What changed since an open page last asked: steps whose mark is another, the whole tree where its shape is."""
    chain = page.found(request, str(chain_id))
    found, stage = looked_at(page, request, chain)
    picture = drawn(found, stage.number)
    have = request.GET.get("have", "")
    told: dict[str, Any] = {
        "active": found.active,
        "head": chain.head,
        "shape": picture.shape,
        "etags": picture.etags,
        "wait": AGAIN if found.active else IDLE,
        "stage_mark": "",
    }
    if request.GET.get("shape", "") != picture.shape or len(have) != len(picture.etags):
        told["tree"] = picture.html
    else:
        told["nodes"] = {
            number: html
            for at, (number, html) in enumerate(sorted(picture.nodes.items()))
            if have[at * ETAG : at * ETAG + ETAG] != picture.etags[at * ETAG : at * ETAG + ETAG]
        }
    html = stage_html(request, chain, stage)
    told["stage_mark"] = stage_mark(html)
    if request.GET.get("stage", "") != told["stage_mark"]:
        told.update(_moved(stage, html))
    response = JsonResponse(told, json_dumps_params={"ensure_ascii": False, "separators": (",", ":")})
    response["Cache-Control"] = "private, no-store"
    return response


def _moved(stage: Stage, html: str) -> dict[str, Any]:
    return {"html": html, "state": str(stage.label), "busy": stage.busy, "asks": "ask" in stage.can}


def offers(page: StudioAdmin, request: HttpRequest, chain_id: UUID) -> JsonResponse:
    """The form as it stands, judged and priced. Writes nothing."""
    chain = changeable(page, request, chain_id)
    try:
        form = AskForm(request.POST, policy=policy_of(request), chain=chain)
        return JsonResponse(quoted(policy_of(request), chain, form).as_data())
    except NotAllowed as error:
        return refusal(error)


def draft(page: StudioAdmin, request: HttpRequest, chain_id: UUID) -> JsonResponse:
    """Keep what somebody has begun to ask for; a page that is closed sends it on its way out."""
    chain = changeable(page, request, chain_id)
    try:
        data = json.loads(request.POST.get("data", ""))
    except (ValueError, RecursionError):
        return refusal(InvalidRequest("chain.bad_draft"))
    if not isinstance(data, dict):
        return refusal(InvalidRequest("chain.bad_draft"))
    try:
        save_draft(policy_of(request), chain, data)
    except StudioError as error:
        return refusal(error)
    return JsonResponse({"ok": True})


def add_file(page: StudioAdmin, request: HttpRequest, chain_id: UUID) -> JsonResponse:
    """Keep what was painted on a step's picture: ``role`` is ``mask`` (opaque may change) or ``markup``."""
    chain = changeable(page, request, chain_id)
    policy, upload = policy_of(request), request.FILES.get("file")
    try:
        source = _source(chain, request.POST)
        data = upload.read(conf().max_upload_bytes + 1) if upload else b""
        if request.POST.get("role") == "markup":
            row = add_markup(policy, chain, source, data)
        else:
            row = add_mask(policy, chain, source, data=data, reads="painted")
    except StudioError as error:
        return refusal(error)
    return JsonResponse({"ok": True, "id": str(row.pk)})


def _source(chain: EditChain, said: Any) -> Asset:
    """:raises InvalidRequest: ``chain.no_such_step``, ``chain.no_such_candidate``."""
    numbers = [said.get(name, "") for name in ("parent", "candidate")]
    if not all(text.isdecimal() and len(text) < 7 for text in numbers):
        raise InvalidRequest("chain.no_such_step", step=numbers[0][:20])
    _index, asset = picture_of(parent_of(chain, int(numbers[0])), int(numbers[1]))
    return asset


def one_file(page: StudioAdmin, request: HttpRequest, chain_id: UUID, file_id: UUID) -> HttpResponse:
    """A mask or a drawing of this history."""
    chain = page.found(request, str(chain_id))
    row = EditFile.objects.filter(chain=chain, pk=file_id).first()
    if row is None:
        raise Http404
    row.chain = chain
    try:
        served = edit_file_for(policy_of(request), row)
    except (NotAllowed, StorageFailed) as error:
        raise Http404(explain_error(error)) from error
    return files.secured(files.file_response(served.data, served.mime, served.filename), f'W/"{served.etag}"')


def heat(page: StudioAdmin, request: HttpRequest, chain_id: UUID, asset_id: UUID) -> HttpResponse:
    """Where a picture of this history drifted from the one before, as a PNG to lay over it."""
    chain = page.found(request, str(chain_id))
    shown = policy_of(request).visible(Asset.objects.filter(candidates__step__chain=chain, pk=asset_id)).distinct()
    row = Rendition.objects.filter(asset__in=shown, spec="drift").first()
    if row is None:
        raise Http404
    try:
        data = storage.read(storage.private(), row.file, row.sha256)
    except StorageFailed as error:
        raise Http404(explain_error(error)) from error
    return files.secured(files.file_response(data, "image/png", f"drift-{asset_id.hex[-8:]}.png"), f'W/"{row.sha256}"')


def early_version(page: StudioAdmin, request: HttpRequest, chain_id: UUID, job_id: UUID, index: int) -> HttpResponse:
    """An early version of a picture of this history; the picture itself once that has taken its place."""
    chain = page.found(request, str(chain_id))
    step = chain.steps.filter(job=job_id).first()
    if step is None:
        raise Http404
    return files.partial_or(request, job_id, index, step.candidates.filter(index=index, asset__isnull=False))
