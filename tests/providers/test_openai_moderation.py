"""OpenAI's free moderation against a real server: what it says, and that it says nothing rather than a pass."""

import asyncio
import contextlib
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image, ImageDraw

from image_studio.brand.judged import Judged, Unjudged, looked_from
from image_studio.providers import previs
from image_studio.providers.openai import Provider
from image_studio.providers.openai_moderation import EDGE, Moderator, small_copy
from image_studio.wording import WORDS, explain
from tests.fakes.openai_moderation import BOTH, CATEGORIES
from tests.fakes.openai_pictures import CORNERS
from tests.fakes.openai_server import Fake, serve

KEY = "sk-test-0123456789"


@pytest.fixture
def server(tmp_path) -> Iterator[Fake]:
    with serve(ledger=tmp_path / "ledger.jsonl", retry_after=0.0) as fake:
        yield fake


def at(url: str, **options) -> Moderator:
    found = Moderator.of(Provider("openai", **{"api_key": KEY, "base_url": url, **options}))
    assert found is not None
    return found


def read(moderator: Moderator, text: str = "a jug", *, deadline: float = 10.0):
    return asyncio.run(moderator.prompt(text, deadline=deadline))


def seen(server: Fake, image: Image.Image):
    return asyncio.run(at(server.base_url).picture(small_copy(image), deadline=10.0))


def marked(name: str = "", size=(640, 480)) -> Image.Image:
    image = Image.new("RGB", size, "#807060")
    if name:
        ImageDraw.Draw(image).rectangle((0, 0, size[0] // 4, size[1] // 4), fill=CORNERS[name])
    return image


# What it says --------------------------------------------------------------------------------------------------------


def test_a_harmless_prompt_is_looked_at_for_every_category(server):
    found = read(at(server.base_url))
    assert isinstance(found, Judged)
    assert (found.flagged, found.flags, found.model) == (False, (), "omni-moderation-2024-09-26")
    assert set(found.scores("text")) == set(CATEGORIES)
    assert found.scores("image") == {}


def test_a_flagged_prompt_names_its_category(server):
    found = read(at(server.base_url), "a jug [flag:hate]")
    assert (found.flagged, found.flags, found.categories["hate"]) == (True, ("hate",), 0.97)


def test_a_picture_is_looked_at_for_six_categories_only(server):
    found = seen(server, marked("violence"))
    assert (found.flagged, found.flags) == (True, ("violence",))
    assert set(found.scores("image")) == set(BOTH)
    assert "hate" in found.categories  # a score that says nothing of a picture
    assert seen(server, marked()).flagged is False


def test_what_was_said_survives_its_storage(server):
    found = read(at(server.base_url), "[flag:sexual]")
    assert looked_from(json.loads(json.dumps(found.to_dict()))) == found
    missing = Unjudged(code="moderation.late", params={"seconds": 1.0})
    assert looked_from(json.loads(json.dumps(missing.to_dict()))) == missing


# What is sent --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "size"), [("RGB", (4000, 1500)), ("RGBA", (640, 2048)), ("RGB", (12, 9))])
def test_the_copy_is_small_opaque_and_says_nothing_of_its_origin(mode, size):
    image = Image.new(mode, size, (10, 200, 30, 0) if mode == "RGBA" else (10, 200, 30))
    image.info["exif"] = b"secret"
    copy = Image.open(io.BytesIO(small_copy(image)))
    assert (copy.format, copy.mode) == ("JPEG", "RGB")
    assert max(copy.size) == min(EDGE, max(size))
    assert not copy.getexif()
    if mode == "RGBA":
        assert min(copy.getpixel((0, 0))) > 250  # transparent is seen on white, not on black


def test_one_question_is_one_post_and_free(server):
    read(at(server.base_url))
    assert [(call["path"], call["charged"]) for call in server.calls()] == [("/v1/moderations", False)]


# When it says nothing ------------------------------------------------------------------------------------------------


def not_run(found, code: str) -> Unjudged:
    assert isinstance(found, Unjudged)
    assert found.code == code
    assert code in WORDS
    words = explain(found.code, found.params)
    assert "{" not in words
    assert KEY not in words
    return found


@pytest.mark.parametrize(("fault", "code"), [("overloaded_503", "refused"), ("rate_limited_429", "rate_limited")])
def test_what_passes_is_asked_a_second_time_and_no_third(server, fault, code):
    server.script(moderation_faults=[fault])
    assert isinstance(read(at(server.base_url)), Judged)
    server.script(moderation_faults=[fault, fault])
    not_run(read(at(server.base_url)), f"moderation.{code}")
    assert len(server.calls()) == 4


def test_a_server_that_wants_more_time_than_there_is_is_not_waited_for(server):
    server.script(moderation_faults=["rate_limited_429"], retry_after=60.0)
    not_run(read(at(server.base_url), deadline=5.0), "moderation.rate_limited")
    assert len(server.calls()) == 1


def test_a_slow_server_is_given_up_at_the_deadline(server):
    server.script(moderation_faults=["hang"])
    assert not_run(read(at(server.base_url), deadline=0.3), "moderation.late").params["seconds"] == 0.3


def test_a_server_that_is_down_is_not_run(tmp_path):
    with serve(ledger=tmp_path / "ledger.jsonl", refuse_seconds=30) as server:
        server.refuse()
        not_run(read(at(server.base_url)), "moderation.unreachable")


@pytest.mark.parametrize(("key", "code"), [("sk-wrong", "not_allowed"), ("", "no_key"), ("two words", "no_key")])
def test_a_key_that_does_not_fit_is_not_run(server, monkeypatch, key, code):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    not_run(read(at(server.base_url, api_key=key)), f"moderation.{code}")


@pytest.mark.parametrize("fault", ["html_200", "truncated_json", "json_list_200", "gzip_bomb"])
def test_an_answer_that_cannot_be_read_is_not_run(server, fault):
    server.script(moderation_faults=[fault])
    not_run(read(at(server.base_url)), "moderation.bad_answer")


@pytest.mark.parametrize("fault", ["reset_before_answer", "reset_mid_body", "cut_body"])
def test_an_answer_that_breaks_off_is_asked_for_again_and_then_not_run(server, fault):
    server.script(moderation_faults=[fault, fault])
    not_run(read(at(server.base_url)), "moderation.unreachable")
    assert len(server.calls()) == 2


FINE = {
    "flagged": False,
    "categories": {"violence": False},
    "category_scores": {"violence": 0.1},
    "category_applied_input_types": {"violence": ["text"]},
}


@pytest.mark.parametrize(
    "results",
    [
        None,
        [],
        [FINE, FINE],
        ["flagged"],
        [{**FINE, "flagged": "no"}],
        [{**FINE, "categories": {"violence": "no"}}],
        [{**FINE, "categories": None}],
        [{**FINE, "category_scores": {"violence": "NaN"}}],
        [{**FINE, "category_scores": {"violence": 1.5}}],
        [{**FINE, "category_scores": [0.1]}],
        [{key: value for key, value in FINE.items() if key != "category_applied_input_types"}],
        [{**FINE, "category_applied_input_types": "text"}],
    ],
)
def test_a_malformed_result_is_not_run(results):
    with answering({"id": "modr-1", "model": "m", "results": results}) as url:
        not_run(read(at(url)), "moderation.bad_answer")


def test_an_endless_answer_is_not_read_to_its_end():
    with answering({"results": [FINE], "more": "x" * 2_000_000}) as url:
        not_run(read(at(url)), "moderation.bad_answer")


def test_only_servers_that_may_have_it_are_asked():
    assert Moderator.of(previs.Provider("previs")) is None
    assert Moderator.of(Provider("azure", api_key=KEY, base_url="https://a.example/openai/v1", dialect="azure")) is None


class answering:  # noqa: N801 - reads as what it is, a server that answers this
    """A server with one answer to everything."""

    def __init__(self, answer) -> None:
        body = json.dumps(answer).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def __exit__(self, *args) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
