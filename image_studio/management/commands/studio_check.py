"""``manage.py studio_check FILE ... --brand B --channel C``: brand lint for CI."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from image_studio.brand.checks import Subject, load, run_checks
from image_studio.brand.kit import Kit
from image_studio.catalog.specs import ChannelSpec
from image_studio.conf import conf
from image_studio.exceptions import StudioError
from image_studio.imaging.decode import decode
from image_studio.management.base import FINDINGS, StudioCommand, brand_of, channels_of, read_file
from image_studio.wording import explain, explain_error
from image_studio.workflow.library import limits


class Command(StudioCommand):
    """Run the brand's checks on finished files. What cannot be known of a flat file says ``not_run``."""

    help = "Checks picture files against a brand and a channel; exit status 1 when one fails."
    keys = ("file", "check", "verdict", "kind", "score", "reason")

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--brand", required=True)
        parser.add_argument("--channel", required=True)

    def run(self, **options: Any) -> int:
        kit = brand_of(options["brand"]).kit
        channel = channels_of([options["channel"]])[0].spec
        checks = load(conf().brand_checks)
        verdicts = (row for path in options["files"] for row in _rows(path, kit, channel, checks))
        rows = self.lines(verdicts, as_json=options["json"])
        return FINDINGS if any(row["verdict"] == "fail" for row in rows) else 0


def _rows(path: str, kit: Kit, channel: ChannelSpec, checks: Any) -> Iterator[dict[str, Any]]:
    try:
        picture = decode(read_file(path), limits())
    except StudioError as error:
        yield {"file": path, "check": "gate", "verdict": "fail", "kind": "measured", "reason": explain_error(error)}
        return
    subject = Subject(
        kit=kit,
        image=picture.image,
        format=picture.format,
        weight=picture.weight,
        channel=channel,
        source_type=picture.source_type,
    )
    for verdict in run_checks(checks, subject):
        yield {
            "file": path,
            "check": verdict.check,
            "verdict": verdict.verdict,
            "kind": verdict.kind,
            "score": verdict.score,
            "reason": explain(verdict.code, verdict.params),
        }
