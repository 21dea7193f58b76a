"""What a model cannot do of a request, found before anything is spent. Plain values in, codes and parameters out.

Every refusal names the rule, and the nearest choice that holds. What previs refuses as well has the same code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from image_studio.catalog.sizes import words
from image_studio.catalog.specs import ModelSpec

BACKGROUNDS = ("auto", "opaque", "transparent")


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why not: a code, its parameters, and the field that it is about."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request in plain values. Sizes are pixels, lengths bytes; None is not known yet, and not judged.

    :param inputs: how many pictures are given, without mask and markup.
    :param input_bytes: the length of each.
    :param input_size: of the first, which the mask lies over.
    :param prompt_length: in characters.
    """

    size: tuple[int, int] = (1024, 1024)
    n: int = 1
    quality: str = "high"
    output_format: str = "png"
    background: str = "auto"
    compression: int | None = None
    partial_images: int = 0
    fidelity: str = ""
    moderation: str = ""
    complexity: str = ""
    prompt_length: int | None = None
    inputs: int = 0
    input_bytes: Sequence[int] = ()
    input_size: tuple[int, int] | None = None
    mask: bool = False
    mask_bytes: int | None = None
    mask_size: tuple[int, int] | None = None
    mask_alpha: bool | None = None
    markup: bool = False


def refusals(spec: ModelSpec, *, today: date, **asked: Any) -> tuple[Refusal, ...]:
    """Everything that ``spec`` refuses of a request on a day; empty means go.

    :param asked: the fields of :class:`Asked`.
    """
    request = Asked(**asked)
    return (*ended(spec, today=today), *(refusal for judge in _JUDGES for refusal in judge(spec, request)))


def ended(spec: ModelSpec, *, today: date) -> tuple[Refusal, ...]:
    """``model.ended`` once the last day of a model is over, with what the provider names in its place."""
    if spec.ends_on is None or not spec.ended(today):
        return ()
    facts = {"ends_on": spec.ends_on.isoformat(), "replaced_by": ", ".join(spec.replaced_by) or "-"}
    return (Refusal(code="model.ended", params={**_named(spec), **facts}, where="model"),)


def _named(spec: ModelSpec) -> dict[str, str]:
    return {"model": spec.title or spec.id}


def _size(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    for fault in spec.size_faults(*asked.size):
        yield Refusal(code=fault.code, params=fault.params, where="size")


def _counts(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    if not 1 <= asked.n <= spec.max_n:
        facts = {"count": asked.n, "most": spec.max_n, "nearest": min(max(asked.n, 1), spec.max_n)}
        yield Refusal(code="provider.count", params={**_named(spec), **facts}, where="n")
    if not 0 <= asked.partial_images <= spec.max_partials:
        facts = {"count": asked.partial_images, "most": spec.max_partials}
        yield Refusal(code="provider.partials", params={**_named(spec), **facts}, where="partial_images")


def _quality(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    if asked.quality not in spec.qualities:
        facts = {"quality": asked.quality, "known": ", ".join(spec.qualities), "nearest": _last(spec.qualities)}
        yield Refusal(code="quality.not_offered", params={**_named(spec), **facts}, where="quality")


def _last(choices: Sequence[str]) -> str:
    """The strongest of choices that rise, which is what comes nearest to one beyond them."""
    return choices[-1] if choices else "-"


def _format(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    if asked.output_format not in spec.formats:
        facts = {"format": asked.output_format, "known": ", ".join(spec.formats), "nearest": spec.formats[0]}
        code = "format.refused" if asked.output_format in spec.refused_formats else "format.not_offered"
        yield Refusal(code=code, params={**_named(spec), **facts}, where="output_format")


def _background(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    if asked.background not in BACKGROUNDS:
        facts = {"background": asked.background, "known": ", ".join(BACKGROUNDS)}
        yield Refusal(code="background.not_offered", params={**_named(spec), **facts}, where="background")
    if asked.background != "transparent":
        return
    if not spec.transparent:
        yield Refusal(code="provider.transparent", params=_named(spec), where="background")
    if asked.output_format == "jpeg":
        yield Refusal(code="provider.transparent_jpeg", where="background")


def _compression(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    if asked.compression is None:
        return
    if asked.output_format == "png":
        yield Refusal(code="provider.compression_png", where="compression")
    if not 0 <= asked.compression <= 100:
        yield Refusal(code="provider.compression", params={"value": asked.compression}, where="compression")


def _fidelity(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    if asked.fidelity and asked.fidelity not in spec.fidelity:
        facts = {"fidelity": asked.fidelity, "known": _or_none(spec.fidelity), "nearest": _last(spec.fidelity)}
        yield Refusal(code="fidelity.not_offered", params={**_named(spec), **facts}, where="fidelity")
    elif asked.fidelity and not asked.inputs:
        yield Refusal(code="fidelity.needs_source", params=_named(spec), where="fidelity")


def _complexity(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    if asked.complexity and asked.complexity not in spec.complexity:
        facts = {"complexity": asked.complexity, "known": _or_none(spec.complexity)}
        yield Refusal(code="complexity.not_offered", params={**_named(spec), **facts}, where="complexity")


def _moderation(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    if asked.moderation and asked.moderation not in spec.moderations:
        facts = {"moderation": asked.moderation, "known": _or_none(spec.moderations)}
        yield Refusal(code="moderation.not_offered", params={**_named(spec), **facts}, where="moderation")


def _or_none(choices: Sequence[str]) -> str:
    return ", ".join(choices) or "-"


def _prompt(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    length = asked.prompt_length
    if length is None or not spec.takes_instruction:
        return
    if not length:
        yield Refusal(code="prompt.empty", params=_named(spec), where="prompt")
    if spec.max_prompt and length > spec.max_prompt:
        facts = {"length": length, "most": spec.max_prompt}
        yield Refusal(code="prompt.too_long", params={**_named(spec), **facts}, where="prompt")


def _inputs(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    if spec.needs_source is True and not asked.inputs:
        yield Refusal(code="provider.needs_source", params=_named(spec), where="inputs")
    if spec.needs_source is False and asked.inputs:
        yield Refusal(code="provider.takes_no_source", params=_named(spec), where="inputs")
    elif asked.inputs > spec.max_inputs:
        facts = {"count": asked.inputs, "most": spec.max_inputs}
        yield Refusal(code="inputs.too_many", params={**_named(spec), **facts}, where="inputs")
    yield from overweight(spec, inputs=asked.input_bytes)


def overweight(spec: ModelSpec, *, inputs: Sequence[int] = (), mask: int | None = None) -> Iterator[Refusal]:
    """``inputs.too_large`` and ``mask.too_large``: files that are too long, in bytes, in the order they are sent."""
    for number, length in enumerate(inputs, 1):
        if spec.max_input_bytes and length >= spec.max_input_bytes:
            facts = {"number": number, "bytes": length, "most": spec.max_input_bytes}
            yield Refusal(code="inputs.too_large", params={**_named(spec), **facts}, where="inputs")
    if mask is not None and spec.max_mask_bytes and mask >= spec.max_mask_bytes:
        facts = {"bytes": mask, "most": spec.max_mask_bytes}
        yield Refusal(code="mask.too_large", params={**_named(spec), **facts}, where="inputs")


def _mask(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    if not asked.mask:
        return
    if not spec.takes_mask:
        yield Refusal(code="provider.mask", params=_named(spec), where="inputs")
    if not asked.inputs:
        yield Refusal(code="mask.needs_source", params=_named(spec), where="inputs")
    if asked.markup:
        yield Refusal(code="mask.with_markup", params=_named(spec), where="inputs")
    yield from _mask_file(spec, asked)


def _mask_file(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    yield from overweight(spec, mask=asked.mask_bytes)
    if asked.mask_size and asked.input_size and asked.mask_size != asked.input_size:
        sizes = {"size": words(asked.mask_size), "nearest": words(asked.input_size)}
        yield Refusal(code="mask.other_size", params={**_named(spec), **sizes}, where="inputs")
    if asked.mask_alpha is False:
        yield Refusal(code="mask.no_alpha", params=_named(spec), where="inputs")


def _markup(spec: ModelSpec, asked: Asked) -> Iterator[Refusal]:
    if not asked.markup:
        return
    if not spec.takes_markup:
        yield Refusal(code="markup.not_offered", params=_named(spec), where="inputs")
    if not asked.inputs:
        yield Refusal(code="markup.needs_source", params=_named(spec), where="inputs")


_JUDGES = (
    *(_size, _counts, _quality, _format, _background, _compression, _fidelity, _complexity, _moderation),
    *(_prompt, _inputs, _mask, _markup),
)
