"""``manage.py studio_doctor``: what is stuck, unknown, orphaned, missing or altered."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from image_studio.management.base import FINDINGS, StudioCommand
from image_studio.runner.doctor import examine
from image_studio.wording import explain


class Command(StudioCommand):
    """Look at jobs, files and the spool of this host; mend what can be mended without asking anybody."""

    help = "Finds stuck and unknown jobs, lost answers, orphaned, missing and altered files; exit status 1 on findings."
    keys = ("kind", "object", "code", "message", "fixed")

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fix", action="store_true", help="mend what can be mended; nothing is ever sent again")

    def run(self, **options: Any) -> int:
        rows = (
            {
                "kind": found.kind,
                "object": found.object,
                "code": found.code,
                "message": explain(found.code, found.params),
                "fixed": found.fixed,
            }
            for found in examine(self.policy.actor, fix=options["fix"])
        )
        return FINDINGS if self.lines(rows, as_json=options["json"]) else 0
