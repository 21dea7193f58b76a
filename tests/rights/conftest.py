"""The world of two brands, built once a module, and each test undone."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings

from tests.rights import world as worlds

#: Nothing that a site may add or leave out hides what the studio says itself; the one thing that is left to the
#: site, who may frame its pages, is on, so that a page which opts out is found.
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
STUDIO = {
    "DOORBELL": "poll",
    "PIXEL_THREADS": 1,
    "API_DOCS": True,
    # Nobody works here, and what waits has waited for ever.
    "QUEUE_AGE_SECONDS": 1e10,
    "API_RATES": dict.fromkeys(("read", "write", "upload", "spend", "published"), ""),
}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    """Both brands and everybody's client, for all tests of a module; what a test writes is undone after it."""
    root = tmp_path_factory.mktemp("rights") / "media"
    with (
        override_settings(MEDIA_ROOT=str(root), IMAGE_STUDIO=STUDIO, MIDDLEWARE=MIDDLEWARE),
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        cache.clear()
        yield worlds.build()
        transaction.set_rollback(True)
