"""Pricing and judging a matrix before anything is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from image_studio.brand.kit import Line
from image_studio.exceptions import InvalidRequest, NotAllowed
from image_studio.models import Job, VariantSet
from image_studio.policy import Policy
from image_studio.workflow import Matrix, preview, route_cards
from image_studio.workflow.offers import offers
from image_studio.workflow.plan import groups
from tests import factories

pytestmark = pytest.mark.django_db


def matrix_for(brand=None, **changes):
    brand = brand or factories.make_brand()
    values = {
        "brand": brand,
        "route": "placeholder",
        "channels": tuple(factories.make_channels()),
        "locales": ("en", "ar"),
        "prompt_version": factories.make_prompt(brand),
    }
    return Matrix(**{**values, **changes})


def test_six_channels_and_two_locales_buy_one_picture_per_ratio():
    matrix = matrix_for()
    found = preview(Policy.operator(), matrix)
    ratios = {round(c.width / c.height, 2) for c in matrix.channels}
    assert found.pictures == len(ratios) == 6
    assert found.cells == 12
    assert found.price.free
    assert not found.findings


def test_channels_of_one_ratio_share_a_picture_at_the_larger_size():
    matrix = matrix_for(channels=tuple(factories.make_channels("story", "reel-cover", "square")))
    found = preview(Policy.operator(), matrix)
    assert [(job.channels, job.request.size) for job in found.jobs] == [
        (("story", "reel-cover"), (1080, 1920)),
        (("square",), (1080, 1080)),
    ]
    assert found.pictures == 2
    assert found.cells == 6


def test_a_key_visual_is_bought_once_for_all_channels():
    found = preview(Policy.operator(), matrix_for(sharing="key_visual", takes=2))
    assert len(found.jobs) == 1
    assert found.pictures == 2
    assert found.jobs[0].request.size == (1920, 1920)
    assert found.cells == 24


def test_ratios_within_a_percent_are_one():
    channels = [factories.make_channels(slug)[0].spec for slug in ("link-card", "square")]
    near = replace(channels[0], slug="other-card", height=628)
    assert [[c.slug for c in group] for _size, group in groups([*channels, near], "ratio")] == [
        ["square"],
        ["link-card", "other-card"],
    ]


def test_a_preview_writes_nothing(django_assert_max_num_queries):
    matrix = matrix_for()
    with django_assert_max_num_queries(6):
        preview(Policy.operator(), matrix)
    assert not VariantSet.objects.exists()
    assert not Job.objects.exists()


def test_a_prohibited_term_in_the_prompt_blocks():
    brand = factories.make_brand()
    prompt = factories.make_prompt(brand, "A Miracle on a table", variables=[])
    found = preview(Policy.operator(), matrix_for(brand, prompt_version=prompt))
    assert found.blocked
    assert [f.where for f in found.findings if f.blocks] == ["prompt"]


def test_a_prohibited_term_in_an_overlay_blocks():
    found = preview(Policy.operator(), matrix_for(texts={"headline": {"en": "A miracle!"}}))
    assert [f.where for f in found.findings if f.blocks] == ["texts"]


def test_a_missing_glyph_is_found_before_anything_is_bought():
    found = preview(Policy.operator(), matrix_for(texts={"headline": {"en": "茶"}}, locales=("en",)))
    assert found.blocked
    assert {f.where for f in found.findings} == {f"layout:{c.slug}:en" for c in found.matrix.channels}
    assert all("茶" in str(f.params) for f in found.findings)


def test_a_logo_that_cannot_fit_is_found_before_anything_is_bought():
    kit, files = factories.kit_and_files("wide-logo")
    kit = replace(kit, logos=tuple(replace(logo, min_width=2000) for logo in kit.logos))
    brand = factories.make_brand(kit=kit, files=files)
    found = preview(Policy.operator(), matrix_for(brand, locales=("en",)))
    assert found.blocked
    assert all(f.where.startswith("layout:") for f in found.findings)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"route": "premium-plus"}, "request.unknown_route"),
        ({"locales": ("fr",)}, "request.unknown_locale"),
        ({"locales": ()}, "request.nothing_chosen"),
        ({"channels": ()}, "request.nothing_chosen"),
        ({"takes": 0}, "request.takes_out_of_range"),
        ({"takes": 99}, "request.takes_out_of_range"),
        ({"sharing": "hope"}, "request.unknown_sharing"),
        ({"prompt_version": None}, "request.no_source_or_prompt"),
        ({"variables": {"moon": "full"}}, "prompt.unknown_variable"),
    ],
)
def test_nonsense_is_an_error_that_names_itself(changes, code):
    with pytest.raises(InvalidRequest) as caught:
        preview(Policy.operator(), matrix_for(**changes))
    assert caught.value.code == code


def test_a_source_of_another_brand_is_refused():
    stranger = factories.make_asset(factories.make_brand())
    with pytest.raises(InvalidRequest, match=r"request\.other_brand"):
        preview(Policy.operator(), matrix_for(route="reframe", source=stranger, prompt_version=None))


def test_too_many_cells_are_refused(settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "MAX_CELLS": 11}
    with pytest.raises(InvalidRequest, match="too_many_cells"):
        preview(Policy.operator(), matrix_for())


def test_reframe_refuses_a_prompt_without_a_picture_by_a_finding():
    found = preview(Policy.operator(), matrix_for(route="reframe"))
    assert found.blocked


def test_an_expired_or_rejected_source_is_a_finding():
    brand = factories.make_brand()
    source = factories.make_asset(brand, expires_at=factories.long_ago(), state="rejected")
    found = preview(Policy.operator(), matrix_for(brand, route="reframe", source=source, prompt_version=None))
    assert {f.code for f in found.findings if f.where == "source"} == {"job.source_expired", "job.source_rejected"}


def test_a_viewer_may_not_generate():
    brand = factories.make_brand()
    user = factories.make_user("viewer", brand=brand)
    with pytest.raises(NotAllowed):
        preview(Policy(user), matrix_for(brand))


def test_the_digest_follows_the_kit_and_the_channel():
    matrix = matrix_for()
    first = preview(Policy.operator(), matrix).digest
    assert preview(Policy.operator(), matrix).digest == first
    kit, files = factories.kit_and_files(matrix.brand.slug, guidance="More light")
    factories.add_revision(matrix.brand, kit, files)
    second = preview(Policy.operator(), matrix).digest
    matrix.channels[0].width += 2
    third = preview(Policy.operator(), matrix).digest
    assert len({first, second, third}) == 3


def test_routes_say_why_they_cannot_be_used():
    cards = {card.spec.name: card for card in route_cards(Policy.operator(), has_source=True)}
    assert cards["reframe"].usable
    assert cards["placeholder"].why_not == "route.takes_no_source"
    assert not cards["placeholder"].publishable


def test_unused_names_of_the_kit_do_no_harm():
    kit, files = factories.kit_and_files("odd")
    kit = replace(kit, lines=(*kit.lines, Line(key="never_used", locale="en", text="x")), fonts=())
    brand = factories.make_brand(kit=kit, files=files)
    assert not preview(Policy.operator(), matrix_for(brand)).blocked


@pytest.mark.parametrize("look", [preview, lambda policy, matrix: offers(policy, [matrix], [matrix.route])])
def test_a_prompt_that_one_may_not_see_starts_nothing(look):
    """Whose own pictures are all they see sees no prompt of others: by its id neither."""
    brand = factories.make_brand()
    author = Policy(factories.make_user("creator", brand=brand, own_only=True))
    version = factories.make_prompt(brand, "A bottle on a table")
    with pytest.raises(NotAllowed):
        look(author, matrix_for(brand, source=None, prompt_version=version, variables={}))
