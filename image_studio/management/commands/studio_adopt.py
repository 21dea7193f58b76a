"""``manage.py studio_adopt app.Model.field --brand B``: take the pictures that a site has already."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from image_studio.management.base import FINDINGS, StudioCommand, brand_of
from image_studio.wording import explain_error
from image_studio.workflow.adoption import Adoption, adopt, alt_field, file_field


class Command(StudioCommand):
    """The files of one field, into a brand's library. They are read, and stay where they are."""

    help = (
        "Adopts the pictures of a model's ImageField or FileField into a brand's library, once each; the site's own "
        "files are not touched. Exit status 1 when one was refused."
    )
    keys = ("row", "file", "status", "code", "message", "asset")

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("field", metavar="APP.MODEL.FIELD")
        parser.add_argument("--brand", required=True)
        parser.add_argument(
            "--alt", default="", metavar="FIELD", help="where the alt text stands; usual names are found"
        )
        parser.add_argument("--locale", default="", help="the language of the alt texts; the brand's default")
        parser.add_argument("--dry-run", action="store_true", help="judge every file and write nothing")

    def run(self, **options: Any) -> int:
        brand, column = brand_of(options["brand"]), file_field(options["field"])
        alt = alt_field(column, options["alt"])
        found = adopt(self.policy, brand, column, alt=alt, locale=options["locale"], dry=options["dry_run"])
        rows = self.lines((_line(one) for one in found), as_json=options["json"])
        return FINDINGS if any(row["status"] == "refused" for row in rows) else 0


def _line(one: Adoption) -> dict[str, Any]:
    return {
        "row": str(one.row),
        "file": one.name,
        "status": one.status,
        "code": one.error.code if one.error else "",
        "message": explain_error(one.error) if one.error else "",
        "asset": str(one.asset.pk) if one.asset else None,
    }
