"""Everything that goes wrong on the way, by name.

Three kinds, tried in this order: an error instead of the work (:data:`ERRORS`), a right answer with one thing wrong in
it (:data:`ANSWERS`), and an answer that the wire spoils (:data:`WIRE`). What a client must conclude is one of:

* ``ok``: n sound pictures;
* ``partial``: an answer that is whole and was billed, with fewer sound pictures as ordered than n, perhaps none;
* ``refused``: no, and no again; nothing was billed;
* ``unavailable``: not now, nothing was billed, safe to send again;
* ``unknown``: may have been billed, never to be sent again by itself.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.fakes import openai_answers, openai_errors, openai_pictures
from tests.fakes.openai_errors import Problem
from tests.fakes.openai_requests import Order

if TYPE_CHECKING:
    from tests.fakes.openai_http import Handler

Json = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """``charged``: whether the work was done, and so billed, whatever the client sees."""

    what: str
    charged: bool
    conclude: str


FAULTS: dict[str, Fault] = {
    "html_200": Fault("200 with a page of HTML, as a proxy or a captive portal gives", True, "unknown"),
    "null_data": Fault("data is null", True, "partial"),
    "empty_data": Fault("data is an empty list", True, "partial"),
    "fewer_than_n": Fault("one picture fewer than n, and billed so; none of one", True, "partial"),
    "more_than_n": Fault("one picture more than n, and billed so", True, "ok"),
    "garbage_base64": Fault("every b64_json is no base64", True, "partial"),
    "wrong_format": Fault("pictures in another format than ordered and echoed", True, "partial"),
    "wrong_size": Fault("pictures of half the edge that was ordered and echoed", True, "partial"),
    "hundred_megapixels": Fault("pictures are sound PNGs of 10000x10000", True, "partial"),
    "truncated_png": Fault("pictures end in the middle", True, "partial"),
    "gzip_bomb": Fault("Content-Encoding gzip: 300 kB that open to 300 MB", True, "unknown"),
    "fewer_partials": Fault("one early version fewer than asked for, and billed so", True, "ok"),
    "missing_usage": Fault("no usage in the answer", True, "ok"),
    "zero_usage": Fault("usage of zeros", True, "ok"),
    "moderation_400_input": Fault("400 moderation_blocked at the input", False, "refused"),
    "moderation_400_output": Fault("400 moderation_blocked at the output; errors carry no bill", False, "refused"),
    "bad_request_400": Fault("400 invalid_value for something the client cannot know", False, "refused"),
    "auth_401": Fault("401 invalid_api_key", False, "refused"),
    "unverified_403": Fault("403, the organisation is not verified", False, "refused"),
    "not_found_404": Fault("404 model_not_found", False, "refused"),
    "rate_limited_429": Fault("429 rate_limit_exceeded with Retry-After in seconds", False, "unavailable"),
    "rate_limited_429_ms": Fault("429 rate_limit_exceeded with retry-after-ms", False, "unavailable"),
    "quota_429": Fault("429 insufficient_quota: terminal, for the operator", False, "refused"),
    "server_500": Fault("500 server_error, after the work", True, "unknown"),
    "bad_gateway_502": Fault("502 with HTML from a gateway that gave up waiting", True, "unknown"),
    "overloaded_503": Fault("503 server_is_overloaded: no work, but nobody outside can tell", False, "unknown"),
    "reset_before_answer": Fault("the connection is reset, no byte of an answer", True, "unknown"),
    "reset_mid_body": Fault("reset after half of the body", True, "unknown"),
    "cut_body": Fault("Content-Length is longer than the body, then the connection closes", True, "unknown"),
    "truncated_json": Fault("half of the JSON, under a Content-Length that fits it", True, "unknown"),
    "json_list_200": Fault("200 with a JSON list", True, "unknown"),
    "url_instead_of_b64": Fault("pictures by address, served by this server", True, "ok"),
    "slow_drip": Fault("one byte of the body every tenth of a second", True, "unknown"),
    "hang": Fault("nothing at all, until the client goes", True, "unknown"),
    "huge_answer": Fault("220 MB of base64 unless the client stops", True, "unknown"),
    "sse_error_event": Fault("an error event instead of the finished picture; 500 if not streamed", True, "unknown"),
    "sse_cut": Fault("the stream breaks off inside the finished picture; cut_body if not streamed", True, "unknown"),
    "sse_hang": Fault("the finished picture, and then no end of the stream; hang if not streamed", True, "unknown"),
    "refuse_connection": Fault(
        "nobody listens for a moment: from the start, or after the POST before it, or after the POST it is marked in",
        False,
        "unavailable",
    ),
}

#: Pictures that are made and billed beyond n.
SURPLUS = {"more_than_n": 1, "fewer_than_n": -1}


def ordered(order: Order, fault: str) -> Order:
    """The order as it is carried out."""
    return replace(order, partials=max(0, order.partials - 1)) if fault == "fewer_partials" else order


# --- errors instead of an answer --------------------------------------------------------------------------------


def _server_error(order: Order, request_id: str, wait: float) -> Problem:
    message = f"The server had an error while processing your request. Sorry about that! (request ID {request_id})"
    return Problem(message, status=500, code="server_error", type="server_error")


def _overloaded(order: Order, request_id: str, wait: float) -> Problem:
    return Problem("Server is overloaded.", status=503, code="server_is_overloaded", type="service_unavailable_error")


ERRORS: dict[str, Callable[[Order, str, float], Problem]] = {
    "moderation_400_input": lambda order, request_id, wait: openai_errors.blocked("input", ["sexual"], request_id),
    "moderation_400_output": lambda order, request_id, wait: openai_errors.blocked("output", ["violence"], request_id),
    "bad_request_400": lambda order, request_id, wait: Problem("Invalid value: 'prompt'.", param="prompt"),
    "auth_401": lambda order, request_id, wait: openai_errors.wrong_key(),
    "unverified_403": lambda order, request_id, wait: openai_errors.unverified(order.model.id),
    "not_found_404": lambda order, request_id, wait: openai_errors.no_model(order.model.id),
    "rate_limited_429": lambda order, request_id, wait: openai_errors.rate_limited({"retry-after": f"{wait:g}"}),
    "rate_limited_429_ms": lambda order, request_id, wait: openai_errors.rate_limited(
        {"retry-after-ms": f"{wait * 1000:g}"}
    ),
    "quota_429": lambda order, request_id, wait: openai_errors.quota(),
    "server_500": _server_error,
    "overloaded_503": _overloaded,
}

# --- one thing wrong in a right answer ----------------------------------------------------------------------------


def _each(order: Order, answer: Json, picture: Callable[[int], bytes]) -> Json:
    return answer | {"data": [openai_answers.row(picture(index)) for index in range(len(answer["data"]))]}


def _wrong_format(order: Order, answer: Json) -> Json:
    other = "jpeg" if order.output_format == "png" else "png"
    return _each(order, answer, lambda index: openai_pictures.make(order, index, kind=other))


def _wrong_size(order: Order, answer: Json) -> Json:
    half = (order.size[0] // 2, order.size[1] // 2)
    return _each(order, answer, lambda index: openai_pictures.make(order, index, size=half))


def _truncated(order: Order, answer: Json) -> Json:
    def cut(index: int) -> bytes:
        data = openai_pictures.make(order, index)
        return data[: len(data) // 2]

    return _each(order, answer, cut)


ZERO = {
    "input_tokens": 0,
    "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
    "output_tokens": 0,
    "total_tokens": 0,
}

ANSWERS: dict[str, Callable[[Order, Json], Json]] = {
    "null_data": lambda order, answer: answer | {"data": None},
    "empty_data": lambda order, answer: answer | {"data": []},
    "fewer_than_n": lambda order, answer: answer | {"data": answer["data"][: order.n - 1]},
    "garbage_base64": lambda order, answer: answer | {"data": [{"b64_json": "%%%not*base64%%%"}] * order.n},
    "wrong_format": _wrong_format,
    "wrong_size": _wrong_size,
    "hundred_megapixels": lambda order, answer: _each(order, answer, lambda _: openai_pictures.hundred_megapixels()),
    "truncated_png": _truncated,
    "missing_usage": lambda order, answer: {key: value for key, value in answer.items() if key != "usage"},
    "zero_usage": lambda order, answer: answer | {"usage": ZERO},
}

# --- what the wire spoils ------------------------------------------------------------------------------------------

PAGE = b"<!doctype html><title>Just a moment</title><h1>Checking your connection</h1>"


def _body(order: Order, answer: Json) -> tuple[str, bytes]:
    if order.stream:
        return "text/event-stream; charset=utf-8", b"".join(openai_answers.events(order, answer))
    return "application/json", json.dumps(answer).encode()


def _html(handler: Handler, order: Order, answer: Json) -> None:
    handler.reply(200, PAGE, content_type="text/html")


def _bad_gateway(handler: Handler, order: Order, answer: Json) -> None:
    handler.reply(502, b"<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")


def _json_list(handler: Handler, order: Order, answer: Json) -> None:
    handler.reply(200, json.dumps([answer]).encode())


def _truncated_json(handler: Handler, order: Order, answer: Json) -> None:
    kind, body = _body(order, answer)
    handler.reply(200, body[: len(body) // 2], content_type=kind)


def _cut_body(handler: Handler, order: Order, answer: Json) -> None:
    kind, body = _body(order, answer)
    handler.reply(200, body, content_type=kind, length=len(body) + 1000)
    handler.close_connection = True


def _reset_before(handler: Handler, order: Order, answer: Json) -> None:
    handler.reset()


def _reset_mid(handler: Handler, order: Order, answer: Json) -> None:
    kind, body = _body(order, answer)
    handler.reply(200, body[: len(body) // 2], content_type=kind, length=len(body))
    handler.reset()


def _slow_drip(handler: Handler, order: Order, answer: Json) -> None:
    kind, body = _body(order, answer)
    handler.reply(200, b"", content_type=kind, length=len(body))
    handler.close_connection = True
    for place in range(len(body)):
        if handler.wait(0.1):
            return
        handler.wfile.write(body[place : place + 1])


def _hang(handler: Handler, order: Order, answer: Json) -> None:
    handler.close_connection = True
    while not handler.wait(0.05):
        pass


def _huge(handler: Handler, order: Order, answer: Json) -> None:
    kind, body = _body(order, {**answer, "data": [{"b64_json": "@"}]})
    head, _, tail = body.partition(b"@")
    start = openai_answers.row(openai_pictures.make(order, 0))["b64_json"].rstrip("=")[:1024].encode()
    block = b"A" * 1_000_000
    handler.chunks((head + start, *(block for _ in range(220)), tail), content_type=kind)


@cache
def _bomb() -> bytes:
    """300 MB of one letter inside of JSON: flushed blocks stand alone, so one is made and repeated."""
    block, times = b"A" * 1_000_000, 300
    head, tail = b'{"created": 1, "data": [{"b64_json": "', b'"}]}'
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    middle = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    last = packer.compress(tail) + packer.flush()
    total = zlib.crc32(head)
    for _ in range(times):
        total = zlib.crc32(block, total)
    length = len(head) + times * len(block) + len(tail)
    trailer = zlib.crc32(tail, total).to_bytes(4, "little") + (length % 2**32).to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + first + middle * times + last + trailer


def _gzip_bomb(handler: Handler, order: Order, answer: Json) -> None:
    handler.reply(200, _bomb(), headers={"content-encoding": "gzip"})


def _by_url(handler: Handler, order: Order, answer: Json) -> None:
    handler.answer(order, handler.fake.desk.by_url(order, answer))


def _sse_error(handler: Handler, order: Order, answer: Json) -> None:
    if not order.stream:
        handler.problem(_server_error(order, handler.request_id, 0))
        return
    early = list(openai_answers.events(order, answer))[:-1]
    error = {"type": "image_generation_server_error", "code": "server_error", "message": "Sorry about that!"}
    handler.chunks((*early, openai_answers.event("error", {"error": error})), content_type="text/event-stream")


def _sse_hang(handler: Handler, order: Order, answer: Json) -> None:
    if order.stream:
        handler.chunks(openai_answers.events(order, answer), content_type="text/event-stream", finished=False)
    _hang(handler, order, answer)


def _sse_cut(handler: Handler, order: Order, answer: Json) -> None:
    if not order.stream:
        _cut_body(handler, order, answer)
        return
    *early, last = openai_answers.events(order, answer)
    handler.chunks((*early, last[: len(last) // 2]), content_type="text/event-stream", finished=False)
    handler.close_connection = True


WIRE: dict[str, Callable[[Handler, Order, Json], None]] = {
    "html_200": _html,
    "bad_gateway_502": _bad_gateway,
    "json_list_200": _json_list,
    "truncated_json": _truncated_json,
    "cut_body": _cut_body,
    "reset_before_answer": _reset_before,
    "reset_mid_body": _reset_mid,
    "slow_drip": _slow_drip,
    "hang": _hang,
    "huge_answer": _huge,
    "gzip_bomb": _gzip_bomb,
    "url_instead_of_b64": _by_url,
    "sse_error_event": _sse_error,
    "sse_cut": _sse_cut,
    "sse_hang": _sse_hang,
}
