"""From what somebody asks of a picture to the request that a provider is sent, and back to the picture's own frame.

Knows no rows: the web side prices a step with it, and the worker asks for the next step of a replay with it, so that
both say the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from image_studio.brand.kit import Kit
from image_studio.catalog.sizes import sized
from image_studio.catalog.specs import ModelSpec, RouteSpec
from image_studio.exceptions import InvalidRequest
from image_studio.imaging.canvas import Frame, Size, around, cut_size, same_ratio
from image_studio.providers.base import InputRef, PictureRequest
from image_studio.runner.edit_words import prompt_for

#: Pixels of an answer of ordinary detail: 1536 x 1024. What a mask marks is scaled up from it where the picture is
#: larger; ``full`` asks for the picture's own size, as far as the model goes.
STANDARD = 1536 * 1024
DETAILS = ("standard", "full")
#: Kinds that give what the model makes, without the parent's pixels laid over it.
UNPASTED = frozenset({"restyle", "combine", "remove_background", "replace_background", "generate", "start"})
MOST_CANDIDATES, MOST_REFERENCES = 8, 15

Region = tuple[float, float, float, float]
Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class StepOrder:
    """What somebody asks of a picture.

    :param kind: a key of :data:`~image_studio.models.STEP_KINDS`, not ``start``.
    :param parent: number of the step to grow from; None is the chain's head.
    :param candidate: which of its pictures; None is the chosen one, or its only one.
    :param region: the one rectangle that may change: left, top, width, height as fractions of the picture.
    :param polygons: what may change, as points in fractions of the picture.
    :param mask: id of an :class:`~image_studio.models.EditFile`, as is ``markup``.
    :param feather: width of the mask's soft edge in pixels of the picture; None is a 128th of its longest edge.
    :param paste: whether the picture's own pixels are put back outside the mask.
    :param references: (as what, id of a picture), in the order in which they are sent.
    :param ratio: ``16:9``: the shape to extend to, or to generate in.
    :param anchor: where the picture stands on the extended canvas.
    :param detail: one of :data:`DETAILS`.
    :param early: whether early versions are asked for while it works.
    """

    kind: str = "edit"
    instruction: str = ""
    route: str = ""
    parent: int | None = None
    candidate: int | None = None
    candidates: int = 1
    region: Region | None = None
    polygons: tuple[Polygon, ...] = ()
    mask: str = ""
    markup: str = ""
    feather: int | None = None
    paste: bool = True
    references: tuple[tuple[str, str], ...] = ()
    ratio: str = ""
    anchor: str = "center"
    detail: str = "standard"
    early: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what says nothing is left out."""
        usual = StepOrder()
        plain = {name: _plain(value) for name, value in asdict(self).items() if value != getattr(usual, name)}
        return {"kind": self.kind, **plain}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> StepOrder:
        known = {key: value for key, value in plain.items() if key in cls.__dataclass_fields__}
        if known.get("region") is not None:
            known["region"] = tuple(known["region"])
        known["polygons"] = tuple(tuple(tuple(p) for p in points) for points in known.get("polygons", ()))
        known["references"] = tuple((str(role), str(pk)) for role, pk in known.get("references", ()))
        return cls(**known)

    @property
    def masked(self) -> bool:
        """Whether it names a place that may change."""
        return bool(self.mask or self.region or self.polygons)

    @property
    def pastes(self) -> bool:
        """Whether the picture's own pixels are put back outside that place."""
        return self.paste and self.kind not in UNPASTED and (self.masked or self.kind == "extend")


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True, kw_only=True)
class Base:
    """The picture that a step grows from. ``size`` in pixels, upright."""

    asset: str
    sha256: str
    size: Size
    focal: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class FileRef:
    """A mask or a drawing: id, sum and size of an :class:`~image_studio.models.EditFile`."""

    file: str
    sha256: str
    size: Size


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A request and what becomes of its answers.

    :param edit: for ``Job.edit``, without the step's id.
    :param result: the size that the shown picture will have, as far as it can be known, in pixels.
    """

    request: PictureRequest
    edit: dict[str, Any] = field(default_factory=dict)
    result: Size = (0, 0)


def parsed_ratio(text: str) -> float:
    """``16:9`` as width to height.

    :raises InvalidRequest: ``step.bad_ratio``.
    """
    try:
        across, down = (float(part) for part in text.split(":"))
        ratio = across / down
    except (ValueError, ZeroDivisionError):
        raise InvalidRequest("step.bad_ratio", ratio=text[:20]) from None
    if not (math.isfinite(ratio) and 1 / 20 <= ratio <= 20):
        raise InvalidRequest("step.bad_ratio", ratio=text[:20])
    return ratio


def compiled(
    order: StepOrder,
    base: Base | None,
    *,
    route: RouteSpec,
    model: ModelSpec,
    kit: Kit,
    files: Mapping[str, FileRef] | None = None,
    references: Sequence[tuple[str, InputRef]] = (),
) -> Compiled:
    """The request of a step.

    :param base: None for a step that begins with a prompt.
    :param files: ``mask`` and ``markup``, as far as there are any.
    :param references: as what, and the picture; in the order of the order.
    :raises InvalidRequest: ``step.bad_ratio``, ``canvas.bad_anchor``.
    """
    if base is None:
        return _generated(order, route, model, kit, references)
    if not model.takes_instruction:
        return _reframed(order, base, route, model, kit, files or {}, references)
    extended = around(base.size, parsed_ratio(order.ratio), order.anchor) if order.kind == "extend" else None
    wanted = extended[:2] if extended else base.size
    size = sized(_detailed(wanted, order.detail), model)
    # A shape that the model does not make is asked for on a canvas of one that it makes, and cut out of the answer.
    fits = same_ratio(wanted, size[0] / size[1])
    frame = None if fits else _framed(base.size, extended, size[0] / size[1])
    canvas = frame or extended
    inputs = _inputs(order, base, canvas, extended, files or {}, references, model)
    masked = any(ref.role == "mask" for ref in inputs)
    request = PictureRequest(
        size=size, inputs=inputs, **_common(order, route, model, kit, [role for role, _ref in references], masked)
    )
    edit = {"paste": order.pastes, "feather": order.feather, "extend": _list(extended), "frame": _list(frame)}
    return Compiled(
        request=request,
        edit={key: value for key, value in edit.items() if value is not None},
        result=wanted if order.pastes else _answered(size, frame, extended, wanted),
    )


def _answered(size: Size, frame: Frame | None, extended: Frame | None, wanted: Size) -> Size:
    """Of the answer's part that is shown: to the pixel, because a later step is priced by it."""
    if frame is None:
        return size
    left, top = (frame[k] - extended[k] if extended else frame[k] for k in (2, 3))
    return cut_size(size, (*frame[:2], left, top), wanted)


def _framed(size: Size, extended: Frame | None, ratio: float) -> Frame:
    """The canvas of the model's shape; the picture's own place on it, through the extended one where there is one."""
    if extended is None:
        return around(size, ratio)
    outer = around(extended[:2], ratio)
    return outer[0], outer[1], outer[2] + extended[2], outer[3] + extended[3]


def _list(frame: Frame | None) -> list[int] | None:
    return list(frame) if frame else None


def _detailed(size: Size, detail: str) -> Size:
    """The size to ask for, before the model's own rules."""
    pixels = size[0] * size[1]
    if detail == "full" or pixels <= STANDARD:
        return size
    scale = math.sqrt(STANDARD / pixels)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _inputs(
    order: StepOrder,
    base: Base,
    canvas: Frame | None,
    extended: Frame | None,
    files: Mapping[str, FileRef],
    references: Sequence[tuple[str, InputRef]],
    model: ModelSpec,
) -> tuple[InputRef, ...]:
    sent = canvas[:2] if canvas else base.size
    source = InputRef(asset=base.asset, sha256=base.sha256, focal=base.focal, size=sent, canvas=canvas)
    found = [source, *(ref for _role, ref in references)]
    for role, file in files.items():
        found.append(InputRef(asset="", file=file.file, sha256=file.sha256, role=role, size=sent, canvas=canvas))
    if extended and "mask" not in files and model.takes_mask:
        # Drawn by the worker: all of the canvas but the picture itself may change.
        found.append(InputRef(asset="", sha256="", role="mask", size=sent, canvas=canvas))
    return tuple(found)


def _common(
    order: StepOrder, route: RouteSpec, model: ModelSpec, kit: Kit, roles: Sequence[str], masked: bool
) -> dict[str, Any]:
    early = min(2, model.max_partials) if order.early and model.streams else 0
    return {
        "model": model.id,
        "prompt": prompt_for(order.kind, order.instruction, guidance=kit.guidance, references=roles, masked=masked),
        "n": order.candidates,
        "quality": route.quality,
        "background": "transparent" if order.kind == "remove_background" else "auto",
        "fidelity": model.fidelity[-1] if model.fidelity and order.kind != "generate" else "",
        "partial_images": early if order.candidates == 1 else 0,
        "extra": dict(route.options),
    }


def _generated(
    order: StepOrder, route: RouteSpec, model: ModelSpec, kit: Kit, references: Sequence[tuple[str, InputRef]]
) -> Compiled:
    ratio = parsed_ratio(order.ratio or "1:1")
    wanted = max(1, round(math.sqrt(STANDARD * ratio))), max(1, round(math.sqrt(STANDARD / ratio)))
    if ratio == 1:
        wanted = (1024, 1024)
    size = sized(wanted, model)
    common = _common(order, route, model, kit, [role for role, _ref in references], masked=False)
    request = PictureRequest(size=size, inputs=tuple(ref for _role, ref in references), **common)
    if not model.takes_instruction:
        palette = tuple(swatch.hex for swatch in kit.palette)
        request = replace(request, prompt=order.instruction, palette=palette)
    return Compiled(request=request, edit={"paste": False}, result=size)


def _reframed(
    order: StepOrder,
    base: Base,
    route: RouteSpec,
    model: ModelSpec,
    kit: Kit,
    files: Mapping[str, FileRef],
    references: Sequence[tuple[str, InputRef]],
) -> Compiled:
    """A route that follows no words: the whole picture at another shape. Whatever else is asked for goes along all the
    same, so that the provider refuses it by name."""
    ratio = parsed_ratio(order.ratio) if order.ratio else base.size[0] / base.size[1]
    size = sized(around(base.size, ratio, order.anchor)[:2], model)
    request = PictureRequest(
        model=model.id,
        prompt=order.instruction,
        size=size,
        n=order.candidates,
        quality=route.quality,
        inputs=_inputs(order, base, None, None, files, references, model),
        palette=tuple(swatch.hex for swatch in kit.palette),
        extra=dict(route.options),
    )
    return Compiled(request=request, edit={"paste": False}, result=size)
