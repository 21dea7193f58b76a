"""The wire of the fake server: reading requests, sending right answers, and breaking off."""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import threading
import uuid
from collections.abc import Iterable, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any

from tests.fakes import openai_answers
from tests.fakes.openai_errors import Problem
from tests.fakes.openai_requests import Order

if TYPE_CHECKING:
    from tests.fakes.openai_server import Fake


class Listener(ThreadingHTTPServer):
    """Listens for one fake. Threads are the fake's, so that they outlive a listener that closes for a moment."""

    allow_reuse_port = hasattr(socket, "SO_REUSEPORT")
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], fake: Fake) -> None:
        self.fake = fake
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's also asks for the host's name, which can take seconds
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        self.fake.threads.append(thread)
        thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if not isinstance(error, OSError):  # a client that goes is no fault of ours
            self.fake.errors.append(error)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener
    request_id = ""

    @property
    def fake(self) -> Fake:
        return self.server.fake

    def setup(self) -> None:
        super().setup()
        self.fake.busy[self.connection] = False

    def finish(self) -> None:
        self.fake.busy.pop(self.connection, None)
        super().finish()

    def do_GET(self) -> None:
        self.request_id = f"req_{uuid.uuid4().hex}"
        self.fake.desk.get(self)

    def do_POST(self) -> None:
        self.request_id = f"req_{uuid.uuid4().hex}"
        self.fake.busy[self.connection] = True
        self.fake.post(self, self._body())
        if self.connection in self.fake.busy:
            self.fake.busy[self.connection] = False

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = []
        while length := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(length))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    @property
    def key(self) -> str:
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else self.headers.get("api-key", "")

    def answer(self, order: Order, answer: dict[str, Any]) -> None:
        """A right answer, whole or as events."""
        if not order.stream:
            self.reply(200, json.dumps(answer).encode())
            return
        events = list(openai_answers.events(order, answer))
        pauses = self.fake.current.latency / len(events)
        self.chunks(events, content_type="text/event-stream; charset=utf-8", pause=pauses)

    def problem(self, problem: Problem) -> None:
        body = json.dumps({"error": problem.body}).encode()
        self.reply(problem.status, body, headers=problem.headers)

    def reply(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """One answer; ``length`` where Content-Length is to say something else."""
        self._head(
            status, {"content-length": str(len(body) if length is None else length), **(headers or {})}, content_type
        )
        self.wfile.write(body)

    def chunks(self, parts: Iterable[bytes], *, content_type: str, finished: bool = True, pause: float = 0.0) -> None:
        """An answer in pieces; not ``finished``: the last, empty chunk never comes."""
        self._head(200, {"transfer-encoding": "chunked"}, content_type)
        for part in parts:
            if pause and self.wait(pause):
                return
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        if finished:
            self.wfile.write(b"0\r\n\r\n")

    def _head(self, status: int, headers: Mapping[str, str], content_type: str) -> None:
        self.send_response(status)
        for name, value in {"content-type": content_type, **self.fake.desk.headers(self.request_id), **headers}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()

    def wait(self, seconds: float) -> bool:
        """Wait; true at once when the client has gone, or the server is to stop."""
        readable, _, _ = select.select([self.connection, self.fake.stopping], [], [], seconds)
        if self.fake.stopping in readable:
            return True
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def reset(self) -> None:
        """Throw the connection away, so that the client reads a reset and no end."""
        self.close_connection = True
        self.fake.busy.pop(self.connection, None)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()  # it holds the socket open
        self.connection.close()

    def log_message(self, *args: Any) -> None:
        """Nobody reads it."""

    headers: Message
