"""Run every ``bench_*.py`` of this folder, or those named. Exit status 1 where a goal is missed."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path


def modules(names: list[str]) -> list[str]:
    found = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    return [name for name in found if not names or name.removeprefix("bench_") in names]


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    options.add_argument("--short", action="store_true", help="fewer rounds, for a first look")
    options.add_argument("names", nargs="*", help="for example: renditions fingerprint")
    chosen = options.parse_args()
    met = True
    for name in modules(chosen.names):
        try:
            rows = importlib.import_module(f"tests.benchmarks.{name}").measure(chosen.short)
        except ModuleNotFoundError as missing:
            rows = [
                {"name": name, "skipped": f"{missing.name} is not installed: see tests/benchmarks/requirements.txt"}
            ]
        for row in rows:
            print(json.dumps(row), flush=True)
            met = met and row.get("ok", True)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
