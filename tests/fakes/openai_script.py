"""What the fake server is to do next: words for the coming POSTs, and the day, pace and names that hold until told."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.fakes.openai_faults import FAULTS
from tests.fakes.openai_models import TODAY

REFUSE = "refuse_connection"


@dataclass(kw_only=True)
class Script:
    """The words of POST /_script and of ``serve()``.

    :param faults: names of ``FAULTS`` or ``ok``, one for each POST to images; ``ok`` when none is left.
    :param moderation_faults: the same for POSTs to moderations; only faults that need no picture make sense.
    :param latency: seconds until an answer, spread between the events of a stream.
    :param today: the day on the calendar, by which models begin and end.
    :param retry_after: seconds that a 429 asks for.
    :param refuse_seconds: how long nobody listens for ``refuse_connection``.
    :param deployments: Azure's names for models; under /openai/v1 only these then work.
    :param unlisted: model ids that work and yet are missing from GET /v1/models.
    """

    faults: Sequence[str] = ()
    moderation_faults: Sequence[str] = ()
    latency: float = 0.0
    today: date = TODAY
    retry_after: float = 1.0
    refuse_seconds: float = 0.5
    deployments: Mapping[str, str] | None = None
    unlisted: Sequence[str] = ()
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        self.tell(faults=self.faults, moderation_faults=self.moderation_faults)

    def tell(self, **told: Any) -> None:
        """Change what is told and leave the rest.

        :raises ValueError: for a word that is none.
        """
        strange = sorted(name for name in told if name.startswith("_") or name not in vars(self))
        words = [*told.get("faults", ()), *told.get("moderation_faults", ())]
        strange += sorted(set(words) - {"ok", *FAULTS})
        if strange:
            raise ValueError(f"a script has no {', '.join(strange)}")
        with self._lock:
            for name, value in told.items():
                setattr(self, name, _READ.get(name, lambda given: given)(value))

    def word(self, *, images: bool) -> str:
        """The word for the POST that has just come."""
        with self._lock:
            words: Any = self.faults if images else self.moderation_faults
            return words.popleft() if words else "ok"

    def refusing(self) -> bool:
        """Whether the next thing is that nobody listens; the word is taken."""
        found = False
        with self._lock:
            words: Any = self.faults
            while words and words[0] == REFUSE:
                words.popleft()
                found = True
        return found


_READ: dict[str, Any] = {
    "faults": deque,
    "moderation_faults": deque,
    "today": lambda given: date.fromisoformat(str(given)),
}
