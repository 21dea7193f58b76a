"""How much an edit changed where it should have changed nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from image_studio.brand.checks.base import Check, Subject, Verdict


@dataclass(frozen=True, kw_only=True)
class Drift(Check):
    """Share of the area outside the mask that differs from the parent by more than a dE00 of 4. Score: that share.

    Says nothing of a picture that is no edit. An edit without a mask has no outside: then it did not run. Of a pasted
    picture it is 0, because the parent's own pixels were put back; what the model did is told beside it.

    :param warn: share from which it warns, as ``fail``. An edit redraws the whole picture, so a little is normal.
    """

    name: ClassVar[str] = "drift"
    bare: ClassVar[bool] = True
    warn: float = 0.02
    fail: float = 0.10

    def run(self, subject: Subject) -> tuple[Verdict, ...]:
        found = subject.drift
        if found is None:
            return ()
        if not found:
            return (self.not_run("drift.not_comparable"),)
        if not found.get("masked"):
            return (self.not_run("drift.no_mask", percent=_percent(found)),)
        return (self._judge(found),)

    def _judge(self, found: Any) -> Verdict:
        share = float(found["share"])
        facts: dict[str, Any] = {"percent": _percent(found), "worst": round(float(found["worst_mean"]), 1)}
        if share <= self.warn:
            return self.passed("drift.little", **facts, score=share)
        worst = {"score": share, "region": tuple(found["worst"])}
        if share <= self.fail:
            return self.warned("drift.some", **facts, **worst)
        return self.failed("drift.much", **facts, **worst)


def _percent(found: Any) -> float:
    return round(100 * float(found["share"]), 1)
