"""``manage.py studio_ingest PATH ... --brand B``: import pictures."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from image_studio.exceptions import StudioError
from image_studio.management.base import FINDINGS, StudioCommand, brand_of, read_file
from image_studio.models import Brand
from image_studio.wording import explain_error
from image_studio.workflow import ingest


class Command(StudioCommand):
    """Take files, or every file of a folder, into a brand's library. One refused file stops no other."""

    help = "Imports pictures into a brand's library; exit status 1 when one was refused."
    keys = ("file", "status", "code", "message", "asset")

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH")
        parser.add_argument("--brand", required=True)

    def run(self, **options: Any) -> int:
        brand = brand_of(options["brand"])
        rows = self.lines((self._one(brand, path) for path in _files(options["paths"])), as_json=options["json"])
        return FINDINGS if any(row["status"] == "refused" for row in rows) else 0

    def _one(self, brand: Brand, path: str) -> dict[str, Any]:
        try:
            done = ingest(self.policy, brand, read_file(path), name=Path(path).name, origin="import")
        except StudioError as error:
            return {"file": path, "status": "refused", "code": error.code, "message": explain_error(error)}
        status = "duplicate" if done.duplicate else "accepted"
        return {"file": path, "status": status, "code": "", "message": "", "asset": str(done.asset.pk)}


def _files(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if Path(path).is_dir():
            yield from sorted(str(inner) for inner in Path(path).rglob("*") if inner.is_file())
        else:
            yield path
