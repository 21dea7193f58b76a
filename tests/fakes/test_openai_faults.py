"""The faults of the fake: each does what its row says, leaves one line in the books, and is told by every client."""

from __future__ import annotations

import base64
import binascii
import http.client
import io
import json
import re
import socket
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from PIL import Image

from tests.fakes.openai_asking import GENERATE
from tests.fakes.openai_faults import ANSWERS, ERRORS, FAULTS, WIRE
from tests.fakes.openai_server import Fake, serve


@dataclass
class Got:
    """What came over the wire: ``broken`` names what ended it early."""

    status: int = 0
    headers: Any = None
    body: bytes = b""
    broken: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def send(fake: Fake, *, most: int = 1 << 30, timeout: float = 5.0, **change: Any) -> Got:
    """A plain POST whose answer is read up to ``most`` bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=timeout)
    got = Got()
    try:
        connection.request(
            "POST",
            "/v1/images/generations",
            json.dumps(GENERATE | change),
            {"Content-Type": "application/json", "Authorization": "Bearer sk-test"},
        )
        response = connection.getresponse()
        got.status, got.headers = response.status, response.headers
        got.body = response.read(most) if most < 1 << 30 else response.read()
    except http.client.IncompleteRead as error:
        got.body, got.broken = error.partial, "IncompleteRead"
    except (OSError, http.client.HTTPException) as error:
        got.broken = type(error).__name__
    finally:
        connection.close()
    return got


def first_picture(got: Got) -> bytes:
    return base64.b64decode(got.json["data"][0]["b64_json"])


def play(fake: Fake, name: str, **change: Any) -> Got:
    fake.script(faults=[name])
    return send(fake, **change)


# --- the table -----------------------------------------------------------------------------------------------------


def test_every_fault_is_in_the_table_and_is_played() -> None:
    assert {*ERRORS, *ANSWERS, *WIRE} | {"fewer_than_n", "more_than_n", "fewer_partials", "refuse_connection"} == set(
        FAULTS
    )
    assert {fault.conclude for fault in FAULTS.values()} == {"ok", "partial", "refused", "unavailable", "unknown"}


def test_a_fault_that_was_charged_never_reads_as_free() -> None:
    free = {name for name, fault in FAULTS.items() if fault.conclude in {"refused", "unavailable"}}
    assert free.isdisjoint(name for name, fault in FAULTS.items() if fault.charged)


#: Answers that have no end worth waiting for, and how many bytes of them are enough.
ENDLESS = {"huge_answer": 2_000_000, "slow_drip": 1}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"refuse_connection"}))
def test_fault_leaves_one_line_that_says_whether_it_was_charged(fake: Fake, name: str, stream: bool) -> None:
    play(fake, name, stream=stream, most=ENDLESS.get(name, 1 << 30), timeout=0.25 if name.endswith("hang") else 5)
    [line] = fake.calls()
    assert (line["fault"], line["charged"]) == (name, FAULTS[name].charged)
    assert (line["micro_usd"] > 0) is FAULTS[name].charged


def test_marker_in_the_prompt_goes_before_the_script(fake: Fake) -> None:
    fake.script(faults=["server_500", "ok"])
    assert send(fake, prompt="[fault:overloaded_503]").status == 503
    assert send(fake).status == 200
    assert [line["fault"] for line in fake.calls()] == ["overloaded_503", ""]


def test_invalid_request_takes_its_word_and_gets_its_own_answer(fake: Fake) -> None:
    fake.script(faults=["server_500", "auth_401"])
    assert [send(fake, n=0).status, send(fake).status, send(fake).status] == [400, 401, 200]


def test_script_can_be_told_over_the_wire(fake: Fake) -> None:
    for told, status in (({"faults": ["auth_401"], "today": "2026-12-01"}, 200), ({"faults": ["no_such"]}, 400)):
        connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=5)
        connection.request("POST", "/_script", json.dumps(told))
        assert connection.getresponse().status == status
        connection.close()
    assert send(fake).status == 401
    assert send(fake, model="gpt-image-1.5", size="auto").status == 404
    assert len(fake.calls()) == 2


# --- one thing wrong in a right answer -----------------------------------------------------------------------------


def test_data_is_missing(fake: Fake) -> None:
    assert play(fake, "null_data").json["data"] is None
    assert play(fake, "empty_data").json["data"] == []


@pytest.mark.parametrize(
    ("name", "n", "pictures", "billed"),
    [("fewer_than_n", 3, 2, 2), ("fewer_than_n", 1, 0, 1), ("more_than_n", 2, 3, 3)],
)
def test_number_of_pictures_is_wrong(fake: Fake, name: str, n: int, pictures: int, billed: int) -> None:
    assert len(play(fake, name, n=n).json["data"]) == pictures
    assert fake.calls()[0]["pictures"] == billed


def test_early_versions_are_fewer_than_asked_for(fake: Fake, client: openai.OpenAI) -> None:
    fake.script(faults=["fewer_partials"])
    *early, done = client.images.generate(**GENERATE, stream=True, partial_images=3)
    assert (len(early), done.usage.output_tokens) == (2, 107 + 2 * 100)


def test_base64_is_garbage(fake: Fake) -> None:
    with pytest.raises(binascii.Error):
        base64.b64decode(play(fake, "garbage_base64").json["data"][0]["b64_json"], validate=True)


def test_picture_is_of_another_format_or_size_than_it_says(fake: Fake) -> None:
    other, small = play(fake, "wrong_format"), play(fake, "wrong_size")
    assert (Image.open(io.BytesIO(first_picture(other))).format, other.json["output_format"]) == ("JPEG", "png")
    assert (Image.open(io.BytesIO(first_picture(small))).size, small.json["size"]) == ((512, 320), "1024x640")


def test_picture_is_huge(fake: Fake) -> None:
    data = first_picture(play(fake, "hundred_megapixels"))
    assert len(data) < 100_000
    with pytest.warns(Image.DecompressionBombWarning):
        picture = Image.open(io.BytesIO(data))
    assert picture.size == (10_000, 10_000)


def test_picture_ends_in_the_middle(fake: Fake) -> None:
    with pytest.raises((OSError, SyntaxError)):
        Image.open(io.BytesIO(first_picture(play(fake, "truncated_png")))).load()


def test_usage_is_missing_or_zero(fake: Fake) -> None:
    assert "usage" not in play(fake, "missing_usage").json
    assert play(fake, "zero_usage").json["usage"]["output_tokens"] == 0


def test_pictures_come_by_address(fake: Fake) -> None:
    with urllib.request.urlopen(play(fake, "url_instead_of_b64").json["data"][0]["url"]) as response:
        assert Image.open(response).size == (1024, 640)


# --- what the wire spoils ------------------------------------------------------------------------------------------


def test_answer_is_no_answer(fake: Fake) -> None:
    assert play(fake, "html_200").headers["content-type"] == "text/html"
    assert isinstance(play(fake, "json_list_200").json, list)
    with pytest.raises(ValueError):
        _ = play(fake, "truncated_json").json


@pytest.mark.parametrize(
    ("name", "broken", "status"),
    [
        ("reset_before_answer", "ConnectionResetError", 0),
        ("reset_mid_body", "ConnectionResetError", 200),
        ("cut_body", "IncompleteRead", 200),
        ("hang", "TimeoutError", 0),
    ],
)
def test_connection_breaks(fake: Fake, name: str, broken: str, status: int) -> None:
    got = play(fake, name, timeout=0.3)
    assert (got.broken, got.status) == (broken, status)


def test_gzip_bomb_is_small_on_the_wire_and_opens_to_300_mb(fake: Fake) -> None:
    got = play(fake, "gzip_bomb")
    assert len(got.body) < 500_000
    assert got.headers["content-encoding"] == "gzip"
    opener, length, rest = zlib.decompressobj(31), 0, got.body
    while rest:
        length += len(opener.decompress(rest, 1 << 22))
        rest = opener.unconsumed_tail
    assert (length, opener.eof) == (300_000_042, True)


def test_drip_sends_a_byte_at_a_time(fake: Fake) -> None:
    fake.script(faults=["slow_drip"])
    got = send(fake, most=2, timeout=1)
    assert (got.status, got.body) == (200, b'{"')


def test_huge_answer_stops_with_the_client(fake: Fake) -> None:
    got = play(fake, "huge_answer", most=3_000_000)
    assert (len(got.body), got.headers["transfer-encoding"]) == (3_000_000, "chunked")
    assert re.match(rb'\{"created": \d+, "data": \[\{"b64_json": "iVBORw', got.body)


def test_nobody_listens_after_the_word_before_it(fake: Fake) -> None:
    fake.script(faults=["server_500", "refuse_connection", "ok"])
    assert send(fake).status == 500
    assert send(fake).broken == "ConnectionRefusedError"
    fake.listen()
    assert send(fake).status == 200
    assert [line["fault"] for line in fake.calls()] == ["server_500", ""]


def test_nobody_listens_from_the_start_and_then_again(tmp_path: Path) -> None:
    with serve(ledger=tmp_path / "l", faults=["refuse_connection"], refuse_seconds=0.1) as fake:
        assert send(fake).broken == "ConnectionRefusedError"
        while send(fake).broken:
            pass
        assert len(fake.calls()) == 1


def test_idle_connections_go_with_the_listener(fake: Fake) -> None:
    with socket.create_connection(("127.0.0.1", fake.port), timeout=5) as idle:
        idle.sendall(b"GET /_pictures/none HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 404")
        fake.script(faults=["refuse_connection"])
        assert idle.recv(1000) == b""


# --- errors, as the SDK tells them ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "status", "code"),
    [
        ("moderation_400_input", openai.BadRequestError, 400, "moderation_blocked"),
        ("moderation_400_output", openai.BadRequestError, 400, "moderation_blocked"),
        ("bad_request_400", openai.BadRequestError, 400, "invalid_value"),
        ("auth_401", openai.AuthenticationError, 401, "invalid_api_key"),
        ("unverified_403", openai.PermissionDeniedError, 403, None),
        ("not_found_404", openai.NotFoundError, 404, "model_not_found"),
        ("rate_limited_429", openai.RateLimitError, 429, "rate_limit_exceeded"),
        ("rate_limited_429_ms", openai.RateLimitError, 429, "rate_limit_exceeded"),
        ("quota_429", openai.RateLimitError, 429, "insufficient_quota"),
        ("server_500", openai.InternalServerError, 500, "server_error"),
        ("bad_gateway_502", openai.InternalServerError, 502, None),
        ("overloaded_503", openai.InternalServerError, 503, "server_is_overloaded"),
    ],
)
def test_error_reaches_the_sdk(
    fake: Fake, client: openai.OpenAI, name: str, kind: type[openai.APIStatusError], status: int, code: str | None
) -> None:
    fake.script(faults=[name])
    with pytest.raises(kind) as caught:
        client.images.generate(**GENERATE)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.request_id == fake.calls()[0]["request_id"]


def test_moderation_block_names_stage_categories_and_request(fake: Fake) -> None:
    got = play(fake, "moderation_400_output")
    error = got.json["error"]
    assert error["moderation_details"] == {"moderation_stage": "output", "categories": ["violence"]}
    assert error["message"].endswith(f"request ID {got.headers['x-request-id']}. safety_violations=[violence].")


def test_rate_limit_says_how_long(fake: Fake) -> None:
    fake.script(retry_after=2.5)
    assert play(fake, "rate_limited_429").headers["retry-after"] == "2.5"
    assert play(fake, "rate_limited_429_ms").headers["retry-after-ms"] == "2500"


def test_stream_ends_in_an_error_event(fake: Fake, client: openai.OpenAI) -> None:
    fake.script(faults=["sse_error_event"])
    seen: list[str] = []
    with pytest.raises(openai.APIError) as caught:
        seen.extend(event.type for event in client.images.generate(**GENERATE, stream=True, partial_images=1))
    assert (seen, caught.value.code) == (["image_generation.partial_image"], "server_error")


def test_stream_breaks_off(fake: Fake, client: openai.OpenAI) -> None:
    fake.script(faults=["sse_cut"])
    seen: list[str] = []
    with pytest.raises(openai.APIConnectionError):
        seen.extend(event.type for event in client.images.generate(**GENERATE, stream=True, partial_images=1))
    assert (seen, len(fake.calls())) == (["image_generation.partial_image"], 1)


def test_moderation_has_its_own_script(fake: Fake, client: openai.OpenAI) -> None:
    fake.script(faults=["auth_401"], moderation_faults=["overloaded_503", "html_200"])
    with pytest.raises(openai.InternalServerError):
        client.moderations.create(input="a cat [fault:hang]")
    assert isinstance(client.moderations.create(input="a cat"), str)
    assert client.moderations.create(input="a cat").results[0].flagged is False
    assert [(line["fault"], line["charged"]) for line in fake.calls()] == [
        ("overloaded_503", False),
        ("html_200", False),
        ("", False),
    ]
