"""Options of a matrix: carried into requests, kept with the set, asked for at sizes that a model makes."""

from __future__ import annotations

import pytest

from image_studio import conf
from image_studio.catalog import specs
from image_studio.catalog.sizes import sized
from image_studio.models import Job, JobOutput, VariantSet
from image_studio.policy import Policy
from image_studio.providers.base import PictureRequest
from image_studio.workflow import preview, request, retry
from image_studio.workflow.offers import offers
from image_studio.workflow.plan import Matrix, sized_groups
from tests import factories
from tests.api.conftest import API
from tests.workflow.paid import cut_out, paid_settings
from tests.workflow.test_preview import matrix_for

OPERATOR = Policy.operator()
PAID = [spec for spec in specs.models().values() if not spec.free]


@pytest.fixture
def site(db, tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = paid_settings(BRAND_CHECKS=())


@pytest.fixture
def brand(site):
    return factories.make_brand()


def matrix(brand, **changes):
    values = {
        "route": "compat",
        "channels": tuple(factories.make_channels("square", "story")),
        "locales": ("en",),
        "prompt_version": factories.make_prompt(brand, "A red bottle", variables=[]),
        **changes,
    }
    return matrix_for(brand, **values)


# Sizes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", PAID, ids=lambda spec: spec.id)
@pytest.mark.parametrize("sharing", ["ratio", "key_visual"])
def test_every_paid_model_makes_the_sizes_that_are_asked_for(spec, sharing):
    found = sized_groups(list(specs.channels().values()), sharing, spec)
    assert all(not spec.size_faults(*size) for size, _group in found)
    sizes = [size for size, _group in found]
    assert len(set(sizes)) == len(sizes)
    assert sorted(channel.slug for _size, group in found for channel in group) == sorted(specs.channels())


@pytest.mark.parametrize("spec", [spec for spec in specs.models().values() if spec.free], ids=lambda spec: spec.id)
def test_a_model_without_rules_makes_the_channels_own_sizes(spec):
    assert all(sized(channel.size, spec) == channel.size for channel in specs.channels().values())


def test_ratios_that_a_model_makes_at_one_size_are_bought_once(brand):
    channels = tuple(factories.make_channels("square", "newsletter", "link-card"))
    fixed = preview(OPERATOR, matrix(brand, channels=channels))
    free = preview(OPERATOR, matrix(brand, channels=channels, route="premium"))
    assert (fixed.pictures, free.pictures) == (2, 3)
    assert fixed.cells == free.cells == 3
    assert {channel for job in fixed.jobs for channel in job.channels} == {"square", "newsletter", "link-card"}


# Into a request -----------------------------------------------------------------------------------------------------


def test_options_are_what_is_asked_of_the_provider(brand):
    source, more, mask = factories.make_asset(brand, (64, 48)), factories.make_asset(brand, (9, 9)), cut_out(brand)
    options = {
        "background": "transparent",
        "output_format": "webp",
        "compression": 0,
        "fidelity": "high",
        "moderation": "low",
        "references": [str(more.pk)],
        "mask": str(mask.pk),
        "extra": {"new_thing": 1},
    }
    found = preview(OPERATOR, matrix(brand, source=source, options=options))
    assert not found.blocked, found.findings
    asked = found.jobs[0].request
    for name in ("background", "output_format", "compression", "fidelity", "moderation", "extra"):
        assert getattr(asked, name) == options[name]
    assert [(ref.role, ref.asset) for ref in asked.inputs] == [
        ("source", str(source.pk)),
        ("reference", str(more.pk)),
        ("mask", str(mask.pk)),
    ]
    assert asked.inputs[1].sha256 == more.sha256


def test_early_versions_are_paid_for_and_come_of_one_picture_at_a_time(brand):
    version, one = factories.make_prompt(brand, "A cup", variables=[]), tuple(factories.make_channels("square"))
    plain, early = (
        preview(
            OPERATOR, matrix(brand, prompt_version=version, channels=one, route="premium", takes=3, options=options)
        )
        for options in ({}, {"partial_images": 2})
    )
    assert [job.request.n for job in plain.jobs] == [3]
    assert [(job.request.n, job.request.first, job.request.partial_images) for job in early.jobs] == [
        (1, 0, 2),
        (1, 1, 2),
        (1, 2, 2),
    ]
    # 100 tokens each at 30 USD per 1,000,000; each of three requests rounds its own tokens up.
    assert 0 <= early.price.most - plain.price.most - 3 * 2 * 100 * 30 < 3 * 30
    many = preview(OPERATOR, matrix(brand, prompt_version=version, route="premium", options={"partial_images": 4}))
    assert [one.code for one in many.findings if one.blocks] == ["provider.partials"]


def test_what_says_nothing_is_no_option(brand):
    empty = {"background": "", "compression": None, "references": [], "extra": {}}
    version = factories.make_prompt(brand, "A cup", variables=[])
    plain, same = (matrix(brand, prompt_version=version, options=options) for options in ({}, empty))
    assert plain.to_dict() == same.to_dict()
    assert "options" not in plain.to_dict()
    assert preview(OPERATOR, plain).digest == preview(OPERATOR, same).digest


def test_a_matrix_cannot_be_changed_by_whoever_gave_the_options(brand):
    given = {"background": "opaque"}
    found = Matrix(brand=brand, route="compat", channels=(), locales=(), options=given)
    given["background"] = "transparent"
    assert found.options == {"background": "opaque"}
    with pytest.raises(TypeError):
        found.options["background"] = "auto"


def test_another_choice_is_another_digest_and_price(brand):
    source = factories.make_asset(brand, (64, 48))
    version = factories.make_prompt(brand, "A cup", variables=[])
    close, loose = (
        preview(OPERATOR, matrix(brand, source=source, prompt_version=version, options={"fidelity": fidelity}))
        for fidelity in ("high", "low")
    )
    assert close.digest != loose.digest
    assert close.price.most > loose.price.most


def test_a_route_that_changes_has_both_prices(brand, monkeypatch):
    day = specs.models()["gpt-image-1.5"].ends_on
    monkeypatch.setattr(conf, "today", lambda: day.replace(month=day.month - 1))
    asked = matrix(brand)
    found = offers(OPERATOR, [asked], ["compat", "premium"])
    assert found["premium"].later is None
    monkeypatch.setattr(conf, "today", lambda: day)
    assert found["compat"].later == offers(OPERATOR, [asked], ["compat"])["compat"].price
    assert found["compat"].later != found["compat"].price


def test_the_api_names_the_models_of_a_route_and_both_prices(brand, monkeypatch):
    day = specs.models()["gpt-image-1.5"].ends_on
    monkeypatch.setattr(conf, "today", lambda: day.replace(month=day.month - 1))
    creator = factories.make_user("creator", brand=brand)
    body = {"brand": brand.slug, "route": "compat", "channels": ["square"], "locales": ["en"]}
    factories.make_channels("square")
    body["prompt"] = str(factories.make_prompt(brand, "A cup", variables=[]).prompt_id)
    found = API(creator).say("variant-sets/preview/", body, status=200)["routes"]
    compat = next(route for route in found if route["name"] == "compat")
    assert (compat["model"], compat["quality"]) == ("gpt-image-1.5", "medium")
    later = compat["switch"].pop("price")
    assert compat["switch"] == {"on": day.isoformat(), "model": "gpt-image-2.5-sunburst", "quality": "high"}
    assert later["most"] != compat["price"]["most"] > 0
    assert next(route for route in found if route["name"] == "premium")["switch"] is None


# Kept with the set --------------------------------------------------------------------------------------------------


def test_a_set_keeps_its_options_and_so_does_its_retry(brand):
    options = {"background": "transparent", "extra": {"new_thing": 1}}
    made = request(OPERATOR, matrix(brand, options=options), key="one")
    assert VariantSet.objects.get(pk=made.pk).matrix["options"] == options
    made.jobs.update(state="failed")
    retry(OPERATOR, made)
    assert {job.request["background"] for job in made.jobs.all()} == {"transparent"}
    job = made.jobs.first()
    Job.objects.filter(pk=job.pk).update(state="done")
    JobOutput.objects.create(job=job, index=0, fault_code="job.crashed")
    retry(OPERATOR, made)
    again = made.jobs.exclude(pk=job.pk).latest("id")
    assert (again.request["background"], again.request["extra"]) == ("transparent", {"new_thing": 1})


def test_the_same_key_with_other_options_is_refused(brand):
    version = factories.make_prompt(brand, "A cup", variables=[])
    request(OPERATOR, matrix(brand, prompt_version=version), key="one")
    other = matrix(brand, prompt_version=version, options={"background": "opaque"})
    with pytest.raises(Exception, match=r"idempotency\.other_body"):
        request(OPERATOR, other, key="one")


# Who asks -----------------------------------------------------------------------------------------------------------


def ordered_by(brand, version, policy, key, **changes):
    made = request(policy, matrix(brand, prompt_version=version, **changes), key=key)
    return min(made.jobs.all(), key=lambda job: job.request["size"])


def test_a_vendor_hears_who_asks_as_a_hash_and_no_more(brand):
    version = factories.make_prompt(brand, "A cup", variables=[])
    one, two = (factories.make_user("creator", brand=brand) for _ in range(2))
    first, second = (ordered_by(brand, version, Policy(user), "k") for user in (one, two))
    keys = {job.request["user_key"] for job in (first, second)}
    assert len(keys) == 2
    assert all(len(key) == 64 and key.isalnum() for key in keys)
    assert first.digest == second.digest, "the picture is the same whoever asks for it"
    assert ordered_by(brand, version, Policy(one), "l").request["user_key"] == first.request["user_key"]


def test_another_sites_secret_is_another_hash(brand, settings):
    version, user = factories.make_prompt(brand, "A cup", variables=[]), factories.make_user("creator", brand=brand)
    before = ordered_by(brand, version, Policy(user), "k").request["user_key"]
    settings.SECRET_KEY = "another"
    assert ordered_by(brand, version, Policy(user), "l").request["user_key"] != before


@pytest.mark.parametrize("route", ["placeholder", "compat"])
def test_an_operator_and_a_local_provider_have_no_hash(brand, route):
    version, user = factories.make_prompt(brand, "A cup", variables=[]), factories.make_user("creator", brand=brand)
    policy = Policy(user) if route == "placeholder" else OPERATOR
    assert "user_key" not in ordered_by(brand, version, policy, "k", route=route).request


def test_who_tries_again_what_another_may_not_any_more_is_who_asks(brand):
    version = factories.make_prompt(brand, "A cup", variables=[])
    gone, here = (factories.make_user("creator", brand=brand) for _ in range(2))
    job = ordered_by(brand, version, Policy(gone), "k")
    before = job.request["user_key"]
    job.variant_set.jobs.update(state="blocked", error_code="job.rights_revoked")
    retry(Policy(here), job.variant_set)
    job.refresh_from_db()
    assert job.requested_by == here
    assert job.request["user_key"] != before
    assert PictureRequest.from_dict(job.request).prompt == "A cup"
