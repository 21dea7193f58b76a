"""Right answers in the shapes of the API: one JSON object, or events."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fakes import openai_pictures, openai_tokens
from tests.fakes.openai_requests import Order


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What an order takes and costs."""

    usage: dict[str, Any]
    micro_usd: int


def bill(order: Order, pictures: int) -> Bill:
    """For ``pictures`` finished pictures. Servers that name no price give no usage; nobody knows what overlays cost."""
    if not order.priced:
        return Bill(usage={}, micro_usd=0)
    used = openai_tokens.usage(
        order.model.family,
        prompt=order.prompt,
        size=order.size,
        quality=order.quality,
        n=pictures,
        inputs=[image.upright().size for image in order.images],
        fidelity=order.fidelity,
        partials=order.partials if order.stream else 0,
    )
    return Bill(usage=used, micro_usd=openai_tokens.micro_usd(order.model.family, used))


def row(data: bytes) -> dict[str, Any]:
    return {"b64_json": base64.b64encode(data).decode()}


def whole(order: Order, pictures: list[bytes], used: dict[str, Any]) -> dict[str, Any]:
    """The JSON object of an answer that is not streamed."""
    answer: dict[str, Any] = {"created": int(time.time()), "data": [row(data) for data in pictures]}
    if order.priced:
        answer |= {**settings(order), "usage": used}
    return answer


def settings(order: Order) -> dict[str, Any]:
    """What was really used, as every answer and event echoes it."""
    echoed = {
        "background": order.background,
        "output_format": order.output_format,
        "quality": order.quality,
        "size": f"{order.size[0]}x{order.size[1]}",
    }
    return echoed | ({"safety_identifier": order.safety_identifier} if order.safety_identifier else {})


def events(order: Order, answer: dict[str, Any]) -> Iterator[bytes]:
    """The same answer as server-sent events: the early pictures, small as they are cheap, then the finished one."""
    family = "image_edit" if order.edit else "image_generation"
    shared = {"created_at": answer["created"], **settings(order)}
    for number in range(order.partials):
        early = openai_pictures.make(order, 0, size=(order.size[0] // 8, order.size[1] // 8))
        partial = {**shared, **row(early), "partial_image_index": number}
        partial.pop("safety_identifier", None)
        yield event(f"{family}.partial_image", partial)
    done = {**shared, **((answer["data"] or [{}])[0])}
    yield event(f"{family}.completed", done | ({"usage": answer["usage"]} if "usage" in answer else {}))


def event(kind: str, data: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()
