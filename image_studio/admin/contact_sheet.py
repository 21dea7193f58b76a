"""What the contact sheet's template is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from image_studio.admin.base import picture_url
from image_studio.admin.fields import WordsField
from image_studio.admin.generate_forms import line_keys
from image_studio.admin.generating import generate_url
from image_studio.admin.reviewing import say_controls
from image_studio.conf import routes
from image_studio.models import CheckResult, VariantSet
from image_studio.policy import Policy
from image_studio.states import ASSET
from image_studio.wording import explain
from image_studio.workflow.sheet import Cell, Sheet

STATUS = {
    "waiting": gettext_lazy("Waiting"),
    "working": gettext_lazy("Working"),
    "ready": gettext_lazy("Ready"),
    "failed": gettext_lazy("Failed"),
    "blocked": gettext_lazy("Blocked"),
    "unknown": gettext_lazy("Outcome unknown, may have been charged"),
    "compose_failed": gettext_lazy("Could not be composed"),
    "cancelled": gettext_lazy("Cancelled"),
}
FILTERS = {
    "": gettext_lazy("All"),
    "mine": gettext_lazy("Needs me"),
    "failed": gettext_lazy("Failed"),
    "approved": gettext_lazy("Approved"),
}
BROKEN = ("failed", "blocked", "unknown", "compose_failed")
#: An unknown outcome may have been charged: nothing here sends it again.
RETRYABLE = ("failed", "blocked", "compose_failed", "cancelled")
#: Verdicts in the order in which a reviewer wants them.
ORDER = ("fail", "warn", "not_run", "pass")


@dataclass(frozen=True, kw_only=True)
class Said:
    """One verdict in words; ``number`` ties it to its box on the picture (0 has none)."""

    result: CheckResult
    words: str
    number: int
    box: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A cell as the page draws it."""

    cell: Cell
    actions: frozenset[str]
    state: str
    label: Any
    verdicts: tuple[Said, ...]
    judged: bool
    name: str
    full_url: str
    preview_url: str

    @property
    def tickable(self) -> bool:
        return bool(self.cell.actions & {"approve", "publish", "reject"})


def context_of(policy: Policy, found: Sheet, *, show: str = "") -> dict[str, Any]:
    """Everything on the page; ``show`` is a key of :data:`FILTERS`."""
    variant_set = found.variant_set
    publisher = "publish" in found.can
    rows = [(row, [_shown(cell, show, publisher) for cell in row.cells]) for row in found.rows]
    spec = routes().get(variant_set.route)
    return {
        "sheet": found,
        "variant_set": variant_set,
        "rows": [row for row in rows if any(row[1]) or not show],
        "takes": max((row.take for row in found.rows), default=0) > 0,
        "filters": list(FILTERS.items()),
        "show": show,
        "route_title": spec.title if spec else variant_set.route,
        "ready": found.counts["ready"],
        "total": sum(found.counts.values()),
        "waits": found.counts["waiting"] + found.counts["working"],
        "broken": sum(found.counts[state] for state in RETRYABLE),
        "say_form": say_controls(),
        "texts_form": texts_form(variant_set) if "recompose" in found.can else None,
        "again_url": _again(policy, variant_set),
    }


def _shown(cell: Cell | None, show: str, publisher: bool) -> Shown | None:
    return shown(cell, publisher=publisher) if cell and _wanted(cell, show) else None


def _wanted(cell: Cell, show: str) -> bool:
    if show == "mine":
        return bool(cell.actions & {"approve", "override", "publish"}) or cell.status in BROKEN
    if show == "failed":
        return cell.status in BROKEN or cell.blocked
    if show == "approved":
        return cell.asset is not None and cell.asset.state in ("approved", "published")
    return True


def shown(cell: Cell, *, publisher: bool = False) -> Shown:
    """A cell with its state in one word and its verdicts in order of weight.

    :param publisher: whether this person may publish, and so approve and publish at once.
    """
    state, label = _state(cell)
    asset = cell.asset
    return Shown(
        cell=cell,
        actions=cell.actions,
        state=state,
        label=label,
        verdicts=said(cell.verdicts),
        judged=any(verdict.kind == "judged" for verdict in cell.verdicts),
        name=f"{cell.variant.channel.name}, {cell.variant.locale}",
        full_url=picture_url(asset.pk, "full") if asset else "",
        preview_url=picture_url(asset.pk) if asset else "",
    )


def _state(cell: Cell) -> tuple[str, Any]:
    """A finished cell shows what people decided; every other shows how far it is."""
    if cell.status != "ready" or cell.asset is None:
        return cell.status, STATUS[cell.status]
    if cell.publishing:
        return "working", _("Going live")
    if cell.blocked and cell.asset.state == "candidate":
        return "blocked", _("Blocked by a check")
    return cell.asset.state, ASSET.labels[cell.asset.state]


def said(verdicts: Sequence[CheckResult]) -> tuple[Said, ...]:
    """Verdicts in words, the worst first; those with a region are numbered."""
    found, number = [], 0
    for result in sorted(verdicts, key=lambda verdict: ORDER.index(verdict.verdict)):
        box = _box(result)
        number += box is not None
        found.append(
            Said(result=result, words=explain(result.code, result.params), number=number if box else 0, box=box)
        )
    return tuple(found)


def _box(result: CheckResult) -> tuple[str, ...] | None:
    """A region in per cent, for what went wrong only: a passed logo needs no frame.

    As text, because a template would write the numbers as the reader's language does, and SVG reads points only.
    """
    if not result.region or result.verdict not in ("fail", "warn"):
        return None
    return tuple(f"{float(part) * 100:.2f}" for part in result.region)


class TextsForm(forms.Form):
    """The lines of a set, over the kit's: changing them composes anew and buys nothing."""

    def __init__(self, *args: Any, variant_set: VariantSet, **kwargs: Any) -> None:
        kwargs.update(auto_id="texts_%s", prefix="texts")
        super().__init__(*args, **kwargs)
        self.kit = variant_set.brand.kit
        matrix = variant_set.matrix
        self.locales = list(matrix.get("locales", ()))
        self.keys = line_keys(self.kit, matrix.get("channels", ()))
        for key in self.keys:
            for locale in self.locales:
                words = variant_set.texts.get(key, {}).get(locale) or self.kit.line(key, locale)
                label = f"{key} ({locale})"
                self.fields[f"{key}_{locale}"] = WordsField(label=label, locale=locale, max_length=500, initial=words)

    def texts(self) -> dict[str, dict[str, str]]:
        """What differs from the kit's own lines."""
        found: dict[str, dict[str, str]] = {}
        for key in self.keys:
            for locale in self.locales:
                words = self.cleaned_data[f"{key}_{locale}"].strip()
                if words and words != self.kit.line(key, locale):
                    found.setdefault(key, {})[locale] = words
        return found


def texts_form(variant_set: VariantSet, data: Any = None) -> TextsForm:
    return TextsForm(data, variant_set=variant_set)


def _again(policy: Policy, variant_set: VariantSet) -> str:
    """The form for another set from the same start."""
    if not policy.can("generate", variant_set):
        return ""
    query: dict[str, Any] = {}
    if variant_set.source_id:
        query["source"] = variant_set.source_id
    if variant_set.prompt_version is not None:
        query["prompt"] = variant_set.prompt_version.prompt_id
    return generate_url(**query) if query else ""
