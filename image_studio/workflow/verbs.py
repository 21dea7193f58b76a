"""What can be said to a job in each state, as data: the one table that pages, the API, the docs and a test read.

A result is what becomes of the job: ``cancelled``; ``asked`` (its result will be kept, marked unwanted); ``queued``
again; ``wanted`` again, where it was asked to stop; ``adopted`` (what lies in the spool is taken in); ``failed`` as
written off. A refusal is the code of its error.
"""

from __future__ import annotations

from collections.abc import Mapping

VERBS = ("cancel", "retry", "adopt", "resend", "write_off")
WRONG, UNKNOWN = "job.wrong_state", "job.unknown_outcome"
NOT_UNKNOWN = "job.not_unknown"

_OVER = {"cancel": WRONG, "retry": "queued", "adopt": NOT_UNKNOWN, "resend": NOT_UNKNOWN, "write_off": NOT_UNKNOWN}
_COMING = {**_OVER, "cancel": "cancelled", "retry": WRONG}
_WORKING = {**_COMING, "cancel": "asked"}

#: Of jobs that buy pictures: state -> verb -> result, or the code of the refusal.
TABLE: Mapping[str, Mapping[str, str]] = {
    "queued": _COMING,
    "leased": _COMING,
    "sending": _WORKING,
    "spooled": _WORKING,
    "done": {**_OVER, "retry": WRONG},
    "failed": _OVER,
    "blocked": _OVER,
    "cancelled": _OVER,
    "unknown": {"cancel": UNKNOWN, "retry": UNKNOWN, "adopt": "adopted", "resend": "queued", "write_off": "failed"},
}
#: What is different where it was asked to stop and still works.
ASKED_TO_STOP: Mapping[str, str] = {"cancel": "asked", "retry": "wanted"}
#: What is different where it ended although an answer of it is paid for, and was never stored.
UNSAVED: Mapping[str, str] = {"retry": "adopted"}


def possible(state: str, verb: str) -> bool:
    """Whether a job in this state has a result for the verb, whoever says it."""
    return "." not in TABLE[state][verb]
