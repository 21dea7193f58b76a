"""Budgets over REST: what may be spent, what is left, and where it is heading."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio import ledger
from image_studio.api.base import StudioView
from image_studio.api.fields import Body, Choice, Integer, Nothing, Text
from image_studio.api.filters import OneOf, Slug, StudioFilters
from image_studio.api.operations import operation
from image_studio.exceptions import InvalidRequest, NotAllowed
from image_studio.models import LEVELS, PERIODS, Brand, Budget, database_now
from image_studio.workflow import spending as verbs
from image_studio.workflow.costs import forecast_of

MICRO = "Millionths of a US dollar."
LIMITS = ("soft_micro_usd", "hard_micro_usd")


class BudgetFilters(StudioFilters):
    """The list's filters."""

    brand = Slug("brand__slug", about="A brand's slug.")
    level = OneOf("level", words=LEVELS, about="Whose they are.")
    period = OneOf("period", words=PERIODS, about="For how long they count.")


class BudgetUser(serializers.Serializer):
    """Whose spending is counted."""

    id = serializers.CharField()
    name = serializers.CharField()


class BudgetRow(serializers.Serializer):
    """A budget, its counters as they count today. What is held counts as spent."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    level = serializers.ChoiceField(choices=list(LEVELS.items()))
    brand = serializers.CharField(allow_null=True, help_text="The brand's slug; null: in all brands.")
    user = BudgetUser(allow_null=True, help_text="null: everybody together.")
    period = serializers.ChoiceField(choices=list(PERIODS.items()))
    start = serializers.DateField(help_text="First day (UTC) of the period that is counted.")
    until = serializers.DateField(allow_null=True, help_text="First day of the next one; null: it never ends.")
    soft_micro_usd = serializers.IntegerField(allow_null=True, help_text=f"From here on people are warned. {MICRO}")
    hard_micro_usd = serializers.IntegerField(allow_null=True, help_text=f"Beyond this nothing is ordered. {MICRO}")
    spent_micro_usd = serializers.IntegerField()
    held_micro_usd = serializers.IntegerField(help_text="For what is ordered and not paid yet, and for calls in doubt.")
    left_micro_usd = serializers.IntegerField(allow_null=True, help_text="null without a limit, never below 0.")
    forecast_micro_usd = serializers.IntegerField(
        allow_null=True,
        help_text="Spent at the period's end, by the mean of its days so far; null where that says nothing.",
    )
    exceeds = serializers.BooleanField(help_text="Whether the forecast lies over the limit.")
    actions = serializers.ListField(child=serializers.CharField(), help_text="What you may do with it.")


def limit_field(about: str) -> Integer:
    """A sum of money in a body."""
    more = {"required": False, "allow_null": True, "help_text": f"{about} {MICRO}"}
    return Integer(min_value=0, max_value=verbs.MOST, **more)


class BudgetLimits(Body):
    """What is left out stays, null takes a limit away; one of both must be there."""

    soft_micro_usd = limit_field("From here on people are warned, once a period.")
    hard_micro_usd = limit_field("Beyond this nothing is ordered.")


class NewBudget(BudgetLimits):
    """Whose budget, for how long."""

    brand = Text(max_length=64, required=False, allow_null=True, help_text="Its slug; left out: the whole site.")
    user = Text(
        max_length=150, required=False, allow_null=True, help_text="As they sign in; left out: everybody together."
    )
    period = Choice(choices=list(PERIODS.items()), required=False, help_text="`month` unless you say otherwise.")


PLAIN = ("level", "period", "start", "soft_micro_usd", "hard_micro_usd", "spent_micro_usd", "held_micro_usd")


class BudgetView(StudioView):
    """What the addresses of budgets share."""

    tag = "spending"

    def budget(self, pk: UUID) -> Budget:
        """:raises Http404: for one that is not there, or that this person may not see."""
        found = verbs.budgets(self.policy).filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def row(self, budget: Budget, now: datetime) -> dict[str, Any]:
        """:class:`BudgetRow` of a budget with its brand and its user."""
        (counted,) = ledger.current([budget], now=now)
        seen = forecast_of(counted, now.astimezone(UTC).date())
        user, brand = budget.user, budget.brand
        return {
            **{name: getattr(counted, name) for name in PLAIN},
            "id": budget.pk,
            "url": self.address("budget-detail", budget.pk),
            "brand": brand.slug if brand else None,
            "user": {"id": str(user.pk), "name": user.get_username()} if user else None,
            "until": seen.until,
            "left_micro_usd": counted.left_micro_usd,
            "forecast_micro_usd": seen.forecast,
            "exceeds": seen.exceeds,
            "actions": ["change", "remove"] if verbs.may_edit(self.policy, brand) else [],
        }


class BudgetList(BudgetView):
    """The budgets that concern you."""

    filters: ClassVar[Any] = BudgetFilters

    @operation(
        "listBudgets",
        "List budgets",
        description="Of brands whose spending you may see, and your own. Superusers see the site's too.",
        listed=BudgetRow,
        parameters=BudgetFilters.parameters(),
    )
    def get(self, request: Request) -> Response:
        now, person = database_now(), get_user_model()
        name = f"user__{person.USERNAME_FIELD}"

        def make(row: dict[str, Any]) -> dict[str, Any]:
            brand, slug, user, called = (row.pop(key) for key in ("brand_id", "brand__slug", "user_id", name))
            return self.row(
                Budget(
                    brand=Brand(pk=brand, slug=slug) if brand else None,
                    user=person(pk=user, **{person.USERNAME_FIELD: called}) if user else None,
                    **row,
                ),
                now,
            )

        fields = ("id", *PLAIN, "brand_id", "brand__slug", "user_id", name)
        return self.listed(request, verbs.budgets(self.policy), make, fields)

    @operation(
        "createBudget",
        "Set a budget",
        description=(
            "Of a brand, a person, or a person within a brand; without both, of the whole site (superusers). What was "
            "spent and held in its period counts from the start."
        ),
        body=NewBudget,
        answers={201: BudgetRow},
        errors=(403, 404, 409),
    )
    def post(self, request: Request) -> Response:
        said = self.body(NewBudget)
        slug, name = said.get("brand"), said.get("user")
        brand = self.brand(slug, "edit_budget") if slug is not None else None
        if not verbs.may_edit(self.policy, brand):
            raise NotAllowed("policy.not_allowed", verb="edit_budget", role="superuser")
        limits = {key: said.get(key) for key in LIMITS}
        user = _user(name, brand) if name is not None else None
        budget = verbs.make_budget(self.policy, brand=brand, user=user, period=said.get("period", "month"), **limits)
        body = self.row(budget, database_now())
        return Response(body, status=201, headers={"Location": body["url"]})


def _user(name: str, brand: Brand | None) -> Any:
    """:raises InvalidRequest: for nobody; within a brand as for who is no member, so that nobody tries names."""
    people = get_user_model()
    found = people._default_manager.filter(**{people.USERNAME_FIELD: name}).first()
    if found is None and brand is not None:
        raise InvalidRequest("budget.not_member")
    if found is None:
        raise InvalidRequest("request.unknown_user", user=name)
    return found


class BudgetDetails(BudgetView):
    """One budget."""

    http_method_names = (*StudioView.http_method_names, "delete")

    @operation("getBudget", "Look at a budget", answers={200: BudgetRow})
    def get(self, request: Request, budget_id: UUID) -> Response:
        self.only_query()
        return Response(self.row(self.budget(budget_id), database_now()))

    @operation(
        "changeBudget",
        "Change a budget's limits",
        description="Below what is spent and held already nothing more is ordered, and nothing is undone.",
        body=BudgetLimits,
        answers={200: BudgetRow},
        errors=(403,),
    )
    def patch(self, request: Request, budget_id: UUID) -> Response:
        budget = self.budget(budget_id)
        said = self.body(BudgetLimits, partial=True)
        limits = {key: said.get(key, getattr(budget, key)) for key in LIMITS}
        changed = verbs.change_budget(self.policy, budget, **limits)
        return Response(self.row(changed, database_now()))

    @operation(
        "removeBudget",
        "Remove a budget",
        description="Nothing limits its spending any more. The ledger stays.",
        answers={204: None},
        errors=(403,),
    )
    def delete(self, request: Request, budget_id: UUID) -> Response:
        self.only_query()
        self.body(Nothing, optional=True)
        verbs.remove_budget(self.policy, self.budget(budget_id))
        return Response(status=204)
