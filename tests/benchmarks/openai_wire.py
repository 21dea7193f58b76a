"""A server that answers every POST with the same picture, as fast as sockets go. It checks nothing: tests have a fake.

Run: ``python -m tests.benchmarks.openai_wire PICTURE [--latency SECONDS] [--together COUNT]``; prints its address.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.measure import ROOT

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
#: Answers that begin in a second, where they come together.
A_SECOND = 512
#: As the API's reference shows it, for one picture of high quality.
_USAGE = {
    "input_tokens": 12,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 12},
    "output_tokens": 4160,
    "total_tokens": 4172,
}


def answer_with(picture: bytes) -> bytes:
    """A whole HTTP answer of one PNG."""
    told = {
        "created": 1_790_000_000,
        "background": "opaque",
        "data": [{"b64_json": base64.b64encode(picture).decode()}],
        "output_format": "png",
        "quality": "high",
        "size": "1024x1024",
        "usage": _USAGE,
    }
    body = json.dumps(told).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return f"{head}x-request-id: req_benchmark\r\n\r\n".encode() + body


class Wire:
    """Sockets without a protocol: what they cost is not to be seen beside a client.

    :param latency: seconds from a whole request to the first byte of its answer.
    :param together: hold answers back until so many requests are there, then begin 512 of them a second.
    """

    def __init__(self, answer: bytes, *, latency: float, together: int) -> None:
        self._answer, self._latency, self._together = memoryview(answer), latency, together
        self._here = 0
        self._all_here = asyncio.Event()

    async def serve(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                connection, _address = await loop.sock_accept(listening)
                group.create_task(self._talk(connection))

    async def _talk(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with connection:
            connection.setblocking(False)
            try:
                while await _asked(connection):
                    await self._hold()
                    await loop.sock_sendall(connection, self._answer)
            except ConnectionError:
                return

    async def _hold(self) -> None:
        if not self._together:
            await asyncio.sleep(self._latency)
            return
        number, self._here = self._here, self._here + 1
        if self._here == self._together:
            self._all_here.set()
        await self._all_here.wait()
        await asyncio.sleep(number / A_SECOND)


async def _asked(connection: socket.socket) -> bool:
    """Read one request; False where the other side hung up."""
    loop, text = asyncio.get_running_loop(), b""
    while (end := text.find(b"\r\n\r\n")) < 0:
        part = await loop.sock_recv(connection, 65_536)
        if not part:
            return False
        text += part
    length = _LENGTH.search(text, 0, end)
    left = end + 4 + (int(length[1]) if length else 0) - len(text)
    while left > 0:
        left -= len(await loop.sock_recv(connection, 65_536))
    return True


@contextmanager
def serving(picture: Path, *, latency: float = 0.0, together: int = 0) -> Iterator[str]:
    """Such a server in a process of its own; gives the address that a client takes as ``base_url``."""
    told = [str(picture), "--latency", str(latency), "--together", str(together)]
    command = [sys.executable, "-m", "tests.benchmarks.openai_wire", *told]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks.openai_wire", description=__doc__)
    options.add_argument("picture", type=Path)
    options.add_argument("--latency", type=float, default=0.0)
    options.add_argument("--together", type=int, default=0)
    chosen = options.parse_args()
    answer = answer_with(chosen.picture.read_bytes())
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        listening.setblocking(False)
        print(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", flush=True)
        asyncio.run(Wire(answer, latency=chosen.latency, together=chosen.together).serve(listening))


if __name__ == "__main__":
    main()
