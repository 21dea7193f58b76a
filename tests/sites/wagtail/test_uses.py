"""Pictures in StreamFields: shown, counted as uses, held, moved, and replaced by the fallback."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import ProtectedError
from django.db.models.signals import pre_save
from django.test.utils import CaptureQueriesContext
from wagtail.models import Page

from image_studio.contrib.wagtail import promotion
from image_studio.contrib.wagtail.models import StudioPageUse
from image_studio.exceptions import Conflict
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import withdraw
from image_studio.workflow.replacing import preview_replacement, replace_everywhere
from image_studio.workflow.usage import uses_of
from tests import factories
from tests.sites.wagtail.conftest import make_article, make_lead, make_live, picture_block, publish
from tests.sites.wagtail.models import ArticlePage

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
ME = Policy.operator()


def labels(asset):
    return [use.label for use in uses_of([asset]).get(asset.pk, [])]


def html(public, page):
    return public.get(page.url).content.decode()


def test_the_public_page_shows_a_picture_with_sources(home, brand, public):
    asset = make_live(brand)
    told = html(public, make_article(home, picture_block(asset)))
    assert "<picture><source type=" in told
    assert 'alt="A red bottle on a table"' in told
    assert 'sizes="100vw"' in told


def test_an_alt_text_of_its_own(home, brand, public):
    told = html(public, make_article(home, picture_block(make_live(brand), alt="Our tin")))
    assert 'alt="Our tin"' in told
    assert "A red bottle" not in told


def test_at_any_depth_it_is_a_use_that_holds_the_picture(home, brand):
    deep, shallow = make_live(brand), make_live(brand)
    page = make_article(home, picture_block(shallow), ("card", {"title": "", "pictures": [deep, None]}))
    assert labels(deep) == labels(shallow) == ["Wagtail content: Spring tea"]
    assert uses_of([deep])[deep.pk][0].url == f"/cms/pages/{page.pk}/edit/"
    for asset in (deep, shallow):
        with pytest.raises(ProtectedError):
            asset.delete()
        assert Asset.objects.get(pk=asset.pk).used_at is not None


def test_a_draft_holds_too_until_it_is_published_without(home, brand):
    old, new = make_live(brand), make_live(brand)
    page = make_article(home, picture_block(old))
    page.body = [picture_block(new)]
    revision = page.save_revision()
    assert labels(old) == labels(new) == ["Wagtail content: Spring tea"]
    revision.publish()
    assert (labels(old), labels(new)) == ([], ["Wagtail content: Spring tea"])


def test_unpublished_and_published_again_it_keeps_its_picture(home, brand, public):
    asset = make_live(brand)
    page = make_article(home, picture_block(asset))
    page.unpublish()
    assert labels(asset) == ["Wagtail content: Spring tea"]
    page.get_latest_revision().publish()
    assert "<picture>" in html(public, page)


def test_reverted_it_shows_what_it_showed(home, brand, public):
    first, second = make_live(brand), make_live(brand, title="Second")
    page = make_article(home, picture_block(first, alt="first"))
    old = page.get_latest_revision()
    page.body = [picture_block(second, alt="second")]
    page.save_revision().publish()
    old.as_object().save_revision(previous_revision=old).publish()
    assert 'alt="first"' in html(public, page)
    assert (labels(first), labels(second)) == (["Wagtail content: Spring tea"], [])


def test_a_deleted_page_lets_go(home, brand):
    asset = make_live(brand)
    parent = make_article(home, picture_block(asset))
    child = ArticlePage(title="Below", body=[picture_block(asset)])
    parent.add_child(instance=child)
    assert len(labels(asset)) == 2
    parent.specific.delete()
    assert StudioPageUse.objects.count() == 0


def test_withdrawn_the_page_shows_the_fallback(home, brand, public):
    asset = make_live(brand)
    page = make_article(home, picture_block(asset))
    withdraw(ME, Asset.objects.get(pk=asset.pk))
    told = html(public, page)
    assert "/static/site/withdrawn.png" in told
    assert str(asset.pk) not in told
    publish(Asset.objects.get(pk=asset.pk))
    assert "withdrawn.png" not in html(public, page)


def test_the_successor_takes_its_place_live_and_in_the_draft(home, brand, public):
    old, new = make_live(brand), make_live(brand, alt={"en": "The new one", "ar": "الجديد"})
    page = make_article(home, picture_block(old), ("card", {"title": "", "pictures": [old]}))
    page.title = "Another title"
    page.save_revision()
    replace_everywhere(ME, old, new)
    assert html(public, page).count("The new one") == 1
    draft = ArticlePage.objects.get(pk=page.pk).get_latest_revision_as_object()
    assert draft.title == "Another title"
    assert draft.body[0].value["picture"].pk == new.pk
    assert draft.body[1].value["pictures"][0].pk == new.pk
    assert ArticlePage.objects.get(pk=page.pk).title == "Spring tea"
    assert labels(old) == []


def shows(page, asset):
    return ArticlePage.objects.get(pk=page.pk).body[0].value["picture"] == asset


def test_what_else_a_page_lacks_by_now_keeps_no_picture_in_its_place(home, brand):
    old, new = make_live(brand), make_live(brand)
    pages = [make_article(home, picture_block(old), title=title) for title in ("First", "Second")]
    Page.objects.filter(pk=pages[0].pk).update(title="")
    replace_everywhere(ME, old, new)
    assert all(shows(page, new) for page in pages)
    assert not uses_of([old])


def test_a_page_that_cannot_be_saved_stops_no_other_and_is_logged(home, brand, caplog):
    old, new = make_live(brand), make_live(brand)
    pages = [make_article(home, picture_block(old), title=title) for title in ("First", "Second", "Third")]

    def refuse(sender, instance, **_more):
        if instance.pk == pages[1].pk:
            raise RuntimeError("the site's own")

    pre_save.connect(refuse, sender=ArticlePage)
    try:
        replace_everywhere(ME, old, new)
    finally:
        pre_save.disconnect(refuse, sender=ArticlePage)
    assert [shows(page, new) for page in pages] == [True, False, True]
    assert "contrib.failed" in [getattr(record, "action", "") for record in caplog.records]
    assert labels(old) == ["Wagtail content: Second"]
    replace_everywhere(ME, old, new)
    assert shows(pages[1], new)


def test_an_image_whose_file_cannot_be_written_keeps_no_block_from_its_successor(home, brand, monkeypatch, caplog):
    old, new = make_live(brand, licence="CC BY"), make_live(brand, licence="CC BY")
    page = make_article(home, picture_block(old))
    promotion.promote(ME, old)

    def full(*_given, **_more):
        raise OSError("no space left")

    monkeypatch.setattr(promotion, "_save", full)
    replace_everywhere(ME, old, new)
    assert shows(page, new)
    assert labels(old) == ["Wagtail image: Tea tin"]
    assert "no space left" in caplog.text


def test_a_block_of_another_brand_keeps_what_it_has(home, brand):
    old, new = make_live(brand), make_live(factories.make_brand("other"))
    page = make_article(home, picture_block(old, "acme"))
    replace_everywhere(ME, old, new)
    assert ArticlePage.objects.get(pk=page.pk).body[0].value["picture"].pk == old.pk


def test_a_block_that_has_another_picture_has_no_say(home, brand):
    """The same StreamField takes it in one block and not in another: only the one that has the old picture is asked."""
    other = factories.make_brand("other")
    old, new, third = make_live(other), make_live(other), make_live(brand)
    page = make_article(home, picture_block(old), picture_block(third, "acme"))
    assert preview_replacement(ME, old, new).staying == 0
    replace_everywhere(ME, old, new)
    page = ArticlePage.objects.get(pk=page.pk)
    draft = page.get_latest_revision_as_object()
    for body in (page.body, draft.body):
        assert [block.value["picture"] for block in body] == [new, third]


def test_what_would_stay_is_told_before_and_may_stop_all(home, brand):
    old, new = make_live(brand), make_live(factories.make_brand("other"))
    free = make_article(home, picture_block(old), title="Free")
    bound = make_article(home, picture_block(old, "acme"), title="Bound")
    (kept,) = preview_replacement(ME, old, new).kept
    assert (kept.use.label, kept.use.url) == ("Wagtail content: Bound", f"/cms/pages/{bound.pk}/edit/")
    assert kept.why == "This picture belongs to another brand. Choose one of the brand acme."
    with pytest.raises(Conflict, match=r"replace\.not_all"):
        replace_everywhere(ME, old, new, whole=True)
    assert shows(free, old)
    replace_everywhere(ME, old, new)
    assert (shows(free, new), shows(bound, old)) == (True, True)


def test_what_every_place_takes_is_asked_of_no_page(home, brand, django_assert_max_num_queries):
    old, new = make_live(brand), make_live(brand)
    make_article(home, picture_block(old, "acme"))
    with CaptureQueriesContext(connection) as few:
        assert preview_replacement(ME, old, new).kept == ()
    for number in range(6):
        make_article(home, picture_block(old), title=f"Page {number}")
    with django_assert_max_num_queries(len(few)):
        assert len(preview_replacement(ME, old, new).elsewhere) == 7


def test_a_draft_that_would_keep_it_is_told_too(home, brand):
    old, new = make_live(brand), make_live(factories.make_brand("other"))
    page = make_article(home, picture_block(old))
    page.body = [picture_block(old, "acme")]
    page.save_revision()  # of the page's two sides, one stays: so it is not in every place that it can be replaced
    lead = make_lead(home, None, acme=old, live=False)
    found = preview_replacement(ME, old, new)
    assert [kept.use.label for kept in found.kept] == ["Wagtail content: Spring tea", "Wagtail content: Lead"]
    assert (found.staying, found.following) == (2, 0)
    replace_everywhere(ME, old, new)
    assert shows(page, new)
    assert lead.get_latest_revision_as_object().acme == old


def test_a_draft_beside_a_field_that_stays_is_no_second_place(home, brand):
    old, new = make_live(brand), make_live(factories.make_brand("other"))
    make_lead(home, None, acme=old)
    found = preview_replacement(ME, old, new)
    assert (found.kept, found.staying) == ((), 1)


def test_uses_of_older_pages_are_found_by_the_command(home, brand, capsys):
    asset = make_live(brand)
    make_article(home, picture_block(asset))
    StudioPageUse.objects.all().delete()
    call_command("studio_wagtail_uses")
    assert labels(asset) == ["Wagtail content: Spring tea"]
    assert capsys.readouterr().out.startswith("1 objects")


def test_a_broken_or_unknown_id_shows_nothing(home, brand, public):
    page = make_article(home, picture_block(make_live(brand)))
    raw = '[{"type": "picture", "value": {"picture": "%s", "alt": ""}}]'
    for key in ("nonsense", "0190d3a4-0000-7000-8000-000000000000"):
        ArticlePage.objects.filter(pk=page.pk).update(body=raw % key)
        assert "<picture" not in html(public, page)
