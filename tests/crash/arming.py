"""Inside a worker that is to fail: notices where it comes, and does there what the harness asked for.

Hooked are the edges of the world (COMMIT, fsync, rename, rmtree, storage, the provider), never our own functions: where
one was reached is read from the stack.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F

from image_studio import testing
from image_studio.models import Job
from image_studio.runner import listening
from image_studio.runner.worker import Worker
from tests.crash.points import PACKAGE, WATCHED, module

#: Seconds that a hanging worker hangs: longer than a lease of the harness.
HANG = 3.0
FILES = {str(path): module(path) for path in WATCHED}
SPOOL = str(PACKAGE / "storage.py")
CHANGES = ("INSERT", "UPDATE", "DELETE", "REPLACE")

_asker = threading.local()


class Armed:
    """What to do, and where.

    :param at: point -> action; each happens once.
    :param folder: gets ``trace`` (a line for every point) and ``reached``, once the last of ``at`` was.
    """

    def __init__(self, at: dict[str, str], folder: Path) -> None:
        self.at, self.folder = dict(at), folder
        self.final = list(at)[-1] if at else ""
        self._trace = (folder / "trace").open("a", buffering=1)

    def reach(self, where: str, effect: str, moment: str) -> bool:
        """Write it down, and act if it is the one. True where the effect is not to happen."""
        point = f"{where}:{effect}:{moment}"
        self._trace.write(point + "\n")
        action = self.at.pop(point, "")
        if action == "nap":
            return self._nap()
        if action and point == self.final:
            (self.folder / "reached").touch()
        return bool(action) and act(action, effect)

    def _nap(self) -> bool:
        """Until the other threads have nothing more to do: what they want then is done together."""
        before, ends = -1, time.monotonic() + 6
        while time.monotonic() < ends and self._trace.tell() != before:
            before = self._trace.tell()
            time.sleep(0.7)
        return False


def act(action: str, effect: str) -> bool:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action == "hang":
        time.sleep(HANG)
    elif action == "drop":
        _cut()
    elif action == "terminate":
        _terminate()
    elif action in ("term", "term twice"):
        for _signal in action.split():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.2)
    elif action == "steal":
        _steal()
    elif action == "raise" and effect == "drop":
        return True  # rmtree tells nobody; the folder stays
    elif action == "raise":
        raise trouble(effect)
    else:
        raise ValueError(f"there is no action {action}")
    return False


def _steal() -> None:
    """Somebody else has the job by now."""
    Job.objects.update(lease_owner=None, lease_until=None, lease_token=F("lease_token") + 1)
    Job.objects.filter(state="leased").update(state="queued")
    connection.close()


def trouble(effect: str) -> Exception:
    """What a machine says when this goes wrong: a database that is away, a full disk, one that cannot be read."""
    if effect in ("commit", "ring"):
        return OperationalError("the database went away")
    if effect in ("call", "recover"):
        return RuntimeError("a defect in a provider")
    number = {"read": errno.EIO, "delete": errno.EACCES}.get(effect, errno.ENOSPC)
    return OSError(number, os.strerror(number))


def _cut() -> None:
    """The network between worker and database is gone."""
    own = socket.socket(fileno=os.dup(connection.connection.fileno()))
    own.shutdown(socket.SHUT_RDWR)
    own.close()


def _terminate() -> None:
    """The server ends the worker's backend."""
    psycopg = import_module("psycopg")  # of the group "services": SQLite's runs do without
    asked = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    with psycopg.connect(**{name: asked[name] for name in names if asked.get(name)}, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    time.sleep(0.05)


def place(frame: FrameType | None) -> str:
    """The innermost function of the worker's side on a stack."""
    while frame is not None:
        name = FILES.get(frame.f_code.co_filename)
        if name:
            return f"{name}.{frame.f_code.co_qualname.partition('.<locals>')[0]}"
        frame = frame.f_back
    return str(getattr(_asker, "where", ""))


def arm(at: dict[str, str], folder: Path) -> None:
    """Hook the edges of this process."""
    armed = Armed(at, folder)
    BaseDatabaseWrapper.commit = _hooked(armed, BaseDatabaseWrapper.commit, "commit")  # type: ignore[method-assign]
    connection.execute_wrappers.append(_statement(armed))
    shutil.rmtree = _hooked(armed, shutil.rmtree, "drop")  # type: ignore[assignment]
    os.fsync = _hooked(armed, os.fsync, "flush", direct=True)
    Path.replace = _hooked(armed, Path.replace, "rename", direct=True)  # type: ignore[method-assign]
    Path.read_bytes = _hooked(armed, Path.read_bytes, "read", direct=True)  # type: ignore[method-assign]
    for name, effect in (("save", "save"), ("delete", "delete"), ("open", "read")):
        setattr(FileSystemStorage, name, _hooked(armed, getattr(FileSystemStorage, name), effect))
    listening.ring = _hooked(armed, listening.ring, "ring")
    testing.ScriptedProvider.recover = _hooked(armed, testing.ScriptedProvider.recover, "recover")  # type: ignore[method-assign]
    testing.ScriptedProvider.run = _called(armed, testing.ScriptedProvider.run)  # type: ignore[method-assign]
    Worker._pixels = _asked(Worker._pixels)  # type: ignore[method-assign]


def _hooked(armed: Armed, real: Callable[..., Any], effect: str, *, direct: bool = False) -> Callable[..., Any]:
    """:param direct: only where the worker's side or the spool itself calls it."""

    @wraps(real)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1)
        where = place(caller)
        if not where or (direct and caller.f_code.co_filename not in (SPOOL, *FILES)):
            return real(*args, **kwargs)
        if armed.reach(where, effect, "before"):
            return None
        made = real(*args, **kwargs)
        armed.reach(where, effect, "after")
        return made

    return wrapped


def _statement(armed: Armed) -> Callable[..., Any]:
    """A statement outside of a transaction commits itself."""

    def wrapped(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if context["connection"].in_atomic_block or not sql.lstrip().upper().startswith(CHANGES):
            return execute(sql, params, many, context)
        where = place(sys._getframe(1))
        armed.reach(where, "commit", "before")
        made = execute(sql, params, many, context)
        armed.reach(where, "commit", "after")
        return made

    return wrapped


def _called(armed: Armed, real: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        where = place(sys._getframe(1))
        armed.reach(where, "call", "before")
        made = await real(*args, **kwargs)
        armed.reach(where, "call", "after")
        return made

    return wrapped


def _asked(real: Callable[..., Any]) -> Callable[..., Any]:
    """A pixel thread has no stack of ours: it is told who asked."""

    async def wrapped(worker: Worker, call: Callable[..., Any], *args: Any) -> Any:
        where = place(sys._getframe(1))

        def run(*given: Any) -> Any:
            _asker.where = where
            return call(*given)

        return await real(worker, run, *args)

    return wrapped
