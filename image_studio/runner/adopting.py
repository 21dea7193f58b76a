"""Answers that lie whole on this host's disk although no manifest says so: their worker died in between.

Their provider reads them again from their folder; nothing is sent. What it cannot read whole stays an unknown outcome.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from image_studio import conf
from image_studio.exceptions import ImageRefused, StorageFailed
from image_studio.imaging.decode import decode
from image_studio.models import Attempt
from image_studio.providers.base import Answer, PictureRequest
from image_studio.runner import answers
from image_studio.runner.answers import Kept, StoredAnswer
from image_studio.runner.leases import is_uuid
from image_studio.runner.produce import gate
from image_studio.storage import Spool, failed

_log = logging.getLogger("image_studio.runner")


def answer_to(attempt: UUID, alias: str) -> StoredAnswer | None:
    """The complete answer to a call, its manifest written now where it was missing. None where there is none.

    :param alias: the provider that was called.
    :raises StorageFailed: for a manifest that cannot be read, or a disk that takes none.
    """
    return answers.find(attempt) or _read_again(str(attempt), alias, keep=True)


def salvage(call: Attempt) -> StoredAnswer | None:
    """What lies whole in the folder of a call whose answer was cut, as an answer, its manifest written. None where no
    picture does.

    For a person who asks for it: without the rest of the answer nobody knows whether it is all that was made. It is
    charged at what is held. The early versions of a stream look like pictures too.

    :raises StorageFailed: for a file that cannot be read, or a disk that takes no manifest.
    """
    found = answer_to(call.pk, call.provider)
    if found:
        return found
    folder = Spool().root / str(call.pk)
    told = answers.ordered(str(call.pk))
    wanted = int(told.get("request", {}).get("n", 1) or 1)
    kept: list[Kept] = []
    for name in files_in(folder):
        whole = _whole(folder / name)
        if whole is not None:
            sha256, weight = hashlib.sha256(whole).hexdigest(), len(whole)
            kept.append(Kept(index=len(kept), file=name, sha256=sha256, weight=weight, source_type=_made(told)))
    if not kept:
        return None
    kept += [Kept(index=index, fault="job.output_missing") for index in range(len(kept), wanted)]
    stored = StoredAnswer(
        attempt=call.pk,
        job=call.job_id,
        outputs=tuple(kept),
        effective={"usage_missing": True, "salvaged": True},
        micro_usd=call.hold_micro_usd,
    )
    return answers.write(stored)


def _whole(path: Path) -> bytes | None:
    """A file that the gate takes as a picture.

    :raises StorageFailed: for one that cannot be read now: it may be whole, and what is left out is dropped in the end.
    """
    try:
        data = path.read_bytes()
        decode(data, gate())
    except (FileNotFoundError, ImageRefused):
        return None
    except OSError as error:
        raise failed(error, f"{path.parent.name}/{path.name}", "storage.read_failed") from error
    return data


def _made(told: Mapping[str, Any]) -> str:
    """The source type of a picture that a paid model made, as its provider would have told it."""
    edits = any(row.get("role") in ("source", "reference") for row in told.get("request", {}).get("inputs", ()))
    return "compositeWithTrainedAlgorithmicMedia" if edits else "trainedAlgorithmicMedia"


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
    read = stored.pictures
    return read < sum(1 for output in answer.outputs if output.path)


def files_in(folder: Path) -> list[str]:
    """What lies in a folder of the spool, by name, besides the order."""
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.name != answers.ORDER)
    except OSError:
        return []
