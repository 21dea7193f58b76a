"""Run in a process of its own: a worker that kills itself at a named point, as if the power went.

``python -m tests.crash.kills POINT``: ``sending`` (committed, nothing sent), ``answered`` (manifest on the disk, row
not yet), ``spooled`` (row says so, nothing stored), ``filed`` (files stored, transaction not begun), ``writing`` (in
the middle of the last transaction), ``committed`` (all written, spool not dropped), ``none``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django
from django.core.management import call_command

django.setup()

from image_studio.runner import answers, marks, saving  # noqa: E402 - models need the apps
from image_studio.storage import Spool  # noqa: E402


def die(*_args: Any, **_kwargs: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def after(real: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        real(*args, **kwargs)
        die()

    return wrapped


def arm(point: str) -> None:
    if point == "sending":
        marks.sending = after(marks.sending)
    elif point == "answered":
        answers.keep = after(answers.keep)
    elif point == "spooled":
        marks.answered = after(marks.answered)
    elif point == "filed":
        saving.finish = die
    elif point == "writing":
        saving.insert = after(saving.insert)
    elif point == "committed":
        Spool.drop = die
    elif point != "none":
        raise SystemExit(f"there is no point {point}")


def main() -> None:
    arm(sys.argv[1])
    call_command("studio_worker", "--once", "--json", "--concurrency", "2")


if __name__ == "__main__":
    main()
