"""Reads an answer while it arrives: one JSON object, or a stream of events. Pictures go straight into the spool."""

from __future__ import annotations

import asyncio
import json
import logging
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from image_studio import storage
from image_studio.exceptions import OutcomeUnknown
from image_studio.providers.base import OnPartial
from image_studio.providers.openai_errors import Reply, answered, unknown
from image_studio.providers.openai_scan import Picture, Scanner, TooMuch

_log = logging.getLogger("image_studio.providers")

#: Bytes of an answer besides its pictures; real ones have a few thousand.
MOST_TEXT = 1_048_576
#: Bytes that are unpacked at once, however much a packed answer holds.
UNPACKED = 262_144
RAW = "answer-raw.json"


@dataclass(frozen=True, kw_only=True)
class Received:
    """An answer, as far as it came.

    :param told: its JSON, with a number in the place of each picture; empty where it broke off.
    :param rows: its pictures, in order.
    :param cut: a code for what is missing, where it is not whole.
    """

    told: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[Mapping[str, Any], ...] = ()
    pictures: tuple[Picture, ...] = ()
    cut: str = ""


class Reader:
    """Reads one answer into one folder.

    :param most: bytes of the whole answer, unpacked.
    """

    def __init__(self, spool: Path, *, most: int, about: Mapping[str, Any], on_partial: OnPartial | None) -> None:
        self._spool, self._most, self._about, self._on_partial = spool, most, about, on_partial
        self._scanner = Scanner(self._begin, most_text=MOST_TEXT)
        self._done: list[Mapping[str, Any]] = []
        self._log = bytearray()
        self._read = 0

    def _begin(self, number: int) -> Picture:
        return Picture(self._spool / f"picture-{number}.part")

    async def read(self, response: Any) -> Received:
        """Everything that comes, or everything up to the cap.

        :param response: of the HTTP client, opened and not read.
        :raises ProviderError: for an error inside an answer, and for one that is no answer.
        """
        events = "text/event-stream" in response.headers.get("content-type", "").lower()
        try:
            async for part in self._parts(response):
                self._scanner.feed(part)
                if events:
                    await self._events()
            text = self._scanner.end()
            if events:  # the last one, where its empty line is missing
                await self._event(text)
        except TooMuch:
            return await self._broken("answer.too_large")
        except Exception:
            # A stream that breaks off after a finished picture has been paid for, and has brought it.
            if self._done:
                return await self._broken("answer.cut")
            self._drop_pieces()
            raise
        await self._keep_raw(bytes(self._log) if events else text)
        return self._streamed() if events else self._whole(text)

    async def _parts(self, response: Any) -> AsyncIterator[bytes]:
        unpack = _unpacking(response.headers.get("content-encoding", ""))
        async for packed in response.aiter_raw():
            for part in unpack(packed):
                self._read += len(part)
                if self._read > self._most:
                    raise TooMuch
                yield part

    async def _keep_raw(self, text: bytes) -> None:
        """Before it is understood: what was paid for must be readable by a person, whatever comes."""
        await asyncio.to_thread(storage.put, self._spool / RAW, text)

    def _drop_pieces(self) -> None:
        for picture in self._scanner.pictures:
            if not picture.whole:
                picture.drop()

    async def _broken(self, code: str) -> Received:
        self._drop_pieces()
        await self._keep_raw(bytes(self._log + self._scanner.text))
        if self._done:
            return self._of_events(cut=code)
        pictures = tuple(picture for picture in self._scanner.pictures if picture.whole and not picture.fault)
        if not pictures:
            raise OutcomeUnknown("provider.answer_too_large", **self._about)
        rows = tuple({"b64_json": number} for number in range(len(pictures)))
        return Received(rows=rows, pictures=pictures, cut=code)

    # One JSON object ------------------------------------------------------------------------------------------------

    def _whole(self, text: bytes) -> Received:
        told = _json(text)
        if not isinstance(told, Mapping):
            raise unknown("no JSON in the answer", **self._about)
        if told.get("error"):
            raise answered(Reply(status=200, body=told, about=self._about))
        if "data" not in told:
            raise unknown("no pictures in the answer", **self._about)
        data = told["data"] if isinstance(told["data"], list) else []
        rows = tuple(row if isinstance(row, Mapping) else {} for row in data)
        return Received(told=told, rows=rows, pictures=tuple(self._scanner.pictures))

    # Events ---------------------------------------------------------------------------------------------------------

    async def _events(self) -> None:
        """Take what is complete out of the text: an empty line ends an event."""
        text = self._scanner.text
        while (end := text.find(b"\n\n")) >= 0 or (end := text.find(b"\r\n\r\n")) >= 0:
            event = bytes(text[:end])
            del text[: end + (2 if text[end : end + 2] == b"\n\n" else 4)]
            await self._event(event)

    async def _event(self, event: bytes) -> None:
        self._log += event + b"\n\n" if len(self._log) < MOST_TEXT else b""
        lines = [line.partition(b":")[2] for line in event.splitlines() if line.startswith(b"data:")]
        told = _json(b"\n".join(lines))
        if not isinstance(told, Mapping):
            return
        kind = str(told.get("type", ""))
        if told.get("error") or kind == "error":
            if not self._done:
                raise answered(Reply(status=200, body=told, about=self._about))
            raise EOFError
        if kind.endswith(".partial_image"):
            await self._early(told)
        elif kind.endswith(".completed"):
            self._done.append(told)

    async def _early(self, told: Mapping[str, Any]) -> None:
        number = told.get("b64_json")
        if not _is_number(number, len(self._scanner.pictures)):
            return
        picture = self._scanner.pictures[int(str(number))]
        data = picture.path.read_bytes() if picture.size and not picture.fault else b""
        picture.drop()
        index = told.get("partial_image_index")
        if self._on_partial and data:
            try:
                await self._on_partial(len(self._done), index if isinstance(index, int) else 0, data)
            except Exception as error:  # noqa: BLE001 - a glimpse must not cost the picture that is paid for
                _log.warning("early version not taken: %s", type(error).__name__)

    def _streamed(self) -> Received:
        if not self._done:
            raise unknown("the stream ended without a picture", **self._about)
        return self._of_events()

    def _of_events(self, cut: str = "") -> Received:
        told = {**self._done[-1], "usage": _summed([done.get("usage") for done in self._done])}
        return Received(told=told, rows=tuple(self._done), pictures=tuple(self._scanner.pictures), cut=cut)


def picture_of(row: Mapping[str, Any], pictures: tuple[Picture, ...]) -> Picture | None:
    """The picture that a row of an answer has in itself; None for a link, or for nothing."""
    number = row.get("b64_json")
    return pictures[int(str(number))] if _is_number(number, len(pictures)) else None


def _is_number(value: Any, below: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _summed(usages: list[Any]) -> Any:
    """Of several finished pictures, what they used together."""
    known = [usage for usage in usages if isinstance(usage, Mapping)]
    if len(known) < 2:
        return known[0] if known else None
    return {key: _added([usage.get(key) for usage in known]) for key in known[0]}


def _added(values: list[Any]) -> Any:
    if all(isinstance(value, Mapping) for value in values):
        return _summed(values)
    return sum(values) if all(isinstance(value, int) for value in values) else values[0]


def _unpacking(encoding: str) -> Callable[[bytes], Any]:
    """Pieces of bounded size out of what came. We ask for plain bytes; some proxies pack them all the same.

    :raises ProviderError: for an encoding that nobody asked for and that is not known here.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return lambda data: (data,)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise unknown(f"encoding {encoding[:20]}")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def unpack(data: bytes) -> Any:
        while data and not inflate.eof:
            yield inflate.decompress(data, UNPACKED)
            data = inflate.unconsumed_tail

    return unpack
