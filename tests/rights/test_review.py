"""Holes that a reviewer looked for: each test is an attack, or a right that went missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from image_studio.api.pagination import Cursor
from image_studio.exceptions import Conflict, NotAllowed
from image_studio.models import Asset, BrandMembership, Job, JobOutput
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow.cells import recompose, retry
from image_studio.workflow.kits import save_kit
from image_studio.workflow.prompts import save_prompt
from image_studio.workflow.queue import hindrance
from image_studio.workflow.review import approve, approve_and_publish
from image_studio.workflow.sheet import review_actions
from tests import factories
from tests.api.conftest import API

pytestmark = pytest.mark.django_db
V1 = "/studio/v1/"
ROLES = ("creator", "manager")


@pytest.fixture
def brand():
    return factories.make_brand()


def test_nobody_spells_out_a_prompt(world):
    """The search that everybody may use looks in no prompt: letter by letter it would tell all of it."""
    asset = world.north.public
    assert asset.prompt == "northcanary recipe"
    assert world.browsers["anonymous"].get(f"{V1}published/?q=seen").json()["results"]
    for guess in ("rec", "recipe", "northcanary"):
        assert world.browsers["anonymous"].get(f"{V1}published/?q={guess}").json()["results"] == []
        assert world.programs["viewer"].get(f"{V1}assets/?q={guess}&published=true").json()["results"]


@pytest.mark.parametrize("price", [-1, -(2**62)])
@pytest.mark.parametrize("back", [False, True])
def test_a_made_up_place_is_no_error_of_the_server(price, back):
    user = factories.make_user()
    for _ in range(2):
        BrandMembership.objects.create(brand=factories.make_bare_brand(), user=user, role="viewer")
    place = Cursor(back=back, order="-micro_usd,-id", values=(price, "00000000-0000-7000-8000-000000000000"))
    assert API(user).ask("GET", f"assets/?sort=price&cursor={place.encode()}").status_code in (200, 400)


# Own only -----------------------------------------------------------------------------------------------------------


def work_on(made):
    """All that waits of one set; other sets of this module are never done."""
    drain(job_ids=list(made.jobs.filter(state="queued").values_list("pk", flat=True)), wait=False)


def composed(brand, asker, *, again=None):
    """A set of one cell, worked on; ``again`` composes it anew."""
    made = factories.make_set(brand, channels=factories.make_channels("square"), requested_by=asker, shrink=2)
    work_on(made)
    if again is not None:
        recompose(Policy(again), made)
        work_on(made)
    cell = made.variants.select_related("asset__parent", "asset__brand").get()
    assert cell.state == "ready"
    return cell.asset


def test_a_picture_stays_its_askers_own_whoever_composed_it_anew(brand):
    asker = factories.make_user("creator", brand=brand, own_only=True)
    other = factories.make_user("creator", brand=brand, own_only=True)
    asset = composed(brand, asker, again=factories.make_user("manager", brand=brand))
    assert asset.created_by_id != asker.pk
    for thing in (asset, asset.parent):
        API(asker).ask("GET", f"assets/{thing.pk}/", status=200)
        API(asker).ask("GET", f"assets/{thing.pk}/content/", status=200)
        API(other).ask("GET", f"assets/{thing.pk}/", status=404)
        API(other).ask("GET", f"assets/{thing.pk}/content/", status=404)
    assert str(asset.pk) in [row["id"] for row in API(asker).read("assets/")["results"]]
    assert API(other).read("assets/")["results"] == []


def test_a_picture_bought_again_stays_its_askers_own(brand):
    asker, manager = (factories.make_user(role, brand=brand, own_only=role == "creator") for role in ROLES)
    made = factories.make_set(brand, channels=factories.make_channels("square"), requested_by=asker, shrink=2)
    old = made.jobs.get()
    Job.objects.filter(pk=old.pk).update(state="done")
    JobOutput.objects.create(job=old, index=0, fault_code="image.broken")
    assert retry(Policy(manager), made) == 1
    work_on(made)
    asset = made.variants.get().asset
    assert asset.parent.created_by_id == manager.pk
    assert set(Policy(asker).visible(Asset.objects.all())) == {asset, asset.parent}


def test_who_wrote_a_prompt_sees_it(brand):
    """And nobody else's; a colleague who sees only their own sees none of it."""
    writer, other = (API(factories.make_user("creator", brand=brand, own_only=True)) for _ in range(2))
    factories.make_prompt(brand)
    body = {"brand": brand.slug, "slug": "mine", "template": "A blue cup"}
    made = writer.ask("POST", "prompts/", body, status=201).json()
    path = f"prompts/{made['id']}/"
    assert [row["slug"] for row in writer.read("prompts/")["results"]] == ["mine"]
    assert writer.read(path)["actions"] == ["generate", "write_prompt"]
    writer.ask("POST", f"{path}versions/", {"template": "A red cup"}, status=201)
    order = {
        "brand": brand.slug,
        "route": "placeholder",
        "channels": ["square"],
        "locales": ["en"],
        "prompt": made["id"],
    }
    factories.make_channels("square")
    assert writer.ask("POST", "variant-sets/preview/", order, status=200).json()["prompt_text"] == "A red cup"
    assert other.read("prompts/")["results"] == []
    for method, at, data in (("GET", path, None), ("PATCH", path, {"name": "x"}), ("POST", f"{path}versions/", body)):
        other.ask(method, at, data, status=404)
    other.ask("POST", "variant-sets/preview/", order, status=404)


def test_a_prompt_is_saved_only_by_who_may_write_that_one(brand):
    """A brand in which one may write is no right to a prompt of another brand, or of somebody else."""
    theirs, elsewhere = factories.make_prompt(brand).prompt, factories.make_prompt(factories.make_bare_brand()).prompt
    writer = Policy(factories.make_user("creator", brand=brand, own_only=True))
    for prompt in (theirs, elsewhere):
        with pytest.raises(NotAllowed):
            save_prompt(writer, brand, slug=prompt.slug, name="x", template="Mine now", prompt=prompt)
        assert prompt.versions.count() == 1


def test_who_sees_only_their_own_lifts_no_limit(brand):
    """Members and kit are nobody's own: with the first the limit could be lifted, with the second the second person."""
    user = factories.make_user("manager", brand=brand, own_only=True, is_staff=True)
    policy = Policy(user)
    for verb in ("edit_members", "edit_kit"):
        assert not policy.can(verb, brand)
        assert brand not in policy.brands(verb)
    with pytest.raises(NotAllowed):
        save_kit(policy, brand, replace(brand.kit, voice="Loud"))
    verbs = API(user).read(f"brands/{brand.slug}/")["verbs"]
    assert not {"edit_members", "edit_kit"} & set(verbs)
    assert Policy(factories.make_user("manager", brand=brand)).can("edit_members", brand)


# A second person ----------------------------------------------------------------------------------------------------


def may_approve(user, asset):
    """Whether this person can, and whether all places that say so beforehand agree with the verb itself."""
    asset = Asset.objects.select_related("brand__revision", "parent").get(pk=asset.pk)
    hint = hindrance(Policy(user), asset, [])
    if hint is None:
        assert "approve" in review_actions(Policy(user), asset, [], publishing=False)
        return True
    assert hint[0] == "review.same_person"
    for verb in (approve, approve_and_publish):
        with pytest.raises(Conflict, match="same_person"):
            verb(Policy(user), asset, declaration=factories.DECLARED)
    return False


@pytest.fixture
def two():
    """A brand that wants two, and three of its people."""
    brand = factories.make_brand(second_person=True)
    return brand, *(factories.make_user("manager", brand=brand) for _ in range(3))


def test_another_ones_composition_makes_nobody_the_second_person_for_what_they_asked(two):
    brand, asker, helper, third = two
    asset = composed(brand, asker, again=helper)
    Asset.objects.update(publishable=True)
    assert [may_approve(user, asset) for user in (asker, helper, third)] == [False, False, True]
    assert [may_approve(user, asset.parent) for user in (asker, third)] == [False, True]


def test_who_wrote_the_words_while_a_picture_came_is_no_second_person_for_it(two):
    brand, asker, writer, third = two
    made = factories.make_set(brand, channels=factories.make_channels("square"), requested_by=asker, shrink=2)
    assert recompose(Policy(writer), made, texts={"headline": {"en": "My own words"}}) is None
    work_on(made)
    asset = made.variants.get().asset
    assert (asset.recipe["texts"]["headline"], asset.created_by_id) == ("My own words", asker.pk)
    Asset.objects.update(publishable=True)
    assert [may_approve(user, asset) for user in (asker, writer, third)] == [False, False, True]


def test_the_same_words_again_make_nobody_their_writer(two):
    brand, asker, helper, _third = two
    made = factories.make_set(brand, channels=factories.make_channels("square"), requested_by=asker, shrink=2)
    recompose(Policy(helper), made, texts={})
    work_on(made)
    Asset.objects.update(publishable=True)
    assert may_approve(helper, made.variants.get().asset)
