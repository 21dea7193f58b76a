"""POST /v1/moderations: text is flagged by ``[flag:CATEGORY]``, a picture by the colour of its corner."""

from __future__ import annotations

import re
from typing import Any

from PIL import ImageStat

from tests.fakes import openai_errors as errors
from tests.fakes.openai_errors import Problem
from tests.fakes.openai_pictures import CORNERS
from tests.fakes.openai_wire import KINDS, Body, Upload, by_reference

TEXT_ONLY = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "sexual/minors",
)
BOTH = ("self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "violence", "violence/graphic")
CATEGORIES = (*TEXT_ONLY, *BOTH)
MODELS = ("omni-moderation-latest", "omni-moderation-2024-09-26")
MAX_PICTURE = 20 * 1024 * 1024


def flags(text: str) -> list[str]:
    """Categories that a text is marked with."""
    return [name for name in re.findall(r"\[flag:([a-z/-]+)\]", text) if name in CATEGORIES]


def moderate(body: Body, request_id: str) -> dict[str, Any]:
    """The answer.

    :raises Problem: for what the endpoint does not take.
    """
    for name in body.fields:
        if name not in {"input", "model"}:
            raise errors.unknown_parameter(name)
    if "input" not in body.fields:
        raise errors.missing("input")
    model = body.fields.get("model", MODELS[0])
    if model not in MODELS:
        raise errors.no_model(model)
    results = [_result(*parts) for parts in _inputs(body.fields["input"])]
    return {"id": f"modr-{request_id}", "model": MODELS[1], "results": results}


def _inputs(given: Any) -> list[tuple[list[str], list[Upload]]]:
    """Each thing to judge: its texts and its pictures. Mixed parts are judged together."""
    if isinstance(given, str):
        return [([given], [])]
    if isinstance(given, list) and given and all(isinstance(part, str) for part in given):
        return [([part], []) for part in given]
    if not isinstance(given, list) or not given or not all(isinstance(part, dict) for part in given):
        raise Problem("Invalid type for 'input'.", code="invalid_type", param="input")
    texts = [str(part["text"]) for part in given if part.get("type") == "text"]
    pictures = [_picture(part["image_url"]) for part in given if part.get("type") == "image_url"]
    if len(texts) + len(pictures) != len(given):
        raise Problem("Invalid value for 'input'.", param="input")
    return [(texts, pictures)]


def _picture(reference: Any) -> Upload:
    url = reference.get("url", "") if isinstance(reference, dict) else ""
    upload = by_reference({"image_url": url}, "input")
    if upload.mime not in KINDS or len(upload.data) > MAX_PICTURE:
        raise Problem("Invalid image in 'input'.", code="invalid_image", param="input")
    return upload


def _result(texts: list[str], pictures: list[Upload]) -> dict[str, Any]:
    found: dict[str, set[str]] = {name: set() for name in CATEGORIES}
    for text in texts:
        for name in flags(text):
            found[name].add("text")
    for picture in pictures:
        for name in _seen(picture):
            found[name].add("image")
    looked = {name: [*(["text"] * bool(texts)), *(["image"] * bool(pictures and name in BOTH))] for name in CATEGORIES}
    return {
        "flagged": any(found.values()),
        "categories": {name: bool(kinds) for name, kinds in found.items()},
        "category_scores": {name: 0.97 if kinds else 0.0001 for name, kinds in found.items()},
        "category_applied_input_types": looked,
    }


def _seen(upload: Upload) -> list[str]:
    """What the corner's colour says; measured with room for what JPEG does to it."""
    corner = upload.picture().convert("RGB").crop((2, 2, 8, 8))
    mean = ImageStat.Stat(corner).mean
    return [name for name, colour in CORNERS.items() if max(abs(a - b) for a, b in zip(mean, colour, strict=True)) < 24]
