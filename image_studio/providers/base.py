"""What a provider is given, what it answers, and the interface between."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from image_studio.catalog.pricing import Price, estimate
from image_studio.catalog.specs import ModelSpec

#: Fields of a request that older digests do not know.
LATER_FIELDS = frozenset({"fidelity", "moderation", "complexity", "user_key"})


@dataclass(frozen=True, kw_only=True)
class InputRef:
    """An input picture by reference, as it stands in a stored request.

    :param role: ``source`` or ``reference`` (a picture to work from; sources stand first), ``mask`` (transparent
        where the first picture may change) or ``markup`` (drawn hints over the first picture).
    :param focal: the point that must stay visible, as fractions of the upright picture.
    :param size: width and height in pixels, upright, as it is sent; None is not known: it is priced as the dearest
        then.
    :param asset: id of a picture of the library; empty where ``file`` names a mask or a drawing of an edit history.
    :param canvas: ``(width, height, left, top)``: it is sent on a canvas of this size, standing there.
    """

    asset: str
    sha256: str
    role: str = "source"
    focal: tuple[float, float] | None = None
    size: tuple[int, int] | None = None
    file: str = ""
    canvas: tuple[int, int, int, int] | None = None

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> InputRef:
        lists = {key: tuple(plain[key]) if plain.get(key) else None for key in ("focal", "size", "canvas")}
        return cls(**{**plain, **lists})


@dataclass(frozen=True, kw_only=True)
class PictureRequest:
    """One purchase of ``n`` pictures. Equal requests have equal digests and are bought once.

    :param size: width and height in pixels.
    :param background: ``auto``, ``opaque`` or ``transparent``.
    :param palette: brand colours ``#rrggbb``, for providers that can use them.
    :param seed: for providers that are deterministic.
    :param first: number of the first picture, where one order is split over several requests: the parts differ.
    :param extra: raw options passed on to the vendor untouched.
    :param fidelity: how closely the inputs are kept, ``low`` or ``high``; empty leaves it to the model.
    :param moderation: the vendor's own filter, ``auto`` or ``low``; empty leaves it to the vendor.
    :param complexity: how much the model plans, ``low``, ``medium`` or ``high``; empty leaves it to the model.
    :param user_key: a hash that stands for who asked, never a name or an address; empty sends none.
    """

    model: str
    prompt: str = ""
    size: tuple[int, int] = (1024, 1024)
    n: int = 1
    quality: str = "high"
    output_format: str = "png"
    background: str = "auto"
    compression: int | None = None
    partial_images: int = 0
    seed: int = 0
    first: int = 0
    inputs: tuple[InputRef, ...] = ()
    palette: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    fidelity: str = ""
    moderation: str = ""
    complexity: str = ""
    user_key: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values. What came into the contract later is left out where empty: old digests stand."""
        plain: dict[str, Any] = json.loads(json.dumps(vars(self), default=_plain))
        plain["inputs"] = [_without_empty(row, ("size", "file", "canvas")) for row in plain["inputs"]]
        return {key: value for key, value in plain.items() if value or key not in LATER_FIELDS}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> PictureRequest:
        return cls(
            **{
                **plain,
                "size": tuple(plain["size"]),
                "palette": tuple(plain.get("palette", ())),
                "inputs": tuple(InputRef.from_dict(row) for row in plain.get("inputs", ())),
            }
        )

    @property
    def asked(self) -> dict[str, Any]:
        """What the catalog judges of it, as :func:`image_studio.catalog.refusals.refusals` takes it."""
        roles = [ref.role for ref in self.inputs]
        plain = ("size", "n", "quality", "output_format", "background", "compression", "partial_images")
        return {
            **{name: getattr(self, name) for name in (*plain, "fidelity", "moderation", "complexity")},
            "prompt_length": len(self.prompt),
            "inputs": sum(role in ("source", "reference") for role in roles),
            "mask": "mask" in roles,
            "markup": "markup" in roles,
        }

    @property
    def digest(self) -> str:
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def counted_inputs(self) -> tuple[tuple[int, int] | None, ...]:
        """Sizes of the pictures that are charged as input. No reading says that a mask is."""
        return tuple(ref.size for ref in self.inputs if ref.role != "mask")


def _plain(value: Any) -> dict[str, Any]:
    """What JSON does not know: references to inputs, and mappings that are no dict."""
    return dict(value) if isinstance(value, Mapping) else dict(vars(value))


def _without_empty(row: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value or key not in names}


@dataclass(frozen=True, kw_only=True)
class Input:
    """An input picture with its bytes: clean (upright, sRGB, no client metadata), named and typed."""

    ref: InputRef
    data: bytes = field(repr=False)
    mime: str = "image/png"
    name: str = "source.png"
    source_type: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something to say about a request before it runs. ``blocks`` means it may not."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    blocks: bool = True
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class Output:
    """One picture of an answer: a file in the spool, or a fault in its place.

    :param source_type: IPTC digital source type, for example ``trainedAlgorithmicMedia``.
    """

    index: int
    path: Path | None = None
    source_type: str = ""
    fault: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back. ``effective`` echoes what the provider really used."""

    outputs: tuple[Output, ...]
    request_id: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    effective: Mapping[str, Any] = field(default_factory=dict)
    micro_usd: int = 0


#: Called with (picture index, partial index, encoded bytes) whenever an early version is ready.
OnPartial = Callable[[int, int, bytes], Awaitable[None]]


class BaseProvider:
    """A vendor. Subclasses are called ``Provider``; options are keywords and leftovers raise.

    :cvar repeatable: True where a request is free and deterministic, so that a lost one may simply be sent
        again. Never True for a vendor that charges.
    :cvar takes_user_key: True where the vendor wants to tell people apart: requests then carry ``user_key``.
    """

    repeatable: ClassVar[bool] = False
    takes_user_key: ClassVar[bool] = False

    def __init__(self, alias: str, **options: Any) -> None:
        if options:
            raise TypeError(f"{type(self).__module__}: unknown options {', '.join(sorted(options))}")
        self.alias = alias

    def supports(self, request: PictureRequest, spec: ModelSpec) -> tuple[Finding, ...]:
        """Everything in the request that cannot be done, answered before any spend. Empty means go."""
        raise NotImplementedError

    def estimate(self, request: PictureRequest, spec: ModelSpec) -> Price:
        """The price of the whole request, all ``n`` pictures."""
        return estimate(
            spec,
            n=request.n,
            size=request.size,
            quality=request.quality,
            prompt=request.prompt,
            inputs=request.counted_inputs,
            fidelity=request.fidelity,
            partial_images=request.partial_images,
        )

    async def run(
        self,
        request: PictureRequest,
        inputs: tuple[Input, ...],
        *,
        spool: Path,
        deadline: float,
        on_partial: OnPartial | None = None,
    ) -> Answer:
        """Buy the pictures and leave their bytes in the folder ``spool``.

        :param deadline: seconds; past it the outcome is unknown, not failed.
        :raises ProviderRefused: no, and no again.
        :raises ProviderUnavailable: safe to send again.
        :raises OutcomeUnknown: may have been charged.
        """
        raise NotImplementedError

    def recover(self, request: PictureRequest, spool: Path) -> Answer | None:
        """The answer that a call left whole in the folder ``spool`` before its worker died, or None.

        Equal to what :meth:`run` would have answered. It reads, and neither asks the vendor nor changes a file.
        """
        return None
