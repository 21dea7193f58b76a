"""What becomes of a job after an error: one table, decided here and carried out elsewhere."""

from __future__ import annotations

import errno
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from image_studio.conf import ConfigurationError, conf
from image_studio.exceptions import OutcomeUnknown, ProviderRefused, ProviderUnavailable, StorageFailed, StudioError
from image_studio.runner.answers import plain
from image_studio.storage import failed

#: First wait before another try, in seconds; doubled with every try up to the longest.
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
#: The longest wait that a provider's Retry-After may ask for.
LONGEST_ASKED = 3600.0
#: A provider's "too many requests": nothing was charged, and nothing is wrong with the job.
TOO_MANY = "provider.rate_limited"
#: Trouble with files that passes; a missing file or a wrong sum does not.
PASSING = frozenset({"storage.full", "storage.write_failed", "storage.read_failed"})
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Where an error leads.

    :param to: the job's next state; ``spooled`` means: it stays and is tried again.
    :param attempt: the call's next state.
    :param wait: seconds until another try.
    """

    to: str
    attempt: str = "failed"
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    wait: float = 0.0


def before_sending(error: Exception, *, made: int) -> Decision:
    """Nothing was sent yet, so nothing was spent. ``made``: tries so far, this one included."""
    code, params = named(error)
    if code in PASSING and made < conf().max_attempts:
        return Decision(to="queued", code=code, params=params, wait=back_off(made))
    return Decision(to="failed", code=code, params=params)


def while_sending(error: BaseException, *, made: int, repeatable: bool) -> Decision:
    """The call was made. Only what is known to be uncharged goes out again by itself."""
    code, params = named(error)
    again = made < conf().max_attempts
    if code == TOO_MANY and isinstance(error, ProviderUnavailable):
        return Decision(to="queued", code=code, params=params, wait=_asked(error, made))
    if isinstance(error, ProviderUnavailable):
        return Decision(to="queued" if again else "failed", code=code, params=params, wait=_asked(error, made))
    if isinstance(error, ProviderRefused):
        return Decision(to="blocked" if code.endswith("moderation_blocked") else "failed", code=code, params=params)
    if not repeatable:
        return Decision(to="unknown", attempt="unknown", code=code, params=params)
    if again and (isinstance(error, (OutcomeUnknown, TimeoutError)) or code in PASSING):
        return Decision(to="queued", attempt="lost", code=code, params=params, wait=back_off(made))
    return Decision(to="failed", code=code, params=params)


def while_saving(error: Exception, *, made: int, repeatable: bool) -> Decision:
    """The answer is in the spool. It stays there whatever happens; a person's retry takes it up."""
    code, params = named(error)
    if code in PASSING and made < conf().max_attempts:
        return Decision(to="spooled", code=code, params=params, wait=back_off(made))
    if code == "job.answer_damaged":
        return Decision(to="queued" if repeatable else "unknown", attempt="lost", code=code, params=params)
    return Decision(to="failed", code=code, params=params)


def named(error: BaseException) -> tuple[str, dict[str, Any]]:
    """The code and the parameters of any error. Of a foreign one only its class is told: messages may hold secrets."""
    if isinstance(error, StudioError):
        return error.code, plain(error.params)
    if isinstance(error, TimeoutError):
        return "job.deadline", {"seconds": conf().deadline_seconds}
    if isinstance(error, ConfigurationError):
        return "job.misconfigured", {}
    if _of_files(error):
        return named(_storage_failed(error))
    return "job.crashed", {"error": type(error).__name__}


def _of_files(error: BaseException) -> TypeGuard[OSError]:
    """Whether an operating system's error is about files: those of sockets are OSErrors too."""
    return isinstance(error, OSError) and (error.filename is not None or error.errno in FULL)


def expected(error: BaseException) -> bool:
    """Whether an error is one of those that happen; anything else is a defect and is logged with its traceback."""
    return isinstance(error, (StudioError, TimeoutError, ConfigurationError)) or _of_files(error)


def back_off(made: int) -> float:
    """Seconds to wait after the ``made``-th try: doubling, with jitter, so that many do not come back at once."""
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** max(0, made - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret


def _asked(error: ProviderUnavailable, made: int) -> float:
    asked = error.params.get("retry_after")
    if not isinstance(asked, (int, float)) or isinstance(asked, bool):
        return back_off(made)
    floor = min(max(float(asked), 0.0), LONGEST_ASKED)
    return floor + min(floor * 0.1 + 1.0, FIRST_WAIT) * random.random()  # noqa: S311


def _storage_failed(error: OSError) -> StorageFailed:
    return failed(error, str(error.filename or ""), "storage.write_failed")
