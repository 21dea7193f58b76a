"""What the doctor says: one finding a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One thing that is wrong.

    :param kind: ``stuck``, ``unknown``, ``set``, ``worker``, ``queue``, ``spool``, ``missing``, ``altered``,
        ``orphan``, ``storage``, ``trigger``, ``over_held``, ``ledger`` or ``budget``.
    :param object: what it is about: ``job <id>``, a file's name, a folder of the spool.
    :param fixed: whether it was mended just now.
    """

    kind: str
    object: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    fixed: bool = False
