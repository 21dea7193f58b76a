"""A place on a page asks for a picture of its channel: the form begins with that one ticked."""

from __future__ import annotations

import re

import pytest

from tests import factories

pytestmark = pytest.mark.django_db
PAGE = "/admin/image_studio/variantset/generate/"


def ticked(html):
    boxes = re.findall(r'<input[^>]*name="channels"[^>]*>', html)
    return {re.search(r'value="([^"]+)"', box)[1] for box in boxes if " checked" in box}


@pytest.fixture
def source(brand):
    factories.make_channels("square", "story", "link-card")
    return factories.make_asset(brand, (640, 480))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("channel=story", {"story"}),
        ("channel=story&channel=square", {"story", "square"}),
        ("channel=gone", {"square", "story", "link-card"}),
        ("", {"square", "story", "link-card"}),
    ],
)
def test_the_channels_of_the_address_are_ticked(boss, source, query, expected):
    assert ticked(boss.get(f"{PAGE}?source={source.pk}&{query}").content.decode()) == expected


def test_the_choice_of_what_to_start_from_keeps_them(boss, source):
    html = boss.get(f"{PAGE}?channel=story&channel=%22%3E%3Cb%3E").content.decode()
    assert f'href="?source={source.pk}&amp;channel=story&amp;channel=%22%3E%3Cb%3E"' in html
