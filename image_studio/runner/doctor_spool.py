"""Folders of this host's spool that no worker will come back to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F

from image_studio import ledger
from image_studio.exceptions import ImageRefused, StorageFailed
from image_studio.imaging.renditions import preview
from image_studio.ledger import Bill
from image_studio.models import Actor, Asset, Attempt, Brand, Event, Job, Rendition, database_now, uuid7
from image_studio.runner import adopting, answers, holds, sweep
from image_studio.runner.answers import Kept, StoredAnswer, plain
from image_studio.runner.filing import Filing
from image_studio.runner.findings import Trouble
from image_studio.runner.leases import Fenced, is_uuid
from image_studio.runner.produce import Raw, Told, open_raw
from image_studio.runner.rows import sizes
from image_studio.runner.work import repeatable
from image_studio.states import JOB, JOB_ENDED
from image_studio.storage import Spool


def spool(actor: Actor, *, fix: bool) -> Iterator[Trouble]:
    """Answers without a row, answers that were never stored, and leftovers.

    :param fix: adopt answers, drop leftovers. An answer that may have been paid for is never dropped.
    """
    for name in sorted(Spool().waiting()):
        call = Attempt.objects.select_related("job").filter(pk=name).first() if is_uuid(name) else None
        try:
            answer = adopting.look(name, call.provider if call else "")
        except StorageFailed as error:
            yield Trouble(kind="spool", object=name, code=error.code, params=error.params)
            continue
        if call is None:
            yield _without_row(actor, name, answer, fix=fix)
        elif call.job.state in JOB_ENDED:
            yield _after_the_end(actor, call, answer, fix=fix)


def _without_row(actor: Actor, name: str, answer: StoredAnswer | None, *, fix: bool) -> Trouble:
    """The database is older than the spool: it was restored from a backup."""
    if answer is None:
        return Trouble(kind="spool", object=name, code="doctor.folder_without_row")
    told = answers.ordered(name)
    brand = Brand.objects.filter(pk=told["brand"]).first() if is_uuid(str(told.get("brand", ""))) else None
    fixed = bool(fix and brand and _adopt(actor, brand, answer, told, partial(_restored, actor, brand, answer, told)))
    params = {"pictures": len(answer.outputs), "micro_usd": answer.micro_usd}
    return Trouble(kind="spool", object=name, code="doctor.answer_without_row", params=params, fixed=fixed)


def _after_the_end(actor: Actor, call: Attempt, answer: StoredAnswer | None, *, fix: bool) -> Trouble:
    job, name = call.job, str(call.pk)
    params = {"job": str(job.pk)}
    if answer is None and call.state == "unknown":
        params["files"] = ", ".join(adopting.files_in(Spool().root / name)) or "-"
        return Trouble(kind="spool", object=name, code="doctor.answer_incomplete", params=params)
    if answer and job.state == "unknown":
        fixed = bool(fix and sweep.sweep().rescued)
        return Trouble(kind="spool", object=name, code="doctor.answer_found", params=params, fixed=fixed)
    if answer and job.state == "failed":
        fixed = fix and requeue(actor, job)
        return Trouble(kind="spool", object=name, code="doctor.answer_unsaved", params=params, fixed=fixed)
    if answer and call.state != "answered" and not repeatable(call.provider):
        charge = partial(_second, job, answer)
        fixed = bool(fix and _adopt(actor, job.brand, answer, answers.ordered(name), charge))
        return Trouble(kind="spool", object=name, code="doctor.second_answer", params=params, fixed=fixed)
    if fix:
        Spool().drop(name)
    return Trouble(kind="spool", object=name, code="doctor.leftover", params=params, fixed=fix)


def requeue(actor: Actor, job: Job) -> bool:
    """Queue a failed job whose answer lies in the spool: it will be taken in, not sent."""
    with transaction.atomic():
        rows = Job.objects.filter(pk=job.pk)
        now = database_now()
        if not JOB.move(rows, "queued", only_from=["failed"], available_at=now, saves_made=0, ended_at=None):
            return False
        Event.objects.record(actor, "job.requeued", job, code="doctor.answer_unsaved")
    return True


def _restored(actor: Actor, brand: Brand, answer: StoredAnswer, told: dict[str, Any]) -> None:
    """The call was charged, and the restored ledger does not know of it."""
    request = told.get("request", {})
    bill = Bill(
        brand_id=brand.pk,
        job=answer.job,
        attempt=answer.attempt,
        provider=str(told.get("provider", ""))[:40],
        model=str(request.get("model", ""))[:80],
    )
    ledger.adjust(bill, answer.micro_usd, actor=actor, reason="restored")


def _second(job: Job, answer: StoredAnswer) -> None:
    """Settle a call that was in doubt, or given up, while its job went on."""
    charge = holds.charge_of(job, answer)
    Job.objects.filter(pk=job.pk).update(cost_micro_usd=F("cost_micro_usd") + charge.cost)
    holds.enter([charge])


def _adopt(actor: Actor, brand: Brand, answer: StoredAnswer, told: dict[str, Any], charge: Callable[[], None]) -> bool:
    """Take the pictures of an answer into the library and its bill into the ledger. All or none; the folder goes
    after the commit.

    :param charge: enters the bill, within the transaction.
    """
    filing = Filing()
    try:
        rows = [_rows(brand, answer, kept, told, filing) for kept in answer.outputs if kept.file]
        with transaction.atomic():
            Asset.objects.bulk_create([asset for asset, _small in rows])
            Rendition.objects.bulk_create([small for _asset, small in rows])
            adopted = [asset for asset, _small in rows]
            Event.objects.record_all(actor, "asset.adopted", adopted, attempt=str(answer.attempt))
            charge()
    except (ImageRefused, StorageFailed, Fenced):
        filing.undo()
        return False
    except BaseException:
        filing.undo()
        raise
    Spool().drop(str(answer.attempt))
    return True


def _rows(
    brand: Brand, answer: StoredAnswer, kept: Kept, told: dict[str, Any], filing: Filing
) -> tuple[Asset, Rendition]:
    data = answer.read(kept)
    raw = open_raw(data, Told(source_type=kept.source_type))
    asset = _asset(brand, raw, filing.write("raw", raw.picture.extension, data), len(data))
    asset.sha256 = hashlib.sha256(data).hexdigest()
    asset.recipe = plain({"adopted": str(answer.attempt), "index": kept.index, **told})
    small = preview(raw.image)
    name = filing.write("preview", small.extension, small.data)
    return asset, Rendition(asset=asset, spec="preview", file=name, **sizes(small))


def _asset(brand: Brand, raw: Raw, name: str, weight: int) -> Asset:
    picture = raw.picture
    return Asset(
        id=uuid7(),
        brand=brand,
        kind="raw",
        origin="provider",
        file=name,
        weight=weight,
        format=picture.format,
        width=picture.size[0],
        height=picture.size[1],
        has_alpha=picture.has_alpha,
        fingerprint=raw.fingerprint,
        colours=raw.colours,
        source_type=raw.source_type,
    )
