"""*Generate brand-safe variants*: choose, see the price and every finding, then order."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Substr
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from image_studio.admin.base import StudioAdmin, policy_of, refusal, worker_missing
from image_studio.admin.generate_forms import GenerateForm, Start
from image_studio.admin.generate_words import begun, words_form
from image_studio.admin.generating import TITLE
from image_studio.admin.money import left_words
from image_studio.admin.quoting import Quote, quote
from image_studio.exceptions import Conflict, NotAllowed, StudioError
from image_studio.models import Asset, Brand, Prompt, PromptVersion
from image_studio.policy import Policy
from image_studio.wording import explain, explain_error
from image_studio.workflow.allowance import stops
from image_studio.workflow.offers import usual_seconds
from image_studio.workflow.preview import route_cards

#: Pictures and prompts that the empty page offers, and letters of a prompt that it shows.
OFFERED, LETTERS = 12, 140
ORDER = "admin/image_studio/generate_order.html"


def respond(page: StudioAdmin, request: HttpRequest) -> HttpResponse:
    """The page: empty, as a form, priced, or on to the contact sheet."""
    policy = policy_of(request)
    start = Start.read(policy, request.GET)
    if start.brand is None:
        return _nothing_chosen(page, request, start)
    if not policy.can("generate", start.brand):
        raise PermissionDenied
    posted = request.POST if request.method == "POST" else None
    form = _form(policy, start, posted)
    try:
        found = quote(policy, form, seconds=usual_seconds())
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error
    if posted is not None and posted.get("do") == "order":
        answer = _ordered(request, found)
        if answer:
            return answer
    return _shown(page, request, found)


def price(page: StudioAdmin, request: HttpRequest) -> HttpResponse:
    """The form as it stands, priced and judged, as data for the page's script. Writes nothing."""
    policy = policy_of(request)
    start = Start.read(policy, request.GET)
    if start.brand is None:
        problem = start.problem or explain("request.no_source_or_prompt")
        nothing = {"button": "", "digest": "", "findings": [], "cards": {}, "html": ""}
        return JsonResponse({**nothing, "line": problem, "errors": {"__all__": [problem]}})
    try:
        policy.require("generate", start.brand)
        found = quote(policy, _form(policy, start, request.POST))
    except NotAllowed as error:
        return refusal(error)
    html = render_to_string(ORDER, _order_context(policy, found), request)
    return JsonResponse({**found.as_data(), "html": html})


def _form(policy: Policy, start: Start, posted: Any) -> GenerateForm:
    # What can be chosen comes first, and of that what is free: the first one is what the page offers.
    cards = route_cards(policy, has_source=bool(start.sources))
    cards = tuple(sorted(cards, key=lambda card: (not card.usable, not card.free)))
    return GenerateForm(posted, policy=policy, start=start, cards=cards, initial={"key": uuid.uuid4().hex})


def _ordered(request: HttpRequest, found: Quote) -> HttpResponse | None:
    """The order placed, or None where the person must look again."""
    form, order = found.form, found.order
    if order is None:
        return None
    try:
        sets = order.place(policy_of(request), form.cleaned_data["key"], seen=form.cleaned_data["digest"])
    except Conflict as error:
        if error.code == "idempotency.other_body":
            # The form was sent before, changed, and sent again: that is a new order, and needs a new yes.
            _renew_key(form)
            form.add_error(None, explain("request.sent_before"))
        else:
            form.add_error(None, explain_error(error))
        return None
    except StudioError as error:
        form.add_error(None, explain_error(error))
        return None
    return _on_to(request, sets)


def _renew_key(form: Any) -> None:
    form.data = form.data.copy()
    form.data["key"] = uuid.uuid4().hex


def _on_to(request: HttpRequest, sets: list[Any]) -> HttpResponse:
    name = "admin:image_studio_variantset"
    if len(sets) == 1:
        return HttpResponseRedirect(reverse(f"{name}_change", args=[sets[0].pk]))
    words = ngettext("{n} set is on its way.", "{n} sets are on their way.", len(sets))
    messages.success(request, words.format(n=len(sets)))
    return HttpResponseRedirect(reverse(f"{name}_changelist"))


def _shown(page: StudioAdmin, request: HttpRequest, found: Quote) -> HttpResponse:
    form = found.form
    if "key" in form.errors:
        _renew_key(form)
    picked = form["channels"].value() or ()
    return page.page(
        request,
        "generate.html",
        str(TITLE),
        crumbs=[page.list_crumb()],
        form=form,
        facts=_facts(form.start.sources[0]) if len(form.start.sources) == 1 else [],
        channels=[(channel, slug in picked) for slug, channel in form.by_slug.items()],
        worker_missing=worker_missing(),
        stops=_stops(policy_of(request), form.start),
        prompts=_prompts_beside(policy_of(request), form),
        hidden_errors=[words for name in ("key", "digest") for words in form.errors.get(name, ())],
        **_order_context(policy_of(request), found),
    )


def _stops(policy: Policy, start: Start) -> Any:
    return stops(policy, [start.brand.pk]) if start.brand else ()


def _order_context(policy: Policy, found: Quote) -> dict[str, Any]:
    """What the part below the form needs, on the page and for its script."""
    order, start = found.order, found.form.start
    left = left_words(policy, start.brand, order.price.most) if order else ""
    return {"quote": found, "order": order, "findings": found.findings, "start": start, "left": left}


def _facts(asset: Asset) -> list[tuple[str, str]]:
    """What is worth knowing of a picture before variants are made of it."""
    rows = [
        (_("Size"), f"{asset.width} × {asset.height}"),
        (_("File"), f"{asset.format.upper()}, {filesizeformat(asset.weight)}"),
        (_("Comes from"), str(asset.get_origin_display())),
        (_("State"), str(asset.get_state_display())),
        (_("Focal point"), _("set") if asset.focal else _("none: found in the picture")),
        (_("Rights"), asset.rights_owner),
        (_("Rights end"), date_format(asset.expires_at, "SHORT_DATE_FORMAT") if asset.expires_at else ""),
    ]
    return [(label, words) for label, words in rows if words]


def _nothing_chosen(page: StudioAdmin, request: HttpRequest, start: Start) -> HttpResponse:
    """What the page is for, a box for words, and the newest pictures and prompts where the person may generate."""
    policy = policy_of(request)
    form = words_form(policy, request)
    if answer := begun(policy, form, start.channels):
        return answer
    mine = policy.brands("generate")
    sources = Asset.objects.filter(kind="raw", origin__in=("upload", "import"), brand__in=mine)
    return page.page(
        request,
        "generate_start.html",
        str(TITLE),
        crumbs=[page.list_crumb()],
        problem=start.problem,
        form=form if form.fields["brand"].queryset.exists() else None,  # type: ignore[attr-defined]
        # A place that asks for a picture of its channel is remembered until there is something to start from.
        keep=urlencode({"channel": start.channels}, doseq=True),
        may=mine.exists(),
        prompts=_prompts(policy, mine),
        sources=policy.visible(sources.exclude(state__in=("rejected", "withdrawn")))[:OFFERED],
    )


def _prompts_beside(policy: Policy, form: GenerateForm) -> QuerySet[Prompt] | None:
    """The brand's prompts, where there is a picture without one and a route that needs it."""
    takes_words = any(card.usable and card.model and card.model.takes_instruction for card in form.cards)
    if form.start.version or not form.start.sources or not takes_words:
        return None
    assert form.start.brand is not None
    return _prompts(policy, Brand.objects.filter(pk=form.start.brand.pk))


def _prompts(policy: Policy, brands: QuerySet[Brand]) -> QuerySet[Prompt]:
    newest = PromptVersion.objects.filter(prompt=OuterRef("pk")).order_by("-number")
    words = Subquery(newest.values(start=Substr("template", 1, LETTERS + 1))[:1])
    rows = Prompt.objects.filter(archived=False, brand__in=brands).select_related("brand").annotate(start=words)
    found: QuerySet[Prompt] = policy.visible(rows)[:OFFERED]
    return found
