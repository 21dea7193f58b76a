"""A site that buys from OpenAI over the days on which models end: which model is asked, and when none is."""

from __future__ import annotations

import json
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from image_studio import conf
from image_studio.models import Job, VariantSet
from image_studio.runner import drain
from tests import factories
from tests.fakes.openai_server import serve

pytestmark = pytest.mark.django_db
BEFORE, AFTER = date(2026, 11, 22), date(2026, 12, 2)
PREVIS = {"BACKEND": "image_studio.providers.previs"}


@pytest.fixture
def on(monkeypatch):
    def on(day):
        monkeypatch.setattr(conf, "today", lambda: day)

    return on


@pytest.fixture
def server(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    with serve(ledger=tmp_path / "books.jsonl") as server:
        openai = {
            "BACKEND": "image_studio.providers.openai",
            "OPTIONS": {"api_key": "sk-test", "base_url": server.base_url},
        }
        settings.IMAGE_STUDIO = {
            "DOORBELL": "poll",
            "PIXEL_THREADS": 1,
            "BRAND_CHECKS": (),
            "PROVIDERS": {"previs": PREVIS, "openai": openai},
            "ROUTES": {"old": {"title": "Old", "provider": "openai", "model": "gpt-image-1.5", "quality": "low"}},
        }
        yield server


@pytest.fixture
def prompt():
    (channel,) = factories.make_channels("square")
    channel.width = channel.height = 256
    channel.save()
    return factories.make_prompt(factories.make_bare_brand("aurum")).prompt


@pytest.fixture
def generate(capsys, prompt):
    def generate(route, *more):
        args = (prompt.slug, "--brand", "aurum", "--channel", "square", "--route", route, *more)
        call_command("studio_generate", *args, "--json")
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return generate


def asked(server):
    return [(call["model"], call["params"]["quality"]) for call in server.calls()]


@pytest.mark.parametrize(
    ("route", "before", "after"),
    [
        ("volume", ("gpt-image-1-mini", "medium"), ("gpt-image-2.5-flare", "medium")),
        ("compat", ("gpt-image-1.5", "medium"), ("gpt-image-2.5-sunburst", "high")),
    ],
)
def test_a_route_buys_of_the_model_that_is_right_on_its_day(server, on, generate, route, before, after):
    for day in (BEFORE, AFTER):
        on(day)
        server.script(today=day.isoformat())
        assert [line["state"] for line in generate(route)] == ["ready"]
    assert asked(server) == [before, after]
    assert list(Job.objects.order_by("pk").values_list("model", "route")) == [(before[0], route), (after[0], route)]


def test_what_ended_is_refused_before_anything_is_written(server, on, generate):
    on(AFTER)
    with pytest.raises(CommandError, match=r"GPT Image 1\.5 ended on 2026-12-01.*gpt-image-2\.6-sunburst") as caught:
        generate("old")
    assert caught.value.returncode == 2
    assert not VariantSet.objects.exists()
    assert asked(server) == []


def test_an_order_that_waits_over_the_last_day_is_never_sent(server, on, generate):
    on(BEFORE)
    assert [line["state"] for line in generate("compat", "--no-wait")] == ["waiting"]
    on(AFTER)
    drain()
    job = Job.objects.get()
    assert (job.state, job.error_code, job.cost_micro_usd) == ("failed", "job.model_ended", 0)
    assert asked(server) == []


def test_the_same_prompt_on_both_is_one_sheet(server, on, prompt, capsys):
    on(BEFORE)
    move = ("--from", "gpt-image-1.5", "--to", "gpt-image-2.5-sunburst", "--compare", prompt.slug)
    call_command("studio_models", *move, "--channel", "square", "--yes", "--max-micro-usd", "200000", "--json")
    (line,) = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    made = VariantSet.objects.get()
    assert made.title.endswith("take 1 GPT Image 1.5 medium, take 2 GPT Image 2.5 Sunburst high")
    assert sorted(asked(server)) == [("gpt-image-1.5", "medium"), ("gpt-image-2.5-sunburst", "high")]
    assert line["micro_usd"] == sum(call["micro_usd"] for call in server.calls())
    assert line["state"] == {"ready": 2}
