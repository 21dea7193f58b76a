"""The corpus of real image files of other projects: where it is and what is expected of each file.

It lies outside the repository, at ``IMAGE_STUDIO_CORPUS`` or ``../shared/corpus``. Without it tests skip, except in
CI (``CI=true``), where they fail.
"""

from __future__ import annotations

import csv
import os
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORPUS = Path(os.environ.get("IMAGE_STUDIO_CORPUS") or ROOT.parent / "shared" / "corpus")
MANIFEST = CORPUS / "MANIFEST.tsv"


def corpus(name: str = "") -> Path:
    """The path of a corpus file; skips (fails in CI) where there is no corpus."""
    if not MANIFEST.is_file():
        reason = f"no corpus at {CORPUS}; set IMAGE_STUDIO_CORPUS"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return CORPUS / name


def corpus_bytes(name: str) -> bytes:
    return corpus(name).read_bytes()


@cache
def manifest() -> tuple[dict[str, str], ...]:
    """The rows of the manifest, none where there is no corpus (for parametrising)."""
    if not MANIFEST.is_file():
        return ()
    with MANIFEST.open(encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(lines, delimiter="\t"))


def rows(*expected: str) -> list[object]:
    """Parameters for one test per file whose ``expected`` is among these; one that skips where there is no corpus."""
    found = [pytest.param(row, id=row["file"]) for row in manifest() if row["expected"] in expected]
    return found or [pytest.param(None, id="no-corpus")]


def bytes_of(row: dict[str, str] | None) -> bytes:
    """The file of a row; skips or fails where :func:`rows` found no corpus."""
    return corpus_bytes(row["file"] if row else "")
