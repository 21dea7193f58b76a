"""A real HTTP server that plays OpenAI's images API: strict about what it is sent, and with its own books.

In a test::

    with serve(ledger=tmp_path / "ledger.jsonl", faults=["server_500"]) as server:
        client = OpenAI(api_key="sk-test", base_url=server.base_url, max_retries=0)

or as a process: ``python -m tests.fakes.openai_server --port 0 --ledger FILE`` prints its base URL and serves.

Endpoints, under /v1 and, as Azure has them, /openai/v1: POST images/generations, images/edits, moderations; GET models
and models/{id}. Any key passes but ``sk-wrong`` (401), ``sk-unverified`` (403) and ``sk-broke`` (429). Markers in a
prompt: ``[fault:NAME]`` plays one of :data:`FAULTS`, ``[flag:CATEGORY]`` is blocked by moderation,
``[paint:violence]`` draws what the moderation endpoint flags. POST /_script, without a key, takes a JSON object
with any of faults, moderation_faults, latency, today, retry_after, deployments, unlisted and refuse (seconds).
Each POST to images takes one word of the script, ``ok`` when none is left; an invalid request takes its word and gets
its 400.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import socket
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

from tests.fakes import (
    openai_answers,
    openai_compatible,
    openai_errors,
    openai_faults,
    openai_ledger,
    openai_moderation,
    openai_pictures,
    openai_requests,
)
from tests.fakes.openai_errors import Problem
from tests.fakes.openai_faults import FAULTS
from tests.fakes.openai_http import Handler, Listener
from tests.fakes.openai_models import MODELS, TODAY
from tests.fakes.openai_requests import Order
from tests.fakes.openai_wire import Body, read_body

__all__ = ["FAULTS", "Fake", "serve"]

IMAGES = {"/images/generations": False, "/images/edits": True}
MODERATIONS = "/moderations"


class Fake:
    """The server.

    :param ledger: file of its books, JSON lines; read it with :mod:`tests.fakes.openai_ledger`.
    :param faults: names of :data:`FAULTS` or ``ok``, one for each POST to images.
    :param moderation_faults: the same for POSTs to moderations; only faults that need no picture make sense.
    :param mode: ``openai``, or ``compatible`` for a server that knows few fields, answers addresses and no usage.
    :param latency: seconds until an answer, spread between the events of a stream.
    :param today: the day on its calendar, by which models begin and end.
    :param retry_after: seconds that a 429 asks for.
    :param deployments: Azure's names for models; under /openai/v1 only these then work.
    :param unlisted: model ids that work and yet are missing from GET /v1/models.
    """

    def __init__(
        self,
        *,
        ledger: str | Path,
        faults: Sequence[str] = (),
        moderation_faults: Sequence[str] = (),
        mode: str = "openai",
        latency: float = 0.0,
        today: date = TODAY,
        retry_after: float = 1.0,
        deployments: Mapping[str, str] | None = None,
        unlisted: Sequence[str] = (),
        port: int = 0,
    ) -> None:
        self.ledger, self.mode = Path(ledger), mode
        self.latency, self.today, self.retry_after = latency, today, retry_after
        self.deployments, self.unlisted = deployments, tuple(unlisted)
        self.threads: list[threading.Thread] = []
        self.errors: list[BaseException | None] = []
        self.idle: set[socket.socket] = set()
        self.stopping, self._stop = socket.socketpair()
        self._pictures: dict[str, bytes] = {}
        self._lock = threading.RLock()
        self._words: deque[str] = deque()
        self._moderation_words: deque[str] = deque()
        self._timer: threading.Timer | None = None
        self._listener: Listener | None = None
        self._keeper = self._keep(port)
        self.port: int = self._keeper.getsockname()[1]
        self.listen()
        self.script(faults=faults, moderation_faults=moderation_faults)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def azure_url(self) -> str:
        return f"{self.url}/openai/v1"

    # --- coming and going

    @staticmethod
    def _keep(port: int) -> socket.socket:
        """A socket that keeps the port ours without listening, so that a closed listener means a refused connection."""
        keeper = socket.socket()
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        keeper.bind(("127.0.0.1", port))
        return keeper

    def listen(self) -> None:
        """Take connections, again if need be."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._listener is None:
                self._listener = Listener(("127.0.0.1", self.port), self)
                serving = threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True)
                self.threads.append(serving)
                serving.start()

    def refuse(self, seconds: float | None = 0.5) -> None:
        """Refuse connections for ``seconds``, or until :meth:`listen`; what is being answered goes on."""
        with self._lock:
            self._silence()
            if seconds is not None:
                self._timer = threading.Timer(seconds, self.listen)
                self._timer.daemon = True
                self._timer.start()

    def _silence(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener = None
        for connection in tuple(self.idle):
            _hang_up(connection)

    def close(self) -> None:
        """Stop, breaking off whatever still runs."""
        with self._lock:
            self._silence()
            timer = self._timer
        self._stop.close()  # makes ``stopping`` readable for everyone who waits
        for thread in (*self.threads, *([timer] if timer else [])):
            thread.join(5)
        self.stopping.close()
        self._keeper.close()

    # --- the script

    def script(self, **told: Any) -> None:
        """Change what comes next; the words are those of POST /_script.

        :raises ValueError: for a word that is none.
        """
        known = {"faults", "moderation_faults", "latency", "today", "retry_after", "deployments", "unlisted", "refuse"}
        if set(told) - known:
            raise ValueError(f"a script has no {', '.join(sorted(set(told) - known))}")
        with self._lock:
            if "faults" in told:
                self._words = deque(openai_faults.known(list(told["faults"])))
            if "moderation_faults" in told:
                self._moderation_words = deque(openai_faults.known(list(told["moderation_faults"])))
            if "today" in told:
                self.today = date.fromisoformat(str(told["today"]))
            for name in {"latency", "retry_after", "deployments", "unlisted"} & set(told):
                setattr(self, name, told[name])
            if "refuse" in told:
                self.refuse(told["refuse"])
            elif self._refusing():
                self.refuse()

    def _refusing(self) -> bool:
        """Whether the next thing that happens is that nobody listens."""
        refusing = False
        while self._words and self._words[0] == "refuse_connection":
            self._words.popleft()
            refusing = True
        return refusing

    def _word(self, path: str) -> tuple[str, bool]:
        """The word for this POST, and whether nobody listens after it."""
        with self._lock:
            if path in IMAGES:
                return (self._words.popleft() if self._words else "ok"), self._refusing()
            words = self._moderation_words if path == MODERATIONS else None
            return (words.popleft() if words else "ok"), False

    # --- answering

    def get(self, handler: Handler) -> None:
        path = handler.path.partition("?")[0]
        if path.startswith("/_pictures/"):
            data = self._pictures.get(path.rpartition("/")[2])
            handler.reply(200 if data else 404, data or b"", content_type="image/png")
            return
        try:
            self._admit(handler.key)
            handler.reply(200, json.dumps(self._models(_route(path)[0])).encode())
        except Problem as problem:
            handler.problem(problem)

    def _models(self, path: str) -> dict[str, Any]:
        live = {name: model for name, model in MODELS.items() if model.alive(self.today) and name not in self.unlisted}
        if path == "/models":
            return {"object": "list", "data": [model.listed() for model in live.values()]}
        name = path.removeprefix("/models/")
        if name not in live:
            raise openai_errors.no_model(name) if path.startswith("/models/") else _no_such(path)
        return live[name].listed()

    def post(self, handler: Handler, body: bytes) -> None:
        if handler.path == "/_script":
            self._scripted(handler, body)
            return
        path, azure = _route(handler.path.partition("?")[0])
        word, refusing = self._word(path)
        line: dict[str, Any] = {
            "at": time.time(),
            "path": handler.path,
            "model": "",
            "charged": False,
            "micro_usd": 0,
            "pictures": 0,
            "request_id": handler.request_id,
            "fault": "",
            "status": 200,
            "params": {},
        }
        try:
            self._admit(handler.key)
            if path != MODERATIONS and path not in IMAGES:
                raise _no_such(path)
            parsed = read_body(handler.headers.get("content-type", ""), body)
            line["params"], line["model"] = _told(parsed), str(parsed.fields.get("model", ""))
            if path == MODERATIONS:
                self._moderate(handler, parsed, word, line)
            else:
                self._make(handler, parsed, word, line, refusing, edit=IMAGES[path], azure=azure)
        except Problem as problem:
            self._note(line, status=problem.status, code=problem.body["code"])
            self._pause(handler)
            handler.problem(problem)

    def _scripted(self, handler: Handler, body: bytes) -> None:
        try:
            self.script(**json.loads(body))
        except (ValueError, TypeError) as error:
            handler.reply(400, json.dumps({"error": str(error)}).encode())
        else:
            handler.reply(200, b"{}")

    def _make(
        self, handler: Handler, body: Body, word: str, line: dict[str, Any], refusing: bool, *, edit: bool, azure: bool
    ) -> None:
        order = self._order(handler, body, edit, azure)
        marked = re.search(r"\[fault:(\w+)\]", order.prompt)
        fault = openai_faults.known([marked[1]])[0] if marked else word
        refusing = refusing or fault == "refuse_connection"
        line["fault"] = "" if fault == "ok" else fault
        flagged = openai_moderation.flags(order.prompt)
        if flagged:
            raise openai_errors.blocked("input", flagged, handler.request_id)
        count = max(1, order.n + openai_faults.SURPLUS.get(fault, 0))
        bill = openai_answers.bill(order, count)
        if fault in {"ok", "refuse_connection"} or FAULTS[fault].charged:
            line |= {"charged": True, "pictures": count, "micro_usd": bill.micro_usd, "usage": bill.usage}
        if fault in openai_faults.ERRORS:
            raise openai_faults.ERRORS[fault](order, handler.request_id, self.retry_after)
        self._note(line)
        answer = openai_answers.whole(order, [openai_pictures.make(order, index) for index in range(count)], bill.usage)
        if fault in openai_faults.ANSWERS:
            answer = openai_faults.ANSWERS[fault](order, answer)
        if not order.stream and self._pause(handler):
            return
        if refusing:
            handler.close_connection = True
            self.refuse()
        if fault in openai_faults.WIRE:
            openai_faults.WIRE[fault](handler, order, answer)
        else:
            handler.answer(order, self.by_url(order, answer) if order.by_url else answer)

    def _order(self, handler: Handler, body: Body, edit: bool, azure: bool) -> Order:
        if self.mode == "compatible":
            return openai_compatible.check(body, edit=edit)
        deployments = self.deployments if azure else None
        order = openai_requests.check(body, edit=edit, today=self.today, deployments=deployments)
        if handler.key == "sk-unverified":
            raise openai_errors.unverified(order.model.id)
        return order

    def _moderate(self, handler: Handler, body: Body, word: str, line: dict[str, Any]) -> None:
        line["fault"] = "" if word == "ok" else word
        answer = openai_moderation.moderate(body, handler.request_id)
        order = Order(edit=False, model=MODELS["gpt-image-2"], prompt="", size=(16, 16))
        if word in openai_faults.ERRORS:
            raise openai_faults.ERRORS[word](order, handler.request_id, self.retry_after)
        self._note(line)
        if self._pause(handler):
            return
        if word in openai_faults.WIRE:
            openai_faults.WIRE[word](handler, order, answer)
        else:
            handler.reply(200, json.dumps(answer).encode())

    def _note(self, line: dict[str, Any], **more: Any) -> None:
        openai_ledger.append(self.ledger, {**line, **more})

    def _pause(self, handler: Handler) -> bool:
        return bool(self.latency) and handler.wait(self.latency)

    def _admit(self, key: str) -> None:
        if not key:
            raise openai_errors.no_key()
        if key == "sk-wrong":
            raise openai_errors.wrong_key()
        if key == "sk-broke":
            raise openai_errors.quota()

    def headers(self, request_id: str) -> dict[str, str]:
        """What every answer carries."""
        if self.mode == "compatible":
            return {}
        return {
            "x-request-id": request_id,
            "openai-version": "2020-10-01",
            "openai-processing-ms": "12",
            "x-ratelimit-limit-requests": "250",
            "x-ratelimit-remaining-requests": "249",
            "x-ratelimit-reset-requests": "240ms",
            "x-ratelimit-limit-tokens": "8000000",
            "x-ratelimit-remaining-tokens": "7990000",
            "x-ratelimit-reset-tokens": "75ms",
        }

    def by_url(self, order: Order, answer: dict[str, Any]) -> dict[str, Any]:
        """The same answer with addresses of this server for pictures."""
        rows = []
        for row in answer["data"]:
            name = f"{uuid.uuid4().hex}.{order.output_format}"
            self._pictures[name] = base64.b64decode(row["b64_json"])
            rows.append({"url": f"{self.url}/_pictures/{name}"})
        return answer | {"data": rows}


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _route(path: str) -> tuple[str, bool]:
    """The path under v1, and whether it is Azure's."""
    for prefix, azure in (("/openai/v1/", True), ("/v1/", False)):
        if path.startswith(prefix):
            return path[len(prefix) - 1 :], azure
    return path, False


def _no_such(path: str) -> Problem:
    return Problem(f"Invalid URL (POST {path})", status=404, code="unknown_url")


def _told(body: Body) -> dict[str, Any]:
    """The parameters as the ledger shows them: no picture, but what it was."""
    fields = {name: value for name, value in body.fields.items() if name not in {"images", "mask", "input"}}
    return fields | ({"files": [upload.told() for upload in body.uploads]} if body.uploads else {})


@contextmanager
def serve(**options: Any) -> Iterator[Fake]:
    """A server on a free port for the length of a test; its own mistakes are raised at the end."""
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
    parser.add_argument("--fault", action="append", default=[], help="one word of the script; may be repeated")
    parser.add_argument("--mode", choices=["openai", "compatible"], default="openai")
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--today", type=date.fromisoformat, default=TODAY)
    told = vars(parser.parse_args())
    with serve(faults=told.pop("fault"), **told) as fake:
        print(fake.base_url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            os.write(1, b"")


if __name__ == "__main__":
    main()
