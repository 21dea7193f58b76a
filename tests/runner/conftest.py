"""A studio of its own for every test: its own files, its own spool, a paid provider with its own books."""

from __future__ import annotations

import pytest

from image_studio.testing import fake_settings

FAST = {"LEASE_SECONDS": 4.0, "BEAT_SECONDS": 1.0, "SWEEP_SECONDS": 1.0, "POLL_SECONDS": 0.05, "PIXEL_THREADS": 1}
#: Tests of money and states need no verdicts.
PLAIN = {**FAST, "BRAND_CHECKS": ()}


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    """Where this test's files lie; private ones beside MEDIA_ROOT."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {"DOORBELL": "poll", **FAST}
    return tmp_path


@pytest.fixture
def fake(folder, settings):
    """Configure the fake provider with a script; returns the path of its ledger."""

    def configure(*script, backend="image_studio.testing", more=None, **options):
        ledger = folder / "ledger.jsonl"
        rows = fake_settings(ledger=ledger, backend=backend, script=script or ("ok",), **options)
        settings.IMAGE_STUDIO = {"DOORBELL": "poll", **PLAIN, **rows, **(more or {})}
        return ledger

    return configure
