"""Prompts: every change a version, templates judged when they are written."""

from __future__ import annotations

import pytest

from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.models import Event, PromptVersion
from image_studio.policy import Policy
from image_studio.workflow import save_prompt
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()


def save(brand, template="A {product} in {light} light", **changes):
    values = {"slug": "hero", "name": "Hero", "template": template}
    return save_prompt(OPERATOR, brand, **{**values, **changes})


def test_variables_are_read_from_the_template():
    version = save(factories.make_brand(), variables=[{"name": "light", "type": "choice", "choices": ["soft", "hard"]}])
    assert [row["name"] for row in version.variables] == ["product", "light"]
    assert version.render({"product": "cup", "light": "soft"}) == "A cup in soft light"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"light": "soft"}, "prompt.missing_variable"),
        ({"product": "cup", "light": "pink"}, "prompt.bad_choice"),
        ({"product": "cup", "light": "soft", "mood": "x"}, "prompt.unknown_variable"),
    ],
)
def test_bad_values_name_themselves(values, code):
    version = save(factories.make_brand(), variables=[{"name": "light", "type": "choice", "choices": ["soft", "hard"]}])
    with pytest.raises(InvalidRequest) as caught:
        version.render(values)
    assert caught.value.code == code


@pytest.mark.parametrize("template", ["", "  ", "{", "{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>9}"])
def test_broken_templates_are_refused(template):
    with pytest.raises(InvalidRequest, match=r"prompt\."):
        save(factories.make_brand(), template)
    assert not PromptVersion.objects.exists()


def test_a_template_cannot_reach_into_objects():
    version = save(factories.make_brand(), "{product}", variables=[])
    assert version.render({"product": "{__class__}"}) == "{__class__}"


def test_a_change_is_a_version_and_no_change_is_none():
    brand = factories.make_brand()
    first = save(brand)
    assert save(brand, prompt=first.prompt) == first
    second = save(brand, "Another {product}", prompt=first.prompt)
    assert second.number == 2
    assert first.prompt.version() == second
    assert Event.objects.filter(verb="prompt.version_saved").count() == 2
    with pytest.raises(Conflict, match=r"object\.frozen"):
        second.save()


def test_labels_point_at_versions():
    brand = factories.make_brand()
    first = save(brand)
    save(brand, "Another {product}", prompt=first.prompt)
    first.prompt.labels = {"live": 1}
    assert first.prompt.version() == first
    assert first.prompt.version("live") == first


def test_short_names_are_unique_in_a_brand():
    brand = factories.make_brand()
    save(brand)
    with pytest.raises(Conflict, match="slug_taken"):
        save(brand, "x")
    save(factories.make_brand())
    with pytest.raises(InvalidRequest, match="bad_slug"):
        save(brand, slug="Hero Shot")


def test_a_viewer_may_not_write():
    brand = factories.make_brand()
    with pytest.raises(NotAllowed):
        save_prompt(Policy(factories.make_user("viewer", brand=brand)), brand, slug="a", name="a", template="x")
