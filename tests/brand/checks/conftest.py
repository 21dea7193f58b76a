"""What the check tests share: a brand, a channel, drawn pictures, and running one check with its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from image_studio.brand.checks import Check, Subject, Verdict, run_checks
from image_studio.brand.kit import Kit, Swatch
from image_studio.catalog.specs import ChannelSpec
from image_studio.imaging.geometry import Box
from image_studio.imaging.layers import Placed
from image_studio.wording import WORDS, explain

KIT = Kit(name="Aura", slug="aura", palette=(Swatch(name="Night", hex="#0b3d91"), Swatch(name="Paper", hex="#ffffff")))
CHANNEL = ChannelSpec(
    slug="card", name="Card", width=400, height=300, safe=(0.1, 0.05, 0.2, 0.05), max_bytes=50_000, formats=("jpeg",)
)


def noise(size: tuple[int, int] = (400, 300), middle: int = 128, width: int = 40, seed: int = 1) -> Image.Image:
    """A picture of many colours without any structure."""
    values = np.random.default_rng(seed).normal(middle, width, (size[1], size[0], 3))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def text(box: Box, name: str = "headline", **values: Any) -> Placed:
    facts = {"text": "Light, kept", "lines": ("Light, kept",), "locale": "en", "font": "Aura Sans", "colour": "#ffffff"}
    return Placed(kind="text", name=name, box=box, clear=box, **{"size": 40, "minimum": 20, **facts, **values})


def logo(box: Box, name: str = "Aura", **values: Any) -> Placed:
    facts = {"clear": box.grown(10), "size": box.width, "minimum": 30, "sha256": "aa"}
    return Placed(kind="logo", name=name, box=box, **{**facts, **values})


@pytest.fixture
def judge() -> Callable[..., list[Verdict]]:
    """Run one check on a subject; every verdict must be worded, filled and say who judged."""

    def run(check: Check, subject: Subject | None = None, **changes: Any) -> list[Verdict]:
        verdicts = run_checks([check], replace(subject or Subject(kit=KIT), **changes))
        assert verdicts, "a check answers at least once"
        for verdict in verdicts:
            assert verdict.code in WORDS
            assert "{" not in explain(verdict.code, verdict.params), verdict
            assert (verdict.check, verdict.rule) == (check.name, check.version)
            assert verdict.region is None or all(0 <= part <= 1 for part in verdict.region)
        return list(verdicts)

    return run
