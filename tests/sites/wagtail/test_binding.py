"""What a block may keep: what this very object has, of its brand; and what a form tells of it to whom."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from wagtail.models import GroupPagePermission

from image_studio.contrib.wagtail import editing
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import withdraw
from image_studio.workflow.review import reject
from tests import factories
from tests.sites.pictures import make_candidate
from tests.sites.wagtail.conftest import make_article, make_live, picture_block
from tests.sites.wagtail.models import ArticlePage, Badge
from tests.sites.wagtail.test_doors import form, grant, on_page, send
from tests.sites.wagtail.test_more_doors import badge_form

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
ME = Policy.operator()
PAGES = ("add_page", "change_page", "publish_page")


@pytest.fixture
def stranger(client, home):
    """Edits pages, and belongs to another brand."""
    user = factories.make_user("creator", brand=factories.make_brand("other"), is_staff=True)
    grant(user)
    group = Group.objects.create(name="House editors")
    user.groups.add(group)
    for codename in PAGES:
        permission = Permission.objects.get(content_type__app_label="wagtailcore", codename=codename)
        GroupPagePermission.objects.create(group=group, page=home, permission=permission)
    client.force_login(user)
    return client


def fresh(asset):
    return Asset.objects.get(pk=asset.pk)


def over(asset):
    withdraw(ME, fresh(asset))
    reject(ME, fresh(asset), reason="off_brand")


def test_a_block_of_one_brand_refuses_what_is_live_elsewhere(home, brand, editor):
    foreign = make_live(factories.make_brand("other"))
    make_article(home, picture_block(foreign), title="Elsewhere")
    page = make_article(home)
    answer = send(editor, page, foreign.pk, kind="acme")
    assert "This picture belongs to another brand." in answer.content.decode()
    assert on_page(page) == []


def test_nor_takes_what_the_same_page_has_in_another_block(home, brand, editor):
    foreign = make_live(factories.make_brand("other"))
    page = make_article(home, picture_block(foreign))
    withdraw(ME, fresh(foreign))
    assert send(editor, page, foreign.pk, kind="acme").status_code == 200
    assert [block.block_type for block in ArticlePage.objects.get(pk=page.pk).body] == ["picture"]


@pytest.mark.parametrize("end", [lambda asset: withdraw(ME, fresh(asset)), over])
def test_what_is_over_stays_on_its_page_and_is_chosen_by_no_other(home, brand, editor, end):
    asset = make_live(brand)
    holder = make_article(home, picture_block(asset), title="Elsewhere")
    page = make_article(home)
    end(asset)
    assert send(editor, page, asset.pk).status_code == 200
    assert on_page(page) == []
    assert send(editor, holder, asset.pk).status_code == 302
    assert on_page(holder) == [asset]


def test_what_is_over_may_stay_in_a_draft(home, brand, editor):
    asset = make_live(brand)
    page = make_article(home)
    page.body = [picture_block(asset)]
    page.save_revision()
    withdraw(ME, fresh(asset))
    assert send(editor, page, asset.pk).status_code == 302
    assert on_page(page) == [asset]


def test_no_new_page_and_no_other_snippet_takes_what_is_over(home, brand, editor):
    asset = make_live(brand)
    make_article(home, picture_block(asset), title="Elsewhere")
    badge = Badge.objects.create(title="Holder", body=[picture_block(asset)])
    other = Badge.objects.create(title="Other")
    withdraw(ME, fresh(asset))
    url = reverse("wagtailadmin_pages:add", args=["wagtailsite", "articlepage", home.pk])
    new = ArticlePage(title="New", slug="new")
    assert editor.post(url, form(new, asset.pk)).status_code == 200
    assert not ArticlePage.objects.filter(slug="new").exists()
    edit = "wagtailsnippets_wagtailsite_badge:edit"
    assert editor.post(reverse(edit, args=[other.pk]), badge_form(None, asset)).status_code == 200
    assert editor.post(reverse(edit, args=[badge.pk]), badge_form(None, asset)).status_code == 302


def test_a_refused_form_tells_a_stranger_nothing_of_a_candidate(home, brand, stranger):
    secret = make_candidate(brand, title="Secret merger poster")
    page = make_article(home)
    answer = send(stranger, page, secret.pk, publish=False)
    told = answer.content.decode()
    assert answer.status_code == 200
    assert "Secret merger poster" not in told
    assert "not published yet" not in told
    assert "A picture that is not published: the page shows the fallback" in told


def test_who_may_see_a_withdrawn_picture_is_told_which(home, brand, stranger, boss):
    asset = make_live(brand, title="Tea tin")
    page = make_article(home, picture_block(asset))
    withdraw(ME, fresh(asset))
    url = reverse("wagtailadmin_pages:edit", args=[page.pk])
    assert "Tea tin: Withdrawn" not in stranger.get(url).content.decode()
    stranger.force_login(boss)
    assert "Tea tin: Withdrawn, the page shows the fallback" in stranger.get(url).content.decode()


def test_who_edits_is_forgotten_with_the_request(home, brand, editor):
    page = make_article(home)
    assert editor.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).status_code == 200
    assert editing.current() is None
