"""From a model that ends to the one that follows: what changes in routes, and in prices. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from image_studio.catalog.pricing import Price, estimate
from image_studio.catalog.sizes import words
from image_studio.catalog.specs import ModelSpec, RouteSpec, RouteStep
from image_studio.exceptions import Unsupported

#: What the providers publish prices for, in pixels.
SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One picture of a size in pixels, ``WxH``, before and after. A price is None where nobody knows it."""

    size: str
    old: Price | None
    new: Price | None

    @property
    def micro_usd(self) -> int | None:
        """How much dearer the new one is likely to be; less than 0 is cheaper."""
        return self.new.likely - self.old.likely if self.old is not None and self.new is not None else None


def moved(route: RouteSpec, old: str, new: ModelSpec) -> RouteSpec:
    """A route with ``new`` wherever ``old`` stands in it; the same route where it stands nowhere.

    :param route: as it is written, with all its steps.
    :param old: id of the model that goes.
    """
    steps: dict[str, RouteStep] = {}
    for step in route.steps:
        after = RouteStep(model=new.id, quality=quality_on(new, route, step.quality)) if step.model == old else step
        steps.setdefault(after.model, after)
    first, *then = steps.values()
    return replace(route, model=first.model, quality=first.quality, then=tuple(then))


def quality_on(spec: ModelSpec, route: RouteSpec, quality: str) -> str:
    """The quality to ask a model for in the place of another: what the route itself names for it, else the same one,
    else the strongest that it has.
    """
    wanted = next((step.quality for step in route.steps if step.model == spec.id), quality)
    return wanted if wanted in spec.qualities or not spec.qualities else spec.qualities[-1]


def change(route: RouteSpec, after: RouteSpec) -> dict[str, Any]:
    """What a row of ``IMAGE_STUDIO['ROUTES']`` says to make ``route`` be ``after``; empty where they are equal."""
    if route == after:
        return {}
    row: dict[str, Any] = {"model": after.model, "quality": after.quality}
    # Said even where it is empty: a row lies over the shipped route, whose own list would stand.
    return {**row, "then": [{"model": step.model, "quality": step.quality} for step in after.then]}


def differences(old: ModelSpec, old_quality: str, new: ModelSpec, new_quality: str) -> Iterator[Difference]:
    """The price of one picture of each of :data:`SIZES` that both make; prompt and inputs are not counted."""
    for size in SIZES:
        if not old.size_faults(*size) and not new.size_faults(*size):
            yield Difference(
                size=words(size), old=price_at(old, size, old_quality), new=price_at(new, size, new_quality)
            )


def price_at(spec: ModelSpec, size: tuple[int, int], quality: str) -> Price | None:
    """One picture without prompt and inputs; None where nobody knows its price, or the model does not make it."""
    try:
        found = estimate(spec, n=1, size=size, quality=quality)
    except Unsupported:
        return None
    return None if found.unknown else found
