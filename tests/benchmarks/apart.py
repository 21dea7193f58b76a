"""Running a measurement in a process of its own, for others bring a Django of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.benchmarks.measure import ROOT


def lines(module: str, *options: str, settings: str = "queue_settings") -> list[dict[str, Any]]:
    """The report that a module of this folder prints, with settings of this folder."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}", *options],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": f"tests.benchmarks.{settings}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
