"""The fake counts by itself, to the token of every reading in the facts."""

from __future__ import annotations

import openai
import pytest

from tests.fakes import openai_tokens
from tests.fakes.openai_asking import png
from tests.fakes.openai_server import Fake

QUALITIES = [("2", "low"), ("2", "medium"), ("2", "high")]
QUALITIES += [("2.5", quality) for quality in ("low", "medium", "high", "xhigh", "max")]
VECTORS = {
    (1024, 1024): [196, 1756, 7024, 196, 439, 1756, 3122, 7024],
    (1536, 1024): [158, 1372, 5488, 158, 343, 1372, 2459, 5488],
    (1024, 1536): [158, 1372, 5488, 158, 343, 1372, 2459, 5488],
    (2048, 2048): [397, 3568, 14272, 397, 892, 3568, 6343, 14272],
    (2048, 1152): [157, 1413, 5650, 157, 367, 1413, 2511, 5650],
    (2560, 1440): [205, 1843, 7370, 205, 478, 1843, 3276, 7370],
    (2880, 2880): [659, 5930, 23719, 659, 1483, 5930, 10542, 23719],
    (3840, 2160): [371, 3336, 13342, 371, 865, 3336, 5930, 13342],
    (1024, 640): [107, 956, 3824, 107, 239, 956, 1700, 3824],
}


@pytest.mark.parametrize("size", VECTORS)
def test_output_tokens_are_those_of_the_facts(size: tuple[int, int]) -> None:
    counted = [openai_tokens.output_tokens(family, size, quality) for family, quality in QUALITIES]
    assert counted == VECTORS[size]


@pytest.mark.parametrize(
    ("family", "size", "quality", "n", "tokens"),
    [
        ("2", (3072, 1024), "high", 1, 3952),
        ("2", (3840, 1280), "high", 1, 5311),
        ("2", (1792, 1024), "high", 1, 5063),
        ("2", (3584, 2048), "high", 1, 12329),
        ("2", (960, 720), "low", 1, 130),
        ("2", (976, 704), "low", 1, 129),
        ("2", (1024, 1024), "low", 2, 391),
        ("2.6", (1536, 1024), "low", 1, 664),
        ("1.5", (1024, 1536), "medium", 2, 3168),
        ("mini", (1536, 1024), "low", 1, 400),
    ],
)
def test_output_tokens_match_readings(family: str, size: tuple[int, int], quality: str, n: int, tokens: int) -> None:
    assert openai_tokens.output_tokens(family, size, quality, n) == tokens


@pytest.mark.parametrize(
    ("family", "size", "fidelity", "tokens"),
    [
        ("2", (1024, 1024), "", 1024),
        ("2", (1536, 1024), "", 1536),
        ("2", (341, 512), "", 704),
        ("2.5", (1179, 2556), "", 1482),
        ("2.5", (3840, 2160), "", 1508),
        ("2.6", (1280, 720), "", 920),
        ("2", (2048, 2048), "", 1521),
        ("1.5", (1024, 1024), "", 194),
        ("1.5", (1024, 1024), "high", 4354),
        ("1.5", (1536, 1024), "high", 6563),
    ],
)
def test_input_tokens_match_readings(family: str, size: tuple[int, int], fidelity: str, tokens: int) -> None:
    assert openai_tokens.picture_tokens(family, size, fidelity) == tokens


@pytest.mark.parametrize(("size", "tokens"), [((3336, 2224), 1536), ((633, 844), 768), ((861, 984), 896)])
def test_input_tokens_are_exact_where_edges_come_out_whole(size: tuple[int, int], tokens: int) -> None:
    assert openai_tokens.picture_tokens("2", size) == tokens


def test_bill_counts_what_is_given_once_for_each_picture(fake: Fake, client: openai.OpenAI) -> None:
    answer = client.images.edit(
        model="gpt-image-2.5-flare", prompt="a cat", image=[png((1024, 1024))], n=2, size="1024x1024", quality="low"
    )
    assert answer.usage is not None
    details = answer.usage.input_tokens_details
    assert (details.text_tokens, details.image_tokens, answer.usage.output_tokens) == (2 * (2 + 6 + 10), 2048, 391)
    # 36 x 5000 + 2048 x 8000 + 391 x 30000 nano-USD
    assert fake.calls()[0]["micro_usd"] == 28_294
