"""Begin an edit history: with a picture of the library, or with words that a first picture is made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.base import StudioAdmin, policy_of
from image_studio.admin.fields import WordsField
from image_studio.admin.money import left_words
from image_studio.admin.workbench_form import RATIOS, fresh_key
from image_studio.admin.workbench_quote import ANY_WORDS, Card, cards_of
from image_studio.exceptions import NotAllowed, StudioError
from image_studio.models import Asset, Brand
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.wording.money import price_words
from image_studio.workflow.allowance import stops
from image_studio.workflow.chains import start_chain
from image_studio.workflow.step_asking import asked_from
from image_studio.workflow.step_orders import begin_with_prompt
from image_studio.workflow.steps import StepOffer, StepOrder, offers_of

#: Pictures that the page offers, and brands.
OFFERED, BRANDS = 14, 60


class PromptForm(forms.Form):
    """Words for a first picture."""

    brand = forms.ModelChoiceField(label=gettext_lazy("Brand"), queryset=Brand.objects.none(), empty_label=None)
    title = forms.CharField(label=gettext_lazy("Title of the history"), max_length=200, required=False)
    instruction = WordsField(
        rows=4,
        required=True,
        max_length=8000,
        label=gettext_lazy("What should be seen"),
        error_messages={"required": gettext_lazy("Say what should be seen in the picture.")},
    )
    ratio = forms.ChoiceField(label=gettext_lazy("Shape"), choices=[(one, one) for one in RATIOS])
    candidates = forms.TypedChoiceField(
        label=gettext_lazy("Candidates"), choices=[(n, n) for n in range(1, 5)], coerce=int
    )
    route = forms.CharField(max_length=40, required=False)
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    digest = forms.CharField(max_length=128, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, policy: Policy, **kwargs: Any) -> None:
        super().__init__(data, auto_id="begin_%s", **kwargs)
        brands: Any = self.fields["brand"]
        brands.queryset = policy.brands("generate").exclude(revision=None).select_related("revision").order_by("name")

    def order(self) -> StepOrder:
        told = self.cleaned_data
        return StepOrder(
            kind="generate",
            instruction=told["instruction"],
            route=told["route"],
            ratio=told["ratio"],
            candidates=told["candidates"],
        )


def respond(page: StudioAdmin, request: HttpRequest) -> HttpResponse:
    """The page; or on to the workbench."""
    policy = policy_of(request)
    if request.method == "POST" and request.POST.get("do") == "start":
        return _started(page, request, policy)
    if request.method == "POST":
        return _prompted(page, request, policy)
    return _shown(page, request, policy, _fresh(policy))


def _fresh(policy: Policy) -> PromptForm:
    return PromptForm(policy=policy, initial={"key": fresh_key(), "ratio": "1:1", "candidates": 1})


def source_of(policy: Policy, text: str) -> Asset | None:
    """A picture by its id, as far as this person may begin with it."""
    try:
        found = (
            policy.visible(Asset.objects.filter(pk=text)).select_related("brand__revision").first() if text else None
        )
    except (ValidationError, ValueError):
        return None
    return found if found is not None and policy.can("generate", found) else None


def _started(page: StudioAdmin, request: HttpRequest, policy: Policy) -> HttpResponse:
    source = source_of(policy, str(request.POST.get("source", "")))
    if source is None:
        messages.error(request, _("There is no such picture that you may change. Choose another one."))
        return HttpResponseRedirect(page.url("add"))
    try:
        chain = start_chain(policy, source.brand, source, title=str(request.POST.get("title", "")).strip()[:200])
    except NotAllowed as error:
        raise PermissionDenied(explain_error(error)) from error
    except StudioError as error:
        messages.error(request, explain_error(error))
        return HttpResponseRedirect(page.url("add"))
    return HttpResponseRedirect(page.url("change", chain.pk))


def _prompted(page: StudioAdmin, request: HttpRequest, policy: Policy) -> HttpResponse:
    """Priced first; asked for once the price that was shown is pressed."""
    form = PromptForm(request.POST, policy=policy)
    if not form.is_valid():
        if "key" in form.errors:
            _renew(form)
        return _shown(page, request, policy, form)
    if request.POST.get("do") == "begin" and form.cleaned_data["route"]:
        try:
            step = begin_with_prompt(
                policy,
                form.cleaned_data["brand"],
                form.order(),
                title=form.cleaned_data["title"],
                key=form.cleaned_data["key"],
                digest=form.cleaned_data["digest"] or "none",
            )
        except NotAllowed as error:
            raise PermissionDenied(explain_error(error)) from error
        except StudioError as error:
            _renew(form)
            form.add_error(None, explain_error(error))
        else:
            return HttpResponseRedirect(f"{page.url('change', step.chain_id)}?step={step.number}")
    return _shown(page, request, policy, form)


def _renew(form: PromptForm) -> None:
    posted: Any = form.data
    renewed = posted.copy()
    renewed["key"] = fresh_key()
    form.data = renewed


def _offers(policy: Policy, form: PromptForm) -> Sequence[StepOffer]:
    if not form.is_bound:
        brand = form.fields["brand"].queryset.first()  # type: ignore[attr-defined]
        order = StepOrder(kind="generate", instruction=ANY_WORDS, ratio="1:1")
        return offers_of(asked_from(policy, brand, None, order)) if brand else ()
    if form.errors:
        return ()
    try:
        return offers_of(asked_from(policy, form.cleaned_data["brand"], None, form.order()))
    except StudioError as error:
        form.add_error(None, explain_error(error))
        return ()


def _shown(page: StudioAdmin, request: HttpRequest, policy: Policy, form: PromptForm) -> HttpResponse:
    found = _offers(policy, form)
    wanted = str(form["route"].value() or "")
    usable = [one.route.name for one in found if one.usable]
    route = wanted if wanted in usable or not usable else usable[0]
    chosen = next((one for one in found if one.route.name == route and one.usable), None)
    preview = chosen.preview if chosen and form.is_bound else None
    cards: list[Card] = cards_of(found, route, begins=True)
    rows = policy.visible(Asset.objects.filter(publishable=True, brand__in=policy.brands("generate")))
    recent = rows.exclude(state__in=("rejected", "withdrawn")).order_by("-pk")[:OFFERED]
    return page.page(
        request,
        "workbench_begin.html",
        _("Begin an edit history"),
        crumbs=[page.list_crumb()],
        form=form,
        cards=cards,
        digest=preview.digest if preview else "",
        stops=stops(policy),
        left=left_words(policy, form.cleaned_data["brand"], preview.price.most) if preview else "",
        button=_("Make it: {price}").format(price=price_words(preview.price)) if preview else "",
        source=source_of(policy, str(request.GET.get("source", ""))),
        recent=list(recent.defer("recipe", "words")),
    )
