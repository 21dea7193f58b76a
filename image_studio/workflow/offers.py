"""What every route would make of the same request, so that people can compare: pictures, price, time.

Cheap enough for every touch of a form: nothing is composed, no layout is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

from image_studio import conf as site
from image_studio.catalog.pricing import Price
from image_studio.catalog.specs import ModelSpec, RouteSpec
from image_studio.exceptions import StudioError
from image_studio.models import Job
from image_studio.policy import Policy
from image_studio.providers.base import Finding
from image_studio.workflow.options import Attached, attached, findings_of
from image_studio.workflow.plan import Matrix, PlannedJob, purchases
from image_studio.workflow.preview import follower, judge, judge_rights, route_of

#: Finished jobs that are looked at, over all routes, and how many of a route its time is taken from.
LOOKED_AT, COUNTED = 200, 20


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One route's answer to a request.

    :param price: None where it has none; ``findings`` say why.
    :param findings: what the route cannot do of this request; it stands in the way.
    :param later: the price once the route has changed to the model that follows; None where it stays.
    """

    pictures: int
    price: Price | None
    findings: tuple[Finding, ...] = ()
    later: Price | None = None


def offers(policy: Policy, matrices: Sequence[Matrix], routes: Iterable[str]) -> dict[str, Offer]:
    """The offer of each route for all matrices together, by the route's name; their own route is not looked at.

    A prompt whose places are not all filled yet is counted by its template.

    :raises NotAllowed: when the person may not generate here, or not see a source or a prompt.
    :raises InvalidRequest: for axes that cannot be counted.
    """
    for matrix in matrices:
        judge_rights(policy, matrix)
        judge(matrix)
    asked = [_Asked(m, _words(m), attached(policy, m.brand, m.source, m.options)) for m in matrices]
    return {name: _offer(name, asked) for name in routes}


class _Asked(NamedTuple):
    """A matrix with what is read once for all routes."""

    matrix: Matrix
    prompt: str
    pictures: tuple[Attached, ...]

    def purchases(self, route: RouteSpec, model: ModelSpec) -> tuple[PlannedJob, ...]:
        return purchases(replace(self.matrix, route=route.name), route, model, self.prompt, self.pictures)


def _words(matrix: Matrix) -> str:
    if matrix.prompt_version is None:
        return ""
    try:
        return matrix.prompt_version.render(matrix.variables)
    except StudioError:
        return matrix.prompt_version.template


def _offer(name: str, asked: Sequence[_Asked]) -> Offer:
    route, model = route_of(replace(asked[0].matrix, route=name))
    orders = [(job.request, one.pictures) for one in asked for job in one.purchases(route, model)]
    pictures = sum(request.n for request, _given in orders)
    try:
        provider = site.provider(route.provider)
        found = [
            finding
            for request, given in orders
            for finding in findings_of(provider, request, model, given)
            if finding.blocks
        ]
        price = sum((provider.estimate(request, model) for request, _given in orders), Price())
    except StudioError as error:
        return Offer(pictures=pictures, price=None, findings=(Finding(code=error.code, params=error.params),))
    return Offer(pictures=pictures, price=price, findings=tuple(found), later=_later(route, asked))


def _later(route: RouteSpec, asked: Sequence[_Asked]) -> Price | None:
    """The price after the switch; what follows without a price must not stand in the way of what there is today."""
    switch = follower(route)
    model = site.model(route.provider, switch.new.model) if switch else None
    if switch is None or model is None:
        return None
    changed = replace(route, model=switch.new.model, quality=switch.new.quality)
    provider = site.provider(route.provider)
    jobs = [job for one in asked for job in one.purchases(changed, model)]
    try:
        return sum((provider.estimate(job.request, model) for job in jobs), Price())
    except StudioError:
        return None


def usual_seconds() -> Mapping[str, float]:
    """How long a route's newest jobs took from the call to the composed cells, as the median, by the route's name.

    A route without finished jobs among the site's newest has none: no number is better than a guess.
    """
    rows = Job.objects.filter(kind="picture", state="done", attempts__state="answered")
    newest = rows.order_by("-id").values_list("route", "attempts__started_at", "ended_at")[:LOOKED_AT]
    took: dict[str, list[float]] = {}
    for route, start, end in newest:
        if end is not None:
            took.setdefault(route, []).append(max(0.0, (end - start).total_seconds()))
    return {route: median(seconds[:COUNTED]) for route, seconds in took.items()}
