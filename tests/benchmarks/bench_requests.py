"""SPEED row 5: ordering a thousand variants, beside enqueueing a thousand tasks elsewhere.

SQLite in a temporary file; PostgreSQL with IMAGE_STUDIO_TEST_DB=postgresql, as the tests. The goal is PostgreSQL's.
"""

from __future__ import annotations

from typing import Any

from tests.benchmarks.apart import lines


def measure(short: bool) -> list[dict[str, Any]]:
    return lines("requests_run", "3" if short else "9", settings="peers_settings")
