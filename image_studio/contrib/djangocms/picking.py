"""The list behind the plugin's picker: what is published, and in drafts what may still come."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from image_studio.admin.base import policy_of, refusal
from image_studio.admin.picking import LONGEST, as_data, listed, slug_of
from image_studio.contrib.djangocms.drafts import offered, waits
from image_studio.exceptions import NotAllowed, StudioError
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
        return listed(
            request,
            _rows(policy, request.GET),
            row=_row,
            no_such=_("No picture that fits here has the words “{words}”. Try fewer or other ones."),
            none=_("There is no picture yet that fits here. Generate one, then come back."),
            dialog=partial(_dialog, policy, request),
        )
    except StudioError as error:
        return refusal(error)


def _rows(policy: Policy, asked: Any) -> QuerySet[Asset]:
    text, channel = asked.get("q", "")[:LONGEST], slug_of(asked, "channel")
    return offered(policy, drafts=bool(asked.get("drafts")), channel=channel, text=text)


def _row(asset: Asset) -> dict[str, Any]:
    row = as_data(asset)
    if waits(asset):
        row["facts"] = _("Not published yet: {state}. {facts}").format(state=row["label"], facts=row["facts"])
    return row


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
