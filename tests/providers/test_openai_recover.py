"""An answer that lies on the disk after a crash, read again: the same answer, or none."""

import asyncio
import json
import os
from dataclasses import replace

import pytest

from image_studio import conf
from image_studio.exceptions import ProviderError
from image_studio.providers.base import InputRef, PictureRequest
from image_studio.providers.openai import Provider
from image_studio.providers.openai_answer import RAW, SEEN
from tests.fakes.openai_server import FAULTS, serve

CAP = 20_000_000
ENDLESS = ("hang", "slow_drip", "sse_hang")
SOURCE = InputRef(asset="a", sha256="0" * 64)


@pytest.fixture(autouse=True)
def site(settings):
    settings.IMAGE_STUDIO = {"PROVIDERS": {"openai": {"BACKEND": "image_studio.providers.openai"}}}


@pytest.fixture
def server(tmp_path):
    with serve(ledger=tmp_path / "ledger.jsonl") as fake:
        yield fake


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "spool"
    path.mkdir()
    return path


def at(server, **options):
    return Provider("openai", api_key="sk-test", base_url=server.base_url, max_answer_bytes=CAP, **options)


def ordered(**more):
    return PictureRequest(**{"model": "gpt-image-2", "prompt": "a jug", "quality": "low", "n": 2, **more})


async def _seen(index, number, data):
    """Early versions are taken, so that a stream is asked for."""


def run(provider, request, folder, *, deadline=30.0):
    on_partial = _seen if request.partial_images else None
    try:
        return asyncio.run(provider.run(request, (), spool=folder, deadline=deadline, on_partial=on_partial))
    except ProviderError:
        return None


def listing(folder):
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


def before_its_names(answer, folder, *, only=None):
    """The folder as it was a moment earlier: the text is there, and pictures have no names yet."""
    data = json.loads((folder / SEEN).read_bytes())["pictures"]
    numbers = [number for number, said in enumerate(data) if (folder / f"picture-{number}.part").exists() is False]
    for output in answer.outputs:
        if output.path and (only is None or output.index == only):
            kept = [n for n in numbers if data[n]["size"] == output.path.stat().st_size and data[n]["whole"]]
            number = output.index if output.index in kept else kept[-1]
            output.path.rename(folder / f"picture-{number}.part")


def without_names(answer):
    return replace(answer, outputs=tuple(replace(output, path=None) for output in answer.outputs))


BODIES = [pytest.param({}, id="json"), pytest.param({"n": 1, "partial_images": 2}, id="stream")]


@pytest.mark.parametrize("asked", BODIES)
@pytest.mark.parametrize("fault", ["ok", *FAULTS])
def test_what_is_read_again_is_what_was_answered(fault, asked, server, folder):
    provider, request = at(server), ordered(**asked)
    server.script(faults=[fault])
    answer = run(provider, request, folder, deadline=0.8 if fault in ENDLESS else 30.0)
    before = listing(folder)
    if fault == "sse_hang" and asked:  # the deadline ended it, and the picture was there
        assert answer is None
        answer = provider.recover(request, folder)
        assert answer.micro_usd == server.charged()[0]["micro_usd"]
    assert provider.recover(request, folder) == answer
    assert listing(folder) == before
    if fault == "ok" or FAULTS[fault].conclude == "ok":
        assert answer is not None


@pytest.mark.parametrize("only", [None, 0, 1], ids=["no name yet", "second named", "first named"])
def test_pictures_are_found_before_and_after_they_have_their_names(only, server, folder):
    provider, request = at(server), ordered()
    answer = run(provider, request, folder)
    pictures = [output.path.read_bytes() for output in answer.outputs]
    before_its_names(answer, folder, only=only)
    again = provider.recover(request, folder)
    assert [output.path.read_bytes() for output in again.outputs] == pictures
    assert without_names(again) == without_names(answer)


def test_a_stream_is_found_before_its_picture_has_a_name(server, folder):
    provider, request = at(server), ordered(n=1, partial_images=2)
    answer = run(provider, request, folder)
    before_its_names(answer, folder)
    again = provider.recover(request, folder)
    assert without_names(again) == without_names(answer)
    assert again.outputs[0].path.name == "picture-2.part"


@pytest.mark.parametrize("gone", [SEEN, RAW, "output-1.png"])
def test_without_one_of_its_files_an_answer_is_not_whole(gone, server, folder):
    provider, request = at(server), ordered()
    run(provider, request, folder)
    (folder / gone).unlink()
    assert provider.recover(request, folder) is None


@pytest.mark.parametrize("name", [SEEN, RAW])
@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b"null", b'{"pictures": [{}]}', b'{"events": 1}'])
def test_damaged_text_is_no_answer(name, text, server, folder):
    provider, request = at(server), ordered()
    run(provider, request, folder)
    (folder / name).write_bytes(text)
    assert provider.recover(request, folder) is None


def test_a_shortened_picture_is_no_answer(server, folder):
    provider, request = at(server), ordered()
    run(provider, request, folder)
    os.truncate(folder / "output-0.png", 100)
    assert provider.recover(request, folder) is None


def test_a_picture_behind_a_link_counts_once_it_is_fetched(tmp_path, folder):
    with serve(ledger=tmp_path / "ledger.jsonl", mode="compatible") as server:
        provider, request = at(server, dialect="compatible"), ordered()
        answer = run(provider, request, folder)
        assert [output.fault for output in answer.outputs] == ["", ""]
        assert provider.recover(request, folder) == answer
        (folder / "output-1.png").rename(folder / "link-1.part")
        assert provider.recover(request, folder) is None


def test_nothing_is_sent_and_no_key_is_needed(server, folder, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    request = ordered()
    answer = run(at(server), request, folder)
    keyless = conf.provider("openai")
    assert not keyless.has_key
    assert keyless.recover(request, folder) == answer
    assert len(server.calls()) == 1


def test_an_edit_is_still_an_edit(server, folder):
    request = ordered(inputs=(SOURCE,))
    provider = at(server)
    run(provider, ordered(), folder)
    (first, _) = provider.recover(request, folder).outputs
    assert first.source_type == "compositeWithTrainedAlgorithmicMedia"


@pytest.mark.parametrize("alias", ["openai", "previs"])
def test_an_empty_folder_has_no_answer(alias, settings, folder):
    rows = settings.IMAGE_STUDIO["PROVIDERS"]
    settings.IMAGE_STUDIO = {"PROVIDERS": {**rows, "previs": {"BACKEND": "image_studio.providers.previs"}}}
    assert conf.provider(alias).recover(ordered(), folder) is None
