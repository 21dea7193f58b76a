"""The states of things as tables, and the one way to change one: a conditional UPDATE.

A Python check followed by a save loses every race. :meth:`StateTable.move` says in one UPDATE from which states
the move is allowed and returns how many rows made it; the caller writes the event in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True, kw_only=True)
class StateTable:
    """The states of one kind of thing.

    :param labels: state -> words, in the order in which they are shown.
    :param moves: state -> the states it may become.
    """

    name: str
    labels: Mapping[str, str | Promise]
    moves: Mapping[str, frozenset[str]]

    @property
    def choices(self) -> list[tuple[str, str | Promise]]:
        return list(self.labels.items())

    @property
    def names_q(self) -> Q:
        """For a CHECK constraint: the database holds the names too."""
        return Q(state__in=list(self.labels))

    def sources(self, to: str) -> frozenset[str]:
        """The states from which ``to`` can be reached in one move."""
        return frozenset(state for state, targets in self.moves.items() if to in targets)

    def move(self, rows: QuerySet[Any], to: str, *, only_from: Iterable[str] | None = None, **values: Any) -> int:
        """Move rows to a state by one UPDATE and return how many moved.

        :param only_from: narrows the allowed sources; a source the table forbids is a programming error.
        :param values: other columns set by the same UPDATE.
        :raises ValueError: for an unknown state or a move that the table does not have.
        """
        allowed = self.sources(to)
        wanted = allowed if only_from is None else frozenset(only_from)
        if to not in self.labels or not wanted or wanted - allowed:
            raise ValueError(f"{self.name}: no move from {sorted(wanted - allowed)} to {to!r}")
        return rows.filter(state__in=wanted).update(state=to, **values)


def _table(name: str, labels: dict[str, Any], moves: dict[str, str]) -> StateTable:
    return StateTable(
        name=name, labels=labels, moves={state: frozenset(moves.get(state, "").split()) for state in labels}
    )


JOB = _table(
    "job",
    {
        "queued": _("Waiting"),
        "leased": _("Starting"),
        "sending": _("Working"),
        "spooled": _("Saving"),
        "done": _("Done"),
        "failed": _("Failed"),
        "blocked": _("Blocked"),
        "cancelled": _("Cancelled"),
        "unknown": _("Outcome unknown"),
    },
    {
        # spooled: after a restore, where its answer lies in the spool and the database does not know that it was sent.
        "queued": "leased spooled cancelled",
        # done straight from leased: local work (compose, render) that no provider answers. spooled straight from
        # leased: the answer to an earlier call still lies in the spool and is taken instead of a new one.
        "leased": "queued sending spooled done failed blocked cancelled",
        # queued from sending: only where the provider is repeatable; the runner sees to that.
        "sending": "queued spooled failed blocked unknown",
        "spooled": "queued done failed unknown",
        # spooled: an answer of it is paid for and was never stored. The host that has it takes it in; queued, another
        # host would buy it again.
        "failed": "queued spooled",
        "blocked": "queued spooled",
        # Never sent, or its answer was unwanted: a person may ask again.
        "cancelled": "queued spooled",
        # spooled: the answer turned up after all, on the host that had asked.
        "unknown": "queued spooled done failed",
    },
)
JOB_ENDED = frozenset({"done", "failed", "blocked", "cancelled", "unknown"})
JOB_HELD = frozenset({"leased", "sending", "spooled"})

ASSET = _table(
    "asset",
    {
        "candidate": pgettext_lazy("asset state", "To review"),
        "shortlisted": _("Shortlisted"),
        "approved": _("Approved"),
        "rejected": _("Rejected"),
        "published": _("Published"),
        "withdrawn": _("Withdrawn"),
    },
    {
        "candidate": "shortlisted approved rejected",
        "shortlisted": "candidate approved rejected",
        "approved": "published rejected",
        "rejected": "candidate approved",
        "published": "withdrawn",
        "withdrawn": "approved rejected",
    },
)

VARIANT = _table(
    "variant",
    {
        "waiting": _("Waiting"),
        "ready": _("Ready"),
        "compose_failed": _("Could not be composed"),
        "cancelled": _("Cancelled"),
    },
    {
        "waiting": "ready compose_failed cancelled",
        "ready": "waiting",
        "compose_failed": "waiting ready cancelled",
        "cancelled": "waiting",
    },
)

CHAIN = _table("chain", {"open": _("Open"), "closed": _("Closed")}, {"open": "closed", "closed": "open"})

#: What people decided of a step's candidates; whether there are any is its job's state.
STEP = _table(
    "step",
    {"open": _("Undecided"), "chosen": _("Chosen"), "rejected": pgettext_lazy("edit step", "Rejected")},
    # chosen from chosen: another candidate of the same step.
    {"open": "chosen rejected", "chosen": "chosen rejected open", "rejected": "chosen open"},
)

ATTEMPT = _table(
    "attempt",
    {
        "sending": _("Sent"),
        "answered": _("Answered"),
        "failed": _("Failed"),
        "unknown": _("Outcome unknown"),
        "lost": _("Lost with its worker"),
        "written_off": _("Written off"),
    },
    {
        "sending": "answered failed unknown lost",
        "lost": "answered",
        "unknown": "answered written_off",
        # The answer turned up after a person had given it up.
        "written_off": "answered",
    },
)
