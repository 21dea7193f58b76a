"""Choosing a published picture for a field of the site: search, thumbnails, and generating in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from image_studio.admin.base import picture_url, policy_of, refusal
from image_studio.exceptions import InvalidRequest, NotAllowed, StudioError
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.states import ASSET
from image_studio.workflow.usage import choosable, facts_of

if TYPE_CHECKING:
    from image_studio.admin.base import StudioAdmin

PER_PAGE = 24
#: A thumbnail's place, in CSS pixels.
BOX = (160, 120)
LONGEST = 200


def urls(page: StudioAdmin) -> list[URLPattern]:
    """The picker's addresses, below the library's."""
    view = page.admin_site.admin_view(require_GET(partial(pick, page)))
    return [path("pick/", view, name="image_studio_asset_pick")]


def pick(page: StudioAdmin, request: HttpRequest) -> JsonResponse:
    """A page of what this person may take, newest first, as data.

    ``?q=`` words, ``brand=`` and ``channel=`` slugs, ``after=`` the last id of the page before, ``dialog=1`` the
    dialog's HTML as well. ``next`` is empty on the last page.
    """
    policy = policy_of(request)
    try:
        if not page.has_view_permission(request):
            raise NotAllowed("policy.not_allowed", verb="view", role="viewer")
        return listed(
            request,
            _rows(policy, request.GET),
            no_such=_("No published picture has the words “{words}”. Try fewer or other ones."),
            none=_("No picture is published yet that fits here. Publish one in the studio, then come back."),
            dialog=partial(_dialog, policy, request),
        )
    except StudioError as error:
        return refusal(error)


def _rows(policy: Policy, asked: Any) -> QuerySet[Asset]:
    brand, channel = slug_of(asked, "brand"), slug_of(asked, "channel")
    return choosable(policy=policy, text=asked.get("q", "")[:LONGEST], brand=brand, channel=channel)


def slug_of(asked: Any, name: str) -> str:
    """What the address says; no database takes a NUL."""
    return str(asked.get(name, "")).replace("\x00", "")[:LONGEST]


def listed(
    request: HttpRequest,
    rows: QuerySet[Asset],
    *,
    no_such: str,
    none: str,
    dialog: Callable[[], str],
    row: Callable[[Asset], dict[str, Any]] | None = None,
) -> JsonResponse:
    """A page of these pictures, as the dialog takes it.

    :param no_such: said where none has the ``{words}`` that were looked for; ``none`` where there is none at all.
    :param row: another form than :func:`as_data`.
    :raises InvalidRequest: ``usage.bad_place``.
    """
    found = _page(rows, request.GET.get("after"))
    shown = found[:PER_PAGE]
    answer = {
        "ok": True,
        "pictures": [(row or as_data)(asset) for asset in shown],
        "next": str(shown[-1].pk) if len(found) > PER_PAGE else "",
        "said": _said(shown, request.GET, no_such=no_such, none=none),
    }
    if request.GET.get("dialog"):
        answer["dialog"] = dialog()
    return JsonResponse(answer, headers={"Cache-Control": "private, no-store"})


def _page(rows: QuerySet[Asset], after: str | None) -> Sequence[Asset]:
    """One more than a page holds, so that nothing needs counting."""
    if after:
        try:
            rows = rows.filter(pk__lt=UUID(after))
        except ValueError:
            raise InvalidRequest("usage.bad_place") from None
    return list(rows[: PER_PAGE + 1])


def as_data(asset: Asset) -> dict[str, Any]:
    """A picture as the dialog shows it."""
    scale = min(1.0, BOX[0] / asset.width, BOX[1] / asset.height)
    return {
        "id": str(asset.pk),
        "title": str(asset),
        "facts": facts_of(asset),
        "alt": asset.alt_for(),
        "state": asset.state,
        "label": str(ASSET.labels[asset.state]),
        "thumb": picture_url(asset.pk),
        "width": round(asset.width * scale) or 1,
        "height": round(asset.height * scale) or 1,
    }


def _said(shown: Sequence[Asset], asked: Any, *, no_such: str, none: str) -> str:
    words = asked.get("q", "").strip()[:LONGEST]
    if shown:
        more = ngettext("{n} picture", "{n} pictures", len(shown)).format(n=len(shown))
        return _("{n} more").format(n=more) if asked.get("after") else more
    return no_such.format(words=words) if words else none


def _dialog(policy: Policy, request: HttpRequest) -> str:
    may = policy.brands("generate").exists()
    url = reverse("admin:image_studio_variantset_generate") if may else ""
    return render_to_string("admin/image_studio/picker_dialog.html", {"generate_url": url}, request)
