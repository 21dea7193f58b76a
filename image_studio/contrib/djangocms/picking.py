"""The list behind the plugin's picker: what is published, and in drafts what may still come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from image_studio.admin.base import policy_of, refusal
from image_studio.admin.picking import LONGEST, PER_PAGE, as_data
from image_studio.contrib.djangocms.drafts import offered, waits
from image_studio.exceptions import InvalidRequest, NotAllowed, StudioError
from image_studio.models import Asset
from image_studio.policy import Policy


@require_GET
def pick(request: HttpRequest) -> JsonResponse:
    """A page of what this person may put on a page, as the studio's own picker has it.

    ``?drafts=1`` also offers what is not out yet. A person who may edit no draft learns nothing that way: what is
    offered is what the studio shows them of their brands anyway.
    """
    policy = policy_of(request)
    try:
        library: Any = admin.site.get_model_admin(Asset)
        if not library.has_view_permission(request):
            raise NotAllowed("policy.not_allowed", verb="view", role="viewer")
        found = _page(policy, request.GET)
    except StudioError as error:
        return refusal(error)
    shown = found[:PER_PAGE]
    answer = {
        "ok": True,
        "pictures": [_row(asset) for asset in shown],
        "next": str(shown[-1].pk) if len(found) > PER_PAGE else "",
        "said": _said(shown, request.GET),
    }
    if request.GET.get("dialog"):
        answer["dialog"] = _dialog(policy, request)
    return JsonResponse(answer, headers={"Cache-Control": "private, no-store"})


def _page(policy: Policy, asked: Any) -> Sequence[Asset]:
    """One more than a page holds.

    :raises InvalidRequest: ``usage.bad_place``.
    """
    channel = asked.get("channel", "").replace("\x00", "")[:LONGEST]
    rows = offered(policy, drafts=bool(asked.get("drafts")), channel=channel, text=asked.get("q", "")[:LONGEST])
    if after := asked.get("after"):
        try:
            rows = rows.filter(pk__lt=UUID(after))
        except ValueError:
            raise InvalidRequest("usage.bad_place") from None
    return list(rows[: PER_PAGE + 1])


def _row(asset: Asset) -> dict[str, Any]:
    row = as_data(asset)
    if waits(asset):
        row["facts"] = _("Not published yet: {state}. {facts}").format(state=row["label"], facts=row["facts"])
    return row


def _said(shown: Sequence[Asset], asked: Any) -> str:
    words = asked.get("q", "").strip()[:LONGEST]
    if shown:
        more = ngettext("{n} picture", "{n} pictures", len(shown)).format(n=len(shown))
        return _("{n} more").format(n=more) if asked.get("after") else more
    if words:
        return _("No picture that fits here has the words “{words}”. Try fewer or other ones.").format(words=words)
    return _("There is no picture yet that fits here. Generate one, then come back.")


def _dialog(policy: Policy, request: HttpRequest) -> str:
    drafts, channel = request.GET.get("drafts"), request.GET.get("channel", "")[:LONGEST]
    may = policy.brands("generate").exists()
    url = reverse("admin:image_studio_variantset_generate") if may else ""
    if url and channel:
        url = f"{url}?{urlencode({'channel': channel})}"
    hint = _(
        "Opens in a new window. Come back when it is made: it is offered here for this draft. "
        "The page can be published once the picture is approved and published."
    )
    context = {"generate_url": url, "hint": hint if drafts and may else ""}
    return render_to_string("admin/image_studio/picker_dialog.html", context, request)
