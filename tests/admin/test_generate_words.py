"""Words that somebody has in mind: typed where it begins, they become a prompt, and the form opens with them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from image_studio.models import Event, Job, LedgerEntry, Prompt, VariantSet
from tests import factories
from tests.admin.browser import Page

pytestmark = pytest.mark.django_db
PAGE = "/admin/image_studio/variantset/generate/"


@pytest.fixture(autouse=True)
def channels():
    return factories.make_channels("square", "story")


def send(client, words, *, query="", **more):
    page = Page.of(client.get(PAGE + query))
    form = next(form for form in page.forms if "studio-new-words" in form.get("class", ""))
    return client.post(PAGE + query, page.data(form, words=words, **more))


def test_words_become_a_prompt_and_the_form_opens_with_it(boss, brand):
    response = send(boss, "A red tin of tea\n  in {window} light")
    prompt = Prompt.objects.get()
    assert response["Location"] == f"{PAGE}?prompt={prompt.pk}"
    assert (prompt.brand, prompt.created_by) == (brand, boss.user)
    # Braces that somebody types are braces, not places.
    assert prompt.version().render({}) == "A red tin of tea in {window} light"
    page = Page.of(boss.get(response["Location"]))
    assert "A red tin of tea in {{window}} light" in page.text
    assert not any(model.objects.exists() for model in (VariantSet, Job, LedgerEntry))


def test_the_channels_of_the_place_are_kept(boss, brand):
    response = send(boss, "A tin", query="?channel=story&channel=square")
    assert parse_qs(urlsplit(response["Location"]).query)["channel"] == ["story", "square"]


def test_the_same_words_twice_are_one_prompt(boss, brand):
    places = {send(boss, words)["Location"] for words in ("A tin of tea", " A tin  of tea ")}
    assert len(places) == 1
    assert Prompt.objects.get().versions.count() == 1
    assert Event.objects.filter(verb="prompt.version_saved").count() == 1


@pytest.mark.parametrize(("words", "said"), [("  ", "This field is required."), ("x" * 32_001, "at most 32000")])
def test_what_is_no_prompt_is_said_and_nothing_is_lost(boss, brand, words, said):
    response = send(boss, words)
    page = Page.of(response)
    assert said in page.text
    assert words.strip() in page.html
    assert not Prompt.objects.exists()


def test_one_brand_is_not_asked_for_and_several_are(boss, brand):
    assert 'type="hidden" name="brand"' in boss.get(PAGE).content.decode()
    other = factories.make_brand()
    response = send(boss, "A tin", brand=str(other.pk))
    assert Prompt.objects.get().brand == other
    assert response.status_code == 302


def test_nobody_writes_into_a_strangers_brand(as_role, brand):
    creator, theirs = as_role("creator"), factories.make_brand()
    assert str(theirs.pk) not in creator.get(PAGE).content.decode()
    response = creator.post(PAGE, {"do": "words", "words": "A tin", "brand": str(theirs.pk)})
    assert response.status_code == 200
    assert not Prompt.objects.exists()


def test_who_may_not_generate_has_no_box_and_no_door(as_role, brand):
    viewer = as_role("viewer")
    assert "studio-new-words" not in viewer.get(PAGE).content.decode()
    assert viewer.post(PAGE, {"do": "words", "words": "A tin", "brand": str(brand.pk)}).status_code == 200
    assert not Prompt.objects.exists()


def test_a_prompt_with_places_is_one_press_away(boss, brand):
    assert reverse("admin:image_studio_prompt_add") in Page.of(boss.get(PAGE)).links
