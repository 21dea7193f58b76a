"""Prompts: every change of the words is a version, and errors stand where they were made."""

from __future__ import annotations

import pytest
from django.urls import reverse

from image_studio.models import Prompt
from tests import factories
from tests.admin.browser import Page

pytestmark = pytest.mark.django_db
ADD = "admin:image_studio_prompt_add"


@pytest.fixture
def prompt(brand):
    return factories.make_prompt(brand).prompt


def url_of(prompt):
    return reverse("admin:image_studio_prompt_change", args=[prompt.pk])


def save(client, prompt=None, **changes):
    url = url_of(prompt) if prompt else reverse(ADD)
    return client.post(url, {**Page.of(client.get(url)).data(**changes), "_continue": "1"})


def errors_of(response):
    form = response.context["adminform"].form
    rows = {f"{row.prefix}-{name}" for row in form.variables.forms for name in row.errors}
    return set(form.errors) | rows


def test_a_prompt_is_written_with_its_places(boss, brand):
    response = save(
        boss,
        brand=str(brand.pk),
        name="Still life",
        slug="still-life",
        template="A {thing} in {mood} light",
        **{"variables-0-name": "mood", "variables-0-type": "choice", "variables-0-choices": "soft, hard"},
    )
    assert response.status_code == 302
    version = Prompt.objects.get(slug="still-life").version()
    assert (version.number, version.template) == (1, "A {thing} in {mood} light")
    assert [(row["name"], row["type"], row["choices"]) for row in version.variables] == [
        ("thing", "text", []),
        ("mood", "choice", ["soft", "hard"]),
    ]
    assert version.actor_label == boss.user.get_username()


def test_changed_words_are_a_new_version_and_the_old_one_stays(boss, prompt):
    before = prompt.version().template
    save(boss, prompt, template="Quite another {mood} picture")
    assert [version.template for version in prompt.versions.all()] == ["Quite another {mood} picture", before]
    assert before in Page.of(boss.get(url_of(prompt))).text


def test_a_changed_name_is_no_new_version(boss, prompt):
    save(boss, prompt, name="Renamed", archived="on")
    prompt.refresh_from_db()
    assert (prompt.name, prompt.archived, prompt.versions.count()) == ("Renamed", True, 1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"template": ""}, "template"),
        ({"template": "A {broken"}, "template"),
        ({"template": "A {0.__class__}"}, "template"),
        ({"template": "x" * 32_001}, "template"),
        ({"slug": "Not A Slug"}, "slug"),
        ({"name": ""}, "name"),
        ({"variables-0-name": "two words"}, "variables-0-name"),
        ({"template": "a\0b"}, "template"),
        ({"template": "".join(f"{{a{i}}}" for i in range(61))}, "template"),
        ({"template": "{" + "a" * 61 + "}"}, "template"),
        ({"variables-0-type": "choice"}, "variables-0-choices"),
        (
            {"variables-0-type": "choice", "variables-0-choices": "a, b", "variables-0-default": "c"},
            "variables-0-default",
        ),
        ({"variables-0-type": "number", "variables-0-default": "soft"}, "variables-0-default"),
        ({"variables-1-name": "mood"}, "variables-1-name"),
        ({"variables-0-choices": "a\0b"}, "variables-0-choices"),
    ],
)
def test_what_does_not_hold_is_said_at_its_field(boss, prompt, changes, field):
    response = save(boss, prompt, **changes)
    assert response.status_code == 200
    assert field in errors_of(response)
    assert prompt.versions.count() == 1


def test_a_taken_slug_is_said_at_its_field(boss, brand, prompt):
    other = factories.make_prompt(brand).prompt
    assert "slug" in errors_of(save(boss, prompt, slug=other.slug))
    added = save(boss, brand=str(brand.pk), name="X", slug=other.slug, template="A cup")
    assert errors_of(added)
    assert Prompt.objects.count() == 2


def test_prompts_are_written_in_brands_where_one_may(as_role, brand, prompt):
    other = factories.make_brand()
    creator = as_role("creator")
    added = save(creator, brand=str(other.pk), name="X", slug="x", template="A cup")
    assert "brand" in errors_of(added)
    assert save(creator, prompt, template="Mine").status_code == 302
    viewer = as_role("viewer")
    assert viewer.post(url_of(prompt), {"template": "Hacked"}).status_code == 403
    assert "Mine" in Page.of(viewer.get(url_of(prompt))).text
    assert Prompt.objects.count() == 1
