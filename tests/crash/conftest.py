"""The nursery of a run, a studio for each test, and the table at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections

from image_studio import testing
from image_studio.ledger import open_budget
from image_studio.models import Budget
from tests.crash.nest import Nest, nursery

COLUMNS = ("point", "action", "engine", "recovery", "charges", "stored", "unknown", "held", "verdict")


@pytest.fixture(scope="session")
def _nursery() -> Iterator[Nest]:
    with nursery() as made:
        yield made


@pytest.fixture
def nest(_nursery: Nest, tmp_path: Any, transactional_db: None) -> Iterator[Nest]:
    """Where workers are born; nothing of this test's lives on after it."""
    name = str(django_settings.DATABASES["default"].get("TEST", {}).get("NAME", ""))
    assert connection.vendor != "sqlite" or "memory" not in str(connection.settings_dict["NAME"]), name
    _nursery.folder = tmp_path
    yield _nursery
    _nursery.clear()
    connections.close_all()


@pytest.fixture
def studio(nest: Nest, settings: Any) -> Any:
    """Configure the studio of this process and of the workers; returns the path of the provider's books."""

    def configure(*script: str, more: Any = None, **options: Any) -> Any:
        books = nest.folder / "ledger.jsonl"
        settings.MEDIA_ROOT = str(nest.folder / "media")
        settings.IMAGE_STUDIO = {
            "DOORBELL": "poll",
            "LEASE_SECONDS": 2.0,
            "BEAT_SECONDS": 0.4,
            "SWEEP_SECONDS": 0.3,
            "POLL_SECONDS": 0.05,
            "PIXEL_THREADS": 1,
            "BRAND_CHECKS": (),
            **testing.fake_settings(ledger=books, script=script or ("ok",), retry_after=0.2, **options),
            **(more or {}),
        }
        (nest.folder / "studio.json").write_text(json.dumps(settings.IMAGE_STUDIO))
        open_budget(Budget(period="ever", hard_micro_usd=10_000_000))
        return books

    return configure


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One row a run: what failed where, and what came of it."""
    rows = []
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            told = dict(getattr(report, "user_properties", ()))
            if "point" in told and (report.when == "call"):
                rows.append({**told, "verdict": "held" if outcome == "passed" else "BROKEN"})
    if not rows:
        return
    lines = [COLUMNS, *(tuple(str(row.get(name, "-")) for name in COLUMNS) for row in sorted(rows, key=_order))]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    terminalreporter.section("fail points")
    for line in lines:
        terminalreporter.write_line(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        )
    points = {row["point"] for row in rows}
    broken = sum(row["verdict"] != "held" for row in rows)
    terminalreporter.write_line(f"{len(points)} fail points, {len(rows)} runs, {broken} broken")


def _order(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row.get(name, "")) for name in COLUMNS[:4])
