"""A step of an edit history: what it would cost, what it makes, and what stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from image_studio import storage, tasks
from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.models import Asset, EditCandidate, EditChain, EditFile, EditStep, Job, JobOutput, Rendition
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow.chains import choose
from image_studio.workflow.edit_files import add_mask
from image_studio.workflow.step_orders import begin_with_prompt, request_step
from image_studio.workflow.steps import StepOrder, preview_step, step_offers
from tests import factories
from tests.workflow.chains import LEFT, OPERATOR, ask, chain_from, paid_site, picture

pytestmark = pytest.mark.django_db
SIZE = (1024, 768)


@pytest.fixture
def fake(db, tmp_path, settings):
    with paid_site(settings, tmp_path) as server:
        yield server


@pytest.fixture
def brand(fake):
    return factories.make_brand()


@pytest.fixture
def source(brand):
    return factories.make_asset(brand, SIZE)


@pytest.fixture
def chain(source):
    return chain_from(source)


def only(step):
    return step.candidates.select_related("asset", "raw").get()


def pixels(asset):
    return np.asarray(picture(asset).convert("RGB"))


# What comes --------------------------------------------------------------------------------------------------------


def test_a_chain_begins_with_its_picture_as_its_first_step(chain, source):
    start = chain.steps.get()
    assert (start.number, start.parent_number, start.kind, start.status) == (1, None, "start", "ready")
    assert (start.state, start.choice, only(start).asset) == ("chosen", 0, source)
    assert (chain.head, chain.length, EditChain.objects.get().length) == (1, 1, 1)


def test_a_change_of_a_part_leaves_every_other_pixel_as_it_was(chain, source, fake):
    step = ask(chain, region=LEFT)
    found = only(step)
    assert (step.status, step.kind, step.parent_number) == ("ready", "inpaint", 1)
    assert found.paste["pasted"], found.paste
    before, after = pixels(source), pixels(found.asset)
    assert before.shape == after.shape
    feather = found.paste["feather"]
    left, top = int(0.1 * SIZE[0]) - feather, int(0.2 * SIZE[1]) - feather
    right, bottom = int(0.4 * SIZE[0]) + feather + 1, int(0.6 * SIZE[1]) + feather + 1
    same = (before == after).all(axis=-1)
    outside = np.ones(same.shape, bool)
    outside[top:bottom, left:right] = False
    assert same[outside].all()
    assert not same[~outside].all()
    assert len(fake.charged()) == 1


def test_the_answer_is_kept_below_the_pasted_picture(chain, source):
    found = only(ask(chain, region=LEFT))
    assert found.asset != found.raw
    assert found.asset.parent == found.raw
    assert found.raw.parent == source
    assert found.raw.origin == "provider"
    assert found.asset.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert JobOutput.objects.get(job=found.step.job).asset == found.asset


def test_what_drifted_is_told_of_the_answer_and_is_nothing_once_pasted(chain):
    found = only(ask(chain, region=LEFT))
    assert found.drift["share"] == 0
    assert found.drift["masked"]
    assert set(found.drift["raw"]) == {
        "share", "mean", "typical", "worst", "worst_mean", "measured", "threshold", "masked",
    }  # fmt: skip
    assert found.drift["raw"]["mean"] > 0
    heat = Rendition.objects.get(asset=found.asset, spec="drift")
    assert not heat.public


def test_without_a_mask_the_answer_itself_is_shown_with_its_drift(chain):
    found = only(ask(chain))
    assert found.asset == found.raw
    assert found.paste == {}
    assert found.drift["share"] > 0.5
    assert not found.drift["masked"]
    verdict = found.asset.verdicts.get(check_name="drift")
    assert (verdict.verdict, verdict.code) == ("not_run", "drift.no_mask")


def test_pixels_stay_the_models_where_nobody_wants_them_back(chain):
    found = only(ask(chain, region=LEFT, paste=False))
    assert found.asset == found.raw
    assert found.asset.verdicts.get(check_name="drift").verdict in ("pass", "warn", "fail")


def test_verdicts_say_what_is_judged_only_once_logo_and_words_are_there(chain):
    found = only(ask(chain, region=LEFT))
    by_name = {row.check_name: row for row in found.asset.verdicts.all() if row.code == "check.not_composed"}
    assert set(by_name) == {"lines", "contrast", "logo", "safe_area"}
    assert {row.verdict for row in by_name.values()} == {"not_run"}
    assert found.asset.verdicts.filter(check_name="palette").exclude(verdict="not_run").exists()


def test_a_shape_that_the_model_does_not_make_is_cut_out_of_the_answer(brand, settings):
    rows = dict(settings.IMAGE_STUDIO)
    compat = {"title": "Old", "provider": "openai", "model": "gpt-image-1.5", "quality": "low"}
    rows["ROUTES"] = {**rows["ROUTES"], "old": compat}
    settings.IMAGE_STUDIO = rows
    wide = factories.make_asset(brand, (1000, 400))
    step = ask(chain_from(wide), route="old", region=LEFT)
    found = only(step)
    assert step.job.request["size"] == [1536, 1024]
    assert found.paste["pasted"], found.paste
    assert found.asset.size == (1000, 400)
    same = (pixels(wide) == pixels(found.asset)).all(axis=-1)
    assert same[:, 500:].all()
    plain = only(ask(chain_from(wide), route="old"))
    assert plain.raw.size == (1536, 1024)
    assert plain.asset.width / plain.asset.height == pytest.approx(2.5, rel=0.01)


def test_extending_keeps_the_picture_and_adds_around_it(chain, source, fake):
    step = ask(chain, kind="extend", ratio="16:9", instruction="")
    found = only(step)
    width = round(SIZE[1] * 16 / 9)
    assert found.paste["pasted"], found.paste
    assert found.asset.size == (width, SIZE[1])
    left = (width - SIZE[0]) // 2
    feather = found.paste["feather"] + 2
    kept = pixels(found.asset)[:, left + feather : left + SIZE[0] - feather]
    assert (kept == pixels(source)[:, feather:-feather]).all()
    assert found.step.job.request["inputs"][1]["role"] == "mask"


def test_a_free_route_extends_and_refuses_words(chain):
    found = only(ask(chain, kind="extend", ratio="1:1", instruction="", route="reframe"))
    assert found.asset.size[0] == found.asset.size[1]
    with pytest.raises(InvalidRequest) as refused:
        ask(chain, kind="edit", instruction="Make it green", route="reframe")
    assert refused.value.code in ("step.not_by_this_route", "provider.instruction")


def test_a_painted_mask_is_sent_as_it_is_kept(chain, source, fake):
    paint = factories.Image.new("RGBA", SIZE)
    factories.ImageDraw.Draw(paint).rectangle((100, 100, 300, 300), fill=(255, 0, 0, 255))
    mask = add_mask(OPERATOR, chain, source, data=factories.encoded(paint), reads="painted")
    assert mask.told["share"] == pytest.approx(201 * 201 / (SIZE[0] * SIZE[1]), abs=0.001)
    step = ask(chain, mask=str(mask.pk))
    assert only(step).paste["pasted"]
    assert step.job.request["inputs"][1]["file"] == str(mask.pk)


def test_references_go_along_in_their_roles(chain, brand, source):
    style, product = factories.make_asset(brand), factories.make_asset(brand)
    step = ask(chain, kind="restyle", references=(("style", str(style.pk)), ("product", str(product.pk))))
    prompt = step.job.request["prompt"]
    assert "Image 2 shows the style" in prompt
    assert "image 3 shows the product" in prompt
    assert [row.get("as") for row in step.inputs] == [None, "style", "product"]
    assert only(step).asset is not None


def test_a_background_is_removed_where_the_model_can(chain, settings):
    step = ask(chain, kind="remove_background", instruction="", route="hinted")
    assert only(step).asset.has_alpha
    with pytest.raises(InvalidRequest) as refused:
        ask(chain, kind="remove_background", instruction="", route="quick")
    assert "Hinted" in refused.value.params["can"]


def test_several_candidates_are_one_request(chain, fake):
    step = ask(chain, candidates=3)
    assert step.candidates.count() == 3
    assert len(fake.charged()) == 1
    assert {one.micro_usd for one in step.candidates.all()} == {step.job.cost_micro_usd // 3}


def test_a_chain_may_begin_with_words(brand):
    order = StepOrder(kind="generate", instruction="A red tin of tea", route="quick", ratio="3:2")
    step = begin_with_prompt(OPERATOR, brand, order, key="begin")
    drain()
    step.refresh_from_db()
    assert (step.number, step.kind, step.chain.title) == (1, "generate", "A red tin of tea")
    grown = ask(step.chain, region=LEFT)
    assert grown.parent_number == 1
    assert only(grown).asset.source_type == "trainedAlgorithmicMedia"
    assert EditStep.objects.get(pk=step.pk).state == "chosen"


# Before it costs something -----------------------------------------------------------------------------------------


def test_a_step_is_priced_before_it_is_asked_for_and_what_changed_asks_again(chain):
    order = StepOrder(instruction="Make it green", route="quick", region=LEFT)
    plan = preview_step(OPERATOR, chain, order)
    assert 0 < plan.price.likely <= plan.price.most
    assert (Job.objects.count(), EditFile.objects.count()) == (0, 0)
    with pytest.raises(Conflict, match=r"preview\.changed"):
        request_step(OPERATOR, chain, order, key="k", digest="0" * 64)
    step = request_step(OPERATOR, chain, order, key="k", digest=plan.digest)
    assert step.job.estimate_micro_usd == plan.price.most
    assert request_step(OPERATOR, chain, order, key="k").pk == step.pk
    assert Job.objects.count() == 1


def test_every_route_says_what_it_would_cost_or_why_not(chain):
    found = {one.route.name: one for one in step_offers(OPERATOR, chain, StepOrder(instruction="Greener"))}
    assert "placeholder" not in found
    assert found["quick"].preview.price.likely < found["premium"].preview.price.likely
    assert not found["reframe"].usable
    assert found["reframe"].why_not


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"kind": "fly"}, "step.unknown_kind"),
        ({"kind": "generate"}, "step.unknown_kind"),
        ({"candidates": 0}, "step.bad_candidates"),
        ({"detail": "most"}, "step.unknown_detail"),
        ({"feather": -1}, "step.bad_feather"),
        ({"instruction": "  "}, "step.no_instruction"),
        ({"kind": "inpaint"}, "step.no_mask"),
        ({"kind": "markup"}, "step.no_markup"),
        ({"kind": "extend"}, "step.no_ratio"),
        ({"kind": "extend", "ratio": "0:0"}, "step.bad_ratio"),
        ({"kind": "extend", "ratio": "16:9", "anchor": "north"}, "canvas.bad_anchor"),
        ({"kind": "combine"}, "step.no_reference"),
        ({"references": (("hat", "x"),)}, "step.unknown_role"),
        ({"references": (("style", "x"),)}, "option.no_such_picture"),
        ({"region": LEFT, "polygons": (((0, 0), (0.5, 0), (0, 0.5)),)}, "step.two_masks"),
        ({"region": (2.0, 2.0, 0.1, 0.1)}, "mask.bad_points"),
        ({"region": (1.5, 0.0, 0.2, 0.2)}, "mask.outside"),
        ({"region": (0.0, 0.0, 1.0, 1.0)}, "mask.full"),
        ({"mask": "no-id"}, "step.no_such_file"),
        ({"parent": 9}, "chain.no_such_step"),
        ({"candidate": 4}, "chain.no_such_candidate"),
        ({"route": "teleport"}, "request.unknown_route"),
        ({"instruction": "A miracle bottle"}, "terms.prohibited_prompt"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(chain, order, code):
    with pytest.raises(InvalidRequest) as refused:
        ask(chain, **order)
    assert refused.value.code.startswith(code.split("_prompt")[0]), refused.value
    assert (EditStep.objects.count(), Job.objects.count(), EditFile.objects.count()) == (1, 0, 0)


def test_a_mask_of_another_size_is_refused_with_both_sizes(chain, source):
    paint = factories.Image.new("RGBA", (500, 500), (255, 0, 0, 255))
    with pytest.raises(InvalidRequest, match=r"mask\.other_ratio") as refused:
        add_mask(OPERATOR, chain, source, data=factories.encoded(paint), reads="painted")
    assert refused.value.params == {"size": "500x500", "nearest": "1024x768"}
    assert not EditFile.objects.exists()


def test_a_reference_that_the_member_may_not_see_is_not_there(brand, source):
    other = factories.make_asset(factories.make_brand())
    member = Policy(factories.make_user("creator", brand=brand))
    chain = chain_from(source, member)
    with pytest.raises(InvalidRequest, match=r"option\.no_such_picture"):
        ask(chain, member, references=(("style", str(other.pk)),))


def test_what_is_made_from_a_stand_in_would_pass_for_a_picture(chain, brand):
    stand_in = factories.make_asset(brand, (100, 100), publishable=False)
    with pytest.raises(InvalidRequest, match=r"step\.placeholder"):
        ask(chain, references=(("style", str(stand_in.pk)),))


@pytest.mark.parametrize("route", ["quick", "reframe"])
@pytest.mark.parametrize(("size", "ratio"), [(SIZE, "4:3"), ((20, 20), "1.02:1"), ((1, 1), "1:1")])
def test_an_extension_that_adds_nothing_is_not_bought(brand, route, size, ratio):
    chain = chain_from(factories.make_asset(brand, size))
    found = preview_step(OPERATOR, chain, StepOrder(kind="extend", ratio=ratio, route=route))
    assert "step.nothing_to_extend" in [one.code for one in found.findings if one.blocks]


@pytest.mark.parametrize(
    ("size", "order"),
    [
        ((7000, 7000), {"kind": "extend", "ratio": "20:1"}),
        ((1000, 1000), {"kind": "extend", "ratio": "17:1"}),
        ((16000, 800), {"instruction": "Green"}),
    ],
)
def test_no_canvas_is_larger_than_a_picture_may_be(brand, size, order):
    source = factories.make_asset(brand, (80, 80))
    Asset.objects.filter(pk=source.pk).update(width=size[0], height=size[1])
    chain = chain_from(Asset.objects.select_related("brand__revision").get(pk=source.pk))
    found = preview_step(OPERATOR, chain, StepOrder(route="quick", **order))
    assert [one.code for one in found.findings if one.blocks] == ["step.canvas_too_large"]


@pytest.mark.parametrize("place", [{"region": LEFT}, {"polygons": (((0.1, 0.1), (0.5, 0.1), (0.5, 0.5)),)}])
def test_a_place_is_not_lost_in_an_extension(chain, place):
    with pytest.raises(InvalidRequest, match=r"step\.extend_and_place"):
        ask(chain, kind="extend", ratio="16:9", **place)


@pytest.mark.django_db(transaction=True)
def test_a_doorbell_that_breaks_after_the_commit_costs_no_mask(chain, monkeypatch):
    def broken(_ids):
        raise OSError("the queue is away")

    with monkeypatch.context() as patched:
        patched.setattr(tasks, "ring", broken)
        with pytest.raises(OSError, match="the queue is away"):
            ask(chain, region=LEFT, work=False)
    drain()
    assert EditStep.objects.select_related("job").get(number=2).status == "ready"


def test_lookers_ask_for_nothing(chain, brand):
    with pytest.raises(NotAllowed):
        ask(chain, Policy(factories.make_user("viewer", brand=brand)))


def test_nothing_grows_from_a_step_that_still_runs(chain):
    step = ask(chain, work=False)
    with pytest.raises(Conflict, match=r"chain\.parent_running"):
        ask(chain, parent=step.number)
    assert ask(chain, parent=1, work=False).parent_number == 1


def test_of_several_pictures_one_is_chosen_first(chain):
    step = ask(chain, candidates=2)
    with pytest.raises(Conflict, match=r"chain\.choose_first"):
        ask(chain, parent=step.number)
    choose(OPERATOR, step, 1)
    grown = ask(chain)
    assert (grown.parent_number, grown.parent_candidate) == (step.number, 1)


def test_moderation_ends_a_step_and_nothing_else(chain, fake):
    step = ask(chain, instruction="Make it [flag:violence]")
    assert step.status == "blocked"
    assert step.fault[0] == "provider.moderation_blocked"
    assert not step.candidates.filter(asset__isnull=False).exists()
    assert ask(chain, parent=1).status == "ready"


def test_a_parent_whose_file_is_gone_costs_no_picture(chain, source):
    step = ask(chain, work=False, region=LEFT)
    storage.private().delete(source.file)
    drain()
    step = EditStep.objects.select_related("job").get(pk=step.pk)
    assert step.status == "failed"
    assert step.fault[0].startswith("storage.")


def test_candidates_outlive_their_pictures(chain):
    step = ask(chain)
    found = only(step)
    EditCandidate.objects.filter(pk=found.pk).update(asset=None, raw=None)
    JobOutput.objects.all().delete()
    Asset.objects.filter(pk=found.asset.pk).delete()
    found.refresh_from_db()
    assert (found.asset, found.sha256 != "", found.width) == (None, True, found.width)
    with pytest.raises(Conflict, match=r"chain\.picture_gone"):
        ask(chain, parent=step.number)
