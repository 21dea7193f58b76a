"""Tokens and money as the fake server counts them: its own reading of the facts, independent of ``catalog``.

Where the facts are unsure this server picks one reading and says so here, since a real server has one too:

* text is counted by pieces of at most six letters, near what o200k_base does with English;
* gpt-image-2.6 at low quality takes 4.2 times what 2.5 takes (measured: 664 for 158), at medium 3.5 times;
* pictures given to models before gpt-image-2 are fitted into 2048x2048, then shrunk to 512 on the short edge.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

Size = tuple[int, int]

PUBLISHED = {
    "low": {"1024x1024": 272, "1024x1536": 408, "1536x1024": 400},
    "medium": {"1024x1024": 1056, "1024x1536": 1584, "1536x1024": 1568},
    "high": {"1024x1024": 4160, "1024x1536": 6240, "1536x1024": 6208},
}
CELLS = {
    "2": {"low": 16, "medium": 48, "high": 96},
    "2.5": {"low": 16, "medium": 24, "high": 48, "xhigh": 64, "max": 96},
}
CELLS["2.6"] = CELLS["2.5"]
SURPLUS = {"low": Fraction(42, 10), "medium": Fraction(35, 10)}

#: Nano-USD a token: text in, picture in, picture out.
PRICES = {
    "2.6": (5_000, 8_000, 30_000),
    "2.5": (5_000, 8_000, 30_000),
    "2": (5_000, 8_000, 30_000),
    "1.5": (5_000, 8_000, 32_000),
    "1": (5_000, 10_000, 40_000),
    "mini": (2_000, 2_500, 8_000),
}
TOKENS_PER_PARTIAL = 100


def output_tokens(family: str, size: Size, quality: str, n: int = 1) -> int:
    """Tokens of ``n`` finished pictures."""
    if family not in CELLS:
        return n * PUBLISHED[quality][f"{size[0]}x{size[1]}"]
    width, height = size
    long_cells = CELLS[family][quality]
    short_cells = round(Fraction(long_cells * min(size), max(size)))  # a Fraction rounds halves to even
    total = math.ceil(Fraction(n * long_cells * short_cells * (2_000_000 + width * height), 4_000_000))
    return math.ceil(total * SURPLUS.get(quality, 1)) if family == "2.6" else total


def picture_tokens(family: str, size: Size, fidelity: str = "") -> int:
    """Tokens of one picture that is given."""
    return _patches(size) if family in CELLS else _tiles(size, fidelity)


def _patches(size: Size) -> int:
    width, height = (Fraction(edge) for edge in size)
    if max(size) < 1024:
        factor = min(Fraction(2), Fraction(1024, max(size)))
        width, height = width * factor, height * factor
    width, height = max(width, height / 3), max(height, width / 3)
    if _cells(width, height) <= 1536:
        return _cells(width, height)
    # Shrunk to an area of 1536 patches, then a little more, so that the tighter edge holds a whole number of them.
    across, down = _root(1536 * width / height), _root(1536 * height / width)
    factor = min(32 * across / width, 32 * down / height)
    return _cells(Fraction(math.floor(width * factor)), Fraction(math.floor(height * factor)))


def _root(number: Fraction) -> int:
    """The whole part of the square root, exactly: a float would take 48 for 47.99."""
    return math.isqrt(math.floor(number))


def _cells(width: Fraction, height: Fraction, edge: int = 32) -> int:
    return math.ceil(width / edge) * math.ceil(height / edge)


def _tiles(size: Size, fidelity: str) -> int:
    width, height = size
    factor = min(Fraction(1), Fraction(2048, max(size)))
    factor *= min(Fraction(1), 512 / (min(size) * factor))
    extra = (4160 if width == height else 6240) if fidelity == "high" else 0
    return 65 + 129 * _cells(width * factor, height * factor, 512) + extra


def text_tokens(prompt: str, family: str, pictures: int) -> int:
    """Tokens of the prompt; an edit by gpt-image-2.5 and later takes ten more for each picture given."""
    pieces = len(re.findall(r"[^\W_]{1,6}|[^\w\s]|_", prompt))
    return pieces + 6 + (10 * pictures if family in {"2.5", "2.6"} else 0)


def usage(
    family: str, *, prompt: str, size: Size, quality: str, n: int, inputs: Sequence[Size], fidelity: str, partials: int
) -> dict[str, Any]:
    """The usage block of an answer. ``n`` multiplies what is given as well."""
    text = n * text_tokens(prompt, family, len(inputs))
    pictures = n * sum(picture_tokens(family, given, fidelity) for given in inputs)
    made = output_tokens(family, size, quality, n) + TOKENS_PER_PARTIAL * partials
    return {
        "input_tokens": text + pictures,
        "input_tokens_details": {"text_tokens": text, "image_tokens": pictures},
        "output_tokens": made,
        "output_tokens_details": {"image_tokens": made, "text_tokens": 0},
        "total_tokens": text + pictures + made,
    }


def micro_usd(family: str, used: dict[str, Any]) -> int:
    """What that costs, in micro-USD, halves to even."""
    text, pictures, made = PRICES[family]
    given = used["input_tokens_details"]
    nano = given["text_tokens"] * text + given["image_tokens"] * pictures + used["output_tokens"] * made
    return round(Fraction(nano, 1000))
