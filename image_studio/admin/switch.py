"""The switch that stops spending: of a brand by its managers, of the whole site by superusers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.base import policy_of
from image_studio.exceptions import NotAllowed, StudioError
from image_studio.models import Brand, Switch
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow.spending import MOST_REASON, resume_spending, stop_spending, switches

if TYPE_CHECKING:
    from image_studio.admin.base import StudioAdmin

TITLE = gettext_lazy("Stop spending")
SITE = "site"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The site or a brand, with its switch where it is thrown.

    :param value: what the form sends: ``site``, or ``brand:<slug>``.
    """

    value: str
    name: str
    switch: Switch | None


def may_throw(request: HttpRequest) -> bool:
    """Django's permission first, then somebody's who may stop anything."""
    policy = policy_of(request)
    allowed = request.user.has_perm("image_studio.change_switch")
    return allowed and (policy.passes or policy.somewhere("stop_spending"))


def respond(page: StudioAdmin, request: HttpRequest) -> HttpResponse:
    """What runs and what is stopped; a post stops one with a reason, or lets it go on."""
    if not may_throw(request):
        raise PermissionDenied
    policy = policy_of(request)
    found = _choices(policy)
    if request.method != "POST":
        return _shown(page, request, found)
    chosen = _chosen(policy, str(request.POST.get("what", "")))
    try:
        words = _said(policy, chosen, request.POST)
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error
    except StudioError as error:
        response = _shown(page, request, found, problem=explain_error(error))
        response.status_code = error.http_status
        return response
    messages.success(request, words)
    return HttpResponseRedirect(reverse("admin:image_studio_ledgerentry_switch"))


def _choices(policy: Policy) -> list[Choice]:
    thrown = {row.scope: row for row in switches(policy)}
    brands = policy.brands("stop_spending").order_by("name")
    rows = [
        Choice(value=f"brand:{brand.slug}", name=brand.name, switch=thrown.get(f"brand:{brand.pk}")) for brand in brands
    ]
    whole = [Choice(value=SITE, name=_("The whole site"), switch=thrown.get(SITE))] if policy.passes else []
    return whole + rows


def _chosen(policy: Policy, value: str) -> Brand | None:
    """:raises Http404: for what is neither the site nor a brand where this person may look."""
    if value == SITE:
        return None
    kind, _colon, slug = value.partition(":")
    brand = policy.brands().filter(slug=slug).first() if kind == "brand" else None
    if brand is None:
        raise Http404
    return brand


def _said(policy: Policy, brand: Brand | None, said: Any) -> str:
    name = brand.name if brand else _("the whole site")
    if said.get("do") == "stop":
        stop_spending(policy, brand, reason=str(said.get("reason", "")))
        return _("Spending of {name} is stopped. What is at the provider already still comes.").format(name=name)
    if said.get("do") == "resume":
        resume_spending(policy, brand)
        return _("Spending of {name} goes on. What waited is sent by itself.").format(name=name)
    raise PermissionDenied


def _shown(page: StudioAdmin, request: HttpRequest, found: list[Choice], *, problem: str = "") -> HttpResponse:
    running = [one for one in found if one.switch is None]
    wanted = request.POST.get("what") or f"brand:{request.GET.get('brand', '')}"
    return page.page(
        request,
        "switch.html",
        str(TITLE),
        crumbs=[(_("Spend"), reverse("admin:image_studio_ledgerentry_spend"))],
        running=running,
        wanted=wanted if wanted in {one.value for one in running} else running[0].value if len(running) == 1 else "",
        stopped=[one for one in found if one.switch is not None],
        # Thrown by somebody above: it holds for these brands too, and is not theirs to undo.
        above=next((row for row in switches(policy_of(request)) if row.brand_id is None), None)
        if not policy_of(request).passes
        else None,
        most_reason=MOST_REASON,
        reason=request.POST.get("reason", ""),
        problem=problem,
    )
