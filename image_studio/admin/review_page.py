"""What the review board's template is given: evidence, switches, and what a person can say, with what was typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.template.defaultfilters import floatformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.base import picture_url
from image_studio.models import DECLARATION, REJECT_REASONS, Asset, CheckResult
from image_studio.states import ASSET
from image_studio.wording import explain
from image_studio.workflow.queue import OPEN
from image_studio.workflow.review import is_judged, moderated

#: Verdicts in the order in which a reviewer wants them; a failure that blocks comes before all.
ORDER = ("fail", "warn", "not_run", "pass")
#: What can be drawn over the picture: name, words, and whether it is drawn from the start.
SWITCHES = (
    ("fail", gettext_lazy("failed"), True),
    ("warn", gettext_lazy("warned"), True),
    ("pass", gettext_lazy("passed"), False),
    ("safe", gettext_lazy("safe area"), False),
    ("asked", gettext_lazy("change asked for"), True),
)
#: The four numbers of a region, in per cent of the picture.
SIDES = (
    ("left", gettext_lazy("from the left")),
    ("top", gettext_lazy("from the top")),
    ("width", gettext_lazy("width")),
    ("height", gettext_lazy("height")),
)
Box = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A verdict in words. ``number`` ties it to its box on the picture; 0 has none.

    :param tag: where the number stands: above its box, so that it hides nothing of what is judged.
    """

    result: CheckResult
    words: str
    facts: str
    number: int
    box: Box | None
    tag: Box | None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A box to tick or a reason to choose; ``number`` is its key."""

    value: str
    words: Any
    number: int
    chosen: bool


def context_of(asset: Asset, verdicts: Sequence[CheckResult], typed: Mapping[str, Any]) -> dict[str, Any]:
    """What is drawn and what can be said of a picture.

    :param typed: the fields of a refused form: what was written is never lost.
    """
    shown = evidence(asset, verdicts)
    asked = asset.change_asked
    boxes = {said.result.verdict for said in shown if said.box}
    return {
        "evidence": shown,
        "tally": Counter(verdict.verdict for verdict in verdicts),
        "judged": is_judged(verdicts),
        "moderated": moderated(verdicts),
        "waits": asset.state in OPEN,
        "label": ASSET.labels[asset.state],
        "asked": asked,
        "asked_box": box_of(asset, asked.region if asked else None),
        "switches": [row for row in SWITCHES if row[0] in boxes or row[0] in ("safe", "asked")],
        "unit": unit(asset),
        "full_url": picture_url(asset.pk, "full"),
        "points": choices(DECLARATION, typed, "declaration"),
        "reasons": choices(REJECT_REASONS, typed, "reason"),
        "alts": [(locale, str(typed.get(f"alt_{locale}", ""))) for locale in asset.alt_missing],
        "alts_there": [(one, asset.alt_for(one)) for one in asset.locales_to_describe if one not in asset.alt_missing],
        "sides": [(name, words, str(typed.get(f"region_{name}", ""))) for name, words in SIDES],
        "typed": typed,
    }


def evidence(asset: Asset, verdicts: Sequence[CheckResult]) -> list[Evidence]:
    """Every verdict in words, the worst first; those with a region are numbered."""
    found, number = [], 0
    for result in sorted(verdicts, key=_weight):
        box = box_of(asset, result.region)
        number += box is not None
        found.append(
            Evidence(
                result=result,
                words=explain(result.code, result.params),
                facts=_facts(result),
                number=number if box else 0,
                box=box,
                tag=_tag(asset, box) if box else None,
            )
        )
    return found


def unit(asset: Asset) -> float:
    """The size of a mark on the picture, which grows with it."""
    return max(asset.width, asset.height) / 40


def _tag(asset: Asset, box: Box) -> Box:
    return box[0], f"{max(0.0, float(box[1]) - unit(asset)):.1f}"


def _weight(result: CheckResult) -> tuple[int, bool]:
    return ORDER.index(result.verdict), not result.blocks


def _facts(result: CheckResult) -> str:
    """Which check says it, how it knows, and its number."""
    score = "" if result.score is None else _("score {n}").format(n=floatformat(result.score, -3))
    return ", ".join(part for part in (result.check_name, str(result.get_kind_display()), score) if part)


def box_of(asset: Asset, region: Any) -> Box | None:
    """A region in pixels of the picture: as text, because SVG reads points and no language's commas."""
    if not region:
        return None
    left, top, width, height = (float(part) for part in region)
    sides = (left * asset.width, top * asset.height, width * asset.width, height * asset.height)
    return tuple(f"{side:.1f}" for side in sides)


def safe_box(asset: Asset, safe: Sequence[float]) -> Box | None:
    """What a channel's own furniture leaves free; None where that is everything."""
    if not any(safe):
        return None
    top, right, bottom, left = safe
    return box_of(asset, (left, top, 1 - left - right, 1 - top - bottom))


def choices(words: Mapping[str, Any], typed: Mapping[str, Any], name: str) -> list[Choice]:
    given = typed.getlist(name) if hasattr(typed, "getlist") else typed.get(name, ())
    return [
        Choice(value=value, words=text, number=number, chosen=value in given)
        for number, (value, text) in enumerate(words.items(), 1)
    ]
