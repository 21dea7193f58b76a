"""Budgets: how much of each is used, and the forms by which they are set. Dollars, as people say them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.base import StudioAdmin, policy_of
from image_studio.admin.money import bars, exact, micro
from image_studio.exceptions import NotAllowed, StudioError
from image_studio.models import PERIODS, Brand, Budget
from image_studio.policy import Policy
from image_studio.wording import explain, explain_error
from image_studio.workflow.costs import forecasts
from image_studio.workflow.spending import budgets, change_budget, make_budget, may_edit, remove_budget

#: Budgets on a page; who has more finds them by brand.
MOST = 200


class Dollars(forms.CharField):
    """A sum in dollars; its value is integer micro-USD, or None."""

    def __init__(self, **options: Any) -> None:
        attrs = {"inputmode": "decimal", "autocomplete": "off", "class": "studio-number"}
        super().__init__(required=False, max_length=30, widget=forms.TextInput(attrs=attrs), **options)

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return micro(text)
        except ValueError as error:
            raise forms.ValidationError(explain("money.bad_sum")) from error


class LimitsForm(forms.Form):
    """The two limits of a budget."""

    soft = Dollars(
        label=gettext_lazy("Warn from, in dollars"),
        help_text=gettext_lazy("From here on people are warned. Empty warns of nothing."),
    )
    hard = Dollars(
        label=gettext_lazy("Limit, in dollars"),
        help_text=gettext_lazy("Beyond this nothing is sent, and orders are refused. Empty limits nothing."),
    )


class BudgetForm(LimitsForm):
    """A new budget."""

    field_order = ("brand", "person", "period", "soft", "hard")

    brand = forms.ModelChoiceField(
        Brand.objects.none(), label=gettext_lazy("Brand"), to_field_name="slug", empty_label=None
    )
    person = forms.CharField(
        required=False,
        max_length=150,
        label=gettext_lazy("Person"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("A user name: that person's own limit, beside the limit of all. Empty is everybody."),
    )
    period = forms.ChoiceField(choices=list(PERIODS.items()), initial="month", label=gettext_lazy("Each"))

    def __init__(self, policy: Policy, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        brands = policy.brands("edit_budget").order_by("name")
        which: Any = self.fields["brand"]
        which.queryset = brands
        if policy.passes:
            which.required, which.empty_label = False, gettext_lazy("The whole site")
        self.policy = policy

    def clean_person(self) -> Any:
        """Who is named, as far as this person may set limits to them."""
        name = self.cleaned_data["person"]
        found = people(self.policy).filter(**{get_user_model().USERNAME_FIELD: name}).first() if name else None
        if name and found is None:
            raise forms.ValidationError(explain("member.unknown_user", {"name": name}))
        return found


def people(policy: Policy) -> QuerySet[Any]:
    """Whose own budget this person may set: members of their brands; for superusers everybody who is active."""
    rows = get_user_model()._default_manager.filter(is_active=True)
    if policy.passes:
        return rows
    brands = list(policy.brands("edit_budget").values_list("pk", flat=True))
    members = Q(studio_memberships__brand__in=brands) | Q(groups__studio_memberships__brand__in=brands)
    return rows.filter(members).distinct()


@admin.register(Budget)
class BudgetAdmin(StudioAdmin):
    list_title = gettext_lazy("Budgets")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return budgets(policy_of(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        policy = policy_of(request)
        return request.user.has_perm("image_studio.add_budget") and (policy.passes or policy.somewhere("edit_budget"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = request.user.has_perm("image_studio.change_budget")
        return allowed and (obj is None or may_edit(policy_of(request), obj.brand))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The budgets that the person may see, as bars."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        policy = policy_of(request)
        found = list(forecasts(policy))
        return self.page(
            request,
            "budgets.html",
            str(self.list_title),
            budgets=bars(policy, found[:MOST], links=request.user.has_perm("image_studio.change_budget")),
            more=len(found) > MOST,
            may_add=self.has_add_permission(request),
        )

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        policy = policy_of(request)
        form = BudgetForm(policy, request.POST or None, initial={"brand": request.GET.get("brand")})
        if request.method == "POST" and form.is_valid():
            told = form.cleaned_data
            try:
                budget = make_budget(
                    policy,
                    brand=told["brand"],
                    user=told["person"],
                    period=told["period"],
                    soft_micro_usd=told["soft"],
                    hard_micro_usd=told["hard"],
                )
            except NotAllowed as error:
                raise PermissionDenied(explain_error(error)) from error
            except StudioError as error:
                form.add_error(None, explain_error(error))
            else:
                messages.success(request, _("The budget holds from now on. What was spent in its period counts."))
                return HttpResponseRedirect(f"{self.url('changelist')}#budget-{budget.pk}")
        return self._form(request, form, _("Set a budget"), [])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The limits anew, or the budget gone."""
        budget = self.found(request, object_id)
        if not self.has_change_permission(request, budget):
            if request.method == "POST" or not self.has_view_permission(request, budget):
                raise PermissionDenied
            return self._form(request, None, str(_("Budget")), [budget])
        if request.method != "POST":
            return self._form(request, LimitsForm(initial=_limits(budget)), str(_("Budget")), [budget])
        return self._changed(request, budget)

    def _changed(self, request: HttpRequest, budget: Budget) -> HttpResponse:
        policy, form = policy_of(request), LimitsForm(request.POST)
        try:
            if request.POST.get("do") == "remove":
                remove_budget(policy, budget)
                messages.success(request, _("The budget is gone: it limits nothing any more. The ledger stays."))
                return HttpResponseRedirect(self.url("changelist"))
            if form.is_valid():
                told = form.cleaned_data
                change_budget(policy, budget, soft_micro_usd=told["soft"], hard_micro_usd=told["hard"])
                messages.success(request, _("The new limits hold from now on."))
                return HttpResponseRedirect(f"{self.url('changelist')}#budget-{budget.pk}")
        except NotAllowed as error:
            raise PermissionDenied(explain_error(error)) from error
        except StudioError as error:
            form.is_valid()
            form.add_error(None, explain_error(error))
        return self._form(request, form, str(_("Budget")), [budget])

    def _form(self, request: HttpRequest, form: forms.Form | None, title: str, shown: Sequence[Budget]) -> HttpResponse:
        policy = policy_of(request)
        wanted = {budget.pk for budget in shown}
        found = [one for one in forecasts(policy) if one.budget.pk in wanted] if wanted else []
        return self.page(
            request,
            "budget.html",
            title,
            crumbs=[self.list_crumb()],
            form=form,
            budgets=bars(policy, found, links=False),
            budget=shown[0] if shown else None,
        )


def _limits(budget: Budget) -> dict[str, str]:
    limits = {"soft": budget.soft_micro_usd, "hard": budget.hard_micro_usd}
    return {name: exact(value) for name, value in limits.items() if value is not None}
