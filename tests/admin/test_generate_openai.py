"""*Generate brand-safe variants* with GPT Image: the form, the price, the worker, and what the contact sheet says."""

from __future__ import annotations

import pytest
from django.urls import reverse

from image_studio.models import Job, VariantSet
from image_studio.runner import drain
from tests import factories
from tests.admin.browser import Page
from tests.admin.test_generate import fill, url_for
from tests.fakes.openai_server import FAULTS, serve

pytestmark = pytest.mark.django_db
KEY = "sk-secret-0123456789"


@pytest.fixture
def server(tmp_path, settings):
    with serve(ledger=tmp_path / "openai.jsonl", retry_after=0.05) as fake:
        options = {"api_key": KEY, "base_url": fake.base_url, "max_answer_bytes": 20_000_000}
        rows = {"openai": {"BACKEND": "image_studio.providers.openai", "OPTIONS": options}}
        settings.IMAGE_STUDIO = {"DOORBELL": "poll", "PIXEL_THREADS": 1, "DEADLINE_SECONDS": 2.0, "PROVIDERS": rows}
        yield fake


@pytest.fixture
def ordered(boss, brand, server):
    """Orders one picture by the form, with a fault in the server's script."""
    factories.make_channels("square")
    version = factories.make_prompt(brand, "A jug on a table", variables=[])

    def order(fault="ok"):
        server.script(faults=[fault])
        url = url_for(prompt=version.prompt.pk)
        chosen = {"route": "quick", "takes": "1", "locales": ["en"]}
        priced = fill(boss, url, **chosen)
        assert fill(boss, url, do="order", page=Page.of(priced), **chosen).status_code == 302
        assert not server.calls()
        drain(wait=False)
        return priced

    return order


def sheet_of(client):
    return Page.of(client.get(reverse("admin:image_studio_variantset_change", args=[VariantSet.objects.get().pk])))


def test_an_order_is_one_post_and_what_it_costs_was_said_before(boss, ordered, server):
    priced = ordered()
    (line,) = server.calls()
    job = Job.objects.get()
    assert (job.state, job.cost_micro_usd) == ("done", line["micro_usd"])
    order = priced.context["order"]
    assert order.price.likely <= job.cost_micro_usd <= order.price.most
    assert job.variants.get().state == "ready"
    assert KEY not in sheet_of(boss).html


UNSAID = ("ok", "unavailable")


@pytest.mark.parametrize("fault", [name for name in FAULTS if FAULTS[name].conclude not in UNSAID])
def test_the_contact_sheet_says_what_went_wrong(fault, boss, ordered, server):
    ordered(fault)
    drain(wait=False)
    assert len(server.calls()) == 1
    cell = Job.objects.get().variants.get()
    page = sheet_of(boss)
    assert KEY not in page.html
    if cell.state != "ready":
        assert any(word in page.text for word in ("openai", "The provider"))
        assert not page.inline
