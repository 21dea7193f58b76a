"""What is wrong with jobs and sets, and what can be mended without asking anybody. Files: see ``doctor_files``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Q

from image_studio import ledger
from image_studio.conf import conf
from image_studio.models import Actor, Attempt, Job, VariantSet, database_now
from image_studio.runner import beats, leases, limits, sets, unsaved
from image_studio.runner.doctor_files import files
from image_studio.runner.doctor_money import money
from image_studio.runner.doctor_spool import spool
from image_studio.runner.findings import Trouble
from image_studio.runner.sweep import expired, sweep
from image_studio.wording.money import dollars


def examine(actor: Actor, *, fix: bool = False) -> Iterator[Trouble]:
    """Everything that is wrong, one by one.

    :param fix: mend what can be mended: leases, sets, spooled answers, holds, counters, triggers, leftover files.
        Nothing is sent again, no paid picture is deleted, no entry of the ledger is changed.
    """
    yield from _stuck(fix=fix)
    yield from _sets(fix=fix)
    yield from _nobody_works()
    yield from _queue_stands()
    yield from spool(actor, fix=fix)
    yield from _unknown()
    yield from money(actor, fix=fix)
    yield from files(fix=fix)


def _stuck(*, fix: bool) -> Iterator[Trouble]:
    lost = expired(Job.objects.all())
    if lost and fix:
        sweep()
    left = {job.pk for job in expired(Job.objects.all())} if lost and fix else set()
    for job in lost:
        state = str(job.get_state_display())
        fixed = fix and job.pk not in left
        yield Trouble(kind="stuck", object=f"job {job.pk}", code="doctor.stuck", params={"state": state}, fixed=fixed)
    for job in Job.objects.filter(_unheld(), state="spooled"):
        if not leases.adoptable(job):
            yield _elsewhere("stuck", job)


def _unheld() -> Q:
    """Whose holder is gone; or nobody took them, though sweeps have been by."""
    now = database_now()
    passed = now - timedelta(seconds=3 * conf().sweep_seconds)
    return Q(lease_until__lt=now) | Q(lease_owner=None, available_at__lt=passed)


def _elsewhere(kind: str, job: Job) -> Trouble:
    calls = Attempt.objects.filter(job=job, state="answered").order_by("-number")
    host = calls.values_list("host", flat=True).first()
    return Trouble(kind=kind, object=f"job {job.pk}", code="doctor.answer_elsewhere", params={"host": host or "?"})


def _sets(*, fix: bool) -> Iterator[Trouble]:
    for pk in sets.open_sets():
        fixed = bool(fix and sets.finish_sets([pk]))
        title = VariantSet.objects.values_list("title", flat=True).get(pk=pk)
        yield Trouble(kind="set", object=f"set {pk}", code="doctor.set_open", params={"title": title}, fixed=fixed)


def _nobody_works() -> Iterator[Trouble]:
    waiting = Job.objects.filter(state="queued", available_at__lte=database_now()).count()
    if waiting and not beats.alive():
        yield Trouble(kind="worker", object="queue", code="doctor.no_worker", params={"waiting": waiting})


def _queue_stands() -> Iterator[Trouble]:
    """What waits longer than it may, by what it waits for; that nobody works is said already."""
    now, most = database_now(), int(conf().queue_age_seconds)
    age = timedelta(seconds=most)
    late = Job.objects.filter(state="queued", available_at__lt=now - age)
    stopped = late.filter(ledger.halted()).count()
    if stopped:
        params: dict[str, Any] = {"waiting": stopped, "most": most}
        yield Trouble(kind="queue", object="switch", code="doctor.spending_stopped", params=params)
    running = late.filter(~ledger.halted())
    # A window that RATE_LIMITS shut opens within a minute or so: with a long queue that is how it should be.
    for provider, model, opens in limits.shut_lanes(now + age):
        if waiting := running.filter(provider=provider, model=model).count():
            params = {"waiting": waiting, "provider": provider, "until": opens.isoformat(timespec="minutes")}
            yield Trouble(kind="queue", object=f"{provider} {model}", code="doctor.window_shut", params=params)
    waiting, workers = running.filter(~limits.shut(now)).count(), beats.alive()
    if waiting and workers:
        params = {"waiting": waiting, "most": most, "workers": workers}
        yield Trouble(kind="queue", object="queue", code="doctor.queue_stands", params=params)


def _unknown() -> Iterator[Trouble]:
    for job in Job.objects.filter(state="unknown").order_by("pk"):
        if job.error_code == unsaved.ELSEWHERE:
            yield _elsewhere("unknown", job)
            continue
        held = sum(Attempt.objects.filter(job=job, state="unknown").values_list("hold_micro_usd", flat=True))
        params = {"provider": job.provider, "reason": job.error_code, "micro_usd": held, "usd": dollars(held)}
        yield Trouble(kind="unknown", object=f"job {job.pk}", code="doctor.unknown", params=params)
    # Sent again since: the job went on, the call before is as much in doubt as it was.
    for call in Attempt.objects.filter(state="unknown").exclude(job__state="unknown").order_by("pk"):
        params = {"provider": call.provider, "job": str(call.job_id), "usd": dollars(call.hold_micro_usd)}
        yield Trouble(kind="unknown", object=f"call {call.pk}", code="doctor.doubt", params=params)
