"""Price and judge a matrix before anything is written or spent."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from image_studio import conf as site
from image_studio.brand.checks import load, prompt_findings
from image_studio.brand.kit import KitFiles
from image_studio.brand.plan import label_for, layers_for
from image_studio.catalog.pricing import Price
from image_studio.catalog.specs import ModelSpec, RouteSpec, names
from image_studio.exceptions import InvalidRequest, StudioError
from image_studio.imaging.compose import dry_run
from image_studio.imaging.geometry import Box
from image_studio.policy import Policy
from image_studio.providers.base import Finding
from image_studio.workflow.plan import Matrix, PlannedCell, PlannedJob, plan, sharing_names


@dataclass(frozen=True, kw_only=True)
class RouteCard:
    """A route as it is offered: what it is, and why it cannot be used here (a code) if it cannot."""

    spec: RouteSpec
    usable: bool
    why_not: str
    free: bool
    publishable: bool


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a matrix would buy and compose. Nothing was written and nothing spent.

    :param digest: of everything that the price and the result hang on; a request made with another digest is
        asked again.
    """

    matrix: Matrix
    route: RouteSpec
    model: ModelSpec
    prompt_text: str
    jobs: tuple[PlannedJob, ...]
    planned_cells: tuple[PlannedCell, ...]
    prices: tuple[Price, ...]
    findings: tuple[Finding, ...]
    digest: str

    @property
    def pictures(self) -> int:
        """Pictures that are bought."""
        return sum(job.request.n for job in self.jobs)

    @property
    def cells(self) -> int:
        """Cells that are composed, free."""
        return len(self.planned_cells)

    @property
    def price(self) -> Price:
        return sum(self.prices, Price())

    @property
    def blocked(self) -> bool:
        """Whether a finding forbids to go on."""
        return any(finding.blocks for finding in self.findings)


def route_cards(policy: Policy, *, has_source: bool) -> tuple[RouteCard, ...]:
    """Every configured route, usable or greyed with the reason."""
    models = site.models()
    cards = []
    for spec in site.routes().values():
        model = models.get(spec.model)
        why = "route.unknown_model" if model is None else ""
        if model and model.needs_source is not None and model.needs_source != has_source:
            why = "route.needs_source" if model.needs_source else "route.takes_no_source"
        cards.append(
            RouteCard(
                spec=spec,
                usable=not why,
                why_not=why,
                free=bool(model and model.free),
                publishable=bool(model and model.publishable),
            )
        )
    return tuple(cards)


def preview(policy: Policy, matrix: Matrix) -> Preview:
    """Judge and price a matrix: prompt terms, what the route cannot do, and a dry run of every layout.

    :raises NotAllowed: when the person may not generate here, or not see the source.
    :raises InvalidRequest: for an unknown channel, locale, route or variable: nothing can be counted then.
    """
    policy.require("generate", matrix.brand)
    if matrix.source is not None:
        policy.require("view", matrix.source)
    _judge_shape(matrix)
    route, model = _route(matrix)
    prompt = matrix.prompt_version.render(matrix.variables) if matrix.prompt_version else ""
    jobs, cells = plan(matrix, route, model, prompt)
    provider = site.provider(route.provider)
    findings = [
        *_source_findings(matrix),
        *_terms(matrix, prompt),
        *(finding for job in jobs for finding in provider.supports(job.request, model)),
        *_layouts(matrix, model),
    ]
    prices = tuple(provider.estimate(job.request, model) for job in jobs)
    return Preview(
        matrix=matrix,
        route=route,
        model=model,
        prompt_text=prompt,
        jobs=jobs,
        planned_cells=cells,
        prices=prices,
        findings=_once(findings),
        digest=_digest(matrix, jobs, prices),
    )


def _once(findings: list[Finding]) -> tuple[Finding, ...]:
    """Each sentence once: six channels of one provider say the same thing."""
    return tuple(finding for i, finding in enumerate(findings) if finding not in findings[:i])


def _judge_shape(matrix: Matrix) -> None:
    """What makes counting impossible is an error; what merely should not be is a finding."""
    if matrix.brand.revision is None:
        raise InvalidRequest("brand.no_kit", brand=matrix.brand.slug)
    if matrix.source is None and matrix.prompt_version is None:
        raise InvalidRequest("request.no_source_or_prompt")
    for owner in (matrix.source, matrix.prompt_version.prompt if matrix.prompt_version else None):
        if owner is not None and owner.brand_id != matrix.brand.pk:
            raise InvalidRequest("request.other_brand")
    _judge_axes(matrix)
    _judge_size(matrix)


def _judge_axes(matrix: Matrix) -> None:
    kit = matrix.brand.kit
    for what, chosen in (("channel", matrix.channels), ("locale", matrix.locales)):
        if not chosen:
            raise InvalidRequest("request.nothing_chosen", what=what)
    for channel in matrix.channels:
        if not channel.active:
            raise InvalidRequest("request.channel_inactive", channel=channel.slug)
    for locale in matrix.locales:
        if locale not in kit.locales:
            raise InvalidRequest("request.unknown_locale", locale=locale, known=", ".join(kit.locales))
    if matrix.sharing not in sharing_names():
        raise InvalidRequest("request.unknown_sharing", sharing=matrix.sharing, known=", ".join(sharing_names()))


def _judge_size(matrix: Matrix) -> None:
    settings = site.conf()
    if not 1 <= matrix.takes <= settings.max_takes:
        raise InvalidRequest("request.takes_out_of_range", takes=matrix.takes, most=settings.max_takes)
    cells = len(matrix.channels) * len(matrix.locales) * matrix.takes
    if cells > settings.max_cells:
        raise InvalidRequest("request.too_many_cells", cells=cells, most=settings.max_cells)


def _route(matrix: Matrix) -> tuple[RouteSpec, ModelSpec]:
    routes = site.routes()
    if matrix.route not in routes:
        raise InvalidRequest("request.unknown_route", route=matrix.route, known=names(routes))
    route = routes[matrix.route]
    models = site.models()
    if route.model not in models:
        raise InvalidRequest("route.unknown_model", route=route.name, model=route.model)
    return route, models[route.model]


def _source_findings(matrix: Matrix) -> list[Finding]:
    source = matrix.source
    if source is None:
        return []
    found = []
    if source.expired:
        found.append(Finding(code="job.source_expired", where="source"))
    if source.state in ("rejected", "withdrawn"):
        found.append(Finding(code="job.source_rejected", params={"state": source.state}, where="source"))
    return found


def _terms(matrix: Matrix, prompt: str) -> list[Finding]:
    kit = matrix.brand.kit
    overlays = {}
    for locale in matrix.locales:
        keys = {text.line for c in matrix.channels for text in kit.layout_for(c.slug).texts}
        own = matrix.texts_for(locale)
        overlays[locale] = tuple(words for key in sorted(keys) if (words := own.get(key) or kit.line(key, locale)))
    verdicts = prompt_findings(kit, prompt, overlays, load(site.conf().brand_checks))
    return [
        Finding(
            code=verdict.code,
            params=verdict.params,
            blocks=verdict.verdict == "fail" and verdict.blocks,
            where="texts" if dict(verdict.params).get("where") == "overlay" else "prompt",
        )
        for verdict in verdicts
    ]


def _layouts(matrix: Matrix, model: ModelSpec) -> list[Finding]:
    """A logo that cannot fit or a missing glyph is refused here, before a picture is bought."""
    kit = matrix.brand.kit
    assert matrix.brand.revision is not None  # judged by _judge_shape; for the type checker
    files = matrix.brand.revision.load_files()
    label = label_for(matrix.source.source_type if matrix.source else "", placeholder=not model.publishable)
    return [
        Finding(code=error.code, params=error.params, where=f"layout:{channel.slug}:{locale}")
        for channel in matrix.channels
        for locale in matrix.locales
        for error in _layout_errors(matrix, channel, locale, label, kit, files)
    ]


def _layout_errors(
    matrix: Matrix, channel: Any, locale: str, label: str, kit: Any, files: KitFiles
) -> tuple[StudioError, ...]:
    spec = channel.spec
    try:
        layers = layers_for(kit, files, spec, locale, texts=matrix.texts_for(locale), label=label)
    except StudioError as error:
        return (error,)
    return dry_run(spec.size, layers, safe=Box(*spec.safe_box))


def _digest(matrix: Matrix, jobs: tuple[PlannedJob, ...], prices: tuple[Price, ...]) -> str:
    revision = matrix.brand.revision
    parts = [
        matrix.to_dict(),
        revision.digest if revision else "",
        [job.request.digest for job in jobs],
        [(price.likely, price.most) for price in prices],
        [repr(channel.spec) for channel in matrix.channels],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
