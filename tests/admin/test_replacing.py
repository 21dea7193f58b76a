"""*Replace on its pages* without any script: places, a successor, what would happen, and one button."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from image_studio.models import Asset, Event
from image_studio.signals import asset_stays_wanted, asset_uses_wanted
from image_studio.workflow.usage import Use
from tests import factories
from tests.admin.browser import Page
from tests.testapp.models import Article

pytestmark = pytest.mark.django_db
SIZE = (64, 48)


@pytest.fixture
def old(brand):
    return factories.make_asset(brand, SIZE, state="published", title="Old tin")


@pytest.fixture
def new(old):
    return factories.make_asset(old.brand, SIZE, state="published", title="New tin")


@pytest.fixture
def article(old):
    return Article.objects.create(title="Spring tea", picture=old)


def url_of(asset, successor=None):
    url = reverse("admin:image_studio_asset_replace", args=[asset.pk])
    return f"{url}?successor={successor.pk}" if successor else url


def told(client, url):
    """The messages of the next page, as text."""
    return " ".join(str(message) for message in client.get(url).context["messages"])


def test_a_page_is_given_another_picture(as_role, old, new, article):
    client = as_role("reviewer")
    first = Page.of(client.get(url_of(old)))
    assert "1 place shows it" in first.text
    assert article.get_absolute_url() in first.links
    assert f"?successor={new.pk}" in first.links
    seen = Page.of(client.get(url_of(old, new)))
    assert "is replaced" in seen.text
    answer = client.post(url_of(old), {**seen.data(seen.forms[-1]), "note": "nicer"})
    assert answer["Location"] == reverse("admin:image_studio_asset_change", args=[old.pk]) + "#used"
    assert "Replaced in 1 place." in told(client, answer["Location"])
    article.refresh_from_db()
    assert article.picture == new
    assert Event.objects.get(verb="asset.replaced").data["note"] == "nicer"
    assert LogEntry.objects.get().object_id == str(old.pk)


def test_the_pages_of_both_tell_of_it(boss, old, new, article):
    Page.of(boss.get(url_of(old, new)))
    boss.post(url_of(old), {"successor": new.pk, "seen": boss.get(url_of(old, new)).context["found"].digest})
    for asset, words in ((old, "Gave its places to another picture"), (new, "Took the places of another picture")):
        assert words in Page.of(boss.get(reverse("admin:image_studio_asset_change", args=[asset.pk]))).text


def test_what_stays_is_told_with_its_reason_and_may_stop_all(boss, old, new):
    factories.make_channels("square")
    both = Article.objects.create(title="Spring tea", picture=old, card=old)
    seen = Page.of(boss.get(url_of(old, new)))
    assert "This picture belongs to another brand. Choose one of the brand acme." in seen.text
    assert "stays" in seen.text
    digest = boss.get(url_of(old, new)).context["found"].digest
    answer = boss.post(url_of(old), {"successor": new.pk, "seen": digest, "whole": "on"})
    assert answer["Location"] == url_of(old, new)
    assert "so nothing was changed" in told(boss, answer["Location"])
    both.refresh_from_db()
    assert both.picture == old
    answer = boss.post(url_of(old), {"successor": new.pk, "seen": digest})
    assert "Replaced in 1 place. 1 place stays as it was." in told(boss, answer["Location"])
    both.refresh_from_db()
    assert (both.picture, both.card) == (new, old)


def test_words_that_were_written_for_the_old_picture_are_told(boss, old, new, article, monkeypatch):
    assert "alt text of its own" not in Page.of(boss.get(url_of(old, new))).text
    monkeypatch.setattr(Article, "studio_words", "A tin in <red>", raising=False)
    assert "alt text of its own" not in Page.of(boss.get(url_of(old))).text
    seen = Page.of(boss.get(url_of(old, new)))
    assert "It has an alt text of its own, written for the old picture, and keeps it: “A tin in <red>”" in seen.text


def test_what_was_not_seen_is_not_replaced(boss, old, new, article):
    for seen in ("", "made up"):
        answer = boss.post(url_of(old), {"successor": new.pk, "seen": seen})
        assert "The places have changed since you looked." in told(boss, answer["Location"])
    article.refresh_from_db()
    assert article.picture == old


@pytest.mark.parametrize("given", ["nonsense", "00000000-0000-7000-8000-000000000000", "", "same", "candidate"])
def test_what_takes_no_place_is_told(boss, old, article, given):
    candidate = factories.make_asset(old.brand, SIZE)
    text = {"same": str(old.pk), "candidate": str(candidate.pk)}.get(given, given)
    answer = boss.get(url_of(old) + f"?successor={text}")
    assert answer.context["found"] is None
    assert bool(answer.context["problem"]) is bool(text)
    assert boss.post(url_of(old), {"successor": text, "seen": "x"}).status_code == 302
    article.refresh_from_db()
    assert article.picture == old


def test_places_that_are_no_fields_are_told_as_such(boss, old, new):
    """Their apps follow by themselves: nothing is counted as replaced that was only told."""

    def tell(sender, assets, **_more):
        return {key: [Use(label="Block: footer")] for key in assets if key == old.pk}

    asset_uses_wanted.connect(tell)
    try:
        page = Page.of(boss.get(url_of(old, new)))
        assert "Block: footer" in page.text
        assert "Replace in the other places" in page.text
        assert "Replace in 0 places" not in page.text
        answer = boss.post(url_of(old), page.data(page.forms[-1]))
        assert told(boss, answer["Location"]) == "The app of 1 other place was told."
    finally:
        asset_uses_wanted.disconnect(tell)


@pytest.fixture
def footers(old):
    """Two places that are no fields. Their app never follows, and says of the second that it stays."""
    uses = [Use(label="Block: footer"), Use(label="Block: card", url="/card/")]

    def tell(sender, assets, **_more):
        return {key: uses for key in assets if key == old.pk}

    def stay(sender, **_more):
        return {uses[1]: "Cards take no tins."}

    asset_uses_wanted.connect(tell)
    asset_stays_wanted.connect(stay)
    yield uses
    asset_uses_wanted.disconnect(tell)
    asset_stays_wanted.disconnect(stay)


def test_what_an_app_leaves_as_it_is_is_told_before_and_may_stop_all(boss, old, new, article, footers):
    page = Page.of(boss.get(url_of(old, new)))
    assert "Block: card stays Cards take no tins." in page.text
    assert "Cards take no tins." not in Page.of(boss.get(url_of(old))).text
    answer = boss.post(url_of(old), {**page.data(page.forms[-1]), "whole": "on"})
    assert "1 of the places cannot take that picture, so nothing was changed." in told(boss, answer["Location"])
    answer = boss.post(url_of(old), page.data(page.forms[-1]))
    words = "Replaced in 1 place. The app of 1 other place was told. 1 place stays as it was."
    assert told(boss, answer["Location"]) == words


@pytest.mark.django_db(transaction=True)
def test_what_did_not_follow_is_told_afterwards(boss, old, new, article, footers):
    page = Page.of(boss.get(url_of(old, new)))
    answer = boss.post(url_of(old), page.data(page.forms[-1]))
    assert "1 of the other places shows it still." in told(boss, answer["Location"])


def test_a_picture_that_no_page_shows_has_nothing_to_replace(boss, old, new):
    for url in (url_of(old), url_of(old, new)):
        page = Page.of(boss.get(url))
        assert page.text.count("No page of this site shows this picture") == 1
        assert "repl-next" not in page.html  # no empty frame either
    change = Page.of(boss.get(reverse("admin:image_studio_asset_change", args=[old.pk])))
    assert url_of(old) not in change.links


def test_only_who_may_finds_the_way(as_role, old, new, article):
    change = reverse("admin:image_studio_asset_change", args=[old.pk])
    assert url_of(old) in Page.of(as_role("reviewer").get(change)).links
    creator = as_role("creator")
    assert url_of(old) not in Page.of(creator.get(change)).links
    assert creator.get(url_of(old)).status_code == 403
    assert creator.post(url_of(old), {"successor": new.pk}).status_code == 403
    assert as_role("manager", of=factories.make_brand()).get(url_of(old)).status_code == 404


def test_a_withdrawn_picture_can_still_be_replaced(boss, old, new, article):
    Asset.objects.filter(pk=old.pk).update(state="withdrawn")
    assert url_of(old) in Page.of(boss.get(reverse("admin:image_studio_asset_change", args=[old.pk]))).links
    digest = boss.get(url_of(old, new)).context["found"].digest
    boss.post(url_of(old), {"successor": new.pk, "seen": digest})
    article.refresh_from_db()
    assert article.picture == new


def test_a_strict_policy_finds_nothing_inline(boss, old, new, article):
    for url in (url_of(old), url_of(old, new)):
        assert Page.of(boss.get(url)).inline == []
