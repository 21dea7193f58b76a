"""Comparing routes: each one's pictures, price and usual time for the same request."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from image_studio.exceptions import InvalidRequest, NotAllowed
from image_studio.policy import Policy
from image_studio.testing import fake_settings
from image_studio.workflow import layouts, preview
from image_studio.workflow.offers import offers, usual_seconds
from tests import factories
from tests.workflow.test_preview import matrix_for

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()


@pytest.fixture
def paid(settings, tmp_path):
    rows = fake_settings(ledger=tmp_path / "ledger.jsonl", price=40_000)
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, **rows}


def make_done(route, seconds, brand):
    now = timezone.now()
    job = factories.make_job(brand, route=route, state="done", ended_at=now)
    start = now - timedelta(seconds=seconds)
    job.attempts.create(number=1, state="answered", worker=job.pk, started_at=start)


def test_an_offer_equals_the_preview_of_its_route(paid):
    matrix = matrix_for(takes=3)
    for name, offer in offers(OPERATOR, [matrix], ["placeholder", "fake"]).items():
        found = preview(OPERATOR, matrix_for(matrix.brand, takes=3, route=name, prompt_version=matrix.prompt_version))
        assert (offer.pictures, offer.price) == (found.pictures, found.price)


def test_several_matrices_are_counted_together(paid):
    matrix = matrix_for()
    one = offers(OPERATOR, [matrix], ["fake"])["fake"]
    two = offers(OPERATOR, [matrix, matrix], ["fake"])["fake"]
    assert (two.pictures, two.price.most) == (2 * one.pictures, 2 * one.price.most)


def test_an_unfilled_prompt_is_counted_all_the_same():
    brand = factories.make_brand()
    version = factories.make_prompt(brand, "A {thing}", variables=[])
    matrix = matrix_for(brand, prompt_version=version)
    assert offers(OPERATOR, [matrix], ["placeholder"])["placeholder"].pictures == 6


def test_what_a_route_cannot_do_stands_in_its_offer():
    found = offers(OPERATOR, [matrix_for()], ["reframe"])["reframe"]
    assert {finding.code for finding in found.findings} == {"provider.needs_source"}


def test_nothing_is_offered_to_who_may_not_generate():
    brand = factories.make_brand()
    with pytest.raises(NotAllowed):
        offers(Policy(factories.make_user("viewer", brand=brand)), [matrix_for(brand)], ["placeholder"])
    with pytest.raises(InvalidRequest):
        offers(OPERATOR, [matrix_for(brand, channels=())], ["placeholder"])


def test_offers_touch_neither_layouts_nor_rows(django_assert_max_num_queries, monkeypatch):
    matrix = matrix_for()
    matrix.prompt_version.prompt.brand_id  # noqa: B018 - loaded beforehand, as the page does
    with django_assert_max_num_queries(0):
        offers(OPERATOR, [matrix], ["placeholder", "reframe"])


def test_the_usual_time_is_the_median_of_a_routes_newest_jobs(django_assert_num_queries):
    brand = factories.make_bare_brand()
    for seconds in (500, *[5] * 10, 8, *[30] * 9):
        make_done("slow", seconds, brand)
    make_done("quick", 2, brand)
    with django_assert_num_queries(1):
        found = usual_seconds()
    assert found == {"slow": pytest.approx(8, abs=3), "quick": pytest.approx(2)}


def test_a_job_that_is_not_done_says_nothing_of_time():
    factories.make_job(factories.make_bare_brand(), state="queued")
    assert usual_seconds() == {}


def test_a_known_layout_is_not_tried_again(monkeypatch):
    matrix = matrix_for()
    layouts._known.clear()
    first = preview(OPERATOR, matrix).findings
    monkeypatch.setattr(layouts, "dry_run", lambda *args, **options: pytest.fail("tried again"))
    assert preview(OPERATOR, matrix).findings == first


def test_changed_words_are_tried_anew():
    matrix = matrix_for(locales=("en",))
    assert not preview(OPERATOR, matrix).blocked
    other = matrix_for(
        matrix.brand, locales=("en",), texts={"headline": {"en": "茶"}}, prompt_version=matrix.prompt_version
    )
    assert preview(OPERATOR, other).blocked


def test_the_memory_of_layouts_is_bounded(monkeypatch):
    monkeypatch.setattr(layouts, "REMEMBERED", 4)
    layouts._known.clear()
    preview(OPERATOR, matrix_for())
    assert len(layouts._known) <= 4
