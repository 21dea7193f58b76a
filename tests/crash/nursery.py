"""A process that has everything imported and bears workers by fork: each is a process of its own, a moment later.

Told by lines of JSON: ``{"run": "work", ...}`` answers the child's number; ``{"wait": pid}`` answers its exit status
as ``subprocess`` tells it, or null while it runs.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

django.setup()

from image_studio.management.commands import studio_doctor, studio_worker  # noqa: E402, F401 - imported once for all
from image_studio.runner.draining import work  # noqa: E402
from image_studio.runner.worker import Worker  # noqa: E402
from tests.crash import arming  # noqa: E402
from tests.crash.scenarios import order_here  # noqa: E402


def main() -> None:
    for line in sys.stdin:
        told = json.loads(line)
        answer = _status(told["wait"]) if "wait" in told else _born(told)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _status(pid: int) -> int | None:
    done, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if done else None


def _born(told: dict[str, Any]) -> int:
    pid = os.fork()
    return pid or _live(told)


def _live(told: dict[str, Any]) -> NoReturn:
    folder = Path(told["folder"])
    said = os.open(folder / f"{told['run']}-{os.getpid()}.log", os.O_CREAT | os.O_WRONLY)
    status = 70
    try:
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.stdout = sys.stderr = os.fdopen(said, "w", buffering=1)
        studio = json.loads((folder / "studio.json").read_text())
        override_settings(MEDIA_ROOT=str(folder / "media"), IMAGE_STUDIO=studio).enable()
        connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = told["database"]
        if told.get("arm") is not None:
            arming.arm(told["arm"], folder)
        status = _do(told)
    except SystemExit as ended:
        status = int(ended.code or 0)
    except BaseException:  # noqa: BLE001 - said, and the child ends
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _do(told: dict[str, Any]) -> int:
    if told["run"] == "doctor":
        call_command("studio_doctor", "--fix", "--json")
    elif told["run"] == "order":
        order_here(told["brand"])
    else:
        worker = Worker(concurrency=8, once=told["run"] == "work", grace=1.0)
        if told.get("gate"):
            _wait_for(worker, Path(told["gate"]))
        work(worker)
    return 0


def _wait_for(worker: Worker, gate: Path) -> None:
    """It beats, and takes and sweeps nothing before the other has failed."""
    claim, sweep = worker._claim, worker._sweep

    async def claimed() -> bool:
        return await claim() if gate.exists() else False

    async def swept() -> None:
        if gate.exists():
            await sweep()

    worker._claim, worker._sweep = claimed, swept  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
