"""How many tokens a request takes: whole numbers, by the rule that a model's catalog row names.

``ModelSpec.output_tokens`` has a ``kind``:

* ``table``: ``table[quality]["WxH"]``, as published for the models before gpt-image-2. ``most_extra`` are tokens of
  each picture that its published price has more than its published tokens.
* ``grid``: ``grid[quality]`` cells lie along the long edge, and the short edge has its share of them, halves to
  even; a picture takes ``cells * share * (2,000,000 + pixels) / 4,000,000``, all pictures of a request together
  rounded up. Not printed in the provider's papers: it is the code of their calculator, and agrees with every
  known reading of real usage. Where a model only resembles a grid, ``likely[quality]`` and ``most[quality]`` are
  percent of it, and ``estimated`` is true.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from image_studio.catalog.sizes import words
from image_studio.catalog.specs import ModelSpec
from image_studio.exceptions import Unsupported

Size = tuple[int, int]

#: Every early version of a picture, as image output.
PARTIAL = 100
#: No input picture takes more patches of 32 x 32 pixels.
MOST_PATCHES = 1536
PATCH, TILE = 32, 512
#: Models that count tiles: the base, each tile, and what high fidelity adds for a square and for any other shape.
TILE_BASE, PER_TILE, FIDELITY_SQUARE, FIDELITY_OTHER = 65, 129, 4160, 6240
#: Tiles of a picture of unknown size: of a usual photograph, and of the largest after fitting into 2048 x 2048.
USUAL_TILES, MOST_TILES = 2, 16
#: UTF-8 bytes of one token in usual text; a token never has less than one.
BYTES_PER_TOKEN = 4


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """A count: what is likely and what it can be at most.

    :param estimated: whether the bill may count otherwise; where not, both numbers are the same.
    """

    likely: int = 0
    most: int = 0
    estimated: bool = False

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            likely=self.likely + other.likely,
            most=self.most + other.most,
            estimated=self.estimated or other.estimated,
        )

    def __mul__(self, times: int) -> Tokens:
        return Tokens(likely=self.likely * times, most=self.most * times, estimated=self.estimated)


def exactly(count: int) -> Tokens:
    return Tokens(likely=count, most=count)


def output_tokens(spec: ModelSpec, size: Size, quality: str, n: int = 1) -> Tokens:
    """Image output of ``n`` pictures of a size in pixels.

    A size that a table does not have is counted as the nearest that it has.

    :raises Unsupported: ``quality.not_offered``; ``price.unknown`` for a model whose output nobody can count.
    """
    rule = spec.output_tokens
    kind = rule.get("kind", "unknown")
    if kind not in ("table", "grid"):
        raise Unsupported("price.unknown", model=spec.id)
    counts = rule[kind].get(quality)
    if counts is None:
        known = ", ".join(spec.qualities)
        raise Unsupported("quality.not_offered", model=spec.title or spec.id, quality=quality, known=known)
    if kind == "table":
        return _from_table(counts[words(spec.nearest_size(*size))], rule.get("most_extra", 0), n)
    whole = grid_tokens(counts, size, n)
    return Tokens(
        likely=_percent(whole, rule.get("likely", {}).get(quality, 100)),
        most=_percent(whole, rule.get("most", {}).get(quality, 100)),
        estimated=rule.get("estimated", False),
    )


def _from_table(one: int, extra: int, n: int) -> Tokens:
    return Tokens(likely=n * one, most=n * (one + extra), estimated=extra > 0)


def grid_tokens(cells: int, size: Size, n: int = 1) -> int:
    """Tokens of ``n`` pictures with ``cells`` along the long edge."""
    share = round(Fraction(cells * min(size), max(size)))  # a Fraction rounds halves to even
    return -(-n * cells * share * (2_000_000 + size[0] * size[1]) // 4_000_000)


def _percent(count: int, percent: int) -> int:
    return -(-count * percent // 100)


def partial_tokens(partial_images: int, n: int = 1) -> Tokens:
    """Image output of the early versions of ``n`` pictures. Fewer may come than were asked for."""
    return exactly(PARTIAL * partial_images * n)


def image_input_tokens(spec: ModelSpec, size: Size | None, fidelity: str = "") -> Tokens:
    """One input picture of a size in pixels; None is a picture of unknown size.

    ``patches`` is not published: it was found by measuring, agrees with every known reading, and is unsure below
    512 pixels. ``tiles`` is published, but not whether a picture is first shrunk to 512 pixels on its short edge:
    ``likely`` says yes, ``most`` no. A mask is not counted; no reading has one.

    :raises Unsupported: ``price.unknown`` for a model whose input nobody can count.
    """
    if spec.input_rule == "patches":
        return _patch_tokens(size)
    if spec.input_rule == "tiles":
        return _tile_tokens(size, fidelity)
    raise Unsupported("price.unknown", model=spec.id)


def _patch_tokens(size: Size | None) -> Tokens:
    if size is None:
        return Tokens(likely=MOST_PATCHES, most=MOST_PATCHES, estimated=True)
    count = patches(size)
    unsure = max(size) < 512
    return Tokens(likely=count, most=MOST_PATCHES if unsure else count, estimated=unsure)


def patches(size: Size) -> int:
    """Patches of 32 x 32 pixels that cover a picture, after it is scaled to between 1024 pixels and 1,536 patches."""
    width, height = (Fraction(edge) for edge in size)
    longest = max(width, height)
    if longest < 1024:
        scale = min(Fraction(2), 1024 / longest)
        width, height, longest = width * scale, height * scale, longest * scale
    # Longer than 3:1 is padded.
    width, height = max(width, longest / 3), max(height, longest / 3)
    count = _covering(width) * _covering(height)
    return count if count <= MOST_PATCHES else _shrunk(width, height)


def _covering(edge: Fraction, cell: int = PATCH) -> int:
    return math.ceil(edge / cell)


def _shrunk(width: Fraction, height: Fraction) -> int:
    """Patches of a picture scaled so that one edge is whole patches, and all are 1,536 at most."""
    across, down = isqrt(int(MOST_PATCHES * width / height)), isqrt(int(MOST_PATCHES * height / width))
    scale = min(PATCH * across / width, PATCH * down / height)
    return _covering(Fraction(int(width * scale))) * _covering(Fraction(int(height * scale)))


def _tile_tokens(size: Size | None, fidelity: str) -> Tokens:
    likely, most = (USUAL_TILES, MOST_TILES) if size is None else _tiles(size)
    extra = 0
    if fidelity == "high":
        extra = FIDELITY_SQUARE if size is not None and size[0] == size[1] else FIDELITY_OTHER
    return Tokens(
        likely=TILE_BASE + PER_TILE * likely + extra,
        most=TILE_BASE + PER_TILE * most + extra,
        estimated=likely != most,
    )


def _tiles(size: Size) -> tuple[int, int]:
    """Tiles of a picture that fits into 2048 x 2048: shrunk to 512 pixels on its short edge, and as it is."""
    fit = min(Fraction(1), Fraction(2048, max(size)))
    width, height = size[0] * fit, size[1] * fit
    shrink = min(Fraction(1), 512 / min(width, height))
    small = _covering(width * shrink, TILE) * _covering(height * shrink, TILE)
    return small, _covering(width, TILE) * _covering(height, TILE)


def text_input_tokens(spec: ModelSpec, prompt: str, inputs: int = 0) -> Tokens:
    """The prompt and what the provider adds to it, for a request with ``inputs`` pictures; no prompt counts nothing.

    No tokenizer is at hand, and none is needed for a bound: the tokens of the GPT Image family are made of whole
    UTF-8 bytes, so there are never more tokens than bytes. ``likely`` takes four bytes a token.
    """
    if not prompt:
        return Tokens()
    size = len(prompt.encode("utf-8", "replace"))
    base, per_input = spec.text_overhead
    extra = base + per_input * inputs
    return Tokens(likely=-(-size // BYTES_PER_TOKEN) + extra, most=size + extra, estimated=True)
