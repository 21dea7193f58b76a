"""The example site from outside: its commands as a person runs them, in a folder of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "example_project"


def environment(var: Path, **more: str) -> dict[str, str]:
    """The example's environment: files below ``var``, the package of this checkout, nothing of the test's settings."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("DJANGO_", "IMAGE_STUDIO_", "EXAMPLE_"))
    }
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    return {**kept, "EXAMPLE_VAR": str(var), "PYTHONPATH": path, **more}


def manage(var: Path, *command: str, timeout: float = 300, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one of the example's commands to its end."""
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLE / "manage.py"), *command],
        env=environment(var, **more),
        cwd=var,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def serving(var: Path, **more: str) -> Iterator[str]:
    """The example's web server, without a worker; yields its address."""
    port = free_port()
    command = [sys.executable, str(EXAMPLE / "manage.py"), "runserver", "--noreload", f"127.0.0.1:{port}"]
    with (var / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment(var, **more), stdout=log, stderr=log, cwd=var)
    try:
        wait_for(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for(address: str, process: subprocess.Popen[bytes], timeout: float = 60) -> None:
    """:raises AssertionError: when the server ends, or does not answer in time."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended"
        try:
            with urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{address} does not answer")
