"""After a crash: an answer that lies whole in its folder, read again as if it had just come.

Nothing is sent and no file is changed. What does not lie there whole is None: its outcome stays unknown, and its
files stay for a person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from image_studio.exceptions import ProviderError
from image_studio.providers.base import Answer
from image_studio.providers.openai_answer import (
    RAW,
    SEEN,
    Received,
    data_of,
    finished,
    part_of,
    picture_of,
    sound,
    whole,
)
from image_studio.providers.openai_result import Bought, told_of
from image_studio.providers.openai_scan import Picture, refused_link


class _Incomplete(Exception):
    """Something is missing, or is not what it was."""


def recovered(bought: Bought, *, links: bool) -> Answer | None:
    """The answer to a call, or None where it is not there whole.

    :param links: whether this server's links are followed.
    """
    try:
        seen = json.loads((bought.spool / SEEN).read_bytes())
        received = _received(bought, seen, (bought.spool / RAW).read_bytes())
        found = [_found(bought.spool, index, row, received, links) for index, row in enumerate(received.rows)]
        request_id = str(seen["request_id"])
        return told_of(bought, received, found, "" if request_id == "-" else request_id)
    except (_Incomplete, ProviderError, OSError, ValueError, TypeError, KeyError):
        return None


def _received(bought: Bought, seen: Mapping[str, Any], text: bytes) -> Received:
    pictures = tuple(_picture(bought.spool, number, said) for number, said in enumerate(seen["pictures"]))
    if seen["events"]:
        told = [data_of(event) for event in text.replace(b"\r\n", b"\n").split(b"\n\n")]
        done = [one for one in told if isinstance(one, Mapping) and str(one.get("type", "")).endswith(".completed")]
        if not done:
            raise _Incomplete
        return finished(done, pictures, cut=seen["cut"])
    if not seen["cut"]:
        return whole(text, pictures, {})
    received = sound(pictures, cut=seen["cut"])
    if not received.rows:
        raise _Incomplete
    return received


def _picture(spool: Path, number: int, said: Mapping[str, Any]) -> Picture:
    picture = Picture(part_of(spool, number))
    picture.size, picture.whole, picture.fault = int(said["size"]), bool(said["whole"]), str(said["fault"])
    return picture


def _found(spool: Path, index: int, row: Mapping[str, Any], received: Received, links: bool) -> Picture | None:
    """The picture of a row, at the place where the crash left it: before it got its name, or after."""
    picture, linked = picture_of(row, received.pictures), isinstance(row.get("url"), str)
    if picture is None and linked and not links:
        return refused_link(spool / f"link-{index}.part")
    if picture is None and not linked:
        return None
    if picture is not None and (picture.fault or not picture.whole):
        return picture
    named = next(iter(sorted(spool.glob(f"output-{index}.*"))), None)
    if picture is None:
        return _fetched(named)
    picture.path = named or picture.path
    if picture.path.stat().st_size != picture.size:
        raise _Incomplete
    return picture


def _fetched(named: Path | None) -> Picture:
    """A picture behind a link has its name once it is whole; before that nobody can tell."""
    if named is None:
        raise _Incomplete
    picture = Picture(named)
    picture.size, picture.whole = named.stat().st_size, True
    return picture
