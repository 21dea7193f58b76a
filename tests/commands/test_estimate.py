"""``studio_estimate``: every vector of the provider's prices, as lines, and a clear word for what has no price."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from tests.catalog.test_tokens import COLUMNS, PUBLISHED, READINGS, VECTORS


@pytest.fixture
def run(capsys):
    """Runs the command and gives (exit status, its JSON line, words on stderr)."""

    def run(*args):
        status = 0
        try:
            call_command("studio_estimate", *args, "--json")
        except SystemExit as end:
            status = end.code
        except CommandError as error:
            return error.returncode, None, str(error)
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else None, err

    return run


def exact(tokens, usd_per_million, inputs=0):
    return {
        "output_tokens": tokens,
        "input_tokens": inputs,
        "micro_usd": tokens * usd_per_million + inputs * 8,
        "estimated": False,
    }


@pytest.mark.parametrize(("model", "quality", "size", "tokens"), READINGS)
def test_every_reading_comes_out(run, model, quality, size, tokens):
    assert run("--model", model, "--size", size, "--quality", quality) == (0, exact(tokens, 30), "")


@pytest.mark.parametrize("size", VECTORS)
def test_every_vector_comes_out(run, size):
    for (model, quality), tokens in zip(COLUMNS, VECTORS[size], strict=True):
        assert run("--model", model, "--size", size, "--quality", quality) == (0, exact(tokens, 30), "")


@pytest.mark.parametrize(("model", "usd"), [("gpt-image-1.5", 32), ("gpt-image-1", 40), ("chatgpt-image-latest", 32)])
@pytest.mark.parametrize("quality", PUBLISHED)
def test_models_that_end_or_ended_are_priced_too(run, model, usd, quality):
    for size, tokens in zip(("1024x1024", "1024x1536", "1536x1024"), PUBLISHED[quality], strict=True):
        assert run("--model", model, "--size", size, "--quality", quality) == (0, exact(tokens, usd), "")


@pytest.mark.parametrize(
    ("args", "output", "inputs"),
    [
        (["--n", "2"], 391, 0),
        (["--image", "1024x1024"], 196, 1024),
        (["--image", "1024x1024", "341x512"], 196, 1728),
        (["--image", "1024x1024", "--image", "341x512", "--n", "2"], 391, 3456),
        (["--partial-images", "3"], 496, 0),
    ],
)
def test_inputs_and_early_versions_are_counted(run, args, output, inputs):
    found = run("--model", "gpt-image-2", "--quality", "low", *args)
    assert found == (0, exact(output, 30, inputs), "")


def test_a_prompt_makes_it_an_estimate(run):
    _, line, _ = run("--model", "gpt-image-2", "--quality", "low", "--prompt", "a teapot")
    assert (line["input_tokens"], line["estimated"]) == (2 + 6, True)


def test_what_nobody_published_is_an_estimate_with_its_most(run, capsys):
    status, line, _ = run("--model", "gpt-image-2.6-flare", "--quality", "low", "--size", "1536x1024")
    assert (status, line["estimated"], line["output_tokens"]) == (0, True, 632)
    call_command("studio_estimate", "--model", "gpt-image-2.6-flare", "--quality", "low", "--size", "1536x1024")
    assert "At most 23700 micro-USD." in capsys.readouterr().out


def test_free_models_cost_nothing(run):
    assert run("--model", "previs-reframe") == (0, exact(0, 0), "")


def test_a_model_whose_price_nobody_knows_is_a_finding(run):
    status, line, words = run("--model", "dall-e-3")
    assert (status, line) == (1, None)
    assert "no price" in words


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--model", "gpt-image-9"], "gpt-image-2.6-flare"),
        (["--model", "gpt-image-2", "--size", "1000x1000"], "1008x1008"),
        (["--model", "gpt-image-2", "--size", "big"], "1024x1024"),
        (["--model", "gpt-image-2", "--image", "1x"], "1x"),
        (["--model", "gpt-image-2", "--quality", "xhigh"], "low, medium, high"),
        (["--model", "gpt-image-2", "--n", "11"], "1 to 10"),
        (["--model", "gpt-image-2", "--partial-images", "4"], "0 to 3"),
    ],
)
def test_what_a_model_does_not_make_is_a_usage_error(run, args, word):
    status, line, words = run(*args)
    assert (status, line) == (2, None)
    assert word in words


def test_a_provider_may_have_its_own_prices(run, settings):
    own = {"gpt-image-2": {"prices": {"image_out": "60"}}}
    settings.IMAGE_STUDIO = {
        "PROVIDERS": {"azure": {"BACKEND": "image_studio.providers.openai", "MODELS": own}},
    }
    args = ("--model", "gpt-image-2", "--quality", "low", "--provider", "azure")
    assert run(*args) == (0, exact(196, 60), "")
