"""Words of a picture that is composed anew: what it inherits, and what somebody wrote on its predecessor."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from image_studio.models import Asset, Variant
from image_studio.policy import Policy
from image_studio.runner import drain, leases, saving, work
from image_studio.runner.inheriting import Former, words_for
from image_studio.workflow import describe, recompose, retry
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()


@pytest.fixture
def made():
    """A finished set of one photograph in two languages; its pictures came with the photograph's words."""
    brand = factories.make_brand()
    source = factories.make_asset(brand, (400, 300), tags=["bottle"], rights_owner="A photographer")
    made = factories.make_set(
        brand, channels=factories.make_channels("square"), locales=("en", "ar"), source=source, shrink=6
    )
    drain()
    return made


def cell(made, locale="en"):
    return made.variants.select_related("asset__parent", "asset__brand").get(locale=locale).asset


def again(made, **texts):
    recompose(OPERATOR, made, texts={"headline": texts} if texts else None)
    drain()
    made.refresh_from_db()


def test_what_an_editor_wrote_stays_when_the_headline_changes(made):
    before = cell(made)
    until = timezone.now() + timedelta(days=3)
    describe(OPERATOR, before, title="Spring", alt={**before.alt, "en": "A bottle in spring"}, tags=["spring"])
    describe(OPERATOR, before, expires_at=until)
    again(made, en="New words")
    after = cell(made)
    assert after.pk != before.pk
    assert (after.title, after.tags, after.expires_at) == ("Spring", ["spring"], until)
    assert after.alt == {"en": "A bottle in spring", "ar": before.parent.alt["ar"]}
    assert "a bottle in spring" in after.words
    assert after.rights_owner == "A photographer"
    again(made, en="Newer words")  # and once more, though nobody wrote on the one in between
    assert (cell(made).title, cell(made).alt) == ("Spring", after.alt)


def test_cells_keep_their_own_words_apart(made):
    describe(OPERATOR, cell(made), title="English")
    again(made, en="New", ar="جديد")
    assert (cell(made).title, cell(made, "ar").title) == ("English", "A bottle")


def test_what_nobody_wrote_on_it_follows_the_original(made):
    raw = cell(made).parent
    describe(OPERATOR, cell(made), tags=["spring"])
    describe(OPERATOR, raw, title="A red bottle", alt={"en": "Red"}, tags=["red"])
    again(made, en="New words")
    after = cell(made)
    assert (after.title, after.alt, after.tags) == ("A red bottle", {"en": "Red"}, ["spring"])
    assert "a red bottle" in after.words


def test_what_was_taken_away_stays_away(made):
    describe(OPERATOR, cell(made), alt={"en": "Only English"}, tags=[])
    again(made, en="New words")
    assert (cell(made).alt, cell(made).tags) == ({"en": "Only English"}, [])


def test_what_is_written_while_it_is_composed_is_not_lost(made, monkeypatch):
    before = cell(made)
    real = saving.finish

    def meanwhile(order, rows):
        Asset.objects.filter(pk=before.pk).update(title="Just in time", alt={**before.alt, "en": "Just in time"})
        return real(order, rows)

    monkeypatch.setattr(saving, "finish", meanwhile)
    again(made, en="New words")
    after = cell(made)
    assert (after.title, after.alt["en"]) == ("Just in time", "Just in time")
    assert "just in time" in after.words


def test_words_outlive_a_composition_that_failed(made):
    describe(OPERATOR, cell(made), title="Spring")
    Variant.objects.filter(variant_set=made).update(state="compose_failed", asset=None)
    assert retry(OPERATOR, made) == 2
    drain()
    assert cell(made).title == "Spring"


def test_a_fresh_cell_has_its_pictures_words_and_nothing_of_others(made):
    describe(OPERATOR, cell(made), title="Spring")
    other = factories.make_set(made.brand, channels=factories.make_channels("square"), source=made.source, shrink=6)
    drain()
    assert cell(other).title == "A bottle"


def test_the_verdict_on_the_alt_text_is_on_the_one_that_it_has(made):
    def term(asset):
        return asset.verdicts.filter(check_name="terms", verdict="fail").exists()

    assert not term(cell(made))
    Asset.objects.filter(pk=cell(made).pk).update(alt={"en": "A miracle bottle", "ar": "x"})
    again(made, en="New words")
    assert cell(made).alt["en"] == "A miracle bottle"
    assert term(cell(made))


def test_a_predecessor_of_older_days_is_held_against_the_original_as_it_is_now(made):
    raw = cell(made).parent
    said = {name: getattr(raw, name) for name in ("tags", "rights_owner", "licence", "territory", "expires_at")}
    former = Former(said={**said, "title": "Mine", "alt": {**raw.alt, "en": "Mine"}})
    words = words_for(raw, former)
    assert (words["title"], words["alt"]) == ("Mine", {"en": "Mine", "ar": raw.alt["ar"]})
    assert words["tags"] == raw.tags


def test_composing_anew_asks_for_all_predecessors_at_once(made, django_assert_max_num_queries):
    recompose(OPERATOR, made)
    (lease,) = leases.claim(made.pk, 1)
    with django_assert_max_num_queries(8):
        order = work.compose_work(lease)
    assert all(one.former for cells in order.cells.values() for one in cells)
