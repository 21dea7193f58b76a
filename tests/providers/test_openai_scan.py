"""Pictures out of a JSON answer, however its bytes are cut."""

import base64
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_studio.providers import openai_scan
from image_studio.providers.openai_scan import Picture, Scanner, TooMuch

BYTES = [bytes(range(256)) * 3, b"\x89PNG" + b"\0" * 1000, b"x"]


def scanned(text, folder, sizes):
    scanner = Scanner(lambda number: Picture(folder / f"{number}"), most_text=100_000)
    at = 0
    while at < len(text):
        size = next(sizes)
        scanner.feed(text[at : at + size])
        at += size
    return scanner, scanner.end()


def in_pieces(text, folder, size):
    return scanned(text, folder, iter(lambda: size, None))


def answer(pictures, **more):
    rows = [{"b64_json": base64.b64encode(data).decode()} for data in pictures]
    return {"created": 1, "data": rows, "usage": {"output_tokens": 7}, **more}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
def test_pictures_are_decoded_and_the_rest_is_kept(size, indent, tmp_path):
    text = json.dumps(answer(BYTES), indent=indent).encode()
    scanner, kept = in_pieces(text, tmp_path, size)
    assert [picture.path.read_bytes() for picture in scanner.pictures] == BYTES
    assert all(picture.whole and not picture.fault for picture in scanner.pictures)
    told = json.loads(kept)
    assert [row["b64_json"] for row in told["data"]] == [0, 1, 2]
    assert told["usage"] == {"output_tokens": 7}


@given(st.binary(min_size=1, max_size=500), st.integers(0, 2**32))
def test_any_bytes_survive_any_cuts(tmp_path_factory, data, seed):
    chance = random.Random(seed)
    text = json.dumps(answer([data, data[::-1]])).encode()
    scanner, _ = scanned(text, tmp_path_factory.mktemp("cuts"), iter(lambda: chance.randrange(1, 40), None))
    assert [picture.path.read_bytes() for picture in scanner.pictures] == [data, data[::-1]]


@pytest.mark.parametrize("size", [1, 5, 100_000])
def test_the_words_of_a_text_are_no_picture(size, tmp_path):
    words = 'the key "b64_json": "AAAA" and \\"b64_json\\" in it'
    text = json.dumps(answer(BYTES[:1], prompt=words, b64_json=None, kind="b64_json")).encode()
    scanner, kept = in_pieces(text, tmp_path, size)
    assert len(scanner.pictures) == 1
    assert json.loads(kept)["prompt"] == words


WRITTEN = {
    "without padding": lambda text: text.rstrip("="),
    "url-safe": lambda text: text.replace("+", "-").replace("/", "_"),
    "line ends": lambda text: "\\n".join(text[at : at + 76] for at in range(0, len(text), 76)),
    "escaped slashes": lambda text: text.replace("/", "\\/"),
    "a data URL": lambda text: "data:image/png;base64," + text,
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("size", [1, 13, 100_000])
def test_what_other_servers_write_is_read(written, size, tmp_path):
    data = random.Random(4).randbytes(3001)
    text = WRITTEN[written](base64.b64encode(data).decode())
    scanner, _ = in_pieces(f'{{"data": [{{"b64_json":"{text}"}}]}}'.encode(), tmp_path, size)
    assert scanner.pictures[0].path.read_bytes() == data


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "answer.empty"),
        ("%%%not*base64%%%", "answer.garbage"),
        ("AAAA====AAAA", "answer.garbage"),
        ("A", "answer.garbage"),
    ],
)
def test_what_is_no_base64_is_a_fault(text, fault, tmp_path):
    scanner, kept = in_pieces(f'{{"b64_json": "{text}", "after": 1}}'.encode(), tmp_path, 9)
    assert scanner.pictures[0].fault == fault
    assert json.loads(kept) == {"b64_json": 0, "after": 1}


def test_a_picture_that_breaks_off_is_not_whole(tmp_path):
    text = json.dumps(answer(BYTES[:2])).encode()
    scanner, _ = in_pieces(text[: text.rindex(b'"usage"') - 60], tmp_path, 50)
    assert [picture.whole for picture in scanner.pictures] == [True, False]


def test_text_without_end_is_too_much(tmp_path):
    with pytest.raises(TooMuch):
        in_pieces(b'{"a": "' + b"x" * 200_000, tmp_path, 1000)


def test_no_picture_is_held_in_memory(tmp_path):
    scanner = Scanner(lambda number: Picture(tmp_path / "0"), most_text=1000)
    scanner.feed(b'{"b64_json": "')
    for _ in range(50):
        scanner.feed(base64.b64encode(bytes(30_000)))
    assert len(scanner.text) < 100
    assert scanner.pictures[0].size >= 50 * 30_000 - 200_000


def test_the_standard_library_decodes_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(openai_scan, "_fast_b64decode", None)
    scanner, _ = in_pieces(json.dumps(answer(BYTES)).encode(), tmp_path, 11)
    assert [picture.path.read_bytes() for picture in scanner.pictures] == BYTES
