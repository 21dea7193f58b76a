"""What was spent, over REST: usage by day, model or brand, and the ledger behind it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api.base import StudioView, as_uuid
from image_studio.api.files import HEADERS
from image_studio.api.filters import DAY_SHAPE, NO_DAY, SLUG, Day, Filter, OneOf, StudioFilters, day_of
from image_studio.api.operations import operation, query
from image_studio.models import ENTRY_KINDS, ENTRY_REASONS, Brand, LedgerEntry
from image_studio.workflow.costs import Cost, Spend, entries, spend
from image_studio.workflow.ledger_csv import lines
from image_studio.workflow.own_spending import own_spend

GROUPS = ("day", "model", "brand")
WHOSE = ("brands", "own")
SINCE = query("since", "First day (UTC); the first of this month by itself.", DAY_SHAPE)
UNTIL = query("until", "Last day, within it; today by itself.", DAY_SHAPE)
BRAND = query("brand", "A brand's slug.", {"type": "string", "pattern": SLUG})
#: A link's or an id's shape.
ID = {"type": "string", "format": "uuid"}


# Usage ---------------------------------------------------------------------------------------------------------------


class UsageCost(serializers.Serializer):
    """What was spent. Millionths of a US dollar."""

    spent = serializers.IntegerField()
    pictures = serializers.IntegerField(help_text="That were bought.")
    calls = serializers.IntegerField(help_text="Whose bill is known.")
    per_picture = serializers.IntegerField(allow_null=True, help_text="Rounded up; null where none was bought.")
    approved = serializers.IntegerField(
        allow_null=True,
        help_text=(
            "Pictures approved in these days that show a bought one, each once; null where they are not counted so."
        ),
    )
    per_approved = serializers.IntegerField(
        allow_null=True, help_text="Everything that was spent, over what was good enough; null where nothing was."
    )


class UsageRow(UsageCost):
    """A part of it."""

    key = serializers.CharField(help_text="The day, the model, or the brand's slug.")
    name = serializers.CharField()


class UsageReport(serializers.Serializer):
    """What was spent in some days."""

    since = serializers.DateField()
    until = serializers.DateField(help_text="Within it.")
    whose = serializers.ChoiceField(
        choices=WHOSE, help_text="`brands`: of all brands whose spending you may see; `own`: what you asked for."
    )
    total = UsageCost()
    group = serializers.ChoiceField(choices=GROUPS)
    rows = UsageRow(many=True, help_text="Every day, in order; models and brands with the dearest first.")


class UsageView(StudioView):
    """What reports share."""

    tag = "spending"

    def day(self, name: str) -> date | None:
        """A day of the query.

        :raises ValidationError: for what is none.
        """
        text = self.request.query_params.get(name)
        if text is None:
            return None
        found = day_of(text)
        if found is None:
            raise ValidationError({name: [str(NO_DAY)]})
        return found

    def brand_asked(self) -> Brand | None:
        """The brand of the query.

        :raises Http404: for one that is not there, or that this person is not in.
        """
        slug = self.request.query_params.get("brand")
        if slug is None:
            return None
        found = self.policy.brands().filter(slug=slug).first() if "\x00" not in slug else None
        if found is None:
            raise Http404
        return found


class Usage(UsageView):
    """What was spent."""

    @operation(
        "getUsage",
        "See what was spent",
        description=(
            "Of the brands whose spending you may see, or of one. Who may see none, or names a brand whose spending "
            "they may not see, gets their own: `whose` says which."
        ),
        answers={200: UsageReport},
        errors=(404, 422),
        parameters=(
            SINCE,
            UNTIL,
            BRAND,
            query("group", "What the rows are.", {"type": "string", "enum": list(GROUPS), "default": "day"}),
        ),
    )
    def get(self, request: Request) -> Response:
        self.only_query("since", "until", "brand", "group")
        group = request.query_params.get("group", "day")
        if group not in GROUPS:
            raise ValidationError({"group": [_("Choose one of: %(known)s.") % {"known": ", ".join(GROUPS)}]})
        span, brand = {"since": self.day("since"), "until": self.day("until")}, self.brand_asked()
        whole = self.policy.can("see_spend", brand) if brand else self.policy.somewhere("see_spend")
        found = (spend if whole else own_spend)(self.policy, brand=brand, **span)
        return Response(
            {
                "since": found.since,
                "until": found.until,
                "whose": "brands" if whole else "own",
                "total": _cost(found.total),
                "group": group,
                "rows": _rows(found, group),
            }
        )


def _rows(found: Spend, group: str) -> list[dict[str, Any]]:
    if group == "day":
        return [
            {"key": day.isoformat(), "name": day.isoformat(), **_cost(cost, counted=False)} for day, cost in found.days
        ]
    counted = group == "brand"
    parts = found.brands if counted else found.models
    return [{"key": one.key, "name": one.name, **_cost(one.cost, counted=counted)} for one in parts]


def _cost(cost: Cost, *, counted: bool = True) -> dict[str, Any]:
    approved = {"approved": cost.approved, "per_approved": cost.per_approved}
    return {
        "spent": cost.spent,
        "pictures": cost.pictures,
        "calls": cost.calls,
        "per_picture": cost.per_picture,
        **(approved if counted else dict.fromkeys(approved)),
    }


# The ledger ----------------------------------------------------------------------------------------------------------


class LedgerRow(serializers.Serializer):
    """One movement of money. It is never changed; what was wrong is adjusted by another."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    day = serializers.DateField(help_text="Of `at` in UTC, as vendors bill.")
    kind = serializers.ChoiceField(choices=list(ENTRY_KINDS.items()))
    held_micro_usd = serializers.IntegerField(help_text="Change of what is held; less than 0 where it is let go.")
    spent_micro_usd = serializers.IntegerField(help_text="Change of what is spent.")
    pictures = serializers.IntegerField(help_text="That a settled call brought.")
    reason = serializers.ChoiceField(
        choices=list(ENTRY_REASONS.items()), allow_blank=True, help_text="Where it is not what it would be by itself."
    )
    note = serializers.CharField()
    brand = serializers.CharField(allow_null=True, help_text="The brand's slug; null where it is gone.")
    user = serializers.CharField(help_text="Who asked.")
    by = serializers.CharField(help_text="Who moved it: the worker, or a person.")
    job = serializers.UUIDField(allow_null=True)
    attempt = serializers.UUIDField(allow_null=True)
    variant_set = serializers.UUIDField(allow_null=True)
    chain = serializers.UUIDField(allow_null=True)
    provider = serializers.CharField()
    route = serializers.CharField()
    model = serializers.CharField()


class LedgerFilters(StudioFilters):
    """The list's filters."""

    brand = Filter(about="A brand's slug.", shape={"type": "string", "pattern": SLUG}, method="by_brand")
    since = Day("day", "gte", about="First day (UTC).")
    until = Day("day", "lte", about="Last day, within it.")
    kind = OneOf("kind", words=ENTRY_KINDS, about="What moved.")
    job = Filter(about="A job's id.", shape=ID, method="by_id")
    variant_set = Filter(about="A set's id.", shape=ID, method="by_id")
    chain = Filter(about="An edit chain's id.", shape=ID, method="by_id")

    def by_brand(self, found: QuerySet[LedgerEntry], _name: str, value: str) -> QuerySet[LedgerEntry]:
        return found.filter(brand_id__in=Brand.objects.filter(slug=value).values("pk")[:1])

    def by_id(self, found: QuerySet[LedgerEntry], name: str, value: str) -> QuerySet[LedgerEntry]:
        pk = as_uuid(value)
        if pk is None:
            raise ValidationError({name: [_("It is no id.")]})
        return found.filter(**{name: pk})


PLAIN = (
    *("id", "at", "day", "kind", "held_micro_usd", "spent_micro_usd", "pictures", "reason", "note"),
    *("job", "attempt", "variant_set", "chain", "provider", "route", "model"),
)
MADE: Mapping[str, Any] = {"brand": Subquery(Brand.objects.filter(pk=OuterRef("brand_id")).values("slug")[:1])}


class Ledger(StudioView):
    """Every movement of money."""

    tag = "spending"
    filters: ClassVar[Any] = LedgerFilters

    @operation(
        "listLedger",
        "List the movements of money",
        description=(
            "Of brands whose spending you may see, and what you asked for yourself; newest first. The sums of both "
            "columns over any rows are what is held and what is spent by them."
        ),
        listed=LedgerRow,
        parameters=LedgerFilters.parameters(),
    )
    def get(self, request: Request) -> Response:
        return self.listed(request, entries(self.policy), _entry, (*PLAIN, "user_label", "actor_label"), made=MADE)


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "user": row.pop("user_label"), "by": row.pop("actor_label")}


class LedgerTable(UsageView):
    """The same for spreadsheets."""

    @operation(
        "downloadLedger",
        "Download the movements of money as CSV",
        description=(
            "Of brands whose spending you may see, the oldest first: they add up to what `usage/` says of the same "
            "days. UTF-8; what would start a formula in a spreadsheet begins with an apostrophe."
        ),
        answers={(200, "text/csv"): OpenApiTypes.STR},
        errors=(403, 404, 422),
        parameters=(SINCE, UNTIL, BRAND),
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        self.only_query("since", "until", "brand")
        found = lines(self.policy, since=self.day("since"), until=self.day("until"), brand=self.brand_asked())
        headers = {
            **HEADERS,
            "Cache-Control": "private, no-store",
            "Content-Disposition": 'attachment; filename="ledger.csv"',
        }
        return StreamingHttpResponse(found, content_type="text/csv; charset=utf-8", headers=headers)
