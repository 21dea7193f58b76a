"""SPEED rows 6 and 7: draining jobs that do nothing, and how soon an idle worker begins.

SQLite in a temporary file; PostgreSQL with IMAGE_STUDIO_TEST_DB=postgresql, as the tests.
"""

from __future__ import annotations

from typing import Any

from tests.benchmarks.apart import lines


def measure(short: bool) -> list[dict[str, Any]]:
    return lines("drain_run", *(("512", "20") if short else ("4096", "100")), settings="peers_settings")
