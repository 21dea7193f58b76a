"""The live line: what the form as it stands would make and cost, as data; nothing is ever written."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from image_studio import conf
from image_studio.catalog.pricing import Price
from image_studio.models import BrandMembership, Job, VariantSet
from image_studio.testing import fake_settings
from image_studio.wording.money import price_words
from tests import factories
from tests.admin.browser import Page
from tests.workflow.paid import paid_settings

pytestmark = pytest.mark.django_db
PAGE, PRICE = "admin:image_studio_variantset_generate", "admin:image_studio_variantset_price"
JSON = {"Accept": "application/json"}
LAST = date(2026, 12, 1)


@pytest.fixture(autouse=True)
def channels():
    return factories.make_channels("square", "story")


@pytest.fixture
def asset(brand):
    return factories.make_asset(brand, (400, 300))


def query_of(**query):
    return "?" + "&".join(f"{key}={value}" for key, value in query.items())


def ask(client, query, **changes):
    """What the page's script sends: the form as it is, to the price address."""
    data = Page.of(client.get(reverse(PAGE) + query)).data(**changes)
    return client.post(reverse(PRICE) + query, data, headers=JSON)


def test_the_line_counts_and_the_digest_orders_exactly_that(boss, asset):
    query = query_of(source=asset.pk)
    found = ask(boss, query).json()
    assert found["line"] == "Makes 2 pictures free, composes 4 cells free."
    assert found["button"] == "Make 2 pictures and compose 4 cells, free"
    assert (found["errors"], found["findings"]) == ({}, [])
    assert not VariantSet.objects.exists()
    data = Page.of(boss.get(reverse(PAGE) + query)).data(digest=found["digest"])
    response = boss.post(reverse(PAGE) + query, {**data, "do": "order"})
    assert response["Location"] == reverse("admin:image_studio_variantset_change", args=[VariantSet.objects.get().pk])
    assert Job.objects.filter(kind="picture").count() == 2


def test_a_changed_choice_has_another_digest(boss, asset):
    query = query_of(source=asset.pk)
    digests = {ask(boss, query, **changes).json()["digest"] for changes in ({}, {"takes": "2"}, {"channels": "square"})}
    assert len(digests) == 3


def test_every_usable_route_is_priced_for_the_chosen_matrix(boss, brand, folder, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, **fake_settings(ledger=folder / "ledger.jsonl", price=40_000)}
    query = query_of(prompt=factories.make_prompt(brand).prompt.pk)
    cards = ask(boss, query).json()["cards"]
    assert cards["placeholder"] == {"price": "free", "why_not": "", "changes": ""}
    assert cards["fake"] == {"price": "about $0.08", "why_not": "", "changes": ""}
    assert cards["reframe"] == {"price": "", "why_not": "Needs a picture to start from.", "changes": ""}
    more = ask(boss, query, takes="3", route="fake").json()
    assert more["cards"]["fake"]["price"] == "about $0.24"
    assert more["line"] == "Buys 6 pictures for about $0.24, composes 12 cells free."
    assert more["button"] == "Make 6 pictures for about $0.24 and compose 12 cells"


def test_a_route_that_cannot_make_the_matrix_says_why(boss, brand, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "MODELS": {"previs-placeholder": {"qualities": ("low",)}}}
    found = ask(boss, query_of(prompt=factories.make_prompt(brand).prompt.pk)).json()
    assert "is no choice for quality" in found["cards"]["placeholder"]["why_not"]
    assert found["digest"] == ""
    assert found["findings"][0]["link"] == "#routes"


def test_a_route_without_a_price_says_so_and_the_others_keep_theirs(boss, brand, settings):
    settings.IMAGE_STUDIO = {
        **settings.IMAGE_STUDIO,
        "MODELS": {"dear": {"provider": "previs", "title": "Dear"}},
        "ROUTES": {"dear": {"title": "Dear", "provider": "previs", "model": "dear"}},
    }
    cards = ask(boss, query_of(prompt=factories.make_prompt(brand).prompt.pk)).json()["cards"]
    assert cards["dear"]["price"] == ""
    assert "has no price" in cards["dear"]["why_not"]
    assert cards["placeholder"]["price"] == "free"


def test_a_missing_variable_is_said_and_the_counts_stay(boss, brand):
    found = ask(boss, query_of(prompt=factories.make_prompt(brand, "A {thing}").prompt.pk)).json()
    assert found["line"] == "Makes 2 pictures free, composes 4 cells free. Thing: This field is required."
    assert found["errors"] == {"var_thing": ["This field is required."]}
    assert found["digest"] == ""


def test_no_channel_leaves_nothing_to_count(boss, asset):
    found = ask(boss, query_of(source=asset.pk), channels=None).json()
    assert found["line"] == "Channels: Choose at least one channel."
    assert found["button"] == "Nothing to make yet"
    assert found["cards"]["reframe"]["price"] == ""


def test_a_finding_names_its_places_and_its_fix(boss, asset, brand):
    found = ask(boss, query_of(source=asset.pk), text_headline_en="漢字").json()
    (finding,) = found["findings"]
    assert finding["blocks"] is True
    assert finding["where"] == "Layout: Square post in en, Story in en"
    assert finding["link"].startswith(reverse("admin:image_studio_brand_change", args=[brand.pk]))
    assert found["digest"] == ""
    assert "1 finding must be mended." in found["line"]
    assert "must be mended" in found["html"]


def test_words_of_a_person_are_escaped_in_the_fragment(boss, brand):
    query = query_of(prompt=factories.make_prompt(brand, "A {thing}").prompt.pk)
    html = ask(boss, query, var_thing="<script>1</script>").json()["html"]
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def test_too_many_cells_are_one_clear_message(boss, asset, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "MAX_CELLS": 3}
    found = ask(boss, query_of(source=asset.pk)).json()
    assert "4 cells; 3 is the most" in found["errors"]["__all__"][0]


def test_a_brand_without_a_kit_is_said(boss):
    brand = factories.Brand.objects.create(slug="bare", name="Bare")
    found = ask(boss, query_of(source=factories.make_asset(brand, (300, 200)).pk)).json()
    assert "has no kit yet" in found["errors"]["__all__"][0]


@pytest.mark.parametrize("query", ["", "?source=nonsense", "?source=00000000-0000-7000-8000-000000000000"])
def test_without_a_start_there_is_a_message_and_no_price(boss, query):
    found = boss.post(reverse(PRICE) + query, {}, headers=JSON).json()
    assert (found["digest"], list(found["errors"])) == ("", ["__all__"])


def test_another_brands_source_has_no_price(as_role, asset):
    theirs = factories.make_asset(factories.make_brand(), (300, 300))
    found = as_role("manager").post(reverse(PRICE) + query_of(source=theirs.pk), {}, headers=JSON).json()
    assert "no such picture" in found["line"]
    assert found["cards"] == {}


def test_a_role_that_was_taken_away_is_said_as_data(as_role, asset):
    creator = as_role("creator")
    query = query_of(source=asset.pk)
    data = Page.of(creator.get(reverse(PAGE) + query)).data()
    BrandMembership.objects.filter(user=creator.user).update(role="viewer")
    response = creator.post(reverse(PRICE) + query, data, headers=JSON)
    assert response.status_code == 403
    assert response.json()["code"] == "policy.not_allowed"


def test_a_session_that_ended_is_a_redirect_that_the_script_knows(boss, asset):
    query = query_of(source=asset.pk)
    data = Page.of(boss.get(reverse(PAGE) + query)).data()
    boss.logout()
    assert boss.post(reverse(PRICE) + query, data, headers=JSON).status_code == 302


def test_only_a_post_is_answered(boss, asset):
    assert boss.get(reverse(PRICE) + query_of(source=asset.pk)).status_code == 405


def test_a_price_costs_few_queries_whoever_asks(as_role, brand, django_assert_max_num_queries):
    creator = as_role("creator")
    query = query_of(prompt=factories.make_prompt(brand).prompt.pk)
    data = Page.of(creator.get(reverse(PAGE) + query)).data()
    with django_assert_max_num_queries(14):
        creator.post(reverse(PRICE) + query, data, headers=JSON)


@pytest.mark.parametrize(("day", "told"), [(date(2026, 10, 31), False), (date(2026, 11, 1), True), (LAST, False)])
def test_a_route_that_switches_soon_shows_both_models_and_both_prices(boss, brand, settings, monkeypatch, day, told):
    monkeypatch.setattr(conf, "today", lambda: day)
    openai = {"BACKEND": "image_studio.providers.openai", "OPTIONS": {"api_key": "sk-test"}}
    settings.IMAGE_STUDIO = {
        **settings.IMAGE_STUDIO,
        "PROVIDERS": {"previs": {"BACKEND": "image_studio.providers.previs"}, "openai": openai},
    }
    query = query_of(prompt=factories.make_prompt(brand).prompt.pk)
    now, after = "GPT Image 1.5, medium", "From Dec. 1, 2026 on it is made by GPT Image 2.5 Sunburst (high): "
    page = Page.of(boss.get(reverse(PAGE) + query))
    assert (now in page.text, after in page.text) == (day < LAST, told)
    cards = ask(boss, query).json()["cards"]
    assert cards["compat"]["changes"].startswith(after) is told
    monkeypatch.setattr(conf, "today", lambda: LAST)
    later = ask(boss, query).json()["cards"]["compat"]["price"]
    assert later != cards["compat"]["price"] or day == LAST
    assert (f"{later} for the same." in cards["compat"]["changes"]) is told


def test_a_follower_without_a_price_stands_in_the_way_of_nothing(boss, brand, settings, monkeypatch):
    monkeypatch.setattr(conf, "today", lambda: date(2026, 11, 22))
    row = {"title": "Led", "provider": "previs", "model": "ending", "then": [{"model": "dear", "quality": "high"}]}
    settings.IMAGE_STUDIO = {
        **settings.IMAGE_STUDIO,
        "MODELS": {
            "ending": {"provider": "previs", "free": True, "needs_source": False, "ends_on": LAST.isoformat()},
            "dear": {"provider": "previs", "title": "Dear"},
        },
        "ROUTES": {"led": row},
    }
    card = ask(boss, query_of(prompt=factories.make_prompt(brand).prompt.pk)).json()["cards"]["led"]
    assert card["price"] == "free"
    assert "Dear (high): — for the same." in card["changes"]


@pytest.mark.parametrize(
    ("likely", "most", "words"),
    [
        (0, 0, "free"),
        (210_000, 260_000, "about $0.21 (max $0.26)"),
        (210_000, 210_000, "about $0.21"),
        (205_400, 208_000, "about $0.21"),
        (31_100, 33_300, "about $0.03 (max $0.04)"),
        (6_200, 6_310, "about $0.0062 (max $0.0064)"),
    ],
)
def test_a_price_is_one_figure_where_it_can_be_and_its_limit_is_never_rounded_down(likely, most, words):
    assert price_words(Price(likely=likely, most=most)) == words


def test_a_picture_without_words_is_offered_the_prompts_and_begins_free(boss, brand, asset, settings):
    settings.IMAGE_STUDIO = paid_settings(BRAND_CHECKS=())
    prompt = factories.make_prompt(brand, "A jug on a table", variables=[]).prompt
    alone = query_of(source=asset.pk)
    page = Page.of(boss.get(reverse(PAGE) + alone))
    (link,) = {link for link in page.links if f"prompt={prompt.pk}" in link and "source=" in link}
    assert page.data()["route"] == ["reframe"]
    assert "needs a prompt" in ask(boss, alone).json()["cards"]["quick"]["why_not"]
    both = Page.of(boss.get(reverse(PAGE) + link))
    assert "A prompt for the others" not in both.text
    assert not ask(boss, link).json()["cards"]["quick"]["why_not"]


def test_a_site_without_paid_routes_asks_for_no_prompt(boss, brand, asset):
    factories.make_prompt(brand)
    assert "A prompt for the others" not in Page.of(boss.get(reverse(PAGE) + query_of(source=asset.pk))).text
