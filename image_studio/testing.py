"""A double for tests of sites that use the studio: a provider that plays a script and writes down what it was asked.

In a test, with the settings of pytest-django::

    settings.IMAGE_STUDIO = fake_settings(script=["unavailable", ProviderRefused("provider.quota"), png, "ok"])
    ...
    (first, *_) = conf.provider("fake").asked
    assert first.request.prompt == "a jug"

Each call takes the next entry of the script, and the last is repeated: a word, an error to raise, or the bytes of a
picture to answer with. ``asked`` holds every call of this process with its request and its inputs.

With ``ledger`` the provider also keeps books: a file of JSON lines that it writes and nothing else reads back, the
only witness of what was charged, to be held against the database after any crash. The script is then played by the
number of calls in the ledger, whatever process makes them.
"""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
import random
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from PIL import Image, ImageDraw

from image_studio.catalog.pricing import Price
from image_studio.catalog.specs import ModelSpec
from image_studio.exceptions import OutcomeUnknown, ProviderRefused, ProviderUnavailable, StudioError
from image_studio.imaging.decode import EXTENSIONS
from image_studio.imaging.sniffing import sniff
from image_studio.providers.base import Answer, BaseProvider, Finding, Input, OnPartial, Output, PictureRequest

try:
    import fcntl
except ImportError:  # Windows: the ledger is then right for one process only
    fcntl = None  # type: ignore[assignment]

ALIAS, MODEL, ROUTE = "fake", "fake-1", "fake"

#: Words of a script that come after the charge, and those that come instead of one.
FREE_WORDS = frozenset({"unavailable", "rate_limited", "refused", "moderation"})


def fake_settings(
    *, ledger: str | Path = "", backend: str = "image_studio.testing", **options: Any
) -> dict[str, Mapping[str, Any]]:
    """Rows for ``IMAGE_STUDIO``: this provider, one model of it and a route to that, beside previs.

    :param ledger: path of the books; empty keeps none.
    :param options: of :class:`ScriptedProvider`.
    """
    return {
        "PROVIDERS": {
            "previs": {"BACKEND": "image_studio.providers.previs", "OPTIONS": {}},
            ALIAS: {"BACKEND": backend, "OPTIONS": {"ledger": str(ledger), **options}},
        },
        "MODELS": {MODEL: {"provider": ALIAS, "title": "Fake", "transparent": True, "max_n": 8}},
        "ROUTES": {ROUTE: {"title": "Fake", "provider": ALIAS, "model": MODEL}},
    }


def calls(ledger: str | Path) -> list[dict[str, Any]]:
    """Every call that reached the provider, in order."""
    path = Path(ledger)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def charges(ledger: str | Path) -> list[dict[str, Any]]:
    """The calls that were charged."""
    return [call for call in calls(ledger) if call["charged"]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One call: what was ordered, and with which pictures."""

    request: PictureRequest
    inputs: tuple[Input, ...] = ()


class ScriptedProvider(BaseProvider):
    """A paid provider that makes flat test pictures, or whatever its script says.

    :param ledger: path of its books; empty keeps none.
    :param script: one entry a call: an error, which is raised; bytes, which every picture of the answer is; or a
        word. Words are ``ok``; ``unavailable``, ``rate_limited``, ``refused``, ``moderation`` (no
        charge); ``unknown``, ``hang``, ``crash``, ``wrong_type`` (charged, no answer); ``fewer``, ``none``,
        ``garbage``, ``truncated``, ``html``, ``fault``, ``wrong_size``, ``jpeg``, ``escape`` (charged, a bad answer);
        ``disk_full``; ``kill`` (the whole process dies after the charge).
    :param delay: seconds until a picture is there.
    :param price: micro-USD a picture.
    :param retry_after: seconds that ``rate_limited`` asks for.
    """

    repeatable: ClassVar[bool] = False

    def __init__(
        self,
        alias: str,
        *,
        ledger: str = "",
        script: Sequence[str | bytes | Exception] = ("ok",),
        delay: float = 0.0,
        price: int = 40_000,
        retry_after: float = 7.0,
        **options: Any,
    ) -> None:
        super().__init__(alias, **options)
        self.ledger, self.script = Path(ledger) if ledger else None, tuple(script)
        self.asked: list[Asked] = []
        self.delay, self.price, self.retry_after = delay, price, retry_after
        unknown = {entry for entry in self.script if isinstance(entry, str)} - {"ok", *_ACTS}
        if unknown or not self.script:
            raise ValueError(f"a script has no word {', '.join(sorted(unknown))}")

    def supports(self, request: PictureRequest, spec: ModelSpec) -> tuple[Finding, ...]:
        return ()

    def estimate(self, request: PictureRequest, spec: ModelSpec) -> Price:
        return Price(likely=self.price * request.n, most=self.price * request.n)

    async def run(
        self,
        request: PictureRequest,
        inputs: tuple[Input, ...],
        *,
        spool: Path,
        deadline: float,
        on_partial: OnPartial | None = None,
    ) -> Answer:
        """Write the call down, then do what the script says."""
        self.asked.append(Asked(request=request, inputs=inputs))
        number, entry = self._enter(request, inputs)
        await asyncio.sleep(self.delay)
        if isinstance(entry, Exception):
            raise again(entry)
        if isinstance(entry, bytes):
            return self.answer(request, [self.given(spool, i, entry) for i in range(request.n)], number)
        act = _ACTS.get(entry)
        if act is not None:
            return await act(self, request, spool)
        return self.answer(request, [self.output(request, spool, i) for i in range(request.n)], number)

    def _entry(self, number: int) -> str | bytes | Exception:
        return self.script[min(number, len(self.script) - 1)]

    def _enter(self, request: PictureRequest, inputs: tuple[Input, ...]) -> tuple[int, str | bytes | Exception]:
        """One line in the ledger, under a lock that holds across processes."""
        if self.ledger is None:
            number = len(self.asked) - 1
            return number, self._entry(number)
        with self.ledger.open("a+") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            number = sum(1 for _line in file)
            entry = self._entry(number)
            file.write(json.dumps(self._line(number, entry, request, inputs)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return number, entry

    def _line(
        self, number: int, entry: str | bytes | Exception, request: PictureRequest, inputs: tuple[Input, ...]
    ) -> dict[str, Any]:
        free = entry in FREE_WORDS or isinstance(entry, (ProviderRefused, ProviderUnavailable))
        return {
            "call": number,
            "word": entry if isinstance(entry, str) else type(entry).__name__,
            "charged": not free,
            "micro_usd": 0 if free else self.price * request.n,
            "digest": request.digest,
            "n": request.n,
            "inputs": [{"bytes": len(item.data), "mime": item.mime, "name": item.name} for item in inputs],
            "pid": os.getpid(),
        }

    # For scripts of your own ----------------------------------------------------------------------------------------

    def answer(self, request: PictureRequest, outputs: list[Output], number: int = 0) -> Answer:
        return Answer(
            outputs=tuple(outputs),
            request_id=f"fake-{number}",
            usage={"pictures": request.n},
            effective={"size": list(request.size)},
            micro_usd=self.price * request.n,
        )

    def output(self, request: PictureRequest, spool: Path, index: int, kind: str = "png") -> Output:
        path = spool / f"output-{index}.{kind}"
        path.write_bytes(picture(request, index, kind))
        return Output(index=index, path=path, source_type="trainedAlgorithmicMedia")

    def given(self, spool: Path, index: int, data: bytes) -> Output:
        path = spool / f"output-{index}.{EXTENSIONS.get(sniff(data), 'bin')}"
        path.write_bytes(data)
        return Output(index=index, path=path, source_type="trainedAlgorithmicMedia")

    def spoilt(self, request: PictureRequest, spool: Path, data: bytes) -> Answer:
        """The first output is ``data``; the others are right."""
        outputs = [self.output(request, spool, i) for i in range(request.n)]
        (spool / "output-0.png").write_bytes(data)
        return self.answer(request, outputs)


#: The class that a ``BACKEND`` is looked up for.
Provider = ScriptedProvider


def again(error: Exception) -> Exception:
    """The same error anew: one that is raised twice would tell of both places."""
    return type(error)(error.code, **error.params) if isinstance(error, StudioError) else copy(error)


def picture(request: PictureRequest, index: int = 0, kind: str = "png") -> bytes:
    """A picture that differs by request and index, the same every time: a ground and a few shapes."""
    chance = random.Random(f"{request.digest}-{index}")  # noqa: S311 - deterministic on purpose
    image = Image.new("RGB", request.size, _colour(chance))
    pen = ImageDraw.Draw(image)
    for _shape in range(6):
        left, top = chance.randrange(request.size[0]), chance.randrange(request.size[1])
        pen.ellipse((left, top, left + request.size[0] // 4, top + request.size[1] // 4), fill=_colour(chance))
    buffer = io.BytesIO()
    image.save(buffer, kind.upper())
    return buffer.getvalue()


def _colour(chance: random.Random) -> tuple[int, int, int]:
    return chance.randrange(30, 220), chance.randrange(30, 220), chance.randrange(30, 220)


Act = Callable[[ScriptedProvider, PictureRequest, Path], Awaitable[Answer]]


async def _unavailable(_provider: ScriptedProvider, _request: PictureRequest, _spool: Path) -> Answer:
    raise ProviderUnavailable("provider.unreachable")


async def _rate_limited(provider: ScriptedProvider, _request: PictureRequest, _spool: Path) -> Answer:
    raise ProviderUnavailable("provider.rate_limited", retry_after=provider.retry_after)


async def _refused(_provider: ScriptedProvider, _request: PictureRequest, _spool: Path) -> Answer:
    raise ProviderRefused("provider.refused")


async def _moderation(_provider: ScriptedProvider, _request: PictureRequest, _spool: Path) -> Answer:
    raise ProviderRefused("provider.moderation_blocked", stage="input", categories="violence", request_id="-")


async def _unknown(_provider: ScriptedProvider, _request: PictureRequest, _spool: Path) -> Answer:
    raise OutcomeUnknown("provider.connection_lost")


async def _hang(_provider: ScriptedProvider, _request: PictureRequest, _spool: Path) -> Answer:
    await asyncio.sleep(3600)
    raise AssertionError("nobody waits an hour")


async def _crash(_provider: ScriptedProvider, _request: PictureRequest, _spool: Path) -> Answer:
    raise RuntimeError("secret-token-in-a-message")


async def _wrong_type(_provider: ScriptedProvider, _request: PictureRequest, _spool: Path) -> Any:
    return "<html>not an answer</html>"


async def _fewer(provider: ScriptedProvider, request: PictureRequest, spool: Path) -> Answer:
    return provider.answer(request, [provider.output(request, spool, i) for i in range(request.n - 1)])


async def _none(provider: ScriptedProvider, request: PictureRequest, _spool: Path) -> Answer:
    return provider.answer(request, [])


async def _garbage(provider: ScriptedProvider, request: PictureRequest, spool: Path) -> Answer:
    return provider.spoilt(request, spool, b"\x00\x01" * 400)


async def _html(provider: ScriptedProvider, request: PictureRequest, spool: Path) -> Answer:
    return provider.spoilt(request, spool, b"<!doctype html><title>502</title>" * 20)


async def _truncated(provider: ScriptedProvider, request: PictureRequest, spool: Path) -> Answer:
    whole = picture(request)
    return provider.spoilt(request, spool, whole[: len(whole) // 2])


async def _fault(provider: ScriptedProvider, request: PictureRequest, spool: Path) -> Answer:
    outputs = [provider.output(request, spool, i) for i in range(1, request.n)]
    return provider.answer(request, [Output(index=0, fault="provider.refused"), *outputs])


async def _wrong_size(provider: ScriptedProvider, request: PictureRequest, spool: Path) -> Answer:
    width, height = request.size
    small = PictureRequest(model=request.model, size=(max(16, width // 2), max(16, height // 3)))
    return provider.answer(request, [provider.output(small, spool, i) for i in range(request.n)])


async def _jpeg(provider: ScriptedProvider, request: PictureRequest, spool: Path) -> Answer:
    return provider.answer(request, [provider.output(request, spool, i, "jpeg") for i in range(request.n)])


async def _escape(provider: ScriptedProvider, request: PictureRequest, spool: Path) -> Answer:
    outputs = [provider.output(request, spool, i) for i in range(1, request.n)]
    return provider.answer(request, [Output(index=0, path=spool / ".." / "elsewhere.png"), *outputs])


async def _disk_full(_provider: ScriptedProvider, _request: PictureRequest, _spool: Path) -> Answer:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def _kill(_provider: ScriptedProvider, _request: PictureRequest, _spool: Path) -> Answer:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nothing runs after SIGKILL")


_ACTS: Mapping[str, Act] = {
    "unavailable": _unavailable,
    "rate_limited": _rate_limited,
    "refused": _refused,
    "moderation": _moderation,
    "unknown": _unknown,
    "hang": _hang,
    "crash": _crash,
    "wrong_type": _wrong_type,
    "fewer": _fewer,
    "none": _none,
    "garbage": _garbage,
    "html": _html,
    "truncated": _truncated,
    "fault": _fault,
    "wrong_size": _wrong_size,
    "jpeg": _jpeg,
    "escape": _escape,
    "disk_full": _disk_full,
    "kill": _kill,
}
