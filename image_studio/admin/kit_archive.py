"""A brand kit as one file: ``brand.zip`` out, ``brand.zip`` or ``brand.toml`` in.

An archive from outside is unpacked by names that are judged first, within caps that are counted while bytes come
out, never by what its directory claims.
"""

from __future__ import annotations

import io
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image_studio.brand.rules import safe_name
from image_studio.brand.toml import MAX_FILE, NAME
from image_studio.exceptions import InvalidKit
from image_studio.models import Brand, BrandRevision
from image_studio.policy import Policy
from image_studio.workflow import kits

MAX_ARCHIVE = 100_000_000
MAX_TOTAL = 200_000_000
MAX_FILES = 200
_CHUNK = 1 << 16
#: What zipfile says of a file that is none: RuntimeError for a password, NotImplementedError for a method that it does
#: not have, an OSError where a name is a file once and a folder the next time.
_BROKEN = (
    zipfile.BadZipFile,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
    zlib.error,
    lzma.LZMAError,
    FileExistsError,
    NotADirectoryError,
    IsADirectoryError,
)


def export_archive(policy: Policy, brand: Brand) -> bytes:
    """A zip of ``brand.toml`` with its logos and fonts.

    :raises InvalidKit: ``brand.no_kit``.
    """
    with tempfile.TemporaryDirectory(prefix="image-studio-") as name:
        folder = Path(name)
        kits.export_kit(policy, brand, folder)
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                archive.write(file, file.relative_to(folder).as_posix())
    return target.getvalue()


def import_archive(policy: Policy, data: bytes) -> BrandRevision:
    """A revision from an uploaded ``brand.zip``, or from a bare ``brand.toml`` without files.

    :raises InvalidKit: ``archive.broken``, ``archive.too_large``, ``archive.bad_name``, ``archive.no_kit``, or what
        is wrong inside the kit, with file and line.
    """
    with unpacked(data) as folder:
        return kits.import_kit(policy, folder)


@contextmanager
def unpacked(data: bytes) -> Iterator[Path]:
    """A folder for the time of an import."""
    with tempfile.TemporaryDirectory(prefix="image-studio-") as name:
        folder = Path(name)
        if data.startswith(b"PK"):
            _unpack(data, folder)
        else:
            (folder / NAME).write_bytes(data)
        yield folder


def _unpack(data: bytes, folder: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _write_all(archive, folder)
    except InvalidKit:
        raise
    except _BROKEN as error:
        raise InvalidKit("archive.broken", detail=str(error)[:200]) from error


def _write_all(archive: zipfile.ZipFile, folder: Path) -> None:
    members = [info for info in archive.infolist() if not info.is_dir()]
    if len(members) > MAX_FILES:
        raise InvalidKit("archive.too_many", count=len(members), most=MAX_FILES)
    root = _root(members)
    left = MAX_TOTAL
    for info in members:
        name = info.filename.removeprefix(root)
        if not info.filename.startswith(root) or _noise(name):
            continue
        if not safe_name(name):
            raise InvalidKit("archive.bad_name", name=info.filename[:200])
        left -= _write_one(archive, info, folder.joinpath(*name.split("/")), min(left, MAX_FILE))


def _root(members: list[zipfile.ZipInfo]) -> str:
    """The folder that holds ``brand.toml``: people zip the folder as often as its contents."""
    found = [
        info.filename for info in members if info.filename.rpartition("/")[2] == NAME and not _noise(info.filename)
    ]
    if not found:
        raise InvalidKit("archive.no_kit", name=NAME)
    return min(found, key=len).removesuffix(NAME)


def _noise(name: str) -> bool:
    """What a Mac's Finder adds."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store"


def _write_one(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, most: int) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(info) as source, target.open("wb") as file:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > most:
                raise InvalidKit("archive.too_large", name=info.filename[:200], most=most)
            file.write(chunk)
    return written
