"""``manage.py studio_unknowns``: calls that may have been charged, and what becomes of them."""

from __future__ import annotations

import math
from argparse import ArgumentParser
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from image_studio.exceptions import InvalidRequest
from image_studio.management.base import FINDINGS, StudioCommand
from image_studio.models import Attempt, Job
from image_studio.wording import explain
from image_studio.workflow.unknowns import adopt, doubt_of, doubtful, resend, write_off


class Command(StudioCommand):
    """List the calls in doubt, or settle those of one job."""

    help = (
        "Lists calls whose outcome nobody knows: they may have been charged, and hold their money. With JOB and one of "
        "--adopt, --resend and --write-off they are settled. Exit status 1 while any are left."
    )
    keys = ("attempt", "job", "brand", "state", "since", "host", "here", "held_micro_usd", "message")

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", nargs="?", default=None, metavar="JOB", help="settle the calls of this job")
        verbs = parser.add_mutually_exclusive_group()
        verbs.add_argument(
            "--adopt", action="store_true", help="take in the whole pictures that came; run it on the host that asked"
        )
        verbs.add_argument(
            "--resend",
            default=None,
            metavar="KEY",
            help="send it once more, with a hold of its own; the same KEY sends it once. It may then be charged twice",
        )
        verbs.add_argument("--write-off", action="store_true", help="give it up; it is charged at what it holds")
        parser.add_argument("--attempt", default=None, metavar="CALL", help="with --write-off: of this call alone")
        parser.add_argument(
            "--charged", default=None, metavar="USD", help="with --write-off: what the bill says, 0 for nothing"
        )
        parser.add_argument("--note", default=None, help="with --write-off: how that is known")

    def run(self, **options: Any) -> int:
        # Given and empty is a variable that was not set: it never means "all of them".
        if not options["write_off"]:
            for name in ("attempt", "charged", "note"):
                if options[name] is not None:
                    raise InvalidRequest("unknowns.only_write_off", option=f"--{name}")
        if options["job"] is not None:
            self._settle(_job(options["job"]), options)
        elif options["adopt"] or options["resend"] is not None or options["write_off"]:
            raise InvalidRequest("unknowns.name_the_job")
        return FINDINGS if self.lines(self._rows(options["job"]), as_json=options["json"]) else 0

    def _settle(self, job: Job, options: dict[str, Any]) -> None:
        if options["adopt"]:
            adopt(self.policy, job)
        elif options["resend"] is not None:
            resend(self.policy, job, key=options["resend"])
        elif options["write_off"]:
            call = _call(options["attempt"]) if options["attempt"] is not None else None
            charged = None if options["charged"] is None else _micro(options["charged"])
            write_off(self.policy, job, attempt=call, charged_micro_usd=charged, note=options["note"] or "")

    def _rows(self, job: str | None) -> Iterator[dict[str, Any]]:
        rows = doubtful(self.policy)
        for call in rows.filter(job=_uuid(job)) if job else rows:
            yield _row(call)


def _row(call: Attempt) -> dict[str, Any]:
    doubt = doubt_of(call, call.job)
    return {
        "attempt": str(call.pk),
        "job": str(call.job_id),
        "brand": call.job.brand.slug,
        "state": call.job.state,
        "since": call.started_at.isoformat(timespec="seconds"),
        "host": call.host,
        "here": doubt.here,
        "held_micro_usd": doubt.held_micro_usd,
        "message": explain(call.error_code, call.error_params) if call.error_code else "",
    }


def _job(text: str) -> Job:
    job = Job.objects.select_related("brand", "variant_set").filter(pk=_uuid(text)).first()
    if job is None:
        raise InvalidRequest("unknowns.no_job", job=text)
    return job


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidRequest("unknowns.no_job", job=text[:80]) from None


def _call(text: str) -> UUID:
    """:raises InvalidRequest: ``unknowns.no_call``."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidRequest("unknowns.no_call", call=text[:80]) from None


def _micro(text: str) -> int:
    """Dollars as micro-USD, rounded up: a sum is never "not charged"."""
    try:
        return math.ceil(Decimal(text) * 1_000_000)
    except (InvalidOperation, ValueError, OverflowError):
        raise InvalidRequest("unknowns.no_sum", text=text[:80]) from None
