"""Sets of hundreds of finished cells as rows alone: no file is written, nothing is rendered."""

from __future__ import annotations

import hashlib
import itertools

from image_studio.models import Asset, CheckResult, JobOutput, Variant
from tests import factories

#: What a run of the checks leaves on one picture.
VERDICTS = ("pass",) * 17 + ("warn", "fail", "not_run")
_numbers = itertools.count(1)


def make_finished(brand, *, takes=2, locales=("en", "ar"), verdicts=VERDICTS, **fields):
    """A finished set of five channels x takes x locales, each cell with its picture and its verdicts."""
    slugs = list(factories.specs.channels())[:5]
    made = factories.make_set(brand, channels=factories.make_channels(*slugs), takes=takes, locales=locales)
    cells = list(made.variants.order_by("position"))
    assets = Asset.objects.bulk_create([_asset(brand, cell, **fields) for cell in cells])
    for cell, asset in zip(cells, assets, strict=True):
        cell.asset, cell.state = asset, "ready"
    Variant.objects.bulk_update(cells, ["asset", "state"])
    JobOutput.objects.bulk_create(
        JobOutput(job_id=job, index=index, asset=assets[0])
        for job, index in dict.fromkeys((cell.job_id, cell.output_index) for cell in cells)
    )
    CheckResult.objects.bulk_create(
        _verdict(asset, verdict, number) for asset in assets for number, verdict in enumerate(verdicts)
    )
    made.jobs.update(state="done")
    return made


def _asset(brand, cell, **fields):
    values = {
        "brand": brand,
        "kind": "composed",
        "origin": "compose",
        "channel": cell.channel,
        "locale": cell.locale,
        "file": "none",
        "sha256": hashlib.sha256(str(next(_numbers)).encode()).hexdigest(),
        "weight": 1,
        "format": "jpeg",
        "width": cell.channel_spec["width"],
        "height": cell.channel_spec["height"],
        "alt": {"en": "A red bottle on a table", "ar": "زجاجة حمراء على طاولة"},
    }
    return Asset(**{**values, **fields})


def _verdict(asset, verdict, number):
    return CheckResult(
        asset=asset,
        check_name="contrast",
        kind="measured",
        verdict=verdict,
        blocks=verdict == "fail",
        code="contrast.low" if verdict == "fail" else "contrast.enough",
        params={"layer": "headline", "ratio": 2.1, "needed": 4.5},
        region=[0.1, 0.1, 0.2, 0.05],
        score=2.1 + number,
    )
