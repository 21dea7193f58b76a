"""Applications that follow what the studio says: one that fails is logged, and whoever spoke hears nothing of it."""

from __future__ import annotations

import pytest
from django.db.models.signals import post_save

from image_studio.contrib import words
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.workflow import describe
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_follower_that_fails_undoes_nothing(caplog):
    heard = []

    def rewrite(asset):
        heard.append(asset.title)
        raise OSError("disk full")

    asset = factories.make_asset(factories.make_bare_brand(), (64, 48))
    words.follow(rewrite, uid="tests.fails")
    try:
        describe(Policy.operator(), asset, title="A new title")
    finally:
        post_save.disconnect(sender=Asset, dispatch_uid="tests.fails")
    assert heard == ["A new title"]
    assert Asset.objects.get().title == "A new title"
    assert "disk full" in caplog.text
