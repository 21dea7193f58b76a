"""A studio with a paid provider, and an order that goes the whole way."""

from __future__ import annotations

import pytest

from image_studio import testing
from tests.ledger.money import PLAIN


@pytest.fixture
def fake(tmp_path, settings):
    """Configure the fake provider with a script; returns the path of its books."""
    settings.MEDIA_ROOT = str(tmp_path / "media")

    def configure(*script, more=None, **options):
        ledger = tmp_path / "ledger.jsonl"
        rows = testing.fake_settings(ledger=ledger, script=script or ("ok",), **options)
        settings.IMAGE_STUDIO = {**PLAIN, **rows, **(more or {})}
        return ledger

    return configure
