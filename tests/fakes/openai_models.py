"""The models the fake plays, written from the facts alone: a second opinion that reads nothing of the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

#: The day on the server's calendar unless a test sets another: the day the facts were written down.
TODAY = date(2026, 11, 22)
OLD_SIZES = ("1024x1024", "1536x1024", "1024x1536")
OLD_QUALITIES = ("low", "medium", "high", "auto")
NEW_QUALITIES = ("low", "medium", "high", "xhigh", "max", "auto")


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model id. ``sizes`` empty means any size within the rules; ``ends`` is the first day it answers 404."""

    id: str
    family: str
    released: date
    ends: date | None = None
    sizes: tuple[str, ...] = ()
    qualities: tuple[str, ...] = NEW_QUALITIES
    formats: tuple[str, ...] = ("png", "jpeg", "webp")
    preview_formats: tuple[str, ...] = ()
    transparent: bool = True
    fidelity: tuple[str, ...] = ()
    markup: bool = False
    complexity: bool = False
    auto_quality: str = "medium"

    def alive(self, today: date) -> bool:
        return self.released <= today and (self.ends is None or today < self.ends)

    def listed(self) -> dict[str, Any]:
        """As GET /v1/models shows it."""
        born = datetime(self.released.year, self.released.month, self.released.day, tzinfo=UTC)
        return {
            "id": self.id,
            "object": "model",
            "created": int(born.timestamp()),
            "owned_by": "system",
            "shutdown_date": self.ends.isoformat() if self.ends else None,
        }


def _old(model: str, family: str, released: date, ends: date, fidelity: tuple[str, ...]) -> Model:
    return Model(
        id=model,
        family=family,
        released=released,
        ends=ends,
        sizes=OLD_SIZES,
        qualities=OLD_QUALITIES,
        fidelity=fidelity,
        auto_quality="high",
    )


def _two(model: str) -> Model:
    released = date(2026, 4, 21)
    return Model(id=model, family="2", released=released, qualities=OLD_QUALITIES, transparent=False)


def _two_five(model: str) -> Model:
    return Model(id=model, family="2.5", released=date(2026, 9, 8), markup=True)


def _two_six(model: str, auto_quality: str) -> Model:
    return Model(
        id=model,
        family="2.6",
        released=date(2026, 11, 4),
        markup=True,
        complexity=True,
        preview_formats=("gif", "svg"),
        auto_quality=auto_quality,
    )


_END = date(2026, 12, 1)
_DALLE_END = date(2026, 5, 12)

MODELS = {
    model.id: model
    for model in (
        _two_six("gpt-image-2.6-sunburst", "high"),
        _two_six("gpt-image-2.6-flare", "medium"),
        _two_five("gpt-image-2.5-sunburst"),
        _two_five("gpt-image-2.5-sunburst-2026-09-08"),
        _two_five("gpt-image-2.5-flare"),
        _two_five("gpt-image-2.5-flare-2026-09-08"),
        _two("gpt-image-2"),
        _two("gpt-image-2-2026-04-21"),
        _old("gpt-image-1.5", "1.5", date(2025, 12, 16), _END, ("low", "high")),
        _old("gpt-image-1.5-2025-12-16", "1.5", date(2025, 12, 16), _END, ("low", "high")),
        _old("chatgpt-image-latest", "1.5", date(2025, 12, 16), _END, ("low", "high")),
        _old("gpt-image-1-mini", "mini", date(2025, 10, 6), _END, ("low",)),
        _old("gpt-image-1", "1", date(2025, 4, 23), date(2026, 10, 23), ("low", "high")),
        _old("dall-e-3", "dall-e", date(2023, 11, 6), _DALLE_END, ()),
        _old("dall-e-2", "dall-e", date(2022, 11, 3), _DALLE_END, ()),
    )
}
