"""What a matrix buys: channels grouped by ratio, one request a group, cells pointing at its pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from image_studio.brand.kit import Kit
from image_studio.catalog.specs import ChannelSpec, ModelSpec, RouteSpec
from image_studio.models import Asset, Brand, Channel, PromptVersion
from image_studio.providers.base import InputRef, PictureRequest

#: Ratios this close are one: 1200x628 and 1200x630 share a picture.
SAME_RATIO = 0.01


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """What somebody asks for.

    :param texts: line key -> locale -> words, over the kit's own lines.
    :param sharing: ``ratio`` buys one picture per ratio, ``key_visual`` one for all channels.
    """

    brand: Brand
    route: str
    channels: tuple[Channel, ...]
    locales: tuple[str, ...]
    takes: int = 1
    source: Asset | None = None
    prompt_version: PromptVersion | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sharing: str = "ratio"
    title: str = ""

    def to_dict(self) -> dict[str, object]:
        """Plain values, complete enough to ask again and to tell two requests apart."""
        return {
            "brand": self.brand.slug,
            "route": self.route,
            "channels": [channel.slug for channel in self.channels],
            "locales": list(self.locales),
            "takes": self.takes,
            "source": str(self.source.pk) if self.source else None,
            "prompt_version": str(self.prompt_version.pk) if self.prompt_version else None,
            "variables": dict(self.variables),
            "texts": {key: dict(words) for key, words in self.texts.items()},
            "sharing": self.sharing,
            "title": self.title,
        }

    def texts_for(self, locale: str) -> dict[str, str]:
        """The set's own words in one locale, by line key."""
        return words_for(self.texts, locale)


def words_for(texts: Mapping[str, Mapping[str, str]], locale: str) -> dict[str, str]:
    """The words of one locale, by line key; empty words fall back to the kit's."""
    return {key: words[locale] for key, words in texts.items() if words.get(locale, "").strip()}


@dataclass(frozen=True, kw_only=True)
class PlannedCell:
    """A cell: which picture of which planned job it shows."""

    take: int
    channel: Channel
    locale: str
    job: int
    output: int


@dataclass(frozen=True, kw_only=True)
class PlannedJob:
    """One purchase: a request and the channels that it serves."""

    request: PictureRequest
    channels: tuple[str, ...]


def groups(channels: Sequence[ChannelSpec], sharing: str) -> list[tuple[tuple[int, int], list[ChannelSpec]]]:
    """Channels that share a picture, each group with the size to ask for.

    A shared ratio is asked for at its largest channel's size. A key visual is as wide as the widest and as high
    as the highest, so that no channel has to enlarge its crop.
    """
    if sharing == "key_visual":
        size = max(c.width for c in channels), max(c.height for c in channels)
        return [(size, list(channels))]
    found: list[list[ChannelSpec]] = []
    for channel in sorted(channels, key=lambda c: (c.width / c.height, -c.width)):
        ratio = channel.width / channel.height
        last = found[-1][0] if found else None
        if last is not None and abs(math.log(ratio * last.height / last.width)) <= SAME_RATIO:
            found[-1].append(channel)
        else:
            found.append([channel])
    return [(max(group, key=lambda c: c.width * c.height).size, group) for group in found]


def bounded(size: tuple[int, int], spec: ModelSpec) -> tuple[int, int]:
    """A size within a model's limits, the ratio kept."""
    width, height = size
    scale = min(1.0, spec.max_edge / max(size), math.sqrt(spec.max_pixels / (width * height)))
    return (width, height) if scale == 1.0 else (max(1, int(width * scale)), max(1, int(height * scale)))


#: Providers that paint grounds take the first colour that suits: what is behind comes first.
GROUND_FIRST = ("background", "primary", "secondary", "accent", "neutral", "text")


def _ground_first(kit: Kit) -> tuple[str, ...]:
    return tuple(swatch.hex for swatch in sorted(kit.palette, key=lambda swatch: GROUND_FIRST.index(swatch.role)))


def plan(
    matrix: Matrix, route: RouteSpec, spec: ModelSpec, prompt: str
) -> tuple[tuple[PlannedJob, ...], tuple[PlannedCell, ...]]:
    """The purchases and the cells of a matrix. Locales never buy a picture, and neither do equal requests."""
    jobs = purchases(matrix, route, spec, prompt)
    # Which output of which job shows a channel's take.
    shown = {
        (slug, job.request.first + output): (number, output)
        for number, job in enumerate(jobs)
        for slug in job.channels
        for output in range(job.request.n)
    }
    cells = tuple(
        PlannedCell(take=take, channel=channel, locale=locale, job=job, output=output)
        for channel in {channel.slug: channel for channel in matrix.channels}.values()
        for take in range(matrix.takes)
        for job, output in (shown[channel.slug, take],)
        for locale in matrix.locales
    )
    return jobs, cells


def purchases(matrix: Matrix, route: RouteSpec, spec: ModelSpec, prompt: str) -> tuple[PlannedJob, ...]:
    """One request per picture that channels share, split where a model makes fewer at once than there are takes."""
    common: dict[str, Any] = {
        "model": spec.id,
        "prompt": prompt if spec.takes_instruction else "",
        "quality": route.quality,
        "inputs": _inputs(matrix.source),
        "palette": _ground_first(matrix.brand.kit),
        "extra": dict(route.options),
    }
    return tuple(
        PlannedJob(
            request=PictureRequest(
                size=bounded(size, spec), n=min(spec.max_n, matrix.takes - first), first=first, **common
            ),
            channels=tuple(channel.slug for channel in group),
        )
        for size, group in groups([channel.spec for channel in matrix.channels], matrix.sharing)
        for first in range(0, matrix.takes, spec.max_n)
    )


def _inputs(source: Asset | None) -> tuple[InputRef, ...]:
    if source is None:
        return ()
    return (InputRef(asset=str(source.pk), sha256=source.sha256, focal=source.focal),)
