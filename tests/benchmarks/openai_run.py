"""In a process of its own: what one picture of GPT Image costs its client, in work, in memory and in time."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import ROOT, by_turns, goal, photograph
from tests.benchmarks.openai_sides import SIDES, Buy, buy_all
from tests.benchmarks.openai_wire import A_SECOND, serving

CPU, STRETCH, MEGABYTES, IDEAL = 0.55, 0.40, 300, 0.95
#: Calls of one turn.
TURN = 64


@contextmanager
def clients(picture: Path, latency: float = 0.0) -> Iterator[tuple[asyncio.Runner, dict[str, Buy]]]:
    """Both sides at one server, in one event loop, each having proved that it brings the picture."""
    with serving(picture, latency=latency) as address, asyncio.Runner() as runner:
        sides = {name: side(address) for name, side in SIDES.items()}
        for name, buy in sides.items():
            with tempfile.TemporaryDirectory() as folder:
                (path,) = runner.run(buy_all(buy, Path(folder), 1, 1))
                if path.read_bytes() != picture.read_bytes():
                    raise ValueError(f"{name} brought something else")
        yield runner, sides


def work(picture: Path, at_once: int, rounds: int) -> dict[str, Any]:
    """CPU of an answer."""
    with clients(picture) as (runner, sides), tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "spool"

        def turn(buy: Buy) -> Callable[[], object]:
            return lambda: runner.run(buy_all(buy, folder, TURN, at_once))

        def clear() -> None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()

        took = by_turns(*map(turn, sides.values()), rounds=rounds, before=clear)
    mine, other = ((side.cpu / TURN, side.wall / TURN) for side in took)
    walls = {"ours_wall": round(mine[1], 2), "theirs_wall": round(other[1], 2)}
    line = goal(f"client CPU of a 1024x1024 PNG answer, {at_once} in flight", mine[0], other[0], CPU, **walls)
    return {**line, "stretch": STRETCH, "stretch_ok": line["ratio"] <= STRETCH}


def alone(picture: Path, rounds: int) -> dict[str, Any]:
    """Calls with nothing beside them, for information: ours then open and close their connection every time."""
    line = work(picture, 1, rounds)
    name = "client CPU of a 1024x1024 PNG answer, one after the other, for information"
    return {"name": name, **{key: line[key] for key in ("ours", "theirs", "ratio", "unit")}}


def memory(picture: Path, count: int) -> dict[str, Any]:
    """The most memory of a whole process whose calls are all answered together, 512 a second."""
    told = {name: _side(name, picture, count) for name in SIDES}
    peaks = {name: round(side["peak"], 1) for name, side in told.items()}
    bases = {f"{name}_base": round(side["base"], 1) for name, side in told.items()}
    work = {f"{name}_cpu": round(side["cpu"], 2) for name, side in told.items()}
    name = f"peak memory of a client, {count} in flight, answers begin at {A_SECOND} a second"
    ratio = round(peaks["ours"] / peaks["theirs"], 4)
    verdict = {"goal": f"<= {MEGABYTES}", "ok": peaks["ours"] <= MEGABYTES, "unit": "MB"}
    return {"name": name, **peaks, "ratio": ratio, **verdict, **bases, **work}


def _side(name: str, picture: Path, count: int) -> dict[str, Any]:
    with serving(picture, together=count) as address:
        command = [sys.executable, "-m", "tests.benchmarks.openai_sides", name, address, str(count)]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(done.stdout)
    if told["weights"] != [picture.stat().st_size]:
        raise ValueError(f"{name} brought something else")
    return dict(told)


def throughput(picture: Path, latency: float, count: int, at_once: int = 32) -> dict[str, Any]:
    """Pictures a second, as a part of what the waiting alone would allow."""
    shares = {}
    with clients(picture, latency) as (runner, sides):
        for name, buy in sides.items():
            with tempfile.TemporaryDirectory() as folder:
                began = time.perf_counter()
                runner.run(buy_all(buy, Path(folder), count, at_once))
                shares[name] = count / at_once * latency / (time.perf_counter() - began)
    rounded = {name: round(share, 3) for name, share in shares.items()}
    verdict = {"goal": f">= {IDEAL}", "ok": shares["ours"] >= IDEAL, "unit": "part of the ideal"}
    ratio = round(shares["ours"] / shares["theirs"], 4)
    name = f"throughput at {at_once} in flight, answers after {latency:g} s"
    return {"name": name, **rounded, "ratio": ratio, **verdict, "calls": count}


def main(short: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.png"
        photograph(1024).save(picture)
        rounds = 5 if short else 15
        print(json.dumps(work(picture, 8, rounds)), flush=True)
        print(json.dumps(alone(picture, rounds)), flush=True)
        print(json.dumps(memory(picture, 64 if short else 512)), flush=True)
        print(json.dumps(throughput(picture, *((1.0, 96) if short else (5.0, 160)))), flush=True)


if __name__ == "__main__":
    main("--short" in sys.argv)
