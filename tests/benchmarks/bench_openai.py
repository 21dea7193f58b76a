"""SPEED rows 1 to 3: GPT Image's answers, against AsyncOpenAI as documented; the server is a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

from tests.benchmarks.measure import ROOT


def measure(short: bool) -> list[dict[str, Any]]:
    """In a process of its own, for other measurements bring a Django of their own.

    :raises ModuleNotFoundError: without the fast decoder, whose place the standard library takes seven times slower.
    """
    if importlib.util.find_spec("pybase64") is None:
        raise ModuleNotFoundError("half of what is measured is missing", name="pybase64")
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.openai_run", *(["--short"] if short else [])],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.benchmarks.openai_settings"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
