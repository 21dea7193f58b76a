"""``manage.py demo``: the main job from nothing to a published page, and then the site to play with."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from demo import contact_sheet, draw, job
from demo.fresh import start_clean
from demo.seed import OWNER, REVIEWER, People, publish_stories, seed
from demo.serve import serve
from image_studio.exceptions import StudioError
from image_studio.imaging.decode import decode
from image_studio.models import Asset, Brand
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow import Sheet, sheet
from image_studio.workflow.library import limits

USAGE = 2


class Command(BaseCommand):
    """Seed an empty site with a brand, run a variant set through to publishing, show it, and serve it."""

    help = "Turns a picture into a sheet of checked, approved, published variants. Starts clean, below var/."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--photo", type=Path, help="your picture instead of the one that the demo draws")
        parser.add_argument("--no-serve", action="store_true", help="end after the contact sheet")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--takes", type=int, default=1, help="different takes of each channel")

    def handle(self, *_args: Any, **options: Any) -> None:
        begun = time.monotonic()
        photo: Path | None = options["photo"]
        try:
            if photo:
                judge(photo)
            folder = start_clean()
            people = self.run(folder, photo, options["takes"])
        except (StudioError, OSError) as error:
            raise CommandError(words(error, photo), returncode=USAGE) from error
        self.stdout.write(f"Contact sheet: {folder / contact_sheet.PAGE}")
        self.stdout.write(f"               {folder / contact_sheet.PICTURE}")
        self.stdout.write(f"Done in {time.monotonic() - begun:.0f} s.")
        if not options["no_serve"]:
            self.serve(people, options["port"])

    def run(self, folder: Path, photo: Path | None, takes: int) -> People:
        """The whole job; prints what it does."""
        brand, people = seed()
        owner, reviewer = Policy(people.owner), Policy(people.reviewer)
        self.stdout.write(f"Brand {brand.name}: kit, {brand.prompts.count()} prompts, two locales, six channels.")
        source = self.source(owner, brand, folder, photo)
        self.stdout.write(f"Source: {source.title}, {source.width} x {source.height} {source.format.upper()}.")
        ordered = job.run(owner, job.variants(owner, brand, source, takes))
        shown = sheet(reviewer, ordered)
        self.stdout.write(f"Made {shown.pictures_bought} pictures and composed {len(shown.cells)} cells of them, free.")
        published = job.release(reviewer, shown)
        self.stdout.write(f"Approved and published as {REVIEWER}: {len(published)} of {len(shown.cells)}.")
        stand_ins = sheet(reviewer, job.run(owner, job.placeholders(brand)))
        self.report(folder, reviewer, sheet(reviewer, ordered), stand_ins)
        return people

    def report(self, folder: Path, reviewer: Policy, shown: Sheet, stand_ins: Sheet) -> None:
        articles = publish_stories(job.shown_by_place(shown))
        self.stdout.write(f"The magazine shows them in {len(articles)} stories.\n")
        self.stdout.write(job.table(shown))
        self.stdout.write("\nPlaceholders, made of a prompt before anything is spent, never published:")
        self.stdout.write(job.table(stand_ins))
        self.stdout.write("")
        titles = (f"{shown.variant_set.title}: reframed, free, no AI", stand_ins.variant_set.title)
        contact_sheet.write(reviewer, folder, list(zip(titles, (shown, stand_ins), strict=True)))

    def source(self, policy: Policy, brand: Brand, folder: Path, photo: Path | None) -> Asset:
        if photo:
            return job.take_in(policy, brand, photo, drawn=False)
        self.stdout.write("Drawing the product picture, some seconds ...")
        drawn = folder / "product.jpg"
        draw.save(drawn)
        return job.take_in(policy, brand, drawn, drawn=True)

    def serve(self, people: People, port: int) -> None:
        self.stdout.write(f"\nMagazine:  http://127.0.0.1:{port}/")
        self.stdout.write(f"Studio:    http://127.0.0.1:{port}/admin/")
        self.stdout.write(f"Frontend:  http://127.0.0.1:{port}/frontend/ (one static page, all of it over REST)")
        self.stdout.write(f"Log in as {OWNER} (may do everything) or {REVIEWER} (may approve and publish).")
        self.stdout.write(f"Password of both, for this run: {people.password}")
        self.stdout.write("A worker runs beside the server. Ctrl-C stops both.\n")
        self.stdout.flush()
        status = serve(port, settings.SECRET_KEY)
        if status:
            raise CommandError("The server or the worker ended; its own words stand above.", returncode=status)


def judge(photo: Path) -> None:
    """:raises ImageRefused: before anything of an earlier run is removed."""
    decode(photo.read_bytes(), limits())


def words(error: Exception, photo: Path | None) -> str:
    """An error in words, with the file that it is about."""
    if isinstance(error, StudioError):
        told = explain_error(error)
        return f"{photo}: {told}" if photo else told
    return f"{getattr(error, 'filename', None) or photo}: {getattr(error, 'strerror', None) or error}"
