"""*Change this* on any picture, and a result back on its contact sheet."""

from __future__ import annotations

import numpy as np
import pytest

from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.models import Asset, EditChain, EditStep, Job, JobOutput, Variant
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import change_this, request
from image_studio.workflow.chains import choose
from image_studio.workflow.changing import (
    asked_change,
    base_of,
    chain_of,
    change,
    change_offers,
    change_preview,
    shown_part,
    take,
)
from image_studio.workflow.plan import Matrix
from image_studio.workflow.review import same_person
from image_studio.workflow.sheet import sheet
from image_studio.workflow.steps import StepOrder
from tests import factories
from tests.workflow.chains import LEFT, OPERATOR, ask, chain_from, paid_site, picture

pytestmark = pytest.mark.django_db
ORDER = StepOrder(instruction="Make the bottle green", route="quick")


@pytest.fixture
def fake(db, tmp_path, settings):
    with paid_site(settings, tmp_path) as server:
        yield server


@pytest.fixture
def brand(fake):
    return factories.make_brand()


def changed(asset, order=ORDER, policy=OPERATOR, **more):
    step = change(policy, asset, order, key=more.pop("key", f"{asset.pk}-{EditStep.objects.count()}"), **more)
    drain()
    return EditStep.objects.select_related("job", "chain__cell").get(pk=step.pk)


def sheet_of(brand, *slugs, locales=("en", "ar")):
    channels = factories.make_channels(*(slugs or ("square", "story")))
    source = factories.make_asset(brand, (1200, 900))
    matrix = Matrix(brand=brand, route="reframe", channels=tuple(channels), locales=locales, source=source)
    made = request(OPERATOR, matrix, key=f"sheet-{source.pk}")
    drain()
    return made


def cells_of(made, slug="square"):
    return list(made.variants.filter(channel__slug=slug).select_related("asset", "job").order_by("position"))


# On any picture ----------------------------------------------------------------------------------------------------


def test_the_edit_history_is_made_silently_and_goes_on(brand):
    asset = factories.make_asset(brand, (800, 600))
    first = changed(asset)
    assert (first.chain.title, first.chain.source, first.parent_number) == ("A bottle", asset, 1)
    result = first.candidates.get().asset
    second = changed(result, StepOrder(instruction="A little darker", route="quick"))
    assert (second.chain, second.parent_number) == (first.chain, 2)
    again = changed(asset, StepOrder(instruction="Blue instead", route="quick"))
    assert (again.chain, again.parent_number) == (first.chain, 1)
    assert EditChain.objects.count() == 1


def test_somebody_elses_history_does_not_grow_unasked(brand):
    asset = factories.make_asset(brand, (800, 600))
    one, other = (Policy(factories.make_user("creator", brand=brand)) for _ in range(2))
    assert changed(asset, policy=one).chain != changed(asset, policy=other).chain
    assert chain_of(one, asset)[0].requested_by == one.user


def test_the_same_key_buys_once(brand, fake):
    asset = factories.make_asset(brand, (800, 600))
    assert changed(asset, key="k") == changed(asset, key="k")
    assert len(fake.charged()) == 1
    with pytest.raises(Conflict, match=r"idempotency\.other_body"):
        change(OPERATOR, asset, StepOrder(instruction="Else", route="quick"), key="k")


def test_a_price_is_shown_first_and_a_changed_one_asks_again(brand):
    asset = factories.make_asset(brand, (800, 600))
    plan = change_preview(OPERATOR, asset, ORDER)
    offers = {one.route.name: one for one in change_offers(OPERATOR, asset, ORDER)}
    assert offers["quick"].preview.digest == plan.digest
    with pytest.raises(Conflict, match=r"preview\.changed"):
        change(OPERATOR, asset, ORDER, key="k", digest="x" * 64)
    assert change(OPERATOR, asset, ORDER, key="k", digest=plan.digest).job.estimate_micro_usd == plan.price.most
    assert EditChain.objects.count() == 1


def test_nothing_is_left_of_a_refused_change(brand):
    asset = factories.make_asset(brand, (800, 600))
    with pytest.raises(InvalidRequest):
        change(OPERATOR, asset, StepOrder(instruction="A miracle", route="quick", region=LEFT), key="k")
    with pytest.raises(NotAllowed):
        change(Policy(factories.make_user("viewer", brand=brand)), asset, ORDER, key="k")
    assert (EditChain.objects.count(), Job.objects.count()) == (0, 0)


# On a composed picture ---------------------------------------------------------------------------------------------


def test_logo_and_words_are_never_sent(brand, fake):
    cell = cells_of(sheet_of(brand))[0]
    step = changed(cell.asset)
    assert step.chain.source == base_of(cell.asset) == cell.asset.parent
    assert step.job.request["inputs"][0]["asset"] == str(cell.asset.parent_id)
    assert step.chain.cell == cell


def test_a_place_on_a_composed_picture_is_one_on_the_picture_below(brand):
    raw = factories.make_asset(brand, (1600, 900))
    composed = factories.make_asset(brand, (900, 900), kind="composed", parent=raw, recipe={"layers": []})
    left, top, width, height = shown_part(raw, composed)
    assert (top, height) == (0.0, 1.0)
    assert width == pytest.approx(900 / 1600, abs=0.001)
    plan = change_preview(OPERATOR, composed, StepOrder(instruction="x", route="quick", region=(0.5, 0.5, 0.25, 0.25)))
    assert plan.order.region == pytest.approx((left + width / 2, 0.5, width / 4, 0.25))


def test_a_result_takes_its_place_in_every_cell_that_shares_the_picture(brand, fake):
    made = sheet_of(brand)
    before, other = cells_of(made), cells_of(made, "story")
    step = changed(before[0].asset, cell=before[0])
    choose(OPERATOR, step, 0)
    job = take(OPERATOR, step)
    drain()
    job.refresh_from_db()
    assert (job.kind, job.state) == ("compose", "done")
    after = cells_of(made)
    result = step.candidates.get().asset
    assert {cell.asset.parent for cell in after} == {result}
    assert {cell.locale for cell in after} == {"en", "ar"}
    assert [cell.asset for cell in cells_of(made, "story")] == [cell.asset for cell in other]
    # The words are drawn anew, exactly: the layers are those that stood there before.
    for old, new in zip(before, after, strict=True):
        assert new.asset.recipe["texts"] == old.asset.recipe["texts"]
        assert new.asset.pk != old.asset.pk
    made.refresh_from_db()
    assert made.finished_at is not None
    assert len(fake.charged()) == 1


def test_a_taken_picture_is_labelled_as_what_it_is(brand):
    made = sheet_of(brand, "square", locales=("en",))
    (before,) = cells_of(made)
    assert before.asset.recipe["label"] == ""
    step = changed(before.asset, StepOrder(instruction="Green", route="quick", region=LEFT), cell=before)
    take(OPERATOR, step)
    drain()
    (after,) = cells_of(made)
    assert after.asset.recipe["label"] == "label_composite"
    assert after.asset.source_type == "compositeWithTrainedAlgorithmicMedia"


def test_a_taken_picture_is_composed_again_for_nothing(brand):
    """It was bought in its edit history, and by no job of the set."""
    made = sheet_of(brand, "square", locales=("en",))
    (before,) = cells_of(made)
    take(OPERATOR, changed(before.asset, cell=before))
    drain()
    made.variants.update(state="compose_failed")
    found = sheet(OPERATOR, made)
    (cell,) = found.cells
    assert (found.pictures_bought, found.pictures_total) == (1, 1)
    assert cell.variant.job.variant_set_id is None
    assert (cell.status, cell.again) == ("compose_failed", None)


def test_taking_again_and_going_back_to_the_first_picture(brand):
    made = sheet_of(brand, "square", locales=("en",))
    (before,) = cells_of(made)
    first = changed(before.asset, cell=before)
    take(OPERATOR, first)
    drain()
    second = changed(cells_of(made)[0].asset, StepOrder(instruction="Now blue", route="quick"))
    assert (second.chain, second.parent_number) == (first.chain, first.number)
    take(OPERATOR, second)
    drain()
    assert cells_of(made)[0].asset.parent == second.candidates.get().asset
    take(OPERATOR, first.chain.steps.get(number=1))
    drain()
    assert cells_of(made)[0].asset.parent == before.asset.parent


def test_only_a_history_of_a_sheet_gives_something_back(brand):
    step = changed(factories.make_asset(brand, (800, 600)))
    with pytest.raises(Conflict, match=r"chain\.no_cell"):
        take(OPERATOR, step)


def test_a_cell_that_was_cancelled_takes_a_picture_all_the_same(brand):
    made = sheet_of(brand, "square")
    cell, other = cells_of(made)
    step = changed(cell.asset, cell=cell)
    Variant.objects.filter(pk__in=[cell.pk, other.pk]).update(state="cancelled")
    take(OPERATOR, step)
    drain()
    after = {one.pk: one for one in cells_of(made)}
    assert after[cell.pk].state == "ready"
    assert after[cell.pk].asset.parent == step.candidates.get().asset
    assert (after[other.pk].state, after[other.pk].asset) == ("cancelled", other.asset)


def test_no_history_gives_to_the_sheet_of_another_brand(brand):
    (cell,) = cells_of(sheet_of(brand, "square", locales=("en",)))
    asset = factories.make_asset(factories.make_bare_brand(), (640, 480))
    with pytest.raises(InvalidRequest, match=r"request\.other_brand"):
        change(OPERATOR, asset, ORDER, cell=cell, key="k")
    with pytest.raises(InvalidRequest, match=r"request\.other_brand"):
        chain_from(asset, cell=cell)
    assert (EditChain.objects.count(), EditStep.objects.count()) == (0, 0)
    chain = chain_from(asset)
    with pytest.raises(InvalidRequest, match=r"request\.other_brand"):
        change(OPERATOR, asset, ORDER, cell=cell, key="k")
    chain.refresh_from_db()
    assert (chain.cell, chain.length) == (None, 1)


def test_what_somebody_may_not_see_does_not_become_theirs_on_a_sheet(brand):
    member = Policy(factories.make_user("creator", brand=brand, own_only=True))
    boss = Policy(factories.make_user("manager", brand=brand))
    source = factories.make_asset(brand, (1200, 900), created_by=member.user)
    channels = tuple(factories.make_channels("square"))
    matrix = Matrix(brand=brand, route="reframe", channels=channels, locales=("en",), source=source)
    made = request(member, matrix, key="own")
    drain()
    (cell,) = cells_of(made)
    own = changed(cell.asset, policy=member, cell=cell)
    theirs = ask(own.chain, boss, parent=own.number)
    assert not member.can("view", theirs.candidates.get().asset)
    with pytest.raises(NotAllowed):
        take(member, EditStep.objects.get(pk=theirs.pk))
    assert cells_of(made)[0].asset == cell.asset
    assert take(member, own).kind == "compose"


def test_whoever_asked_for_the_edit_is_no_second_person(brand):
    made = sheet_of(brand, "square", locales=("en",))
    (cell,) = cells_of(made)
    editor = Policy(factories.make_user("manager", brand=brand))
    kit, files = factories.kit_and_files(brand.slug, second_person=True)
    factories.add_revision(brand, kit, files)
    step = changed(cell.asset, policy=editor, cell=cell)
    take(OPERATOR, step)
    drain()
    asset = Asset.objects.select_related("brand__revision", "parent").get(pk=cells_of(made)[0].asset.pk)
    assert same_person(editor, asset)
    assert not same_person(Policy(factories.make_user("manager", brand=brand)), asset)


# A reviewer's wish -------------------------------------------------------------------------------------------------


def test_a_reviewers_change_opens_prefilled(brand):
    (cell,) = cells_of(sheet_of(brand, "square", locales=("en",)))
    assert asked_change(OPERATOR, cell.asset) is None
    change_this(OPERATOR, cell.asset, note="Take the cup away", region=(0.1, 0.1, 0.2, 0.2))
    cell.asset.refresh_from_db()
    review, order = asked_change(OPERATOR, cell.asset)
    assert (review.note, order.kind, order.region) == ("Take the cup away", "inpaint", (0.1, 0.1, 0.2, 0.2))
    assert asked_change(Policy(factories.make_user("viewer", brand=brand)), cell.asset) is None


def test_the_place_that_a_reviewer_marked_is_where_the_picture_changes(brand):
    (cell,) = cells_of(sheet_of(brand, "square", locales=("en",)))
    step = changed(cell.asset, StepOrder(instruction="x", route="quick", region=(0.0, 0.0, 0.25, 0.25)))
    before = np.asarray(picture(cell.asset.parent).convert("RGB"))
    after = np.asarray(picture(step.candidates.get().asset).convert("RGB"))
    moved = np.argwhere((before != after).any(axis=-1))
    height, width = before.shape[:2]
    assert moved.size
    assert moved[:, 0].max() < 0.3 * height
    assert moved[:, 1].max() < 0.3 * width


def test_outputs_of_an_edit_are_what_is_shown(brand):
    step = changed(factories.make_asset(brand, (800, 600)), StepOrder(instruction="x", route="quick", region=LEFT))
    found = step.candidates.get()
    assert JobOutput.objects.get(job=step.job).asset == found.asset != found.raw


def test_a_chain_begun_by_hand_is_found_again(brand):
    asset = factories.make_asset(brand, (800, 600))
    chain = chain_from(asset)
    assert chain_of(OPERATOR, asset)[0] == chain


def test_a_history_that_was_begun_elsewhere_gives_its_results_to_the_sheet_too(brand):
    made = sheet_of(brand, "square", locales=("en",))
    (cell,) = cells_of(made)
    chain = chain_from(cell.asset.parent)
    step = changed(cell.asset, cell=cell)
    assert (step.chain, step.chain.cell) == (chain, cell)
    take(OPERATOR, step)
    drain()
    assert cells_of(made)[0].asset.parent == step.candidates.get().asset


def test_a_history_of_one_sheet_does_not_grow_into_another(brand):
    made = sheet_of(brand, "square", locales=("en",))
    (cell,) = cells_of(made)
    first = changed(cell.asset, cell=cell)
    take(OPERATOR, first)
    drain()
    result = first.candidates.get().asset
    other = sheet_of(brand, "square", locales=("en",))
    (there,) = cells_of(other)
    JobOutput.objects.filter(job=there.job).update(asset=result)
    there.asset.__class__.objects.filter(pk=there.asset.pk).update(parent=result)
    there.asset.refresh_from_db()
    second = changed(there.asset, StepOrder(instruction="Else", route="quick"), cell=there)
    assert second.chain != first.chain
    assert second.chain.cell == there
