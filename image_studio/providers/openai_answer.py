"""Reads an answer while it arrives: one JSON object, or a stream of events. Pictures go straight into the spool.

What is on the disk when, so that a crash at any moment leaves the truth: first the pictures, then what was seen of
them (:data:`SEEN`), then the answer's text (:data:`RAW`), each flushed before the next is written, and last of all the
runner's manifest. Whoever finds the text has everything that came before it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from image_studio import storage
from image_studio.exceptions import OutcomeUnknown, ProviderError, ProviderUnavailable
from image_studio.providers.base import OnPartial
from image_studio.providers.openai_errors import Reply, answered, unknown
from image_studio.providers.openai_scan import Picture, Scanner, TooMuch

_log = logging.getLogger("image_studio.providers")

#: Bytes of an answer besides its pictures; real ones have a few thousand.
MOST_TEXT = 1_048_576
#: Pictures of an answer, early versions and empty places included; no model makes half as many.
MOST_PICTURES = 64
#: Bytes that are unpacked at once, however much a packed answer holds.
UNPACKED = 262_144
RAW, SEEN = "answer-raw.json", "answer-seen.json"


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
        if number >= MOST_PICTURES:
            raise TooMuch
        return Picture(part_of(self._spool, number))

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
        if not events:
            await self._keep(text)
            return whole(text, tuple(self._scanner.pictures), self._about)
        if not self._done:
            await self._keep(bytes(self._log), events=True)
        return self._streamed()

    async def _parts(self, response: Any) -> AsyncIterator[bytes]:
        unpack = _unpacking(response.headers.get("content-encoding", ""))
        async for packed in response.aiter_raw():
            for part in unpack(packed):
                left = self._most - self._read
                self._read += len(part)
                yield part[:left] if len(part) > left else part
                if len(part) > left:
                    raise TooMuch

    async def _keep(self, text: bytes, *, events: bool = False, cut: str = "") -> None:
        """Before it is understood: what was paid for must be readable by a person, whatever comes."""
        pictures = list(self._scanner.pictures)
        seen = {
            "request_id": self._about.get("request_id", "-"),
            "events": events,
            "cut": cut,
            "pictures": [{"size": one.size, "whole": one.whole, "fault": one.fault} for one in pictures],
        }
        await asyncio.to_thread(_flush, self._spool, pictures, seen, text)

    def _drop_pieces(self) -> None:
        for picture in self._scanner.pictures:
            if not picture.whole:
                picture.drop()

    async def _broken(self, code: str) -> Received:
        self._drop_pieces()
        text = bytes(self._log + self._scanner.text)
        await self._keep(text, events=bool(self._done), cut=code)
        if self._done:
            return self._of_events(cut=code)
        # Early versions were whole too, and are gone.
        received = sound(tuple(one for one in self._scanner.pictures if one.path.exists()), cut=code)
        if not received.rows:
            raise OutcomeUnknown("provider.answer_too_large", **self._about)
        return received

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
        told = data_of(event)
        if not isinstance(told, Mapping):
            return
        kind = str(told.get("type", ""))
        if told.get("error") or kind == "error":
            if not self._done:
                raise self._refused(told)
            raise EOFError
        if kind.endswith(".partial_image"):
            await self._early(told)
        elif kind.endswith(".completed"):
            self._done.append(told)
            # What follows is only the end of the stream. Should that never come, the picture is there all the same.
            await self._keep(bytes(self._log), events=True)

    def _refused(self, told: Mapping[str, Any]) -> ProviderError:
        """After an early version nothing is free any more: what could else be sent again is unknown then."""
        error = answered(Reply(status=200, body=told, about=self._about))
        late = self._scanner.pictures and isinstance(error, ProviderUnavailable)
        return unknown("error after an early version", **self._about) if late else error

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
        return finished(self._done, tuple(self._scanner.pictures), cut=cut)


def part_of(spool: Path, number: int) -> Path:
    """Where a picture lies while it arrives."""
    return spool / f"picture-{number}.part"


def _flush(spool: Path, pictures: list[Picture], seen: Mapping[str, Any], text: bytes) -> None:
    for picture in pictures:
        if picture.size and picture.path.exists():
            _sync(picture.path)
    storage.put(spool / SEEN, json.dumps(seen).encode())
    storage.put(spool / RAW, text)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# What was received, from its text: the same when it has just come and when it is found after a crash ------------------


def whole(text: bytes, pictures: tuple[Picture, ...], about: Mapping[str, Any]) -> Received:
    """An answer of one JSON object.

    :raises ProviderError: for an error inside it, and where it is no answer.
    """
    told = _json(text)
    if not isinstance(told, Mapping):
        raise unknown("no JSON in the answer", **about)
    if told.get("error"):
        raise answered(Reply(status=200, body=told, about=about))
    if "data" not in told:
        raise unknown("no pictures in the answer", **about)
    data = told["data"][:MOST_PICTURES] if isinstance(told["data"], list) else []
    rows = tuple(row if isinstance(row, Mapping) else {} for row in data)
    return Received(told=told, rows=rows, pictures=pictures)


def finished(done: Sequence[Mapping[str, Any]], pictures: tuple[Picture, ...], cut: str = "") -> Received:
    """The finished pictures of a stream, at least one."""
    told = {**done[-1], "usage": _summed([event.get("usage") for event in done])}
    return Received(told=told, rows=tuple(done), pictures=pictures, cut=cut)


def sound(pictures: tuple[Picture, ...], cut: str) -> Received:
    """What came whole of an answer that broke off."""
    kept = tuple(picture for picture in pictures if picture.whole and not picture.fault)
    return Received(rows=tuple({"b64_json": number} for number in range(len(kept))), pictures=kept, cut=cut)


def data_of(event: bytes) -> Any:
    """The JSON of an event; None where it has none."""
    lines = [line.partition(b":")[2] for line in event.splitlines() if line.startswith(b"data:")]
    return _json(b"\n".join(lines))


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
