"""*More options* of the page that asks for variants: every field is there, and what a route has not is off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from image_studio import conf
from image_studio.admin.option_fields import OFFERED
from image_studio.catalog import specs
from image_studio.models import VariantSet
from image_studio.policy import Policy
from image_studio.workflow import Matrix, request
from tests import factories
from tests.admin.browser import Page
from tests.workflow.paid import paid_settings

pytestmark = pytest.mark.django_db
PAGE, PRICE = "admin:image_studio_variantset_generate", "admin:image_studio_variantset_price"


@pytest.fixture(autouse=True)
def site(folder, settings):
    settings.IMAGE_STUDIO = paid_settings(BRAND_CHECKS=())
    return factories.make_channels("square")


@pytest.fixture
def prompt(brand):
    return factories.make_prompt(brand, "A red bottle", variables=[])


def url_of(name, version, **query):
    more = "".join(f"&{key}={value}" for key, value in query.items())
    return f"{reverse(name)}?prompt={version.prompt_id}{more}"


def is_off(html, name):
    start = html.index(f'data-option="opt_{name}"')
    return " disabled" in html[start : html.index(">", start)]


def posted(client, version, name=PAGE, **changes):
    page = Page.of(client.get(url_of(PAGE, version)))
    return client.post(url_of(name, version), {**page.data(**changes), "do": "price"})


def test_every_option_is_there_for_every_route(boss, prompt):
    for route in ("premium", "hinted", "compat"):
        html = Page.of(posted(boss, prompt, route=route)).html
        off = {
            name
            for name in ("background", "output_format", "compression", "fidelity", "complexity", "mask", "markup")
            if is_off(html, name)
        }
        assert (
            off
            == {
                "premium": {"fidelity", "complexity", "markup"},
                "hinted": {"fidelity", "complexity"},
                "compat": {"complexity", "markup"},
            }[route]
        )


def test_a_field_that_says_something_is_never_switched_off(boss, prompt):
    page = Page.of(posted(boss, prompt, route="premium", opt_fidelity="high"))
    assert not is_off(page.html, "fidelity")
    assert "has no such choice" in page.html


def test_a_site_of_previs_alone_has_only_its_own_options(boss, prompt, settings):
    settings.IMAGE_STUDIO = {"DOORBELL": "poll"}
    html = Page.of(boss.get(url_of(PAGE, prompt))).html
    assert "opt_background" in html
    assert not {name for name in ("fidelity", "complexity", "moderation", "mask") if f"opt_{name}" in html}


def test_an_option_whose_last_model_ended_while_the_page_stood_open_is_refused_in_words(boss, prompt, monkeypatch):
    page = Page.of(boss.get(url_of(PAGE, prompt)))
    sent = {**page.data(route="compat", opt_fidelity="high"), "do": "order"}
    day = specs.models()["gpt-image-1.5"].ends_on
    monkeypatch.setattr(conf, "today", lambda: day + timedelta(days=1))
    assert "opt_fidelity" not in Page.of(boss.get(url_of(PAGE, prompt))).data()
    shown = Page.of(boss.post(url_of(PAGE, prompt), sent))
    assert shown.data()["opt_fidelity"] == ["high"]
    assert "has no such choice" in shown.html
    assert not VariantSet.objects.exists()


@pytest.mark.parametrize("name", ["mask", "references"])
def test_a_picture_that_was_chosen_stays_chosen_however_many_are_newer(boss, brand, prompt, name):
    old = str(factories.make_asset(brand, (8, 8)).pk)
    for _ in range(OFFERED):
        factories.make_asset(brand, (8, 8))
    assert old not in Page.of(boss.get(url_of(PAGE, prompt))).html
    shown = Page.of(posted(boss, prompt, route="premium", **{f"opt_{name}": old}))
    assert shown.data()[f"opt_{name}"] == [old]


def test_the_live_line_says_what_is_off_and_prices_it(boss, prompt):
    cheap = posted(boss, prompt, PRICE, route="premium").json()
    assert cheap["options"]["opt_fidelity"]["off"] is True
    assert "GPT Image 2" in cheap["options"]["opt_fidelity"]["why_not"]
    assert cheap["options"]["opt_background"] == {"why_not": "", "off": False}
    clear = posted(boss, prompt, PRICE, route="compat", opt_background="transparent").json()
    assert clear["digest"]
    refused = posted(boss, prompt, PRICE, route="standard", opt_background="transparent").json()
    assert refused["digest"] == ""
    (finding,) = refused["findings"]
    assert "Compatible (compat)" in finding["words"]
    assert (finding["where"], finding["link"]) == ("Options", "#options")


def test_what_is_chosen_is_ordered_without_scripts(boss, prompt):
    priced = Page.of(posted(boss, prompt, route="compat", opt_background="transparent", opt_extra='{"a": 1}'))
    response = boss.post(url_of(PAGE, prompt), {**priced.data(), "do": "order"})
    made = VariantSet.objects.get()
    assert response["Location"] == reverse("admin:image_studio_variantset_change", args=[made.pk])
    assert made.matrix["options"] == {"background": "transparent", "extra": {"a": 1}}


@pytest.mark.parametrize("text", ["[1]", "{", '"x"'])
def test_raw_options_that_are_no_object_are_said_at_their_field(boss, prompt, text):
    found = posted(boss, prompt, PRICE, route="compat", opt_extra=text).json()
    assert found["errors"]["opt_extra"] == ['Write a JSON object, for example {"name": "value"}.']


def test_another_set_from_the_same_start_begins_with_the_same_options(boss, brand, prompt, site):
    matrix = Matrix(
        brand=brand,
        route="compat",
        channels=tuple(site),
        locales=("en",),
        prompt_version=prompt,
        options={"background": "transparent", "extra": {"a": 1}},
    )
    made = request(Policy.operator(), matrix, key="one")
    sheet = Page.of(boss.get(reverse("admin:image_studio_variantset_change", args=[made.pk])))
    (again,) = {link for link in sheet.links if "like=" in link}
    data = Page.of(boss.get(again)).data()
    assert (data["opt_background"], data["route"]) == (["transparent"], ["compat"])
    assert data["opt_extra"] == ['{"a": 1}']


def test_another_brands_set_lends_nothing(boss, as_role, brand, prompt, site):
    other = factories.make_brand()
    version = factories.make_prompt(other, "A cup", variables=[])
    options = {"background": "transparent"}
    matrix = Matrix(
        brand=other, route="compat", channels=tuple(site), locales=("en",), prompt_version=version, options=options
    )
    theirs = request(Policy.operator(), matrix, key="one")
    data = Page.of(as_role("creator").get(url_of(PAGE, prompt, like=theirs.pk))).data()
    assert data["opt_background"] == [""]


def test_a_card_names_its_model_and_the_one_that_follows(boss, prompt, monkeypatch):
    day = specs.models()["gpt-image-1.5"].ends_on
    monkeypatch.setattr(conf, "today", lambda: day.replace(month=day.month - 1))
    html = Page.of(boss.get(url_of(PAGE, prompt))).html
    assert "GPT Image 1.5, medium" in html
    assert "it is made by GPT Image 2.5 Sunburst (high): about $" in html
    monkeypatch.setattr(conf, "today", lambda: day)
    html = Page.of(boss.get(url_of(PAGE, prompt))).html
    assert "GPT Image 2.5 Sunburst, high" in html
    assert "GPT Image 1.5, medium" not in html
