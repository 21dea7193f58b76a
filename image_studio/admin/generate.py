"""*Generate brand-safe variants*: choose, see the price and every finding, then order."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from image_studio.admin.base import StudioAdmin, policy_of, worker_missing
from image_studio.admin.generate_forms import GenerateForm, Order, Start
from image_studio.admin.generating import TITLE
from image_studio.exceptions import Conflict, NotAllowed, StudioError
from image_studio.models import Asset, Prompt
from image_studio.wording import explain, explain_error
from image_studio.workflow.preview import route_cards


@dataclass(frozen=True, kw_only=True)
class Said:
    """A finding as the page shows it, with the way to its fix."""

    words: str
    blocks: bool
    where: str
    link: str = ""
    link_words: str = ""


def respond(page: StudioAdmin, request: HttpRequest) -> HttpResponse:
    """The page: empty, as a form, priced, or on to the contact sheet."""
    policy = policy_of(request)
    start = Start.read(policy, request.GET)
    if start.brand is None:
        return _nothing_chosen(page, request, start)
    if not policy.can("generate", start.brand):
        raise PermissionDenied
    cards = route_cards(policy, has_source=bool(start.sources))
    posted = request.POST if request.method == "POST" else None
    form = GenerateForm(posted, start=start, cards=cards, initial={"key": uuid.uuid4().hex})
    order = None
    if posted is not None and form.is_valid():
        order = _priced(request, form)
        if order and posted.get("do") == "order":
            answer = _ordered(request, form, order)
            if answer:
                return answer
    return _shown(page, request, form, order)


def price(page: StudioAdmin, request: HttpRequest) -> HttpResponse:
    """The live line as data."""
    raise Http404


def _priced(request: HttpRequest, form: GenerateForm) -> Order | None:
    try:
        return Order.of(policy_of(request), form.matrices())
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error
    except StudioError as error:
        name = error.params.get("name")
        form.add_error(f"var_{name}" if f"var_{name}" in form.fields else None, explain_error(error))
        return None


def _ordered(request: HttpRequest, form: GenerateForm, order: Order) -> HttpResponse | None:
    """The order placed, or None where the person must look again."""
    try:
        sets = order.place(policy_of(request), form.cleaned_data["key"], seen=form.cleaned_data["digest"])
    except Conflict as error:
        if error.code == "idempotency.other_body":
            # The form was sent before, changed, and sent again: that is a new order, and needs a new yes.
            again: Any = form.data.copy()  # type: ignore[attr-defined]
            again["key"] = uuid.uuid4().hex
            form.data = again
        form.add_error(None, explain_error(error))
        return None
    except StudioError as error:
        form.add_error(None, explain_error(error))
        return None
    return _on_to(request, sets)


def _on_to(request: HttpRequest, sets: list[Any]) -> HttpResponse:
    name = "admin:image_studio_variantset"
    if len(sets) == 1:
        return HttpResponseRedirect(reverse(f"{name}_change", args=[sets[0].pk]))
    words = ngettext("{n} set is on its way.", "{n} sets are on their way.", len(sets))
    messages.success(request, words.format(n=len(sets)))
    return HttpResponseRedirect(reverse(f"{name}_changelist"))


def _shown(page: StudioAdmin, request: HttpRequest, form: GenerateForm, order: Order | None) -> HttpResponse:
    chosen = form.cleaned_data.get("channels", ()) if form.is_bound and hasattr(form, "cleaned_data") else ()
    picked = {channel.slug for channel in chosen} if form.is_bound else None
    field: Any = form.fields["channels"]
    return page.page(
        request,
        "generate.html",
        str(TITLE),
        crumbs=[page.list_crumb()],
        form=form,
        start=form.start,
        source=form.start.sources[0] if len(form.start.sources) == 1 else None,
        channels=[(row, picked is None or row.slug in picked) for row in field.queryset],
        cards=form.cards,
        order=order,
        findings=[_said(form, finding) for finding in order.findings] if order else [],
        button=_button(order) if order else "",
        worker_missing=worker_missing(),
        key=form["key"].value(),
    )


def _button(order: Order) -> str:
    """What pressing it does, and what it costs."""
    pictures = ngettext("Make {n} picture", "Make {n} pictures", order.pictures).format(n=order.pictures)
    cells = ngettext("compose {n} cell", "compose {n} cells", order.cells).format(n=order.cells)
    price = order.price
    if price.free:
        return _("{pictures} and {cells}, free").format(pictures=pictures, cells=cells)
    return _("{pictures} for about ${likely} and {cells}").format(
        pictures=pictures, likely=f"{price.likely / 1_000_000:,.2f}", cells=cells
    )


def _said(form: GenerateForm, finding: Any) -> Said:
    place, _colon, rest = finding.where.partition(":")
    words = explain(finding.code, finding.params)
    where = {
        "prompt": _("Prompt"),
        "texts": _("Lines"),
        "route": _("Route"),
        "source": _("Picture"),
        "layout": _("Layout {where}").format(where=rest.replace(":", ", ")),
    }.get(place, _("Request"))
    link, link_words = _fix(form, place)
    return Said(words=words, blocks=finding.blocks, where=where, link=link, link_words=link_words)


def _fix(form: GenerateForm, place: str) -> tuple[str, str]:
    start = form.start
    if place == "layout" and start.brand is not None:
        return reverse("admin:image_studio_brand_change", args=[start.brand.pk]) + "#layouts", _("Open the brand kit")
    if place == "prompt" and start.version is not None:
        return reverse("admin:image_studio_prompt_change", args=[start.version.prompt_id]), _("Open the prompt")
    if place == "texts":
        return "#lines", _("Change the lines below")
    return "", ""


def _nothing_chosen(page: StudioAdmin, request: HttpRequest, start: Start) -> HttpResponse:
    policy = policy_of(request)
    return page.page(
        request,
        "generate_start.html",
        str(TITLE),
        crumbs=[page.list_crumb()],
        problem=start.problem,
        prompts=policy.visible(Prompt.objects.filter(archived=False).select_related("brand"))[:12],
        sources=policy.visible(Asset.objects.filter(kind="raw", origin__in=("upload", "import")))[:12],
    )
