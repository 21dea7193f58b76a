"""The server's own books: JSON lines, one for every POST, on the disk before the answer leaves."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows: right for one process only
    fcntl = None  # type: ignore[assignment]


def append(path: Path, line: dict[str, Any]) -> dict[str, Any]:
    """Write ``line`` with its number ``n``, from 0, under a lock that holds across processes; returns it numbered."""
    with path.open("a+b") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        numbered = {"n": sum(1 for _line in file), **line}
        file.write(json.dumps(numbered, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return numbered


def lines(path: str | Path) -> list[dict[str, Any]]:
    """Every POST in order."""
    file = Path(path)
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def charged(path: str | Path) -> list[dict[str, Any]]:
    """Those that a real API would have billed."""
    return [line for line in lines(path) if line["charged"]]
