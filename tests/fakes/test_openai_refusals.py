"""The fake is as strict as the facts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.fakes.openai_asking import GENERATE, mask, opened, png, post
from tests.fakes.openai_server import Fake, serve


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"colour": "red"}, "unknown_parameter", "colour"),
        ({"response_format": "b64_json"}, "unknown_parameter", "response_format"),
        ({"style": "vivid"}, "unknown_parameter", "style"),
        ({"input_fidelity": "high"}, "unknown_parameter", "input_fidelity"),
        ({"model": None}, "missing_required_parameter", "model"),
        ({"prompt": None}, "missing_required_parameter", "prompt"),
        ({"prompt": ""}, "string_below_min_length", "prompt"),
        ({"prompt": "x" * 32_001}, "string_above_max_length", "prompt"),
        ({"n": "1"}, "invalid_type", "n"),
        ({"n": True}, "invalid_type", "n"),
        ({"n": 0}, "integer_below_min_value", "n"),
        ({"n": 11}, "integer_above_max_value", "n"),
        ({"n": 2, "stream": True}, "invalid_value", "n"),
        ({"partial_images": 1}, "invalid_value", "partial_images"),
        ({"partial_images": 4, "stream": True}, "integer_above_max_value", "partial_images"),
        ({"size": "1000x1000"}, "invalid_value", "size"),
        ({"size": "3856x2160"}, "invalid_value", "size"),
        ({"size": "3200x1024"}, "invalid_value", "size"),
        ({"size": "1024x624"}, "invalid_value", "size"),
        ({"size": "2896x2880"}, "invalid_value", "size"),
        ({"size": "big"}, "invalid_value", "size"),
        ({"size": "1536x864", "model": "gpt-image-1.5"}, "invalid_value", "size"),
        ({"quality": "xhigh"}, "invalid_value", "quality"),
        ({"quality": "standard"}, "invalid_value", "quality"),
        ({"background": "transparent"}, "invalid_value", "background"),
        (
            {"model": "gpt-image-2.5-flare", "background": "transparent", "output_format": "jpeg"},
            "invalid_value",
            "background",
        ),
        ({"output_format": "gif"}, "invalid_value", "output_format"),
        ({"model": "gpt-image-2.6-flare", "output_format": "svg"}, "invalid_value", "output_format"),
        ({"frame_count": 4}, "invalid_value", "frame_count"),
        ({"output_compression": 80}, "invalid_value", "output_compression"),
        ({"output_format": "webp", "output_compression": 101}, "integer_above_max_value", "output_compression"),
        ({"complexity": "low"}, "invalid_value", "complexity"),
        ({"moderation": "none"}, "invalid_value", "moderation"),
        ({"safety_identifier": "a" * 65}, "string_above_max_length", "safety_identifier"),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else None,
)
def test_generate_refuses(fake: Fake, change: dict[str, Any], code: str, param: str) -> None:
    status, answer = post(fake, "/v1/images/generations", {**GENERATE, **change})
    assert (status, answer["error"]["code"], answer["error"]["param"]) == (400, code, param)
    [line] = fake.calls()
    assert (line["charged"], line["micro_usd"], line["status"], line["code"]) == (False, 0, 400, code)


def opaque() -> tuple[str, bytes, str]:
    return png(colour=(0, 0, 0, 255), mode="RGBA")


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        (lambda: {"image": png()[1]}, "unsupported_file_mimetype", "image"),
        (lambda: {"image": ("a.gif", b"GIF89a", "image/gif")}, "unsupported_file_mimetype", "image"),
        (lambda: {"image": ("a.png", b"no picture", "image/png")}, "invalid_image_file", "image"),
        (lambda: {"image": ("a.jpg", png()[1], "image/jpeg")}, "invalid_image_file", "image"),
        (lambda: {"image": ("a.png", bytes(50 * 1024 * 1024), "image/png")}, "file_too_large", "image"),
        (lambda: {"image": [png((8, 8))] * 17}, "array_above_max_length", "image"),
        (lambda: {"mask": mask((64, 96))}, "invalid_mask_image_format", "mask"),
        (lambda: {"mask": png()}, "invalid_mask_image_format", "mask"),
        (lambda: {"mask": ("m.jpg", b"", "image/jpeg")}, "unsupported_file_mimetype", "mask"),
        (lambda: {"mask": ("m.png", bytes(4 * 1024 * 1024), "image/png")}, "file_too_large", "mask"),
        (lambda: {"markup": mask()}, "invalid_value", "markup"),
        (lambda: {"model": "gpt-image-2.6-flare", "markup": opaque()}, "invalid_mask_image_format", "markup"),
        (lambda: {"model": "gpt-image-2.6-flare", "markup": mask(), "mask": mask()}, "invalid_value", "markup"),
        (lambda: {"input_fidelity": "high"}, "invalid_value", "input_fidelity"),
        (lambda: {"model": "gpt-image-1-mini", "input_fidelity": "high"}, "invalid_value", "input_fidelity"),
        (lambda: {"n": 11}, "integer_above_max_value", "n"),
        (lambda: {"extra_body": {"seed": 1}}, "unknown_parameter", "seed"),
    ],
)
def test_edit_refuses(client: openai.OpenAI, change: Callable[[], Any], code: str, param: str) -> None:
    asked: dict[str, Any] = {"model": "gpt-image-2", "prompt": "x", "image": png(), "quality": "low", **change()}
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(**asked)
    assert caught.value.code == code
    assert (caught.value.param or "").removesuffix("[]") == param
    assert caught.value.request_id


def test_edit_takes_what_newer_models_offer(client: openai.OpenAI) -> None:
    answer = client.images.edit(
        model="gpt-image-2.6-flare",
        prompt="x",
        image=[png((8, 8), mode="RGB")] * 16,
        markup=mask((8, 8)),
        complexity="low",
        quality="xhigh",
        size="1024x640",
        output_format="webp",
        output_compression=50,
    )
    assert (answer.quality, opened(answer.data[0]).format) == ("xhigh", "WEBP")


@pytest.mark.parametrize(
    ("model", "today", "status"),
    [
        ("gpt-image-1.5", date(2026, 11, 30), 200),
        ("gpt-image-1.5", date(2026, 12, 1), 404),
        ("gpt-image-1-mini", date(2026, 12, 2), 404),
        ("gpt-image-1", date(2026, 10, 22), 200),
        ("gpt-image-1", date(2026, 10, 23), 404),
        ("gpt-image-2.6-flare", date(2026, 11, 3), 404),
        ("gpt-image-2.5", date(2026, 11, 22), 404),
        ("dall-e-3", date(2026, 11, 22), 404),
    ],
)
def test_models_end_on_their_day(tmp_path: Path, model: str, today: date, status: int) -> None:
    with serve(ledger=tmp_path / "l", today=today) as fake:
        got, answer = post(fake, "/v1/images/generations", {"model": model, "prompt": "x", "quality": "low"})
    assert got == status
    assert status == 200 or answer["error"]["code"] == "model_not_found"


def test_models_are_listed_with_their_last_day(fake: Fake, client: openai.OpenAI) -> None:
    fake.script(unlisted=["gpt-image-2.5-flare"])
    listed = {model.id: model.shutdown_date for model in client.models.list()}
    assert (listed["gpt-image-1.5"], listed["gpt-image-2"]) == ("2026-12-01", None)
    assert "gpt-image-1" not in listed
    assert client.models.retrieve("gpt-image-1-mini").shutdown_date == "2026-12-01"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-image-2.5-flare")
    assert fake.calls() == []


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("", 401, None),
        ("sk-wrong", 401, "invalid_api_key"),
        ("sk-unverified", 403, None),
        ("sk-broke", 429, "insufficient_quota"),
    ],
)
def test_keys_are_judged(fake: Fake, key: str, status: int, code: str | None) -> None:
    got, answer = post(fake, "/v1/images/generations", GENERATE, key)
    assert (got, answer["error"]["code"]) == (status, code)
    assert [line["charged"] for line in fake.calls()] == [False]
