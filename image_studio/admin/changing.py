"""*Change this*: one box on every picture of the studio, its price, and what came of it, without any workbench."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from image_studio.admin import files
from image_studio.admin.again import tried
from image_studio.admin.base import Crumb, StudioAdmin, policy_of, refusal, worker_missing
from image_studio.admin.change_form import ChangeForm, Quote, fresh_key, quote, typed
from image_studio.admin.change_result import Panel, may_say, panel_of, step_of
from image_studio.exceptions import NotAllowed, StudioError
from image_studio.models import Asset, EditStep, Variant
from image_studio.policy import Policy
from image_studio.wording import explain, explain_error
from image_studio.workflow import chains
from image_studio.workflow.allowance import stops
from image_studio.workflow.changing import asked_change, base_of, change, shown_part, take
from image_studio.workflow.offers import usual_seconds
from image_studio.workflow.recipes import save_recipe
from image_studio.workflow.steps import StepOrder

TITLE = gettext_lazy("Change this")
NAME = "image_studio_asset_edit"
#: While a change is made, a page without scripts loads itself again.
REFRESH_SECONDS = 4
PANEL = "admin/image_studio/includes/change_result.html"


def urls(page: StudioAdmin) -> list[URLPattern]:
    """The addresses below a picture's own."""

    def route(where: str, view: Callable[..., Any], name: str, *methods: str, cacheable: bool = False) -> URLPattern:
        checked = require_http_methods(methods or ["GET", "HEAD"])(partial(view, page))
        wrapped = page.admin_site.admin_view(checked, cacheable=cacheable)
        return path(f"<uuid:asset_id>/change-this/{where}", wrapped, name=NAME + name)

    return [
        route("", respond, "", "GET", "HEAD", "POST"),
        route("price/", price, "_price", "POST"),
        route("<uuid:step_id>/", result, "_step", "GET", "HEAD", "POST"),
        route("<uuid:step_id>/live/", live, "_live"),
        route("<uuid:step_id>/early/<int:index>/", early_version, "_early", cacheable=True),
    ]


def may_change(policy: Policy, asset: Asset) -> bool:
    """Whether a picture can be changed by this person: Django's permission, the brand's, and no stand-in."""
    user = policy.user
    allowed = bool(user and user.has_perm("image_studio.add_editchain"))
    return allowed and asset.publishable and policy.can("generate", asset)


def change_url(policy: Policy, asset: Asset | None, cell: Variant | None = None) -> str:
    """Where a picture is changed, by who may; else empty."""
    if asset is None or not may_change(policy, asset):
        return ""
    query = "?" + urlencode({"cell": str(cell.pk)}) if cell else ""
    return reverse(f"admin:{NAME}", args=[asset.pk]) + query


# The form ----------------------------------------------------------------------------------------------------------


def respond(page: StudioAdmin, request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """The page: prefilled from what a reviewer asked, priced, or on to what comes."""
    asset = _changeable(page, request, asset_id)
    cell = _cell(policy_of(request), asset, request.GET.get("cell", ""))
    do = request.POST.get("do", "")
    form = ChangeForm(request.POST if request.method == "POST" else _before(policy_of(request), asset))
    found = _quoted(request, asset, form)
    problem = ""
    if do == "ask":
        answer = _asked(request, asset, cell, found)
        if isinstance(answer, HttpResponse):
            return answer
        problem = answer
    # Words that another page brought along are not scolded for what they lack.
    return _shown(page, request, asset, found, cell=cell, scold=do in ("ask", "price"), problem=problem)


def price(page: StudioAdmin, request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """The form as it stands, priced and judged, as data for the page's script. Writes nothing."""
    try:
        asset = page.found(request, str(asset_id))
        if not may_change(policy_of(request), asset):
            raise NotAllowed("policy.not_allowed", verb="generate", role="creator")
        return JsonResponse(quote(policy_of(request), asset, ChangeForm(request.POST)).as_data())
    except NotAllowed as error:
        return refusal(error)


def _changeable(page: StudioAdmin, request: HttpRequest, asset_id: UUID) -> Asset:
    asset: Asset = page.found(request, str(asset_id))
    if not may_change(policy_of(request), asset):
        raise PermissionDenied
    return asset


def _cell(policy: Policy, asset: Asset, text: str) -> Variant | None:
    """The cell of the sheet that somebody came from; nothing where it shows another picture by now."""
    try:
        row = asset.variants.select_related("variant_set").filter(pk=UUID(text)).first()
    except ValueError:
        return None
    return row if row is not None and policy.can("view", row.variant_set) else None


def _before(policy: Policy, asset: Asset) -> dict[str, Any]:
    """What a reviewer asked to be different, as fields of the form."""
    asked = asked_change(policy, asset)
    return typed(asked[1]) if asked else {}


def _quoted(request: HttpRequest, asset: Asset, form: ChangeForm) -> Quote:
    try:
        return quote(policy_of(request), asset, form, seconds=usual_seconds())
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error


def _asked(request: HttpRequest, asset: Asset, cell: Variant | None, found: Quote) -> HttpResponse | str:
    """On to what comes, or why the person must look again; what was typed is kept."""
    form, preview = found.form, found.preview
    if not found.ready or preview is None:
        if not form.errors and not found.said:
            form.add_error("note", explain("step.no_instruction"))
        return ""
    if not form.cleaned_data["key"]:
        return _("The form came without its key. Press the button again.")
    order = StepOrder.from_dict({**form.order().to_dict(), "route": preview.route.name})
    try:
        step = change(
            policy_of(request),
            asset,
            order,
            cell=cell,
            key=form.cleaned_data["key"],
            # What was not seen is not bought.
            digest=form.cleaned_data["digest"] or "none",
        )
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error
    except StudioError as error:
        # Sent before and changed since: that is a new wish, and needs a new yes.
        sent = error.code == "idempotency.other_body"
        return explain("request.sent_before") if sent else explain_error(error)
    return HttpResponseRedirect(reverse(f"admin:{NAME}_step", args=[asset.pk, step.pk]))


def _shown(
    page: StudioAdmin,
    request: HttpRequest,
    asset: Asset,
    found: Quote,
    *,
    cell: Variant | None = None,
    scold: bool = False,
    panel: Panel | None = None,
    **more: Any,
) -> HttpResponse:
    base = base_of(asset)
    query = "?" + urlencode({"cell": str(cell.pk)}) if cell else ""
    crumbs: list[Crumb] = [page.list_crumb(), (str(asset), page.url("change", asset.pk))]
    return page.page(
        request,
        "change.html",
        str(TITLE),
        crumbs=crumbs,
        asset=asset,
        composed=base.pk != asset.pk,
        quote=found,
        form=found.form,
        scold=scold,
        # A refused form asks anew: the old key stands for the old words.
        key=fresh_key(),
        ask_url=reverse(f"admin:{NAME}", args=[asset.pk]) + query,
        price_url=reverse(f"admin:{NAME}_price", args=[asset.pk]),
        back_url=_sheet(cell) or page.url("change", asset.pk),
        back_to_sheet=cell is not None,
        wish=asset.change_asked if panel is None else None,
        panel=panel,
        stops=stops(policy_of(request), [asset.brand_id]),
        worker_missing=worker_missing() and panel is not None and not panel.over,
        **more,
    )


def _sheet(cell: Variant | None) -> str:
    if cell is None:
        return ""
    return reverse("admin:image_studio_variantset_change", args=[cell.variant_set_id]) + f"#cell-{cell.pk}"


# What came ---------------------------------------------------------------------------------------------------------


def result(page: StudioAdmin, request: HttpRequest, asset_id: UUID, step_id: UUID) -> HttpResponse:
    """What came of a change, with the same form below it; a post is one of its buttons."""
    asset, step = step_of(page, request, asset_id, step_id)
    if request.method == "POST":
        return _said(request, asset, step)
    panel = panel_of(policy_of(request), asset, step, seconds=usual_seconds().get(step.route))
    form = ChangeForm(typed(_as_shown(asset, StepOrder.from_dict(step.order))))
    may = panel.may and may_change(policy_of(request), asset)
    found = _quoted(request, asset, form) if may else Quote(form=form, cards=())
    if not may:
        form.is_valid()
    live_url = reverse(f"admin:{NAME}_live", args=[asset.pk, step.pk])
    more: dict[str, Any] = {
        "may_ask": may,
        "live_url": "" if panel.over else live_url,
        "refresh_seconds": REFRESH_SECONDS,
    }
    return _shown(page, request, asset, found, cell=step.chain.cell, panel=panel, **more)


def live(page: StudioAdmin, request: HttpRequest, asset_id: UUID, step_id: UUID) -> JsonResponse:
    """The result panel as it is now, for an open page."""
    asset, step = step_of(page, request, asset_id, step_id)
    panel = panel_of(policy_of(request), asset, step, seconds=usual_seconds().get(step.route))
    html = render_to_string(PANEL, {"panel": panel, "asset": asset}, request)
    answer = {"ok": True, "active": not panel.over, "html": html, "said": str(panel.label)}
    return JsonResponse(answer, headers={"Cache-Control": "private, no-store"})


def early_version(page: StudioAdmin, request: HttpRequest, asset_id: UUID, step_id: UUID, index: int) -> HttpResponse:
    """An early version of a picture that is still being made."""
    _asset, step = step_of(page, request, asset_id, step_id)
    if step.job_id is None:
        raise Http404
    return files.partial(request, step.job_id, index)


def _as_shown(asset: Asset, order: StepOrder) -> StepOrder:
    """An order whose place is told as the picture is shown, logo and words and all."""
    base = base_of(asset)
    if order.region is None or base.pk == asset.pk:
        return order
    try:
        left, top, width, height = shown_part(base, asset)
    except StudioError:
        # Its file is not there: the form asks for the place again, and says why once it is priced.
        return StepOrder.from_dict({**order.to_dict(), "region": None})
    x, y, w, h = order.region
    return StepOrder.from_dict(
        {**order.to_dict(), "region": [(x - left) / width, (y - top) / height, w / width, h / height]}
    )


# What may be said to it --------------------------------------------------------------------------------------------


def _said(request: HttpRequest, asset: Asset, step: EditStep) -> HttpResponse:
    policy, verb = policy_of(request), VERBS.get(request.POST.get("do", ""))
    if verb is None or not may_say(policy, step):
        raise PermissionDenied
    here = reverse(f"admin:{NAME}_step", args=[asset.pk, step.pk])
    try:
        words, url = verb(policy, step, request.POST)
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error
    except StudioError as error:
        messages.error(request, explain_error(error))
        return HttpResponseRedirect(here)
    messages.success(request, words)
    return HttpResponseRedirect(url or here)


def _index(said: Mapping[str, Any]) -> int:
    text = str(said.get("index", ""))
    return int(text) if text.isdecimal() and len(text) < 4 else 0


def _use(policy: Policy, step: EditStep, said: Mapping[str, Any]) -> tuple[str, str]:
    chains.choose(policy, step, _index(said))
    return _("This picture is used: the next change goes on from it."), ""


def _take(policy: Policy, step: EditStep, said: Mapping[str, Any]) -> tuple[str, str]:
    if step.state != "chosen" or step.choice != _index(said):
        chains.choose(policy, step, _index(said))
    take(policy, step, _index(said))
    words = _("The picture takes its place in the contact sheet. Logo and words are composed anew, free.")
    return words, _sheet(step.chain.cell)


def _reject(policy: Policy, step: EditStep, said: Mapping[str, Any]) -> tuple[str, str]:
    chains.reject_step(policy, step, reason=str(said.get("reason", "")), note=str(said.get("note", "")))
    return _("Rejected. The reason stays in the edit history."), ""


def _undecide(policy: Policy, step: EditStep, _said: Mapping[str, Any]) -> tuple[str, str]:
    chains.undecide(policy, step)
    return _("It is open again."), ""


def _cancel(policy: Policy, step: EditStep, _said: Mapping[str, Any]) -> tuple[str, str]:
    chains.cancel_step(policy, step)
    return _("Asked to stop. What was not sent costs nothing."), ""


def _retry(policy: Policy, step: EditStep, said: Mapping[str, Any]) -> tuple[str, str]:
    tried(policy, str(said.get("key", "")), f"step {step.pk}", partial(chains.retry_step, policy, step))
    return _("Tried again."), ""


def _recipe(policy: Policy, step: EditStep, said: Mapping[str, Any]) -> tuple[str, str]:
    recipe = save_recipe(policy, step, str(said.get("name", "")))
    words = _("The recipe “{name}” is kept. Replay it on other pictures.").format(name=recipe.name)
    return words, reverse("admin:image_studio_editrecipe_change", args=[recipe.pk])


VERBS: Mapping[str, Callable[[Policy, EditStep, Mapping[str, Any]], tuple[str, str]]] = {
    "use": _use,
    "take": _take,
    "reject": _reject,
    "undecide": _undecide,
    "cancel": _cancel,
    "retry": _retry,
    "recipe": _recipe,
}
