"""Recipes walked again, on other pictures and on other routes."""

from __future__ import annotations

import numpy as np
import pytest

from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.models import EditChain, EditRecipe, EditStep, Job, Replay
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.runner.stepping import queue_planned
from image_studio.workflow.chains import cancel_step, choose, retry_step
from image_studio.workflow.edit_files import add_mask
from image_studio.workflow.recipes import save_recipe
from image_studio.workflow.replays import replay, replay_preview
from image_studio.workflow.tree import tree
from tests import factories
from tests.workflow.chains import LEFT, OPERATOR, ask, chain_from, paid_site, picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def fake(db, tmp_path, settings):
    with paid_site(settings, tmp_path) as server:
        yield server


@pytest.fixture
def brand(fake):
    return factories.make_bare_brand()


@pytest.fixture
def chain(brand):
    return chain_from(factories.make_asset(brand, (640, 480)))


@pytest.fixture
def recipe(chain):
    """A part made green, then all made darker."""
    ask(chain, region=LEFT, instruction="Green")
    return save_recipe(OPERATOR, ask(chain, parent=2, instruction="Darker"), "Green and dark")


def other(brand, size=(800, 600)):
    return factories.make_asset(brand, size)


def steps_of(made):
    return [list(chain.steps.order_by("number")) for chain in made.chains.order_by("pk")]


def test_a_recipe_keeps_the_path_and_nothing_beside_it(chain, recipe):
    ask(chain, parent=1, instruction="A branch that is not on the path")
    assert [(row["kind"], row["instruction"], row["route"]) for row in recipe.steps] == [
        ("inpaint", "Green", "quick"),
        ("edit", "Darker", "quick"),
    ]
    assert recipe.steps[0]["region"] == list(LEFT)
    assert "parent" not in recipe.steps[1]
    with pytest.raises(Conflict, match=r"object\.frozen"):
        recipe.save()
    with pytest.raises(Conflict, match=r"recipe\.no_steps"):
        save_recipe(OPERATOR, chain.steps.get(number=1), "Nothing")
    with pytest.raises(InvalidRequest, match=r"recipe\.no_name"):
        save_recipe(OPERATOR, chain.steps.get(number=2), " ")


def test_it_is_walked_step_by_step_on_another_picture(brand, recipe, fake):
    source, before = other(brand), len(fake.charged())
    plan = replay_preview(OPERATOR, recipe, [source])
    assert (plan.pictures, plan.blocked, plan.reproduction) == (2, False, "alike")
    made = replay(OPERATOR, recipe, [source], key="r", digest=plan.digest)
    (first,) = steps_of(made)
    assert [step.status for step in first] == ["ready", "waiting", "planned"]
    drain()
    (steps,) = steps_of(made)
    assert [step.status for step in steps] == ["ready", "ready", "ready"]
    assert [step.parent_number for step in steps] == [None, 1, 2]
    assert [step.state for step in steps] == ["chosen", "chosen", "chosen"]
    assert made.chains.get().head == 3
    assert len(fake.charged()) - before == 2
    green = steps[1].candidates.get().asset
    assert steps[2].job.request["inputs"][0]["asset"] == str(green.pk)
    same = (np.asarray(picture(source).convert("RGB")) == np.asarray(picture(green).convert("RGB"))).all(axis=-1)
    assert same[:, 400:].all()
    billed = sum(Job.objects.filter(step__chain=made.chains.get()).values_list("cost_micro_usd", flat=True))
    assert billed <= plan.price.most


def test_many_pictures_and_routes_stand_side_by_side(brand, recipe):
    sources = [other(brand), other(brand, (600, 800))]
    plan = replay_preview(OPERATOR, recipe, sources, routes=("", "standard"))
    assert len(plan.walks) == 4
    assert plan.price.likely == sum(walk.price.likely for walk in plan.walks)
    made = replay(OPERATOR, recipe, sources, routes=("", "standard"), key="r")
    drain()
    found = [(chain.source, chain.route, chain.head) for chain in made.chains.order_by("pk")]
    assert found == [(source, route, 3) for source in sources for route in ("", "standard")]
    routes = set(EditStep.objects.filter(chain__replay=made, number=2).values_list("route", flat=True))
    assert routes == {"quick", "standard"}


def test_the_same_key_walks_once(brand, recipe, fake):
    source, before = other(brand), Job.objects.count()
    assert replay(OPERATOR, recipe, [source], key="r") == replay(OPERATOR, recipe, [source], key="r")
    assert (Replay.objects.count(), Job.objects.count() - before) == (1, 1)
    with pytest.raises(Conflict, match=r"preview\.changed"):
        replay(OPERATOR, recipe, [source], key="s", digest="x")


def test_what_breaks_on_the_way_stops_there_and_goes_on_when_tried_again(brand, recipe, fake):
    fake.script(faults=["moderation_400_input"])
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    drain()
    (steps,) = steps_of(made)
    assert [step.status for step in steps] == ["ready", "blocked", "planned"]
    retry_step(OPERATOR, steps[1])
    drain()
    assert [step.status for step in steps_of(made)[0]] == ["ready", "ready", "ready"]


def test_a_cancelled_replay_buys_nothing_more(brand, recipe, fake):
    before = len(fake.charged())
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    cancel_step(OPERATOR, steps_of(made)[0][1])
    drain()
    assert [step.status for step in steps_of(made)[0]] == ["ready", "cancelled", "cancelled"]
    assert len(fake.charged()) == before
    retry_step(OPERATOR, steps_of(made)[0][1])
    drain()
    assert [step.status for step in steps_of(made)[0]] == ["ready", "ready", "ready"]


def test_trying_again_brings_back_only_what_was_cancelled_with_it(brand, recipe, fake):
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    chain = made.chains.get()
    cancel_step(OPERATOR, chain.steps.get(number=3))
    drain()
    assert [step.status for step in steps_of(made)[0]] == ["ready", "ready", "cancelled"]
    fake.script(faults=["moderation_400_input"])
    by_hand = ask(chain, parent=1, instruction="Another branch")
    assert by_hand.status == "blocked"
    retry_step(OPERATOR, by_hand)
    drain()
    assert [step.status for step in steps_of(made)[0]] == ["ready", "ready", "cancelled", "ready"]


def test_a_step_that_was_cancelled_for_itself_is_not_bought_with_the_one_before(brand, recipe, fake):
    before = len(fake.charged())
    fake.script(faults=["moderation_400_input"])
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    cancel_step(OPERATOR, made.chains.get().steps.get(number=3))
    drain()
    retry_step(OPERATOR, steps_of(made)[0][1])
    drain()
    assert [step.status for step in steps_of(made)[0]] == ["ready", "ready", "cancelled"]
    assert len(fake.charged()) - before == 1


def test_a_planned_step_that_was_queued_meanwhile_is_cancelled_all_the_same(brand, recipe, fake):
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    seen, before = made.chains.get().steps.get(number=2), len(fake.charged())
    seen.job, seen.outcome = None, "planned"  # as it was read before the worker came
    cancel_step(OPERATOR, seen)
    drain()
    assert [step.status for step in steps_of(made)[0]] == ["ready", "cancelled", "cancelled"]
    assert len(fake.charged()) == before


def test_what_was_cancelled_while_the_worker_looked_is_not_bought(brand, recipe, fake):
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    seen = made.chains.get().steps.get(number=3)
    source = other(brand)
    EditStep.objects.filter(pk=seen.pk).update(outcome="cancelled")
    assert queue_planned(seen, source) is None
    assert Job.objects.filter(step__chain=made.chains.get()).count() == 1


def test_nothing_is_bought_for_more_than_was_agreed_to(brand, recipe, fake):
    before = len(fake.charged())
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    step = made.chains.get().steps.get(number=3)
    EditStep.objects.filter(pk=step.pk).update(plan={**step.plan, "most": step.plan["most"] // 2})
    drain()
    steps = steps_of(made)[0]
    assert [step.status for step in steps] == ["ready", "ready", "failed"]
    assert steps[2].fault[0] == "step.dearer"
    assert len(fake.charged()) - before == 1


def test_nothing_grows_from_a_stand_in(brand, recipe):
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    step = made.chains.get().steps.get(number=3)
    with pytest.raises(InvalidRequest, match=r"step\.placeholder"):
        queue_planned(step, factories.make_asset(brand, (800, 600), publishable=False))


def test_a_later_step_is_told_the_kit_that_it_was_priced_with(brand, recipe):
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    kit, files = factories.kit_and_files(brand.slug, guidance="Nothing but purple")
    factories.add_revision(brand, kit, files)
    drain()
    step = steps_of(made)[0][2]
    assert step.status == "ready"
    assert str(step.job.revision_id) == step.plan["revision"]
    assert "purple" not in step.job.request["prompt"]


def test_a_defect_in_a_later_step_costs_no_picture(brand, recipe, caplog):
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    step = made.chains.get().steps.get(number=3)
    EditStep.objects.filter(pk=step.pk).update(plan={**step.plan, "files": {"mask": 7}})
    drain()
    steps = steps_of(made)[0]
    assert [step.status for step in steps] == ["ready", "ready", "failed"]
    assert steps[2].fault[0] == "job.crashed"
    assert steps[1].candidates.get().asset is not None
    assert "step crashed" in caplog.text


def test_a_head_that_somebody_moved_is_left_where_it_is(brand, recipe, fake):
    fake.script(faults=["moderation_400_input"])
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    chain = made.chains.get()
    drain()
    by_hand = ask(chain, parent=1, instruction="Another branch")
    choose(OPERATOR, by_hand, 0)
    retry_step(OPERATOR, steps_of(made)[0][1])
    drain()
    assert [step.status for step in steps_of(made)[0]] == ["ready"] * 4
    assert made.chains.get().head == by_hand.number


def test_nothing_is_to_come_of_a_walk_that_broke(brand, recipe, fake):
    fake.script(faults=["moderation_400_input"])
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    assert tree(OPERATOR, made.chains.get()).active
    drain()
    assert [step.status for step in steps_of(made)[0]] == ["ready", "blocked", "planned"]
    assert not tree(OPERATOR, made.chains.get()).active


def test_a_later_step_that_cannot_be_asked_for_costs_no_picture(brand, recipe, settings):
    made = replay(OPERATOR, recipe, [other(brand)], key="r")
    EditStep.objects.filter(chain__replay=made, number=3).update(route="teleport")
    drain()
    steps = steps_of(made)[0]
    assert [step.status for step in steps] == ["ready", "ready", "failed"]
    assert steps[2].fault[0] == "step.no_route"
    assert steps[1].candidates.get().asset is not None


def test_rights_are_asked_for_again_before_every_step(brand, recipe, fake):
    member = factories.make_user("creator", brand=brand)
    before = len(fake.charged())
    made = replay(Policy(member), recipe, [other(brand)], key="r")
    member.brandmembership_set.all().delete() if hasattr(member, "brandmembership_set") else member.delete()
    drain()
    assert [step.status for step in steps_of(made)[0]] == ["ready", "blocked", "planned"]
    assert len(fake.charged()) == before


def test_a_painted_mask_is_scaled_to_a_picture_of_the_same_shape(brand, chain):
    source = chain.source
    paint = factories.Image.new("RGBA", source.size)
    factories.ImageDraw.Draw(paint).rectangle((0, 0, 200, 200), fill=(255, 0, 0, 255))
    mask = add_mask(OPERATOR, chain, source, data=factories.encoded(paint), reads="painted")
    recipe = save_recipe(OPERATOR, ask(chain, mask=str(mask.pk), instruction="Green"), "Painted")
    made = replay(OPERATOR, recipe, [other(brand, (1280, 960))], key="r")
    drain()
    step = steps_of(made)[0][1]
    assert step.status == "ready"
    assert step.candidates.get().paste["pasted"]
    assert made.chains.get().files.get().told["share"] == pytest.approx(mask.told["share"], abs=0.002)
    with pytest.raises(InvalidRequest, match=r"mask\.other_ratio"):
        replay_preview(OPERATOR, recipe, [other(brand, (600, 800))])


def test_a_free_recipe_is_reproduced_exactly(brand, chain):
    step = ask(chain, kind="extend", ratio="1:1", instruction="", route="reframe")
    recipe = save_recipe(OPERATOR, step, "Square")
    source = other(brand)
    assert replay_preview(OPERATOR, recipe, [source]).reproduction == "exact"
    one, two = (replay(OPERATOR, recipe, [source], key=key) for key in "ab")
    drain()
    sums = {made.chains.get().steps.get(number=2).candidates.get().sha256 for made in (one, two)}
    assert len(sums) == 1


def test_what_a_member_may_not_see_is_not_replayed_on(brand, recipe):
    member = Policy(factories.make_user("creator", brand=brand))
    foreign = factories.make_asset(factories.make_bare_brand())
    with pytest.raises(InvalidRequest, match=r"request\.other_brand"):
        replay_preview(member, recipe, [foreign])
    with pytest.raises(NotAllowed):
        replay_preview(Policy(factories.make_user("viewer", brand=brand)), recipe, [other(brand)])
    with pytest.raises(InvalidRequest, match=r"replay\.no_picture"):
        replay_preview(OPERATOR, recipe, [])
    with pytest.raises(InvalidRequest, match=r"replay\.too_many"):
        replay_preview(OPERATOR, recipe, [other(brand)] * 101)


def test_a_replay_outlives_the_chain_that_it_was_learnt_from(brand, recipe, chain):
    EditChain.objects.filter(pk=chain.pk).delete()
    made = replay(OPERATOR, EditRecipe.objects.get(pk=recipe.pk), [other(brand)], key="r")
    drain()
    assert not tree(OPERATOR, made.chains.get()).active
