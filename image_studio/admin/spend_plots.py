"""The plots of the Spend page, drawn by the server: widths in per cent, so that they fit any column, heights in px."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from image_studio.admin.money import part, usd
from image_studio.workflow.costs import Cost

#: px: of the bars, of the room for a line's words above and for the days below.
TALL, ABOVE, BELOW = 170, 18, 24
#: More bars than this cannot be told apart: then one stands for a week, or for 30 days.
MOST_BARS = 120
#: A limit that lies higher than so many times the highest bar is told in words: drawn, it would flatten the bars.
HIGH = 3
TICKS = 6


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Some days together."""

    since: date
    until: date
    cost: Cost

    @property
    def label(self) -> str:
        if self.since == self.until:
            return date_format(self.since, "j M")
        return _("{first} to {last}").format(first=date_format(self.since, "j M"), last=date_format(self.until, "j M"))


@dataclass(frozen=True, kw_only=True)
class Line:
    """A limit a day, in micro-USD.

    :param name: ``hard`` or ``soft``.
    """

    name: str
    words: str
    per_day: int


def binned(days: Sequence[tuple[date, Cost]]) -> list[Bin]:
    """Days as bars."""
    size = next((n for n in (1, 7) if len(days) <= n * MOST_BARS), 30)
    parts = [days[at : at + size] for at in range(0, len(days), size)]
    return [Bin(since=some[0][0], until=some[-1][0], cost=_together([c for _d, c in some])) for some in parts]


def _together(costs: Sequence[Cost]) -> Cost:
    return Cost(
        spent=sum(one.spent for one in costs),
        pictures=sum(one.pictures for one in costs),
        calls=sum(one.calls for one in costs),
    )


def days_plot(bins: Sequence[Bin], lines: Sequence[Line]) -> SafeString:
    """A bar for each day, with the limits a day as lines where they lie within reach."""
    most = max((one.cost.spent for one in bins), default=0)
    size = (bins[0].until - bins[0].since).days + 1
    near = [(line, line.per_day * size) for line in lines if 0 < line.per_day * size <= HIGH * most]
    top = nice(max([most, *(at for _line, at in near)], default=0))
    return format_html(
        '<svg class="spend-days" width="100%" height="{}" role="img" aria-labelledby="spend-days-t spend-days-d" '
        'focusable="false"><title id="spend-days-t">{}</title><desc id="spend-days-d">{}</desc>{}{}{}{}</svg>',
        str(ABOVE + TALL + BELOW),
        _("Spending by day") if size == 1 else _("Spending by {n} days").format(n=size),
        _described(bins, lines),
        _grid(top),
        _bars(bins, top),
        _limits(near, top),
        _ticks(bins),
    )


def _described(bins: Sequence[Bin], lines: Sequence[Line]) -> str:
    total = sum(one.cost.spent for one in bins)
    most = max(bins, key=lambda one: one.cost.spent)
    words = [_("{sum} in all.").format(sum=usd(total))]
    if most.cost.spent > 0:
        words.append(_("The most: {sum}, {day}.").format(sum=usd(most.cost.spent), day=most.label))
    return " ".join([*words, *(f"{line.words}." for line in lines), _("The table below has every figure.")])


def nice(most: int) -> int:
    """The end of the scale: a round sum at or above ``most``, at least a cent."""
    step = 10_000
    while True:
        for times in (1, 2, 5):
            if step * times >= most:
                return step * times
        step *= 10


def _y(value: int, top: int) -> float:
    return ABOVE + TALL * (1 - max(0, value) / top)


def _grid(top: int) -> SafeString:
    rows = [(f"{_y(at, top):.1f}", f"{_y(at, top) - 4:.1f}", usd(at)) for at in (top, top // 2)]
    base = str(ABOVE + TALL)
    lines = format_html_join(
        "",
        '<line class="spend-rule" x1="0" x2="100%" y1="{0}" y2="{0}"/>'
        '<text class="spend-scale" x="0" y="{1}">{2}</text>',
        rows,
    )
    return format_html('{}<line class="spend-base" x1="0" x2="100%" y1="{}" y2="{}"/>', lines, base, base)


def _bars(bins: Sequence[Bin], top: int) -> SafeString:
    slot = 100 / len(bins)
    rows: list[tuple[Any, ...]] = []
    for at, one in enumerate(bins):
        y = _y(one.cost.spent, top)
        if one.cost.spent > 0:
            # What is little is still seen.
            y = min(y, ABOVE + TALL - 1.5)
            tall = f"{ABOVE + TALL - y:.1f}"
            rows.append((f"{(at + 0.12) * slot:.3f}%", f"{y:.1f}", f"{slot * 0.76:.3f}%", tall, one.label, one.cost))
    return format_html_join(
        "",
        '<rect class="spend-bar" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        ((*place, label, usd(cost.spent)) for *place, label, cost in rows),
    )


def _limits(near: Sequence[tuple[Line, int]], top: int) -> SafeString:
    return format_html_join(
        "",
        '<line class="spend-{0}" x1="0" x2="100%" y1="{1}" y2="{1}"/><text class="spend-words" x="{2}" y="{3}" '
        'text-anchor="{4}">{5}</text>',
        (
            # Apart from each other, where both lie close together.
            (line.name, f"{_y(at, top):.1f}", *_beside(line, f"{_y(at, top) - 4:.1f}"), line.words)
            for line, at in near
        ),
    )


def _beside(line: Line, y: str) -> tuple[str, str, str]:
    return ("100%", y, "end") if line.name == "hard" else ("50%", y, "middle")


def _ticks(bins: Sequence[Bin]) -> SafeString:
    """Some days below the bars; those between are left out where it is narrow."""
    last = len(bins) - 1
    places = sorted({round(n * last / (TICKS - 1)) for n in range(TICKS)}) if last else [0]
    rows = []
    for place in places:
        anchor = "start" if place == 0 else "end" if place == last else "middle"
        at = {"start": 0.0, "end": 100.0}.get(anchor, 100 * (place + 0.5) / len(bins))
        between = "" if place in (0, last) else " spend-between"
        rows.append((between, f"{at:.2f}%", str(ABOVE + TALL + 17), anchor, date_format(bins[place].since, "j M")))
    return format_html_join("", '<text class="spend-tick{}" x="{}" y="{}" text-anchor="{}">{}</text>', rows)


def share(spent: int, most: int) -> SafeString:
    """A bar in a row of a table: the row's figures say it in words."""
    return format_html(
        '<svg class="spend-share" width="100%" height="12" aria-hidden="true" focusable="false">'
        '<rect class="spend-bar" width="{}" height="12"/></svg>',
        part(spent, most),
    )
