"""From a prompt to a finished picture with GPT Image: a draft on *quick*, the picture on *premium*, side by side."""

from __future__ import annotations

import json

import pytest

from image_studio.models import Job, VariantSet
from tests import factories
from tests.fakes.openai_process import serve_apart

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser
KEY = "sk-secret-0123456789"


@pytest.fixture
def server(studio, settings):
    """A server of its own, and a site whose pages and workers buy from it."""
    with serve_apart(studio / "ledger.jsonl") as fake:
        openai = {
            "BACKEND": "image_studio.providers.openai",
            "OPTIONS": {"api_key": KEY, "base_url": fake.base_url},
        }
        previs = {"BACKEND": "image_studio.providers.previs"}
        rows = {"PROVIDERS": {"previs": previs, "openai": openai}, "MODERATION": "openai"}
        settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, **rows}
        (studio / "studio.json").write_text(json.dumps(settings.IMAGE_STUDIO))
        yield fake


def pictures(server):
    """What was bought, by quality."""
    return [(line["path"], line["params"]["quality"]) for line in server.charged()]


def test_a_draft_is_finished_on_a_better_route_and_both_stand_side_by_side(open_page, boss, brand, workers, server):
    factories.make_channels("square")
    prompt = factories.make_prompt(brand, "A jug on a table", variables=[]).prompt
    studio = open_page(boss)
    page = studio.page
    workers.start()

    studio.visit(f"variantset/generate/?prompt={prompt.pk}")
    expect(page.locator('[data-route="placeholder"] input')).to_be_checked()
    page.locator("[name=locales]").nth(1).uncheck()
    page.locator('[data-route="quick"] input').check()
    expect(page.locator("#live")).to_contain_text("Buys 1 picture for about $0.00")
    assert not server.calls()
    studio.order.click()
    cell = studio.cells("candidate")
    expect(cell).to_have_count(1, timeout=60_000)
    expect(cell).to_contain_text("layout checked, moderation passed")
    assert pictures(server) == [("/v1/images/generations", "low")]

    studio.inspect(cell.first)
    studio.panel.get_by_text("Finish on a better route").click()
    premium = studio.panel.get_by_role("button", name="Finish on Premium, about $0.2")
    drafted = studio.here
    premium.click()
    page.wait_for_url(lambda address: drafted not in address)
    expect(page.locator("td.studio-draft img")).to_be_visible()
    finished = studio.cells("candidate")
    expect(finished).to_have_count(1, timeout=60_000)
    assert pictures(server)[1:] == [("/v1/images/edits", "high")]
    assert len(server.charged()) == Job.objects.count() == VariantSet.objects.count() == 2

    spent = sum(line["micro_usd"] for line in server.charged()[1:])
    page.reload()
    expect(page.locator("#bar")).to_contain_text(f"${spent / 1_000_000:,.3f} spent")
    left, right = (place.bounding_box() for place in (page.locator("td.studio-draft img"), finished.locator("img")))
    assert left["x"] + left["width"] <= right["x"]
    assert abs(left["width"] - right["width"]) <= 2
    studio.inspect(finished.first)
    expect(studio.panel.get_by_text("The draft", exact=True)).to_be_visible()
    assert KEY not in page.content()
