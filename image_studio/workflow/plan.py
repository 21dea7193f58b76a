"""What a matrix buys: channels grouped by ratio, one request a group, cells pointing at its pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from image_studio.brand.kit import Kit
from image_studio.catalog.sizes import sized
from image_studio.catalog.specs import ChannelSpec, ModelSpec, RouteSpec
from image_studio.models import Asset, Brand, Channel, PromptVersion
from image_studio.providers.base import PictureRequest
from image_studio.workflow.options import Attached, fields_of, frozen

#: Ratios this close are one: 1200x628 and 1200x630 share a picture.
SAME_RATIO = 0.01


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """What somebody asks for.

    :param texts: line key -> locale -> words, over the kit's own lines.
    :param sharing: ``ratio`` buys one picture per ratio, ``key_visual`` one for all channels.
    :param options: names of :data:`~image_studio.workflow.options.OPTIONS` -> plain values; ids of pictures as text.
    :param finishes: whether the source is a draft that is finished, see :mod:`image_studio.workflow.finish`.
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
    options: Mapping[str, Any] = field(default_factory=dict)
    finishes: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", frozen(self.options))

    def to_dict(self) -> dict[str, object]:
        """Plain values, complete enough to ask again and to tell two requests apart."""
        # Left out where they say nothing: orders that were made before they were known are the same orders still.
        later = {"options": dict(self.options), "finishes": self.finishes}
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
            **{name: value for name, value in later.items() if value},
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


def sized_groups(
    channels: Sequence[ChannelSpec], sharing: str, spec: ModelSpec
) -> list[tuple[tuple[int, int], list[ChannelSpec]]]:
    """:func:`groups` at sizes that a model makes; ratios that it makes at one size are one purchase."""
    found: dict[tuple[int, int], list[ChannelSpec]] = {}
    for size, group in groups(channels, sharing):
        found.setdefault(sized(size, spec), []).extend(group)
    return list(found.items())


#: Providers that paint grounds take the first colour that suits: what is behind comes first.
GROUND_FIRST = ("background", "primary", "secondary", "accent", "neutral", "text")


def _ground_first(kit: Kit) -> tuple[str, ...]:
    return tuple(swatch.hex for swatch in sorted(kit.palette, key=lambda swatch: GROUND_FIRST.index(swatch.role)))


def plan(
    matrix: Matrix, route: RouteSpec, spec: ModelSpec, prompt: str, pictures: Sequence[Attached]
) -> tuple[tuple[PlannedJob, ...], tuple[PlannedCell, ...]]:
    """The purchases and the cells of a matrix. Locales never buy a picture, and neither do equal requests."""
    jobs = purchases(matrix, route, spec, prompt, pictures)
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


def purchases(
    matrix: Matrix, route: RouteSpec, spec: ModelSpec, prompt: str, pictures: Sequence[Attached]
) -> tuple[PlannedJob, ...]:
    """One request per picture that channels share, split where a model makes fewer at once than there are takes.

    Early versions come of one picture at a time: who pays for them gets a request for each take.

    :param pictures: the source and what the options name, as :func:`~image_studio.workflow.options.attached` gives.
    """
    common: dict[str, Any] = {
        "model": spec.id,
        "prompt": prompt if spec.takes_instruction else "",
        "quality": route.quality,
        "inputs": tuple(one.ref for one in pictures),
        "palette": _ground_first(matrix.brand.kit),
        "extra": {**route.options, **matrix.options.get("extra", {})},
        **fields_of(matrix.options),
    }
    most = 1 if matrix.options.get("partial_images") and not spec.free else spec.max_n
    return tuple(
        PlannedJob(
            request=PictureRequest(size=size, n=min(most, matrix.takes - first), first=first, **common),
            channels=tuple(channel.slug for channel in group),
        )
        for size, group in sized_groups([channel.spec for channel in matrix.channels], matrix.sharing, spec)
        for first in range(0, matrix.takes, most)
    )
