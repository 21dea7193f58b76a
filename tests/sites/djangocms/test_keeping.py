"""How long django CMS keeps pages with pictures whose rights end."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from cms.api import add_plugin
from django.utils import timezone
from djangocms_alias.cms_plugins import Alias as AliasClass
from djangocms_alias.models import Alias, AliasContent, Category
from djangocms_versioning.models import Version

from image_studio.contrib.djangocms.keeping import watch_aliases
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import withdraw
from tests.sites.djangocms import pages
from tests.sites.djangocms.conftest import make_live

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]
#: CMS_CACHE_DURATIONS["content"] as django CMS has it.
LASTS = 60


@pytest.fixture
def content(boss):
    return pages.make_page(boss)


def ending(brand, left, **fields):
    """A published picture with so many seconds of rights left."""
    asset = make_live(brand, **fields)
    Asset.objects.filter(pk=asset.pk).update(expires_at=timezone.now() + timedelta(seconds=left))
    return Asset.objects.get(pk=asset.pk)


def make_alias(name="Teasers"):
    return Alias.objects.create(category=Category.objects.create(name=name), creation_method="code")


def fill(box, boss, plugin, **fields):
    """Something in an alias, published."""
    inside = AliasContent.objects.with_user(boss).create(alias=box, name="Teaser", language="en")
    add_plugin(box.get_placeholder("en", show_draft_content=True), plugin, "en", **fields)
    Version.objects.get_for_content(inside).publish(boss)
    box.clear_cache()


def kept(public, content):
    """The seconds that each answer may be kept: a fresh page, then addresses around places that were kept."""
    answers = [public.get(pages.address(content) + query) for query in ("", "?a=1", "?b=1")]
    assert all(answer.status_code == 200 for answer in answers)
    found = [re.search(r"max-age=(\d+)", answer.headers["Cache-Control"]) for answer in answers]
    return [int(match[1]) for match in found]


def test_a_page_around_a_place_that_was_kept_ends_with_the_rights_too(content, boss, brand, public):
    pages.put(content, ending(brand, 20))
    pages.publish(content, boss)
    answers = kept(public, content)
    assert all(0 < seconds <= 20 for seconds in answers), answers


def test_a_place_is_kept_while_there_is_time(content, boss, brand, public):
    pages.put(content, ending(brand, 900))
    pages.publish(content, boss)
    assert kept(public, content) == [LASTS] * 3


def test_a_picture_behind_an_alias_ends_the_page_too(content, boss, brand, public):
    alias = make_alias()
    fill(alias, boss, "StudioPicturePlugin", picture=ending(brand, 20))
    add_plugin(pages.place(content), "Alias", "en", alias=alias)
    pages.publish(content, boss)
    answers = kept(public, content)
    assert all(seconds <= 20 for seconds in answers), answers


def test_a_picture_behind_two_aliases_of_which_one_shows_itself(content, boss, brand, public):
    outer, inner = make_alias("Outer"), make_alias("Inner")
    fill(inner, boss, "StudioPicturePlugin", picture=ending(brand, 20))
    add_plugin(inner.get_placeholder("en"), "Alias", "en", alias=inner)
    fill(outer, boss, "Alias", alias=inner)
    add_plugin(pages.place(content), "Alias", "en", alias=outer)
    pages.publish(content, boss)
    answers = kept(public, content)
    assert all(seconds <= 20 for seconds in answers), answers


def test_an_alias_without_an_end_is_kept(content, boss, brand, public):
    alias = make_alias()
    fill(alias, boss, "StudioPicturePlugin", picture=make_live(brand))
    add_plugin(pages.place(content), "Alias", "en", alias=alias)
    pages.publish(content, boss)
    # django CMS keeps no page for which it rendered an alias, but the place around it.
    assert kept(public, content) == [0, LASTS, LASTS]


def test_what_stands_in_a_pictures_place_has_rights_too(content, boss, brand, public, settings):
    shelf = ending(brand, 20, title="Shelf")
    pictures = {"default": {"widths": [320, 640], "fallback": str(shelf.pk)}}
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "PICTURES": pictures}
    asset = make_live(brand)
    pages.put(content, asset)
    pages.publish(content, boss)
    withdraw(Policy.operator(), asset)
    answers = kept(public, content)
    assert all(seconds <= 20 for seconds in answers), answers


def test_an_answer_of_djangocms_alias_itself_stays(monkeypatch):
    def own(plugin, request, instance, placeholder):
        return None

    monkeypatch.setattr(AliasClass, "get_cache_expiration", own)
    watch_aliases()
    assert AliasClass.get_cache_expiration is own
