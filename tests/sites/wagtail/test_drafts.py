"""Pictures in fields of a draft and of rows edited inside it: counted, held, moved, and kept where they were out."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db.models import ProtectedError
from django.urls import reverse

from image_studio.contrib.wagtail.models import StudioPageUse
from image_studio.policy import Policy
from image_studio.workflow import withdraw
from image_studio.workflow.replacing import replace_everywhere
from image_studio.workflow.usage import uses_of
from tests import factories
from tests.sites.pictures import make_candidate
from tests.sites.wagtail.conftest import make_article, make_lead, make_live, picture_block, schedule
from tests.sites.wagtail.models import Slide

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
ME = Policy.operator()


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def labels(asset):
    return [use.label for use in uses_of([asset]).get(asset.pk, [])]


def form(page, **fields):
    """What the page editor sends of a page without slides."""
    data = {"title": page.title, "slug": page.slug, "picture": "", "acme": "", "action-publish": "1"}
    for prefix in ("comments", "slides"):
        counts = {"TOTAL": 0, "INITIAL": 0, "MIN_NUM": 0, "MAX_NUM": ""}
        data |= {f"{prefix}-{name}_FORMS": count for name, count in counts.items()}
    return data | {name: str(value) for name, value in fields.items()}


def send(editor, page, **fields):
    return editor.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), form(page, **fields))


def drafted(home, place, asset):
    """A page whose draft alone has a picture, in one of the places."""
    page = make_lead(home, asset if place == "field" else None, live=False)
    if place != "field":
        page.slides = [Slide(**({"picture": asset} if place == "slide" else {"body": [picture_block(asset)]}))]
        page.save_revision()
    return page


def in_draft(page, place):
    draft = fresh(page).get_latest_revision_as_object()
    if place == "field":
        return draft.picture
    (slide,) = draft.slides.all()
    return slide.picture if place == "slide" else slide.body[0].value["picture"]


PLACES = ["field", "slide", "slide's stream"]


@pytest.mark.parametrize("place", PLACES)
def test_a_draft_is_one_use_and_holds_its_picture(home, brand, place):
    asset = make_live(brand)
    page = drafted(home, place, asset)
    assert labels(asset) == ["Wagtail content: Lead"]
    with pytest.raises(ProtectedError, match=r"StudioPageUse\.asset"):
        asset.delete()
    page.get_latest_revision().publish()
    assert len(labels(asset)) == 1
    fresh(page).delete()
    assert labels(asset) == []
    assert not StudioPageUse.objects.exists()


@pytest.mark.parametrize("place", PLACES)
def test_the_successor_takes_its_place_in_drafts(home, brand, place):
    old, new = make_live(brand), make_live(brand)
    page = drafted(home, place, old)
    replace_everywhere(ME, old, new)
    assert in_draft(page, place) == new
    assert labels(old) == []
    page.get_latest_revision().refresh_from_db()
    fresh(page).get_latest_revision().publish()
    assert labels(old) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_draft_beside_the_live_page_brings_no_replaced_picture_back(home, brand, place):
    old, new = make_live(brand), make_live(brand)
    page = drafted(home, place, old)
    page.get_latest_revision().publish()
    draft = fresh(page).get_latest_revision_as_object()
    draft.title = "Better title"
    draft.save_revision()
    assert len(labels(old)) == 1
    replace_everywhere(ME, old, new)
    withdraw(ME, fresh(old))
    assert in_draft(page, place) == new
    fresh(page).get_latest_revision().publish()
    assert in_draft(page, place) == new
    assert fresh(page).title == "Better title"
    assert labels(old) == []


def test_what_is_due_is_moved_under_a_newer_draft(home, brand):
    old, new, other = make_live(brand), make_live(brand), make_live(brand)
    page = make_lead(home, old, live=False)
    schedule(page)
    page.picture = other
    page.save_revision()
    replace_everywhere(ME, old, new)
    call_command("publish_scheduled")
    assert fresh(page).picture == new


def test_a_field_of_one_brand_keeps_what_the_draft_has(home, brand):
    old, new = make_live(brand), make_live(factories.make_brand("other"))
    page = make_lead(home, old, live=False, acme=old)
    replace_everywhere(ME, old, new)
    draft = fresh(page).get_latest_revision_as_object()
    assert (draft.picture, draft.acme) == (new, old)


def test_the_next_edit_shows_and_publishes_the_successor(home, brand, editor):
    old, new = make_live(brand), make_live(brand)
    page = make_lead(home, old)
    replace_everywhere(ME, old, new)
    shown = editor.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).context["form"].initial["picture"]
    assert send(editor, page, title="Mended", picture=shown).status_code == 302
    assert (fresh(page).picture, fresh(page).title) == (new, "Mended")


def test_withdrawn_in_a_draft_the_form_says_so_and_publishes(home, brand, editor):
    asset = make_live(brand, title="Tea tin")
    page = make_lead(home, asset, live=False)
    withdraw(ME, fresh(asset))
    shown = editor.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content.decode()
    assert "Tea tin: Withdrawn, the page shows the fallback" in shown
    assert send(editor, page, picture=asset.pk).status_code == 302
    assert (fresh(page).live, fresh(page).picture) == (True, asset)


def test_withdrawn_it_is_chosen_by_no_other_page(home, brand, editor):
    asset = make_live(brand)
    make_lead(home, asset, live=False)
    other = make_lead(home, None, title="Other")
    withdraw(ME, fresh(asset))
    answer = send(editor, other, picture=asset.pk)
    assert answer.status_code == 200
    assert fresh(other).picture is None


def test_an_older_revision_is_published_with_what_was_withdrawn(home, brand):
    asset = make_live(brand)
    page = make_lead(home, asset, live=False)
    old = page.get_latest_revision()
    page.picture = make_live(brand)
    page.save_revision()
    withdraw(ME, fresh(asset))
    old.publish()
    assert fresh(page).picture.pk == asset.pk


def test_a_draft_under_another_title_is_no_second_place(home, brand):
    asset = make_live(brand)
    page = make_article(home, picture_block(asset))
    page.title = "Another title"
    page.save_revision()
    assert labels(asset) == ["Wagtail content: Spring tea"]


def test_what_is_due_with_a_deleted_picture_stops_no_other_draft(home, brand):
    """As sites have it whose drafts were written before drafts counted."""
    gone, asset = make_candidate(brand), make_live(brand)
    page = make_lead(home, None, live=False)
    page.picture = gone
    page.save_revision(clean=False)
    schedule(page)
    StudioPageUse.objects.all().delete()
    gone.renditions.all().delete()
    gone.delete()
    page.picture = asset
    page.save_revision()
    assert labels(asset) == ["Wagtail content: Lead"]


def test_drafts_of_older_pages_are_found_by_the_command(home, brand):
    asset = make_live(brand)
    make_lead(home, asset, live=False)
    StudioPageUse.objects.all().delete()
    call_command("studio_wagtail_uses")
    assert labels(asset) == ["Wagtail content: Lead"]
