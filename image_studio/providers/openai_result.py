"""From a received answer to ours: files with their names, faults in the place of what is missing, and the price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from image_studio.catalog.pricing import actual
from image_studio.catalog.specs import ModelSpec
from image_studio.exceptions import StudioError
from image_studio.imaging.decode import EXTENSIONS
from image_studio.imaging.sniffing import sniff
from image_studio.providers.base import Answer, Output, PictureRequest
from image_studio.providers.openai_answer import Received
from image_studio.providers.openai_params import edits
from image_studio.providers.openai_scan import Picture

_READERS: Mapping[str, Any] = {"png": PngImageFile, "jpeg": JpegImageFile, "webp": WebPImageFile}


@dataclass(frozen=True, kw_only=True)
class Bought:
    """What an answer is read with.

    :param most: micro-USD that it can have cost, where its usage is missing.
    :param left_out: parameters that this server does not know.
    """

    request: PictureRequest
    alias: str
    spool: Path
    spec: ModelSpec | None = None
    most: int = 0
    left_out: tuple[str, ...] = ()


def answer_of(bought: Bought, received: Received, found: list[Picture | None], request_id: str) -> Answer:
    """The whole answer, its pictures under their names. More than were asked for are kept, fewer get a fault each.

    :param found: the picture of each row, None where it has none.
    """
    for index, picture in enumerate(found):
        if picture is not None and picture.whole and not picture.fault:
            name = f"output-{index}.{EXTENSIONS.get(sniff(picture.head), 'bin')}"
            picture.path = picture.path.replace(bought.spool / name)
    _tidy(received)
    return told_of(bought, received, found, request_id)


def told_of(bought: Bought, received: Received, found: list[Picture | None], request_id: str) -> Answer:
    """The whole answer, its pictures where they lie. Changes nothing on the disk."""
    outputs = [_output(bought, index, picture, request_id) for index, picture in enumerate(found)]
    missing = range(len(found), bought.request.n)
    lacking = received.cut or "answer.missing"
    outputs += [Output(index=index, fault=lacking, params=_about(bought, request_id)) for index in missing]
    usage = received.told.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    price, flags = _price(bought, usage)
    return Answer(
        outputs=tuple(outputs),
        request_id=request_id,
        usage={**usage, **_svg(received.told)},
        effective={**_effective(bought, received, outputs), **flags},
        micro_usd=price,
    )


def _output(bought: Bought, index: int, picture: Picture | None, request_id: str) -> Output:
    if picture is None or picture.fault or not picture.whole:
        code = "answer.empty" if picture is None else picture.fault or "answer.cut"
        return Output(index=index, fault=code, params=_about(bought, request_id))
    term = "compositeWithTrainedAlgorithmicMedia" if edits(bought.request) else "trainedAlgorithmicMedia"
    return Output(index=index, path=picture.path, source_type=term)


def _tidy(received: Received) -> None:
    """Broken pieces go; whole pictures that no row names stay for a person."""
    for picture in received.pictures:
        if not picture.whole or picture.fault:
            picture.drop()


def _about(bought: Bought, request_id: str) -> dict[str, Any]:
    return {"alias": bought.alias, "model": bought.request.model, "request_id": request_id or "-"}


def _price(bought: Bought, usage: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Micro-USD, and what has to be known of that sum. Without usage it is the most that it can have been."""
    if bought.spec is None:
        return bought.most, {"usage_missing": True}
    try:
        paid = actual(bought.spec, usage)
    except StudioError:
        return bought.most, {"usage_missing": True}
    # Zeros are no count either: a picture that is paid for has tokens.
    if not paid.missing and (paid.micro_usd or bought.spec.free):
        return paid.micro_usd, {}
    return max(paid.micro_usd, bought.most), {"usage_missing": True}


def _svg(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"svg_usage": told["svg_usage"]} if isinstance(told.get("svg_usage"), Mapping) else {}


def _effective(bought: Bought, received: Received, outputs: list[Output]) -> dict[str, Any]:
    """What was really used, as the server says; what it does not say stands as it was asked for."""
    request, told = bought.request, received.told
    used: dict[str, Any] = {
        "alias": bought.alias,
        "model": str(told.get("model") or request.model)[:120],
        "size": _size(told.get("size")) or list(request.size),
        **{key: _word(told.get(key)) or getattr(request, key) for key in ("quality", "background", "output_format")},
        "outputs": [_seen(output, request) for output in outputs],
    }
    if bought.left_out:
        used["left_out"] = list(bought.left_out)
    if received.cut:
        used["cut"] = received.cut
    return used


def _seen(output: Output, request: PictureRequest) -> dict[str, Any]:
    """What a file says of itself, and what differs from the order: it is paid for, so it is kept and told."""
    if output.path is None:
        return {}
    kind, size = _looked_at(output.path)
    asked = {"format": request.output_format, "size": list(request.size)}
    seen = {"format": kind, **({"size": size} if size else {})}
    differs = {key: {"asked": asked[key], "got": value} for key, value in seen.items() if value != asked[key]}
    return {**seen, **({"differs": differs} if differs else {})}


def _looked_at(path: Path) -> tuple[str, list[int]]:
    """Kind and size by the file's first bytes. The gate judges later; whatever is wrong here is its to tell."""
    with path.open("rb") as file:
        kind = sniff(file.read(1024))
        file.seek(0)
        try:
            return kind, list(_READERS[kind](file).size)
        except Exception:  # noqa: BLE001 - a reader of broken files may raise anything
            return kind, []


def _size(value: Any) -> list[int]:
    width, _, height = str(value or "")[:20].partition("x")
    return [int(width), int(height)] if width.isdecimal() and height.isdecimal() else []


def _word(value: Any) -> str:
    return value[:40] if isinstance(value, str) else ""
