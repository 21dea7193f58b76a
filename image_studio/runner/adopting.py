"""Answers that lie whole on this host's disk although no manifest says so: their worker died in between.

Their provider reads them again from their folder; nothing is sent. What it cannot read whole stays an unknown outcome.
"""

from __future__ import annotations

import logging
from pathlib import Path
from uuid import UUID

from image_studio import conf
from image_studio.exceptions import StorageFailed
from image_studio.providers.base import Answer, PictureRequest
from image_studio.runner import answers
from image_studio.runner.answers import StoredAnswer
from image_studio.runner.leases import is_uuid
from image_studio.storage import Spool

_log = logging.getLogger("image_studio.runner")


def answer_to(attempt: UUID, alias: str) -> StoredAnswer | None:
    """The complete answer to a call, its manifest written now where it was missing. None where there is none.

    :param alias: the provider that was called.
    :raises StorageFailed: for a manifest that cannot be read, or a disk that takes none.
    """
    return answers.find(attempt) or _read_again(str(attempt), alias, keep=True)


def look(name: str, alias: str) -> StoredAnswer | None:
    """The same for a folder of the spool, without writing anything.

    :param alias: empty for the one that the folder itself names.
    :raises StorageFailed: for a manifest that cannot be read.
    """
    return answers.find(name) or _read_again(name, alias, keep=False)


def _read_again(name: str, alias: str, *, keep: bool) -> StoredAnswer | None:
    told = answers.ordered(name)
    alias = alias or str(told.get("provider", ""))
    if not alias or not is_uuid(name) or not is_uuid(str(told.get("job", ""))):
        return None
    try:
        request = PictureRequest.from_dict(told["request"])
        answer = conf.provider(alias).recover(request, Spool().root / name)
        stored = answer and answers.read(UUID(name), UUID(told["job"]), request.n, answer)
    except StorageFailed:
        return None
    except Exception as error:  # noqa: BLE001 - a provider's defect, or its settings: the doubt must not stop a sweep
        _log.warning("answer not read again: %s", type(error).__name__, extra={"action": "job.unread", "attempt": name})
        return None
    if not stored or not answer or _moved(answer, stored):
        return None
    if keep:
        answers.write(stored)
        _log.warning("answer adopted", extra={"action": "job.adopted", "attempt": name, "job": told["job"]})
    return stored


def _moved(answer: Answer, stored: StoredAnswer) -> bool:
    """Whether a picture went away while it was read: its worker lives after all, and will bring it itself."""
    read = sum(1 for kept in stored.outputs if kept.file)
    return read < sum(1 for output in answer.outputs if output.path)


def files_in(folder: Path) -> list[str]:
    """What lies in a folder of the spool, by name, besides the order."""
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.name != answers.ORDER)
    except OSError:
        return []
