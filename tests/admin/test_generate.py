"""*Generate brand-safe variants*: choosing, the price, what stands in the way, and ordering once."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import django
import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.urls import reverse
from django.utils import timezone

from image_studio.models import Job, VariantSet
from image_studio.policy import Policy
from image_studio.testing import fake_settings
from image_studio.workflow import request
from image_studio.workflow.orders import Order
from tests import factories
from tests.admin.browser import Page

pytestmark = pytest.mark.django_db
URL = "admin:image_studio_variantset_generate"


@pytest.fixture(autouse=True)
def channels():
    return factories.make_channels("square", "story")


@pytest.fixture
def asset(brand):
    return factories.make_asset(brand, (400, 300))


def url_for(**query):
    return reverse(URL) + "?" + "&".join(f"{key}={value}" for key, value in query.items())


def fill(client, url, do="price", page=None, **changes):
    """Open the form (or take a page of it), type over some fields, press a button."""
    page = page or Page.of(client.get(url))
    form = next(form for form in page.forms if "studio-two" in form.get("class", ""))
    return client.post(url, {**page.data(form, **changes), "do": do})


def errors_of(response):
    return response.context["form"].errors


def test_the_price_counts_pictures_and_cells_apart(boss, asset):
    response = fill(boss, url_for(source=asset.pk))
    order = response.context["order"]
    assert (order.pictures, order.cells) == (2, 4)
    text = Page.of(response).text
    assert "2 pictures made" in text
    assert "4 cells composed" in text
    assert "Make 2 pictures and compose 4 cells, free" in text
    assert "Makes 2 pictures free, composes 4 cells free." in text
    assert not VariantSet.objects.exists()


def test_ordering_leads_to_the_contact_sheet(boss, asset):
    url = url_for(source=asset.pk)
    priced = Page.of(fill(boss, url, title="Spring", text_headline_en="New season", text_headline_ar="موسم جديد"))
    response = fill(boss, url, do="order", page=priced)
    made = VariantSet.objects.get()
    assert response["Location"] == reverse("admin:image_studio_variantset_change", args=[made.pk])
    assert (made.title, made.source, made.requested_by) == ("Spring", asset, boss.user)
    assert made.texts == {"headline": {"en": "New season", "ar": "موسم جديد"}}
    assert made.variants.count() == 4


def test_a_second_post_makes_nothing_new(boss, asset):
    url = url_for(source=asset.pk)
    priced = Page.of(fill(boss, url))
    first = fill(boss, url, do="order", page=priced)
    second = fill(boss, url, do="order", page=priced)
    assert first["Location"] == second["Location"]
    assert (VariantSet.objects.count(), Job.objects.count()) == (1, 2)


def test_a_second_post_finds_its_set_even_when_the_kit_has_changed(boss, asset, brand):
    url = url_for(source=asset.pk)
    priced = Page.of(fill(boss, url))
    first = fill(boss, url, do="order", page=priced)
    factories.add_revision(brand, *factories.kit_and_files(brand.slug, voice="New"))
    assert fill(boss, url, do="order", page=priced)["Location"] == first["Location"]


def test_a_form_sent_changed_under_its_old_key_asks_again(boss, asset):
    url = url_for(source=asset.pk)
    priced = Page.of(fill(boss, url))
    fill(boss, url, do="order", page=priced)
    response = fill(boss, url, do="order", page=priced, channels=["square"])
    assert "ordered from this form before" in str(errors_of(response))
    again = Page.of(response)
    assert again.data()["key"] != priced.data()["key"]
    assert again.data()["locales"] == ["en", "ar"]
    assert fill(boss, url, do="order", page=again).status_code == 302
    assert VariantSet.objects.count() == 2


@pytest.mark.parametrize("change", ["channels", "kit", "unpriced"])
def test_what_was_not_shown_is_not_ordered(boss, asset, brand, change):
    url = url_for(source=asset.pk)
    priced = Page.of(boss.get(url) if change == "unpriced" else fill(boss, url))
    changes = {"channels": ["square"]} if change == "channels" else {}
    if change == "kit":
        factories.add_revision(brand, *factories.kit_and_files(brand.slug, voice="New"))
    response = fill(boss, url, do="order", page=priced, **changes)
    assert response.status_code == 200
    assert "changed" in str(errors_of(response))
    assert not VariantSet.objects.exists()
    assert fill(boss, url, do="order", page=Page.of(response)).status_code == 302


def test_a_prompt_asks_for_its_variables(boss, brand):
    version = factories.make_prompt(
        brand,
        "A {thing} in {mood} light, {n} of them",
        variables=[
            {"name": "mood", "type": "choice", "choices": ["soft", "hard"], "default": "soft"},
            {"name": "n", "type": "number", "default": "1"},
        ],
    )
    url = url_for(prompt=version.prompt.pk)
    missing = fill(boss, url)
    assert "var_thing" in errors_of(missing)
    assert "var_n" in errors_of(fill(boss, url, var_thing="cup", var_n="many"))
    priced = Page.of(fill(boss, url, var_thing="cup", var_mood="hard"))
    assert "A cup in hard light, 1 of them" in priced.text
    fill(boss, url, do="order", page=priced)
    made = VariantSet.objects.get()
    assert (made.prompt_version, made.prompt_text) == (version, "A cup in hard light, 1 of them")


def test_a_prohibited_word_stands_in_the_way_with_its_fix(boss, brand):
    version = factories.make_prompt(brand, "A miracle bottle")
    url = url_for(prompt=version.prompt.pk)
    response = fill(boss, url)
    page = Page.of(response)
    assert response.context["order"].blocked
    assert "miracle" in page.text
    assert "must be mended" in page.text
    assert reverse("admin:image_studio_prompt_change", args=[version.prompt.pk]) in page.links
    assert ("do", "order") not in [button[:2] for button in page.buttons]
    assert fill(boss, url, do="order", page=page).status_code == 200
    assert not VariantSet.objects.exists()


def test_a_layout_that_cannot_hold_names_channel_and_language(boss, asset):
    response = fill(boss, url_for(source=asset.pk), text_headline_en="漢字 " * 3)
    page = Page.of(response)
    assert response.context["order"].blocked
    assert "Layout: Square post in en, Story in en" in page.text
    assert any(link.endswith("#layouts") for link in page.links)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"channels": None}, "channels"),
        ({"channels": ["nowhere"]}, "channels"),
        ({"locales": None}, "locales"),
        ({"locales": ["xx"]}, "locales"),
        ({"route": None}, "route"),
        ({"route": "placeholder"}, "route"),
        ({"route": "premium"}, "route"),
        ({"takes": "0"}, "takes"),
        ({"takes": "999"}, "takes"),
        ({"sharing": "all"}, "sharing"),
        ({"key": ""}, "key"),
    ],
)
def test_what_cannot_be_asked_for_is_said_at_its_field(boss, asset, changes, field):
    response = fill(boss, url_for(source=asset.pk), do="order", **changes)
    assert response.status_code == 200
    assert field in errors_of(response)
    assert not VariantSet.objects.exists()


def test_routes_that_do_not_fit_are_shown_with_the_reason(boss, asset):
    html = boss.get(url_for(source=asset.pk)).content.decode()
    assert 'value="placeholder" disabled' in html
    assert "Starts from a prompt" in html


def test_a_paid_route_says_what_it_costs(boss, brand, folder, settings):
    rows = fake_settings(ledger=folder / "ledger.jsonl", price=40_000)
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, **rows}
    version = factories.make_prompt(brand)
    page = Page.of(fill(boss, url_for(prompt=version.prompt.pk), route="fake", takes="2"))
    assert "Buys 4 pictures for about $0.16, composes 8 cells free." in page.text
    assert "Make 4 pictures for about $0.16 and compose 8 cells" in page.text


def test_several_pictures_make_a_set_each_and_only_once(boss, brand, asset):
    other = factories.make_asset(brand, (300, 300))
    url = reverse(URL) + f"?source={asset.pk}&source={other.pk}"
    priced = fill(boss, url, channels=["square"])
    assert priced.context["order"].pictures == 2
    for _ in range(2):
        response = fill(boss, url, do="order", page=Page.of(priced))
        assert response["Location"] == reverse("admin:image_studio_variantset_changelist")
    assert {row.source for row in VariantSet.objects.all()} == {asset, other}
    assert VariantSet.objects.count() == 2


def test_pictures_of_two_brands_do_not_go_together(boss, asset):
    other = factories.make_asset(factories.make_brand(), (300, 300))
    page = Page.of(boss.get(reverse(URL) + f"?source={asset.pk}&source={other.pk}"))
    assert "different brands" in page.text


def test_a_strangers_picture_beside_an_own_one_is_left_out_and_said(as_role, asset):
    theirs = factories.make_asset(factories.make_brand(), (300, 300))
    creator = as_role("creator")
    url = reverse(URL) + f"?source={asset.pk}&source={theirs.pk}"
    response = fill(creator, url)
    page = Page.of(response)
    assert "not yours to use (1)" in page.text
    assert [matrix.source for matrix in response.context["form"].matrices()] == [asset]
    fill(creator, url, do="order", page=page)
    assert VariantSet.objects.get().source == asset


def test_sets_that_broke_off_half_way_go_on(boss, brand, asset):
    """The second post of a form whose first one died after some of its sets."""
    other = factories.make_asset(brand, (300, 300))
    url = reverse(URL) + f"?source={asset.pk}&source={other.pk}"
    priced = Page.of(fill(boss, url, channels=["square"]))
    key, digest = priced.data()["key"][0], priced.data()["digest"][0]
    form = fill(boss, url, page=priced).context["form"]
    order = Order.of(Policy(boss.user), form.matrices())
    request(Policy(boss.user), order.previews[0].matrix, key=f"{key}:{asset.pk}")
    assert digest == order.digest
    assert fill(boss, url, do="order", page=priced).status_code == 302
    assert sorted(row.source.pk for row in VariantSet.objects.all()) == sorted([asset.pk, other.pk])
    factories.add_revision(brand, *factories.kit_and_files(brand.slug, voice="New"))
    assert fill(boss, url, do="order", page=priced).status_code == 302
    assert VariantSet.objects.count() == 2


def test_a_prompt_beside_a_picture_says_that_it_is_left_out(boss, brand, asset):
    version = factories.make_prompt(brand)
    response = fill(boss, url_for(source=asset.pk, prompt=version.prompt.pk))
    assert not response.context["order"].blocked
    assert "the prompt is left out" in Page.of(response).text


def test_the_first_look_has_every_routes_price(boss, brand, folder, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, **fake_settings(ledger=folder / "ledger.jsonl", price=40_000)}
    version = factories.make_prompt(brand, "A {thing}")
    page = Page.of(boss.get(url_for(prompt=version.prompt.pk)))
    assert "about $0.08" in page.text
    assert "Makes 2 pictures free, composes 4 cells free." in page.text
    assert ("do", "order") not in [button[:2] for button in page.buttons]


def test_a_route_says_how_long_it_usually_takes(boss, asset):
    now = timezone.now()
    job = factories.make_job(asset.brand, route="reframe", state="done", ended_at=now)
    job.attempts.create(number=1, state="answered", worker=job.pk, started_at=now - timedelta(seconds=41))
    assert "usually 41 s" in Page.of(boss.get(url_for(source=asset.pk))).text


NASTY = ["a\0b", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "x" * 33_000, "{0.__class__}", "<b>&"]


@pytest.mark.parametrize(
    "field", ["title", "text_headline_en", "var_mood", "key", "digest", "takes", "channels", "route"]
)
@pytest.mark.parametrize("value", NASTY, ids=["nul", "surrogate", "huge", "braces", "markup"])
def test_odd_values_are_refused_in_place_or_kept_as_words(boss, brand, field, value):
    version = factories.make_prompt(brand)
    response = fill(boss, url_for(prompt=version.prompt.pk), do="order", **{field: value})
    assert response.status_code == 200
    assert errors_of(response)
    assert not VariantSet.objects.exists()
    assert "<b>&<" not in response.content.decode()


def test_a_lone_surrogate_in_the_bytes_is_no_error_of_the_server(boss, asset):
    data = Page.of(boss.get(url_for(source=asset.pk))).data()
    body = urlencode({**data, "do": "price"}, doseq=True) + "&title=%ED%A0%80"
    response = boss.post(url_for(source=asset.pk), body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 200


def test_a_prompt_of_32k_is_priced_and_a_longer_one_is_said(boss, brand):
    version = factories.make_prompt(brand, "x" * 31_900 + "{thing}")
    assert fill(boss, url_for(prompt=version.prompt.pk), var_thing="cup").context["order"]
    response = fill(boss, url_for(prompt=version.prompt.pk), var_thing="c" * 1_000)
    assert "32000 is the most" in str(errors_of(response)).replace(",", "")


@pytest.mark.parametrize("query", ["", "?source=nonsense", "?prompt=1", "?source=00000000-0000-7000-8000-000000000000"])
def test_without_a_start_the_page_offers_some(boss, brand, query):
    asset, version = factories.make_asset(brand, (300, 300)), factories.make_prompt(brand)
    links = Page.of(boss.get(reverse(URL) + query)).links
    assert f"?source={asset.pk}" in links
    assert f"?prompt={version.prompt.pk}" in links


def test_a_viewer_may_not_generate(as_role, asset):
    viewer = as_role("viewer")
    assert viewer.get(url_for(source=asset.pk)).status_code == 403
    assert viewer.post(url_for(source=asset.pk), {"do": "order"}).status_code == 403


def test_a_strangers_picture_is_no_start(as_role, brand):
    theirs = factories.make_asset(factories.make_brand(), (300, 300))
    page = Page.of(as_role("manager").get(url_for(source=theirs.pk)))
    assert "Choose what to start from" in page.text
    assert str(theirs.pk) not in page.html


def test_a_member_of_own_pictures_starts_from_no_others(as_role, asset):
    creator = as_role("creator", own_only=True)
    page = Page.of(creator.get(url_for(source=asset.pk)))
    assert "no such picture" in page.text
    assert str(asset.pk) not in page.html


def test_who_may_not_generate_anywhere_is_told_whom_to_ask(as_role, asset):
    page = Page.of(as_role("viewer").get(reverse(URL)))
    assert "role Creator" in page.text
    assert f"?source={asset.pk}" not in page.links


def test_an_empty_studio_teaches(boss, brand):
    page = Page.of(boss.get(reverse(URL)))
    assert reverse("admin:image_studio_asset_add") in page.links
    assert reverse("admin:image_studio_prompt_add") in page.links


def test_the_page_costs_the_same_queries_for_any_number_of_pictures(boss, brand, asset, django_assert_max_num_queries):
    pictures = [asset, *(factories.make_asset(brand, (64, 48)) for _ in range(3))]
    counts = []
    for some in (pictures[:1], pictures):
        url = reverse(URL) + "?" + "&".join(f"source={row.pk}" for row in some)
        data = Page.of(boss.get(url)).data()
        with django_assert_max_num_queries(15) as queries:
            boss.post(url, {**data, "do": "price"})
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_missing_worker_is_said(boss, asset, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    assert "studio_worker" in Page.of(boss.get(url_for(source=asset.pk))).text


# The way there -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["asset", "prompt"])
def test_the_action_of_a_list_opens_the_form(boss, brand, asset, kind):
    row = asset if kind == "asset" else factories.make_prompt(brand).prompt
    response = boss.post(
        reverse(f"admin:image_studio_{kind}_changelist"), {"action": "generate", ACTION_CHECKBOX_NAME: [row.pk]}
    )
    assert response["Location"] == url_for(**{"source" if kind == "asset" else "prompt": row.pk})


def test_one_prompt_at_a_time(boss, brand):
    picked = [factories.make_prompt(brand).prompt.pk for _ in range(2)]
    url = reverse("admin:image_studio_prompt_changelist")
    response = boss.post(url, {"action": "generate", ACTION_CHECKBOX_NAME: picked}, follow=True)
    assert "one prompt at a time" in Page.of(response).text


@pytest.mark.skipif(django.VERSION < (6, 1), reason="actions on change pages came with Django 6.1")
def test_the_action_stands_on_the_prompts_page(boss, brand):
    prompt = factories.make_prompt(brand).prompt
    url = reverse("admin:image_studio_prompt_change", args=[prompt.pk])
    page = Page.of(boss.get(url))
    field = next(field.name for field in page.fields if field.name.endswith("-action"))
    response = boss.post(url, {field: "generate", ACTION_CHECKBOX_NAME: str(prompt.pk)})
    assert response["Location"] == url_for(prompt=prompt.pk)


@pytest.mark.parametrize("kind", ["asset", "prompt"])
def test_a_button_of_the_change_page_opens_the_form(boss, brand, asset, kind):
    row = asset if kind == "asset" else factories.make_prompt(brand).prompt
    page = Page.of(boss.get(reverse(f"admin:image_studio_{kind}_change", args=[row.pk])))
    assert url_for(**{"source" if kind == "asset" else "prompt": row.pk}) in page.links
