"""What a moderation service said of a prompt or of a picture, or why it said nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: What is looked at -> the service's word for that kind of input.
KINDS = {"prompt": "text", "picture": "image"}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One answer of a service.

    :param flagged: by the service's own limits.
    :param flags: the categories that it flagged.
    :param categories: category -> score from 0 to 1.
    :param applied: category -> kinds of input that it was looked for in: ``text``, ``image``.
    :param model: of the service, as it names itself.
    """

    flagged: bool
    flags: tuple[str, ...] = ()
    categories: Mapping[str, float] = field(default_factory=dict)
    applied: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    model: str = ""

    def scores(self, kind: str) -> dict[str, float]:
        """The scores of what was really looked for in ``text`` or ``image``: the others are no judgement."""
        return {name: score for name, score in self.categories.items() if kind in self.applied.get(name, ())}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "flagged": self.flagged,
            "flags": list(self.flags),
            "categories": dict(self.categories),
            "applied": {name: list(kinds) for name, kinds in self.applied.items()},
            "model": self.model,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Judged:
        applied = {name: tuple(kinds) for name, kinds in plain["applied"].items()}
        return cls(**{**plain, "flags": tuple(plain["flags"]), "applied": applied})


@dataclass(frozen=True, kw_only=True)
class Unjudged:
    """Why there is no judgement; ``code`` has words in :mod:`image_studio.wording`. Never a pass."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"code": self.code, "params": dict(self.params)}


Looked = Judged | Unjudged


def looked_from(plain: Mapping[str, Any]) -> Looked:
    """What :meth:`Judged.to_dict` or :meth:`Unjudged.to_dict` made."""
    return Unjudged(**plain) if "code" in plain else Judged.from_dict(plain)
