"""Money on the admin's pages: figures, bars of budgets, and what an order leaves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.urls import reverse
from django.utils.formats import date_format, get_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from image_studio.ledger import whose
from image_studio.models import Brand, Budget
from image_studio.policy import Policy
from image_studio.wording.money import dollars
from image_studio.workflow.allowance import rooms
from image_studio.workflow.costs import Cost, Forecast
from image_studio.workflow.spending import may_edit

#: Dollars down to a millionth, and less than any column holds.
SUM = re.compile(r"[0-9]{1,12}(\.[0-9]{0,6})?|\.[0-9]{1,6}")


def usd(micro_usd: int) -> str:
    """``$31.20``, ``$0.0062``, ``-$0.04``: a sum in a table, where nothing is 0 and not free."""
    return f"-${dollars(-micro_usd)}" if micro_usd < 0 else f"${dollars(micro_usd)}"


def exact(micro_usd: int) -> str:
    """Dollars for a field that a person changes: no figure of it is lost."""
    return f"{(Decimal(micro_usd) / 1_000_000).normalize():f}"


def micro(text: str) -> int:
    """Dollars as a person types them, ``12.50`` or as their language writes it, in micro-USD.

    :raises ValueError: for what is no sum of money.
    """
    plain = text.strip().removeprefix("$").strip()
    mark = get_format("DECIMAL_SEPARATOR")
    if mark != "." and mark in plain:
        plain = plain.replace(".", "").replace(mark, ".")
    plain = re.sub(r"\s", "", plain)
    if not SUM.fullmatch(plain):
        raise ValueError(text)
    return int(Decimal(plain) * 1_000_000)


def left_words(policy: Policy, brand: Brand | None, most: int) -> str:
    """What the tightest budget has left after an order: nothing where none limits it, or where it is refused."""
    found = rooms(policy, brand, most) if brand is not None else ()
    if not found or found[0].left < 0:
        return ""
    tight = found[0]
    return _("Leaves at least ${left} of ${limit} in the budget of {whose} ({period}).").format(
        left=dollars(tight.left),
        limit=dollars(tight.limit),
        whose=whose(tight.budget),
        period=tight.budget.get_period_display(),
    )


def cost_words(cost: Cost) -> list[tuple[str, str]]:
    """A thing's cost as label and figure: spent, held, and what a picture and an approved one came to."""
    rows = [
        (_("Spent"), usd(cost.spent) if cost.spent or cost.held else _("free")),
        (_("Held"), usd(cost.held) if cost.held else ""),
        (_("Pictures bought"), str(cost.pictures) if cost.pictures else ""),
        (_("A picture"), usd(cost.per_picture) if cost.per_picture else ""),
        (_("An approved picture"), usd(cost.per_approved) if cost.per_approved and cost.approved else ""),
    ]
    return [(label, words) for label, words in rows if words]


# Budgets as bars ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A budget as a page shows it.

    :param url: where it is changed, by who may; else empty.
    """

    budget: Budget
    name: str
    words: str
    forecast: str
    look: str
    chip: str
    drawing: SafeString
    url: str = ""


def bars(policy: Policy, found: Sequence[Forecast], *, links: bool = True) -> list[Bar]:
    """Budgets with what is spent, held and left, and where they are heading."""
    return [bar(policy, one, links=links) for one in found]


def bar(policy: Policy, found: Forecast, *, links: bool = True) -> Bar:
    """One of them.

    :param links: whether the person may change budgets at all, by Django's own permission.
    """
    budget = found.budget
    hard, used = budget.hard_micro_usd, budget.spent_micro_usd + budget.held_micro_usd
    look, chip = _standing(budget, used, exceeds=found.exceeds)
    parts = [_("{sum} spent").format(sum=usd(budget.spent_micro_usd))]
    if budget.held_micro_usd:
        parts.append(_("{sum} held").format(sum=usd(budget.held_micro_usd)))
    if hard is not None:
        left = usd(budget.left_micro_usd or 0)
        parts.append(_("{left} left of {limit}").format(left=left, limit=usd(hard)))
    if budget.soft_micro_usd is not None:
        parts.append(_("warns from {sum}").format(sum=usd(budget.soft_micro_usd)))
    may = links and may_edit(policy, budget.brand)
    return Bar(
        budget=budget,
        name=name_of(budget),
        words=", ".join(parts),
        forecast=_heading(found),
        look=look,
        chip=chip,
        drawing=_drawn(found),
        url=reverse("admin:image_studio_budget_change", args=[budget.pk]) if may else "",
    )


def name_of(budget: Budget) -> str:
    """``Acme (Month)``."""
    name = capfirst(whose(budget)) if budget.level == "site" else whose(budget)
    return f"{name} ({budget.get_period_display()})"


def _standing(budget: Budget, used: int, *, exceeds: bool) -> tuple[str, str]:
    hard, soft = budget.hard_micro_usd, budget.soft_micro_usd
    if hard is not None and used >= hard:
        return "failed", _("Used up")
    if soft is not None and used >= soft:
        return "waiting", _("Warns")
    return ("waiting", _("Will not last")) if exceeds else ("ready", _("Fine"))


def _heading(found: Forecast) -> str:
    # What a day comes to at this pace is what it is.
    if found.forecast is None or found.until is None or found.budget.period == "day":
        return ""
    return _("At this pace {sum} by {day}.").format(sum=usd(found.forecast), day=date_format(found.until, "j M"))


def _drawn(found: Forecast) -> SafeString:
    """Spent and held as parts of the limit, the warning as a line, the forecast as a mark. The words beside say it."""
    budget = found.budget
    spent, held = max(0, budget.spent_micro_usd), budget.held_micro_usd
    ends = [budget.hard_micro_usd, spent + held, budget.soft_micro_usd]
    whole = max(*(end or 0 for end in ends), 1)
    marks = [("spend-soft", budget.soft_micro_usd), ("spend-ahead", found.forecast)]
    lines = format_html_join(
        "",
        '<line class="{}" x1="{}" x2="{}" y1="0" y2="16"/>',
        ((name, part(at, whole), part(at, whole)) for name, at in marks if at is not None and at <= whole),
    )
    return format_html(
        '<svg class="spend-budget" width="100%" height="16" aria-hidden="true" focusable="false">'
        '<rect class="spend-room" width="100%" height="16"/><rect class="spend-used" width="{}" height="16"/>'
        '<rect class="spend-held" x="{}" width="{}" height="16"/>{}</svg>',
        part(spent, whole),
        part(spent, whole),
        part(held, whole),
        lines,
    )


def part(of: int, whole: int) -> str:
    """A share in per cent, as SVG reads it in every language."""
    return f"{max(0.0, min(100.0, 100 * of / whole)):.3f}%" if whole > 0 else "0%"
