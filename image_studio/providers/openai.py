"""GPT Image by OpenAI, by Azure, and by servers that speak the same.

One call is one POST: nothing is sent again by itself, and no redirect is followed. Where a charge cannot be ruled out,
the outcome is unknown. Pictures are decoded into the spool while they arrive. Settings, dialects and the table of
errors: ``docs/openai.md``.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from image_studio import conf
from image_studio.catalog.refusals import refusals
from image_studio.catalog.specs import ModelSpec
from image_studio.exceptions import ProviderError, ProviderRefused, StudioError
from image_studio.providers.base import Answer, BaseProvider, Finding, Input, OnPartial, PictureRequest
from image_studio.providers.openai_answer import Reader, Received, picture_of
from image_studio.providers.openai_errors import Reply, answered, unanswered
from image_studio.providers.openai_params import STRIPPED, edits, findings, parameters, stripped
from image_studio.providers.openai_recover import recovered
from image_studio.providers.openai_result import Bought, answer_of
from image_studio.providers.openai_scan import Picture, refused_link

if TYPE_CHECKING:
    from image_studio.providers.openai_client import Clients, Wire

_log = logging.getLogger("image_studio.providers")

#: The module that imports the SDK: it takes a second, and a loop that has other calls in flight must not wait for it.
_LATE = "image_studio.providers.openai_client"

#: Where OpenAI itself is.
OPENAI = "https://api.openai.com/v1"
#: Bytes of a whole answer: ten pictures of the largest size in base64 stay below.
MOST_ANSWER = 268_435_456

Key = str | Callable[[], str | Awaitable[str]]


class Provider(BaseProvider):
    """A server of GPT Image.

    :param api_key: the key, or a function that gives it (awaited where it has to be). Empty: ``key_env``.
    :param key_env: name of the environment variable that holds the key.
    :param base_url: empty: ``OPENAI_BASE_URL`` of the environment for the dialect ``openai``, else OpenAI itself.
    :param dialect: ``openai``, ``azure`` or ``compatible``: what is left out, and whether links are followed.
    :param strips: names of parameters that this server does not know, in place of its dialect's.
    :param deployments: model id -> the name that this server has for it.
    :param headers: sent with every call.
    :param max_answer_bytes: of one whole answer.
    :param connect_timeout: in seconds, as is ``read_timeout`` (0 waits for the call's deadline).
    :param stream: False never asks for early versions.
    :param proxy: address of an HTTP proxy; the environment's is not used.
    :param ca_file: certificates to trust in place of the usual ones.
    """

    takes_user_key = True

    def __init__(
        self,
        alias: str,
        *,
        api_key: Key = "",
        key_env: str = "OPENAI_API_KEY",
        base_url: str = "",
        organization: str = "",
        project: str = "",
        dialect: str = "openai",
        strips: Sequence[str] | None = None,
        deployments: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        max_answer_bytes: int = MOST_ANSWER,
        connect_timeout: float = 10.0,
        read_timeout: float = 0.0,
        stream: bool = True,
        proxy: str = "",
        ca_file: str = "",
        **options: Any,
    ) -> None:
        super().__init__(alias, **options)
        if dialect not in STRIPPED:
            raise ValueError(f"dialect is one of {', '.join(STRIPPED)}, not {dialect!r}")
        if dialect != "openai" and not base_url:
            raise ValueError(f"dialect {dialect!r} needs a base_url")
        if isinstance(strips, str) or max_answer_bytes < 1 or connect_timeout <= 0 or read_timeout < 0:
            raise ValueError("strips is a list; max_answer_bytes and connect_timeout are above 0, read_timeout from 0")
        self._key, self._key_env = api_key, key_env
        self.base_url = base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI
        self.dialect, self.strips = dialect, STRIPPED[dialect] if strips is None else frozenset(strips)
        self.deployments, self.max_answer_bytes, self.stream = dict(deployments or {}), max_answer_bytes, stream
        self._reach = {
            "base_url": self.base_url,
            "organization": organization,
            "project": project,
            "headers": dict(headers or {}),
            "connect_timeout": connect_timeout,
            "read_timeout": read_timeout or None,
            "proxy": proxy,
            "ca_file": ca_file,
        }

    def __repr__(self) -> str:
        at = urlsplit(self.base_url)
        # A name and a password may stand before the host.
        return f"<{type(self).__module__}.Provider {self.alias!r} at {at.netloc.rpartition('@')[2]}{at.path}>"

    # Before any spend -----------------------------------------------------------------------------------------------

    @property
    def has_key(self) -> bool:
        """Whether there is a key, or a function to ask for one."""
        return bool(self._key or os.environ.get(self._key_env))

    def supports(self, request: PictureRequest, spec: ModelSpec) -> tuple[Finding, ...]:
        found = [
            Finding(code=one.code, params=one.params, where=one.where)
            for one in refusals(spec, today=conf.today(), **request.asked)
        ]
        found += findings(request, self.strips)
        if not self.has_key:
            found.append(Finding(code="provider.no_key", params={"alias": self.alias, "variable": self._key_env}))
        return tuple(found)

    # The call -------------------------------------------------------------------------------------------------------

    async def run(
        self,
        request: PictureRequest,
        inputs: tuple[Input, ...],
        *,
        spool: Path,
        deadline: float,
        on_partial: OnPartial | None = None,
    ) -> Answer:
        """Buy the pictures with one POST: files ``output-<index>.<ext>``, the answer's text ``answer-raw.json``.

        :raises ProviderRefused: ``provider.moderation_blocked``, ``provider.quota``, ``provider.auth`` and others.
        :raises ProviderUnavailable: ``provider.rate_limited`` or ``provider.unreachable``.
        :raises OutcomeUnknown: ``provider.outcome_unknown`` for whatever else happens once a byte was sent.
        """
        call = _Call(self, request, inputs, spool, asyncio.get_running_loop().time() + deadline)
        return await call.made(deadline, on_partial)

    def recover(self, request: PictureRequest, spool: Path) -> Answer | None:
        """The answer that lies whole in ``spool``, as :meth:`run` would have given it. Nothing is asked or changed."""
        return recovered(_bought(self, request, spool), links=self.dialect == "compatible")

    @cached_property
    def wire(self) -> Wire:
        from image_studio.providers.openai_client import Wire  # noqa: PLC0415 - the SDK costs a second

        return Wire(key=self.key, **cast("dict[str, Any]", self._reach))

    @cached_property
    def clients(self) -> Clients:
        from image_studio.providers.openai_client import Clients  # noqa: PLC0415 - the SDK costs a second

        return Clients(self.wire)

    async def key(self) -> str:
        """The key of this moment.

        :raises ProviderRefused: ``provider.no_key`` where there is none, or what there is cannot be one.
        """
        try:
            found: Any = self._key() if callable(self._key) else self._key or os.environ.get(self._key_env, "")
            found = await found if inspect.isawaitable(found) else found
        except Exception:  # noqa: BLE001 - whatever a site's own function raises may hold its secrets
            found = ""
        key = str(found or "").strip()
        if not key or not (key.isascii() and key.isprintable()) or " " in key:
            raise ProviderRefused("provider.no_key", alias=self.alias, variable=self._key_env)
        return key


class _Call:
    """One POST and its answer."""

    def __init__(
        self, provider: Provider, request: PictureRequest, inputs: tuple[Input, ...], spool: Path, ends: float
    ) -> None:
        self.provider, self.request, self.inputs, self.spool, self.ends = provider, request, inputs, spool, ends
        self.about = {"alias": provider.alias, "model": request.model, "request_id": "-"}

    async def made(self, deadline: float, on_partial: OnPartial | None) -> Answer:
        """Whatever goes wrong ends in one of the three errors of a provider."""
        client = _client_module() if _LATE in sys.modules else await asyncio.to_thread(_client_module)
        flight = client.Flight()
        client.FLIGHT.set(flight)
        try:
            async with asyncio.timeout(deadline) as clock:
                return await self._sent(on_partial)
        except ProviderError as error:
            raise error.with_traceback(None) from None
        except Exception as error:  # noqa: BLE001 - once sent, nothing but "unknown" is true of a defect either
            late = isinstance(error, TimeoutError) and clock.expired()
            raise self._failed(error, sent=flight.sent, late=late) from None

    async def _sent(self, on_partial: OnPartial | None) -> Answer:
        provider, request = self.provider, self.request
        stream = provider.stream and request.n == 1 and request.partial_images > 0 and on_partial is not None
        said = parameters(
            request,
            self.inputs,
            model=provider.deployments.get(request.model, request.model),
            strips=provider.strips,
            stream=stream and "stream" not in provider.strips,
        )
        bought = _bought(provider, request, self.spool)
        async with provider.clients.use() as client:
            images = client.images.with_streaming_response
            post = cast("Callable[..., Any]", images.edit if edits(request) else images.generate)
            async with post(**said) as opened:
                request_id = str(opened.http_response.headers.get("x-request-id", ""))[:120]
                self.about["request_id"] = request_id or "-"
                reader = Reader(self.spool, most=provider.max_answer_bytes, about=self.about, on_partial=on_partial)
                received = await reader.read(opened.http_response)
            found = [await self._picture(row, index, received) for index, row in enumerate(received.rows)]
        return answer_of(bought, received, found, request_id)

    async def _picture(self, row: Mapping[str, Any], index: int, received: Received) -> Picture | None:
        picture, url = picture_of(row, received.pictures), row.get("url")
        if picture is not None or not isinstance(url, str):
            return picture
        path = self.spool / f"link-{index}.part"
        if self.provider.dialect != "compatible":
            return refused_link(path)
        from image_studio.providers.openai_links import fetch  # noqa: PLC0415 - it imports the HTTP client

        left = self.ends - asyncio.get_running_loop().time() - 1.0
        return await fetch(url, path, wire=self.provider.wire, most=self.provider.max_answer_bytes, seconds=left)

    def _failed(self, error: Exception, *, sent: bool, late: bool) -> ProviderError:
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            headers = {name.lower(): value for name, value in cast("Any", error).response.headers.items()}
            body, secrets = getattr(error, "body", None), self._secrets(cast("Any", error).request.headers)
            return answered(Reply(status=status, body=body, headers=headers, about=self.about, secrets=secrets))
        cause = error.__cause__ or error
        wire = late or _client_module().of_the_wire(error)
        if not wire:
            _log.error("call broke", exc_info=error, extra={"action": "provider.broken", **self.about})
        reason = "deadline" if late else getattr(cause, "strerror", "") or type(cause).__name__
        return unanswered(sent=sent, reason=str(reason), wire=wire, **self.about)

    def _secrets(self, sent: Mapping[str, str]) -> list[str]:
        """The key, and whatever a site's own headers hold."""
        own = cast("Mapping[str, str]", self.provider._reach["headers"])  # noqa: SLF001 - of the same module
        return [sent.get("authorization", "").removeprefix("Bearer "), *own.values()]


def _bought(provider: Provider, request: PictureRequest, spool: Path) -> Bought:
    spec = conf.model(provider.alias, request.model)
    return Bought(
        request=request,
        alias=provider.alias,
        spool=spool,
        spec=spec,
        most=_most(provider, request, spec),
        left_out=tuple(stripped(request, provider.strips)),
    )


def _client_module() -> Any:
    from image_studio.providers import openai_client  # noqa: PLC0415 - the SDK costs a second

    return openai_client


def _most(provider: Provider, request: PictureRequest, spec: ModelSpec | None) -> int:
    """Micro-USD; 0 where nobody knows, which the answer then tells as well."""
    try:
        return provider.estimate(request, spec).most if spec else 0
    except StudioError:
        return 0
