"""Buttons that try again: they may spend, so each carries a key, and a form that is sent twice buys once.

The key follows from how a job ended, not from chance: a page that looks for changes finds none in it, and once the job
has ended again the button has another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from django.utils.translation import gettext as _

from image_studio.models import EditStep, Job, Variant
from image_studio.policy import Policy
from image_studio.wording.money import most_dollars
from image_studio.workflow.cells import Again
from image_studio.workflow.chains import again_of
from image_studio.workflow.once import once


def key_of(job: Job | None) -> str:
    """The key of a button that tries a job again; empty without one."""
    return _digest([_told(job)]) if job is not None else ""


def key_of_cells(cells: Iterable[Variant]) -> str:
    """The key of a button that tries cells again, with their jobs as they were read."""
    return _digest([f"{cell.pk} {cell.state} {cell.round} {_told(cell.job)}" for cell in cells])


def _told(job: Job) -> str:
    moments = [moment.isoformat() if moment else "-" for moment in (job.ended_at, job.cancel_requested_at)]
    return " ".join([str(job.pk), job.state, str(job.lease_token), *moments])


def _digest(parts: Iterable[str]) -> str:
    return "again-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def tried(policy: Policy, key: str, what: str, act: Callable[[], int | None]) -> int:
    """Try again, unless this button was pressed before.

    :param what: names what is tried, with its id.
    :param act: may give how many are.
    :raises StudioError: as :func:`~image_studio.workflow.once.once` and ``act``.
    """
    answer = once(policy, key, {"verb": "again", "what": what}, lambda: {"n": act() or 0}).answer
    return int(answer["n"])


def priced(what: str, bought: Iterable[Again | None]) -> str:
    """A button's words with the most that it may spend: ``Retry 3 cells (max $0.06)``; alone where that is nothing."""
    pictures = {again.picture: again.most for again in bought if again is not None}
    if not pictures:
        return what
    known = [most for most in pictures.values() if most is not None]
    if len(known) < len(pictures):
        return _("{what} (price unknown)").format(what=what)
    return _("{what} (max ${most})").format(what=what, most=most_dollars(sum(known)))


def words_of_step(step: EditStep) -> str:
    """The words of the button that tries a step again."""
    again = again_of(step)
    return priced(_("Try again"), [again]) if again else _("Try again, free")
