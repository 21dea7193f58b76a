"""``manage.py studio_worker``: the embedded worker and sweeper."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from image_studio.conf import conf
from image_studio.management.base import FINDINGS, StudioCommand
from image_studio.runner.beats import this_host
from image_studio.runner.draining import work
from image_studio.runner.worker import Worker


class Command(StudioCommand):
    """Work until told to stop, or with ``--once`` until nothing is left."""

    help = (
        "Runs the studio's jobs. Ctrl+C or SIGTERM stops it in order: calls in flight finish first; a second one cuts "
        "them short. With --once it ends when nothing is left, with exit status 1 when a job failed."
    )
    keys = ("worker", "ended", "failed")

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once",
            action="store_true",
            help="end when nothing is left; takes over from dead workers of this host at once and waits for others",
        )
        parser.add_argument("--concurrency", type=_count, default=None, metavar="N", help="jobs in work at once")
        parser.add_argument(
            "--grace",
            type=float,
            default=None,
            metavar="SECONDS",
            help="how long calls in flight may go on after a stop",
        )

    def run(self, **options: Any) -> int:
        worker = Worker(concurrency=options["concurrency"], once=options["once"], grace=options["grace"])
        if not options["json"]:
            told = f"on {this_host()}, {worker.concurrency} at once, doorbell {conf().doorbell}"
            self.stdout.write(f"Worker {worker.id} {told}. Ctrl+C stops it.")
            self.stdout.flush()
        tally = work(worker)
        rows = [{"worker": str(worker.id), "ended": tally.ended, "failed": tally.failed}]
        self.lines(rows, as_json=options["json"])
        return FINDINGS if options["once"] and tally.failed else 0


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise ArgumentTypeError(f"{text} is no number from 1 to 10000")
    return int(text)
