"""Web server and worker side by side: they start together and end together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

MANAGE = Path(__file__).resolve().parents[1] / "manage.py"


def serve(port: int, secret: str) -> int:
    """Run both until one ends or a person stops them; returns the exit status.

    :param secret: the site's key: both processes must sign with the same one.
    """
    environment = {**os.environ, "EXAMPLE_SECRET_KEY": secret}
    commands = (["runserver", "--noreload", f"127.0.0.1:{port}"], ["studio_worker"])
    running = [subprocess.Popen([sys.executable, str(MANAGE), *command], env=environment) for command in commands]
    # Ctrl-C reaches the children by itself; a plain kill reaches only this process.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _first_end(running)
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(running)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _first_end(running: Sequence[subprocess.Popen[bytes]]) -> int:
    while True:
        for process in running:
            status = process.poll()
            if status is not None:
                return status or 1
        time.sleep(0.3)


def _stop(running: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in running:
        if process.poll() is None:
            process.terminate()
    for process in running:
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
