"""What may be asked, checked as strictly as the facts and the OpenAPI document allow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.fakes import openai_errors as errors
from tests.fakes import openai_uploads
from tests.fakes.openai_errors import Problem
from tests.fakes.openai_models import MODELS, Model
from tests.fakes.openai_wire import Body, Upload, by_reference

MAX_PROMPT = 32_000
MAX_IDENTIFIER = 64

#: Plain fields of both endpoints and the type each has.
SHARED: dict[str, type] = {
    "model": str,
    "prompt": str,
    "background": str,
    "complexity": str,
    "frame_count": int,
    "frame_duration_ms": int,
    "moderation": str,  # on edits only the JSON body documents it; multipart takes it through extra_body
    "n": int,
    "output_compression": int,
    "output_format": str,
    "partial_images": int,
    "quality": str,
    "safety_identifier": str,
    "size": str,
    "stream": bool,
    "svg": dict,
    "user": str,
}
EDIT_ONLY: dict[str, type] = {"input_fidelity": str}
JSON_EDIT: dict[str, type] = {"images": list, "mask": dict}
FILES = ("image", "image[]", "mask", "markup")


@dataclass(frozen=True, kw_only=True)
class Order:
    """A request that passed: every value is what the server will really use."""

    edit: bool
    model: Model
    prompt: str
    size: tuple[int, int]
    n: int = 1
    quality: str = "medium"
    output_format: str = "png"
    background: str = "opaque"
    compression: int = 100
    fidelity: str = ""
    stream: bool = False
    partials: int = 0
    safety_identifier: str = ""
    images: tuple[Upload, ...] = ()
    mask: Upload | None = None
    markup: Upload | None = None
    priced: bool = True
    by_url: bool = False
    echo: Mapping[str, Any] = field(default_factory=dict)


def check(body: Body, *, edit: bool, today: date, deployments: Mapping[str, str] | None = None) -> Order:
    """The order in a request.

    :param deployments: Azure's names for models; ``None`` where models go by their ids.
    :raises Problem: what the API would have answered.
    """
    values = _typed(body, edit)
    images, mask, markup = _files(body, values) if edit else ((), None, None)
    if "model" not in values:
        raise errors.missing("model")
    model = _model(values["model"], today, deployments)
    _prompt(values)
    _choices(values, model)
    _formats(values, model)
    _numbers(values)
    if edit and not images:
        raise errors.missing("images" if body.typed else "image")
    openai_uploads.check(images, mask, markup, model)
    size = _size(values.get("size", "auto"), model, images)
    quality = values.get("quality", "auto")
    background = values.get("background", "auto")
    return Order(
        edit=edit,
        model=model,
        prompt=values["prompt"],
        size=size,
        n=values.get("n", 1),
        quality=model.auto_quality if quality == "auto" else quality,
        output_format=values.get("output_format", "png"),
        background="opaque" if background == "auto" else background,
        compression=values.get("output_compression", 100),
        fidelity=values.get("input_fidelity", ""),
        stream=values.get("stream", False),
        partials=values.get("partial_images", 0),
        safety_identifier=values.get("safety_identifier") or values.get("user", ""),
        images=images,
        mask=mask,
        markup=markup,
    )


def _typed(body: Body, edit: bool) -> dict[str, Any]:
    known = {**SHARED, **(EDIT_ONLY if edit else {}), **(JSON_EDIT if edit and body.typed else {})}
    for name in body.fields:
        if name not in known and not (name.startswith("svg[") and not body.typed):
            raise errors.unknown_parameter(name)
    for upload in body.uploads:
        if not edit or upload.param not in FILES:
            raise errors.unknown_parameter(upload.param)
    convert = _same if body.typed else _from_text
    return {name: convert(name, value, known.get(name, str)) for name, value in body.fields.items()}


def _same(name: str, value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Problem(f"Invalid type for '{name}': expected {kind.__name__}.", code="invalid_type", param=name)
    return value


def _from_text(name: str, value: str, kind: type) -> Any:
    if kind is int and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind is bool and value in {"true", "false"}:
        return value == "true"
    if kind is str:
        return value
    raise Problem(f"Invalid type for '{name}': expected {kind.__name__}.", code="invalid_type", param=name)


def _files(body: Body, values: dict[str, Any]) -> tuple[tuple[Upload, ...], Upload | None, Upload | None]:
    if body.typed:
        images = tuple(by_reference(row, "images") for row in values.pop("images", ()))
        mask = values.pop("mask", None)
        return images, by_reference(mask, "mask") if mask is not None else None, None
    single = [upload for upload in body.uploads if upload.param == "image"]
    several = [upload for upload in body.uploads if upload.param == "image[]"]
    if len(single) > 1 or (single and several):
        raise Problem(
            "Duplicate parameter: 'image'. If you are trying to provide a list of values, use the array syntax instead "
            "e.g. 'image[]=<value>'.",
            code="duplicate_parameter",
            param="image",
        )
    return tuple(single or several), _one(body.uploads, "mask"), _one(body.uploads, "markup")


def _one(uploads: list[Upload], param: str) -> Upload | None:
    found = [upload for upload in uploads if upload.param == param]
    if len(found) > 1:
        raise Problem(f"Duplicate parameter: '{param}'.", code="duplicate_parameter", param=param)
    return found[0] if found else None


def _model(name: str, today: date, deployments: Mapping[str, str] | None) -> Model:
    if deployments is not None and name not in deployments:
        raise errors.no_deployment()
    model = MODELS.get(deployments[name] if deployments is not None else name)
    if model is None or not model.alive(today):
        raise errors.no_model(name)
    return model


def _prompt(values: Mapping[str, Any]) -> None:
    if "prompt" not in values:
        raise errors.missing("prompt")
    if not values["prompt"]:
        raise Problem("Invalid 'prompt': string too short.", code="string_below_min_length", param="prompt")
    if len(values["prompt"]) > MAX_PROMPT:
        raise Problem(
            f"Invalid 'prompt': string too long. Expected a string with maximum length {MAX_PROMPT}, but got a string "
            f"with length {len(values['prompt'])} instead.",
            code="string_above_max_length",
            param="prompt",
        )
    if len(values.get("safety_identifier", "")) > MAX_IDENTIFIER:
        raise Problem("String too long.", code="string_above_max_length", param="safety_identifier")


def _choices(values: Mapping[str, Any], model: Model) -> None:
    offered = {
        "background": ("transparent", "opaque", "auto"),
        "moderation": ("low", "auto"),
        "complexity": ("low", "medium", "high") if model.complexity else (),
        "input_fidelity": model.fidelity,
        "quality": model.qualities,
    }
    for name, choices in offered.items():
        if name in values and values[name] not in choices:
            message = f"The model '{model.id}' does not support {name} '{values[name]}'."
            raise Problem(message, param=name)


def _formats(values: Mapping[str, Any], model: Model) -> None:
    wanted = values.get("output_format", "png")
    if wanted in model.preview_formats:
        raise Problem(f"Your project does not have access to output_format '{wanted}'.", param="output_format")
    if wanted not in model.formats:
        raise Problem(f"The model '{model.id}' does not support output_format '{wanted}'.", param="output_format")
    for name in values:
        if name in {"frame_count", "frame_duration_ms"} or name.startswith("svg"):
            raise Problem(f"'{name}' is not supported with output_format '{wanted}'.", param=name)
    if "output_compression" in values and wanted == "png":
        raise Problem("Compression is not supported for PNG output format.", param="output_compression")
    if values.get("background") != "transparent":
        return
    if not model.transparent:
        raise Problem("Transparent background is not supported for this model.", param="background")
    if wanted == "jpeg":
        raise Problem("Transparent background is not supported for JPEG output format.", param="background")


def _numbers(values: Mapping[str, Any]) -> None:
    for name, low, high in (("n", 1, 10), ("output_compression", 0, 100), ("partial_images", 0, 3)):
        value = values.get(name, low)
        if value < low:
            raise Problem(f"Invalid '{name}': below {low}.", code="integer_below_min_value", param=name)
        if value > high:
            raise Problem(f"Invalid '{name}': above {high}.", code="integer_above_max_value", param=name)
    if values.get("partial_images") and not values.get("stream"):
        raise Problem("'partial_images' is only supported when 'stream' is true.", param="partial_images")
    if values.get("stream") and values.get("n", 1) > 1:
        raise Problem("Streaming is only supported with 'n' of 1.", param="n")


def _size(text: str, model: Model, images: tuple[Upload, ...]) -> tuple[int, int]:
    if text == "auto":
        return _like(images[0].upright().size) if images else (1024, 1024)
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if not found or (model.sizes and text not in model.sizes):
        raise Problem(f"Invalid size '{text}'. Supported sizes are {', '.join(model.sizes)} and auto.", param="size")
    width, height = int(found[1]), int(found[2])
    if model.sizes:
        return width, height
    wrong = {
        "both edges must be divisible by 16": width % 16 or height % 16,
        "the longest edge must be at most 3840": max(width, height) > 3840,
        "the aspect ratio must be between 1:3 and 3:1": max(width, height) > 3 * min(width, height),
        "it must have 655360 to 8294400 pixels": not 655_360 <= width * height <= 8_294_400,
    }
    reasons = [reason for reason, is_so in wrong.items() if is_so]
    if reasons:
        raise Problem(f"Invalid size '{text}': {', '.join(reasons)}.", param="size")
    return width, height


def _like(size: tuple[int, int]) -> tuple[int, int]:
    ratio = size[0] / size[1]
    return min(((1024, 1024), (1536, 1024), (1024, 1536)), key=lambda offer: abs(offer[0] / offer[1] - ratio))
