"""What all commands share: JSON lines, exit statuses, and errors in words.

Exit status: 0 all well, 1 findings or failures, 2 usage (an unknown name, an unreadable file).
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Model, QuerySet

from image_studio.exceptions import InvalidRequest, StudioError
from image_studio.models import Brand, Channel
from image_studio.policy import Policy
from image_studio.wording import explain_error

FINDINGS, USAGE = 1, 2
Row = TypeVar("Row", bound=Model)


class StudioCommand(BaseCommand):
    """A command of somebody at the shell, whom no membership limits."""

    policy = Policy.operator()
    #: Keys of a ``--json`` line, in order; the table shows the same.
    keys: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        self.arguments(parser)
        parser.add_argument("--json", action="store_true", help="one JSON object per line")

    def arguments(self, parser: ArgumentParser) -> None:
        """The command's own arguments."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            status = self.run(**options)
        except StudioError as error:
            raise CommandError(explain_error(error), returncode=USAGE) from error
        if status:
            raise SystemExit(status)

    def run(self, **options: Any) -> int:
        """The work; returns the exit status."""
        raise NotImplementedError

    def lines(self, rows: Iterable[dict[str, Any]], *, as_json: bool) -> list[dict[str, Any]]:
        """Print rows as they come: JSON lines, or columns."""
        printed = []
        for row in rows:
            printed.append(row)
            if as_json:
                self.stdout.write(json.dumps({key: row.get(key) for key in self.keys}, ensure_ascii=False))
        if not as_json and printed:
            self._table(printed)
        return printed

    def _table(self, rows: list[dict[str, Any]]) -> None:
        cells = [[_cell(row.get(key)) for key in self.keys] for row in rows]
        widths = [max(len(key), *(len(row[i]) for row in cells)) for i, key in enumerate(self.keys)]
        for line in [list(self.keys), *cells]:
            self.stdout.write("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return " ".join(f"{key}:{_cell(count)}" for key, count in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "-"
    return str(value)


def named(rows: QuerySet[Row], slug: str, code: str, **names: str) -> Row:
    """The row of a slug.

    :raises InvalidRequest: with ``code``, naming what there is.
    """
    row = rows.filter(slug=slug).first()
    if row is None:
        known = ", ".join(rows.order_by("slug").values_list("slug", flat=True)[:20])
        raise InvalidRequest(code, **names, known=known or "-")
    return row


def brand_of(slug: str) -> Brand:
    """:raises InvalidRequest: ``brand.unknown``."""
    return named(Brand.objects.select_related("revision"), slug, "brand.unknown", brand=slug)


def channels_of(slugs: Iterable[str]) -> tuple[Channel, ...]:
    """The channels named, or all active ones where none is.

    :raises InvalidRequest: ``request.unknown_channel``.
    """
    active = Channel.objects.filter(active=True)
    wanted = tuple(dict.fromkeys(slugs))
    if not wanted:
        return tuple(active.order_by("slug"))
    return tuple(named(active, slug, "request.unknown_channel", channel=slug) for slug in wanted)


def pairs_of(given: Iterable[str]) -> dict[str, str]:
    """``NAME=VALUE`` options as a dict.

    :raises InvalidRequest: ``request.bad_variable``.
    """
    pairs = [text.partition("=") for text in given]
    for name, equals, value in pairs:
        if not equals:
            raise InvalidRequest("request.bad_variable", text=f"{name}{equals}{value}")
    return {name: value for name, _equals, value in pairs}


def read_file(path: str) -> bytes:
    """:raises InvalidRequest: ``file.unreadable``, with the system's words."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidRequest("file.unreadable", file=path, detail=error.strerror or type(error).__name__) from error
