"""Recipes and their replays: the list, the words, the price before, and the results side by side."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from image_studio.models import EditRecipe, EditStep, Job, Replay
from image_studio.runner import drain
from image_studio.workflow.recipes import save_recipe
from image_studio.workflow.replays import replay
from tests import factories
from tests.admin.browser import Page
from tests.workflow.chains import LEFT, OPERATOR, ask, chain_from, paid_site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fake(folder, tmp_path, settings):
    """Pages that sell GPT Image, made by a server of this test."""
    with paid_site(settings, tmp_path) as server:
        yield server


@pytest.fixture
def recipe(brand):
    """A part made green, then all of it darker."""
    chain = chain_from(factories.make_asset(brand, (640, 480)))
    ask(chain, region=LEFT)
    chain.refresh_from_db()
    ask(chain, parent=2, instruction="A little darker", route="standard")
    return save_recipe(OPERATOR, chain.steps.get(number=3), "Green and dark")


@pytest.fixture
def pictures(brand):
    return [factories.make_asset(brand, (600, 450), title=f"Jug {n}", words=f"jug number{n}") for n in (1, 2)]


def url(recipe, name="replay"):
    return reverse(f"admin:image_studio_editrecipe_{name}", args=[recipe.pk])


def walked(recipe, pictures, *, routes=("",), work=True):
    made = replay(OPERATOR, recipe, pictures, routes=routes, key=f"r-{Replay.objects.count()}")
    if work:
        drain()
    return made


def table(client, made):
    return Page.of(client.get(reverse("admin:image_studio_replay_change", args=[made.pk])))


# Recipes -----------------------------------------------------------------------------------------------------------


def test_the_list_says_what_each_does_and_where_it_comes_from(boss, recipe):
    page = Page.of(boss.get(reverse("admin:image_studio_editrecipe_changelist")))
    assert "Green and dark" in page.text
    assert "Change a part: Make the bottle green; Change: A little darker" in page.text
    history = reverse("admin:image_studio_editchain_change", args=[recipe.made_of["chain"]])
    assert f"{history}?step=3" in page.links


def test_the_list_costs_the_same_queries_however_long_it_is(boss, recipe):
    where = reverse("admin:image_studio_editrecipe_changelist")
    boss.get(where)
    with CaptureQueriesContext(connection) as before:
        boss.get(where)
    last = EditStep.objects.get(number=3)
    for n in range(6):
        save_recipe(OPERATOR, last, f"Another {n}")
    with CaptureQueriesContext(connection) as after:
        boss.get(where)
    assert len(after) == len(before)


def test_a_recipes_page_says_its_steps_in_plain_words(boss, recipe):
    page = Page.of(boss.get(url(recipe, "change")))
    for words in (
        "Change a part",
        "Make the bottle green",
        "A little darker",
        "all of the picture",
        "Quick",
        "Standard",
    ):
        assert words in page.text
    assert re.search(r"12 % of the picture, in the part “", page.text)
    assert url(recipe) in page.links
    assert page.inline == []
    assert boss.post(url(recipe, "change"), {"name": "x"}).status_code == 403


def test_a_recipe_whose_history_is_gone_still_reads(boss, recipe):
    assert "The edit history that it comes from" in Page.of(boss.get(url(recipe, "change"))).text
    values = {"brand": recipe.brand, "steps": recipe.steps, "actor_label": "ada"}
    for place in ({}, {"chain": "no id"}, {"chain": str(recipe.pk), "step": 2}):
        gone = EditRecipe.objects.create(name="Old", made_of=place, **values)
        page = Page.of(boss.get(url(gone, "change")))
        assert "A little darker" in page.text
        assert "The edit history that it comes from" not in page.text
    assert boss.get(reverse("admin:image_studio_editrecipe_changelist")).status_code == 200


# Asking ------------------------------------------------------------------------------------------------------------


def test_pictures_and_routes_are_priced_then_replayed_with_one_button(boss, recipe, pictures, fake):
    bought = len(fake.charged())
    page = Page.of(boss.get(url(recipe)))
    assert "Tick at least one picture." in page.text
    assert "Jug 1" in page.text
    chosen = {"picture": [str(one.pk) for one in pictures], "route": ["", "quick"]}
    page = Page.of(boss.post(url(recipe), {**page.data(), **chosen, "do": "price"}))
    assert re.search(r"Buys 8 pictures, about \$0\.\d+", page.text)
    assert "the model takes no seed" in page.text
    form = page.data()
    assert form["picture"] == chosen["picture"]
    assert form["route"] == ["", "quick"]
    assert not Replay.objects.exists()
    assert len(fake.charged()) == bought
    response = boss.post(url(recipe), {**form, "do": "replay", "title": "Jugs"})
    made = Replay.objects.get()
    assert response["Location"] == reverse("admin:image_studio_replay_change", args=[made.pk])
    assert (made.title, made.chains.count()) == ("Jugs", 4)
    drain()
    assert len(fake.charged()) == bought + 8


def test_a_search_keeps_what_is_ticked(boss, recipe, pictures):
    form = Page.of(boss.get(url(recipe))).data()
    first = str(pictures[0].pk)
    page = Page.of(boss.post(url(recipe), {**form, "picture": [first], "q": "number2", "do": "search"}))
    assert page.data()["picture"] == [first]
    assert f'value="{pictures[1].pk}"' in page.html
    none = Page.of(boss.post(url(recipe), {**form, "picture": [first], "q": "zebra", "do": "search"}))
    assert none.data()["picture"] == [first]
    assert f'value="{pictures[1].pk}"' not in none.html


def test_the_price_is_data_for_the_script(boss, recipe, pictures):
    data = boss.post(url(recipe, "price"), {"picture": [str(pictures[0].pk)], "route": ["quick"]}).json()
    assert data["digest"]
    assert data["line"].startswith("Buys 2 pictures, about $")
    assert data["button"].startswith("Replay on 1 picture for about $")
    assert data["prices"]["quick"].startswith("about $")
    assert data["prices"][""] == ""
    nothing = boss.post(url(recipe, "price"), {}).json()
    assert (nothing["digest"], nothing["line"]) == ("", "Tick at least one picture.")
    assert not Replay.objects.exists()


def test_a_changed_price_asks_again_and_keeps_what_was_chosen(boss, recipe, pictures):
    chosen = {"picture": [str(pictures[0].pk)], "route": [""]}
    form = Page.of(boss.post(url(recipe), {**chosen, "do": "price"})).data()
    page = Page.of(boss.post(url(recipe), {**form, "digest": "old", "title": "Jugs", "do": "replay"}))
    assert not Replay.objects.exists()
    assert "errornote" in page.html
    again = page.data()
    assert again["picture"] == chosen["picture"]
    assert again["title"] == ["Jugs"]
    first, second = (boss.post(url(recipe), {**again, "do": "replay"}) for _ in range(2))
    assert first.status_code == 302
    assert first["Location"] == second["Location"]
    assert Replay.objects.count() == 1


def test_pictures_of_another_brand_are_not_there(boss, as_role, recipe, pictures):
    foreign = factories.make_asset(factories.make_brand("other"), (320, 240))
    creator = as_role("creator")
    data = creator.post(url(recipe, "price"), {"picture": [str(foreign.pk)]}).json()
    assert (data["digest"], data["line"]) == ("", "Tick at least one picture.")
    refused = boss.post(url(recipe, "price"), {"picture": [str(foreign.pk)]}).json()
    assert refused["digest"] == ""
    assert refused["line"]
    odd = boss.post(url(recipe, "price"), {"picture": ["no id"]}).json()
    assert odd["digest"] == ""


def test_who_may_only_look_sees_no_form(as_role, recipe, pictures):
    viewer = as_role("viewer")
    assert url(recipe) not in Page.of(viewer.get(url(recipe, "change"))).links
    assert viewer.get(url(recipe)).status_code == 403
    assert viewer.post(url(recipe, "price"), {}).status_code == 403
    creator = as_role("creator")
    creator.user.user_permissions.remove(Permission.objects.get(codename="add_replay"))
    assert creator.get(url(recipe)).status_code == 403
    assert as_role("manager", of=factories.make_brand("other")).get(url(recipe, "change")).status_code == 404


def test_the_library_replays_a_recipe_on_what_is_ticked(boss, recipe, pictures):
    action = {"action": "replay_on", "index": "0", "_selected_action": [str(one.pk) for one in pictures]}
    response = boss.post(reverse("admin:image_studio_asset_changelist"), action)
    page = Page.of(boss.get(response["Location"]))
    link = next(one for one in page.links if one.startswith(url(recipe)))
    assert sorted(Page.of(boss.get(link)).data()["picture"]) == sorted(str(one.pk) for one in pictures)
    assert "No picture is chosen." in Page.of(boss.get(reverse("admin:image_studio_editrecipe_choose"))).text


# What came ---------------------------------------------------------------------------------------------------------


def test_results_stand_beside_the_pictures_before_each_with_its_history(boss, recipe, pictures):
    made = walked(recipe, pictures, routes=("", "quick"))
    page = table(boss, made)
    assert "4 of 4 are ready" in page.text
    assert re.search(r"\$0\.\d{3}", page.text)
    assert "Before" in page.text
    assert "Quick" in page.text
    for chain in made.chains.all():
        shown = chain.steps.get(number=3).candidates.get().asset
        assert reverse("admin:image_studio_asset_picture", args=[shown.pk, "preview"]) in page.html
        assert reverse("admin:image_studio_editchain_change", args=[chain.pk]) in page.links
    assert page.inline == []


def test_while_it_works_it_is_told_how_far_it_is(boss, recipe, pictures):
    made = walked(recipe, pictures, work=False)
    live = reverse("admin:image_studio_replay_live", args=[made.pk])
    data = boss.get(live).json()
    assert data["active"]
    assert "0 of 2 made" in data["html"]
    assert data["said"] == "0 of 2 are ready"
    assert "at most $" in data["html"]
    assert 'http-equiv="refresh"' in table(boss, made).html
    drain()
    assert boss.get(live).json()["active"] is False


def test_a_failed_one_says_why_and_is_tried_again(boss, as_role, recipe, pictures, fake):
    fake.script(faults=["moderation_400_input"])
    made = walked(recipe, pictures[:1])
    page = table(boss, made)
    assert "0 of 1 is ready" in page.text
    assert "Try again (max $" in page.html
    step = EditStep.objects.get(chain__replay=made, number=2)
    where = reverse("admin:image_studio_replay_change", args=[made.pk])
    assert as_role("viewer").post(where, {"do": "retry", "step": step.pk}).status_code == 403
    assert (
        boss.post(where, {"do": "retry", "step": EditStep.objects.filter(chain__replay=None).first().pk}).status_code
        == 404
    )
    assert boss.post(where, {"do": "retry", "step": step.pk, "key": "one"}).status_code == 302
    drain()
    assert "1 of 1 is ready" in table(boss, made).text
    assert Job.objects.filter(state="done").count() == 4


def test_a_table_costs_the_same_queries_however_large_it_is(boss, recipe, pictures, brand):
    small = walked(recipe, pictures[:1])
    large = walked(recipe, [*pictures, factories.make_asset(brand, (600, 450))], routes=("", "quick"))
    table(boss, small)
    with CaptureQueriesContext(connection) as few:
        table(boss, small)
    with CaptureQueriesContext(connection) as many:
        table(boss, large)
    assert len(few) == len(many)


def test_another_brands_replay_is_not_there(as_role, recipe, pictures):
    made = walked(recipe, pictures[:1], work=False)
    stranger = as_role("manager", of=factories.make_brand("other"))
    assert stranger.get(reverse("admin:image_studio_replay_change", args=[made.pk])).status_code == 404
    assert stranger.get(reverse("admin:image_studio_replay_live", args=[made.pk])).status_code == 404
    assert Page.of(as_role("viewer").get(reverse("admin:image_studio_replay_changelist"))).text
