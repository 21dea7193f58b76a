"""Pixels of a job: from a picture's bytes to a raw picture and its composed cells. Knows no rows and no storage."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from PIL import Image

from image_studio.brand.checks import Check, Subject, Verdict, run_checks
from image_studio.brand.checks.moderation import Moderation
from image_studio.brand.kit import Kit, KitFiles
from image_studio.brand.plan import composed_source_type, label_for, layers_for
from image_studio.catalog.specs import ChannelSpec
from image_studio.conf import conf
from image_studio.exceptions import StudioError
from image_studio.imaging.compose import compose
from image_studio.imaging.decode import Limits, Picture, decode
from image_studio.imaging.fingerprint import fingerprint, signed
from image_studio.imaging.geometry import Box
from image_studio.imaging.layers import Placed
from image_studio.imaging.recompose import fit
from image_studio.imaging.renditions import Encoded, blur_placeholder, encode, preview

_log = logging.getLogger("image_studio.runner")


@dataclass(frozen=True, kw_only=True)
class CellPlan:
    """One cell to compose.

    :param key: the caller's name for it.
    :param texts: line key -> words in this locale, over the kit's lines.
    """

    key: Any
    channel: ChannelSpec
    locale: str
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Style:
    """What all cells of a job share.

    :param moderation: the one check that judges a raw picture for all its cells; None where the site has it not.
    """

    kit: Kit
    files: KitFiles
    checks: Sequence[Check]
    prompt: str = ""
    moderation: Moderation | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is known of a picture besides its pixels.

    :param source_type: IPTC digital source type by its maker; empty asks the file.
    :param upscaled: how much its maker enlarged the source; 1.0 is not at all.
    :param placeholder: a stand-in, which its label says.
    :param alt: locale -> words.
    """

    source_type: str = ""
    focal: tuple[float, float] | None = None
    upscaled: float = 1.0
    placeholder: bool = False
    alt: Mapping[str, str] = field(default_factory=dict)

    def alt_for(self, locale: str) -> str:
        return self.alt.get(locale) or self.alt.get(locale.split("-", maxsplit=1)[0], "")


@dataclass(frozen=True, kw_only=True)
class CellDone:
    """A composed cell: the file to deliver, its preview and every verdict on it."""

    plan: CellPlan
    file: Encoded
    preview: Encoded
    fingerprint: int
    colours: str
    has_alpha: bool
    source_type: str
    label: str
    placed: tuple[Placed, ...]
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, kw_only=True)
class CellFailed:
    """A cell that could not be composed, and why."""

    plan: CellPlan
    code: str
    params: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Raw:
    """A decoded picture with what is told of it."""

    picture: Picture
    told: Told = Told()

    @property
    def image(self) -> Image.Image:
        return self.picture.image

    @property
    def source_type(self) -> str:
        """What its maker says, else what the file says."""
        return self.told.source_type or self.picture.source_type

    @cached_property
    def preview(self) -> Encoded:
        return preview(self.image)

    @cached_property
    def fingerprint(self) -> int:
        return signed(fingerprint(self.image))

    @cached_property
    def colours(self) -> str:
        return blur_placeholder(self.image)


def open_raw(data: bytes, told: Told) -> Raw:
    """A provider's picture, or one of the library, through the same gate as an upload.

    :raises ImageRefused: for anything the gate does not take.
    """
    return Raw(picture=decode(data, gate()), told=told)


def gate() -> Limits:
    """The site's limits."""
    return Limits(max_bytes=conf().max_upload_bytes, max_pixels=conf().max_pixels)


def clean_copy(data: bytes) -> tuple[bytes, str]:
    """A picture as a provider may see it (upright sRGB PNG without client metadata) and its own source type.

    :raises ImageRefused: for anything the gate does not take.
    """
    return _clean_copy(data, gate())


@lru_cache(maxsize=4)  # a set asks for one source once per ratio, all at the same time
def _clean_copy(data: bytes, limits: Limits) -> tuple[bytes, str]:
    picture = decode(data, limits)
    return encode(picture.image, "png").data, picture.source_type


def try_cell(raw: Raw, plan: CellPlan, style: Style) -> CellDone | CellFailed:
    """Compose a cell; one that cannot be composed costs neither the picture nor its other cells."""
    try:
        return compose_cell(raw, plan, style)
    except StudioError as error:
        return CellFailed(plan=plan, code=error.code, params=error.params)
    except Exception as error:  # noqa: BLE001 - a defect in one cell must not cost a paid picture
        _log.exception("cell crashed", extra={"action": "cell.crashed", "cell": str(plan.key)})
        return CellFailed(plan=plan, code="variant.crashed", params={"error": type(error).__name__})


def compose_cell(raw: Raw, plan: CellPlan, style: Style) -> CellDone:
    """Fit a picture into its channel, draw logo, lines and label, write the file and judge it.

    :raises LayoutImpossible: where the kit's layout cannot be drawn exactly.
    :raises ImageRefused: ``image.cannot_fit`` where the channel's weight limit cannot be met.
    """
    channel = plan.channel
    label = label_for(raw.source_type, placeholder=raw.told.placeholder)
    layers = layers_for(style.kit, style.files, channel, plan.locale, texts=plan.texts, label=label)
    base = fit(raw.image, channel.size, focal=raw.told.focal)
    composed = compose(base, layers, safe=Box(*channel.safe_box))
    source_type = composed_source_type(raw.source_type, bool(layers))
    kind = channel.formats[0]
    file = encode(composed.image, kind, source_type=source_type, max_bytes=channel.max_bytes)
    subject = Subject(
        kit=style.kit,
        image=composed.image,
        under=composed.under,
        format=kind,
        weight=len(file.data),
        channel=channel,
        locale=plan.locale,
        prompt=style.prompt,
        alt=raw.told.alt_for(plan.locale),
        placed=composed.placed,
        source_type=source_type,
        placeholder=raw.told.placeholder,
        upscaled=enlarged(raw, channel.size),
    )
    return CellDone(
        plan=plan,
        file=file,
        preview=preview(composed.image),
        fingerprint=signed(fingerprint(composed.image)),
        colours=blur_placeholder(composed.image),
        has_alpha=composed.image.mode == "RGBA" and kind != "jpeg",
        source_type=source_type,
        label=label,
        placed=composed.placed,
        verdicts=run_checks(style.checks, subject),
    )


def enlarged(raw: Raw, into: tuple[int, int]) -> float:
    """How much of a picture that fills ``into`` is enlargement, its maker's included; 1.0 where nothing is."""
    width, height = raw.image.size
    return round(max(1.0, raw.told.upscaled * max(into[0] / width, into[1] / height)), 3)
