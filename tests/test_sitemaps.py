"""Sitemaps with pictures: only what the public sees, absolute, in few queries, and as XML that a program reads."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import sitemap
from django.urls import path
from django.utils import timezone

from image_studio import storage
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.sitemaps import TEMPLATE, PictureSitemap
from image_studio.workflow import withdraw
from tests import factories
from tests.api.test_published import make_published
from tests.testapp.models import Article, Slide
from tests.urls import urlpatterns as site_urls

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
SPACES = {"": "http://www.sitemaps.org/schemas/sitemap/0.9", "image": "http://www.google.com/schemas/sitemap-image/1.1"}


class Articles(PictureSitemap, Sitemap):
    """The pictures of an article's own fields."""

    def items(self):
        return Article.objects.order_by("pk")


class WithSlides(Articles):
    """And those of its slides."""

    def items(self):
        return Article.objects.prefetch_related("slides").order_by("pk")

    def pictures(self, item):
        return [*super().pictures(item), *(slide.picture_id for slide in item.slides.all()), None]


class InLanguages(Articles):
    """Each page in every language."""

    i18n = True
    alternates = True


class Plain(Sitemap):
    """One that knows nothing of pictures, in the same file."""

    def items(self):
        return ["/about/"]

    def location(self, item):
        return item


def view(name, **maps):
    return path(f"{name}.xml", sitemap, {"sitemaps": maps, "template_name": TEMPLATE})


urlpatterns = [
    *site_urls,
    view("articles", articles=Articles),
    view("slides", articles=WithSlides),
    view("languages", articles=InLanguages),
    view("all", articles=Articles, plain=Plain),
]


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {"DOORBELL": "poll", "PIXEL_THREADS": 1}


@pytest.fixture
def brand():
    return factories.make_bare_brand()


def read(client, name="articles"):
    """Page -> its images."""
    answer = client.get(f"/{name}.xml")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/xml")
    root = ET.fromstring(answer.content)
    return {
        url.find("loc", SPACES).text: [one.text for one in url.findall("image:image/image:loc", SPACES)]
        for url in root.findall("url", SPACES)
    }


def address(asset):
    """The widest JPEG."""
    row = asset.renditions.filter(public=True, format="jpeg").order_by("width").last()
    return "http://testserver" + storage.public().url(row.file)


def page(article):
    return f"http://testserver/articles/{article.pk}/"


def test_published_pictures_stand_with_their_page(client, brand):
    one, two = make_published(brand), make_published(brand)
    both, none = Article.objects.create(picture=one, card=two), Article.objects.create()
    twice = Article.objects.create(picture=one, card=one)
    found = read(client)
    assert found == {page(both): sorted([address(one), address(two)], key=found[page(both)].index), page(none): [],
                     page(twice): [address(one)]}  # fmt: skip
    assert set(found[page(both)]) == {address(one), address(two)}


def test_only_what_the_public_sees_is_told(client, brand, django_capture_on_commit_callbacks):
    one, ended, draft = make_published(brand), make_published(brand), make_published(brand)
    Asset.objects.filter(pk=ended.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    Asset.objects.filter(pk=draft.pk).update(state="approved")
    articles = [Article.objects.create(picture=asset) for asset in (one, ended, draft)]
    assert [read(client)[page(article)] for article in articles] == [[address(one)], [], []]
    with django_capture_on_commit_callbacks(execute=True):
        withdraw(Policy.operator(), Asset.objects.get(pk=one.pk))
    assert [read(client)[page(article)] for article in articles] == [[], [], []]


def test_a_site_may_name_more_pictures(client, brand):
    one, two = make_published(brand), make_published(brand)
    article = Article.objects.create(picture=one)
    Slide.objects.create(article=article, picture=two)
    Slide.objects.create(article=article, picture=one)
    assert read(client, "slides") == {page(article): [address(one), address(two)]}


def test_languages_and_sitemaps_without_pictures(client, brand):
    one = make_published(brand)
    article = Article.objects.create(picture=one)
    assert read(client, "languages") == {page(article): [address(one)]}
    assert read(client, "all") == {page(article): [address(one)], "http://testserver/about/": []}


def test_addresses_are_escaped_and_may_lie_elsewhere(client, brand, monkeypatch):
    article = Article.objects.create(picture=make_published(brand))
    monkeypatch.setattr(storage.public(), "url", lambda name: "https://cdn.example/a.jpg?x=1&y=<2>", raising=False)
    assert read(client) == {page(article): ["https://cdn.example/a.jpg?x=1&y=<2>"]}


def test_two_queries_however_many_pictures(client, brand, django_assert_num_queries):
    for _ in range(4):
        Article.objects.create(picture=make_published(brand), card=make_published(brand))
    with django_assert_num_queries(4):  # the count and the rows of the sitemap itself, what is live, its files
        assert sum(map(len, read(client).values())) == 8
    Article.objects.update(picture=None, card=None)
    with django_assert_num_queries(2):
        read(client)


def test_the_guides_example_runs(brand):
    guide = (Path(__file__).parents[1] / "docs" / "any-site.md").read_text("utf-8")
    block = re.search(r"^```python\n(from django.contrib.sitemaps.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    space = {"Article": Article}
    exec(compile(block[1], "docs/any-site.md", "exec"), space)
    asset = make_published(brand)
    article = Article.objects.create(title="Tea")
    Slide.objects.create(article=article, picture=asset)
    # Unordered, Django warns while it parts the pages, and a warning is an error here.
    (url,) = space["ArticleSitemap"]().get_urls(site=SimpleNamespace(domain="shop.example"))
    assert len(url["images"]) == 1
