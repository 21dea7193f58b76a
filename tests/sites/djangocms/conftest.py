"""People and pictures of the site. Without its settings, and so perhaps without django CMS, nothing is collected."""

from __future__ import annotations

import gc
import os
import warnings

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client

from image_studio.policy import Policy
from image_studio.workflow import approve_and_publish
from tests import factories
from tests.sites.djangocms.browser import Editor
from tests.sites.pictures import apart, make_candidate
from tests.sites.windows import chromium_here, live_server, windows

__all__ = ["live_server"]

SETTINGS = "tests.sites.djangocms.settings"
if os.environ.get("DJANGO_SETTINGS_MODULE") != SETTINGS:
    collect_ignore_glob = ["*"]


def pytest_configure(config):
    """What filer 3.6 does: it leaves files to the collector, and speaks of actions as Django did before 6.1."""
    for ignored in ("unclosed file:ResourceWarning", "Overriding get_actions", "Unpacking an action tuple"):
        config.addinivalue_line("filterwarnings", f"ignore:{ignored}")


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    """Where this test's files lie; nothing that another test rendered is kept."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    cache.clear()
    yield tmp_path
    with warnings.catch_warnings():
        # filer leaves files to the collector: it comes here, and not in somebody else's test.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(autouse=True)
def content_types(folder):
    """A transactional test leaves others behind it: what versioning remembers of them is of the test before."""
    extension = apps.get_app_config("djangocms_versioning").cms_extension
    for versionable in extension.versionables:
        versionable.__dict__.pop("content_types", None)


@pytest.fixture
def brand():
    return factories.make_brand("acme")


@pytest.fixture
def boss():
    return factories.make_user(username="ada", is_staff=True, is_superuser=True)


@pytest.fixture
def public(client):
    """Somebody who only reads."""
    return Client()


def make_live(brand, size=(640, 480), **fields):
    """The same, approved and published: its files are made at once."""
    asset = make_candidate(brand, size, **fields)
    publish(asset)
    return asset


def publish(asset):
    apart(approve_and_publish, Policy.operator(), asset, declaration=factories.DECLARED)
    asset.refresh_from_db()


def make_editor(brand, role="viewer"):
    """Somebody who edits pages, and has a role in the brand."""
    user = factories.make_user(role, brand=brand, is_staff=True)
    labels = ("cms", "image_studio", "image_studio_djangocms", "djangocms_text", "djangocms_versioning", "filer")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=labels))
    return user


@pytest.fixture(scope="session")
def chromium():
    with chromium_here() as browser:
        yield browser


@pytest.fixture
def open_page(chromium, live_server):
    with windows(chromium, live_server.url, patience=20_000) as opening:
        yield lambda *who, **how: Editor(opening(*who, **how), live_server.url)
