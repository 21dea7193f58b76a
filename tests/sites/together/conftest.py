"""People and pages of both sites. Without this site's settings nothing is collected."""

from __future__ import annotations

import os

import pytest

from tests.sites.djangocms.conftest import boss, content_types, folder, public, pytest_configure
from tests.sites.wagtail.conftest import home

__all__ = ["boss", "content_types", "folder", "home", "public", "pytest_configure"]

SETTINGS = "tests.sites.together.settings"
if os.environ.get("DJANGO_SETTINGS_MODULE") != SETTINGS:
    collect_ignore_glob = ["*"]


@pytest.fixture
def editor(client, boss):
    client.force_login(boss)
    return client
