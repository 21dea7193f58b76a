"""Files and rows held against each other: missing, altered, orphaned."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.files.storage import Storage
from django.utils import timezone

from image_studio import storage
from image_studio.exceptions import StorageFailed
from image_studio.models import Asset, BrandRevision, EditFile, Job, JobOutput, Rendition
from image_studio.runner.early import names_in
from image_studio.runner.findings import Trouble
from image_studio.states import JOB_HELD

#: Files younger than this may belong to a transaction that is still open.
YOUNG = timedelta(hours=1)
FOLDER = "image_studio"
#: Kinds of files that are made from others and can be made again.
DERIVED = frozenset({"preview", "composed", "public", "partials"})


def files(*, fix: bool) -> Iterator[Trouble]:
    """Every stored file against its row, and every row against its file. Reads every byte.

    :param fix: delete orphans that can be made again, or whose bytes a row has elsewhere.
    """
    yield from _of_rows()
    yield from _orphans(fix=fix)


def _of_rows() -> Iterator[Trouble]:
    private, public = storage.private(), storage.public()
    for pk, name, sha256 in Asset.objects.values_list("pk", "file", "sha256").iterator():
        yield from _verified(private, f"asset {pk}", name, sha256)
    for pk, spec, name, sha256, shown in Rendition.objects.values_list(
        "asset", "spec", "file", "sha256", "public"
    ).iterator():
        yield from _verified(public if shown else private, f"asset {pk} {spec}", name, sha256)
    for chain, role, name, sha256 in EditFile.objects.values_list("chain", "role", "file", "sha256").iterator():
        yield from _verified(private, f"editchain {chain} {role}", name, sha256)
    for pk, kept in BrandRevision.objects.values_list("pk", "files").iterator():
        for sha256, name in kept.items():
            yield from _verified(private, f"revision {pk}", name, sha256)
    for job, params in _refused():
        yield from _verified(private, f"job {job} refused", params["kept"], params.get("kept_sha256", ""))


def _refused() -> Iterator[tuple[UUID, Mapping[str, Any]]]:
    """Job and parameters of what was paid for, refused here, and kept for whoever settles with the provider."""
    rows = JobOutput.objects.filter(asset=None).exclude(fault_code="").values_list("job", "fault_params")
    yield from ((job, params) for job, params in rows.iterator() if "kept" in params)


def _verified(store: Storage, what: str, name: str, sha256: str) -> Iterator[Trouble]:
    try:
        storage.read(store, name, sha256)
    except StorageFailed as error:
        kind = "altered" if error.code == "storage.wrong_sum" else "missing"
        yield Trouble(kind=kind, object=what, code=error.code, params=error.params)


def _orphans(*, fix: bool) -> Iterator[Trouble]:
    known = _known()
    sums = frozenset(Asset.objects.values_list("sha256", flat=True))
    for label, store in (("private", storage.private()), ("public", storage.public())):
        try:
            names = list(_walk(store, FOLDER))
        except NotImplementedError:
            yield Trouble(kind="storage", object=label, code="doctor.cannot_list", params={"storage": label})
            continue
        except Exception as error:  # noqa: BLE001 - each backend has errors of its own, and the rest is still to be told
            failure = storage.failed(error, FOLDER, "storage.list_failed")
            yield Trouble(kind="storage", object=label, code=failure.code, params=failure.params)
            continue
        for name in names:
            if name not in known and not _young(store, name):
                fixed = fix and _spare(store, name, sums) and storage.remove(store, name)
                yield Trouble(kind="orphan", object=name, code="doctor.orphan", params={"name": name}, fixed=fixed)


def _known() -> frozenset[str]:
    """The name of every file that a row speaks of."""
    names = set(Asset.objects.values_list("file", flat=True)) | set(Rendition.objects.values_list("file", flat=True))
    names |= set(EditFile.objects.values_list("file", flat=True))
    for kept in BrandRevision.objects.values_list("files", flat=True):
        names |= set(kept.values())
    # Early versions belong to calls that are under way; whatever is left of an older one is a leftover.
    for partials in Job.objects.filter(state__in=JOB_HELD).values_list("partials", flat=True):
        names |= names_in(partials)
    return frozenset(names | {params["kept"] for _job, params in _refused()})


def _walk(store: Storage, folder: str) -> Iterator[str]:
    try:
        folders, names = store.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" for name in sorted(names))
    for inner in sorted(folders):
        yield from _walk(store, f"{folder}/{inner}")


def _young(store: Storage, name: str) -> bool:
    try:
        written = store.get_modified_time(name)
    except NotImplementedError:
        return False
    except Exception:  # noqa: BLE001 - gone meanwhile, or the storage fails: whose age nobody knows is left alone
        return True
    aware = written if timezone.is_aware(written) else timezone.make_aware(written)
    return timezone.now() - aware < YOUNG


def _spare(store: Storage, name: str, sums: frozenset[str]) -> bool:
    """Whether nothing is lost with a file: it can be made again, or a row has the same bytes."""
    if name.split("/")[1] in DERIVED:
        return True
    try:
        return hashlib.sha256(storage.read(store, name)).hexdigest() in sums
    except StorageFailed:
        return False
