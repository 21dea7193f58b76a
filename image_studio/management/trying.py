"""What ``studio_models`` buys: the same prompts on two models, and never more than somebody agreed to."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import replace
from typing import Any

from django.urls import NoReverseMatch, reverse

from image_studio.catalog.moving import quality_on
from image_studio.catalog.pricing import Price
from image_studio.catalog.specs import RouteSpec
from image_studio.exceptions import InvalidRequest
from image_studio.management.base import channels_of, pairs_of
from image_studio.management.moving import Move
from image_studio.models import Channel, Prompt
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.wording.money import dollars
from image_studio.workflow import Matrix, sheet
from image_studio.workflow.comparing import ROUTE, Comparison, beside, compare, place


def confirm(price: Price, *, pictures: int, model: str, options: dict[str, Any]) -> None:
    """Nothing is bought without a yes, nor above the cap.

    :raises InvalidRequest: ``spending.unknown``, ``spending.too_dear``, ``spending.say_yes``.
    """
    cap = options["max_micro_usd"]
    if price.unknown:
        raise InvalidRequest("spending.unknown", model=model)
    if price.most > cap:
        raise InvalidRequest("spending.too_dear", most=dollars(price.most), cap=dollars(cap), micro_usd=price.most)
    if not options["yes"] and not price.free:
        told = {"pictures": pictures, "likely": dollars(price.likely), "most": dollars(price.most)}
        raise InvalidRequest("spending.say_yes", **told)


def comparisons(policy: Policy, move: Move, options: dict[str, Any]) -> list[Comparison]:
    """Each prompt on both models, judged and priced.

    :raises InvalidRequest: for an unknown prompt or channel, or what stands in the way of one of the models.
    """
    old, new = _routes(move)
    found = []
    for slug in dict.fromkeys(options["compare"]):
        prompt = _prompt(slug, options["brand"])
        matrix = Matrix(
            brand=prompt.brand,
            route=ROUTE,
            channels=_channels(options["channel"]),
            locales=(prompt.brand.kit.default_locale,),
            prompt_version=prompt.version(),
            variables=pairs_of(options["set"]),
            title=prompt.name,
        )
        found.append(compare(policy, matrix, old, new))
    return found


def _routes(move: Move) -> tuple[RouteSpec, RouteSpec]:
    """The route that names the old model, or one made for it, and the same with the new one."""
    if move.routes:
        route = move.routes[0]
        old_quality, new_quality = route.qualities
        base = route.before
    else:
        base = RouteSpec(name=ROUTE, title=ROUTE, provider=move.old.provider, model=move.old.id)
        old_quality = quality_on(move.old, base, "medium")
        new_quality = quality_on(move.new, base, old_quality)
    base = replace(base, name=ROUTE, then=())
    return (
        replace(base, model=move.old.id, quality=old_quality),
        replace(base, model=move.new.id, quality=new_quality),
    )


def _prompt(slug: str, brand: str) -> Prompt:
    rows = Prompt.objects.filter(slug=slug, archived=False).select_related("brand__revision")
    found = list(rows.filter(brand__slug=brand) if brand else rows)
    if not found:
        there = Prompt.objects.filter(archived=False).order_by("slug").values_list("slug", flat=True)[:20]
        raise InvalidRequest("request.unknown_prompt", prompt=slug, known=", ".join(there) or "-")
    if len(found) > 1:
        known = sorted(prompt.brand.slug for prompt in found)
        raise InvalidRequest("moving.prompt_where", prompt=slug, known=", ".join(known))
    return found[0]


def _channels(slugs: list[str]) -> tuple[Channel, ...]:
    """Those that are named, else the first: two pictures say enough."""
    return channels_of(slugs) if slugs else channels_of(())[:1]


def placed(policy: Policy, comparison: Comparison, *, wait: bool) -> dict[str, Any]:
    """Order a comparison, do its work here unless a worker shall, and say where to look at it."""
    made = place(policy, comparison, key=str(uuid.uuid4()))
    if wait:
        drain(job_ids=list(made.jobs.values_list("pk", flat=True)))
    cells = beside(made, comparison.old.matrix.channels[0].slug)
    return {
        "prompt": comparison.old.matrix.title,
        "variant_set": str(made.pk),
        "compare": _address(made.pk, cells),
        "state": dict(Counter(cell.status for cell in sheet(policy, made).cells)),
        "micro_usd": sum(made.jobs.values_list("cost_micro_usd", flat=True)),
    }


def _address(pk: uuid.UUID, cells: list[str]) -> str:
    """The page that shows them beside each other; empty on a site without the admin."""
    try:
        page = reverse("admin:image_studio_variantset_compare", args=[pk])
    except NoReverseMatch:
        return ""
    return f"{page}?{'&'.join(f'cell={cell}' for cell in cells)}"
