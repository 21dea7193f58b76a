"""*Replace on its pages*: a picture's places, its successor beside it, and one button for all that can take it."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from image_studio.admin.base import StudioAdmin, policy_of
from image_studio.admin.reviewing import MOST_NOTE
from image_studio.exceptions import NotAllowed, StudioError
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.states import ASSET
from image_studio.wording import explain_error
from image_studio.workflow.browse import clean
from image_studio.workflow.replacing import (
    MOST_LIKELY,
    FieldPlaces,
    Replacement,
    likely_successors,
    places_of,
    preview_replacement,
    replace_everywhere,
)
from image_studio.workflow.usage import choosable, facts_of, told_uses

TITLE = gettext_lazy("Replace on its pages")
NAME = "image_studio_asset_replace"
#: As many as a select can hold before it hides more than it shows; the dialog has them all.
NEWEST = 50


def urls(page: StudioAdmin) -> list[URLPattern]:
    """The address below a picture's own."""
    checked = require_http_methods(["GET", "HEAD", "POST"])(partial(respond, page))
    return [path("<uuid:asset_id>/replace/", page.admin_site.admin_view(checked), name=NAME)]


def replace_url(policy: Policy, asset: Asset) -> str:
    """Where a picture is replaced, for who may; else empty."""
    allowed = policy.user is not None and policy.user.has_perm("image_studio.change_asset")
    return reverse(f"admin:{NAME}", args=[asset.pk]) if allowed and policy.can("replace", asset) else ""


def respond(page: StudioAdmin, request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """The places; with a successor in the query, what would become of each; posted, it is done."""
    asset: Asset = page.found(request, str(asset_id))
    here = replace_url(policy_of(request), asset)
    if not here:
        raise PermissionDenied
    if request.method != "POST":
        return _shown(page, request, asset, here)
    text = request.POST.get("successor", "")
    try:
        done = replace_everywhere(
            policy_of(request),
            asset,
            _named(text),
            whole=request.POST.get("whole") == "on",
            # What was not seen is not replaced.
            seen=request.POST.get("seen", "") or "none",
            note=clean(request.POST.get("note", ""), most=MOST_NOTE),
        )
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error
    except StudioError as error:
        messages.error(request, explain_error(error))
        return HttpResponseRedirect(f"{here}?successor={_named(text).pk}" if _named(text) else here)
    page.log_change(request, asset, [{"changed": {"name": str(TITLE), "object": str(done.successor)}}])
    messages.success(request, _told(done))
    if left := _left(done):
        words = ngettext("{n} of the other places shows it still.", "{n} of the other places show it still.", left)
        messages.warning(request, words.format(n=left))
    return page.back("change", asset.pk, anchor="used")


def _named(text: str) -> Any:
    try:
        return Asset.objects.select_related("brand", "channel").filter(pk=UUID(text)).first()
    except ValueError:
        return None


def _told(done: Replacement) -> str:
    told = []
    if done.moving:
        told.append(ngettext("Replaced in {n} place.", "Replaced in {n} places.", done.moving).format(n=done.moving))
    if others := done.following:
        words = ngettext("The app of {n} other place was told.", "The apps of {n} other places were told.", others)
        told.append(words.format(n=others))
    if done.staying:
        words = ngettext("{n} place stays as it was.", "{n} places stay as they were.", done.staying)
        told.append(words.format(n=done.staying))
    return " ".join(told)


def _left(done: Replacement) -> int:
    """How many of the places that were to follow did not, as their apps tell; none heard of it before the commit."""
    if not done.following or transaction.get_connection().in_atomic_block:
        return 0
    # By their number: a place whose draft stays may be called otherwise now.
    return max(0, len(set(told_uses([done.asset.pk]).get(done.asset.pk, ()))) - len(done.kept))


def _shown(page: StudioAdmin, request: HttpRequest, asset: Asset, here: str) -> HttpResponse:
    policy = policy_of(request)
    found, problem = _asked(policy, asset, request.GET.get("successor", ""))
    places = found.places if found else places_of(asset)
    told = found.elsewhere if found else tuple(told_uses([asset.pk]).get(asset.pk, ()))
    kept = {one.use: one.why for one in found.kept} if found else {}
    elsewhere = [(use, kept.get(use, "")) for use in dict.fromkeys([*told, *kept])]
    offered = choosable(policy=policy, brand=asset.brand.slug).exclude(pk=asset.pk)[:NEWEST]
    return page.page(
        request,
        "replace.html",
        str(TITLE),
        crumbs=[page.list_crumb(), (str(asset), page.url("change", asset.pk))],
        here=here,
        asset=asset,
        asset_state=ASSET.labels[asset.state],
        asset_facts=facts_of(asset),
        found=found,
        successor_facts=facts_of(found.successor) if found else "",
        problem=problem,
        rows=[_row(one) for one in places],
        elsewhere=elsewhere,
        total=sum(one.count for one in places) + len(elsewhere),
        options=_options(offered, found),
        likely=list(likely_successors(policy, asset)[:MOST_LIKELY]) if found is None else [],
        pick_url=reverse("admin:image_studio_asset_pick"),
    )


def _asked(policy: Policy, asset: Asset, text: str) -> tuple[Replacement | None, str]:
    """What the chosen picture would do, or why it cannot."""
    if not text:
        return None, ""
    try:
        return preview_replacement(policy, asset, _named(text)), ""
    except StudioError as error:
        return None, explain_error(error)


def _options(offered: Any, found: Replacement | None) -> list[tuple[str, str]]:
    """The newest, and the chosen one even where it is older."""
    rows = list(offered)
    if found is not None and found.successor not in rows:
        rows.append(found.successor)
    return [(str(one.pk), f"{one} ({facts_of(one)})") for one in rows]


def _row(places: FieldPlaces) -> dict[str, Any]:
    return {"places": places, "why": explain_error(places.why) if places.why else ""}
