"""Which line of a ``brand.toml`` a place such as ``brand.layouts[0].texts[1].size`` stands on.

tomllib keeps no positions. This reads headers and keys line by line: enough for files as people and :mod:`.toml`
write them; where it cannot tell (all in one line, odd quoting) it answers the nearest header it saw, or 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\-\" ]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w\-]+|\"[^\"]*\")\s*=")
_ITEM = re.compile(r"\s*\{")
_STEP = re.compile(r"([^.\[\]]+)(?:\[(\d+)\])?")


def line_of(text: str, place: str, key: str = "") -> int:
    """The line (from 1) of a place, else of the nearest thing around it, else 0."""
    wanted = [*_steps(place.removeprefix("brand").removeprefix(".")), *([key] if key else [])]
    known = {tuple(path): number for number, path in reversed(list(_paths(text)))}
    for length in range(len(wanted), 0, -1):
        if tuple(wanted[:length]) in known:
            return known[tuple(wanted[:length])]
    return 0


def _steps(place: str) -> list[str]:
    return [part for name, index in _STEP.findall(place) for part in (name, index) if part]


def _paths(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line, path) of every header, key and item of a list of inline tables."""
    counts: dict[tuple[str, ...], int] = {}
    table: list[str] = []
    inline: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table, inline = _enter(header[2], header[1] == "[[", counts), []
            yield number, table
        elif found := _KEY.match(line):
            inline = [*table, found[1].strip('"')]
            counts.pop(tuple(inline), None)
            yield number, inline
        elif inline and _ITEM.match(line):
            index = counts[tuple(inline)] = counts.get(tuple(inline), -1) + 1
            yield number, [*inline, str(index)]


def _enter(name: str, repeated: bool, counts: dict[tuple[str, ...], int]) -> list[str]:
    """The path of a header: every list of tables on the way is in its newest item."""
    path: list[str] = []
    steps = [step.strip().strip('"') for step in name.split(".")]
    for i, step in enumerate(steps):
        path.append(step)
        if repeated and i == len(steps) - 1:
            counts[tuple(path)] = counts.get(tuple(path), -1) + 1
        if tuple(path) in counts:
            path.append(str(counts[tuple(path)]))
    return path
