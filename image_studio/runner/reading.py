"""Reading what picture jobs need before they start, for many at once: the same few queries for one as for sixty-four.

What is true of one job only is told to that job only: a right that was revoked, a source that is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F

from image_studio.brand.checks import Check
from image_studio.brand.checks import load as load_checks
from image_studio.conf import conf
from image_studio.exceptions import StorageFailed
from image_studio.models import Among, Attempt, Job, Variant
from image_studio.policy import Policy
from image_studio.providers.base import PictureRequest
from image_studio.runner import answers
from image_studio.runner.adopting import answer_to
from image_studio.runner.leases import Fenced, Lease, held
from image_studio.runner.produce import Style
from image_studio.runner.work import (
    Halt,
    PictureWork,
    Words,
    cells_of,
    judge_end,
    judge_rights,
    model_of,
    policy_of,
    source_of,
    style_of,
)


def picture_work(lease: Lease) -> PictureWork:
    """Read a picture job; looks into the spool for an answer that is there already.

    :raises Halt: for a cancelled job, revoked rights, a model that ended, or a source that may not be used.
    :raises Fenced: when the lease was lost.
    :raises StorageFailed: when a file of the kit is missing, or the spooled answer is damaged.
    """
    (found,) = picture_works([lease])
    if isinstance(found, Exception):
        raise found
    return found


def for_many(asks: Sequence[tuple[Lease]]) -> list[PictureWork | Exception]:
    """As a batch is asked."""
    return picture_works([lease for (lease,) in asks])


def picture_works(leases: Sequence[Lease]) -> list[PictureWork | Exception]:
    """What :func:`picture_work` gives or raises, for each."""
    desk = _Desk.of(leases)
    return [_read(desk, lease) for lease in leases]


def _read(desk: _Desk, lease: Lease) -> PictureWork | Exception:
    try:
        return desk.work(lease)
    except Exception as error:  # noqa: BLE001 - this job's own
        return error


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """The rows of all jobs of a batch, and what they share, each read once."""

    jobs: Mapping[UUID, Job]
    calls: Mapping[UUID, Sequence[tuple[UUID, int]]]
    cells: Mapping[UUID, Sequence[Variant]]
    checks: Sequence[Check]
    policies: dict[tuple[Any, bool], Policy | None] = field(default_factory=dict)
    styles: dict[tuple[UUID | None, UUID | None, UUID], Style] = field(default_factory=dict)

    @classmethod
    def of(cls, leases: Collection[Lease]) -> _Desk:
        # One query for each kind of thing: joined, every job would bring the whole kit along.
        rows = held(leases).prefetch_related("brand__revision", "variant_set__revision")
        jobs = {row.pk: row for row in rows}
        calls: dict[UUID, list[tuple[UUID, int]]] = {}
        told = (
            Attempt.objects.filter(Among(F("job"), list(jobs)))
            .order_by("-number")
            .values_list("job_id", "pk", "number")
        )
        for job, pk, number in told:
            calls.setdefault(job, []).append((pk, number))
        cells: dict[UUID, list[Variant]] = {}
        waiting = Variant.objects.filter(Among(F("job"), list(jobs)), state="waiting").order_by("position")
        for cell in waiting:
            cells.setdefault(cell.job_id, []).append(cell)
        return cls(jobs=jobs, calls=calls, cells=cells, checks=load_checks(conf().brand_checks))

    def work(self, lease: Lease) -> PictureWork:
        job = self.jobs.get(lease.job_id)
        if job is None or job.state != lease.state:
            raise Fenced(str(lease.job_id))
        calls = self.calls.get(job.pk, ())
        answer = next((found for pk, _number in calls if (found := answer_to(pk, job.provider))), None)
        policy = Policy.operator()
        if answer is None and lease.state == "spooled":
            raise StorageFailed("job.answer_damaged", name=str(calls[0][0]) if calls else str(job.pk))
        if answer is None:
            # An answer was paid for while it was allowed: taking it in asks nobody again.
            if job.cancel_requested_at:
                raise Halt("cancelled")
            policy = judge_rights(self._policy(job), "generate", job.brand)
        request = PictureRequest.from_dict(job.request)
        sources = tuple(source_of(policy, job, ref, check=answer is None) for ref in request.inputs)
        words = Words.of(job.variant_set, job)
        spec = model_of(job)
        if answer is None and lease.state == "leased":
            judge_end(spec)
        return PictureWork(
            lease=lease,
            job=job,
            style=self._style(job, words),
            words=words,
            cells=cells_of(self.cells.get(job.pk, ()), words),
            request=request,
            spec=spec,
            sources=sources,
            calls=calls[0][1] if calls else 0,
            answer=answer,
            looked=answers.looked_at(answer.attempt) if answer else {},
        )

    def _policy(self, job: Job) -> Policy | None:
        """The requester's rights as they are now, asked for once a person."""
        who = (job.requested_by_id, job.operator)
        if who not in self.policies:
            self.policies[who] = policy_of(job)
        return self.policies[who]

    def _style(self, job: Job, words: Words) -> Style:
        which = (words.revision_id, job.variant_set_id, job.brand_id)
        if which not in self.styles:
            self.styles[which] = style_of(job, words, self.checks)
        return self.styles[which]
