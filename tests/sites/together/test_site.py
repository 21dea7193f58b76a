"""The site as it starts: its checks, and its migrations."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core import checks
from django.core.management import call_command

pytestmark = [pytest.mark.sites, pytest.mark.django_db]
OURS = ("image_studio", "image_studio_djangocms", "image_studio_filer", "image_studio_wagtail")


def test_all_of_the_studio_is_there():
    assert {app.label for app in apps.get_app_configs() if app.label.startswith("image_studio")} == set(OURS)


def test_nothing_is_to_be_complained_of():
    """The one word that is left is of django CMS's managers, and treebeard's next version."""
    assert {message.id for message in checks.run_checks(include_deployment_checks=False)} <= {"treebeard.E001"}


def test_no_migration_of_ours_is_missing():
    """Of ours alone: djangocms-text makes models while it renders."""
    call_command("makemigrations", *OURS, "--check", "--dry-run")
