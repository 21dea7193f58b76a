"""A correction: what the provider's bill says beside what the ledger says. The old entries stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.base import policy_of
from image_studio.admin.budget import Dollars
from image_studio.admin.change_form import fresh_key
from image_studio.admin.money import usd
from image_studio.exceptions import NotAllowed, StudioError
from image_studio.models import Brand
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow.once import once
from image_studio.workflow.spending import correct

if TYPE_CHECKING:
    from image_studio.admin.base import StudioAdmin

TITLE = gettext_lazy("Correct the spending")
WAYS = {"more": gettext_lazy("was spent besides"), "less": gettext_lazy("was not spent")}


class CorrectionForm(forms.Form):
    """By how much, which way, and how that is known."""

    brand = forms.ModelChoiceField(Brand.objects.none(), label=gettext_lazy("Brand"), to_field_name="slug")
    amount = Dollars(label=gettext_lazy("Sum, in dollars"))
    way = forms.ChoiceField(choices=list(WAYS.items()), label=gettext_lazy("It"), widget=forms.RadioSelect)
    note = forms.CharField(
        max_length=500,
        label=gettext_lazy("How you know"),
        help_text=gettext_lazy("The bill and its month, for whoever reads the ledger."),
    )
    key = forms.CharField(max_length=100, widget=forms.HiddenInput)

    def __init__(self, policy: Policy, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        which: Any = self.fields["brand"]
        which.queryset = policy.brands("edit_budget").order_by("name")

    @property
    def micro_usd(self) -> int:
        """The change, in micro-USD."""
        told = self.cleaned_data
        return (told["amount"] or 0) * (-1 if told["way"] == "less" else 1)


def may_correct(request: HttpRequest) -> bool:
    """For who keeps the site's budgets, where each correction counts too."""
    return request.user.has_perm("image_studio.add_ledgerentry") and policy_of(request).passes


def respond(page: StudioAdmin, request: HttpRequest) -> HttpResponse:
    """The form; a post writes one entry, however often it is sent."""
    if not may_correct(request):
        raise PermissionDenied
    policy = policy_of(request)
    start = {"key": fresh_key(), "way": "more", "brand": request.GET.get("brand")}
    form = CorrectionForm(policy, request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        try:
            _corrected(policy, form)
        except NotAllowed as error:
            raise PermissionDenied(explain_error(error)) from error
        except StudioError as error:
            form.add_error(None, explain_error(error))
        else:
            words = _("{brand}: {sum} is entered as a correction.")
            messages.success(request, words.format(brand=form.cleaned_data["brand"], sum=usd(form.micro_usd)))
            return HttpResponseRedirect(reverse("admin:image_studio_ledgerentry_changelist"))
    crumbs = [(_("Spend"), reverse("admin:image_studio_ledgerentry_spend"))]
    return page.page(request, "correction.html", str(TITLE), crumbs=crumbs, form=form)


def _corrected(policy: Policy, form: CorrectionForm) -> None:
    brand, note, change = form.cleaned_data["brand"], form.cleaned_data["note"], form.micro_usd

    def act() -> dict[str, Any]:
        correct(policy, brand, change, note=note)
        return {"micro_usd": change}

    body = {"verb": "correct_spending", "brand": str(brand.pk), "micro_usd": change, "note": note}
    once(policy, form.cleaned_data["key"], body, act)
