"""SPEED row 4: what our queue adds around a provider's call, in work and in queries.

SQLite in a temporary file; PostgreSQL with IMAGE_STUDIO_TEST_DB=postgresql, as the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.benchmarks.measure import ROOT


def measure(short: bool) -> list[dict[str, Any]]:
    """In a process of its own, for other measurements bring a Django of their own."""
    jobs, rounds = (64, 3) if short else (256, 5)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.queue_run", str(jobs), str(rounds)],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.benchmarks.queue_settings"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
