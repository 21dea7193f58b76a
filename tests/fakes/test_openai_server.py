"""The fake of OpenAI's images API gives right answers in the right shapes and keeps its books."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
from PIL import Image

from tests.fakes import openai_ledger
from tests.fakes.openai_asking import GENERATE, mask, opened, png, post
from tests.fakes.openai_server import Fake, serve

ROOT = Path(__file__).parents[2]

# --- right answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_generated_pictures_have_size_and_format_and_are_the_same_again(client: openai.OpenAI, kind: str) -> None:
    asked = {**GENERATE, "output_format": kind, "n": 2}
    first, again = client.images.generate(**asked), client.images.generate(**asked)
    pictures = [opened(row) for row in first.data]
    assert [(picture.size, picture.format) for picture in pictures] == [((1024, 640), kind.upper())] * 2
    assert first.data[0].b64_json == again.data[0].b64_json != first.data[1].b64_json


def test_answer_echoes_what_was_used_and_the_ledger_agrees(fake: Fake, client: openai.OpenAI) -> None:
    answer = client.images.generate(
        **{**GENERATE, "model": "gpt-image-2.5-flare", "quality": "auto"}, safety_identifier="a" * 64
    )
    assert (answer.size, answer.quality, answer.background, answer.output_format) == (
        "1024x640",
        "medium",
        "opaque",
        "png",
    )
    assert answer.safety_identifier == "a" * 64
    assert answer.usage is not None
    assert answer.usage.output_tokens == 239
    [line] = fake.calls()
    assert line["request_id"] == answer._request_id
    assert (line["charged"], line["pictures"], line["fault"], line["status"]) == (True, 1, "", 200)
    assert line["usage"]["total_tokens"] == answer.usage.total_tokens
    assert line["params"]["prompt"] == "A lighthouse"
    assert "sk-test" not in json.dumps(line)


def test_headers_carry_the_six_limits(client: openai.OpenAI) -> None:
    raw = client.images.with_raw_response.generate(**GENERATE)
    names = {f"x-ratelimit-{part}-{of}" for part in ("limit", "remaining", "reset") for of in ("requests", "tokens")}
    assert names <= set(raw.headers)


def test_transparent_background_has_alpha_that_peaks_at_254(client: openai.OpenAI) -> None:
    asked = {**GENERATE, "model": "gpt-image-2.5-flare", "background": "transparent"}
    answer = client.images.generate(**asked)
    assert answer.background == "transparent"
    assert opened(answer.data[0]).getchannel("A").getextrema() == (0, 254)


def test_edit_derives_from_the_first_picture_and_tints_inside_the_mask(client: openai.OpenAI) -> None:
    answer = client.images.edit(
        model="gpt-image-2", prompt="x", image=[png(), png(colour="blue")], mask=mask(), size="1536x1024", quality="low"
    )
    picture = opened(answer.data[0])
    assert picture.size == (1536, 1024)
    assert picture.getpixel((1500, 500)) == (255, 3, 3)  # a shade lighter: real edits redraw all of it
    assert picture.getpixel((100, 500)) != (255, 3, 3)


def test_edit_without_a_size_follows_the_first_picture(client: openai.OpenAI) -> None:
    answer = client.images.edit(model="gpt-image-2", prompt="x", image=png((64, 96)), quality="low")
    assert answer.size == "1024x1536"


def test_edit_by_json_takes_data_urls(fake: Fake) -> None:
    url = "data:image/png;base64," + base64.b64encode(png()[1]).decode()
    asked = {"model": "gpt-image-2", "prompt": "x", "images": [{"image_url": url}], "moderation": "low"}
    status, answer = post(fake, "/v1/images/edits", asked)
    assert (status, len(answer["data"]), answer["size"]) == (200, 1, "1536x1024")


@pytest.mark.parametrize("partials", [0, 2])
def test_stream_gives_partials_and_bills_each(fake: Fake, client: openai.OpenAI, partials: int) -> None:
    fake.script(latency=0.01)
    events = list(client.images.generate(**GENERATE, stream=True, partial_images=partials))
    kinds = ["image_generation.partial_image"] * partials + ["image_generation.completed"]
    assert [event.type for event in events] == kinds
    assert [event.partial_image_index for event in events[:-1]] == list(range(partials))
    assert events[-1].usage.output_tokens == 107 + 100 * partials
    assert opened(events[-1]).size == (1024, 640)


def test_stream_of_an_edit_names_its_events(client: openai.OpenAI) -> None:
    events = client.images.edit(
        model="gpt-image-2.5-flare", prompt="x", image=png(), stream=True, partial_images=1, quality="low"
    )
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]


# --- moderation -------------------------------------------------------------------------------------------------------


def test_moderation_judges_text_and_picture(client: openai.OpenAI) -> None:
    painted = client.images.generate(**GENERATE | {"prompt": "[paint:violence]", "output_format": "jpeg"})
    url = f"data:image/jpeg;base64,{painted.data[0].b64_json}"
    parts: Any = [{"type": "text", "text": "[flag:hate]"}, {"type": "image_url", "image_url": {"url": url}}]
    result = client.moderations.create(model="omni-moderation-latest", input=parts).results[0]
    flagged = {name for name, is_so in result.categories.to_dict().items() if is_so}
    assert (result.flagged, flagged) == (True, {"hate", "violence"})
    assert result.category_applied_input_types.violence == ["text", "image"]
    assert result.category_applied_input_types.hate == ["text"]


def test_moderation_passes_what_is_not_marked_and_is_free(fake: Fake, client: openai.OpenAI) -> None:
    answer = client.moderations.create(input=["a cat", "[flag:sexual]"])
    assert [result.flagged for result in answer.results] == [False, True]
    assert [(line["path"], line["charged"]) for line in fake.calls()] == [("/v1/moderations", False)]


def test_marked_prompt_is_blocked_before_any_work(fake: Fake, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(**GENERATE | {"prompt": "[flag:sexual]"})
    assert caught.value.code == "moderation_blocked"
    assert caught.value.body["moderation_details"] == {"moderation_stage": "input", "categories": ["sexual"]}
    assert fake.charged() == []


# --- other servers ----------------------------------------------------------------------------------------------------


def test_azure_goes_by_deployment_names(fake: Fake, sdk: openai.OpenAI) -> None:
    fake.script(deployments={"pictures": "gpt-image-2"})
    client = sdk.with_options(base_url=fake.azure_url)
    assert client.images.generate(**GENERATE | {"model": "pictures"}).usage.output_tokens == 107
    with pytest.raises(openai.NotFoundError) as caught:
        client.images.generate(**GENERATE)
    assert caught.value.code == "DeploymentNotFound"


def test_compatible_server_refuses_what_it_does_not_know_and_answers_addresses(
    tmp_path: Path, sdk: openai.OpenAI
) -> None:
    with serve(ledger=tmp_path / "l", mode="compatible") as fake:
        client = sdk.with_options(base_url=fake.base_url)
        with pytest.raises(openai.BadRequestError):
            client.images.generate(**GENERATE)
        answer = client.images.generate(model="any", prompt="x", size="320x200", n=2)
        edited = client.images.edit(model="any", prompt="x", image=png(), size="64x64")
        assert (answer.usage, answer.data[0].b64_json, answer._request_id) == (None, None, None)
        with urllib.request.urlopen(answer.data[0].url) as response:
            assert Image.open(response).size == (320, 200)
        assert edited.data[0].url
        assert [line["charged"] for line in fake.calls()] == [False, True, True]


# --- the books --------------------------------------------------------------------------------------------------------


def test_ledger_has_one_line_for_each_post_though_many_come_at_once(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with serve(ledger=ledger) as one, serve(ledger=ledger) as two, ThreadPoolExecutor(16) as pool:
        bodies = [GENERATE | ({} if turn % 3 else {"n": 0}) for turn in range(60)]
        statuses = list(
            pool.map(lambda turn: post((one, two)[turn % 2], "/v1/images/generations", bodies[turn])[0], range(60))
        )
    lines = openai_ledger.lines(ledger)
    assert [line["n"] for line in lines] == list(range(60))
    assert len({line["request_id"] for line in lines}) == 60
    assert len(openai_ledger.charged(ledger)) == statuses.count(200) == 40


def test_process_writes_the_line_before_the_answer(tmp_path: Path, sdk: openai.OpenAI) -> None:
    ledger = tmp_path / "ledger.jsonl"
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--ledger", str(ledger), "--fault", "hang"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        client = sdk.with_options(base_url=process.stdout.readline().strip())
        with pytest.raises(openai.APITimeoutError):
            client.with_options(timeout=0.3).images.generate(**GENERATE)
        edited = client.images.edit(model="gpt-image-2", prompt="x", image=png(), quality="low")
        process.kill()
    assert edited.data
    lines = openai_ledger.lines(ledger)
    assert [(line["fault"], line["charged"]) for line in lines] == [("hang", True), ("", True)]
    assert [row["bytes"] for row in lines[1]["params"]["files"]] == [len(png()[1])]


def test_unknown_paths_are_in_the_books_too(fake: Fake) -> None:
    assert post(fake, "/v1/images/variations", {})[0] == 404
    assert [line["path"] for line in fake.calls()] == ["/v1/images/variations"]
