"""System checks and start-up: what is missing is said by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core import checks
from djangocms_versioning.conditions import Conditions
from djangocms_versioning.models import Version

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.sites


def found():
    return {
        message.id
        for label in ("image_studio_djangocms", "image_studio_filer")
        for message in checks.run_checks(tags=[label])
    }


def test_nothing_is_wrong_with_the_site():
    assert found() == set()


def test_a_versioning_that_does_not_ask_is_an_error(monkeypatch):
    monkeypatch.setattr(Version, "check_publish", Conditions([]))
    assert found() == {"image_studio_djangocms.E001"}


def test_a_wrong_setting_of_filer_is_an_error(settings):
    settings.IMAGE_STUDIO_FILER = {"ON_WITHDRAW": "keep"}
    assert found() == {"image_studio_filer.E001"}


def test_thumbnails_that_cannot_say_what_they_are_are_told(settings):
    settings.THUMBNAIL_TRANSPARENCY_EXTENSION = "gif"
    assert found() == {"image_studio_filer.W001"}


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("image_studio.contrib.djangocms", "image_studio.contrib.djangocms needs 'cms' in INSTALLED_APPS as well."),
        ("image_studio.contrib.filer", "needs 'filer', 'easy_thumbnails' in INSTALLED_APPS as well."),
    ],
)
def test_a_missing_app_is_named(app, words):
    """In a process of its own: apps are loaded once."""
    apps = ["django.contrib.contenttypes", "django.contrib.auth", "image_studio", app]
    code = (
        f"import django; from django.conf import settings; settings.configure(INSTALLED_APPS={apps!r}); django.setup()"
    )
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode
    assert words in done.stderr.splitlines()[-1]
