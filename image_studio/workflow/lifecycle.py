"""What stands on a model that ends: routes and work that waits. Prompts never do, they name no model.

The dates are the catalog's, see :mod:`image_studio.catalog.lifecycle`; here they meet the site.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

from django.db.models import Q

from image_studio import conf as site
from image_studio.catalog import refusals
from image_studio.catalog.lifecycle import Switch, days_left, next_switch, notice, phase
from image_studio.catalog.specs import ModelSpec, RouteSpec
from image_studio.models import Job
from image_studio.policy import Policy
from image_studio.providers.base import Finding

#: A model that ends within this many days is no longer something to build on.
CLOSE = 30
#: States of work that would still be sent.
PENDING = ("queued", "leased")
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class RouteUse:
    """A route that leads to a model that ends.

    :param switch: what it changes to by itself and when; None where it has nowhere to go.
    """

    route: RouteSpec
    switch: Switch | None

    @property
    def follower(self) -> ModelSpec | None:
        """The model that it changes to."""
        return site.model(self.route.provider, self.switch.new.model) if self.switch else None


@dataclass(frozen=True, kw_only=True)
class Use:
    """A model of one provider that ends or ended, and what stands on it.

    :param on: its last day.
    :param days: until then; less than 0 once it is over.
    :param notice: 90, 30 or 7, the nearest of these that has begun; 0 once it is over.
    :param jobs: how many wait and were not sent yet, counted as far as was asked.
    """

    spec: ModelSpec
    on: date
    days: int
    notice: int
    routes: tuple[RouteUse, ...]
    jobs: int

    @property
    def close(self) -> bool:
        """Whether it ends within :data:`CLOSE` days, or has ended."""
        return self.days <= CLOSE


def ended(spec: ModelSpec) -> tuple[Finding, ...]:
    """The finding that blocks every request to a model whose last day is over, whatever its provider says."""
    found = refusals.ended(spec, today=site.today())
    return tuple(Finding(code=one.code, params=one.params, where=one.where) for one in found)


def uses(policy: Policy, *, jobs: bool = True, most: int | None = None) -> tuple[Use, ...]:
    """Every model that ends within 90 days, or has ended, and that something stands on; the first to end first.

    :param jobs: whether to look for pending ones, as far as the person may see them: one query, and only where a
        model ends.
    :param most: pending jobs to look at; None is all.
    """
    told = {(spec.provider, spec.id): spec for spec in _told(site.today())}
    routes = site.routes().values()
    waiting = pending(policy, told, most=most) if jobs and told else Counter[Key]()
    found = [
        _use(spec, [route for route in routes if (route.provider, route.model) == key], waiting[key])
        for key, spec in told.items()
    ]
    return tuple(sorted((use for use in found if use.routes or use.jobs), key=lambda use: (use.on, use.spec.id)))


def _told(day: date) -> Iterator[ModelSpec]:
    for alias in site.conf().providers:
        yield from (spec for spec in site.models_of(alias).values() if phase(spec, day) in ("ending", "ended"))


def _use(spec: ModelSpec, routes: Iterable[RouteSpec], jobs: int) -> Use:
    day = site.today()
    assert spec.ends_on is not None  # only what has a last day is told of
    return Use(
        spec=spec,
        on=spec.ends_on,
        days=days_left(spec, day) or 0,
        notice=notice(spec, day),
        routes=tuple(RouteUse(route=route, switch=switch_of(route)) for route in routes),
        jobs=jobs,
    )


def pending(policy: Policy, models: Collection[Key], *, most: int | None = None) -> Counter[Key]:
    """Jobs that would still be sent, by provider and model."""
    rows = policy.visible(Job.objects.filter(kind="picture", state__in=PENDING))
    by_alias: dict[str, list[str]] = {}
    for alias, model in models:
        by_alias.setdefault(alias, []).append(model)
    wanted = [Q(provider=alias, model__in=names) for alias, names in by_alias.items()]
    return Counter(rows.filter(reduce(or_, wanted, Q())).order_by().values_list("provider", "model")[:most])


def title_of(spec: ModelSpec | None) -> str:
    """What people call a model; empty for none."""
    return spec.title or spec.id if spec else ""


def switch_of(route: RouteSpec) -> Switch | None:
    """What a route changes to next by itself, and when; None where it stays, or has nowhere to go."""
    return next_switch(route, site.models_of(route.provider), site.today())
