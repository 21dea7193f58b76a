"""What a page asks the database: as much for six pictures as for one, and for thousands of pages as for none."""

from __future__ import annotations

import pytest
from cms.api import add_plugin
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from image_studio.contrib.djangocms.models import StudioPicture
from tests.sites.djangocms import pages
from tests.sites.djangocms.conftest import make_live
from tests.sites.djangocms.test_pages import images, shown

pytestmark = [pytest.mark.sites, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def two(brand):
    return [make_live(brand) for _ in range(2)]


def asked(public, content, pictures):
    """How many queries a page takes of which nothing is kept; the second time, as the first learns the tables."""
    for _ in range(2):
        cache.clear()
        with CaptureQueriesContext(connection) as found:
            assert len(images(shown(public, content))) == pictures
    return len(found)


def test_more_pictures_ask_no_more(boss, public, two):
    counts = []
    for n in (1, 6):
        content = pages.make_page(boss, f"{n} pictures")
        for i in range(n):
            pages.put(content, two[i % 2])
        pages.publish(content, boss)
        counts.append(asked(public, content, n))
    assert counts[0] == counts[1]


def test_more_links_ask_no_more(boss, public, two):
    others = [pages.make_page(boss, f"Offers {i}") for i in range(6)]
    for other in others:
        pages.publish(other, boss)
    counts = []
    for n in (1, 6):
        content = pages.make_page(boss, f"{n} links")
        for i in range(n):
            pages.put(content, two[i % 2], link_page=others[i].page)
        pages.publish(content, boss)
        counts.append(asked(public, content, n))
        assert f'<a href="{pages.address(others[n - 1])}"><picture>' in shown(public, content)
    assert counts[0] == counts[1]


def test_more_pictures_in_a_text_ask_no_more(boss, public, two):
    counts = []
    for n in (1, 6):
        content = pages.make_page(boss, f"{n} in a text")
        text = add_plugin(pages.place(content), "TextPlugin", "en", body="")
        inside = [
            add_plugin(pages.place(content), "StudioPicturePlugin", "en", target=text, picture=two[0]) for _ in range(n)
        ]
        text.body = "".join(f'<p><cms-plugin id="{child.pk}"></cms-plugin></p>' for child in inside)
        text.save()
        pages.publish(content, boss)
        counts.append(asked(public, content, n))
    assert counts[0] == counts[1]


def test_a_row_is_saved_refreshed_and_copied_as_any(boss, two):
    content = pages.make_page(boss)
    plugin = pages.put(content, two[0], link_page=content.page)
    row = StudioPicture.objects.get(pk=plugin.pk)
    row.picture = two[1]
    row.save()
    plugin.refresh_from_db()
    assert plugin.picture == two[1]
    copied = pages.place(content).copy_plugins(pages.place(pages.make_page(boss, "Other")))
    assert [(one.picture, one.link_page) for one in copied] == [(two[1], content.page)]
    assert list(StudioPicture.objects.values_list("picture", flat=True)) == [two[1].pk] * 2
    assert StudioPicture.objects.filter(picture=two[1]).update(picture=two[0]) == 2
    StudioPicture.objects.get(pk=plugin.pk).delete()
    assert StudioPicture.objects.count() == 1
