"""Finish a draft on a better route: that very picture goes along, priced first, on sites that can."""

from __future__ import annotations

import pytest
from django.urls import reverse

from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.models import Asset, JobOutput, VariantSet
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import finish, finishes, preview, request
from image_studio.workflow.finish import draft_cells, finish_matrices
from tests import factories
from tests.admin.browser import Page
from tests.admin.conftest import signed_in
from tests.api.conftest import API, is_problem
from tests.fakes.openai_server import serve
from tests.workflow.paid import OPENAI, cut_out, paid_settings
from tests.workflow.test_preview import matrix_for

OPERATOR = Policy.operator()


@pytest.fixture
def brand(db, tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = paid_settings(BRAND_CHECKS=())
    return factories.make_brand()


def draft_set(brand, *, policy=OPERATOR, route="quick", done=True, **changes):
    """A set as a worker leaves it, whose bought picture is one of ours."""
    channels = tuple(factories.make_channels("square"))
    version = factories.make_prompt(brand, "A red bottle", variables=[])
    values = {"route": route, "channels": channels, "locales": ("en", "ar"), "prompt_version": version, **changes}
    made = request(policy, matrix_for(brand, **values), key=f"draft-{route}")
    for job in made.jobs.all() if done else ():
        raw = factories.make_asset(brand, (64, 64), origin="provider", created_by=policy.user)
        JobOutput.objects.create(job=job, index=0, asset=raw)
        for cell in job.variants.all():
            cell.state = "ready"
            cell.asset = factories.make_asset(
                brand, (64, 64), kind="composed", origin="compose", parent=raw, created_by=policy.user
            )
            cell.save()
        job.state = "done"
        job.save()
    return made


def first(made):
    return made.variants.order_by("position").first()


def raw_of(cell):
    return JobOutput.objects.get(job=cell.job_id, index=cell.output_index).asset


# What it would be ---------------------------------------------------------------------------------------------------


def test_better_routes_are_offered_with_their_price_and_the_cheapest_first(brand):
    found = finishes(OPERATOR, [first(draft_set(brand)).pk])
    names = [one.route.name for one in found]
    assert names.index("standard") < names.index("premium")
    assert {"quick", "reframe", "placeholder", "greedy"}.isdisjoint(names)
    assert all(one.order.price.most > 0 and not one.order.blocked for one in found)
    assert VariantSet.objects.count() == 1


def test_the_draft_is_the_first_input_of_an_edit_with_the_sets_own_prompt(brand):
    source = factories.make_asset(brand, (64, 48))
    old = draft_set(brand, source=source, options={"background": "opaque", "mask": str(cut_out(brand).pk)})
    cell = first(old)
    (matrix,) = finish_matrices(OPERATOR, [cell.pk], "premium")
    (job,) = preview(OPERATOR, matrix).jobs
    assert [(ref.role, ref.asset) for ref in job.request.inputs] == [("source", str(raw_of(cell).pk))]
    assert (job.request.prompt, job.request.model, job.request.quality) == ("A red bottle", "gpt-image-2", "high")
    assert (matrix.locales, [channel.slug for channel in matrix.channels]) == (("en", "ar"), ["square"])
    # The mask lay over the draft's own source.
    assert matrix.options == {"background": "opaque"}


def test_it_stays_as_close_as_a_model_can(brand, settings):
    routes = {"old": {"title": "Old", "provider": "openai", "model": "gpt-image-1.5", "quality": "high"}}
    settings.IMAGE_STUDIO = paid_settings(ROUTES=routes)
    (matrix,) = finish_matrices(OPERATOR, [first(draft_set(brand)).pk], "old")
    assert matrix.options == {"fidelity": "high"}


@pytest.mark.parametrize("route", ["quick", "reframe", "nowhere"])
def test_a_route_that_is_not_better_is_refused(brand, route):
    cell = first(draft_set(brand))
    with pytest.raises(InvalidRequest, match=r"finish\.not_better"):
        finish(OPERATOR, [cell.pk], route, key="one")


def test_the_best_route_has_nothing_better(brand):
    assert "premium" not in [
        one.route.name for one in finishes(OPERATOR, [first(draft_set(brand, route="premium")).pk])
    ]


def test_a_site_with_previs_alone_offers_nothing(brand, settings):
    cell = first(draft_set(brand))
    settings.IMAGE_STUDIO = {"DOORBELL": "poll"}
    assert finishes(OPERATOR, [cell.pk]) == ()


def test_what_is_no_draft_is_said(brand):
    waiting = first(draft_set(brand, done=False))
    with pytest.raises(Conflict, match=r"finish\.no_picture"):
        finishes(OPERATOR, [waiting.pk])
    stand_in = first(draft_set(brand, route="placeholder"))
    Asset.objects.filter(pk=raw_of(stand_in).pk).update(publishable=False)
    with pytest.raises(Conflict, match=r"finish\.not_a_draft"):
        finishes(OPERATOR, [stand_in.pk])
    source = factories.make_asset(brand, (64, 48))
    wordless = first(draft_set(brand, route="reframe", source=source, prompt_version=None))
    with pytest.raises(Conflict, match=r"finish\.no_prompt"):
        finishes(OPERATOR, [wordless.pk])
    with pytest.raises(InvalidRequest, match=r"finish\.nothing_chosen"):
        finishes(OPERATOR, [])


# The order ----------------------------------------------------------------------------------------------------------


def test_a_key_finishes_once_and_a_changed_price_is_asked_again(brand):
    cell = first(draft_set(brand))
    (seen,) = (one.order.digest for one in finishes(OPERATOR, [cell.pk]) if one.route.name == "premium")
    with pytest.raises(Conflict, match=r"preview\.changed"):
        finish(OPERATOR, [cell.pk], "premium", key="one", digest="another")
    made = finish(OPERATOR, [cell.pk], "premium", key="one", digest=seen)
    assert finish(OPERATOR, [cell.pk], "premium", key="one", digest=seen) == made
    assert [one.source for one in made] == [raw_of(cell)]
    assert VariantSet.objects.count() == 2
    assert draft_cells(made[0])[cell.channel_id, "en"] == cell.asset


def test_cells_of_one_picture_are_one_draft_and_others_another(brand):
    channels = tuple(factories.make_channels("square", "story"))
    old = draft_set(brand, channels=channels)
    made = finish(OPERATOR, [cell.pk for cell in old.variants.all()], "premium", key="one")
    assert len(made) == 2
    assert {one.source_id for one in made} == {raw_of(cell).pk for cell in old.variants.all()}
    assert all(one.variants.count() == 2 for one in made)


def test_who_may_not_generate_finishes_nothing(brand):
    cell = first(draft_set(brand))
    for policy in (Policy(factories.make_user("viewer", brand=brand)), Policy(factories.make_user())):
        with pytest.raises(NotAllowed):
            finish(policy, [cell.pk], "premium", key="one")
    assert VariantSet.objects.count() == 1


def test_a_draft_is_bought_finished_and_shown_beside_its_finish(brand, settings, tmp_path):
    with serve(ledger=tmp_path / "ledger.jsonl") as server:
        options = {"api_key": "sk-test", "base_url": server.base_url}
        providers = {**paid_settings()["PROVIDERS"], "openai": {**OPENAI, "OPTIONS": options}}
        settings.IMAGE_STUDIO = paid_settings(BRAND_CHECKS=(), PROVIDERS=providers)
        cheap = draft_set(brand, done=False)
        drain()
        (made,) = finish(OPERATOR, [first(cheap).pk], "standard", key="one")
        drain()
        paths = [(call["path"], call["charged"]) for call in server.calls()]
    assert paths == [("/v1/images/generations", True), ("/v1/images/edits", True)]
    assert set(made.variants.values_list("state", flat=True)) == {"ready"}
    assert raw_of(first(made)).recipe["request"]["inputs"][0]["asset"] == str(raw_of(first(cheap)).pk)
    page = Page.of(boss().get(reverse("admin:image_studio_variantset_change", args=[made.pk])))
    assert f"/asset/{first(cheap).asset_id}/picture/preview/" in page.html


# In the admin and over the API --------------------------------------------------------------------------------------


def boss():
    return signed_in(factories.make_user(is_staff=True, is_superuser=True))


def inspector(cell):
    return reverse("admin:image_studio_variantset_inspect", args=[cell.variant_set_id, cell.pk])


def test_the_inspector_offers_each_route_with_its_price_and_orders_it(brand):
    cell, client = first(draft_set(brand)), boss()
    page = Page.of(client.get(inspector(cell)))
    url = reverse("admin:image_studio_variantset_finish", args=[cell.variant_set_id, cell.pk])
    forms = [form for form in page.forms if form.get("action") == url]
    said = [page.data(form) for form in forms]
    wanted = next(data for data in said if data["route"] == ["premium"])
    assert "Finish on Premium, about $" in page.html
    response = client.post(url, wanted)
    made = VariantSet.objects.exclude(pk=cell.variant_set_id).get()
    assert response["Location"] == reverse("admin:image_studio_variantset_change", args=[made.pk])
    assert client.post(url, wanted)["Location"] == response["Location"]
    assert VariantSet.objects.count() == 2


@pytest.mark.parametrize("change", [{"digest": [""]}, {"digest": ["x"]}, {"route": ["quick"]}, {"seen": ["0" * 64]}])
def test_what_was_not_seen_is_not_bought(brand, change):
    cell, client = first(draft_set(brand)), boss()
    page = Page.of(client.get(inspector(cell)))
    url = reverse("admin:image_studio_variantset_finish", args=[cell.variant_set_id, cell.pk])
    form = next(form for form in page.forms if form.get("action") == url)
    assert client.post(url, {**page.data(form), **change})["Location"] == inspector(cell)
    assert VariantSet.objects.count() == 1


def test_the_inspector_has_no_dead_button(brand, settings):
    cell = first(draft_set(brand))
    settings.IMAGE_STUDIO = {"DOORBELL": "poll"}
    assert "Finish on" not in Page.of(boss().get(inspector(cell))).html


def test_the_api_prices_and_orders_it(brand):
    creator = factories.make_user("creator", brand=brand)
    cell, client = first(draft_set(brand, policy=Policy(creator))), API(creator)
    path = f"variant-sets/{cell.variant_set_id}/cells/{cell.pk}/finish/"
    offers = {one["route"]: one for one in client.read(path)["routes"]}
    premium = offers["premium"]
    assert list(offers).index("standard") < list(offers).index("premium")
    assert (premium["model"], premium["pictures"], premium["cells"], premium["blocked"]) == ("gpt-image-2", 1, 2, False)
    is_problem(client.ask("POST", path, {"route": "premium"}), 400, "idempotency.key_missing")
    wrong = {"route": "premium", "digest": "x"}
    is_problem(client.ask("POST", path, wrong, idempotency_key="a"), 409, "preview.changed")
    is_problem(client.ask("POST", path, {"route": "quick"}, idempotency_key="b"), 422, "finish.not_better")
    said = {"route": "premium", "digest": premium["digest"]}
    answers = [client.ask("POST", path, said, status=202, idempotency_key="c") for _time in range(2)]
    assert answers[0].content == answers[1].content
    made = client.read(answers[0]["Location"])
    assert (made["source"], made["route"]) == (str(raw_of(cell).pk), "premium")
    assert VariantSet.objects.count() == 2
