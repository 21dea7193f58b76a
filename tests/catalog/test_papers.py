"""docs/models.md against the catalog: every row of its tables is made here, and there is no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from image_studio.catalog.pricing import estimate
from image_studio.catalog.sizes import parse
from image_studio.catalog.specs import models, routes

PAPER = Path(__file__).parents[2] / "docs" / "models.md"
SIZES = ("1024x1024", "1536x1024", "1024x1536", "2048x2048", "2048x1152", "3840x2160")
#: Snapshots and siblings cost the same as these.
PRICED = (
    "gpt-image-2",
    "gpt-image-2.5-flare",
    "gpt-image-2.6-flare",
    "gpt-image-1.5",
    "gpt-image-1-mini",
    "gpt-image-1",
)
SHOWN = ("text_in", "text_cached_in", "image_in", "image_cached_in", "image_out", "text_out")


def row(*cells):
    return f"| {' | '.join(cells)} |"


def code(text):
    return f"`{text}`" if text else "–"


def codes(texts):
    return " ".join(map(code, texts)) or "–"


def day(value):
    return value.isoformat() if value else "–"


def paid():
    return [spec for spec in models().values() if spec.provider == "openai"]


def lifecycle():
    return [
        row(code(spec.id), day(spec.released), day(spec.deprecated), day(spec.ends_on), codes(spec.replaced_by))
        for spec in paid()
    ]


def abilities():
    return [
        row(
            code(spec.id),
            codes(spec.sizes) if spec.sizes else "any by the rules",
            codes(spec.qualities),
            "yes" if spec.transparent else "no",
            "yes" if spec.takes_mask else "no",
            "yes" if spec.takes_markup else "no",
            codes(spec.fidelity),
            codes(spec.complexity),
        )
        for spec in paid()
        if not spec.snapshot_of
    ]


def prices():
    return [
        row(
            code(spec.id),
            *(f"{spec.prices[key] / 1000:.2f}" if key in spec.prices else "–" for key in SHOWN),
            day(spec.price_checked_on),
            f"<{spec.price_source}>",
        )
        for spec in paid()
        if not spec.snapshot_of and spec.prices
    ]


def usd(price):
    if price.likely == price.most:
        return f"{price.likely / 1_000_000:.5f}"
    return f"{price.likely / 1_000_000:.5f} to {price.most / 1_000_000:.5f}"


def pictures():
    return [
        row(
            code(spec.id),
            code(quality),
            *(
                usd(estimate(spec, n=1, size=parse(size), quality=quality))
                if not spec.size_faults(*parse(size))
                else "–"
                for size in SIZES
            ),
        )
        for spec in (models()[name] for name in PRICED)
        for quality in spec.qualities
    ]


def ways():
    return [
        row(
            code(route.name),
            code(route.provider),
            " then ".join(f"{code(step.model)} {step.quality}" for step in route.steps),
            " then ".join(day(models()[step.model].ends_on) for step in route.steps),
        )
        for route in routes().values()
    ]


TABLES = {
    "Lifecycle": lifecycle,
    "What each can do": abilities,
    "Prices": prices,
    "What a picture costs": pictures,
    "Routes": ways,
}


def printed(title):
    """The rows of a section's first table, without its head."""
    section = re.search(rf"^## {title}$(.+?)(?=^## |\Z)", PAPER.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert section is not None, title
    return [line for line in section[1].splitlines() if line.startswith("|")][2:]


@pytest.mark.parametrize("title", TABLES)
def test_the_paper_says_what_the_catalog_does(title):
    assert printed(title) == TABLES[title]()
