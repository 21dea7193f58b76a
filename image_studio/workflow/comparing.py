"""The same prompt on two models, side by side on one contact sheet: take 1 is the one's, take 2 the other's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from image_studio.catalog.pricing import Price
from image_studio.catalog.specs import RouteSpec
from image_studio.models import Variant, VariantSet
from image_studio.policy import Policy
from image_studio.workflow.once import once
from image_studio.workflow.plan import Matrix
from image_studio.workflow.preview import Preview, preview
from image_studio.workflow.variants import blocked_error, order

#: What stands in the place of a route's name: each picture of such a set is made by a model of its own.
ROUTE = "compare"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A matrix of one take on two models. Nothing was written and nothing spent."""

    old: Preview
    new: Preview

    @property
    def price(self) -> Price:
        return self.old.price + self.new.price

    @property
    def together(self) -> Preview:
        """Both as one set that names them in its title."""
        old, new = self.old, self.new
        title = f"{old.matrix.title}: take 1 {_named(old)}, take 2 {_named(new)}"[:200]
        cells = (replace(cell, take=1, job=cell.job + len(old.jobs)) for cell in new.planned_cells)
        return replace(
            old,
            matrix=replace(old.matrix, route=ROUTE, takes=2, title=title),
            route=replace(old.route, name=ROUTE),
            jobs=(*old.jobs, *new.jobs),
            # Beside each other, not one model after the other.
            planned_cells=tuple(cell for pair in zip(old.planned_cells, cells, strict=True) for cell in pair),
            prices=(*old.prices, *new.prices),
            findings=(*old.findings, *(one for one in new.findings if one not in old.findings)),
            digest=hashlib.sha256(f"{old.digest}{new.digest}".encode()).hexdigest(),
        )


def _named(found: Preview) -> str:
    return f"{found.model.title or found.model.id} {found.route.quality}"


def compare(policy: Policy, matrix: Matrix, old: RouteSpec, new: RouteSpec) -> Comparison:
    """Judge and price a matrix on two routes of one provider; they need not stand in the settings.

    :param matrix: with a title, and one take.
    :raises InvalidRequest: with the first finding that stands in the way of one of them, for example ``model.ended``;
        as :func:`~image_studio.workflow.preview.preview` otherwise.
    """
    if old.provider != new.provider or matrix.takes != 1:
        raise ValueError("a comparison has one provider and one take")
    found = Comparison(old=preview(policy, matrix, on=old), new=preview(policy, matrix, on=new))
    for one in (found.old, found.new):
        if one.blocked:
            raise blocked_error(one)
    return found


def place(policy: Policy, comparison: Comparison, *, key: str) -> VariantSet:
    """Order a comparison. The same key gives the same set, and no second purchase.

    :raises Conflict: ``idempotency.other_body``.
    :raises InvalidRequest: ``idempotency.key_missing``, ``idempotency.bad_key``.
    """
    plan = comparison.together
    body = {"compare": plan.matrix.to_dict(), "models": [comparison.old.model.id, comparison.new.model.id]}
    done = once(policy, key, body, lambda: {"variant_set": str(order(policy, plan).pk)})
    return VariantSet.objects.get(pk=done.answer["variant_set"])


def beside(variant_set: VariantSet, channel: str) -> list[str]:
    """The ids of the cells that the compare page shows beside each other."""
    rows = Variant.objects.filter(variant_set=variant_set, channel__slug=channel).order_by("locale", "take")
    return [str(pk) for pk in rows.values_list("pk", flat=True)[:2]]
