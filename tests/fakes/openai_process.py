"""The fake of OpenAI's API as a process of its own, so that its books and its socket outlive whoever calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.fakes import openai_ledger

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Process:
    """A running fake.

    :param base_url: up to and with ``/v1``.
    """

    base_url: str
    ledger: Path

    def script(self, **told: Any) -> None:
        """Words of :class:`~tests.fakes.openai_script.Script` for what comes next."""
        address = f"{self.base_url.removesuffix('/v1')}/_script"
        urlopen(Request(address, data=json.dumps(told).encode(), method="POST")).close()

    def calls(self) -> list[dict[str, Any]]:
        return openai_ledger.lines(self.ledger)

    def charged(self) -> list[dict[str, Any]]:
        return openai_ledger.charged(self.ledger)


@contextmanager
def serve_apart(ledger: Path, *faults: str) -> Iterator[Process]:
    """A server in its own process for the length of a test."""
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--ledger", str(ledger)]
    command += [word for fault in faults for word in ("--fault", fault)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Process(base_url=process.stdout.readline().strip(), ledger=ledger)
        finally:
            process.kill()
