"""What every provider keeps to, whatever it is: the free one, OpenAI's against a real server, the one for tests."""

import asyncio
import io
import json

import pytest
from PIL import Image

from image_studio import conf
from image_studio.exceptions import ProviderError
from image_studio.imaging.decode import decode
from image_studio.imaging.metadata import SOURCE_TYPES
from image_studio.providers.base import Answer, Input, InputRef, PictureRequest
from image_studio.runner import answers
from image_studio.testing import fake_settings
from tests.fakes.openai_server import serve

SOURCE = InputRef(asset="a", sha256="0" * 64)
ALIASES = {
    "previs": {"model": "previs-placeholder", "size": (120, 90)},
    "openai": {"model": "gpt-image-2", "size": (1024, 640)},
    "fake": {"model": "fake-1", "size": (120, 90)},
}
EDITS = {**ALIASES, "previs": {"model": "previs-reframe", "size": (120, 160), "prompt": ""}}


@pytest.fixture(autouse=True)
def site(settings, tmp_path):
    with serve(ledger=tmp_path / "openai.jsonl") as server:
        rows = fake_settings()
        options = {"api_key": "sk-test", "base_url": server.base_url}
        rows["PROVIDERS"] = {
            **rows["PROVIDERS"],
            "openai": {"BACKEND": "image_studio.providers.openai", "OPTIONS": options},
        }
        settings.IMAGE_STUDIO = {**rows, "SPOOL_DIR": str(tmp_path / "spool")}
        yield server


@pytest.fixture(params=ALIASES)
def alias(request):
    return request.param


def request_for(alias, rows=ALIASES, **more):
    return PictureRequest(**{"prompt": "a jug", "quality": "low", "palette": ("#1f5f5b",), **rows[alias], **more})


def edit_for(alias, **more):
    return request_for(alias, EDITS, inputs=(SOURCE,), **more)


def inputs_of(request):
    target = io.BytesIO()
    Image.new("RGB", (160, 120), "#804020").save(target, "PNG")
    return tuple(Input(ref=ref, data=target.getvalue(), source_type="digitalCapture") for ref in request.inputs)


def spec_of(alias, request):
    return conf.model(alias, request.model)


def run(alias, request, folder, *, deadline=30.0, **more):
    folder.mkdir(parents=True, exist_ok=True)
    call = conf.provider(alias).run(request, inputs_of(request), spool=folder, deadline=deadline, **more)
    return asyncio.run(call)


@pytest.mark.parametrize("build", [request_for, edit_for])
def test_it_supports_what_it_then_does(build, alias, tmp_path):
    request = build(alias, n=2)
    assert conf.provider(alias).supports(request, spec_of(alias, request)) == ()
    answer = run(alias, request, tmp_path / "one")
    assert isinstance(answer, Answer)
    assert [output.index for output in answer.outputs] == [0, 1]
    for output in answer.outputs:
        assert output.path.parent == tmp_path / "one"
        assert decode(output.path.read_bytes()).size == request.size
        assert output.source_type in SOURCE_TYPES


@pytest.mark.parametrize("build", [request_for, edit_for])
def test_it_costs_no_more_than_its_estimate(build, alias, tmp_path):
    request = build(alias, n=2)
    price = conf.provider(alias).estimate(request, spec_of(alias, request))
    assert 0 <= price.likely <= price.most
    assert 0 <= run(alias, request, tmp_path / "one").micro_usd <= price.most


def test_what_it_tells_can_be_kept(alias, tmp_path):
    answer = run(alias, request_for(alias), tmp_path / "one")
    assert answer.request_id
    assert json.loads(json.dumps([dict(answer.usage), dict(answer.effective)]))
    assert list(answer.effective["size"]) == list(request_for(alias).size)
    assert isinstance(answer.micro_usd, int)


def test_its_answer_goes_through_the_spool(alias, tmp_path):
    request = request_for(alias, n=2)
    attempt, job = answers.UUID(int=1), answers.UUID(int=2)
    folder = answers.order(attempt, job, job, request.to_dict())
    stored = answers.keep(attempt, job, 2, run(alias, request, folder))
    found = answers.find(attempt)
    assert found == stored
    assert [decode(found.read(kept)).size for kept in found.outputs] == [request.size] * 2


def test_calls_beside_each_other_do_not_meet(alias, tmp_path):
    async def both():
        folders = [tmp_path / name for name in "ab"]
        for folder in folders:
            folder.mkdir()
        calls = [
            conf.provider(alias).run(request_for(alias, seed=number), (), spool=folder, deadline=30.0)
            for number, folder in enumerate(folders)
        ]
        return await asyncio.gather(*calls)

    one, other = asyncio.run(both())
    assert {one.outputs[0].path.parent.name, other.outputs[0].path.parent.name} == {"a", "b"}


def test_it_may_be_cancelled(alias, tmp_path, site):
    site.script(latency=30.0)
    conf.provider(alias).delay = 30.0

    async def cancelled():
        call = conf.provider(alias).run(request_for(alias), (), spool=tmp_path, deadline=60.0)
        task = asyncio.create_task(call)
        await asyncio.wait([task], timeout=0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


@pytest.mark.parametrize("alias", ["previs", "openai"])
def test_past_its_deadline_it_ends_in_an_error_of_ours(alias, tmp_path, site):
    site.script(latency=30.0)
    conf.provider(alias).delay = 30.0
    with pytest.raises(ProviderError):
        run(alias, request_for(alias), tmp_path / "one", deadline=0.3)


def test_an_option_that_it_does_not_know_is_said_at_once(alias, settings):
    row = settings.IMAGE_STUDIO["PROVIDERS"][alias]
    options = {**row["OPTIONS"], "colour": "red"}
    settings.IMAGE_STUDIO = {"PROVIDERS": {alias: {**row, "OPTIONS": options}}}
    with pytest.raises(conf.ConfigurationError, match="colour"):
        conf.provider(alias)


# The request --------------------------------------------------------------------------------------------------------


def test_a_request_survives_being_stored():
    request = edit_for("openai", fidelity="high", moderation="low", complexity="low", user_key="u", compression=3)
    assert PictureRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request


def test_requests_from_before_keep_their_digest():
    old = PictureRequest(model="previs-placeholder", prompt="a", palette=("#102030",), extra={"take": 2})
    assert old.digest == "988fd8f3714db970f847d3c605cf00440f8bdf99a5614b064bf168f600c3453e"
    assert not {"fidelity", "moderation", "complexity", "user_key"} & set(old.to_dict())


@pytest.mark.parametrize("name", ["fidelity", "moderation", "complexity", "user_key"])
def test_what_came_later_makes_another_request(name):
    request = request_for("openai")
    assert request_for("openai", **{name: "low"}).digest != request.digest
