"""SPEED row 12: all of an ingest against decode and renditions alone."""

from __future__ import annotations

import io
from typing import Any

from image_studio.brand.checks import DEFAULT_CHECKS, Subject, load, run_checks
from image_studio.brand.kit import Kit, Swatch, Term
from image_studio.catalog.specs import ChannelSpec
from image_studio.imaging.decode import Picture, decode
from image_studio.imaging.fingerprint import fingerprint
from image_studio.imaging.geometry import Box
from image_studio.imaging.layers import Placed
from image_studio.imaging.renditions import Spec, renditions
from tests.benchmarks.measure import by_turns, goal, photograph

PALETTE = ("#0b3d91", "#f2a900", "#ffffff", "#111111", "#d7263d", "#2e8b57")
KIT = Kit(
    name="Aura",
    slug="aura",
    palette=tuple(Swatch(name=f"tone-{number}", hex=tone) for number, tone in enumerate(PALETTE)),
    terms=(Term(text="cheap", kind="prohibited"),),
)
CHANNEL = ChannelSpec(
    slug="square",
    name="Square",
    width=1024,
    height=1024,
    safe=(0.05, 0.05, 0.05, 0.05),
    max_bytes=5_000_000,
    formats=("png",),
)
HEADLINE = Placed(
    kind="text",
    name="headline",
    box=Box(100, 100, 600, 120),
    clear=Box(100, 100, 600, 120),
    size=60,
    minimum=30,
    text="Light, kept",
    lines=("Light, kept",),
    locale="en",
    font="DejaVu Sans",
    colour="#ffffff",
)
LOGO = Placed(kind="logo", name="Aura", box=Box(760, 860, 180, 90), clear=Box(740, 840, 220, 130), size=180, minimum=70)
SPECS = [Spec(width=width, format="webp") for width in (256, 512, 1024)]


def check(picture: Picture) -> object:
    subject = Subject(
        kit=KIT,
        image=picture.image,
        under=picture.image,
        format=picture.format,
        weight=picture.weight,
        channel=CHANNEL,
        locale="en",
        placed=(HEADLINE, LOGO),
        source_type="trainedAlgorithmicMedia",
    )
    return run_checks(CHECKS, subject)


CHECKS = load(DEFAULT_CHECKS)


def measure(short: bool) -> list[dict[str, Any]]:
    target = io.BytesIO()
    photograph(1024).save(target, "PNG")
    data = target.getvalue()
    picture = decode(data)

    def floor() -> object:
        return renditions(decode(data).image, SPECS)

    def whole() -> object:
        fresh = decode(data)
        return renditions(fresh.image, SPECS), fingerprint(fresh.image), check(fresh)

    sides = (whole, floor, lambda: fingerprint(picture.image), lambda: check(picture))
    ours, theirs, hashed, checked = by_turns(*sides, rounds=5 if short else 21)
    parts = {"fingerprint": round(hashed.cpu, 2), "checks": round(checked.cpu, 2), "ours_wall": round(ours.wall, 1)}
    return [goal("ingest of 1024x1024, over decode and 3 renditions", ours.cpu, theirs.cpu, 1.2, **parts)]
