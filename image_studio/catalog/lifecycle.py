"""When models end and what follows. Pure functions of the catalog and a day; days are dates in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from image_studio.catalog.specs import ModelSpec, RouteSpec, RouteStep

Phase = Literal["active", "deprecated", "ending", "ended"]
#: Days before its end at which a model is told of, each louder than the one before.
NOTICE_DAYS = (90, 30, 7)


def days_left(spec: ModelSpec, today: date) -> int | None:
    """Days until its last day, less than 0 once it is over; None where no day is named."""
    return (spec.ends_on - today).days if spec.ends_on else None


def notice(spec: ModelSpec, today: date) -> int:
    """The nearest of :data:`NOTICE_DAYS` that has begun; 0 while there is nothing to tell, or once it is over."""
    left = days_left(spec, today)
    if left is None or left < 0:
        return 0
    return min((days for days in NOTICE_DAYS if left <= days), default=0)


def phase(spec: ModelSpec, today: date) -> Phase:
    """``ended``, else ``ending`` from the first notice on, else ``deprecated`` once the provider said so."""
    if spec.ended(today):
        return "ended"
    if notice(spec, today):
        return "ending"
    if spec.ends_on or (spec.deprecated and spec.deprecated <= today):
        return "deprecated"
    return "active"


def route_now(route: RouteSpec, models: Mapping[str, ModelSpec], today: date) -> RouteStep:
    """Where a route leads on a day: its first step whose model has not ended.

    A step is left on the model's last day already: nobody knows at which hour of it the provider stops. A model
    that ``models`` does not know never ends. Where every step has ended, the last one stays, and is refused.
    """
    return next((step for step in route.steps if not _left(models.get(step.model), today)), route.steps[-1])


def switched(route: RouteSpec, models: Mapping[str, ModelSpec], today: date) -> RouteSpec:
    """A route as it is on a day; what it left behind is gone, what may still follow stays in ``then``."""
    step = route_now(route, models, today)
    place = route.steps.index(step)
    return replace(route, model=step.model, quality=step.quality, then=route.steps[place + 1 :]) if place else route


def _left(spec: ModelSpec | None, today: date) -> bool:
    return spec is not None and spec.ends_on is not None and today >= spec.ends_on


@dataclass(frozen=True, kw_only=True)
class Switch:
    """A route's next change.

    :param on: the first day of the new step.
    """

    on: date
    old: RouteStep
    new: RouteStep


def next_switch(route: RouteSpec, models: Mapping[str, ModelSpec], today: date) -> Switch | None:
    """What a route changes to and when, as far as the catalog knows; None where it stays, or has nowhere to go.

    :param route: as it is written, with all its steps; one that is already switched works too.
    """
    old = route_now(route, models, today)
    spec = models.get(old.model)
    if spec is None or spec.ends_on is None or spec.ends_on <= today:
        return None
    new = route_now(route, models, spec.ends_on)
    return None if new == old else Switch(on=spec.ends_on, old=old, new=new)


def notice_begins(spec: ModelSpec) -> date | None:
    """The first day on which a model's end is told."""
    return spec.ends_on - timedelta(days=NOTICE_DAYS[0]) if spec.ends_on else None
