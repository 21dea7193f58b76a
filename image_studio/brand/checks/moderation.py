"""What a moderation service said of the prompt and of the picture. The service is asked elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from image_studio.brand.checks.base import Check, Subject, Verdict
from image_studio.brand.judged import KINDS, Judged, Looked

#: What was looked at -> the reasons of a pass, a warning and a failure.
_CODES = {
    "prompt": ("moderation.prompt_clear", "moderation.prompt_near", "moderation.prompt_refused"),
    "picture": ("moderation.picture_clear", "moderation.picture_near", "moderation.picture_flagged"),
}
#: All reasons that say that something was looked at.
REASONS = frozenset(code for codes in _CODES.values() for code in codes)
#: Those of pictures, and what the service said by them, however much a kit makes of it.
OF_PICTURES = dict(zip(_CODES["picture"], ("pass", "warn", "fail"), strict=True))


@dataclass(frozen=True, kw_only=True)
class Moderation(Check):
    """Nothing may be flagged. It says what was looked for: no service looks for all that matters.

    Score: the highest of what was looked for, from 0 to 1.

    :param warn: a score from which an unflagged category warns; 0 is none.
    :param fail: a score from which an unflagged category fails; 0 is none, and the service's own limits decide.
    """

    name: ClassVar[str] = "moderation"
    kind: ClassVar[str] = "judged"
    warn: float = 0.0
    fail: float = 0.0

    def run(self, subject: Subject) -> tuple[Verdict, ...]:
        found = tuple(self._judge(what, looked) for what, looked in subject.looked.items())
        return found or (self.not_run("moderation.off"),)

    def _judge(self, what: str, looked: Looked) -> Verdict:
        if not isinstance(looked, Judged):
            return self.not_run(looked.code, **{**looked.params, "what": what})
        clear, near, flagged = _CODES[what]
        scores = looked.scores(KINDS[what])
        if not scores and not looked.flagged:
            return self.not_run("moderation.not_looked", what=what, model=looked.model)
        told: dict[str, Any] = {
            "what": what,
            "model": looked.model,
            "looked_for": ", ".join(sorted(scores)),
            "said": looked.to_dict(),
            "score": max(scores.values(), default=0.0),
        }
        against = {*looked.flags, *_from(scores, self.fail)}
        if looked.flagged or against:
            return self.failed(flagged, categories=", ".join(sorted(against)) or "-", **told)
        if close := _from(scores, self.warn):
            return self.warned(near, categories=", ".join(sorted(close)), **told)
        return self.passed(clear, **told)


def _from(scores: Mapping[str, float], limit: float) -> set[str]:
    return {name for name, score in scores.items() if limit and score >= limit}
