"""One small picture on a route, to see that it works and that the bill is what was said. The picture is not kept."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from asgiref.sync import async_to_sync
from django.db import transaction

from image_studio import conf as site
from image_studio import ledger
from image_studio.catalog.pricing import Price
from image_studio.catalog.specs import ModelSpec, RouteSpec, names
from image_studio.exceptions import InvalidRequest, ProviderRefused, ProviderUnavailable, Unsupported
from image_studio.ledger import Bill, Settlement
from image_studio.models import Brand
from image_studio.policy import Policy
from image_studio.providers.base import Answer, PictureRequest
from image_studio.workflow.lifecycle import ended
from image_studio.workflow.preview import model_of
from image_studio.workflow.spending import money_findings, refused

#: Shows nobody and names nothing, so that no filter has a reason to say no.
PROMPT = "A plain grey sphere on a white ground."


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a probe would ask for, judged and priced."""

    route: RouteSpec
    model: ModelSpec
    request: PictureRequest
    price: Price


def probe_of(name: str) -> Probe:
    """The smallest picture of a route, at quality ``low`` where its model has that.

    :raises InvalidRequest: ``request.unknown_route``, ``route.unknown_model``.
    :raises Unsupported: for what stands in the way, for example ``model.ended`` or ``provider.needs_source``.
    """
    if name not in site.routes():
        raise InvalidRequest("request.unknown_route", route=name, known=names(site.routes()))
    route = site.route(name)
    model = model_of(route)
    request = PictureRequest(
        model=model.id,
        prompt=PROMPT if model.takes_instruction else "",
        size=model.nearest_size(1, 1),
        quality="low" if "low" in model.qualities else route.quality,
        extra=dict(route.options),
    )
    provider = site.provider(route.provider)
    for finding in (*ended(model), *provider.supports(request, model)):
        if finding.blocks:
            raise Unsupported(finding.code, **finding.params)
    return Probe(route=route, model=model, request=request, price=provider.estimate(request, model))


def run_probe(probe: Probe, policy: Policy, brand: Brand | None) -> Answer:
    """Buy it by the way of every picture, and forget it: the answer's files are gone when this returns.

    :param brand: in whose ledger it stands. None enters nothing: there is no brand yet, or it is free.
    :raises Conflict: ``spending.stopped``, ``budget.spent``; nothing was sent.
    :raises ProviderError: as :meth:`~image_studio.providers.base.BaseProvider.run`. Whatever is not known to be free is
        entered at the most that it may have cost.
    """
    bill = _judged(probe, policy, brand)
    provider = site.provider(probe.route.provider)
    try:
        with tempfile.TemporaryDirectory(prefix="image-studio-probe-", ignore_cleanup_errors=True) as folder:
            answer: Answer = async_to_sync(provider.run)(
                probe.request, (), spool=Path(folder), deadline=site.conf().deadline_seconds
            )
    except (ProviderRefused, ProviderUnavailable):
        raise
    except BaseException:
        # Also where somebody pressed Ctrl-C: whatever is not known to be free may have been charged.
        _enter(bill, probe.price.most, 0, policy)
        raise
    _enter(bill, answer.micro_usd, sum(1 for output in answer.outputs if not output.fault), policy)
    return answer


def _judged(probe: Probe, policy: Policy, brand: Brand | None) -> Bill | None:
    """Whose money it is; refused where none may be spent.

    Nothing is held for the moment that it takes: what is ordered meanwhile may take the same room, and its bill is
    entered all the same.
    """
    if probe.price.free:
        return None
    if brand is None:
        ledger.judge_running([])
        return None
    for finding in money_findings(policy, brand, probe.price.most):
        if finding.blocks:
            raise refused(finding)
    return Bill(brand_id=brand.pk, provider=probe.route.provider, route=probe.route.name, model=probe.model.id)


def _enter(bill: Bill | None, micro_usd: int, pictures: int, policy: Policy) -> None:
    if bill is None or not micro_usd:
        return
    settled = Settlement(bill=bill, held=0, spent=micro_usd, pictures=pictures, reason="probe")
    with transaction.atomic():
        ledger.settle([settled], actor=policy.actor)
