"""The review board: one picture at a time, its evidence, and the next one already loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from image_studio.admin.base import policy_of, wants_json
from image_studio.admin.changing import change_url
from image_studio.admin.review_page import context_of, safe_box
from image_studio.admin.reviewing import VERBS, offered, publishing, say
from image_studio.exceptions import StudioError
from image_studio.models import Asset, Brand
from image_studio.wording import explain, explain_error
from image_studio.workflow.allowance import stops
from image_studio.workflow.queue import board, hindrance, look, review_queue

if TYPE_CHECKING:
    from image_studio.admin.base import StudioAdmin

TITLE = gettext_lazy("Review board")
NAME = "image_studio_asset_review"
#: What leaves the picture in the queue.
STAYS = ("shortlist", "unshortlist")
#: Somebody was faster: there is nothing left to say here, so the next picture is shown.
GONE = ("asset.wrong_state", "review.no_change_now", "object.changed")
MOST_BRANDS = 200


def urls(page: StudioAdmin) -> list[URLPattern]:
    """The board's addresses, below the library's."""
    wrap, views = page.admin_site.admin_view, ReviewBoard(page)
    return [
        path("review/", wrap(require_safe(views.first)), name=NAME),
        path("review/<uuid:asset_id>/", wrap(require_safe(views.one)), name=f"{NAME}_one"),
        path("review/<uuid:asset_id>/say/", wrap(require_POST(views.say)), name=f"{NAME}_say"),
    ]


class ReviewBoard:
    """The board's views, inside the library's frame and with its rights."""

    def __init__(self, page: StudioAdmin) -> None:
        self.page = page

    def first(self, request: HttpRequest) -> HttpResponse:
        """The picture that has waited longest; an empty board where none does."""
        if not self.page.has_view_permission(request):
            raise PermissionDenied
        _brands, brand = _chosen(request)
        queue = review_queue(policy_of(request), brand=brand, limit=1)
        return self._shown(request, look(policy_of(request), queue.assets[0].pk) if queue.assets else None)

    def one(self, request: HttpRequest, asset_id: UUID) -> HttpResponse:
        """One picture, decided or not: its evidence is there for everybody who may see it."""
        return self._shown(request, self._found(request, asset_id))

    def _found(self, request: HttpRequest, asset_id: UUID) -> Asset:
        """:raises Http404: for what is not there and for what this person may not know of."""
        asset = look(policy_of(request), asset_id)
        if asset is None or not self.page.has_view_permission(request, asset):
            raise Http404
        return asset

    def _shown(
        self,
        request: HttpRequest,
        asset: Asset | None,
        *,
        typed: QueryDict | None = None,
        problem: str = "",
        status: int = 200,
    ) -> HttpResponse:
        brands, brand = _chosen(request)
        stopped = () if wants_json(request) else stops(policy_of(request), [brand.pk] if brand else None)
        context: dict[str, Any] = {
            "stops": stopped,
            "brands": brands,
            "chosen": brand,
            "query": _query(brand),
            "problem": problem,
        }
        if asset is not None:
            context |= self._context(request, asset, brand, typed or QueryDict())
        if wants_json(request):
            answer: HttpResponse = JsonResponse(self._part(request, asset, context), status=status)
        else:
            crumbs = [self.page.list_crumb()]
            answer = self.page.page(request, "review_board.html", str(TITLE), crumbs=crumbs, **context)
            answer.status_code = status
        patch_vary_headers(answer, ["Accept"])
        return answer

    def _context(self, request: HttpRequest, asset: Asset, brand: Brand | None, typed: QueryDict) -> dict[str, Any]:
        policy = policy_of(request)
        found = board(policy, asset, brand=brand)
        verdicts = list(found.verdicts)
        may = request.user.has_perm("image_studio.change_asset")
        hint = hindrance(policy, asset, verdicts)
        return {
            **context_of(asset, verdicts, typed),
            "asset": asset,
            "board": found,
            "change_url": change_url(policy, asset, found.cell),
            "actions": offered(policy, asset, verdicts) if may else frozenset(),
            "hindrance": explain(*hint) if hint else "",
            "publishing": publishing(asset),
            "safe": safe_box(asset, found.cell.channel_spec.get("safe", ())) if found.cell else None,
        }

    def _part(self, request: HttpRequest, asset: Asset | None, context: dict[str, Any]) -> dict[str, Any]:
        """What the page's script puts in place of the picture before."""
        name = "one" if asset else "empty"
        html = render_to_string(f"admin/image_studio/review_board_{name}.html", context, request)
        where = reverse(f"admin:{NAME}_one", args=[asset.pk]) if asset else reverse(f"admin:{NAME}")
        return {"ok": True, "id": str(asset.pk) if asset else "", "url": where + context["query"], "html": html}

    def say(self, request: HttpRequest, asset_id: UUID) -> HttpResponse:
        """Say one verb, then go on to the next picture; a refusal that can be mended stays, with what was typed."""
        asset = self._found(request, asset_id)
        verb = request.POST.get("do", "")
        if not request.user.has_perm("image_studio.change_asset") or verb not in VERBS:
            raise PermissionDenied
        try:
            message = say(policy_of(request), asset, verb, request.POST)
        except StudioError as error:
            return self._refused(request, asset, error)
        if wants_json(request):
            return JsonResponse({"ok": True, "message": message, "stay": verb in STAYS})
        messages.success(request, f"{asset}: {message}")
        return self._stay(request, asset) if verb in STAYS else self._next(request, asset)

    def _refused(self, request: HttpRequest, asset: Asset, error: StudioError) -> HttpResponse:
        gone, words = error.code in GONE, explain_error(error)
        note = request.POST.get("note", "").strip()
        if gone and note:
            words = _("{problem} Your note was not saved: {note}").format(problem=words, note=note[:2000])
        if wants_json(request):
            answer = {"ok": False, "code": error.code, "message": words, "gone": gone}
            return JsonResponse(answer, status=error.http_status)
        if gone:
            messages.warning(request, f"{asset}: {words}")
            return self._next(request, asset)
        return self._shown(request, asset, typed=request.POST, problem=words, status=error.http_status)

    def _stay(self, request: HttpRequest, asset: Asset) -> HttpResponse:
        _brands, brand = _chosen(request)
        return HttpResponseRedirect(reverse(f"admin:{NAME}_one", args=[asset.pk]) + _query(brand))

    def _next(self, request: HttpRequest, asset: Asset) -> HttpResponse:
        """The picture behind this one; behind the last, what was skipped before it."""
        _brands, brand = _chosen(request)
        queue = review_queue(policy_of(request), brand=brand, limit=1, after=asset.pk)
        if queue.assets:
            return self._stay(request, queue.assets[0])
        return HttpResponseRedirect(reverse(f"admin:{NAME}") + _query(brand))


def _chosen(request: HttpRequest) -> tuple[list[Brand], Brand | None]:
    """The brands in which this person reviews, and the one that the address narrows the queue to."""
    found: tuple[list[Brand], Brand | None] | None = getattr(request, "studio_review_brands", None)
    if found is None:
        brands = list(policy_of(request).brands("review")[:MOST_BRANDS])
        slug = request.GET.get("brand", "")
        found = brands, next((brand for brand in brands if brand.slug == slug), None)
        request.studio_review_brands = found  # type: ignore[attr-defined]
    return found


def _query(brand: Brand | None) -> str:
    return f"?{urlencode({'brand': brand.slug})}" if brand else ""
