"""Where files live: private and public storage by alias, and the local spool.

Only ``open``, ``save``, ``url`` and ``delete`` are used: ``.path`` raises on every remote backend. A remote backend's
errors are its client's own, and no OSError: whatever it raises is a storage that failed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.core.files.storage.handler import InvalidStorageError

from image_studio.conf import ConfigurationError, conf
from image_studio.exceptions import StorageFailed

_log = logging.getLogger("image_studio")


def base_folder() -> Path:
    """The folder beside MEDIA_ROOT (never under it), else the project's, else the working directory."""
    if settings.MEDIA_ROOT:
        return _resolved(str(settings.MEDIA_ROOT), os.getcwd()).parent
    return _resolved(str(getattr(settings, "BASE_DIR", None) or ""), os.getcwd())


@lru_cache
def _resolved(path: str, _here: str) -> Path:
    """A worker asks for it some ten times a picture, and each step of a path is a question to the system."""
    return Path(path).resolve()


def private_root() -> Path:
    """The folder of private files where no storage alias is set."""
    return Path(conf().private_root) if conf().private_root else base_folder() / "image_studio_private"


def private() -> Storage:
    """Originals, candidates, previews, kit files: reached only through checked views."""
    alias = conf().private_storage
    if alias:
        return _alias(alias, "PRIVATE_STORAGE")
    return FileSystemStorage(location=str(private_root()), base_url=None)


def public() -> Storage:
    """Renditions of published assets."""
    return _alias(conf().public_storage, "PUBLIC_STORAGE")


def _alias(alias: str, setting: str) -> Storage:
    try:
        return storages[alias]
    except InvalidStorageError as error:
        raise ConfigurationError(f"IMAGE_STUDIO[{setting!r}]: {error}") from error


def write(storage: Storage, name: str, data: bytes) -> str:
    """Store bytes under a name that nothing has yet and return the name taken.

    :raises StorageFailed: ``storage.full`` or ``storage.write_failed``, with the system's words.
    """
    try:
        return storage.save(name, ContentFile(data))
    except SuspiciousOperation:
        raise
    except Exception as error:
        raise failed(error, name, "storage.write_failed") from error


def read(storage: Storage, name: str, sha256: str = "") -> bytes:
    """The bytes of a stored file.

    :param sha256: when given, the bytes must have this sum.
    :raises StorageFailed: ``storage.missing``, ``storage.read_failed`` or ``storage.wrong_sum``.
    """
    try:
        with storage.open(name, "rb") as file:
            data: bytes = file.read()
    except FileNotFoundError as error:
        raise StorageFailed("storage.missing", name=name) from error
    except SuspiciousOperation:
        raise
    except Exception as error:
        raise failed(error, name, "storage.read_failed") from error
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise StorageFailed("storage.wrong_sum", name=name)
    return data


def remove(storage: Storage, name: str) -> bool:
    """Delete a file; False where that failed, which is logged (the doctor lists what is left)."""
    try:
        storage.delete(name)
    except Exception as error:  # noqa: BLE001 - whatever a foreign backend raises: what is left is found again
        told = {"action": "storage.not_removed", "file": name, "error": type(error).__name__}
        _log.warning("not removed: %s", type(error).__name__, extra=told)
        return False
    return True


def failed(error: Exception, name: str, code: str) -> StorageFailed:
    """An operating system's or a backend's error as ours: a full disk is named as one.

    Of a backend's only the class is told: its message may hold secrets.
    """
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return StorageFailed("storage.full" if full else code, name=name, detail=cause_of(error))


def cause_of(error: Exception) -> str:
    """What may be told of an error over a file: an operating system's own words, of all others the class."""
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__


def fresh_name(kind: str, extension: str) -> str:
    """A new, unguessable name: ``image_studio/<kind>/<2 hex>/<uuid>.<extension>``."""
    unique = uuid.uuid4().hex
    return f"image_studio/{kind}/{unique[:2]}/{unique}.{extension}"


class Spool:
    """A folder on this host where raw answers wait until their rows are committed.

    One folder an attempt. What a crash leaves behind is adopted by the next worker of this host.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or (Path(conf().spool_dir) if conf().spool_dir else private_root() / "spool")

    def folder(self, attempt_id: str) -> Path:
        """The folder of an attempt, made when missing.

        :raises StorageFailed: when the disk refuses.
        """
        path = self.root / attempt_id
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise failed(error, str(attempt_id), "storage.write_failed") from error
        return path

    def put(self, attempt_id: str, name: str, data: bytes) -> Path:
        """Write a file whole or not at all, and flush it to the disk."""
        folder = self.folder(attempt_id)
        try:
            return put(folder / name, data)
        except OSError as error:
            raise failed(error, f"{attempt_id}/{name}", "storage.write_failed") from error

    def drop(self, attempt_id: str) -> None:
        """Forget an attempt's folder; what cannot be deleted is found by the doctor."""
        shutil.rmtree(self.root / attempt_id, ignore_errors=True)

    def waiting(self) -> Iterator[str]:
        """The attempts that have a folder here."""
        with contextlib.suppress(OSError):
            yield from (entry.name for entry in self.root.iterdir() if entry.is_dir())


def put(path: Path, data: bytes) -> Path:
    """Write bytes beside ``path``, flush, and move them into place."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
