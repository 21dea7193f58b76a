"""The provider of GPT Image against a real server that keeps its own books."""

import asyncio
import base64
import contextlib
import gc
import io
import json
import logging
import resource
import socket
import sys
import threading
import time

import pytest
from PIL import Image

from image_studio import conf
from image_studio.catalog.pricing import actual
from image_studio.exceptions import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from image_studio.imaging.decode import decode
from image_studio.providers.base import Input, InputRef, PictureRequest
from image_studio.providers.openai import Provider
from image_studio.wording import explain, explain_error
from tests.fakes import openai_ledger
from tests.fakes.openai_server import FAULTS, serve

KEY = "sk-test-0123456789"
EDIT = (InputRef(asset="a", sha256="0" * 64), InputRef(asset="b", sha256="1" * 64, role="reference"))


@pytest.fixture(autouse=True)
def site(settings):
    settings.IMAGE_STUDIO = {"PROVIDERS": {"openai": {"BACKEND": "image_studio.providers.openai"}}}


@pytest.fixture
def server(tmp_path):
    with serve(ledger=tmp_path / "ledger.jsonl") as fake:
        yield fake


def ordered(**more):
    return PictureRequest(**{"model": "gpt-image-2", "prompt": "a jug", "quality": "low", **more})


def at(server, **options):
    return Provider("openai", **{"api_key": KEY, "base_url": server.base_url, **options})


def picture(mode="RGB", size=(64, 48)):
    target = io.BytesIO()
    Image.new(mode, size, "#804020" if mode == "RGB" else (0, 0, 0, 0)).save(target, "PNG")
    return target.getvalue()


def inputs_of(request):
    modes = {"mask": "RGBA", "markup": "RGBA"}
    return tuple(
        Input(ref=ref, data=picture(modes.get(ref.role, "RGB")), name=f"{ref.role}.png") for ref in request.inputs
    )


def run(provider, request, folder, *, deadline=30.0, on_partial=None):
    folder.mkdir(exist_ok=True)
    call = provider.run(request, inputs_of(request), spool=folder, deadline=deadline, on_partial=on_partial)
    return asyncio.run(call)


def posts(server):
    return openai_ledger.lines(server.ledger)


# What it buys -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("format_", "extension"), [("png", "png"), ("jpeg", "jpg"), ("webp", "webp")])
@pytest.mark.parametrize("inputs", [(), EDIT])
def test_pictures_land_in_the_spool(inputs, format_, extension, server, tmp_path):
    request = ordered(n=2, output_format=format_, inputs=inputs, size=(1024, 640))
    answer = run(at(server), request, tmp_path / "spool")
    assert [output.path.name for output in answer.outputs] == [f"output-0.{extension}", f"output-1.{extension}"]
    for output in answer.outputs:
        found = decode(output.path.read_bytes())
        assert (found.size, found.format) == ((1024, 640), format_)
        assert output.source_type == ("compositeWithTrainedAlgorithmicMedia" if inputs else "trainedAlgorithmicMedia")
    (line,) = posts(server)
    assert line["path"].endswith("edits" if inputs else "generations")
    assert (answer.request_id, answer.micro_usd) == (line["request_id"], line["micro_usd"])
    assert answer.usage == line["usage"]
    assert answer.micro_usd == actual(conf.model("openai", "gpt-image-2"), answer.usage).micro_usd


def test_what_was_really_used_is_told(server, tmp_path):
    answer = run(at(server), ordered(), tmp_path / "spool")
    told = {"alias": "openai", "model": "gpt-image-2", "size": [1024, 1024], "quality": "low"}
    assert told.items() <= answer.effective.items()
    assert answer.effective["output_format"] == "png"
    assert answer.effective["background"] in ("auto", "opaque")
    assert "usage_missing" not in answer.effective


def test_the_text_of_the_answer_stays_without_its_pictures(server, tmp_path):
    answer = run(at(server), ordered(n=2), tmp_path / "spool")
    kept = json.loads((tmp_path / "spool" / "answer-raw.json").read_bytes())
    assert kept["usage"] == answer.usage
    assert kept["data"] == [{"b64_json": 0}, {"b64_json": 1}]
    assert sorted(path.name for path in (tmp_path / "spool").iterdir()) == [
        "answer-raw.json",
        "answer-seen.json",
        "output-0.png",
        "output-1.png",
    ]


def test_every_parameter_that_a_request_has_is_sent(server, tmp_path):
    request = ordered(
        model="gpt-image-2.6-flare",
        quality="max",
        output_format="webp",
        compression=70,
        background="transparent",
        moderation="low",
        complexity="medium",
        user_key="abc123",
    )
    run(at(server), request, tmp_path / "spool")
    assert posts(server)[0]["params"] == {
        "model": "gpt-image-2.6-flare",
        "prompt": "a jug",
        "n": 1,
        "size": "1024x1024",
        "quality": "max",
        "output_format": "webp",
        "output_compression": 70,
        "background": "transparent",
        "moderation": "low",
        "complexity": "medium",
        "safety_identifier": "abc123",
    }


@pytest.mark.parametrize("role", ["mask", "markup"])
def test_sources_stand_before_references_and_each_has_its_type(role, server, tmp_path):
    model = "gpt-image-2" if role == "mask" else "gpt-image-2.6-sunburst"
    over = InputRef(asset="c", sha256="2" * 64, role=role)
    request = ordered(model=model, inputs=(EDIT[1], over, EDIT[0]))
    run(at(server), request, tmp_path / "spool")
    files = posts(server)[0]["params"]["files"]
    assert [(file["name"], file["mime"]) for file in files] == [
        ("source.png", "image/png"),
        ("reference.png", "image/png"),
        (f"{role}.png", "image/png"),
    ]
    assert files[2]["field"] == role


def test_sixteen_pictures_go_in(server, tmp_path):
    inputs = tuple(InputRef(asset=str(i), sha256=f"{i:064}") for i in range(16))
    run(at(server), ordered(inputs=inputs), tmp_path / "spool")
    assert len(posts(server)[0]["params"]["files"]) == 16


def test_moderation_of_an_edit_is_sent_although_the_sdk_has_no_word_for_it(tmp_path):
    provider = Provider("openai", api_key=KEY)
    assert provider.base_url == "https://api.openai.com/v1"
    from image_studio.providers.openai_params import parameters  # noqa: PLC0415

    request = ordered(inputs=EDIT, moderation="low", extra={"svg": {"model": "x"}})
    said = parameters(request, inputs_of(request), model="m", strips=frozenset(), stream=False)
    assert said["extra_body"] == {"svg": {"model": "x"}, "moderation": "low"}
    assert "moderation" not in said


# Early versions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inputs", [(), EDIT])
def test_early_versions_come_first(inputs, server, tmp_path):
    seen = []

    async def early(index, number, data):
        seen.append((index, number, decode(data).format))

    answer = run(at(server), ordered(partial_images=2, inputs=inputs), tmp_path / "spool", on_partial=early)
    assert seen == [(0, 0, "png"), (0, 1, "png")]
    assert decode(answer.outputs[0].path.read_bytes()).size == (1024, 1024)
    (line,) = posts(server)
    assert answer.micro_usd == line["micro_usd"]
    assert str(line["params"]["partial_images"]) == "2"
    names = sorted(path.name for path in (tmp_path / "spool").iterdir())
    assert names == ["answer-raw.json", "answer-seen.json", "output-0.png"]


def test_a_glimpse_that_fails_costs_nothing(server, tmp_path):
    async def early(index, number, data):
        raise RuntimeError

    answer = run(at(server), ordered(partial_images=1), tmp_path / "spool", on_partial=early)
    assert answer.outputs[0].path


@pytest.mark.parametrize(("n", "options"), [(2, {}), (1, {"stream": False})])
def test_early_versions_are_not_paid_for_where_none_can_come(n, options, server, tmp_path):
    async def early(index, number, data):
        raise AssertionError("nothing was asked for")

    run(at(server, **options), ordered(n=n, partial_images=2), tmp_path / "spool", on_partial=early)
    assert not {"stream", "partial_images"} & set(posts(server)[0]["params"])


def test_early_versions_that_nobody_takes_are_not_asked_for(server, tmp_path):
    run(at(server), ordered(partial_images=2), tmp_path / "spool")
    assert "partial_images" not in posts(server)[0]["params"]


@pytest.mark.parametrize("fault", ["sse_error_event", "sse_cut", "reset_mid_body", "html_200"])
def test_a_stream_without_its_picture_is_unknown(fault, server, tmp_path):
    async def early(index, number, data):
        pass

    server.script(faults=[fault])
    with pytest.raises(OutcomeUnknown):
        run(at(server), ordered(partial_images=1), tmp_path / "spool", on_partial=early)
    assert len(posts(server)) == 1


# What goes wrong ----------------------------------------------------------------------------------------------------

ERRORS = {"refused": ProviderRefused, "unavailable": ProviderUnavailable, "unknown": OutcomeUnknown}
RAISED = [name for name, fault in FAULTS.items() if fault.conclude in ERRORS]
ANSWERED = [name for name, fault in FAULTS.items() if fault.conclude in ("ok", "partial")]


@pytest.mark.parametrize("fault", RAISED)
def test_every_fault_is_one_post_and_the_right_error(fault, server, tmp_path):
    server.script(faults=[fault])
    began = time.monotonic()
    with pytest.raises(ERRORS[FAULTS[fault].conclude]) as caught:
        run(at(server, max_answer_bytes=20_000_000), ordered(), tmp_path / "spool", deadline=1.5)
    assert time.monotonic() - began < 1.5 + 2
    assert len(posts(server)) == (0 if fault == "refuse_connection" else 1)
    assert type(caught.value) is ERRORS[FAULTS[fault].conclude]
    assert caught.value.params["alias"] == "openai"
    assert "{" not in explain_error(caught.value)
    if not isinstance(caught.value, OutcomeUnknown):
        assert not openai_ledger.charged(server.ledger)


NAMED = {
    "moderation_400_input": ("provider.moderation_blocked", {"stage": "input", "categories": "sexual"}),
    "moderation_400_output": ("provider.moderation_blocked", {"stage": "output", "categories": "violence"}),
    "rate_limited_429": ("provider.rate_limited", {"retry_after": 1.0}),
    "rate_limited_429_ms": ("provider.rate_limited", {"retry_after": 1.0}),
    "quota_429": ("provider.quota", {}),
    "auth_401": ("provider.auth", {}),
    "unverified_403": ("provider.unverified", {}),
    "not_found_404": ("provider.model_not_found", {"model": "gpt-image-2"}),
    "bad_request_400": ("provider.bad_request", {"param": "prompt"}),
    "refuse_connection": ("provider.unreachable", {}),
    "hang": ("provider.outcome_unknown", {"reason": "deadline"}),
    "gzip_bomb": ("provider.answer_too_large", {}),
    "huge_answer": ("provider.answer_too_large", {}),
}


@pytest.mark.parametrize("fault", NAMED)
def test_errors_say_who_has_to_act(fault, server, tmp_path):
    server.script(faults=[fault])
    with pytest.raises((ProviderRefused, ProviderUnavailable, OutcomeUnknown)) as caught:
        run(at(server, max_answer_bytes=20_000_000), ordered(), tmp_path / "spool", deadline=1.0)
    code, params = NAMED[fault]
    assert caught.value.code == code
    assert params.items() <= caught.value.params.items()


FAULTY = {
    "null_data": "answer.missing",
    "empty_data": "answer.missing",
    "fewer_than_n": "answer.missing",
    "garbage_base64": "answer.garbage",
    "url_instead_of_b64": "answer.link_refused",
}


@pytest.mark.parametrize("fault", ANSWERED)
def test_a_bad_answer_is_charged_and_loses_no_picture(fault, server, tmp_path):
    server.script(faults=[fault])
    answer = run(at(server), ordered(n=2), tmp_path / "spool")
    (line,) = posts(server)
    faults = [output.fault for output in answer.outputs if output.fault]
    made = {"fewer_than_n": 1, "more_than_n": 3}.get(fault, 0 if fault in FAULTY else 2)
    assert sum(1 for output in answer.outputs if output.path) == made
    assert set(faults) == ({FAULTY[fault]} if fault in FAULTY else set())
    assert all("{" not in explain(output.fault, output.params) for output in answer.outputs if output.fault)
    missing = fault in ("missing_usage", "zero_usage")
    assert answer.effective.get("usage_missing", False) is missing
    assert answer.micro_usd >= line["micro_usd"] if missing else answer.micro_usd == line["micro_usd"]


@pytest.mark.parametrize(
    ("fault", "key", "differs"),
    [
        ("wrong_size", "size", {"asked": [1024, 1024], "got": [512, 512]}),
        ("wrong_format", "format", {"asked": "png", "got": "jpeg"}),
    ],
)
def test_a_picture_that_differs_from_the_order_is_kept_and_told(fault, key, differs, server, tmp_path):
    server.script(faults=[fault])
    answer = run(at(server), ordered(), tmp_path / "spool")
    assert answer.effective["outputs"][0]["differs"][key] == differs
    assert answer.outputs[0].path.exists()


def test_pictures_before_the_cap_are_kept(server, tmp_path):
    # The limit lies inside the last picture of three.
    whole = run(at(server), ordered(n=3), tmp_path / "whole")
    weight = sum(output.path.stat().st_size for output in whole.outputs) * 4 // 3
    answer = run(at(server, max_answer_bytes=weight - 50), ordered(n=3), tmp_path / "spool")
    assert [output.fault for output in answer.outputs] == ["", "", "answer.too_large"]
    assert answer.effective["usage_missing"]
    assert answer.micro_usd >= posts(server)[1]["micro_usd"]


@pytest.mark.parametrize("fault", ["huge_answer", "gzip_bomb"])
def test_an_answer_over_the_cap_takes_no_memory(fault, server, tmp_path):
    server.script(faults=[fault])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(OutcomeUnknown) as caught:
        run(at(server), ordered(), tmp_path / "spool")
    assert caught.value.code == "provider.answer_too_large"
    assert sorted(path.name for path in (tmp_path / "spool").iterdir()) == ["answer-raw.json", "answer-seen.json"]
    # The server runs in this process too.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_a_defect_after_the_post_is_unknown(server, tmp_path):
    with pytest.raises(OutcomeUnknown) as caught:
        asyncio.run(at(server).run(ordered(), (), spool=tmp_path / "nowhere", deadline=9.0))
    assert caught.value.params["reason"] == "No such file or directory"
    assert len(posts(server)) == 1


def test_a_defect_before_the_post_sends_nothing(server, tmp_path, caplog):
    request = ordered(inputs=EDIT)
    with caplog.at_level(logging.ERROR), pytest.raises(ProviderRefused) as caught:
        asyncio.run(at(server).run(request, (object(),), spool=tmp_path, deadline=9.0))
    assert caught.value.code == "provider.broken"
    assert not posts(server)


# The way there ------------------------------------------------------------------------------------------------------


def test_a_name_that_nobody_knows_is_unreachable(tmp_path):
    provider = Provider("openai", api_key=KEY, base_url="http://nobody.invalid/v1")
    with pytest.raises(ProviderUnavailable) as caught:
        run(provider, ordered(), tmp_path / "spool")
    assert caught.value.code == "provider.unreachable"


def answering(reply):
    """A server that takes one connection and sends ``reply`` whatever is asked; None hangs up at once."""
    listener = socket.create_server(("127.0.0.1", 0))
    taken = []

    def serve_one():
        connection, _ = listener.accept()
        with connection:
            if reply is None:
                return
            with contextlib.suppress(OSError):  # the client may hang up in the middle
                taken.append(connection.recv(65_536))
                connection.sendall(reply)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass

    thread = threading.Thread(target=serve_one, daemon=True)
    thread.start()
    return listener, taken, thread


@pytest.fixture
def odd_server():
    opened = []

    def start(reply):
        opened.append(answering(reply))
        return opened[-1][0].getsockname()[1], opened[-1][1]

    yield start
    for listener, _, thread in opened:
        thread.join(5)
        listener.close()


def test_a_broken_handshake_is_unreachable(odd_server, tmp_path):
    port, _ = odd_server(None)
    provider = Provider("openai", api_key=KEY, base_url=f"https://127.0.0.1:{port}/v1")
    with pytest.raises(ProviderUnavailable):
        run(provider, ordered(), tmp_path / "spool", deadline=5)


def test_a_redirect_is_not_followed(server, odd_server, tmp_path):
    head = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {server.base_url}/images/generations\r\n"
    port, _ = odd_server(f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
    provider = Provider("openai", api_key=KEY, base_url=f"http://127.0.0.1:{port}/v1")
    with pytest.raises(ProviderRefused) as caught:
        run(provider, ordered(), tmp_path / "spool")
    assert caught.value.code == "provider.wrong_address"
    assert not posts(server)


def test_an_error_without_end_is_not_read_to_its_end(odd_server, tmp_path):
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    port, _ = odd_server(head + b" " * 3_000_000)
    provider = Provider("openai", api_key=KEY, base_url=f"http://127.0.0.1:{port}/v1")
    with pytest.raises(ProviderRefused) as caught:
        run(provider, ordered(), tmp_path / "spool", deadline=5)
    assert caught.value.code == "provider.bad_request"


def whole(body, kind="application/json", status="200 OK"):
    """An answer that is written out, and its end."""
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n{body}".encode()


def test_a_key_that_a_server_repeats_is_not_passed_on(odd_server, tmp_path):
    told = json.dumps({"error": {"message": "0a1b2c3d4e5f and hush-hush are no keys", "param": "0a1b2c3d4e5f"}})
    port, _ = odd_server(whole(told, status="400 Bad Request"))
    at_port = {"base_url": f"http://127.0.0.1:{port}/v1", "headers": {"X-Key": "hush-hush"}}
    with pytest.raises(ProviderRefused) as caught:
        run(Provider("openai", api_key="0a1b2c3d4e5f", **at_port), ordered(), tmp_path / "spool")
    assert caught.value.code == "provider.bad_request"
    assert (caught.value.params["message"], caught.value.params["param"]) == ("... and ... are no keys", "...")


def test_a_password_in_an_address_is_not_shown():
    provider = Provider("openai", api_key=KEY, base_url="https://name:hush-hush@proxy.invalid:8443/v1?key=hush-hush")
    assert "hush" not in f"{provider!r}{provider.wire!r}{provider.clients!r}"
    assert "proxy.invalid:8443/v1" in repr(provider)


@pytest.mark.parametrize(("early", "kind"), [(0, ProviderUnavailable), (1, OutcomeUnknown)])
def test_too_many_requests_after_an_early_version_is_not_sent_again(early, kind, odd_server, tmp_path):
    """The model had begun by then."""

    async def taken(index, number, data):
        pass

    glimpse = {"type": "image_generation.partial_image", "partial_image_index": 0, "b64_json": "AAAA"}
    events = [glimpse] * early + [{"type": "error", "error": {"code": "rate_limit_exceeded"}}]
    port, _ = odd_server(whole("".join(f"data: {json.dumps(one)}\n\n" for one in events), "text/event-stream"))
    provider = Provider("openai", api_key=KEY, base_url=f"http://127.0.0.1:{port}/v1")
    with pytest.raises(kind):
        run(provider, ordered(partial_images=1), tmp_path / "spool", on_partial=taken)


@pytest.mark.parametrize("url", ["https://" + "a" * 70 + ".invalid/", "https://127.0.0.1:99999/", "https://xn--/"])
def test_a_strange_link_costs_no_picture_beside_it(url, odd_server, tmp_path):
    data = base64.b64encode(picture()).decode()
    body = {"data": [{"b64_json": data}, {"url": url}], "size": "9" * 5000 + "x9", "model": "m" * 5000}
    port, _ = odd_server(whole(json.dumps(body)))
    provider = Provider("openai", api_key=KEY, base_url=f"http://127.0.0.1:{port}/v1", dialect="compatible")
    answer = run(provider, ordered(n=2), tmp_path / "spool")
    assert [output.fault for output in answer.outputs] == ["", "answer.link_failed"]
    assert answer.outputs[0].path.read_bytes() == picture()
    assert len(answer.effective["model"]) <= 120


@pytest.mark.parametrize("row", [None, {"b64_json": "UE5H"}, {"url": "file:///etc/passwd"}])
def test_an_answer_of_thousands_of_pictures_is_cut(row, odd_server, tmp_path):
    port, _ = odd_server(whole(json.dumps({"data": [row] * 3000})))
    provider = Provider("openai", api_key=KEY, base_url=f"http://127.0.0.1:{port}/v1")
    answer = run(provider, ordered(), tmp_path / "spool")
    assert len(answer.outputs) == 64
    assert len(list((tmp_path / "spool").iterdir())) <= 66


def test_a_bill_that_no_database_can_hold_is_none(odd_server, tmp_path):
    body = {"data": [{"b64_json": "UE5H"}], "usage": {"input_tokens": 9, "output_tokens": 10**30}}
    port, _ = odd_server(whole(json.dumps(body)))
    provider = Provider("openai", api_key=KEY, base_url=f"http://127.0.0.1:{port}/v1")
    answer = run(provider, ordered(), tmp_path / "spool")
    assert answer.effective["usage_missing"]
    assert 0 < answer.micro_usd < 10**6


def test_nothing_of_the_environment_is_sent(odd_server, tmp_path, monkeypatch):
    for name, value in {
        "OPENAI_ORG_ID": "org-env",
        "OPENAI_PROJECT_ID": "proj-env",
        "OPENAI_ADMIN_KEY": "sk-admin-env",
        "OPENAI_CUSTOM_HEADERS": "X-Env: surprise",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    port, taken = odd_server(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    provider = Provider("openai", api_key=KEY, base_url=f"http://127.0.0.1:{port}/v1", headers={"X-Own": "site"})
    with pytest.raises(ProviderRefused):
        run(provider, ordered(), tmp_path / "spool")
    head = taken[0].partition(b"\r\n\r\n")[0].lower()
    assert b"-env" not in head
    assert b"surprise" not in head
    assert b"accept-encoding: identity" in head
    assert b"x-own: site" in head
    assert f"authorization: bearer {KEY}".encode() in head


def test_many_calls_share_a_client_that_is_closed_with_the_last(server, tmp_path):
    provider = at(server)

    async def all_at_once(folders):
        answers = await asyncio.gather(*(provider.run(ordered(), (), spool=folder, deadline=30) for folder in folders))
        assert len(provider.clients._open) == 0
        return answers

    for loop in range(2):
        folders = [tmp_path / f"{loop}-{number}" for number in range(8)]
        for folder in folders:
            folder.mkdir()
        assert all(answer.outputs[0].path for answer in asyncio.run(all_at_once(folders)))
    gc.collect()  # an open socket would warn here, and warnings are errors


# Keys ---------------------------------------------------------------------------------------------------------------


async def later():
    return KEY


@pytest.mark.parametrize("key", [KEY, lambda: KEY, later, f"  {KEY}\n"])
def test_a_key_is_a_text_or_a_function(key, server, tmp_path):
    assert run(at(server, api_key=key), ordered(), tmp_path / "spool").outputs[0].path


def test_the_key_of_the_environment_is_read_when_it_is_needed(server, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    provider = at(server, api_key="")
    spec = conf.model("openai", "gpt-image-2")
    assert [finding.code for finding in provider.supports(ordered(), spec)] == ["provider.no_key"]
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert provider.supports(ordered(), spec) == ()
    assert run(provider, ordered(), tmp_path / "spool").outputs[0].path


def broken():
    raise RuntimeError(KEY)


@pytest.mark.parametrize("key", ["", lambda: "", lambda: None, broken, "sk with words", "sk-\nx", "sk-ключ"])
def test_without_a_usable_key_nothing_is_sent(key, server, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ProviderRefused) as caught:
        run(at(server, api_key=key), ordered(), tmp_path / "spool")
    assert caught.value.code == "provider.no_key"
    assert not posts(server)


def test_no_key_is_shown_anywhere(server, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    provider = at(server, headers={"X-Secret": "sk-header-0123456789"})
    server.script(faults=["auth_401", "server_500", "reset_mid_body", "bad_request_400"])
    told = [repr(provider), repr(provider.wire), repr(provider.clients)]
    for number in range(4):
        with pytest.raises((ProviderRefused, OutcomeUnknown)) as caught:
            run(provider, ordered(), tmp_path / str(number))
        told += [str(caught.value), repr(caught.value), explain_error(caught.value), repr(caught.value.__cause__)]
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("image_studio")]
    assert not [line for line in told + logged if "0123456789" in line]


# Other servers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inputs", [(), EDIT])
def test_a_compatible_server_gets_what_it_knows_and_may_answer_with_links(inputs, tmp_path):
    with serve(ledger=tmp_path / "ledger.jsonl", mode="compatible") as server:
        provider = at(server, dialect="compatible", deployments={"gpt-image-2": "sdxl"})
        answer = run(provider, ordered(n=2, inputs=inputs, user_key="u"), tmp_path / "spool")
        assert [decode(output.path.read_bytes()).size for output in answer.outputs] == [(1024, 1024)] * 2
        assert {"model": "sdxl", "size": "1024x1024"}.items() <= posts(server)[0]["params"].items()
    assert answer.effective["usage_missing"]
    assert "safety_identifier" in answer.effective["left_out"]
    assert answer.effective["quality"] == "low"


def test_a_compatible_server_may_be_asked_for_base64(tmp_path):
    with serve(ledger=tmp_path / "ledger.jsonl", mode="compatible") as server:
        provider = at(server, dialect="compatible")
        answer = run(provider, ordered(extra={"response_format": "b64_json"}), tmp_path / "spool")
    assert answer.outputs[0].path


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://elsewhere.example/a.png", True),
        ("http://127.0.0.1:8000/a.png", True),
        ("http://127.0.0.1:8001/a.png", False),
        ("http://elsewhere.example/a.png", False),
        ("file:///etc/passwd", False),
        ("https://name:word@elsewhere.example/a.png", False),
        ("//elsewhere.example/a.png", False),
        ("https://", False),
        ("\x00", False),
    ],
)
def test_only_some_links_are_followed(url, allowed):
    from image_studio.providers import openai_links  # noqa: PLC0415 - as late as the provider does it

    assert openai_links.allowed(url, "http://127.0.0.1:8000/v1") is allowed


def test_azure_knows_a_model_by_its_deployment(tmp_path):
    with serve(ledger=tmp_path / "ledger.jsonl", deployments={"jugs": "gpt-image-2"}) as server:
        provider = at(server, base_url=server.azure_url, dialect="azure", deployments={"gpt-image-2": "jugs"})
        answer = run(provider, ordered(user_key="u"), tmp_path / "spool")
        params = posts(server)[0]["params"]
    assert params["model"] == "jugs"
    assert "safety_identifier" not in params
    assert (answer.effective["model"], answer.effective["left_out"]) == ("gpt-image-2", ["safety_identifier"])


# Before any spend ---------------------------------------------------------------------------------------------------


def codes(request, **options):
    provider = Provider("openai", **{"api_key": KEY, **options})
    return [finding.code for finding in provider.supports(request, conf.model("openai", request.model))]


def test_a_good_request_is_supported():
    assert codes(ordered()) == []
    assert codes(ordered(inputs=EDIT)) == []


@pytest.mark.parametrize(
    "more",
    [
        {"size": (1000, 1000)},
        {"quality": "xhigh"},
        {"n": 11},
        {"fidelity": "high"},
        {"output_format": "gif"},
        {"prompt": "x" * 32_001},
        {"inputs": EDIT * 9},
        {"partial_images": 4},
    ],
)
def test_what_the_catalog_refuses_is_refused(more):
    assert codes(ordered(**more))


@pytest.mark.parametrize("name", ["n", "model", "quality", "image", "stream"])
def test_extra_does_not_change_what_was_priced(name):
    assert codes(ordered(extra={name: 10})) == ["provider.extra_taken"]
    assert codes(ordered(extra={"frame_count": 2})) == []


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"compression": 50, "output_format": "jpeg"}, ["provider.stripped"]),
        ({"moderation": "low"}, ["provider.stripped"]),
        ({"user_key": "u"}, []),
        ({}, []),
    ],
)
def test_what_a_server_would_ignore_is_refused(more, found):
    assert codes(ordered(**more), dialect="compatible", base_url="http://x/v1") == found


@pytest.mark.parametrize(
    "options",
    [
        {"dialect": "klingon"},
        {"dialect": "azure"},
        {"strips": "quality"},
        {"max_answer_bytes": 0},
        {"connect_timeout": 0},
        {"colour": "red"},
    ],
)
def test_options_that_do_not_hold_are_said_at_once(options):
    with pytest.raises((TypeError, ValueError)):
        Provider("openai", **options)


def test_the_sdk_is_not_imported_before_it_is_needed():
    import subprocess  # noqa: PLC0415

    code = (
        "import sys; import image_studio.providers.openai; print([m for m in ('openai', 'httpx2') if m in sys.modules])"
    )
    env = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.strip() == "[]"
