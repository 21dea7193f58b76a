"""Folders of this host's spool that no worker will come back to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max

from image_studio import ledger
from image_studio.exceptions import StorageFailed
from image_studio.ledger import Bill
from image_studio.models import Actor, Attempt, Brand, Job, database_now
from image_studio.runner import adopting, answers, holds, sweep, unsaved
from image_studio.runner.answers import StoredAnswer
from image_studio.runner.beats import this_host
from image_studio.runner.doctor_library import adopt
from image_studio.runner.findings import Trouble
from image_studio.runner.leases import is_uuid
from image_studio.runner.work import repeatable
from image_studio.states import JOB_ENDED
from image_studio.storage import Spool

#: States in which a job that the database remembers may go on from an answer that it does not know of.
RESTING = ("queued", "leased", "failed", "blocked", "cancelled", "unknown")
#: State of a job that goes on from an answer that was never stored -> what the doctor calls it.
_UNSTORED = {"unknown": "doctor.answer_found", "failed": "doctor.answer_unsaved"}


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
    job = Job.objects.select_related("brand").filter(pk=answer.job).first()
    told = answers.ordered(name)
    resting = job if job and job.state in RESTING else None
    fixed = fix and (_going_on(actor, resting, answer, told) if resting else _loose(actor, job, answer, told))
    params = {"pictures": len(answer.outputs), "micro_usd": answer.micro_usd}
    return Trouble(kind="spool", object=name, code="doctor.answer_without_row", params=params, fixed=fixed)


def _going_on(actor: Actor, job: Job, answer: StoredAnswer, told: dict[str, Any]) -> bool:
    """The job of this answer is here, and its call is not: with the call it goes on like any other, and nobody sends it
    again. False where a worker has it just now."""
    if job.state == "leased" and job.lease_until and job.lease_until >= database_now():
        return False
    with transaction.atomic():
        # Held by a write that changes nothing: no worker claims it in between.
        Job.objects.filter(pk=job.pk).update(lease_token=F("lease_token"))
        last = Attempt.objects.filter(job=job).aggregate(n=Max("number"))["n"] or 0
        Attempt.objects.create(
            id=answer.attempt,
            job=job,
            number=last + 1,
            provider=str(told.get("provider", "") or job.provider)[:40],
            model=job.model,
            worker=UUID(int=0),
            host=this_host(),
            started_at=database_now(),
        )
        taken = bool(sweep.take_in(job, answer, actor=actor))
        if not taken:
            transaction.set_rollback(True)
    return taken


def _loose(actor: Actor, job: Job | None, answer: StoredAnswer, told: dict[str, Any]) -> bool:
    """The job is not here, or has its pictures from another call: these come into its brand's library."""
    named = job.brand_id if job else told.get("brand", "")
    brand = Brand.objects.filter(pk=named).first() if is_uuid(str(named)) else None
    return bool(brand and adopt(actor, brand, answer, told, partial(_restored, actor, brand, job, answer, told)))


def _after_the_end(actor: Actor, call: Attempt, answer: StoredAnswer | None, *, fix: bool) -> Trouble:
    job, name = call.job, str(call.pk)
    params = {"job": str(job.pk)}
    if answer is None and (call.state == "unknown" or (call.state == "answered" and call.error_code)):
        params["files"] = ", ".join(adopting.files_in(Spool().root / name)) or "-"
        return Trouble(kind="spool", object=name, code="doctor.answer_incomplete", params=params)
    if answer and not unsaved.stored(call, answer):
        code = _UNSTORED.get(job.state, "doctor.second_answer")
        if job.state in _UNSTORED:
            # Not queued: another host has no answer to it, and would buy it again.
            fixed = bool(fix and sweep.take_in(job, answer, actor=actor))
            return Trouble(kind="spool", object=name, code=code, params=params, fixed=fixed)
        if not repeatable(call.provider):
            fixed = bool(fix and adopt(actor, job.brand, answer, answers.ordered(name), partial(_second, job, answer)))
            return Trouble(kind="spool", object=name, code=code, params=params, fixed=fixed)
    if fix:
        Spool().drop(name)
    return Trouble(kind="spool", object=name, code="doctor.leftover", params=params, fixed=fix)


def _restored(actor: Actor, brand: Brand, job: Job | None, answer: StoredAnswer, told: dict[str, Any]) -> None:
    """The call was charged, and the restored ledger does not know of it."""
    if job:
        Job.objects.filter(pk=job.pk).update(cost_micro_usd=F("cost_micro_usd") + answer.micro_usd)
        bill = Bill.of(job, attempt=answer.attempt)
    else:
        bill = Bill(
            brand_id=brand.pk,
            job=answer.job,
            attempt=answer.attempt,
            user_id=str(told.get("user", ""))[:64],
            provider=str(told.get("provider", ""))[:40],
            model=str(told.get("request", {}).get("model", ""))[:80],
        )
    ledger.adjust(bill, answer.micro_usd, actor=actor, reason="restored", pictures=answer.pictures)


def _second(job: Job, answer: StoredAnswer) -> None:
    """Settle a call that was in doubt, or given up, while its job went on. One that is booked costs nothing more."""
    charge = holds.charge_of(job, answer)
    if not charge.booked:
        Job.objects.filter(pk=job.pk).update(cost_micro_usd=F("cost_micro_usd") + charge.cost)
        holds.enter([charge])
    unsaved.taken_in(answer.attempt)
