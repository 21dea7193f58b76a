"""The files of an exported edit history: a ZIP or a folder, out and in.

What comes from outside is judged before it is unpacked, and what is unpacked is counted while it comes out: nothing
that an archive says of its sizes is believed. Only files that ``chain.json`` names are ever read.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from image_studio.brand.rules import safe_name
from image_studio.exceptions import InvalidRequest
from image_studio.storage import failed

NAME = "chain.json"
#: Bytes of an archive as it comes, and of everything in it that is read.
MOST_ARCHIVE, MOST_TOTAL = 400_000_000, 1_000_000_000
MOST_FILES = 10_000
MOST_DOCUMENT = 20_000_000
_CHUNK = 1 << 16
#: Of the directory at the end of a ZIP; it is read whole before anything can be counted. A name has 80 characters.
_MOST_DIRECTORY = MOST_FILES * 200
_END, _END_64, _END_SIZE = b"PK\x05\x06", b"PK\x06\x07", 22
#: The earliest day that a ZIP can name: every export of the same history has the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: What zipfile says of a file that is none: RuntimeError for a password, NotImplementedError for a method that it does
#: not have, an OSError for a place before the file's beginning.
BROKEN = (
    zipfile.BadZipFile,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
    OSError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)


class Pack(Protocol):
    """Files by their names."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""

    def read(self, name: str, most: int) -> bytes:
        """Its bytes.

        :raises InvalidRequest: ``chain_archive.missing_file`` (name), ``chain_archive.too_large`` (name, most),
            ``chain_archive.broken`` (detail).
        """


class Target(Protocol):
    """Where files go."""

    def write(self, name: str, data: bytes) -> None:
        """Keep a file under a name that nothing has yet."""


# In ----------------------------------------------------------------------------------------------------------------


@contextmanager
def opened(source: Path | IO[bytes]) -> Iterator[Pack]:
    """A folder, a ZIP's path, or a ZIP as a file that can be sought in.

    :raises InvalidRequest: ``chain_archive.broken``, ``chain_archive.too_large``, ``chain_archive.too_many``,
        ``chain_archive.bad_name``, ``chain_archive.no_document``; ``file.unreadable``.
    """
    if not isinstance(source, Path):
        with _zip(source) as pack:
            yield pack
    elif source.is_dir():
        yield _Folder(source)
    else:
        try:
            file = source.open("rb")
        except OSError as error:
            raise InvalidRequest("file.unreadable", file=str(source), detail=str(error.strerror)) from error
        with file, _zip(file) as pack:
            yield pack


@contextmanager
def _zip(file: IO[bytes]) -> Iterator[Pack]:
    _judge_directory(file)
    try:
        packed = zipfile.ZipFile(file)
    except BROKEN as error:
        raise InvalidRequest("chain_archive.broken", detail=str(error)[:200]) from error
    with packed:
        yield _Zip(packed)


def _judge_directory(file: IO[bytes]) -> None:
    """A directory of millions of names would fill the memory before anybody could count them."""
    weight = file.seek(0, io.SEEK_END)
    if weight > MOST_ARCHIVE:
        raise InvalidRequest("chain_archive.too_large", name="ZIP", most=MOST_ARCHIVE)
    file.seek(max(0, weight - (1 << 16) - _END_SIZE - 20))
    tail = file.read()
    plain = tail[-_END_SIZE:-18] == _END and tail[-2:] == b"\0\0"
    place = len(tail) - _END_SIZE if plain else tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_SIZE:
        raise InvalidRequest("chain_archive.broken", detail="ZIP?")
    if _END_64 in tail[max(0, place - 20) : place] or int.from_bytes(tail[place + 12 : place + 16], "little") > (
        _MOST_DIRECTORY
    ):
        raise InvalidRequest("chain_archive.too_large", name="ZIP", most=MOST_ARCHIVE)
    file.seek(0)


class _Zip:
    def __init__(self, packed: zipfile.ZipFile) -> None:
        members = [info for info in packed.infolist() if not info.is_dir() and not _noise(info.filename)]
        if len(members) > MOST_FILES:
            raise InvalidRequest("chain_archive.too_many", what="ZIP", count=len(members), most=MOST_FILES)
        for info in members:
            if not safe_name(info.filename):
                raise InvalidRequest("chain_archive.bad_name", name=info.filename[:200])
        root = _root([info.filename for info in members])
        self._packed = packed
        self._members = {info.filename.removeprefix(root): info for info in members if info.filename.startswith(root)}
        if len({info.filename for info in members}) != len(members):
            raise InvalidRequest("chain_archive.bad_name", name=NAME)
        self._left = MOST_TOTAL

    def has(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str, most: int) -> bytes:
        if name not in self._members:
            raise InvalidRequest("chain_archive.missing_file", name=name)
        try:
            with self._packed.open(self._members[name]) as source:
                data = _read(source, name, min(most, self._left))
        except BROKEN as error:
            if isinstance(error, InvalidRequest):
                raise
            raise InvalidRequest("chain_archive.broken", detail=f"{name}: {error}"[:200]) from error
        self._left -= len(data)
        return data


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = MOST_TOTAL

    def has(self, name: str) -> bool:
        return self._inside(name) is not None

    def read(self, name: str, most: int) -> bytes:
        path = self._inside(name)
        if path is None:
            code = "chain_archive.no_document" if name == NAME else "chain_archive.missing_file"
            raise InvalidRequest(code, name=name)
        try:
            with path.open("rb") as source:
                data = _read(source, name, min(most, self._left))
        except OSError as error:
            raise InvalidRequest("file.unreadable", file=str(path), detail=str(error.strerror)) from error
        self._left -= len(data)
        return data

    def _inside(self, name: str) -> Path | None:
        """The file of a name; a link that leads out of the folder is none."""
        if not safe_name(name):
            return None
        path = self._folder.joinpath(*name.split("/"))
        return path if path.is_file() and path.resolve().is_relative_to(self._folder.resolve()) else None


def _root(names: list[str]) -> str:
    """The folder that holds ``chain.json``: people zip the folder as often as its contents."""
    found = [name for name in names if name.rpartition("/")[2] == NAME]
    if not found:
        raise InvalidRequest("chain_archive.no_document", name=NAME)
    return min(found, key=len).removesuffix(NAME)


def _noise(name: str) -> bool:
    """What a Mac's Finder adds."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store"


def _read(source: IO[bytes], name: str, most: int) -> bytes:
    parts = []
    left = most
    while part := source.read(_CHUNK):
        left -= len(part)
        if left < 0:
            raise InvalidRequest("chain_archive.too_large", name=name[:200], most=most)
        parts.append(part)
    return b"".join(parts)


# Out ---------------------------------------------------------------------------------------------------------------


class ZipTarget:
    """A ZIP with the same bytes for the same files in the same order."""

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self._packed = packed

    def write(self, name: str, data: bytes) -> None:
        entry = zipfile.ZipInfo(name, date_time=_EPOCH)
        entry.external_attr = 0o644 << 16
        # The host system stands in it too, and would differ.
        entry.create_system = 3
        entry.compress_type = zipfile.ZIP_DEFLATED if name == NAME else zipfile.ZIP_STORED
        self._packed.writestr(entry, data)


class FolderTarget:
    """A folder, for git. What lies there under other names stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, data: bytes) -> None:
        """:raises StorageFailed: when the disk refuses."""
        path = self._folder.joinpath(*name.split("/"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise failed(error, name, "storage.write_failed") from error
