"""Which routes can do what the chosen one cannot: a refusal that leaves nobody at a dead end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from image_studio import conf as site
from image_studio.catalog.specs import ModelSpec, RouteSpec
from image_studio.providers.base import Finding
from image_studio.workflow.options import OPTIONS, Attached, findings_of
from image_studio.workflow.plan import Matrix, purchases

#: Places of findings that another route's model may not have.
MISSED = frozenset({"inputs", "quality", *OPTIONS})


def with_ways(
    matrix: Matrix, prompt: str, pictures: Sequence[Attached], findings: Sequence[Finding]
) -> tuple[Finding, ...]:
    """The findings; those that name something a route lacks also name the routes that could make all of the matrix."""
    if not any(_missed(one) for one in findings):
        return tuple(findings)
    able = ", ".join(f"{route.title} ({route.name})" for route in _able(matrix, prompt, pictures))
    if not able:
        return tuple(findings)
    return tuple(replace(one, params={**one.params, "can": able}) if _missed(one) else one for one in findings)


def _missed(finding: Finding) -> bool:
    return finding.blocks and finding.where in MISSED


def _able(matrix: Matrix, prompt: str, pictures: Sequence[Attached]) -> list[RouteSpec]:
    found = []
    for route in site.routes().values():
        model = site.model(route.provider, route.model)
        if route.name != matrix.route and model is not None and _comparable(matrix, prompt, model):
            provider = site.provider(route.provider)
            jobs = purchases(replace(matrix, route=route.name), route, model, prompt, pictures)
            refused = (one for job in jobs for one in findings_of(provider, job.request, model, pictures))
            if not any(one.blocks for one in refused):
                found.append(route)
    return found


def _comparable(matrix: Matrix, prompt: str, model: ModelSpec) -> bool:
    """Whether a model makes the same thing: a stand-in is no way to a picture, a crop none to what a prompt says."""
    starts = model.needs_source is None or model.needs_source == (matrix.source is not None)
    return starts and model.publishable and (model.takes_instruction or not prompt)
