"""SPEED row 13: the Spend page at a million entries of the ledger, and what rollups and budgets add to writing them.

SQLite in a temporary file; PostgreSQL with IMAGE_STUDIO_TEST_DB=postgresql, as the tests.
"""

from __future__ import annotations

from typing import Any

from tests.benchmarks.apart import lines


def measure(short: bool) -> list[dict[str, Any]]:
    return lines("spend_run", "100000" if short else "1000000", "5" if short else "15")
