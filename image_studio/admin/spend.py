"""The Spend page: by day, model and brand, budgets and where they are heading, what waits for a decision."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.base import policy_of
from image_studio.admin.correction import may_correct
from image_studio.admin.files import secured
from image_studio.admin.money import bars, usd
from image_studio.admin.spend_plots import Line, binned, days_plot, share
from image_studio.admin.unknown import listed
from image_studio.exceptions import StudioError
from image_studio.models import Brand
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow.allowance import stops
from image_studio.workflow.costs import Cost, Forecast, Slice, Spend, month_of, spend
from image_studio.workflow.ledger_csv import lines
from image_studio.workflow.spending import may_edit, may_stop

if TYPE_CHECKING:
    from image_studio.admin.base import StudioAdmin

TITLE = gettext_lazy("Spend")
PERIODS = {
    "month": gettext_lazy("This month"),
    "last": gettext_lazy("Last month"),
    "7": gettext_lazy("7 days"),
    "30": gettext_lazy("30 days"),
    "90": gettext_lazy("90 days"),
    "free": gettext_lazy("Free dates"),
}
#: Rows of a table before the rest is added up in one.
MOST_ROWS = 20
VIEW_JOB = "image_studio.view_job"
MOST_BUDGETS, MOST_DOUBTS = 40, 10
#: A dash for no figure.
NONE = "\u2013"
#: Days of a budget's period, where it is not asked of the calendar.
DAYS = {"day": 1, "week": 7, "year": 365}


@dataclass(frozen=True, kw_only=True)
class View:
    """What of the ledger is looked at.

    :param problem: why the days that were asked for are not shown.
    """

    period: str
    since: date
    until: date
    brand: Brand | None
    problem: str = ""

    @property
    def query(self) -> str:
        """The address's own words for it."""
        told: dict[str, Any] = {"period": self.period}
        if self.period == "free":
            told |= {"since": self.since.isoformat(), "until": self.until.isoformat()}
        if self.brand is not None:
            told["brand"] = self.brand.slug
        return urlencode(told)


def may_see(request: HttpRequest) -> bool:
    """Django's permission first, then somebody's who may see any brand's spending."""
    policy = policy_of(request)
    allowed = request.user.has_perm("image_studio.view_ledgerentry")
    return allowed and (policy.passes or policy.somewhere("see_spend"))


def view_of(request: HttpRequest, brands: Sequence[Brand]) -> View:
    """:raises Http404: for a brand that is not one of ``brands``."""
    slug = request.GET.get("brand", "")
    brand = next((one for one in brands if one.slug == slug), None)
    if slug and brand is None:
        raise Http404
    today = timezone.now().astimezone(UTC).date()
    period = request.GET.get("period", "")
    period = period if period in PERIODS else "month"
    first, last = month_of(today)
    if period == "last":
        first, last = month_of(first - timedelta(days=1))
        return View(period=period, since=first, until=last, brand=brand)
    if period == "free":
        return _free(request, brand, today)
    since = first if period == "month" else today - timedelta(days=int(period) - 1)
    return View(period=period, since=since, until=today, brand=brand)


def _free(request: HttpRequest, brand: Brand | None, today: date) -> View:
    """Days as they were typed; this month where they are none."""
    try:
        since, until = (forms.DateField().clean(request.GET.get(name, "")) for name in ("since", "until"))
    except forms.ValidationError:
        words = _("Give both days, like {day}. This month is shown.").format(day=today.isoformat())
        return View(period="free", since=today.replace(day=1), until=today, brand=brand, problem=words)
    return View(period="free", since=since, until=until, brand=brand)


def respond(page: StudioAdmin, request: HttpRequest) -> HttpResponse:
    """The page."""
    policy = policy_of(request)
    if not may_see(request):
        raise PermissionDenied
    brands = list(policy.brands("see_spend").order_by("name"))
    looked = view_of(request, brands)
    try:
        found = spend(policy, since=looked.since, until=looked.until, brand=looked.brand)
    except StudioError as error:
        problem = explain_error(error)
        today = timezone.now().astimezone(UTC).date()
        looked = View(period="free", since=today.replace(day=1), until=today, brand=looked.brand, problem=problem)
        found = spend(policy, since=looked.since, until=looked.until, brand=looked.brand)
    return page.page(request, "spend.html", str(TITLE), **_context(request, policy, looked, found, brands))


def _context(
    request: HttpRequest, policy: Policy, looked: View, found: Spend, brands: Sequence[Brand]
) -> dict[str, Any]:
    alone = looked.brand or (brands[0] if len(brands) == 1 and not policy.passes else None)
    limits = _lines(found, alone, policy)
    bins = binned(found.days)
    edits = request.user.has_perm("image_studio.change_budget")
    throws = request.user.has_perm("image_studio.change_switch")
    doubts = listed(policy, most=MOST_DOUBTS, brand=looked.brand) if request.user.has_perm(VIEW_JOB) else None
    return {
        "looked": looked,
        "periods": [(value, words, value == looked.period) for value, words in PERIODS.items()],
        "brands": brands,
        "figures": _figures(found.total),
        "empty": not (found.total.spent or found.total.calls),
        "plot": days_plot(bins, limits) if bins else "",
        "too_high": [line.words for line in limits],
        "bins": [(one.label, usd(one.cost.spent), one.cost.pictures, one.cost.calls) for one in bins],
        "by_model": _rows(found.models),
        "by_brand": _rows(found.brands) if looked.brand is None else [],
        "budgets": bars(policy, found.budgets[:MOST_BUDGETS], links=edits),
        "more_budgets": len(found.budgets) > MOST_BUDGETS,
        "may_budget": request.user.has_perm("image_studio.add_budget") and _keeps(policy, brands),
        "doubts": doubts,
        "stops": stops(policy, [looked.brand.pk] if looked.brand else None),
        "may_stop": throws and (may_stop(policy, looked.brand) if looked.brand else _throws(policy, brands)),
        "may_correct": may_correct(request),
        "title_of_period": _period_words(looked),
    }


def _keeps(policy: Policy, brands: Sequence[Brand]) -> bool:
    return policy.passes or any(may_edit(policy, brand) for brand in brands)


def _throws(policy: Policy, brands: Sequence[Brand]) -> bool:
    return policy.passes or any(may_stop(policy, brand) for brand in brands)


def _period_words(looked: View) -> str:
    first, last = date_format(looked.since, "DATE_FORMAT"), date_format(looked.until, "DATE_FORMAT")
    return _("{first} to {last}").format(first=first, last=last)


def _figures(total: Cost) -> list[tuple[str, str]]:
    """The sums on top."""
    return [
        (_("Spent"), usd(total.spent)),
        (_("Pictures bought"), str(total.pictures)),
        (_("A bought picture"), NONE if total.per_picture is None else usd(total.per_picture)),
        (_("Approved"), str(total.approved)),
        (_("An approved picture"), NONE if total.per_approved is None else usd(total.per_approved)),
    ]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A model or a brand in its table."""

    name: str
    bar: Any
    spent: str
    pictures: int
    per_picture: str
    approved: int
    per_approved: str


def _rows(found: Sequence[Slice]) -> list[Row]:
    """The dearest first; what is beyond :data:`MOST_ROWS` together in the last one."""
    shown, rest = found[:MOST_ROWS], found[MOST_ROWS:]
    if rest:
        more = Cost(
            spent=sum(one.cost.spent for one in rest),
            pictures=sum(one.cost.pictures for one in rest),
            calls=sum(one.cost.calls for one in rest),
            approved=sum(one.cost.approved for one in rest),
        )
        shown = [*shown, Slice(key="", name=_("{n} others").format(n=len(rest)), cost=more)]
    most = max((one.cost.spent for one in shown), default=0)
    return [_row(one, most) for one in shown]


def _row(one: Slice, most: int) -> Row:
    cost = one.cost
    return Row(
        name=one.name,
        bar=share(cost.spent, most),
        spent=usd(cost.spent),
        pictures=cost.pictures,
        per_picture=usd(cost.per_picture) if cost.per_picture is not None else NONE,
        approved=cost.approved,
        per_approved=usd(cost.per_approved) if cost.per_approved is not None else NONE,
    )


def _lines(found: Spend, brand: Brand | None, policy: Policy) -> list[Line]:
    """The limits a day of the brand that is shown, or of the site where all of it is."""
    level = "brand" if brand is not None else "site"
    if brand is None and not policy.passes:
        return []
    order = ("day", "week", "month", "year")
    wanted = brand.pk if brand is not None else None
    rows = [
        one
        for one in found.budgets
        if one.budget.level == level and one.budget.brand_id == wanted and one.budget.period in order
    ]
    rows.sort(key=lambda one: order.index(one.budget.period))
    told: list[Line] = []
    for name, words, only in (
        ("hard", _("Limit a day: {sum}"), _("Limit a day, on average: {sum}")),
        ("soft", _("Warns from {sum} a day"), _("Warns from {sum} a day, on average")),
    ):
        column = f"{name}_micro_usd"
        one = next((row for row in rows if getattr(row.budget, column) is not None), None)
        if one is not None:
            daily = round(getattr(one.budget, column) / _days(one))
            phrase = words if one.budget.period == "day" else only
            told.append(Line(name=name, words=phrase.format(sum=usd(daily)), per_day=daily))
    return told


def _days(one: Forecast) -> int:
    """Days of a budget's period."""
    start = one.budget.start
    if one.budget.period == "month":
        return calendar.monthrange(start.year, start.month)[1]
    return DAYS[one.budget.period]


def download(page: StudioAdmin, request: HttpRequest) -> HttpResponseBase:
    """The ledger behind the page as CSV, sent as it is read."""
    policy = policy_of(request)
    if not may_see(request):
        raise PermissionDenied
    looked = view_of(request, list(policy.brands("see_spend")))
    try:
        found = lines(policy, since=looked.since, until=looked.until, brand=looked.brand)
    except StudioError as error:
        return HttpResponse(explain_error(error), status=400, content_type="text/plain; charset=utf-8")
    name = f"spending-{looked.since}-{looked.until}{'-' + looked.brand.slug if looked.brand else ''}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return secured(StreamingHttpResponse(_marked(found), content_type="text/csv; charset=utf-8", headers=headers))


def _marked(found: Any) -> Any:
    """With the mark by which spreadsheets know UTF-8."""
    yield "\ufeff"
    yield from found
