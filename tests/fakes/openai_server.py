"""A real HTTP server that plays OpenAI's images API: strict about what it is sent, and with its own books.

In a test::

    with serve(ledger=tmp_path / "ledger.jsonl", faults=["server_500"]) as server:
        client = OpenAI(api_key="sk-test", base_url=server.base_url, max_retries=0)

or as a process: ``python -m tests.fakes.openai_server --port 0 --ledger FILE`` prints its base URL and serves.

Endpoints, under /v1 and, as Azure has them, /openai/v1: POST images/generations, images/edits, moderations; GET models
and models/{id}. Any key passes but ``sk-wrong`` (401), ``sk-unverified`` (403) and ``sk-broke`` (429). Markers in a
prompt: ``[fault:NAME]`` plays one of :data:`FAULTS`, ``[flag:CATEGORY]`` is blocked by moderation,
``[paint:violence]`` draws what the moderation endpoint flags. POST /_script, without a key, takes a JSON object with
any words of :class:`~tests.fakes.openai_script.Script`. Each POST to images takes one word of ``faults``; an invalid
request takes its word and gets its 400 all the same.
"""

from __future__ import annotations

import argparse
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

from tests.fakes import openai_ledger
from tests.fakes.openai_desk import Desk
from tests.fakes.openai_faults import FAULTS
from tests.fakes.openai_http import Handler, Listener
from tests.fakes.openai_models import TODAY
from tests.fakes.openai_script import Script

__all__ = ["FAULTS", "Fake", "serve"]


class Fake:
    """The server.

    :param ledger: file of its books, JSON lines.
    :param mode: ``openai``, or ``compatible`` for a server that knows few fields, answers addresses and no usage.
    :param port: 0 for a free one.
    :param script: words of :class:`~tests.fakes.openai_script.Script`.
    """

    def __init__(self, *, ledger: str | Path, mode: str = "openai", port: int = 0, **script: Any) -> None:
        self.ledger = Path(ledger)
        self.current = Script(**script)
        self.errors: list[BaseException | None] = []
        self.threads: list[threading.Thread] = []
        self.busy: dict[socket.socket, bool] = {}
        self.stopping, self._stop = socket.socketpair()
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._listener: Listener | None = None
        self._keeper = _keep(port)
        self.port: int = self._keeper.getsockname()[1]
        self.desk = Desk(script=self.current, ledger=self.ledger, mode=mode, url=self.url, refuse=self.refuse)
        self.listen()
        self.script()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def azure_url(self) -> str:
        return f"{self.url}/openai/v1"

    def calls(self) -> list[dict[str, Any]]:
        """Every POST in the books, in order."""
        return openai_ledger.lines(self.ledger)

    def charged(self) -> list[dict[str, Any]]:
        """Those that were billed."""
        return openai_ledger.charged(self.ledger)

    def script(self, **told: Any) -> None:
        """Change what comes next, as POST /_script does.

        :raises ValueError: for a word that is none.
        """
        self.current.tell(**told)
        if self.current.refusing():
            self.refuse()

    def post(self, handler: Handler, content: bytes) -> None:
        if handler.path != "/_script":
            self.desk.post(handler, content)
            return
        try:
            self.script(**json.loads(content))
        except (ValueError, TypeError) as error:
            handler.reply(400, json.dumps({"error": str(error)}).encode())
        else:
            handler.reply(200, b"{}")

    def listen(self) -> None:
        """Take connections, again if need be."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._listener is None:
                self._listener = Listener(("127.0.0.1", self.port), self)
                serving = threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True)
                self.threads.append(serving)
                serving.start()

    def refuse(self) -> None:
        """Refuse connections for a moment, or until :meth:`listen`; what is being answered goes on."""
        with self._lock:
            self._silence()
            for connection in [connection for connection, busy in tuple(self.busy.items()) if not busy]:
                _hang_up(connection)
            self._timer = threading.Timer(self.current.refuse_seconds, self.listen)
            self._timer.daemon = True
            self._timer.start()
            self.threads.append(self._timer)

    def _silence(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener = None

    def close(self) -> None:
        """Stop, breaking off whatever still runs."""
        self._stop.close()  # makes ``stopping`` readable for everyone who waits
        with self._lock:
            self._silence()
        for connection in tuple(self.busy):
            _hang_up(connection)
        for thread in self.threads:
            thread.join(5)
        self.stopping.close()
        self._keeper.close()


def _keep(port: int) -> socket.socket:
    """A socket that keeps a port ours without listening, so that a closed listener means a refused connection."""
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    keeper.bind(("127.0.0.1", port))
    return keeper


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def serve(**options: Any) -> Iterator[Fake]:
    """A server on a free port for the length of a test; options of :class:`Fake`. Its own mistakes raise at the end."""
    fake = Fake(**options)
    try:
        yield fake
    finally:
        fake.close()
    if fake.errors:
        raise AssertionError("the fake server itself is broken") from fake.errors[0]


def main() -> None:
    parser = argparse.ArgumentParser(description="A fake of OpenAI's images API.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument(
        "--fault", action="append", default=[], dest="faults", help="one word of the script; repeatable"
    )
    parser.add_argument("--mode", choices=["openai", "compatible"], default="openai")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--today", type=date.fromisoformat, default=TODAY, help="YYYY-MM-DD")
    with serve(**vars(parser.parse_args())) as fake, suppress(KeyboardInterrupt):
        print(fake.base_url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
