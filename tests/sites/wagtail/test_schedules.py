"""What is due, and what is published with others: nothing is lost, and no page keeps others waiting."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.urls import reverse
from wagtail.models import Page

from image_studio.contrib.wagtail.models import StudioPageUse
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import approve, withdraw
from image_studio.workflow.review import reject
from tests import factories
from tests.sites.pictures import make_candidate
from tests.sites.wagtail.conftest import make_article, make_lead, make_live, picture_block, publish, schedule
from tests.sites.wagtail.models import ArticlePage, LeadPage
from tests.sites.wagtail.test_doors import on_page

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
ME = Policy.operator()


def fresh(asset):
    return Asset.objects.get(pk=asset.pk)


def is_live(page):
    return Page.objects.get(pk=page.pk).live


def gone(asset, then):
    """Withdrawn, and what a person may do with it afterwards."""
    withdraw(ME, fresh(asset))
    if then == "rejected":
        reject(ME, fresh(asset), reason="off_brand")
    if then == "approved":
        approve(ME, fresh(asset), declaration=factories.DECLARED)
    assert fresh(asset).state == then


@pytest.fixture
def waiting(brand):
    return make_candidate(brand, title="Secret tin")


def test_a_schedule_waits_for_its_picture_and_keeps_nobody_waiting(home, brand, waiting, public, caplog):
    first = make_article(home, picture_block(waiting), live=False, title="First")
    second = make_article(home, picture_block(make_live(brand)), live=False, title="Second")
    revision = schedule(first, minutes=2)
    schedule(second)
    call_command("publish_scheduled")
    assert (is_live(first), is_live(second)) == (False, True)
    assert public.get(first.get_url()).status_code == 404
    assert "Secret tin" in caplog.text
    revision.refresh_from_db()
    assert revision.approved_go_live_at is not None
    publish(waiting)
    call_command("publish_scheduled")
    assert is_live(first)
    assert on_page(first) == [waiting]


@pytest.mark.parametrize("place", ["stream", "field", "slide"])
def test_nothing_is_changed_by_what_is_refused(home, brand, waiting, place):
    """Whatever the door; the schedule of the same page stays as well."""
    asset = make_live(brand)
    if place == "stream":
        page = make_article(home, picture_block(asset), live=False)
        draft = page.get_latest_revision_as_object()
        draft.body = [picture_block(waiting)]
    else:
        page = make_lead(home, asset, live=False)
        draft = page.get_latest_revision_as_object()
        draft.slides.create(picture=waiting) if place == "slide" else setattr(draft, "picture", waiting)
    due = schedule(page)
    refused = draft.save_revision(clean=False)
    with pytest.raises(ValidationError, match="Secret tin"):
        refused.publish()
    due.refresh_from_db()
    assert due.approved_go_live_at is not None
    assert not is_live(page)


def test_a_hidden_row_with_it_is_no_excuse(home, waiting):
    page = LeadPage(title="By a script", live=False, picture=waiting)
    home.add_child(instance=page)
    with pytest.raises(ValidationError, match="Secret tin"):
        page.save_revision().publish()
    page.live = True
    with pytest.raises(ValidationError, match="Secret tin"):
        page.save(clean=False)
    assert not is_live(page)


@pytest.mark.parametrize("make", [make_article, make_lead])
@pytest.mark.parametrize("then", ["withdrawn", "approved", "rejected"])
def test_what_was_out_once_goes_live_with_the_fallback(home, brand, public, then, make):
    asset = make_live(brand)
    page = make(home, asset if make is make_lead else picture_block(asset), live=False)
    schedule(page)
    gone(asset, then)
    call_command("publish_scheduled")
    assert is_live(page)
    html = public.get(Page.objects.get(pk=page.pk).get_url()).content.decode()
    assert asset.pk.hex not in html.replace("-", "")
    assert ("withdrawn.png" in html) == (make is make_article)


def test_an_older_revision_that_is_due_counts_too(home, brand):
    scheduled, newest = make_live(brand), make_live(brand)
    page = make_lead(home, scheduled, live=False)
    revision = schedule(page)
    revision.refresh_from_db()
    revision.save()
    page.picture = newest
    page.save_revision()
    drafts = StudioPageUse.objects.filter(side="draft").values_list("asset", flat=True)
    assert set(drafts) == {scheduled.pk, newest.pk}
    page.get_latest_revision().publish()
    assert set(drafts.all()) == {newest.pk}


@pytest.mark.parametrize("then", ["withdrawn", "rejected"])
def test_bulk_publishing_takes_descendants_with_what_was_out(home, brand, boss, client, then):
    client.force_login(boss)
    parent, child, asset = family(home, brand, make_live(brand))
    gone(asset, then)
    assert bulk(client, home, parent).status_code == 200
    assert is_live(parent)
    assert is_live(child)


def test_bulk_publishing_asks_about_descendants_first(home, brand, boss, client, waiting):
    client.force_login(boss)
    parent, child, _asset = family(home, brand, waiting)
    answer = bulk(client, home, parent)
    assert "Secret tin" in answer.content.decode()
    assert not is_live(parent)
    assert not is_live(child)


def family(home, brand, asset):
    parent = make_article(home, picture_block(make_live(brand)), live=False)
    child = ArticlePage(title="Child", live=False, body=[picture_block(asset)])
    parent.add_child(instance=child)
    child.save_revision()
    return parent, child, asset


def bulk(client, home, page):
    url = reverse("wagtail_bulk_action", args=["wagtailcore", "page", "publish"])
    address = f"{url}?id={page.pk}&next=/cms/pages/{home.pk}/"
    return client.post(address, {"include_descendants": "on"}, follow=True)
