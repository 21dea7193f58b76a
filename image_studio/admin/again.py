"""Buttons that try again: they may spend, so each carries a key, and a form that is sent twice buys once.

The key follows from how a job ended, not from chance: a page that looks for changes finds none in it, and once the job
has ended again the button has another. It ends with the most that the button said, and no more than that is held.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from image_studio import ledger
from image_studio.models import EditStep, Job, Variant
from image_studio.policy import Policy
from image_studio.wording.money import most_dollars
from image_studio.workflow.cells import Again
from image_studio.workflow.chains import again_of
from image_studio.workflow.once import once

#: A key, and behind it what its button said. One without has told no price, and binds none.
BOUND = re.compile(r"[0-9a-z-]+\.(\d{1,18})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button that tries again: its key and its words."""

    key: str
    words: str


def of_step(step: EditStep) -> Button:
    """The button that tries a step again; without a key where the step has no job."""
    again = again_of(step)
    key = bound(_digest([_told(step.job)]), _most([again])) if step.job is not None else ""
    return Button(key=key, words=priced(_("Try again"), [again]) if again else _("Try again, free"))


def of_cells(words: str, cells: Iterable[tuple[Variant, Again | None]]) -> Button:
    """The button that tries cells again, with their jobs as they were read.

    :param cells: each with what trying it again buys.
    """
    cells = list(cells)
    key = _digest([f"{cell.pk} {cell.state} {cell.round} {_told(cell.job)}" for cell, _again in cells])
    bought = [again for _cell, again in cells]
    return Button(key=bound(key, _most(bought)), words=priced(words, bought))


def bound(key: str, most: int | None) -> str:
    """The key of a button that said what it may cost at most, in micro-USD."""
    return key if most is None else f"{key}.{most}"


def said_by(key: str) -> int | None:
    """What the button of a key said; None where it did not know."""
    found = BOUND.fullmatch(key)
    return int(found[1]) if found else None


def _told(job: Job) -> str:
    moments = [moment.isoformat() if moment else "-" for moment in (job.ended_at, job.cancel_requested_at)]
    return " ".join([str(job.pk), job.state, str(job.lease_token), *moments])


def _digest(parts: Iterable[str]) -> str:
    return "again-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def tried(policy: Policy, key: str, what: str, act: Callable[[], int | None]) -> int:
    """Try again, unless this button was pressed before.

    :param what: names what is tried, with its id.
    :param act: may give how many are.
    :raises StudioError: as :func:`~image_studio.workflow.once.once` and ``act``; ``price.risen`` where it costs more by
        now than the button said.
    """

    def acted() -> dict[str, int]:
        with ledger.at_most(said_by(key)):
            return {"n": act() or 0}

    return int(once(policy, key, {"verb": "again", "what": what}, acted).answer["n"])


def priced(what: str, bought: Iterable[Again | None]) -> str:
    """A button's words with the most that it may spend: ``Retry 3 cells (max $0.06)``; alone where that is nothing."""
    most = _most(bought)
    if most is None:
        return _("{what} (price unknown)").format(what=what)
    return _("{what} (max ${most})").format(what=what, most=most_dollars(most)) if most else what


def _most(bought: Iterable[Again | None]) -> int | None:
    """Of pictures that several share, each once; None where nobody knows of one."""
    known = 0
    for most in {again.picture: again.most for again in bought if again is not None}.values():
        if most is None:
            return None
        known += most
    return known
