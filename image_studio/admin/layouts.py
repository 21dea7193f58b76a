"""The kit's layouts on every channel: what cannot be laid out, and a small picture of what can."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from image_studio.brand.kit import Kit, KitFiles
from image_studio.brand.plan import layers_for
from image_studio.exceptions import StudioError
from image_studio.imaging.backdrop import paint
from image_studio.imaging.compose import compose, dry_run
from image_studio.imaging.geometry import Box
from image_studio.imaging.renditions import Encoded, preview
from image_studio.models import Channel
from image_studio.wording import explain_error


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a channel cannot be composed in a locale, in words."""

    channel: Channel
    locale: str
    words: str


def faults(kit: Kit, files: KitFiles, channels: Iterable[Channel]) -> list[Fault]:
    """A dry run of every channel in every language of the brand; empty means that all can be composed."""
    return [
        Fault(channel=channel, locale=locale, words=explain_error(error))
        for channel in channels
        for locale in kit.locales
        for error in _errors(kit, files, channel, locale)
    ]


def _errors(kit: Kit, files: KitFiles, channel: Channel, locale: str) -> Sequence[StudioError]:
    spec = channel.spec
    try:
        return dry_run(spec.size, layers_for(kit, files, spec, locale), safe=Box(*spec.safe_box))
    except StudioError as error:
        return (error,)


def picture(kit: Kit, files: KitFiles, channel: Channel, locale: str) -> Encoded:
    """The layout on a painted ground in the brand's colours, composed at full size and made small.

    :raises StudioError: for what cannot be laid out.
    """
    spec = channel.spec
    ground = paint(spec.size, tuple(swatch.hex for swatch in kit.palette), detail=0.25)
    layers = layers_for(kit, files, spec, locale)
    return preview(compose(ground, layers, safe=Box(*spec.safe_box)).image, edge=480)
