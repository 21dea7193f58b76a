"""``manage.py studio_brand export B DIR`` and ``import DIR``: the kit as files, for git and other sites."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from image_studio.exceptions import InvalidRequest
from image_studio.management.base import USAGE, StudioCommand, brand_of
from image_studio.models import BrandRevision
from image_studio.workflow import export_kit, import_kit


class Command(StudioCommand):
    """Move a brand kit between sites as ``brand.toml`` and its files."""

    help = "Exports a brand's kit to a folder, or imports one from there as a new revision."
    keys = ("brand", "revision", "folder")

    def arguments(self, parser: ArgumentParser) -> None:
        # No sub-parsers: they would take --json only in front of the verb.
        parser.add_argument("verb", choices=["export", "import"])
        parser.add_argument("names", nargs="+", metavar="[BRAND] DIR", help="export: BRAND DIR; import: DIR")

    def run(self, **options: Any) -> int:
        names: list[str] = options["names"]
        if len(names) != {"export": 2, "import": 1}[options["verb"]]:
            raise CommandError("Write studio_brand export BRAND DIR, or studio_brand import DIR.", returncode=USAGE)
        folder = Path(names[-1])
        revision = self._export(names[0], folder) if options["verb"] == "export" else import_kit(self.policy, folder)
        row = {"brand": revision.brand.slug, "revision": revision.number, "folder": str(folder)}
        self.lines([row], as_json=options["json"])
        return 0

    def _export(self, slug: str, folder: Path) -> BrandRevision:
        brand = brand_of(slug)
        try:
            export_kit(self.policy, brand, folder)
        except OSError as error:
            raise InvalidRequest("file.unreadable", file=str(folder), detail=str(error.strerror)) from error
        assert brand.revision is not None  # export_kit refuses a brand without one
        return brand.revision
