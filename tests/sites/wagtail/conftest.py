"""People, pictures and pages of the site. Without its settings, and so perhaps without Wagtail, nothing is run."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from image_studio.policy import Policy
from image_studio.workflow import approve_and_publish
from tests import factories
from tests.browser.chromium import Watch
from tests.sites.pictures import make_candidate
from tests.sites.wagtail.editor import Editor
from tests.sites.windows import chromium_here, live_server, windows

__all__ = ["live_server"]

SETTINGS = "tests.sites.wagtail.settings"
if os.environ.get("DJANGO_SETTINGS_MODULE") != SETTINGS:
    collect_ignore_glob = ["*"]


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    """Where this test's files lie; nothing that another test rendered is kept."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    cache.clear()
    return tmp_path


@pytest.fixture
def brand():
    return factories.make_brand("acme")


@pytest.fixture
def boss():
    return factories.make_user(username="ada", is_staff=True, is_superuser=True)


@pytest.fixture
def editor(client, boss):
    """Somebody signed in who may do everything."""
    client.force_login(boss)
    return client


@pytest.fixture
def public(client):
    """Somebody who only reads."""
    return Client()


@pytest.fixture(scope="module")
def chromium():
    """Gone behind its module: workers of later tests want a loop of their own in this thread."""
    with chromium_here() as browser:
        yield browser


@pytest.fixture
def open_page(chromium, live_server):
    watches = []

    def opening(*who, **how):
        page = window(*who, **how)
        watches.append(Watch(page))
        return Editor(page, live_server.url, watches[-1])

    with windows(chromium, live_server.url, patience=30_000) as window:
        yield opening
    assert [fault for watch in watches for fault in watch.faults] == []


@pytest.fixture
def home(transactional_db):
    """The root of a site; a transactional test before has emptied the tables that migrations filled."""
    from wagtail.models import Collection, Locale, Page, Site  # noqa: PLC0415 - perhaps not installed

    locale, _new = Locale.objects.get_or_create(language_code="en")
    if not Collection.objects.exists():
        Collection.add_root(name="Root")
    root = Page.get_first_root_node() or Page.add_root(title="Root", slug="root", locale=locale)
    found = root.get_children().filter(slug="house").first() or root.add_child(title="House", slug="house")
    Site.objects.all().delete()
    Site.objects.create(hostname="localhost", root_page=found, is_default_site=True)
    return found


def make_live(brand, size=(640, 480), **fields):
    """The same, approved and published: its files are made at once."""
    asset = make_candidate(brand, size, **fields)
    publish(asset)
    return asset


def publish(asset):
    approve_and_publish(Policy.operator(), asset, declaration=factories.DECLARED)
    asset.refresh_from_db()


def make_article(home, *blocks, live=True, title="Spring tea"):
    """A page with these blocks, published or as a draft."""
    from tests.sites.wagtail.models import ArticlePage  # noqa: PLC0415

    page = ArticlePage(title=title, live=False, body=list(blocks))
    home.add_child(instance=page)
    revision = page.save_revision()
    if live:
        revision.publish()
    page.refresh_from_db()
    return page


def make_lead(home, asset, *, live=True, title="Lead", **more):
    """A page with a picture in a field: published, or only in its draft."""
    from tests.sites.wagtail.models import LeadPage  # noqa: PLC0415

    page = LeadPage(title=title, live=False)
    home.add_child(instance=page)
    page.picture = asset
    for name, value in more.items():
        setattr(page, name, value)
    revision = page.save_revision()
    if live:
        revision.publish()
    return LeadPage.objects.get(pk=page.pk)


def schedule(page, *, minutes=1):
    """The newest draft was due so long ago."""
    revision = page.get_latest_revision()
    due = timezone.now() - timedelta(minutes=minutes)
    type(revision).objects.filter(pk=revision.pk).update(approved_go_live_at=due)
    return revision


def picture_block(asset, kind="picture", **more):
    return kind, {"picture": asset, "alt": "", **more}


def bytes_of(file):
    """What storage holds."""
    with file.storage.open(file.name, "rb") as opened:
        return opened.read()
