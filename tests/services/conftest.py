"""Tests with many connections take turns: a server grants a hundred, and workers of pytest run beside each other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.settings import ENGINE

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows, where no test asks a server for so many
    fcntl = None  # type: ignore[assignment]


@pytest.fixture
def crowd() -> Iterator[None]:
    """This machine's only test with a crowd on this database. SQLite has no connections to run out of."""
    if fcntl is None or ENGINE == "sqlite":
        yield
        return
    with (Path(tempfile.gettempdir()) / f"image-studio-crowd-{ENGINE}").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield
