"""Price and judge a matrix before anything is written or spent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from image_studio import conf as site
from image_studio.brand.checks import load, prompt_findings
from image_studio.catalog.lifecycle import Switch, next_switch
from image_studio.catalog.pricing import Price
from image_studio.catalog.specs import ModelSpec, RouteSpec, names
from image_studio.exceptions import InvalidRequest, StudioError
from image_studio.models import SHARING
from image_studio.policy import Policy
from image_studio.providers.base import Finding
from image_studio.workflow.layouts import layout_findings
from image_studio.workflow.lifecycle import ended
from image_studio.workflow.options import attached, findings_of, judge_options, picture_findings
from image_studio.workflow.plan import Matrix, PlannedCell, PlannedJob, plan
from image_studio.workflow.spending import money_findings
from image_studio.workflow.ways import with_ways


@dataclass(frozen=True, kw_only=True)
class RouteCard:
    """A route as it is offered to somebody who starts from a picture, or from a prompt alone.

    What it would cost for a matrix is said by :func:`image_studio.workflow.offers.offers`.

    :param usable: whether it can be chosen for this start; a card that cannot is shown greyed, never hidden.
    :param why_not: code of the reason where it cannot, filled by ``params``; else empty.
    :param free: whether no picture of it ever costs anything.
    :param publishable: whether its pictures may ever be released; false too for a route whose model is missing.
    :param limits: codes of what it cannot do at all, each a short sentence.
    :param model: that makes its pictures today; None where the site has it not.
    :param follows: its next change to another model, by the catalog's dates.
    """

    spec: RouteSpec
    usable: bool
    why_not: str
    free: bool
    publishable: bool
    params: Mapping[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    model: ModelSpec | None = None
    follows: Switch | None = None


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
    routes = site.routes().values()
    return tuple(_card(spec, site.model(spec.provider, spec.model), has_source) for spec in routes)


def _card(spec: RouteSpec, model: ModelSpec | None, has_source: bool) -> RouteCard:
    why = "route.unknown_model" if model is None else ""
    if model and model.needs_source is not None and model.needs_source != has_source:
        why = "route.needs_source" if model.needs_source else "route.takes_no_source"
    return RouteCard(
        spec=spec,
        usable=not why,
        why_not=why,
        free=bool(model and model.free),
        publishable=bool(model and model.publishable),
        params={"route": spec.title, "model": spec.model},
        limits=_limits(model) if model else (),
        model=model,
        follows=follower(spec),
    )


def follower(spec: RouteSpec) -> Switch | None:
    """A configured route's next change of model; None where it stays."""
    written = site.routes_as_written().get(spec.name)
    return next_switch(written, site.models_of(spec.provider), site.today()) if written else None


def _limits(model: ModelSpec) -> tuple[str, ...]:
    rows = (
        (model.publishable, "route.never_published"),
        (model.takes_instruction, "route.no_instruction"),
        (model.transparent, "route.no_transparency"),
    )
    return tuple(code for able, code in rows if not able)


def preview(policy: Policy, matrix: Matrix, *, on: RouteSpec | None = None) -> Preview:
    """Judge and price a matrix: prompt terms, what the route cannot do, and a dry run of every layout.

    :param on: a route that the site's settings need not have; None takes the one that the matrix names.
    :raises NotAllowed: when the person may not generate here, or not see the source or the prompt.
    :raises InvalidRequest: for an unknown channel, locale, route or variable: nothing can be counted then.
    """
    judge_rights(policy, matrix)
    judge(matrix)
    route, model = route_of(matrix) if on is None else (on, model_of(on))
    prompt = matrix.prompt_version.render(matrix.variables) if matrix.prompt_version else ""
    pictures = attached(policy, matrix.brand, matrix.source, matrix.options)
    jobs, cells = plan(matrix, route, model, prompt, pictures)
    provider = site.provider(route.provider)
    refused = _once([one for job in jobs for one in findings_of(provider, job.request, model, pictures)])
    findings = [
        *picture_findings(pictures),
        *_terms(matrix, prompt),
        *_unused(model, prompt),
        *ended(model),
        *with_ways(matrix, prompt, pictures, refused),
        *layout_findings(matrix, model),
    ]
    blocked = any(one.blocks for one in refused)
    prices = tuple(_price(provider, job, model, blocked=blocked) for job in jobs)
    price = sum(prices, Price())
    findings += money_findings(policy, matrix.brand, price.most, unknown=price.unknown and not blocked)
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


def _price(provider: Any, job: PlannedJob, model: ModelSpec, *, blocked: bool) -> Price:
    """What a purchase costs. One that is refused anyway may be without a price: the refusal says more."""
    try:
        price: Price = provider.estimate(job.request, model)
    except StudioError:
        if not blocked:
            raise
        return Price(unknown=True)
    return price


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Each sentence once: six channels of one provider say the same thing."""
    return tuple(finding for i, finding in enumerate(findings) if finding not in findings[:i])


def judge_rights(policy: Policy, matrix: Matrix) -> None:
    """:raises NotAllowed: when the person may not generate here, or not see what it starts from."""
    policy.require("generate", matrix.brand)
    for start in (matrix.source, matrix.prompt_version.prompt if matrix.prompt_version else None):
        if start is not None:
            policy.require("view", start)


def judge(matrix: Matrix) -> None:
    """What makes counting impossible is an error; what merely should not be is a finding of :func:`preview`.

    :raises InvalidRequest: for a brand without a kit, nothing to start from, or axes that are empty or too large.
    """
    if matrix.brand.revision is None:
        raise InvalidRequest("brand.no_kit", brand=matrix.brand.slug)
    if matrix.source is None and matrix.prompt_version is None:
        raise InvalidRequest("request.no_source_or_prompt")
    for owner in (matrix.source, matrix.prompt_version.prompt if matrix.prompt_version else None):
        if owner is not None and owner.brand_id != matrix.brand.pk:
            raise InvalidRequest("request.other_brand")
    judge_options(matrix.options)
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
    if matrix.sharing not in SHARING:
        raise InvalidRequest("request.unknown_sharing", sharing=matrix.sharing, known=", ".join(SHARING))


def _judge_size(matrix: Matrix) -> None:
    settings = site.conf()
    if not 1 <= matrix.takes <= settings.max_takes:
        raise InvalidRequest("request.takes_out_of_range", takes=matrix.takes, most=settings.max_takes)
    cells = len(matrix.channels) * len(matrix.locales) * matrix.takes
    if cells > settings.max_cells:
        raise InvalidRequest("request.too_many_cells", cells=cells, most=settings.max_cells)


def route_of(matrix: Matrix) -> tuple[RouteSpec, ModelSpec]:
    """The route that a matrix names, and its model.

    :raises InvalidRequest: ``request.unknown_route``, ``route.unknown_model``.
    """
    routes = site.routes()
    if matrix.route not in routes:
        raise InvalidRequest("request.unknown_route", route=matrix.route, known=names(routes))
    route = routes[matrix.route]
    return route, model_of(route)


def model_of(route: RouteSpec) -> ModelSpec:
    """The model of a route, as the route's own provider has it.

    :raises InvalidRequest: ``route.unknown_model``.
    """
    model = site.model(route.provider, route.model)
    if model is None:
        raise InvalidRequest("route.unknown_model", route=route.name, model=route.model)
    return model


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


def _unused(model: ModelSpec, prompt: str) -> list[Finding]:
    """A prompt beside a picture, on a route that only crops: said, because people expect it to be followed."""
    if not prompt or model.takes_instruction:
        return []
    return [Finding(code="request.prompt_unused", params={"model": model.title}, blocks=False, where="prompt")]


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
