"""Workers in processes of their own, borne by a nursery, and what is known of them from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0


@dataclass(kw_only=True)
class Nest:
    """A nursery and the folder of the test that has it now.

    :param folder: holds ``studio.json`` and all files; set by each test.
    """

    process: subprocess.Popen[str]
    folder: Path = Path()
    born: list[int] = field(default_factory=list)

    def start(self, run: str, **told: Any) -> int:
        """A new process; returns its number. ``arm``: point -> action."""
        told = {"folder": str(self.folder), "database": str(connection.settings_dict["NAME"]), **told}
        pid = int(self._ask({"run": run, **told}))
        self.born.append(pid)
        return pid

    def run(self, run: str, **told: Any) -> int:
        """A process until its end; returns its exit status."""
        return self.ended(self.start(run, **told))

    def status(self, pid: int) -> int | None:
        """None while it runs; minus a signal's number where that ended it."""
        found = self._ask({"wait": pid})
        if found is not None:
            self.born.remove(pid)
        return found

    def ended(self, pid: int, seconds: float = PATIENCE) -> int:
        deadline, found = time.monotonic() + seconds, None
        while (found := self.status(pid)) is None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                raise AssertionError(f"process {pid} did not end: {self.said()}")
            time.sleep(0.01)
        return int(found)

    def until(self, true: Callable[[], Any], why: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"{why}: {self.said()}"
            time.sleep(0.02)

    def said(self) -> str:
        """The last words of every process of this test."""
        return "\n".join(f"{path.name}: {path.read_text()[-1500:]}" for path in sorted(self.folder.glob("*.log")))

    @property
    def reached(self) -> Path:
        return self.folder / "reached"

    def clear(self) -> None:
        for pid in list(self.born):
            os.kill(pid, signal.SIGKILL)
            self.ended(pid)

    def _ask(self, told: dict[str, Any]) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def nursery() -> Iterator[Nest]:
    command = [sys.executable, "-W", "error", "-m", "tests.crash.nursery"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) as process:
        try:
            yield Nest(process=process)
        finally:
            process.kill()
