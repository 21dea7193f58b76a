"""What can be laid over a picture while it is judged, drawn from its verdicts, its recipe and its channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from image_studio.models import Asset, CheckResult

Parts = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A rectangle in per cent of the picture, as text: SVG reads points only, whatever the reader's language.

    :param number: of the verdict in the list beside it; 0 has none.
    :param words: written at its corner.
    """

    box: tuple[str, ...]
    kind: str = ""
    number: int = 0
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """A layer with its switch.

    :param on: whether it is on at first: what went wrong is, what helps to look closer is not.
    """

    key: str
    label: Any
    marks: tuple[Mark, ...]
    on: bool = False


def overlays(asset: Asset, spec: dict[str, Any], said: Sequence[Any]) -> list[Overlay]:
    """The layers that have something to show for this picture.

    :param said: its verdicts in words, numbered (:class:`~image_studio.admin.contact_sheet.Said`).
    """
    found = [one for one in said if one.box]
    results = [one.result for one in said]
    layers = [
        Overlay(
            key="found",
            label=_("What the checks found"),
            marks=tuple(Mark(box=one.box, kind=one.result.verdict, number=one.number) for one in found),
            on=True,
        ),
        Overlay(key="safe", label=_("Safe area"), marks=tuple(_safe(spec))),
        Overlay(key="clear", label=_("Logo clear space"), marks=tuple(_clear(asset))),
        Overlay(key="contrast", label=_("Contrast boxes"), marks=tuple(_contrast(results))),
        Overlay(key="palette", label=_("Off the palette"), marks=tuple(_palette(results))),
    ]
    return [layer for layer in layers if layer.marks]


def percent(parts: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{float(part) * 100:.2f}" for part in parts)


def _safe(spec: dict[str, Any]) -> Iterator[Mark]:
    top, right, bottom, left = spec.get("safe") or (0, 0, 0, 0)
    if any((top, right, bottom, left)):
        yield Mark(box=percent((left, top, 1 - left - right, 1 - top - bottom)))


def _clear(asset: Asset) -> Iterator[Mark]:
    """The room that the kit keeps free, with the logo's own ink inside."""
    for layer in asset.recipe.get("layers") or ():
        if layer.get("kind") == "logo":
            yield Mark(box=percent(_share(layer["clear"], asset)))
            yield Mark(box=percent(_share(layer["box"], asset)), kind="ink")


def _share(box: Sequence[float], asset: Asset) -> Parts:
    left, top, width, height = box
    return left / asset.width, top / asset.height, width / asset.width, height / asset.height


def _contrast(results: Sequence[CheckResult]) -> Iterator[Mark]:
    for result in results:
        if result.check_name == "contrast" and result.region:
            words = "" if result.score is None else f"{result.score:.1f}:1"
            yield Mark(box=percent(result.region), kind=result.verdict, words=words)


def _palette(results: Sequence[CheckResult]) -> Iterator[Mark]:
    for result in results:
        if result.check_name == "palette" and result.region:
            yield Mark(box=percent(result.region), kind=result.verdict)
