"""Pictures of the brand that may go along with an edit, for the picture dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from image_studio.admin.base import policy_of, refusal
from image_studio.admin.picking import LONGEST, PER_PAGE, as_data
from image_studio.exceptions import InvalidRequest
from image_studio.models import Asset
from image_studio.workflow.browse import search

if TYPE_CHECKING:
    from image_studio.admin.base import StudioAdmin


def pick(page: StudioAdmin, request: HttpRequest, chain_id: UUID) -> JsonResponse:
    """A page of pictures, newest first: not only published ones, because nothing here is shown to the public.

    ``?q=`` words, ``after=`` the last id of the page before, ``dialog=1`` the dialog's HTML as well.
    """
    chain = page.found(request, str(chain_id))
    words = request.GET.get("q", "").strip()[:LONGEST]
    rows = policy_of(request).visible(Asset.objects.filter(brand=chain.brand_id, publishable=True))
    rows = rows.exclude(state__in=("rejected", "withdrawn")).select_related("brand", "channel").order_by("-pk")
    rows = search(rows, words) if words else rows
    if after := request.GET.get("after"):
        try:
            rows = rows.filter(pk__lt=UUID(after))
        except ValueError:
            return refusal(InvalidRequest("usage.bad_place"))
    found = list(rows[: PER_PAGE + 1])
    answer = {
        "ok": True,
        "pictures": [as_data(asset) for asset in found[:PER_PAGE]],
        "next": str(found[PER_PAGE - 1].pk) if len(found) > PER_PAGE else "",
        "said": _said(len(found[:PER_PAGE]), words),
    }
    if request.GET.get("dialog"):
        hint = _("Pictures of this brand. The model sees them as they are, so choose what you may use.")
        answer["dialog"] = render_to_string("admin/image_studio/picker_dialog.html", {"hint": hint}, request)
    return JsonResponse(answer, headers={"Cache-Control": "private, no-store"})


def _said(shown: int, words: str) -> str:
    if shown:
        return ngettext("{n} picture", "{n} pictures", shown).format(n=shown)
    if words:
        return _("No picture of this brand has the words “{words}”. Try fewer or other ones.").format(words=words)
    return _("This brand has no other picture yet. Upload one to the library, then come back.")
