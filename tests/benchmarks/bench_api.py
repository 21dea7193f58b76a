"""SPEED row 9: a page of a million pictures by the API, against DRF's own; and that the library's page is as flat.

SQLite in a temporary file; PostgreSQL with IMAGE_STUDIO_TEST_DB=postgresql, as the tests.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

from tests.benchmarks.measure import ROOT

ROWS, ROWS_SHORT = 1_000_000, 50_000


def measure(short: bool) -> list[dict[str, Any]]:
    """In a process of its own, for other measurements bring a Django of their own.

    :raises ModuleNotFoundError: where PostgreSQL is asked for without its driver.
    """
    engine = os.environ.get("IMAGE_STUDIO_TEST_DB", "sqlite")
    if engine == "postgresql" and importlib.util.find_spec("psycopg") is None:
        raise ModuleNotFoundError("no driver for PostgreSQL", name="psycopg")
    rows, rounds = (ROWS_SHORT, 3) if short else (ROWS, 15)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.library_run", str(rows), str(rounds)],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.benchmarks.library_settings"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    more = {"database": engine, **({"short": f"{rows:,} rows instead of {ROWS:,}"} if short else {})}
    return [{**json.loads(line), **more} for line in done.stdout.splitlines()]
