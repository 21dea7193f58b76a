"""OpenAI's free moderation: what it says of a text or of a picture.

Pictures are only ever looked at for self-harm (3 categories), sexual content and violence (2): no hate symbols, no
brands, no people, no minors. Being free, it is asked a second time where that can help; nothing about it ever raises.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import math
from collections.abc import Mapping
from typing import Any

from PIL import Image

from image_studio.brand.judged import Judged, Looked, Unjudged
from image_studio.exceptions import ProviderRefused
from image_studio.imaging.renditions import encode, flattened
from image_studio.providers.base import BaseProvider
from image_studio.providers.openai import Provider
from image_studio.providers.openai_errors import retry_after

_log = logging.getLogger("image_studio.providers")

MODEL = "omni-moderation-latest"
#: The longer edge of what is sent, in pixels, and its JPEG quality: far below the 20 MB that the endpoint takes.
EDGE, QUALITY = 1024, 85
#: Seconds before the one other try; a server's Retry-After counts where it is longer.
AGAIN = 0.25
#: Bytes of an answer; a right one has about 2,000.
MOST_ANSWER = 262_144


class Moderator:
    """The moderation of one configured provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    @classmethod
    def of(cls, provider: BaseProvider) -> Moderator | None:
        """None for a provider that has no such endpoint: only OpenAI and servers that speak its dialect may."""
        if isinstance(provider, Provider) and provider.dialect != "azure":
            return cls(provider)
        return None

    async def prompt(self, text: str, *, deadline: float) -> Looked:
        """What it says of a text.

        :param deadline: in seconds, for all tries together.
        """
        return await self._asked({"type": "text", "text": text}, deadline)

    async def picture(self, data: bytes, *, deadline: float) -> Looked:
        """What it says of a picture that :func:`small_copy` made."""
        url = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
        return await self._asked({"type": "image_url", "image_url": {"url": url}}, deadline)

    async def _asked(self, part: Mapping[str, Any], deadline: float) -> Looked:
        try:
            async with asyncio.timeout(deadline) as clock:
                return _read(await self._tried(part, asyncio.get_running_loop().time() + deadline))
        except Exception as error:  # noqa: BLE001 - moderation that fails is "not run", never a failed job
            late = isinstance(error, TimeoutError) and clock.expired()
            return self._unjudged("late" if late else _trouble(error), error, seconds=deadline)

    async def _tried(self, part: Mapping[str, Any], ends: float) -> bytes:
        """The answer's body; asked twice where the first try met something that passes."""
        try:
            return await self._posted(part)
        except Exception as error:
            wait = _wait(error)
            if wait is None or asyncio.get_running_loop().time() + wait >= ends:
                raise
        await asyncio.sleep(wait)
        return await self._posted(part)

    async def _posted(self, part: Mapping[str, Any]) -> bytes:
        await asyncio.to_thread(_client_module)
        async with self._provider.clients.use() as client:
            given: Any = [part]
            call = client.moderations.with_streaming_response.create(model=MODEL, input=given)
            async with call as opened:
                return await _body(opened.http_response)

    def _unjudged(self, trouble: str, error: Exception, **params: Any) -> Unjudged:
        code = f"moderation.{trouble}"
        told = {"alias": self._provider.alias, "status": getattr(error, "status_code", 0), **params}
        _log.warning("moderation not run: %s", code, extra={"action": code, "alias": self._provider.alias})
        if trouble == "broken":
            _log.error("moderation broke: %s", type(error).__name__, extra={"action": code})
        return Unjudged(code=code, params={**told, "reason": type(error).__name__})


def small_copy(image: Image.Image) -> bytes:
    """A picture as the endpoint is shown it: a JPEG of at most 1,024 pixels, on white, with no metadata at all."""
    small = image.copy()
    small.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return encode(flattened(small, "#ffffff"), "jpeg", quality=QUALITY).data


def _client_module() -> Any:
    from image_studio.providers import openai_client  # noqa: PLC0415 - the SDK costs a second

    return openai_client


async def _body(response: Any) -> bytes:
    """:raises ValueError: for a body that no right answer has."""
    if response.headers.get("content-encoding"):
        raise ValueError("packed, though it was asked not to be")
    body = b""
    async for part in response.aiter_raw(16_384):
        body += part
        if len(body) > MOST_ANSWER:
            raise ValueError("too long")
    return body


def _read(body: bytes) -> Looked:
    """:raises ValueError: for anything but one whole result; :func:`_trouble` names it, with the other classes."""
    answer = json.loads(body)
    (result,) = answer["results"]
    flagged, flags, scores = result["flagged"], result["categories"], result["category_scores"]
    applied = result["category_applied_input_types"]
    if not isinstance(flagged, bool) or not all(
        isinstance(value, bool) for value in flags.values() if value is not None
    ):
        raise ValueError("a flag that is none")
    return Judged(
        flagged=flagged or any(flags.values()),
        flags=tuple(sorted(str(name)[:60] for name, value in flags.items() if value)),
        categories={str(name)[:60]: _score(score) for name, score in scores.items() if score is not None},
        applied={str(name)[:60]: tuple(str(kind)[:20] for kind in kinds) for name, kinds in applied.items() if kinds},
        model=str(answer.get("model") or MODEL)[:80],
    )


def _score(given: Any) -> float:
    score = float(given)
    if not math.isfinite(score) or not 0.0 <= score <= 1.0:
        raise ValueError("a score that is none")
    return score


def _trouble(error: Exception) -> str:
    """The last word of the reason's code."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return {429: "rate_limited", 401: "not_allowed", 403: "not_allowed"}.get(status, "refused")
    if isinstance(error, ProviderRefused):
        return "no_key"
    if _client_module().of_the_wire(error):
        return "unreachable"
    return "bad_answer" if isinstance(error, (ValueError, TypeError, KeyError, AttributeError)) else "broken"


def _wait(error: Exception) -> float | None:
    """Seconds until the other try; None where it would meet the same again."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        headers = {name.lower(): value for name, value in getattr(error, "response").headers.items()}  # noqa: B009
        return max(AGAIN, retry_after(headers) or 0.0) if status == 429 or status >= 500 else None
    return AGAIN if _client_module().of_the_wire(error) else None
