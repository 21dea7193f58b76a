"""A provider's answer on this host's disk: what stands between a paid picture and a crash.

An answer is complete when its manifest stands beside its files, and both are flushed to the disk: the pictures first,
then what their provider keeps of its answer's text, the manifest last. Only then is the job ``spooled``. Whoever adopts
the folder needs nothing but the manifest; where a crash prevented it, ``adopting`` lets the provider read the rest.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from image_studio.brand.judged import Looked, looked_from
from image_studio.exceptions import StorageFailed
from image_studio.providers.base import Answer, Output
from image_studio.storage import Spool, failed

ANSWER, ORDER = "answer.json", "order.json"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One output in the spool.

    :param file: its name in the folder; empty for a fault.
    """

    index: int
    file: str = ""
    sha256: str = ""
    weight: int = 0
    source_type: str = ""
    fault: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StoredAnswer:
    """A complete answer, as its manifest tells it. ``micro_usd`` is what the call cost."""

    attempt: UUID
    job: UUID
    outputs: tuple[Kept, ...]
    request_id: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    effective: Mapping[str, Any] = field(default_factory=dict)
    micro_usd: int = 0

    @property
    def pictures(self) -> int:
        """How many of its outputs brought a file."""
        return sum(1 for kept in self.outputs if kept.file)

    def read(self, kept: Kept) -> bytes:
        """The bytes of an output.

        :raises StorageFailed: ``storage.missing``, ``storage.read_failed`` or ``storage.wrong_sum``.
        """
        name = f"{self.attempt}/{kept.file}"
        try:
            data = (Spool().root / str(self.attempt) / kept.file).read_bytes()
        except FileNotFoundError as error:
            raise StorageFailed("storage.missing", name=name) from error
        except OSError as error:
            raise failed(error, name, "storage.read_failed") from error
        if hashlib.sha256(data).hexdigest() != kept.sha256:
            raise StorageFailed("storage.wrong_sum", name=name)
        return data


def order(
    attempt: UUID,
    job: UUID,
    brand: UUID,
    request: Mapping[str, Any],
    looked: Mapping[str, Looked] | None = None,
    *,
    provider: str = "",
    user: str = "",
) -> Path:
    """Make the folder of a call and write into it what is asked for; returns the folder.

    What moderation said of the prompt goes with it: whoever adopts the answer needs not ask again.

    :param user: whose budget pays; a restored database may know neither the job nor that.

    Done before anything is spent, it also proves that the disk takes a file.

    :raises StorageFailed: when it does not.
    """
    told = {"attempt": str(attempt), "job": str(job), "brand": str(brand), "provider": provider, "request": request}
    if user:
        told["user"] = user
    if looked:
        told["looked"] = {what: said.to_dict() for what, said in looked.items()}
    return Spool().put(str(attempt), ORDER, _json(told)).parent


def keep(attempt: UUID, job: UUID, n: int, answer: Answer) -> StoredAnswer:
    """Flush an answer's files and write its manifest.

    :raises StorageFailed: when the disk refuses.
    """
    return write(read(attempt, job, n, answer))


def read(attempt: UUID, job: UUID, n: int, answer: Answer) -> StoredAnswer:
    """An answer as its manifest will tell it, with its files flushed.

    Pictures that were asked for and are not there get a fault in their place.

    :raises StorageFailed: when the disk refuses.
    """
    folder = Spool().folder(str(attempt))
    outputs = [_kept(folder, output) for output in _numbered(answer.outputs)]
    there = {output.index for output in outputs}
    outputs += [Kept(index=i, fault="job.output_missing") for i in range(n) if i not in there]
    return StoredAnswer(
        attempt=attempt,
        job=job,
        outputs=tuple(sorted(outputs, key=lambda output: output.index)),
        request_id=answer.request_id[:120],
        usage=plain(answer.usage),
        effective=plain(answer.effective),
        micro_usd=answer.micro_usd,
    )


def write(stored: StoredAnswer) -> StoredAnswer:
    """Write the manifest, last of all: what it names must be on the disk before it is.

    :raises StorageFailed: when the disk refuses.
    """
    Spool().put(str(stored.attempt), ANSWER, _json(asdict(stored)))
    return stored


def find(attempt: UUID | str) -> StoredAnswer | None:
    """The complete answer to a call, or None where there is none on this host.

    :raises StorageFailed: ``job.answer_damaged`` for a manifest that cannot be read.
    """
    path = Spool().root / str(attempt) / ANSWER
    try:
        told = json.loads(path.read_bytes())
        outputs = tuple(Kept(**row) for row in told.pop("outputs"))
        call, job = UUID(told.pop("attempt")), UUID(told.pop("job"))
        return StoredAnswer(attempt=call, job=job, outputs=outputs, **told)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageFailed("job.answer_damaged", name=f"{attempt}/{ANSWER}") from error


def ordered(attempt: str) -> dict[str, Any]:
    """What a call asked for, as its folder tells it; empty where that cannot be read."""
    try:
        told = json.loads((Spool().root / attempt / ORDER).read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def looked_at(attempt: UUID) -> dict[str, Looked]:
    """What moderation said before a call, by what it looked at; empty where nobody asked."""
    try:
        return {what: looked_from(said) for what, said in ordered(str(attempt)).get("looked", {}).items()}
    except (AttributeError, TypeError, KeyError):
        return {}


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON keeps them, and every database; what JSON does not know becomes text."""
    made: dict[str, Any] = _storable(json.loads(json.dumps(dict(values), default=str)))
    return made


def _storable(value: Any) -> Any:
    """Without NUL and without halves of characters: PostgreSQL takes neither, and a paid answer must be kept."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(one) for one in value]
    return {_storable(key): _storable(one) for key, one in value.items()} if isinstance(value, dict) else value


def _json(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, default=str, indent=1).encode()


def _numbered(outputs: tuple[Output, ...]) -> list[Output]:
    """Outputs with an index each: a number given twice must not lose a paid picture."""
    taken: set[int] = set()
    numbered = []
    for output in outputs:
        index = output.index if output.index not in taken and output.index >= 0 else max(taken) + 1
        taken.add(index)
        numbered.append(replace(output, index=index))
    return numbered


def _kept(folder: Path, output: Output) -> Kept:
    said: dict[str, Any] = {"index": output.index, "source_type": output.source_type}
    if output.path is None:
        return Kept(**said, fault=output.fault or "job.output_missing", params=plain(output.params))
    if output.path.parent != folder or not output.path.is_file():
        return Kept(**said, fault="job.output_missing")
    try:
        with output.path.open("rb") as file:
            os.fsync(file.fileno())
            data = file.read()
    except OSError as error:
        raise failed(error, f"{folder.name}/{output.path.name}", "storage.read_failed") from error
    return Kept(**said, file=output.path.name, sha256=hashlib.sha256(data).hexdigest(), weight=len(data))
