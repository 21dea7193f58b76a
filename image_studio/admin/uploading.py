"""Uploads: several files at once by a form, or one at a time by a script; each judged alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import RequestDataTooBig, TooManyFilesSent, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from image_studio.admin.base import StudioAdmin, picture_url, policy_of, refusal, wants_json
from image_studio.admin.fields import bytes_of
from image_studio.admin.library import tile
from image_studio.conf import conf
from image_studio.exceptions import ImageRefused, InvalidRequest, NotAllowed, StudioError
from image_studio.models import Asset, Brand
from image_studio.policy import VERBS, Policy
from image_studio.wording import explain_error
from image_studio.workflow.library import Ingested, ingest

MOST_FILES = 50
#: What a multipart body has around its file: names, the brand, a title, boundaries.
AROUND = 100_000

View = Callable[..., Any]


class FilesInput(forms.FileInput):
    """A file input that takes several."""

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name)


class FilesField(forms.FileField):
    """A list of uploads; what is in them is judged by the one gate for pictures."""

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        given = data if isinstance(data, (list, tuple)) else [data]
        if len(given) > MOST_FILES:
            raise ValidationError(_("Choose at most %(most)s files at a time."), params={"most": MOST_FILES})
        return [super(FilesField, self).clean(one, initial) for one in given or [None]]


class UploadForm(forms.Form):
    """Pictures for a brand's library."""

    brand = forms.ModelChoiceField(Brand.objects.none(), label=_("Brand"), empty_label=None)
    pictures = FilesField(
        label=_("Pictures"),
        allow_empty_file=True,
        widget=FilesInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text=_(
            "PNG, JPEG or WebP. The originals are kept as they are; place and camera data never leave the studio."
        ),
    )
    title = forms.CharField(
        label=_("Title"), max_length=200, required=False, help_text=_("Empty takes the file's own name.")
    )

    def __init__(self, *args: Any, brands: QuerySet[Brand], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["brand"].queryset = brands  # type: ignore[attr-defined]


def take(policy: Policy, form: UploadForm) -> list[tuple[Asset, bool]]:
    """Ingest each file; what is refused becomes an error at the field, by name. Returns (asset, was there already)."""
    done: list[tuple[Asset, bool]] = []
    for upload in form.cleaned_data["pictures"]:
        try:
            data = bytes_of(upload, conf().max_upload_bytes)
            found = ingest(policy, form.cleaned_data["brand"], data, name=upload.name, title=form.cleaned_data["title"])
        except StudioError as error:
            form.add_error("pictures", f"{upload.name}: {explain_error(error)}")
        except ValidationError as error:
            form.add_error("pictures", f"{upload.name}: {' '.join(error.messages)}")
        else:
            done.append((found.asset, found.duplicate))
    return done


def for_scripts(page: StudioAdmin, view: View) -> View:
    """An admin view that tells a script that the session has ended, instead of sending it to the login page."""
    inner = page.admin_site.admin_view(view)

    @wraps(inner)
    def outer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if wants_json(request) and not page.admin_site.has_permission(request):
            return refusal(NotAllowed("session.not_staff" if request.user.is_authenticated else "session.ended"))
        return inner(request, *args, **kwargs)

    return outer


def upload_view(page: StudioAdmin) -> View:
    """``POST`` one file as multipart form data: ``file``, ``brand`` (its id) and perhaps ``title``; answers JSON.

    The token is checked inside: the check reads the body, and a body that is too large is not read at all.
    """
    checked = csrf_protect(partial(_receive, page))

    @require_POST
    def view(request: HttpRequest) -> HttpResponse:
        try:
            _judge_body(request)
        except StudioError as error:
            return refusal(error)
        answer: HttpResponse = checked(request)
        return answer

    return for_scripts(page, csrf_exempt(view))


def _judge_body(request: HttpRequest) -> None:
    """:raises ImageRefused: for a body beyond the limit, unread; ``upload.broken`` for one that is cut or no form."""
    limit = conf().max_upload_bytes
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    weight = int(length) if length.isdecimal() else 0
    if weight > limit + AROUND:
        raise ImageRefused("upload.too_heavy", weight=weight, limit=limit)
    try:
        request.FILES  # noqa: B018  reading it is what parses the body
    except (MultiPartParserError, UnreadablePostError, TooManyFilesSent, RequestDataTooBig):
        raise InvalidRequest("upload.broken") from None


def _receive(page: StudioAdmin, request: HttpRequest) -> HttpResponse:
    policy = policy_of(request)
    try:
        if not page.has_add_permission(request):
            raise NotAllowed("policy.not_allowed", verb="ingest", role=VERBS["ingest"])
        done = _take_one(policy, request)
    except StudioError as error:
        return refusal(error)
    return JsonResponse(_told(page, request, done), status=200 if done.duplicate else 201)


def _take_one(policy: Policy, request: HttpRequest) -> Ingested:
    uploads = [upload for name in request.FILES for upload in request.FILES.getlist(name)]
    if not uploads:
        raise InvalidRequest("upload.no_file")
    if len(uploads) > 1:
        raise InvalidRequest("upload.one_at_a_time", count=len(uploads))
    upload: UploadedFile[Any] = uploads[0]
    limit = conf().max_upload_bytes
    if (upload.size or 0) > limit:
        raise ImageRefused("image.too_heavy", weight=upload.size, limit=limit)
    brand = _brand(policy, request.POST.get("brand", ""))
    title = request.POST.get("title", "").replace("\x00", "")[:200]
    return ingest(policy, brand, upload.read(), name=str(upload.name), title=title)


def _brand(policy: Policy, text: str) -> Brand:
    """:raises InvalidRequest: ``upload.no_brand`` for what is no brand of theirs; others' brands do not exist."""
    try:
        brand = policy.brands("ingest").filter(pk=UUID(text)).first()
    except ValueError:
        brand = None
    if brand is None:
        raise InvalidRequest("upload.no_brand")
    return brand


def _told(page: StudioAdmin, request: HttpRequest, done: Ingested) -> dict[str, Any]:
    asset = done.asset
    words = gettext("Already in the library as “{title}”.") if done.duplicate else gettext("Added as “{title}”.")
    shown = {"tiles": [tile(asset, [])], "tickable": True}
    return {
        "ok": True,
        "duplicate": done.duplicate,
        "id": str(asset.pk),
        "title": str(asset),
        "url": page.url("change", asset.pk),
        "thumb": picture_url(asset.pk),
        "message": words.format(title=asset),
        "html": ""
        if done.duplicate
        else render_to_string("admin/image_studio/asset_tiles.html", shown, request=request),
    }
