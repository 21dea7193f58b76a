"""Finds the pictures in a JSON answer while it arrives, and decodes them into files.

Nothing of a picture stays in memory: the text that is kept has a number in its place.
"""

from __future__ import annotations

import binascii
import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

_fast_b64decode: Callable[..., bytes] | None
try:
    _fast_b64decode = import_module("pybase64").b64decode
except ImportError:  # no wheel for this platform: the standard library is right too, and seven times slower
    _fast_b64decode = None

_SPACE = rb"[ \t\r\n]{0,256}"
_KEY = re.compile(rb'"b64_json"' + _SPACE + b":" + _SPACE + b'"')
#: The beginning of such a key, where the bytes end in it.
_CUT_KEY = re.compile(
    rb'"(?:b64_json"' + _SPACE + b"(?::" + _SPACE + rb")?|b64_json|b64_jso|b64_js|b64_j|b64_|b64|b6|b|)\Z"
)
#: What some servers write otherwise: the URL-safe alphabet, line ends, escaped slashes.
_USUAL = bytes.maketrans(b"-_", b"+/")
_LINE_ENDS = b"\r\n\t "
#: Bytes of a picture that are kept, to tell what it is.
HEAD = 64
#: Bytes of one picture; the largest that any model makes has fewer even without compression.
MOST_PICTURE = 50_331_648
#: Bytes of base64 that are decoded and written at once. As many are held for every picture that is on its way.
_BATCH = 32_768


class TooMuch(Exception):
    """More bytes than an answer may have."""


class Picture:
    """One picture on its way from base64 into a file.

    :ivar size: bytes written.
    :ivar whole: whether its end was seen.
    :ivar fault: a code where it is no picture.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.whole = False
        self.fault = ""
        self.head = b""
        self._rest = bytearray()
        self._begun = False

    def write(self, text: bytes) -> None:
        """Take some base64.

        :raises TooMuch: above :data:`MOST_PICTURE`.
        """
        self._rest += text
        if len(self._rest) >= _BATCH:
            self._take(last=False)

    def close(self) -> None:
        """The end of the string."""
        self._take(last=True)
        self.whole = True
        if not self.size and not self.fault:
            self.fault = "answer.empty"

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)

    def _take(self, *, last: bool) -> None:
        text, self._rest = self._rest, bytearray()
        if not self._begun:
            self._begun = True
            text = text.partition(b",")[2] if text.startswith(b"data:") else text
        if self.fault or not text:
            return
        if b"\\" in text:
            text = self._unescaped(text, last=last)
        try:
            self._store(_decoded(self._fours(text, last=last)))
        except ValueError:
            self._odd(text + self._rest, last=last)

    def _odd(self, text: bytearray, *, last: bool) -> None:
        """Once more, with what some servers write otherwise."""
        self._rest = bytearray()
        usual = text.translate(_USUAL, _LINE_ENDS)
        try:
            self._store(_decoded(self._fours(usual.rstrip(b"=") if last else usual, last=last)))
        except ValueError:
            self.fault = "answer.garbage"

    def _fours(self, text: bytearray, *, last: bool) -> bytearray:
        """Whole groups of four; what is left over waits for more, or is filled up at the end."""
        if last:
            return text + b"=" * (-len(text) % 4)
        whole = len(text) - len(text) % 4
        self._rest[:0] = text[whole:]
        del text[whole:]
        return text

    def _unescaped(self, text: bytearray, *, last: bool) -> bytearray:
        """Without JSON's escapes; a backslash at the end belongs to what comes next."""
        text = text.replace(rb"\/", b"/").replace(rb"\n", b"").replace(rb"\r", b"")
        if text.endswith(b"\\") and not last:
            self._rest += text[-1:]
            del text[-1:]
        return text

    def _store(self, data: bytes) -> None:
        _append(self.path, data, fresh=not self.size)
        if len(self.head) < HEAD:
            self.head += data[: HEAD - len(self.head)]
        self.size += len(data)
        if self.size > MOST_PICTURE:
            raise TooMuch


def _append(path: Path, data: bytes, *, fresh: bool) -> None:
    """The file is opened for every batch: with many answers at once, handles would run out."""
    how = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if fresh else os.O_APPEND) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, how, 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
    finally:
        os.close(handle)


def refused_link(path: Path) -> Picture:
    """In the place of a picture that was only linked to, where links are not followed."""
    picture = Picture(path)
    picture.fault = "answer.link_refused"
    return picture


def _decoded(text: bytearray) -> bytes:
    if _fast_b64decode is not None:
        return _fast_b64decode(text, validate=True)
    return binascii.a2b_base64(text, strict_mode=True)


class Scanner:
    """Takes an answer's bytes as they come.

    :param begin: makes the place for the picture of a number; pictures are numbered as they are found.
    :param most_text: bytes of everything else together.
    :ivar text: everything else, each picture replaced by its number.
    """

    def __init__(self, begin: Callable[[int], Picture], *, most_text: int) -> None:
        self.text = bytearray()
        self.pictures: list[Picture] = []
        self._begin, self._most = begin, most_text
        self._now: Picture | None = None
        self._carry = b""

    def feed(self, data: bytes) -> None:
        """The next bytes, cut anywhere.

        :raises TooMuch: when there is more text than ``most_text``, or a picture of no end.
        """
        if self._carry:
            data, self._carry = self._carry + data, b""
        at = 0
        while at < len(data):
            at = self._inside(data, at) if self._now else self._outside(data, at)

    def end(self) -> bytes:
        """The whole text, now that nothing more comes."""
        self._keep(self._carry)
        self._carry = b""
        return bytes(self.text)

    def _inside(self, data: bytes, at: int) -> int:
        end = data.find(b'"', at)
        if self._now is None or end < 0:
            if self._now:
                self._now.write(data[at:] if at else data)
            return len(data)
        self._now.write(data[at:end])
        self._now.close()
        self._now = None
        return end + 1

    def _outside(self, data: bytes, at: int) -> int:
        found = _KEY.search(data, at)
        if found is None:
            cut = _CUT_KEY.search(data, max(at, len(data) - 600))
            stop = cut.start() if cut else len(data)
            self._keep(data[at:stop])
            self._carry = data[stop:]
            return len(data)
        self._keep(data[at : found.start()])
        if self.text.endswith(b"\\"):  # these are the words of some text, not a key
            self._keep(data[found.start() : found.start() + 1])
            return found.start() + 1
        number = len(self.pictures)
        self._keep(data[found.start() : found.end() - 1] + str(number).encode())
        self._now = self._begin(number)
        self.pictures.append(self._now)
        return found.end()

    def _keep(self, text: bytes) -> None:
        self.text += text
        if len(self.text) > self._most:
            raise TooMuch
