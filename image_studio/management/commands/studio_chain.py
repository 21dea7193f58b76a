"""``manage.py studio_chain export CHAIN PATH`` and ``import PATH --brand B``: an edit history as files."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from image_studio.exceptions import InvalidRequest
from image_studio.management.base import FINDINGS, USAGE, StudioCommand, brand_of
from image_studio.models import EditChain
from image_studio.workflow.chain_export import export_chain, export_chain_to
from image_studio.workflow.chain_import import import_chain
from image_studio.workflow.chain_pack import NAME


class Command(StudioCommand):
    """Move an edit history between sites: a ZIP where the path ends with ``.zip``, else a folder."""

    help = (
        "Exports an edit history as JSON and files, or rebuilds one from there; exit status 1 when parts are left out."
    )
    keys = ("chain", "title", "brand", "steps", "pictures", "left_out", "again", "path")

    def arguments(self, parser: ArgumentParser) -> None:
        # No sub-parsers: they would take --json only in front of the verb.
        parser.add_argument("verb", choices=["export", "import"])
        parser.add_argument("names", nargs="+", metavar="[CHAIN] PATH", help="export: CHAIN PATH; import: PATH")
        parser.add_argument("--brand", help="import: the brand that takes it")

    def run(self, **options: Any) -> int:
        names: list[str] = options["names"]
        exports = options["verb"] == "export"
        if len(names) != (2 if exports else 1) or exports == bool(options["brand"]):
            raise CommandError(
                "Write studio_chain export CHAIN PATH, or studio_chain import PATH --brand B.", returncode=USAGE
            )
        path = Path(names[-1])
        row = self._export(_chain(names[0]), path) if exports else self._import(path, options["brand"])
        self.lines([row], as_json=options["json"])
        return FINDINGS if row["left_out"] else 0

    def _export(self, chain: EditChain, path: Path) -> dict[str, Any]:
        if path.suffix.lower() != ".zip":
            packed = export_chain_to(self.policy, chain, path)
            return self._row(chain, path, pictures=packed.pictures, left_out=packed.left_out)
        made = export_chain(self.policy, chain)
        try:
            with made.file, path.open("wb") as target:
                shutil.copyfileobj(made.file, target)
        except OSError as error:
            raise InvalidRequest("file.unreadable", file=str(path), detail=str(error.strerror)) from error
        return self._row(chain, path, pictures=made.pictures, left_out=made.left_out)

    def _import(self, path: Path, slug: str) -> dict[str, Any]:
        # A folder may be named by its document.
        source = path.parent if path.name == NAME else path
        done = import_chain(self.policy, brand_of(slug), source)
        return self._row(done.chain, path, pictures=done.pictures, left_out=0, again=done.again)

    def _row(self, chain: EditChain, path: Path, **more: Any) -> dict[str, Any]:
        told = {"chain": str(chain.pk), "title": chain.title, "brand": chain.brand.slug, "steps": chain.length}
        return {**told, "again": False, "path": str(path), **more}


def _chain(text: str) -> EditChain:
    """:raises InvalidRequest: ``chain_archive.no_chain``."""
    try:
        found = EditChain.objects.select_related("brand__revision").filter(pk=text).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise InvalidRequest("chain_archive.no_chain", chain=text[:60])
    return found
