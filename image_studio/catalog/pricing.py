"""What a request costs, in integer micro-USD (1 USD = 1,000,000). Pure functions over catalog rows."""

from __future__ import annotations

from dataclasses import dataclass

from image_studio.catalog.specs import ModelSpec
from image_studio.exceptions import Unsupported


@dataclass(frozen=True, kw_only=True)
class Price:
    """An estimate in micro-USD: what is likely and what it can be at most."""

    likely: int = 0
    most: int = 0

    def __add__(self, other: Price) -> Price:
        return Price(likely=self.likely + other.likely, most=self.most + other.most)

    @property
    def free(self) -> bool:
        return self.most == 0


def estimate(spec: ModelSpec, *, n: int) -> Price:
    """The price of ``n`` pictures of one request.

    :raises Unsupported: ``price.unknown`` for a model that is not free and has no price: it may not run.
    """
    if spec.free:
        return Price()
    raise Unsupported("price.unknown", model=spec.id, n=n)
