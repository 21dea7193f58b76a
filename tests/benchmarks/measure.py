"""How things are measured: both sides in one process, by turns, medians; memory in a process per side."""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Took:
    """Medians in milliseconds; ``cpu`` counts all threads."""

    cpu: float
    wall: float


def by_turns(*sides: Callable[[], object], rounds: int, before: Callable[[], object] = lambda: None) -> list[Took]:
    """Each side once to warm up, then one after the other, ``rounds`` times; none clears up after the one before.

    :param before: called before each turn, and not counted.
    """
    for side in sides:
        before()
        side()
    times: list[list[tuple[float, float]]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, taken in zip(sides, times, strict=True):
            before()
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            side()
            taken.append((time.process_time() - cpu, time.perf_counter() - wall))
    return [Took(*(1000 * statistics.median(column) for column in zip(*taken, strict=True))) for taken in times]


def goal(name: str, ours: float, theirs: float, limit: float, *, unit: str = "ms cpu", **more: Any) -> dict[str, Any]:
    """One line of the report; ``limit`` is the highest ratio of ours to theirs that meets the goal."""
    ratio = ours / theirs
    figures = {"ours": round(ours, 3), "theirs": round(theirs, 3), "ratio": round(ratio, 4), "goal": limit}
    return {"name": name, **figures, "ok": ratio <= limit, "unit": unit, **more}


def photograph(side: int, seed: int = 1) -> Image.Image:
    """A picture that compresses like a photograph: detail at every scale, with grain and hard edges."""
    random = np.random.default_rng(seed)
    total = np.zeros((side, side, 3), dtype=np.float32)
    edge, weight = 4, 1.0
    while edge <= side // 2:
        noise = Image.fromarray(random.integers(0, 256, (edge, edge, 3), dtype=np.uint8))
        total += weight * np.asarray(noise.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float32)
        edge, weight = edge * 2, weight * 0.55
    total = (total - total.min()) / (total.max() - total.min()) * 255
    total[side // 3 : side // 2, side // 4 : side // 2] = (11, 61, 145)
    total += random.normal(0, 2, total.shape).astype(np.float32)
    return Image.fromarray(total.clip(0, 255).astype(np.uint8))


PEAK = """
import ctypes, json, sys
from importlib import import_module

def status(key):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1e3

side = getattr(import_module(sys.argv[1]), sys.argv[2])()
with open("/proc/self/clear_refs", "w") as reset:
    reset.write("5")
base = status("VmRSS")
side()
print(json.dumps(status("VmHWM") - base))
"""


def peak_megabytes(module: str, prepare: str) -> float:
    """The most memory over its base that one run takes, in a fresh process.

    :param prepare: the name of a function in ``module`` that imports all it needs and returns what is to be run.
    """
    done = subprocess.run(
        [sys.executable, "-c", PEAK, module, prepare], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(json.loads(done.stdout.splitlines()[-1]))
