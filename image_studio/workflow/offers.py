"""What every route would make of the same request, so that people can compare: pictures, price, time.

Cheap enough for every touch of a form: nothing is composed, no layout is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from image_studio import conf as site
from image_studio.catalog.pricing import Price
from image_studio.exceptions import StudioError
from image_studio.models import Job
from image_studio.policy import Policy
from image_studio.providers.base import Finding
from image_studio.workflow.lifecycle import ended
from image_studio.workflow.plan import Matrix, purchases
from image_studio.workflow.preview import judge, judge_rights, route_of

#: Finished jobs that are looked at, over all routes, and how many of a route its time is taken from.
LOOKED_AT, COUNTED = 200, 20


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One route's answer to a request.

    :param price: None where it has none; ``findings`` say why.
    :param findings: what the route cannot do of this request; it stands in the way.
    """

    pictures: int
    price: Price | None
    findings: tuple[Finding, ...] = ()


def offers(policy: Policy, matrices: Sequence[Matrix], routes: Iterable[str]) -> dict[str, Offer]:
    """The offer of each route for all matrices together, by the route's name; their own route is not looked at.

    A prompt whose places are not all filled yet is counted by its template.

    :raises NotAllowed: when the person may not generate here, or not see a source or a prompt.
    :raises InvalidRequest: for axes that cannot be counted.
    """
    for matrix in matrices:
        judge_rights(policy, matrix)
        judge(matrix)
    prompts = [_words(matrix) for matrix in matrices]
    return {name: _offer([replace(matrix, route=name) for matrix in matrices], prompts) for name in routes}


def _words(matrix: Matrix) -> str:
    if matrix.prompt_version is None:
        return ""
    try:
        return matrix.prompt_version.render(matrix.variables)
    except StudioError:
        return matrix.prompt_version.template


def _offer(matrices: Sequence[Matrix], prompts: Sequence[str]) -> Offer:
    route, model = route_of(matrices[0])
    requests = [
        job.request
        for matrix, prompt in zip(matrices, prompts, strict=True)
        for job in purchases(matrix, route, model, prompt)
    ]
    pictures = sum(request.n for request in requests)
    try:
        provider = site.provider(route.provider)
        said = (finding for request in requests for finding in provider.supports(request, model))
        found = [finding for finding in (*ended(model), *said) if finding.blocks]
        price = sum((provider.estimate(request, model) for request in requests), Price())
    except StudioError as error:
        return Offer(pictures=pictures, price=None, findings=(Finding(code=error.code, params=error.params),))
    return Offer(pictures=pictures, price=price, findings=tuple(found))


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
