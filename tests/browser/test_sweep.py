"""Every page, narrow and wide, light and dark: axe finds nothing, and nothing is wider than its window."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from image_studio.models import Asset, CheckResult, Job, JobOutput, Variant, VariantSet
from tests import factories
from tests.browser.chromium import axe, overflow
from tests.testapp.models import Article
from tests.workflow.paid import paid_settings

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser
WINDOWS = [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")]
RESULTS = (
    ("contrast", "pass", "", None),
    ("palette", "warn", "palette.off", None),
    ("safe-area", "fail", "safe_area.outside", [0.1, 0.1, 0.3, 0.2]),
    ("text", "not_run", "check.not_run", None),
)
STATES = ("candidate", "shortlisted", "approved", "rejected", "candidate", "")


@pytest.fixture
def made(brand):
    """A set with a cell in every state, with verdicts and a family."""
    factories.make_asset(brand, (64, 48), state="published", title="Tin")
    worn = factories.make_asset(brand, (64, 48), state="published", title="Old tin")
    Article.objects.create(title="Spring tea", picture=worn, card=worn)
    source = factories.make_asset(brand, (320, 240), state="approved", title="Bottle")
    made = factories.make_set(brand, channels=factories.make_channels("square", "story"), takes=3, source=source)
    for cell, state in zip(made.variants.order_by("position"), STATES, strict=True):
        if state:
            fill(cell, source, state)
    Variant.objects.filter(variant_set=made, asset=None).update(state="compose_failed", error_code="imaging.unreadable")
    return made


def fill(cell, source, state):
    fields = {"kind": "composed", "state": state, "parent": source, "channel": cell.channel, "locale": cell.locale}
    asset = factories.make_asset(source.brand, (240, 200), revision=source.brand.revision, **fields)
    Asset.objects.filter(pk=asset.pk).update(words=asset.search_words())
    for name, verdict, code, region in RESULTS:
        CheckResult.objects.create(
            asset=asset, check_name=name, verdict=verdict, code=code, kind="measured", region=region
        )
    Variant.objects.filter(pk=cell.pk).update(asset=asset, state="ready")


@pytest.fixture
def addresses(made):
    """Every page by its name; made with rows of every kind."""
    prompt = factories.make_prompt(made.brand).prompt
    cells = [cell for cell in made.variants.order_by("position") if cell.asset_id]
    base = "admin:image_studio_"
    replace = reverse(f"{base}asset_replace", args=[Asset.objects.get(title="Old tin").pk])
    sheet = reverse(f"{base}variantset_change", args=[made.pk])
    return {
        "home": reverse("admin:app_list", args=["image_studio"]),
        "library": reverse(f"{base}asset_changelist"),
        "library, nothing found": reverse(f"{base}asset_changelist") + "?q=nothing+like+it",
        "upload": reverse(f"{base}asset_add"),
        "picture": reverse(f"{base}asset_change", args=[cells[0].asset_id]),
        "replace": replace,
        "replace, chosen": f"{replace}?successor={Asset.objects.get(title='Tin').pk}",
        "generate, start": reverse(f"{base}variantset_generate"),
        "generate from a picture": reverse(f"{base}variantset_generate") + f"?source={made.source_id}",
        "generate from a prompt": reverse(f"{base}variantset_generate") + f"?prompt={prompt.pk}",
        "sets": reverse(f"{base}variantset_changelist"),
        "sheet": sheet,
        "inspector's page": reverse(f"{base}variantset_inspect", args=[made.pk, cells[0].pk]),
        "compare": sheet.replace("/change/", f"/compare/?cell={cells[0].pk}&cell={cells[1].pk}"),
        "board": reverse(f"{base}asset_review"),
        "brand": reverse(f"{base}brand_change", args=[made.brand_id]),
        "prompt": reverse(f"{base}prompt_change", args=[prompt.pk]),
        "jobs": reverse(f"{base}job_changelist"),
        "picker": reverse("admin:testapp_event_add"),
    }


def open_inspector(window):
    window.inspect(window.cells("candidate").first)
    window.page.locator("#panel details").first.evaluate("fold => { fold.open = true; }")


def open_picker(window):
    window.page.locator(".studio-picker [data-do=open]").first.click()
    expect(window.page.locator("dialog.studio-pick[open] li").first).to_be_visible()


@pytest.fixture
def paid(brand, settings):
    """Addresses of a site that sells GPT Image from a server that is not there: no page asks it for anything."""
    settings.IMAGE_STUDIO = paid_settings(BRAND_CHECKS=(), MODERATION="openai")
    version = factories.make_prompt(brand, "A jug on a table", variables=[])
    draft = factories.make_asset(brand, (320, 240), title="Draft", micro_usd=6_200)
    made = factories.make_set(brand, provider="openai", model="gpt-image-2")
    VariantSet.objects.filter(pk=made.pk).update(route="quick", prompt_version=version)
    ready, blocked = made.variants.order_by("position")
    fill(ready, draft, "candidate")
    JobOutput.objects.create(job=ready.job, index=0, asset=draft)
    request = {**ready.job.request, "quality": "low"}
    money = {"estimate_micro_usd": 6_300, "cost_micro_usd": 6_200}
    Job.objects.filter(pk=ready.job_id).update(state="done", request=request, **money)
    said = {"model": "omni-moderation", "categories": "violence"}
    job = {"state": "blocked", "error_code": "moderation.prompt_flagged", "error_params": said}
    Job.objects.filter(pk=blocked.job_id).update(**job, estimate_micro_usd=6_300)
    base, generate = "admin:image_studio_", reverse("admin:image_studio_variantset_generate")
    return {
        "generate": f"{generate}?prompt={version.prompt_id}",
        "generate from a picture": f"{generate}?source={draft.pk}",
        "sheet": reverse(f"{base}variantset_change", args=[made.pk]),
        "job": reverse(f"{base}job_change", args=[blocked.job_id]),
        "home": reverse("admin:app_list", args=["image_studio"]),
    }


def open_options(window):
    window.page.locator(".studio-more-options summary").click()
    expect(window.page.locator("#generate [name=opt_background]")).to_be_visible()
    expect(window.order).to_be_visible()


def open_finish(window):
    window.inspect(window.cells("candidate").first)
    window.panel.get_by_text("Finish on a better route").click()
    expect(window.panel.get_by_role("button", name="Finish on Premium, about $")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_pages_of_paid_routes_need_no_server_and_can_be_used_by_everybody(open_page, boss, paid, width, scheme):
    window = open_page(boss, width=width, scheme=scheme)
    acts = {"generate": open_options, "sheet": open_finish}
    found = {}
    for name, address in paid.items():
        window.visit(address)
        window.page.wait_for_load_state("networkidle")
        acts.get(name, lambda _window: None)(window)
        found[name] = (axe(window.page), overflow(window.page))
    wrong = {name: judged for name, judged in found.items() if judged != ([], 0)}
    assert not wrong, json.dumps(wrong, indent=1)


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_every_page_can_be_used_by_everybody(open_page, boss, addresses, width, scheme):
    window = open_page(boss, width=width, scheme=scheme)
    found = {}
    for name, address in addresses.items():
        window.visit(address)
        window.page.wait_for_load_state("networkidle")
        found[name] = (axe(window.page), overflow(window.page))
    for name, address, act in (("inspector", "sheet", open_inspector), ("picker dialog", "picker", open_picker)):
        window.visit(addresses[address])
        act(window)
        found[name] = (axe(window.page), overflow(window.page))
    wrong = {name: judged for name, judged in found.items() if judged != ([], 0)}
    assert not wrong, json.dumps(wrong, indent=1)
