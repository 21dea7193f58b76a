"""What ``studio_models --from OLD --to NEW`` says: prices route by route, and a row for the settings."""

from __future__ import annotations

import pprint
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from image_studio import conf as site
from image_studio.catalog.moving import change, differences, moved, quality_on
from image_studio.catalog.pricing import Price
from image_studio.catalog.refusals import ended
from image_studio.catalog.specs import ModelSpec, RouteSpec, names
from image_studio.exceptions import InvalidRequest, Unsupported


@dataclass(frozen=True, kw_only=True)
class Route:
    """A route before and after, with the models as its own provider has them."""

    before: RouteSpec
    after: RouteSpec
    old: ModelSpec
    new: ModelSpec

    @property
    def qualities(self) -> tuple[str, str]:
        """What the one is asked for where it stands now, and what the other is asked for in its place."""
        old = next(step.quality for step in self.before.steps if step.model == self.old.id)
        return old, quality_on(self.new, self.before, old)


@dataclass(frozen=True, kw_only=True)
class Move:
    """Two models of one provider.

    :param routes: that name the old one anywhere.
    """

    old: ModelSpec
    new: ModelSpec
    routes: tuple[Route, ...]


def move_of(old: str, new: str) -> Move:
    """:raises InvalidRequest: ``request.unknown_model``, ``moving.same``, ``moving.no_provider``.
    :raises Unsupported: ``model.ended`` for a model that cannot follow any more.
    """
    if old == new:
        raise InvalidRequest("moving.same", model=old)
    for name in (old, new):
        if not any(name in site.models_of(alias) for alias in site.conf().providers):
            raise InvalidRequest("request.unknown_model", model=name, known=names(site.models()))
    both = [a for a in site.conf().providers if site.model(a, old) is not None and site.model(a, new) is not None]
    if not both:
        raise InvalidRequest("moving.no_provider", old=old, new=new)
    routes = tuple(_routes(both, old, new))
    alias = routes[0].before.provider if routes else both[0]
    following = site.models_of(alias)[new]
    for refusal in ended(following, today=site.today()):
        raise Unsupported(refusal.code, **refusal.params)
    return Move(old=site.models_of(alias)[old], new=following, routes=routes)


def _routes(aliases: list[str], old: str, new: str) -> Iterator[Route]:
    for route in site.routes_as_written().values():
        if route.provider in aliases and old in [step.model for step in route.steps]:
            rows = site.models_of(route.provider)
            yield Route(before=route, after=moved(route, old, rows[new]), old=rows[old], new=rows[new])


def price_rows(move: Move) -> Iterator[dict[str, Any]]:
    """A line for each route and size."""
    for route in move.routes:
        old_quality, new_quality = route.qualities
        row = {
            "route": route.before.name,
            "provider": route.before.provider,
            "old_quality": old_quality,
            "new_quality": new_quality,
            "settings": change(route.before, route.after),
        }
        for found in differences(route.old, old_quality, route.new, new_quality):
            prices = {"old_micro_usd": _likely(found.old), "new_micro_usd": _likely(found.new)}
            yield {**row, **prices, "size": found.size, "difference_micro_usd": found.micro_usd}


def _likely(price: Price | None) -> int | None:
    return price.likely if price is not None else None


def snippet(move: Move) -> str:
    """What to write into the settings, ready to be pasted: the rows that stand there already are in it."""
    if not move.routes:
        return f"No route of this site names {move.old.id}. There is nothing to change in the settings."
    rows = {name: dict(row) for name, row in site.conf().routes.items()}
    for route in move.routes:
        rows.setdefault(route.before.name, {}).update(change(route.before, route.after))
    return f"IMAGE_STUDIO['ROUTES'] = {pprint.pformat(rows, sort_dicts=False, width=100)}"
