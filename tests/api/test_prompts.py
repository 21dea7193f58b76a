"""Prompts over the API: written, versioned, labelled, tried; and what is refused."""

from __future__ import annotations

import pytest

from image_studio.api import prompt_rows
from image_studio.models import Event, Prompt, PromptVersion
from tests import factories
from tests.api.conftest import is_problem
from tests.api.work import NOWHERE

pytestmark = pytest.mark.django_db
NEW = {
    "slug": "hero",
    "name": "Hero",
    "template": "A {product} in {light} light",
    "variables": [{"name": "light", "type": "choice", "choices": ["soft", "hard"], "default": "soft"}],
}


@pytest.fixture
def creator(as_role):
    return as_role("creator")


@pytest.fixture
def hero(creator, brand):
    return creator.say("prompts/", {"brand": brand.slug, **NEW}, status=201)


def test_a_new_prompt_reads_its_places(creator, brand, hero):
    assert set(hero) == set(prompt_rows.PromptDetail().fields)
    newest = hero["newest"]
    assert set(newest) == set(prompt_rows.PromptVersionRow().fields)
    assert [row["name"] for row in newest["variables"]] == ["product", "light"]
    assert (newest["number"], newest["by"]) == (1, creator.user.get_username())
    assert (hero["brand"], hero["actions"]) == (brand.slug, ["generate", "write_prompt"])
    assert creator.read(hero["url"]) == hero
    row = creator.read("prompts/")["results"][0]
    assert set(row) == set(prompt_rows.PromptRow().fields)
    assert hero == {**hero, **row}


def test_new_words_are_a_new_version_and_old_ones_are_none(creator, hero):
    path = f"prompts/{hero['id']}/versions/"
    same = {key: NEW[key] for key in ("template", "variables")}
    assert creator.say(path, same, status=200)["number"] == 1
    second = creator.say(path, {"template": "A {product}"}, status=201)
    assert second["number"] == 2
    listed = creator.read(path)["results"]
    assert [row["number"] for row in listed] == [2, 1]
    assert listed[0] == second
    assert creator.read(hero["url"])["name"] == "Hero"


def test_versions_come_in_pages(creator, hero):
    path = f"prompts/{hero['id']}/versions/"
    for number in range(4):
        creator.say(path, {"template": f"Words {number}"}, status=201)
    first = creator.read(f"{path}?limit=2")
    second = creator.read(first["next"])
    assert [row["number"] for page in (first, second) for row in page["results"]] == [5, 4, 3, 2]


def test_what_it_is_called_changes_without_a_version(creator, hero):
    creator.say(f"prompts/{hero['id']}/versions/", {"template": "Other"}, status=201)
    change = {"name": "Heroine", "slug": "heroine", "labels": {"live": 1, "next": 2}, "archived": True}
    changed = creator.say(f"prompts/{hero['id']}/", change, status=200, method="PATCH")
    assert changed == {**changed, **change}
    assert PromptVersion.objects.count() == 2
    assert Event.objects.get(verb="prompt.edited").data == {"changed": sorted(change)}
    assert creator.say(f"prompts/{hero['id']}/", {}, status=200, method="PATCH") == changed


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"labels": {"live": 9}}, 422, "prompt.unknown_version"),
        ({"labels": {"Live now": 1}}, 422, "prompt.bad_label"),
        ({"labels": {"": 1}}, 422, "prompt.bad_label"),
        ({"slug": "No Slug"}, 422, "prompt.bad_slug"),
        ({"slug": "taken"}, 409, "prompt.slug_taken"),
        ({"labels": {"live": "1"}}, 400, "request.invalid"),
        ({"labels": []}, 400, "request.invalid"),
        ({"name": ""}, 400, "request.invalid"),
        ({"archived": "yes"}, 400, "request.invalid"),
        ({"template": "New"}, 400, "request.invalid"),
        ({"brand": "other"}, 400, "request.invalid"),
        ({"id": NOWHERE}, 400, "request.invalid"),
        ({"created_at": "2026-01-01T00:00:00Z"}, 400, "request.invalid"),
    ],
)
def test_a_change_that_does_not_hold_changes_nothing(creator, brand, hero, change, status, code):
    Prompt.objects.create(brand=brand, slug="taken", name="Taken")
    is_problem(creator.ask("PATCH", f"prompts/{hero['id']}/", change), status, code)
    assert creator.read(hero["url"]) == hero


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"slug": "No Slug"}, 422, "prompt.bad_slug"),
        ({"template": "A {product"}, 422, "prompt.broken_template"),
        ({"template": "A {0.x!r:>{y}}"}, 422, "prompt.broken_template"),
        ({"template": "   "}, 422, "prompt.broken_template"),
        ({"template": ""}, 400, "request.invalid"),
        ({"template": "x" * 32_001}, 400, "request.invalid"),
        ({"template": ["A"]}, 400, "request.invalid"),
        ({"variables": {"light": {}}}, 400, "request.invalid"),
        ({"variables": [["light"]]}, 400, "request.invalid"),
        ({"variables": [{"name": "a b"}]}, 422, "prompt.bad_variable"),
        ({"variables": [{"name": "light", "type": "choice"}]}, 422, "prompt.bad_variable"),
        ({"variables": [{"name": "light", "type": "colour"}]}, 400, "request.invalid"),
        ({"variables": [{"name": "light", "default": 3}]}, 400, "request.invalid"),
        ({"variables": [{"name": "light", "choices": "soft"}]}, 400, "request.invalid"),
        ({"variables": [{"name": "light", "price": 3}]}, 400, "request.invalid"),
        ({"slots": [{"name": "x", "asset": NOWHERE}]}, 400, "request.invalid"),
        ({"brand": "nowhere"}, 404, "not_found"),
    ],
)
def test_a_prompt_that_does_not_hold_is_not_kept(creator, brand, change, status, code):
    is_problem(creator.ask("POST", "prompts/", {"brand": brand.slug, **NEW, **change}), status, code)
    assert not Prompt.objects.exists()


def test_a_slug_is_taken_once(creator, brand, hero):
    is_problem(creator.ask("POST", "prompts/", {"brand": brand.slug, **NEW}), 409, "prompt.slug_taken")
    assert Prompt.objects.count() == 1


def test_a_prompt_is_tried_with_values(creator, hero):
    path = f"prompts/{hero['id']}/preview/"
    filled = creator.say(path, {"variables": {"product": "cup", "light": "hard"}}, status=200)
    assert filled == {"text": "A cup in hard light", "version": 1, "findings": []}
    assert set(filled) == set(prompt_rows.FilledPrompt().fields)
    assert creator.say(path, {"variables": {"product": 7}}, status=200)["text"] == "A 7 in soft light"
    for said, code in (
        ({"variables": {}}, "prompt.missing_variable"),
        ({"variables": {"product": "cup", "light": "pink"}}, "prompt.bad_choice"),
        ({"variables": {"product": "cup", "mood": "x"}}, "prompt.unknown_variable"),
        ({"variables": {"product": "cup"}, "version": 2}, "prompt.unknown_version"),
        ({"variables": {"product": "cup"}, "label": "live"}, "prompt.unknown_label"),
        ({"version": 1, "label": "live"}, "request.invalid"),
    ):
        is_problem(creator.ask("POST", path, said), 422, code)
    is_problem(creator.ask("POST", path, {"variables": {"product": "x" * 2001}}), 400, "request.invalid")


def test_a_term_that_the_brand_does_not_use_is_found(as_role):
    brand = factories.make_brand()
    version = factories.make_prompt(brand, "A {what}", variables=[])
    client = as_role("creator", of=brand)
    body = {"variables": {"what": "miracle"}}
    (finding,) = client.say(f"prompts/{version.prompt_id}/preview/", body, status=200)["findings"]
    assert (finding["blocks"], finding["where"], "miracle" in finding["message"]) == (True, "prompt", True)


def test_a_label_without_its_name_is_no_other_version(creator, hero):
    creator.say(f"prompts/{hero['id']}/versions/", {"template": "Second"}, status=201)
    creator.say(f"prompts/{hero['id']}/", {"labels": {"live": 1}}, status=200, method="PATCH")
    path = f"prompts/{hero['id']}/preview/"
    body = {"variables": {"product": "cup"}}
    assert creator.say(path, body, status=200)["version"] == 1
    assert creator.say(path, {**body, "label": "live"}, status=200)["version"] == 1
    assert creator.say(path, {"version": 2}, status=200)["text"] == "Second"


def test_a_prompt_of_another_brand_is_not_there(stranger, brand, hero):
    for method, path in (("GET", ""), ("PATCH", ""), ("GET", "versions/"), ("POST", "versions/"), ("POST", "preview/")):
        body = None if method == "GET" else {"template": "Mine"} if path == "versions/" else {}
        is_problem(stranger.ask(method, f"prompts/{hero['id']}/{path}", body), 404, "not_found")
    is_problem(stranger.ask("POST", "prompts/", {"brand": brand.slug, **NEW}), 404, "not_found")
    assert stranger.read("prompts/")["results"] == []
    assert (Prompt.objects.count(), PromptVersion.objects.count()) == (1, 1)


def test_a_viewer_reads_and_tries_and_writes_nothing(as_role, brand, hero):
    viewer = as_role("viewer")
    assert viewer.read(hero["url"])["actions"] == []
    viewer.say(f"prompts/{hero['id']}/preview/", {"variables": {"product": "cup"}}, status=200)
    for method, path, body in (
        ("POST", "prompts/", {"brand": brand.slug, **NEW, "slug": "mine"}),
        ("PATCH", f"prompts/{hero['id']}/", {"name": "Mine"}),
        ("PATCH", f"prompts/{hero['id']}/", {}),
        ("POST", f"prompts/{hero['id']}/versions/", {"template": "Mine"}),
    ):
        is_problem(viewer.ask(method, path, body), 403, "policy.not_allowed")


def test_lists_are_narrowed(creator, brand, hero):
    other = factories.make_prompt(brand).prompt
    Prompt.objects.filter(pk=other.pk).update(archived=True)
    found = [
        [row["id"] for row in creator.read(f"prompts/?{query}")["results"]]
        for query in ("archived=false", "archived=true", "slug=hero", "brand=nowhere")
    ]
    assert found == [[hero["id"]], [str(other.pk)], [hero["id"]], []]
    creator.ask("GET", "prompts/?archived=1", status=400)
