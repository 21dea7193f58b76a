"""Doors beside the page's form: workflows, reverts, aliases, snippets, JSON written by hand."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from wagtail.models import Page, Task, Workflow, WorkflowTask

from image_studio.policy import Policy
from image_studio.workflow import withdraw
from tests import factories
from tests.sites.pictures import make_candidate
from tests.sites.wagtail.conftest import make_article, make_live, picture_block
from tests.sites.wagtail.models import ArticlePage, Badge
from tests.sites.wagtail.test_doors import grant, in_state, on_page, send

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
NOT_OUT = ["candidate", "approved", "rejected"]


@pytest.fixture
def waiting(brand):
    return make_candidate(brand, title="Secret tin")


def raw(asset, kind="picture"):
    return json.dumps([{"type": kind, "value": {"picture": str(asset.pk), "alt": ""}}])


def shown(public, page):
    return public.get(page.url).content.decode()


# JSON -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", NOT_OUT)
def test_json_past_every_door_shows_the_public_nothing_of_it(home, brand, editor, public, state):
    """An UPDATE asks nobody. The picture's own team sees it with a note, under an address that is theirs alone."""
    asset = in_state(brand, state)
    page = make_article(home, picture_block(make_live(brand)))
    ArticlePage.objects.filter(pk=page.pk).update(body=raw(asset))
    html = shown(public, page)
    assert "/static/site/withdrawn.png" in html
    assert asset.pk.hex not in html.replace("-", "")
    assert "Only you and your team see this picture" in shown(editor, page)
    url = reverse("image_studio:picture", args=[asset.pk, "preview"])
    assert url in shown(editor, page)
    assert public.get(url).status_code in (302, 403, 404)


@pytest.mark.parametrize("state", NOT_OUT)
def test_json_that_is_saved_is_judged(home, brand, state):
    page = make_article(home)
    page.body = raw(in_state(brand, state))
    with pytest.raises(ValidationError, match="can't be published"):
        page.save()
    assert on_page(page) == []


def test_json_inside_a_list_is_judged(home, waiting):
    page = make_article(home)
    item = {"type": "item", "value": str(waiting.pk), "id": "1"}
    page.body = json.dumps([{"type": "card", "value": {"title": "", "pictures": [item]}}])
    with pytest.raises(ValidationError, match="can't be published"):
        page.save()


# Without a form -------------------------------------------------------------------------------------------------------


def test_a_workflow_that_is_approved_publishes_nothing(home, waiting, boss, public):
    page = make_article(home, picture_block(waiting), live=False)
    workflow, task = Workflow.objects.create(name="Moderation"), Task.objects.create(name="Look")
    WorkflowTask.objects.create(workflow=workflow, task=task, sort_order=0)
    state = workflow.start(page, boss)
    with pytest.raises(ValidationError, match="Secret tin"):
        state.current_task_state.approve(user=boss)
    assert not Page.objects.get(pk=page.pk).live
    assert public.get(page.get_url()).status_code == 404


def test_going_back_to_a_revision_with_it_is_refused_by_the_form(home, waiting, brand, editor):
    """The old revision was written by a script; the editor opens it and presses publish."""
    page = make_article(home, picture_block(make_live(brand)))
    page.body = [picture_block(waiting)]
    old = page.save_revision()
    page.body = [picture_block(make_live(brand))]
    page.save_revision().publish()
    before = on_page(page)
    url = reverse("wagtailadmin_pages:revisions_revert", args=[page.pk, old.pk])
    assert editor.get(url).status_code == 200
    answer = send(editor, page, waiting.pk)
    assert "This picture is not published yet." in answer.content.decode()
    assert on_page(page) == before
    with pytest.raises(ValidationError, match="Secret tin"):
        old.publish()
    assert on_page(page) == before


def test_an_alias_shows_what_its_page_shows(home, brand, public):
    asset = make_live(brand)
    page = make_article(home, picture_block(asset))
    alias = page.create_alias(update_slug="alias")
    assert "<picture><source" in shown(public, alias)
    withdraw(Policy.operator(), asset)
    html = shown(public, ArticlePage.objects.get(pk=alias.pk))
    assert "/static/site/withdrawn.png" in html
    assert asset.pk.hex not in html.replace("-", "")


def test_a_copy_of_a_draft_is_asked_about_too(home, waiting):
    page = make_article(home, picture_block(waiting), live=False)
    copied = page.copy(update_attrs={"slug": "copy", "title": "Copy"})
    assert not copied.live
    with pytest.raises(ValidationError, match="Secret tin"):
        copied.get_latest_revision().publish()
    assert not Page.objects.get(pk=copied.pk).live


def test_a_draft_shows_it_to_nobody_of_another_brand(home, waiting, client):
    """Wagtail's preview is for everybody who edits pages; the picture is for its brand."""
    page = make_article(home, picture_block(waiting), live=False)
    stranger = factories.make_user("reviewer", brand=factories.make_brand("other"), is_superuser=False)
    grant(stranger)
    client.force_login(stranger)
    answer = client.get(reverse("wagtailadmin_pages:view_draft", args=[page.pk]))
    assert waiting.pk.hex not in answer.content.decode().replace("-", "")


# Snippets -------------------------------------------------------------------------------------------------------------


def badge_form(picture, body=None):
    data = {"title": "Fair trade", "picture": str(picture.pk) if picture else "", "body-count": "0"}
    if body is not None:
        data |= {
            "body-count": "1",
            "body-0-deleted": "",
            "body-0-order": "0",
            "body-0-type": "picture",
            "body-0-id": "",
            "body-0-value-picture": str(body.pk),
            "body-0-value-alt": "",
        }
    return data


@pytest.mark.parametrize("state", NOT_OUT)
@pytest.mark.parametrize("place", ["field", "stream"])
def test_a_snippet_takes_only_what_is_out(home, brand, editor, state, place):
    url, asset, live = reverse("wagtailsnippets_wagtailsite_badge:add"), in_state(brand, state), make_live(brand)
    given = {"field": (asset, None), "stream": (None, asset)}[place]
    answer = editor.post(url, badge_form(*given))
    assert answer.status_code == 200
    assert "This picture is not published yet." in answer.content.decode()
    assert not Badge.objects.exists()
    assert editor.post(url, badge_form(live, live)).status_code == 302
    assert Badge.objects.get().picture == live
    with pytest.raises(ValidationError, match="can't be published"):
        Badge(title="By a script", body=raw(asset)).save()
