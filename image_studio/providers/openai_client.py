"""The SDK's client over an HTTP client of ours. Imported late, inside functions: the SDK costs a second.

Nothing comes from the environment that the settings do not name: no proxy, no extra headers, no certificates. No
redirect is followed, because it would send the order again. Nothing is sent twice: retries are off.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import httpx2
import openai

from image_studio.providers.openai_sockets import widened

#: Bytes that are read of an answer that is an error.
MOST_ERROR = 65_536
_SENDS = ("http11.send_request_headers.started", "http2.send_request_headers.started")


@dataclass(kw_only=True)
class Flight:
    """One call. ``sent`` is true from the moment before the first byte of its request goes out."""

    sent: bool = False

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        if event in _SENDS:
            self.sent = True


#: The call of the running task; the transport marks it.
FLIGHT: ContextVar[Flight | None] = ContextVar("image_studio_openai_flight", default=None)


@dataclass(frozen=True, kw_only=True)
class Wire:
    """How a server is reached. See :class:`image_studio.providers.openai.Provider`."""

    key: Callable[[], Awaitable[str]] = field(repr=False)
    base_url: str = field(repr=False)
    organization: str = ""
    project: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    connect_timeout: float = 10.0
    read_timeout: float | None = None
    proxy: str = field(default="", repr=False)
    ca_file: str = ""


class Transport(httpx2.AsyncBaseTransport):
    """Marks what was sent, and reads no error to the end that has none."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        flight = FLIGHT.get()
        if flight is not None:
            request.extensions = {**request.extensions, "trace": flight.trace}
        response = await self._inner.handle_async_request(request)
        return response if response.status_code < 300 else await _short(response)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _short(response: httpx2.Response) -> httpx2.Response:
    """An error with the first bytes of its body. One that breaks off is still an error: its status has come."""
    body = b""
    with contextlib.suppress(httpx2.HTTPError):
        async for part in response.aiter_raw(4096):
            body += part
            if len(body) >= MOST_ERROR:
                break
    await response.aclose()
    plain = not response.headers.get("content-encoding")
    kept = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in _OF_THE_BODY]
    return httpx2.Response(response.status_code, headers=kept, content=body if plain else b"")


_OF_THE_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})


@cache
def _certificates(ca_file: str) -> Any:
    """Reading a machine's certificates takes longer than all else: once per process."""
    return httpx2.create_ssl_context(verify=ca_file or True, trust_env=False)


def http_client(wire: Wire) -> httpx2.AsyncClient:
    inner = widened(
        httpx2.AsyncHTTPTransport(
            verify=_certificates(wire.ca_file),
            trust_env=False,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=5.0),
            proxy=wire.proxy or None,
        )
    )
    timeout = httpx2.Timeout(wire.read_timeout, connect=wire.connect_timeout)
    return httpx2.AsyncClient(transport=Transport(inner), trust_env=False, follow_redirects=False, timeout=timeout)


def sdk_client(wire: Wire) -> openai.AsyncOpenAI:
    """What is empty in the settings stays empty, whatever the environment says."""
    client = openai.AsyncOpenAI(
        api_key=wire.key,
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        base_url=wire.base_url,
        max_retries=0,
        timeout=httpx2.Timeout(wire.read_timeout, connect=wire.connect_timeout),
        http_client=http_client(wire),
    )
    client.organization, client.project = wire.organization or None, wire.project or None
    client._custom_headers = {"Accept-Encoding": "identity", **wire.headers}  # noqa: SLF001 - OPENAI_CUSTOM_HEADERS
    return client


def of_the_wire(error: Exception) -> bool:
    """Whether it was the way to the server, and not a defect."""
    return isinstance(error, (openai.APIConnectionError, httpx2.TransportError, TimeoutError, OSError))


@dataclass(kw_only=True)
class _Shared:
    client: openai.AsyncOpenAI
    users: int = 0


class Clients:
    """One client for every event loop, shared by the calls in flight and closed with the last of them."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._open: WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = WeakKeyDictionary()

    @contextlib.asynccontextmanager
    async def use(self) -> AsyncIterator[openai.AsyncOpenAI]:
        loop = asyncio.get_running_loop()
        shared = self._open.get(loop)
        if shared is None:
            shared = self._open[loop] = _Shared(client=sdk_client(self._wire))
        shared.users += 1
        try:
            yield shared.client
        finally:
            shared.users -= 1
            if not shared.users:
                self._open.pop(loop, None)
                await shared.client.close()
