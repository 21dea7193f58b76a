"""The double for tests of sites: plays its script, and writes down what it was asked."""

import asyncio

import pytest

from image_studio import conf
from image_studio.exceptions import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from image_studio.imaging.decode import decode
from image_studio.providers.base import PictureRequest
from image_studio.testing import MODEL, ScriptedProvider, calls, charges, fake_settings, picture

REQUEST = PictureRequest(model=MODEL, prompt="a jug", size=(64, 48))


def play(provider, folder, *, request=REQUEST):
    return asyncio.run(provider.run(request, (), spool=folder, deadline=5.0))


def test_an_error_of_the_script_is_raised_and_the_last_entry_repeated(tmp_path):
    provider = ScriptedProvider(
        "fake", script=[ProviderUnavailable("provider.unreachable"), OutcomeUnknown("x.y", a=1)]
    )
    for kind in (ProviderUnavailable, OutcomeUnknown, OutcomeUnknown):
        with pytest.raises(kind) as caught:
            play(provider, tmp_path)
    assert caught.value.params == {"a": 1}


@pytest.mark.parametrize(("kind", "extension"), [("png", "png"), ("jpeg", "jpg"), ("webp", "webp")])
def test_a_picture_of_the_script_is_the_answer(kind, extension, tmp_path):
    data = picture(REQUEST, 3, kind)
    (output,) = play(ScriptedProvider("fake", script=[data]), tmp_path).outputs
    assert output.path.name == f"output-0.{extension}"
    assert output.path.read_bytes() == data


def test_words_and_their_order_hold_without_books(tmp_path):
    provider = ScriptedProvider("fake", script=["rate_limited", "ok"])
    with pytest.raises(ProviderUnavailable):
        play(provider, tmp_path)
    assert decode(play(provider, tmp_path).outputs[0].path.read_bytes()).size == (64, 48)


def test_it_writes_down_what_it_was_asked(settings, tmp_path):
    settings.IMAGE_STUDIO = fake_settings()
    play(conf.provider("fake"), tmp_path)
    assert [call.request for call in conf.provider("fake").asked] == [REQUEST]


def test_its_books_tell_what_was_charged(tmp_path):
    script = [ProviderRefused("provider.quota"), OutcomeUnknown("x.y"), RuntimeError(), "ok", picture(REQUEST)]
    provider = ScriptedProvider("fake", ledger=str(tmp_path / "books"), script=script)
    for raised in (ProviderRefused, OutcomeUnknown, RuntimeError):
        with pytest.raises(raised):
            play(provider, tmp_path)
    for _ in range(2):
        play(provider, tmp_path)
    words = ["ProviderRefused", "OutcomeUnknown", "RuntimeError", "ok", "bytes"]
    assert [line["word"] for line in calls(tmp_path / "books")] == words
    assert [line["word"] for line in charges(tmp_path / "books")] == words[1:]


@pytest.mark.parametrize("script", [[], ["okay"]])
def test_a_script_that_makes_no_sense_is_said_at_once(script):
    with pytest.raises(ValueError, match="script"):
        ScriptedProvider("fake", script=script)
