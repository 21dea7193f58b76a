"""What ``chain.json`` says, as frozen values, and the names and numbers of its format.

``docs/chains-format.md`` says what each part is. Pictures and files have keys of the document's own (``p1``, ``f1``):
ids of the site that wrote it mean nothing anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from image_studio.models import OUTCOMES
from image_studio.runner.edit_requests import Polygon, StepOrder

FORMAT, VERSION = "image_studio.chain", 1
#: What costs are told in.
CURRENCY, UNIT = "USD", "micro_usd"
MOST_STEPS, MOST_PICTURES, MOST_VERDICTS, MOST_INPUTS = 2_000, 8_000, 200, 32
MOST_EDGE = 100_000
MOST_MONEY = 10**12
#: Of a step while it is still coming; nothing comes of it on another site.
COMING = ("planned", "waiting", "working")
STATUSES = (*(name for name in OUTCOMES if name), *COMING[1:])
ROLES = ("source", "reference", "mask", "markup")


@dataclass(frozen=True, kw_only=True)
class PictureDoc:
    """A picture as the archive tells of it.

    :param words: what :func:`~image_studio.workflow.library.describe` takes.
    :param told: what is kept for the record, and believed by nobody.
    """

    key: str
    file: str
    sha256: str
    source_type: str
    publishable: bool
    expires_at: datetime | None
    words: Mapping[str, Any]
    told: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class FileDoc:
    """A mask or a drawing; ``region`` and ``polygons`` where its place was told in fractions."""

    key: str
    role: str
    file: str
    sha256: str
    size: tuple[int, int]
    region: tuple[float, float, float, float] | None
    polygons: tuple[Polygon, ...]


@dataclass(frozen=True, kw_only=True)
class HeatDoc:
    file: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class CandidateDoc:
    index: int
    picture: str
    raw: str
    sha256: str
    size: tuple[int, int]
    micro_usd: int
    fault_code: str
    fault_params: Mapping[str, Any]
    paste: Mapping[str, Any]
    drift: Mapping[str, Any]
    heat: HeatDoc | None


@dataclass(frozen=True, kw_only=True)
class InputDoc:
    """What went along. ``picture`` and ``file`` are keys; both empty where it is gone, or was drawn by the worker."""

    role: str
    used_as: str
    picture: str
    file: str
    sha256: str
    size: tuple[int, ...]
    canvas: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StepDoc:
    """A step.

    :param order: None for a start; its references, mask and drawing are keys.
    :param told: how it was made, by whom and when: kept for the record.
    """

    number: int
    parent: int | None
    parent_candidate: int | None
    kind: str
    instruction: str
    route: str
    order: StepOrder | None
    inputs: Sequence[InputDoc]
    status: str
    fault_code: str
    fault_params: Mapping[str, Any]
    state: str
    choice: int | None
    reason: str
    note: str
    candidates: Sequence[CandidateDoc]
    told: Mapping[str, Any]

    @property
    def made(self) -> Mapping[str, Any]:
        return dict(self.told.get("made") or {})

    @property
    def source(self) -> str:
        """The key of the picture that it grows from."""
        return next((one.picture for one in self.inputs if one.role == "source"), "")

    def candidate(self, index: int | None) -> CandidateDoc | None:
        return next((one for one in self.candidates if one.index == index), None)


@dataclass(frozen=True, kw_only=True)
class Document:
    """A whole history.

    :param sha256: of ``chain.json``, which has the sum of every file: equal sums are the same history.
    """

    sha256: str
    title: str
    state: str
    head: int
    told: Mapping[str, Any]
    pictures: Mapping[str, PictureDoc] = field(default_factory=dict)
    files: Mapping[str, FileDoc] = field(default_factory=dict)
    steps: Sequence[StepDoc] = ()
