"""Reads from the network in the pieces in which they arrive. The HTTP client cuts them into quarters, at a price.

An answer of two megabytes then takes ten rounds through the client's layers, not sixty: a tenth of the whole call. The
layers hold each piece twice until the next has come, so with hundreds of answers at once memory asks for small ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from ssl import SSLContext
from typing import Any
from weakref import WeakSet

from httpcore2 import AsyncNetworkBackend, AsyncNetworkStream

#: Bytes of one read; asyncio takes no more from a socket at once.
PIECE = 262_144
#: Bytes of the pieces of all connections together, above which they are cut as the HTTP client would.
ROOM = 16_777_216


class Stream(AsyncNetworkStream):
    """A connection, read in larger pieces than its caller asks for: the parser behind it takes any.

    :param beside: all that are open, this one too.
    """

    def __init__(self, inner: AsyncNetworkStream, beside: WeakSet[Stream]) -> None:
        self._inner, self._beside = inner, beside
        beside.add(self)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        piece = min(PIECE, ROOM // len(self._beside))
        return await self._inner.read(max(max_bytes, piece), timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncNetworkStream:
        return Stream(await self._inner.start_tls(ssl_context, server_hostname, timeout), self._beside)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Network(AsyncNetworkBackend):
    """Opens such connections."""

    def __init__(self, inner: AsyncNetworkBackend) -> None:
        self._inner = inner
        self._open: WeakSet[Stream] = WeakSet()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        return Stream(await self._inner.connect_tcp(host, port, timeout, local_address, socket_options), self._open)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> AsyncNetworkStream:
        return Stream(await self._inner.connect_unix_socket(path, timeout, socket_options), self._open)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def widened(transport: Any) -> Any:
    """The HTTP client's transport, reading so. It has no parameter for that: without these names it stays as it is."""
    pool: Any = getattr(transport, "_pool", None)
    inner = getattr(pool, "_network_backend", None)
    if isinstance(inner, AsyncNetworkBackend):
        pool._network_backend = Network(inner)  # noqa: SLF001 - a parameter of the pool, but not of the transport
    return transport
