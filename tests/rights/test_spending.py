"""What is paid is never more than was held, and what cannot be sent costs nothing: by the books of a real server."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from PIL import Image

from image_studio.catalog.pricing import actual, estimate
from image_studio.catalog.specs import models
from image_studio.models import Attempt
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.storage import Spool
from image_studio.wording import explain
from image_studio.workflow import preview, request, retry
from tests import factories
from tests.fakes import openai_tokens as books
from tests.fakes.openai_server import serve
from tests.workflow.paid import paid_settings
from tests.workflow.test_preview import matrix_for

OPERATOR = Policy.operator()
FAMILIES = {
    "gpt-image-2.6-flare": "2.6",
    "gpt-image-2.5-flare": "2.5",
    "gpt-image-2": "2",
    "gpt-image-1.5": "1.5",
    "gpt-image-1": "1",
    "gpt-image-1-mini": "mini",
}
WORDS = ("tea", "Überraschung", "数字", "🍵🍵", "!!!???", "supercalifragilistic", "x1y2")


# Before and after, in numbers -----------------------------------------------------------------------------------------


def drawn(name, dice):
    """A request at random, within what the model makes."""
    spec = models()[name]
    inputs = [(dice.randint(16, 5000), dice.randint(16, 5000)) for _ in range(dice.choice((0, 1, 2, spec.max_inputs)))]
    n = dice.randint(1, spec.max_n)
    return {
        "n": n,
        "size": spec.nearest_size(dice.randint(16, 4000), dice.randint(16, 4000)),
        "quality": dice.choice(spec.qualities),
        "prompt": " ".join(dice.choices(WORDS, k=dice.randint(1, 60))),
        "inputs": inputs,
        "fidelity": dice.choice(("", *spec.fidelity)) if inputs else "",
        "partial_images": dice.randint(0, spec.max_partials) if n == 1 else 0,
    }


@pytest.mark.parametrize("name", FAMILIES)
def test_no_bill_is_higher_than_its_estimate(name):
    dice, spec = random.Random(name), models()[name]
    for _ in range(100):
        asked = drawn(name, dice)
        counted = {key: value for key, value in asked.items() if key != "partial_images"}
        used = books.usage(FAMILIES[name], **counted, partials=asked["partial_images"])
        bill = books.micro_usd(FAMILIES[name], used)
        assert actual(spec, used).micro_usd == bill
        for inputs in (asked["inputs"], [None] * len(asked["inputs"])):
            assert bill <= estimate(spec, **{**asked, "inputs": inputs}).most, asked


# An edit, from its price to its bill ----------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path, settings):
    with serve(ledger=tmp_path / "openai.jsonl") as fake:
        options = {"api_key": "sk-secret-0123456789", "base_url": fake.base_url}
        rows = {"openai": {"BACKEND": "image_studio.providers.openai", "OPTIONS": options}}
        settings.MEDIA_ROOT = str(tmp_path / "media")
        settings.IMAGE_STUDIO = paid_settings(BRAND_CHECKS=(), PROVIDERS=rows)
        yield fake


@pytest.fixture
def edit(db, server):
    """A matrix of one picture of a route, made from pictures."""

    def edit(source, **options):
        return matrix_for(
            source.brand,
            route="hinted",
            channels=tuple(factories.make_channels("square")),
            locales=("en",),
            source=source,
            prompt_version=factories.make_prompt(source.brand, "A red bottle", variables=[]),
            options=options,
        )

    return edit


def noisy(size, format_="jpeg", mode="RGB"):
    """A file that is far lighter than the PNG of its pixels, where it is a JPEG."""
    bands = Image.effect_noise(size, 90).convert("RGB")
    if mode == "RGBA":
        bands.putalpha(Image.effect_noise(size, 90))
    target = io.BytesIO()
    bands.save(target, format_, quality=5)
    return target.getvalue()


def test_input_pictures_are_priced_by_their_size_to_the_token(server, edit):
    brand = factories.make_brand()
    source, other = (factories.make_asset(brand, size) for size in ((1024, 1024), (1280, 720)))
    matrix = edit(source, references=[str(other.pk)])
    plan = preview(OPERATOR, matrix)
    assert [ref.size for ref in plan.jobs[0].request.inputs] == [(1024, 1024), (1280, 720)]
    made = request(OPERATOR, matrix, key="one", digest=plan.digest)
    drain(wait=False)
    (line,) = server.charged()
    job = made.jobs.get()
    spec, asked = models()[job.model], plan.jobs[0].request
    told = {"n": 1, "size": asked.size, "quality": asked.quality}
    pictures = estimate(spec, **told, inputs=[(1024, 1024), (1280, 720)])
    text = line["usage"]["input_tokens_details"]["text_tokens"]
    assert line["micro_usd"] == pictures.likely + text * spec.prices["text_in"] // 1000
    assert (job.state, job.cost_micro_usd) == ("done", line["micro_usd"])
    # What is not known of the price is the prompt's tokens, and nothing else.
    assert 0 < plan.price.most - line["micro_usd"] < len("A red bottle") * 5
    assert job.estimate_micro_usd == plan.price.most


def test_a_picture_that_is_bought_again_alone_is_held_for_what_one_costs(server, edit):
    """The tokens of several pictures are rounded up together: a share of them is less than one picture."""
    version = factories.make_prompt(factories.make_brand(), "a", variables=[])
    matrix = replace(
        edit(factories.make_asset(version.prompt.brand, (64, 64))), source=None, prompt_version=version, takes=5
    )
    server.script(faults=["fewer_than_n"])
    made = request(OPERATOR, matrix, key="one")
    drain(wait=False)
    assert retry(OPERATOR, made)
    drain(wait=False)
    bought = list(made.jobs.order_by("created_at"))
    assert [job.n for job in bought] == [5, 1]
    assert all(0 < job.cost_micro_usd <= job.estimate_micro_usd for job in bought)


@pytest.mark.parametrize(("source_days", "days"), [(None, 9), (20, 9), (3, 3)])
def test_a_picture_may_be_used_no_longer_than_any_that_it_was_made_from(source_days, days, server, edit):
    now = timezone.now()
    brand = factories.make_brand()
    ends = now + timedelta(days=source_days) if source_days else None
    source = factories.make_asset(brand, (64, 64), expires_at=ends)
    others = [factories.make_asset(brand, (64, 64), expires_at=now + timedelta(days=some)) for some in (30, 9)]
    made = request(OPERATOR, edit(source, references=[str(other.pk) for other in others]), key="one")
    drain(wait=False)
    cell = made.variants.select_related("asset__parent").get()
    assert cell.asset.expires_at == cell.asset.parent.expires_at == now + timedelta(days=days)


# What cannot be sent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["source", "reference", "mask"])
def test_a_picture_that_is_too_heavy_as_it_would_be_sent_is_refused_before_any_spend(role, server, edit, settings):
    """The stored file is light enough; the clean PNG of it is not."""
    field, code = ("max_mask_bytes", "mask.too_large") if role == "mask" else ("max_input_bytes", "inputs.too_large")
    brand, size = factories.make_brand(), (200, 120)
    plain = factories.make_asset(brand, size)
    mode = "RGBA" if role == "mask" else "RGB"
    data = noisy(size, "webp" if role == "mask" else "jpeg", mode)
    heavy = factories.make_asset(
        brand, size, data=data, format="webp" if role == "mask" else "jpeg", has_alpha=role == "mask"
    )
    settings.IMAGE_STUDIO = {
        **settings.IMAGE_STUDIO,
        "MODELS": {"gpt-image-2.5-sunburst": {"provider": "openai", field: heavy.weight + 1000}},
    }
    options = {"reference": {"references": [str(heavy.pk)]}, "mask": {"mask": str(heavy.pk)}}.get(role, {})
    made = request(OPERATOR, edit(heavy if role == "source" else plain, **options), key="one")
    drain(wait=False)
    job = made.jobs.get()
    assert (job.state, job.error_code, job.cost_micro_usd) == ("failed", code, 0)
    assert "GPT Image 2.5" in explain(code, job.error_params)
    assert not server.calls()
    assert not Attempt.objects.exists()
    assert not list(Spool().waiting())
