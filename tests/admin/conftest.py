"""A studio of its own for every test of the admin, and somebody to look at it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from tests import factories


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    """Where this test's files lie; work is done at once."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {"DOORBELL": "inline", "PIXEL_THREADS": 1}
    return tmp_path


@pytest.fixture
def brand():
    return factories.make_brand()


@pytest.fixture
def boss():
    """A signed-in superuser."""
    return signed_in(factories.make_user(is_staff=True, is_superuser=True))


@pytest.fixture
def as_role(brand):
    """A signed-in member of ``brand`` with every Django permission on the studio's models."""

    def sign_in(role, *, own_only=False, of=None):
        return signed_in(make_staff(role, brand=of or brand, own_only=own_only))

    return sign_in


def make_staff(role, *, brand, own_only=False):
    """Django's permissions are all given, so that only the brand's own rights decide."""
    user = factories.make_user(role, brand=brand, own_only=own_only, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="image_studio"))
    return user


def signed_in(user):
    client = Client()
    client.force_login(user)
    client.user = user
    return client
