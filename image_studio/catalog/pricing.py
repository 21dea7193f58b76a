"""What a request costs, in integer micro-USD (1 USD = 1,000,000). Pure functions over catalog rows.

Prices are nano-USD per token and counts are whole, so sums are exact; only the last step rounds, halves to even.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from image_studio.catalog.specs import ModelSpec
from image_studio.catalog.tokens import (
    Size,
    Tokens,
    image_input_tokens,
    output_tokens,
    partial_tokens,
    text_input_tokens,
)
from image_studio.exceptions import Unsupported

NOTHING = Tokens()
#: No request takes as many: a bill of such a count is a broken one, and no database has room for its sum.
MOST_TOKENS = 1_000_000_000
#: The picture that is likely where no size is named, in pixels.
USUAL = (1024, 1024)


@dataclass(frozen=True, kw_only=True)
class Price:
    """An estimate in micro-USD: what is likely and what it can be at most.

    :param estimated: whether the bill may differ from ``likely``; where not, it is known to the token.
    :param unknown: nobody knows the price, and the site allows the model nevertheless; the sums leave it out.
    """

    likely: int = 0
    most: int = 0
    estimated: bool = False
    unknown: bool = False

    def __add__(self, other: Price) -> Price:
        return Price(
            likely=self.likely + other.likely,
            most=self.most + other.most,
            estimated=self.estimated or other.estimated,
            unknown=self.unknown or other.unknown,
        )

    @property
    def free(self) -> bool:
        return self.most == 0 and not self.unknown


@dataclass(frozen=True, kw_only=True)
class Count:
    """The tokens of a request, all its pictures together, by what they are charged as."""

    image_out: Tokens = NOTHING
    image_in: Tokens = NOTHING
    text_in: Tokens = NOTHING

    @property
    def estimated(self) -> bool:
        return (self.image_out + self.image_in + self.text_in).estimated


@dataclass(frozen=True, kw_only=True)
class Actual:
    """What a request did cost by the provider's own count.

    :param missing: the count was absent or left out something that changes the sum; then the sum is the dearest
        reading of what is there, 0 where nothing is.
    """

    micro_usd: int
    missing: bool = False


def count(
    spec: ModelSpec,
    *,
    n: int,
    size: Size | None = None,
    quality: str = "",
    prompt: str = "",
    inputs: Sequence[Size | None] = (),
    fidelity: str = "",
    partial_images: int = 0,
) -> Count:
    """The tokens of a request for ``n`` pictures: each of them counts prompt and input pictures again.

    :param size: in pixels; None counts :data:`USUAL` as likely and the model's dearest size as most.
    :param inputs: sizes of the input pictures in pixels, None for an unknown one.
    :raises Unsupported: ``quality.not_offered``, ``price.unknown``.
    """
    pictures = sum((image_input_tokens(spec, one, fidelity) for one in inputs), NOTHING)
    return Count(
        image_out=_output(spec, size, quality, n) + partial_tokens(partial_images, n),
        image_in=pictures * n,
        text_in=text_input_tokens(spec, prompt, len(inputs)) * n,
    )


def _output(spec: ModelSpec, size: Size | None, quality: str, n: int) -> Tokens:
    if size is not None:
        return output_tokens(spec, size, quality, n)
    edge = spec.max_edge
    usual = output_tokens(spec, USUAL, quality, n)
    found = [output_tokens(spec, one, quality, n) for one in (spec.nearest_size(edge, edge), *_fixed(spec))]
    return Tokens(likely=usual.likely, most=max(usual.most, *(one.most for one in found)), estimated=True)


def _fixed(spec: ModelSpec) -> Iterable[Size]:
    return (spec.nearest_size(*ratio) for ratio in ((3, 2), (2, 3)) if spec.sizes)


def estimate(
    spec: ModelSpec,
    *,
    n: int,
    size: Size | None = None,
    quality: str = "",
    prompt: str = "",
    inputs: Sequence[Size | None] = (),
    fidelity: str = "",
    partial_images: int = 0,
) -> Price:
    """The price of ``n`` pictures of one request, by :func:`count`. Ended models are priced too.

    :raises Unsupported: ``price.unknown`` for a model that is not free and has no price: it may not run, unless
        its row says ``unpriced``; ``quality.not_offered``.
    """
    if spec.free:
        return Price()
    try:
        tokens = count(
            spec,
            n=n,
            size=size,
            quality=quality,
            prompt=prompt,
            inputs=inputs,
            fidelity=fidelity,
            partial_images=partial_images,
        )
        return price_of(spec, tokens)
    except Unsupported as error:
        if error.code == "price.unknown" and spec.unpriced:
            return Price(estimated=True, unknown=True)
        raise


def price_of(spec: ModelSpec, tokens: Count) -> Price:
    """The price of counted tokens.

    :raises Unsupported: ``price.unknown`` where something is charged that has no price.
    """
    parts = (("image_out", tokens.image_out), ("image_in", tokens.image_in), ("text_in", tokens.text_in))
    charged = [(_nano(spec, key), part) for key, part in parts if part.most]
    return Price(
        likely=micro(sum(nano * part.likely for nano, part in charged)),
        most=micro(sum(nano * part.most for nano, part in charged)),
        estimated=tokens.estimated,
    )


def _nano(spec: ModelSpec, key: str) -> int:
    if key not in spec.prices:
        raise Unsupported("price.unknown", model=spec.id)
    return spec.prices[key]


def micro(nano: int) -> int:
    """Nano-USD to micro-USD, halves to even."""
    whole, rest = divmod(nano, 1000)
    return whole + (rest > 500 or (rest == 500 and whole % 2 == 1))


def actual(spec: ModelSpec, usage: Mapping[str, Any]) -> Actual:
    """What a request cost, of the ``usage`` that came with its answer.

    Cached input is cheaper where the provider says how much there was. Text output is charged where the model has
    a price for it, and free where it has none.
    """
    if spec.free:
        return Actual(micro_usd=0)
    out, into = _whole(usage, "output_tokens"), _whole(usage, "input_tokens")
    if not spec.prices or out is None:
        return Actual(micro_usd=0, missing=True)
    paid, lacks = _output_cost(spec, out, usage.get("output_tokens_details"))
    if into is None:
        return Actual(micro_usd=micro(paid), missing=True)
    more, lacking = _input_cost(spec, into, usage.get("input_tokens_details"))
    return Actual(micro_usd=micro(paid + more), missing=lacks or lacking)


def _whole(row: Any, key: str) -> int | None:
    """A count of a row that somebody else wrote; None for what is none."""
    value = row.get(key) if isinstance(row, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS else None


def _output_cost(spec: ModelSpec, total: int, details: Any) -> tuple[int, bool]:
    """Nano-USD, and whether something was missing. Without details all is image, which is the dearest."""
    image, text = _whole(details, "image_tokens"), _whole(details, "text_tokens")
    lacks = "image_out" not in spec.prices
    if image is None or text is None or image + text != total:
        # Only a model that charges for text could have cost less.
        image, text, lacks = total, 0, lacks or "text_out" in spec.prices
    return image * spec.prices.get("image_out", 0) + text * spec.prices.get("text_out", 0), lacks


def _input_cost(spec: ModelSpec, total: int, details: Any) -> tuple[int, bool]:
    """Nano-USD, and whether something was missing. What is not explained is charged at the dearer price."""
    given = _whole(details, "image_tokens"), _whole(details, "text_tokens")
    image, text = (part or 0 for part in given)
    rest = max(0, total - image - text)
    prices = spec.prices
    dear = max(prices.get("image_in", 0), prices.get("text_in", 0))
    saved, unsplit = _saved(prices, details, image, text)
    unpriced = (image > 0 and "image_in" not in prices) or (text > 0 and "text_in" not in prices)
    cost = image * prices.get("image_in", 0) + text * prices.get("text_in", 0) + rest * dear
    missing = rest > 0 or (total > 0 and None in given) or image + text > total
    return cost - saved, missing or unsplit or unpriced


def _saved(prices: Mapping[str, int], details: Any, image: int, text: int) -> tuple[int, bool]:
    """Nano-USD that cached input was cheaper, and whether it was told without saying of what."""
    split = details.get("cached_tokens_details") if isinstance(details, Mapping) else None
    cached = _whole(details, "cached_tokens") or 0
    unsplit = cached > 0 and not isinstance(split, Mapping)
    # Text is what saves least: that is the dearest reading.
    of_text = min(text, cached if unsplit else _whole(split, "text_tokens") or 0)
    of_image = min(image, cached - of_text if unsplit else _whole(split, "image_tokens") or 0)
    return of_text * _discount(prices, "text") + of_image * _discount(prices, "image"), unsplit


def _discount(prices: Mapping[str, int], kind: str) -> int:
    full = prices.get(f"{kind}_in", 0)
    return max(0, full - prices.get(f"{kind}_cached_in", full))
